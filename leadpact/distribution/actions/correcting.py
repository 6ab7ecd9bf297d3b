"""Take an answer back: for ten minutes, whoever gave it may; measures use the last."""

from __future__ import annotations

from leadpact.custody.actions import Recorded, record
from leadpact.custody.entries import ANSWERS
from leadpact.custody.queries import Line, history
from leadpact.distribution.actions.asking import NotYours, Refused, asking
from leadpact.distribution.actions.offers import reopen_offer
from leadpact.distribution.permissions import may_reassign
from leadpact.distribution.rules.answers import CORRECTABLE_FOR, ago
from leadpact.team.models import User

GRACE = CORRECTABLE_FOR
# What the system may have written after an answer without anybody having acted on it.
_FOLLOWS_BY_ITSELF = frozenset({"judged", "recycled", "returned", "disqualified"})


def correct(*, lead_id: int, by: User, at: int, note: str = "") -> Recorded:
    """Undo the last answer of Sales on this lead: it stands again where the answer was given, and can be answered anew.

    Its clock is what it was, with ten minutes' grace where it ran out meanwhile. Raises Refused after ten minutes, or
    where somebody acted on the answer already.
    """
    with asking(lead_id=lead_id, by=by, at=at, note=note) as asked:
        lines = history(lead_id, blind=False)
        given = _last_answer(lines)
        if given is None:
            raise Refused("There is no answer on this lead that could be corrected.")
        if given.user_id != by.pk and not may_reassign(by):
            raise NotYours("Only whoever gave the answer, their manager or operations can correct it.")
        if at - given.at > CORRECTABLE_FOR:
            raise Refused(f"An answer can be corrected for ten minutes; this one was given {ago(at - given.at)}.")
        before = lines[lines.index(given) - 1]
        due = None if before.due is None else max(before.due, at + GRACE)
        entry = asked.entry(
            "corrected", reason=given.move, cause_seq=given.seq, to=before.state, salesperson_id=before.salesperson_id,
            due=due, due_what=before.due_what, not_before=before.not_before,
        )  # fmt: skip
        recorded = record([entry], at=at)
        if recorded[0].state == "offered":
            reopen_offer(lead_id=lead_id, due=recorded[0].due)
        return recorded[0]


def _last_answer(lines: list[Line]) -> Line | None:
    """The last answer that somebody gave, if only the system's own consequences followed it."""
    corrected = {line.cause_seq for line in lines if line.move == "corrected"}
    for line in reversed(lines):
        if line.move in ANSWERS and line.actor != "system":
            return line if line.seq not in corrected and line.seq > 1 else None
        if line.actor != "system" or line.move not in _FOLLOWS_BY_ITSELF:
            return None
    return None
