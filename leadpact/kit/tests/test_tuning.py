"""The embedded server's share of memory follows what it may use."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from leadpact.kit.postgres import tuning

GB = 1024 * tuning.MB


@pytest.mark.parametrize(
    ("machine", "limit", "buffers"),
    [
        (8 * GB, None, "2048MB"),
        (8 * GB, "max", "2048MB"),
        (64 * GB, None, "4096MB"),
        (64 * GB, str(2 * GB), "512MB"),
        (8 * GB, str(2**63 - 4096), "2048MB"),
        (256 * tuning.MB, None, "128MB"),
    ],
)
def test_memory_is_a_quarter_of_what_we_may_use(
    machine: int, limit: str | None, buffers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "memory.max"
    if limit is not None:
        file.write_text(f"{limit}\n")
    monkeypatch.setattr(tuning, "LIMITS", (file, tmp_path / "missing"))
    monkeypatch.setattr(tuning.psutil, "virtual_memory", lambda: SimpleNamespace(total=machine))
    assert tuning.settings(durable=True)["shared_buffers"] == buffers
