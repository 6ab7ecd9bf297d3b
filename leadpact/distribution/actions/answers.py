"""Sales' answers: accept, reject, follow up, qualify, open an opportunity, recycle, give back, disqualify, won, lost.

Each locks the lead, checks who asks and what the agreement says, and writes one entry in one transaction. What follows an
answer (where a rejected lead goes) is the loop's. All raise Refused with a sentence (NotYours, LostRace are kinds of it).
"""

from __future__ import annotations

from msgspec.structs import replace

from leadpact.custody.actions import NewEntry, Recorded
from leadpact.custody.entries import ATTEMPT, CONVERSATION
from leadpact.distribution import queries
from leadpact.distribution.actions.asking import Asked, LostRace, NotYours, Refused, answer, asking, put
from leadpact.distribution.permissions import may_answer, may_take
from leadpact.distribution.rules import answers as rules
from leadpact.distribution.rules.answers import Clock, ago
from leadpact.distribution.rules.routing import CATCH_ALL
from leadpact.language.nodes import Reason
from leadpact.team.models import User
from leadpact.team.permissions import MARKETING, OPERATIONS, speaks_for

DISQUALIFYING = ("not_a_person", "opt_out", "student", "supplier", "other")


def accept(*, lead_id: int, by: User, at: int, note: str = "") -> Recorded:
    """Take an offered lead to work on. Starts the clock of the first follow-up.

    Who it is offered to may, their manager and operations on their behalf; out of the catch-all queue, everybody who takes
    leads. Of two who accept at once one is first; the other gets LostRace.
    """
    with asking(lead_id=lead_id, by=by, at=at, note=note) as asked:
        held = asked.held
        if held.state != "offered":
            _too_late(asked)
        salesperson = held.salesperson_id
        if not may_answer(by, asker_id=by.pk, holder_id=salesperson):
            if queries.offer_rule(lead_id) != CATCH_ALL or not may_take(by):
                _not_offered_any_more(asked)
            salesperson = by.pk
        clock = rules.after_accepting(asked.agreement, asked.calendar(), at)
        return put(asked, _with(asked.entry("accepted", cause_seq=held.seq, salesperson_id=salesperson), clock))


def reject(*, lead_id: int, reason: str, by: User, at: int, note: str = "") -> Recorded:
    """Give a handed-over lead back, with one of the agreement's reasons. The agreement says where it goes."""
    return answer(lead_id=lead_id, by=by, at=at, note=note, build=lambda asked: _rejected(asked, reason))


def follow_up(
    *, lead_id: int, outcome: str, by: User, at: int, next_step_at: int | None = None, note: str = ""
) -> Recorded:
    """Log a call: `outcome` is attempt (nobody reached) or conversation. The first ends the first follow-up's clock."""

    def build(asked: Asked) -> NewEntry:
        asked.check_move("followed_up")
        if outcome not in {ATTEMPT, CONVERSATION}:
            raise Refused(f"A follow-up is an {ATTEMPT} or a {CONVERSATION}, not {outcome!r}.")
        held = asked.held
        entry = asked.entry("followed_up", reason=outcome)
        if next_step_at is not None:
            return _with(entry, rules.next_step(at, next_step_at))
        if held.state != "accepted":
            return entry if held.due is not None and held.due > at else _with(entry, rules.next_step(at, None))
        clock = rules.after_follow_up(
            asked.agreement, asked.calendar(), at,
            accepted_at=held.accepted_at, attempts=held.attempts + 1, reached=outcome == CONVERSATION,
        )  # fmt: skip
        return _with(entry, clock)

    return answer(lead_id=lead_id, by=by, at=at, note=note, build=build)


def qualify(*, lead_id: int, by: User, at: int, next_step_at: int | None = None, note: str = "") -> Recorded:
    """Confirm need, authority and timing, heard in conversation."""
    return _step_up("qualified", lead_id, by, at, next_step_at, note)


def open_opportunity(
    *, lead_id: int, value: int, by: User, at: int, next_step_at: int | None = None, note: str = ""
) -> Recorded:
    """A qualified lead enters the sales funnel with a value, in minor units of money."""
    return _step_up("opportunity_opened", lead_id, by, at, next_step_at, note, value=_money(value))


def recycle(*, lead_id: int, reason: str, by: User, at: int, not_before: int | None = None, note: str = "") -> Recorded:
    """Give a lead back to rest, with one of the agreement's reasons; `not_before` overrides the reason's rest.

    Where the reason disqualifies or asks for repair, that is what happens.
    """

    def build(asked: Asked) -> NewEntry:
        asked.check_move("recycled")
        found = _reason(asked, reason)
        if found.then is not None and asked.held.state == "accepted":
            return _rejected(asked, reason)
        if found.then == "disqualified":
            return asked.entry("disqualified", reason=found.id)
        if found.then == "repair":
            return _with(asked.entry("returned", reason=found.id), rules.after_giving_back(asked.agreement, at))
        clock = rules.rest(found, at, not_before)
        return _with(asked.entry("recycled", reason=found.id, not_before=clock.due), clock)

    return answer(lead_id=lead_id, by=by, at=at, note=note, build=build)


def give_back(*, lead_id: int, reason: str, by: User, at: int, note: str = "") -> Recorded:
    """Give one's own prospect to Marketing's nurturing, or a qualified lead with wrong data to be mended."""

    def build(asked: Asked) -> NewEntry:
        asked.check_move("returned")
        found = _reason(asked, reason)
        return _with(asked.entry("returned", reason=found.id), rules.after_giving_back(asked.agreement, at))

    return answer(lead_id=lead_id, by=by, at=at, note=note, build=build)


def disqualify(*, lead_id: int, reason: str, by: User, at: int, note: str = "") -> Recorded:
    """Take a lead out of the loop for good reason: one of the agreement's that disqualify, or one of DISQUALIFYING."""

    def build(asked: Asked) -> NewEntry:
        _marketing_or_yours(asked)
        asked.check_move("disqualified")
        known = tuple(r.id for r in asked.agreement.recycle if r.then == "disqualified") if asked.agreement else ()
        if reason not in known + DISQUALIFYING:
            raise Refused(f"A lead is disqualified as one of {', '.join(known + DISQUALIFYING)}, not as {reason!r}.")
        return asked.entry("disqualified", reason=reason)

    return answer(lead_id=lead_id, by=by, at=at, note=note, build=build)


def won(*, lead_id: int, value: int, by: User, at: int, note: str = "") -> Recorded:
    """The lead became a sale of this value, in minor units of money."""

    def build(asked: Asked) -> NewEntry:
        asked.check_move("won")
        return asked.entry("won", value=_money(value))

    return answer(lead_id=lead_id, by=by, at=at, note=note, build=build)


def lost(*, lead_id: int, reason: str, by: User, at: int, note: str = "") -> Recorded:
    """The need is gone or went elsewhere. `reason`: one of LOST_REASONS, or of the agreement's."""

    def build(asked: Asked) -> NewEntry:
        _marketing_or_yours(asked)
        asked.check_move("lost")
        known = tuple(r.id for r in asked.agreement.recycle) if asked.agreement else ()
        choices = tuple(dict.fromkeys(rules.LOST_REASONS + known))
        if reason not in choices:
            raise Refused(f"A lead is lost for one of {', '.join(choices)}, not for {reason!r}.")
        return asked.entry("lost", reason=reason)

    return answer(lead_id=lead_id, by=by, at=at, note=note, build=build)


def _step_up(
    move: str, lead_id: int, by: User, at: int, next_step_at: int | None, note: str, **more: object
) -> Recorded:
    def build(asked: Asked) -> NewEntry:
        asked.check_move(move)
        return _with(asked.entry(move, **more), rules.next_step(at, next_step_at))

    return answer(lead_id=lead_id, by=by, at=at, note=note, build=build)


def _rejected(asked: Asked, reason: str) -> NewEntry:
    asked.check_move("rejected")
    found = _reason(asked, reason)
    clock = rules.after_giving_back(asked.agreement, asked.at)
    return _with(asked.entry("rejected", reason=found.id, cause_seq=asked.held.seq), clock)


def _reason(asked: Asked, reason: str) -> Reason:
    return rules.reason_of(asked.agreement, reason, attempts=asked.held.attempts)


def _with(entry: NewEntry, clock: Clock) -> NewEntry:
    return replace(entry, due=clock.due, due_what=clock.what)


def _money(value: int) -> int:
    if not 0 <= value <= 10**15:
        raise Refused("The value must be an amount of money, nought or more.")
    return value


def _marketing_or_yours(asked: Asked) -> None:
    """What Marketing holds, Marketing closes; what Sales holds was checked already."""
    if asked.held.holder != "sales" and speaks_for(asked.by) not in {MARKETING, OPERATIONS}:
        raise NotYours("This lead is in Marketing's hands; Marketing or operations can close it.")


def _too_late(asked: Asked) -> None:
    """The lead is offered no more: say why, naming nobody. Raises."""
    held, by = asked.held, asked.by
    if held.holder == "sales" and held.accepted_at is not None:
        if held.salesperson_id == by.pk:
            raise Refused("You have accepted this lead already.")
        raise LostRace(f"This lead was accepted by a colleague {ago(asked.at - held.accepted_at)}.")
    asked.check_move("accepted")


def _not_offered_any_more(asked: Asked) -> None:
    """The lead is offered to somebody else. Raises."""
    ended = queries.last_offer_to(asked.held.lead_id, asked.by.pk)
    if ended is not None and ended.outcome == "recalled":
        raise LostRace(
            f"Your offer ran out {ago(asked.at - (ended.ended_at or asked.at))}; the lead went to a colleague."
        )
    if ended is not None and ended.outcome == "reassigned":
        raise LostRace(f"This lead was passed to a colleague {ago(asked.at - (ended.ended_at or asked.at))}.")
    raise NotYours("This lead is offered to a colleague.")
