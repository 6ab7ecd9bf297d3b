"""A store for each test, and files that tests write themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadpact.lake.columns import parse_map
from leadpact.lake.names import Role
from leadpact.lake.read import Table, read_table
from leadpact.lake.store import Store

Write = Callable[[str, str | bytes], Path]
Read = Callable[..., Table]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(threads=1) as opened:
        yield opened


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


@pytest.fixture
def read(store: Store, write: Write) -> Read:
    """Read a file that has this content: read("leads", text, "lead_id=key", date_order="dmy")."""

    def given(
        role: Role, content: str | bytes, *maps: str, name: str = "file.csv", date_order: str | None = None
    ) -> Table:
        path = write(name, content)
        return read_table(path, role, maps=[parse_map(entry) for entry in maps], store=store, date_order=date_order)

    return given
