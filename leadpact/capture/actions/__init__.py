"""Verbs of capture. Two ports lead up from here, and `leadpact.loop` connects both: `intake`, the door that every way in
leads to, and `answers`, which takes rows of outcomes and spend: their tables belong to other rooms of this floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from leadpact.capture.rules.answers import Answered, OutcomeRow, SpendRow
from leadpact.capture.rules.arrival import Arrival, Ready, Taken
from leadpact.kit.ports import Port


class Turn(Protocol):
    """A batch's turn, among batches that follow one another; `kit.locks.Turn` is one."""

    def wait(self) -> None:
        """Wait for it."""
        ...

    def leave(self) -> None:
        """Give it up. Harmless where it is not held."""
        ...


class Intake(Protocol):
    """take(arrivals, known_at=…, historic=…, turn=…) in one transaction; see `leadpact/loop/intake.py`."""

    def __call__(
        self,
        arrivals: Sequence[Arrival | Ready],
        *,
        known_at: int,
        historic: bool = False,
        turn: Turn | None = None,
    ) -> Taken: ...


_intake: Port[..., Taken] = Port("capture.actions.intake")


def intake(
    arrivals: Sequence[Arrival | Ready],
    *,
    known_at: int,
    historic: bool = False,
    turn: Turn | None = None,
) -> Taken:
    """Take a batch through the loop. historic: facts about the past, judged once at the end of the import.

    turn: of a batch that takes turns with others; see `leadpact/loop/intake.py` for when, and for what the caller then owes.
    """
    return _intake(arrivals, known_at=known_at, historic=historic, turn=turn)


def connect_intake(target: Intake) -> None:
    """Provide the intake. Called once by `leadpact.loop` at start-up."""
    _intake.connect(target)


class Answers(Protocol):
    """take(rows, at=…): rows of one kind, in one transaction, each taken once for ever by its message or source key."""

    def __call__(self, rows: Sequence[OutcomeRow] | Sequence[SpendRow], *, at: int) -> Answered: ...


_answers: Port[..., Answered] = Port("capture.actions.answers")


def answers(rows: Sequence[OutcomeRow] | Sequence[SpendRow], *, at: int) -> Answered:
    """Take outcomes, or spend, of the past. A row that names nobody, or a move the ledger refuses, is refused by line."""
    return _answers(rows, at=at)


def connect_outcomes(target: Answers) -> None:
    """Provide `answers`. Called once by `leadpact.loop` at start-up."""
    _answers.connect(target)
