"""The workshop's benches: history made ready, by base version."""

from __future__ import annotations

from pathlib import Path

from leadpact.agreement.models import Bench
from leadpact.kit.places import data_directory


def bench(agreement_hash: str) -> Bench | None:
    """The bench of a base version, in whatever state; None where nobody asked for one."""
    return Bench.objects.filter(hash=agreement_hash).first()


def place(found: Bench) -> Path | None:
    """Where its files lie; None where it has none, or they are gone."""
    if not found.folder:
        return None
    there = data_directory() / found.folder
    return there if there.exists() else None
