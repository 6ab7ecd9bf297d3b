"""The whole loop on one screen: what follows a verdict, and what follows a word of Sales.

Pure decisions; `follow.py` and `intake.py` read what they need, call these, and write. A lead goes round in a circle here,
and nowhere else: Marketing's hands → (sales-ready) → offered → Sales' answer → resting, repair, closed or won → (a new fact,
the end of a rest) → Marketing's hands.
"""

from __future__ import annotations

from dataclasses import dataclass

from leadpact.custody.actions import SYSTEM, NewEntry
from leadpact.custody.entries import BY_VERSION
from leadpact.language import hours
from leadpact.language.nodes import Agreement, Reason
from leadpact.qualification.rules.judged import Judged

WITH_MARKETING = frozenset({"new", "prospect", "lead"})
ASLEEP = frozenset({"resting", "lost", "disqualified"})
SALES_READY, DISQUALIFIED = "sales_ready", "disqualified"
DEFAULT_TOUCH_EVERY = 30 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Held:
    """A lead as it is held before a verdict. alternatives: those of sales_ready that held when it fell asleep.

    may_cool: since its acceptance it was once not below the threshold of `cools`.
    """

    lead_id: int
    holder: str
    state: str
    verdict: str
    cause: str
    alternatives: int
    may_cool: bool


def after_verdict(
    held: Held, judged: Judged, *, agreement: Agreement, agreement_hash: str, at: int, cause_touch: int | None = None,
    by_version: bool = False,
) -> list[NewEntry]:  # fmt: skip
    """The ledger entries that a verdict causes, in order. Empty where nothing changed.

    by_version: the version before would have judged as it did: the change of version made this verdict, not the person.

    Verdicts move only what Marketing holds (Meaning 11); a lead that sleeps wakes only by an alternative that did not hold
    when it fell asleep (Meaning 12); an accepted lead cools when it fell through the threshold after its acceptance
    and is not sales-ready, whichever of the two came first.
    """

    def entry(move: str, **more: object) -> NewEntry:
        return NewEntry(held.lead_id, move, SYSTEM, agreement=agreement_hash, cause_touch=cause_touch, **more)  # type: ignore[arg-type]

    entries: list[NewEntry] = []
    changed = held.state == "new" or judged.verdict != held.verdict
    if not changed and judged.verdict not in {SALES_READY, DISQUALIFIED} and held.state != "accepted":
        return entries  # nearly every verdict
    nurture = {"due": at + touch_every(agreement), "due_what": "touch_every"}
    if changed:
        clock = nurture if held.state in WITH_MARKETING and (held.state == "new" or _moves_state(held, judged)) else {}
        entries.append(
            entry(
                "judged",
                verdict=judged.verdict,
                reason=judged.decided_by,
                cause=BY_VERSION if by_version else "",
                **clock,
            )
        )
    fresh = judged.alternatives & ~held.alternatives
    if judged.verdict == SALES_READY:
        if held.state in ASLEEP and fresh:
            entries.append(entry("woken", **nurture))
        if held.state in WITH_MARKETING or (held.state in ASLEEP and fresh):
            entries.append(entry("handed_over", cause="definition"))
    elif judged.verdict == DISQUALIFIED and held.state in WITH_MARKETING:
        entries.append(entry("disqualified", reason="definition"))
    elif held.state == "accepted" and held.cause != "audit" and judged.cools and held.may_cool:
        entries.append(entry("cooled", **nurture))
    return entries


def _moves_state(held: Held, judged: Judged) -> bool:
    """Whether the verdict makes a prospect of a lead or a lead of a prospect: then the clock starts again."""
    return held.state != ("prospect" if judged.verdict in {"prospect", DISQUALIFIED} else "lead")


def after_giving_back(
    lead_id: int, reason: Reason | None, *, agreement: Agreement, agreement_hash: str, at: int, cause_seq: int
) -> list[NewEntry]:
    """Where a rejected or returned lead goes, by the agreement's word on the reason: rest, repair or out."""

    def entry(move: str, **more: object) -> NewEntry:
        return NewEntry(lead_id, move, SYSTEM, agreement=agreement_hash, cause_seq=cause_seq, **more)  # type: ignore[arg-type]

    if reason is None:
        return []
    if reason.then == DISQUALIFIED:
        return [entry("disqualified", reason=reason.id)]
    if reason.then == "repair":
        promise = agreement.marketing_promises
        due = at + DEFAULT_TOUCH_EVERY
        if promise is not None:
            due = hours.due(at, promise.answer_rejection_within, agreement.market)
        return [entry("returned", reason=reason.id, due=due, due_what="answer_rejection_within")]
    if reason.rest:
        until = at + reason.rest
        return [entry("recycled", reason=reason.id, not_before=until, due=until, due_what="rest_ends")]
    return []


def touch_every(agreement: Agreement) -> int:
    """How long a lead may go without a touch of ours, in microseconds: Marketing's promise, 30 days where none is given."""
    promises = agreement.marketing_promises
    return promises.touch_every.amount if promises is not None else DEFAULT_TOUCH_EVERY
