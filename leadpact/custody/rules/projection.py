"""From a lead's entries to who holds it now: one step an entry, the same for writing and for verifying."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from leadpact.custody.entries import (
    MARKETING,
    NEEDS_CLOCK,
    SALES,
    STATES,
    UNBORN,
)

REFUSALS_KEPT = 20
# Refusals that stand only as long as the hand-over in which they happened.
RAN_OUT = "recalled"
# Moves whose reason is Sales' (or Marketing's) word about the lead itself, kept as the last reason given.
_GIVES_REASON = frozenset({"rejected", "recycled", "returned", "lost", "disqualified"})


@dataclass(slots=True)
class Held:
    """A lead's place in the ledger. The fields are those of the table Holding."""

    lead_id: int
    seq: int = 0
    at: int = 0
    hash: bytes = b""
    holder: str = ""
    state: str = UNBORN
    since: int = 0
    verdict: str = "prospect"
    salesperson_id: int | None = None
    cause: str = ""
    due: int | None = None
    due_what: str = ""
    lapsed: bool = False
    not_before: int | None = None
    offered_at: int | None = None
    accepted_at: int | None = None
    followed_up_at: int | None = None
    attempts: int = 0
    offers: int = 0
    reason: str = ""
    refused_by: list[list[int | str]] = field(default_factory=list)
    alternatives: int = 0


COLUMNS = tuple(field.name for field in fields(Held))
_HASH, _REFUSED = COLUMNS.index("hash"), COLUMNS.index("refused_by")


def held_from(row: Sequence[Any]) -> Held:
    """A database row whose first columns are COLUMNS, as the projection's object."""
    values = list(row[: len(COLUMNS)])
    values[_HASH] = bytes(values[_HASH])
    if isinstance(values[_REFUSED], str):  # Django's connections leave jsonb as text
        values[_REFUSED] = json.loads(values[_REFUSED])
    return Held(*values)


class Step(NamedTuple):
    """What of an entry moves the projection. `due` None keeps the running clock where the move allows that."""

    at: int
    move: str
    holder: str
    state: str
    salesperson_id: int | None
    reason: str = ""
    verdict: str = ""
    cause: str = ""
    due: int | None = None
    due_what: str = ""
    not_before: int | None = None
    alternatives: int | None = None


class ClockMissing(ValueError):
    """A lead would wait without a clock on somebody: whoever records the entry must give `due` and `due_what`."""


def clock_after(held: Held, move: str, state: str, due: int | None, due_what: str) -> tuple[int | None, str]:
    """The clock that runs after a move: a new one, the one that ran on, or none where the lead is closed or new.

    It runs on while the state stays, and between prospect and lead, where it is the same promise: a change of
    verdict is not a touch. Raises ClockMissing.
    """
    clocks = STATES[state].clocks
    if not clocks:
        return None, ""
    if due is not None:
        if not due_what:
            raise ClockMissing(f"the clock of lead {held.lead_id} has no name: give due_what with due")
        return due, due_what
    stays = state == held.state or {state, held.state} == {"prospect", "lead"}
    if move not in NEEDS_CLOCK and stays and held.due is not None:
        return held.due, held.due_what
    raise ClockMissing(f"lead {held.lead_id} would wait without a clock: {move} to {state} needs due and due_what")


def advance(held: Held, step: Step) -> None:
    """Move the projection by one entry, in place. `step.due` is the clock after the move (see clock_after)."""
    before = held.holder, held.state
    previous_salesperson = held.salesperson_id
    held.at = step.at
    held.seq += 1
    if (step.holder, step.state) != before:
        held.since = step.at
    held.holder, held.state = step.holder, step.state
    held.salesperson_id = None if step.holder == MARKETING else step.salesperson_id
    if (step.due, step.due_what) != (held.due, held.due_what):
        held.lapsed = False
    held.due, held.due_what = step.due, step.due_what
    if step.state != before[1] or step.not_before is not None:
        held.not_before = step.not_before
    if step.verdict:
        held.verdict = step.verdict
    if step.alternatives is not None:
        held.alternatives = step.alternatives
    if step.reason and step.move in _GIVES_REASON:
        held.reason = step.reason
    if before[0] == SALES:
        _refusals(held, step, previous_salesperson)
    _stages(held, step)


def _refusals(held: Held, step: Step, previous_salesperson: int | None) -> None:
    """Who let the lead go, why and when: routing passes them over until a touch comes that is newer than that."""
    if previous_salesperson is None:
        return
    if step.move in {"rejected", "recycled"}:
        held.refused_by = [*held.refused_by, [previous_salesperson, step.reason, step.at]][-REFUSALS_KEPT:]
    elif step.move == "recalled":
        held.refused_by = [*held.refused_by, [previous_salesperson, RAN_OUT, step.at]][-REFUSALS_KEPT:]


def _stages(held: Held, step: Step) -> None:
    """The marks of the present hand-over: offered, accepted, followed up, how often."""
    if step.move == "handed_over":
        held.offered_at, held.cause = step.at, step.cause
        held.accepted_at = held.followed_up_at = None
        held.attempts = held.offers = 0
        held.refused_by = [refusal for refusal in held.refused_by if refusal[1] != RAN_OUT]
    elif step.move == "recalled":
        held.offered_at = step.at
        held.offers += 1
    elif step.move == "accepted":
        held.accepted_at = step.at
    elif step.move == "followed_up":
        held.followed_up_at = held.followed_up_at or step.at
        held.attempts += 1
    elif step.move == "corrected":
        _undo(held, step)


def _undo(held: Held, step: Step) -> None:
    """A correction takes back what the undone move (the entry's reason) had marked."""
    if step.reason == "accepted":
        held.accepted_at = None
    elif step.reason in {"rejected", "recycled"} and held.refused_by:
        held.refused_by = held.refused_by[:-1]
