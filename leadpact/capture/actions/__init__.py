"""Verbs of capture. `intake` is the door that every way in leads to; `leadpact.loop` provides it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from leadpact.capture.rules.arrival import Arrival, Taken
from leadpact.kit.ports import Port


class Intake(Protocol):
    """take(arrivals, known_at=…, historic=…) in one transaction; see `leadpact/loop/intake.py`."""

    def __call__(self, arrivals: Sequence[Arrival], *, known_at: int, historic: bool = False) -> Taken: ...


_intake: Port[..., Taken] = Port("capture.actions.intake")


def intake(arrivals: Sequence[Arrival], *, known_at: int, historic: bool = False) -> Taken:
    """Take a batch through the loop. historic: facts about the past, judged once at the end of the import."""
    return _intake(arrivals, known_at=known_at, historic=historic)


def connect_intake(target: Intake) -> None:
    """Provide the intake. Called once by `leadpact.loop` at start-up."""
    _intake.connect(target)
