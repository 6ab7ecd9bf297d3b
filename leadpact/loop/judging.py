"""Judge leads that are locked, write what follows into the ledger, and route what became sales-ready.

The one place in which a verdict becomes a move, whatever asked for it: a batch of facts, a tick of the clock, the end of a
rest, a new version of the agreement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from msgspec import Struct
from msgspec.structs import replace

from leadpact.agreement.queries import InForce, in_force
from leadpact.custody.actions import NewEntry, Recorded, lock, record
from leadpact.custody.rules.projection import Held as CustodyHeld
from leadpact.distribution.actions import choose_salespeople, open_offers
from leadpact.kit.raw import by_index, in_flight
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language import hours
from leadpact.loop.handoffs import Held, after_verdict
from leadpact.qualification.actions import judge as judge_leads
from leadpact.qualification.actions import judge_by, keep, latest, mark_waiting
from leadpact.qualification.rules.judged import HOUR, Judged

DEFAULT_ACCEPT_WITHIN = 86_400_000_000
CHUNK = 1_000


class LockedLead(Struct, frozen=True, gc=False):
    """A lead as it is held, locked for this transaction.

    as_of, judged_by: of its latest judgement, the instant and the hash of the version; None and empty before the first.
    """

    lead_id: int
    person_id: int
    holder: str
    state: str
    verdict: str
    cause: str
    alternatives: int
    as_of: int | None
    may_cool: bool
    next_tick: int | None
    account_id: int | None
    judged_by: str
    ties_version: int

    @property
    def person(self) -> tuple[int | None, int]:
        """What decides whose the person's touches are: the account, and which trails they have."""
        return self.account_id, self.ties_version

    def may_have_changed(self, at: int) -> bool:
        """Whether time alone may have changed the verdict by `at`: its tick is at most an hour away, or it waits."""
        return self.as_of is None or (self.next_tick is not None and self.next_tick - HOUR < at)

    def is_late(self, at: int) -> bool:
        """Whether a full hour before `at`, at which its verdict was to be taken, has not been let pass yet."""
        return self.as_of is not None and self.next_tick is not None and self.as_of < self.next_tick < at

    def held(self) -> Held:
        """What the rules of the hand-off look at."""
        return Held(self.lead_id, self.holder, self.state, self.verdict, self.cause, self.alternatives, self.may_cool)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many leads were judged and handed over, and the ledger's new entries.

    by_version: how many verdicts the change of version made.
    """

    judged: int
    handed_over: int
    recorded: tuple[Recorded, ...] = ()
    by_version: int = 0


# Each table by its key, row by row (LATERAL, OFFSET 0): a plan that was made while the tables were small, or before they
# were analysed, must not read them whole at every batch. The key alone stands inside: a condition beside it ("is null") made the
# planner enter another index, and read all of that.
_SEEN = (
    "(SELECT pg_current_snapshot()::text)"  # the same for two statements: no transaction began or ended between them
)
_LOCK = (
    "WITH wanted AS (SELECT l.id FROM (SELECT unnest($1::bigint[]) UNION SELECT p.id FROM unnest($2::bigint[]) AS a (id)"
    " CROSS JOIN LATERAL (SELECT id FROM leads_person WHERE account_id = a.id OFFSET 0) AS p) AS who (id)"
    " CROSS JOIN LATERAL (SELECT id FROM leads_lead WHERE person_id = who.id OFFSET 0) AS l"
    " UNION SELECT unnest($3::bigint[]))"
    f" SELECT h.lead_id, {_SEEN} FROM (SELECT id FROM wanted ORDER BY id OFFSET 0) AS w CROSS JOIN LATERAL (SELECT lead_id FROM"
    " custody_holding WHERE lead_id = w.id AND state NOT IN ('won', 'merged', 'erased') FOR NO KEY UPDATE) AS h"
)
_HELD = (
    "SELECT h.lead_id, l.person_id, h.holder, h.state, h.verdict, h.cause, h.alternatives, j.as_of, COALESCE(j.may_cool, FALSE),"
    f" j.next_tick, p.account_id, COALESCE(j.agreement_hash, ''), p.ties_version, {_SEEN}"
    " FROM unnest($1::bigint[]) AS w (id)"
    " CROSS JOIN LATERAL (SELECT lead_id, holder, state, verdict, cause, alternatives FROM custody_holding"
    " WHERE lead_id = w.id OFFSET 0) AS h"
    " CROSS JOIN LATERAL (SELECT person_id FROM leads_lead WHERE id = w.id OFFSET 0) AS l"
    " CROSS JOIN LATERAL (SELECT account_id, ties_version, merged_into_id FROM leads_person WHERE id = l.person_id"
    " OFFSET 0) AS p"
    " LEFT JOIN LATERAL (SELECT as_of, may_cool, next_tick, agreement_hash FROM qualification_judgement"
    " WHERE lead_id = w.id OFFSET 0) AS j ON TRUE"
    " WHERE h.state NOT IN ('won', 'merged', 'erased') AND p.merged_into_id IS NULL"
)


def lock_leads(
    *, people: Sequence[int] = (), accounts: Sequence[int] = (), lead_ids: Sequence[int] = ()
) -> dict[int, LockedLead]:
    """Lock the leads of people, of everybody at accounts, and by id, then read them.

    Not those that are won, merged or erased, nor any of a record that joined another. Two statements: what is read must be
    what was true after the last lock was waited for, or an as-of instant could go back (Meaning 13). Two more where a transaction
    ended meanwhile: whoever it brought to an account is locked as well. Later nobody can come: they would need the same locks.
    """
    if not (people or accounts or lead_ids):
        return {}
    wanted = (list(people), list(accounts), list(lead_ids))
    with raw_cursor() as cursor:
        locked: list[Any] = []
        held: list[Any] = []
        while True:
            cursor.execute(_LOCK, wanted, prepare=True)
            rows: list[Any] = cursor.fetchall()
            found = [row[0] for row in rows]
            if not found or (locked and set(found) <= set(locked)):
                break
            locked = found
            cursor.execute(_HELD, (locked,), prepare=True)
            held = cursor.fetchall()
            if not accounts or not held or held[0][-1] == rows[0][-1]:
                break
        return {row[0]: LockedLead(*row[:-1]) for row in held}


def judge_and_move(
    *,
    captured: Sequence[NewEntry],
    judge: Sequence[int],
    held: Mapping[int, LockedLead],
    version: InForce | None,
    at: int,
    causes: Mapping[int, int],
    as_of: int | None = None,
    history: bool = False,
    moves: bool = True,
) -> Outcome:
    """Record the captured leads, judge `judge`, and write and route what follows. Runs inside the caller's transaction.

    at: the instant of the ledger's entries. as_of: of the verdicts (a late tick judges as of the tick); `at` where None.
    causes: lead id → the touch that made us look. history: read attributes as they were known at `as_of`.
    moves: False writes changes of verdict only, and leaves custody to who asks next.
    """
    judged: list[Judged] = []
    by_version: set[int] = set()
    entries = list(captured)
    if version is not None and judge:
        judged = judge_leads(lead_ids=judge, as_of=at if as_of is None else as_of, version=version, history=history)
        born = {entry.lead_id: entry for entry in captured}
        by_version = _changed_by_version(judged, held, version, history=history)
        for verdict in judged:
            was = held[verdict.lead_id].held() if verdict.lead_id in held else _newborn(born[verdict.lead_id])
            entries += after_verdict(
                was, verdict, agreement=version.agreement, agreement_hash=version.hash, at=at,
                cause_touch=causes.get(verdict.lead_id), by_version=verdict.lead_id in by_version,
            )  # fmt: skip
        entries = [entry for entry in entries if moves or entry.move in {"captured", "judged"}]
    locked = lock(entry.lead_id for entry in entries) if entries else None
    with in_flight():
        recorded = route(entries, version=version, at=at, locked=locked, judged=judged)
    return Outcome(len(judged), sum(r.move == "handed_over" for r in recorded), tuple(recorded), len(by_version))


def _changed_by_version(
    judged: Sequence[Judged], held: Mapping[int, LockedLead], version: InForce, *, history: bool
) -> set[int]:
    """Whose verdict another version made, and not the person: the one they were judged by last would not have said so.

    Asked as of the same instant, with what is known now: so a fact that came meanwhile is not laid at the version's door. No
    statement where nobody's verdict changed together with the version, which is nearly always; else one for each earlier version.
    """
    earlier: dict[str, dict[int, Judged]] = {}
    for one in judged:
        before = held.get(one.lead_id)
        if before is None or before.judged_by in {"", version.hash} or before.verdict == one.verdict:
            continue
        earlier.setdefault(before.judged_by, {})[one.lead_id] = one
    found: set[int] = set()
    for agreement_hash, changed in sorted(earlier.items()):
        as_of = next(iter(changed.values())).as_of
        again = judge_by(agreement_hash, lead_ids=sorted(changed), as_of=as_of, history=history)
        found |= {one.lead_id for one in again if one.verdict != changed[one.lead_id].verdict}
    return found


def route(
    entries: Sequence[NewEntry],
    *,
    version: InForce | None,
    at: int,
    locked: Mapping[int, CustodyHeld] | None = None,
    judged: Sequence[Judged] = (),
) -> list[Recorded]:
    """Give each hand-over and recall its salesperson and clock, record everything, and open the offers.

    locked: as for `record`. judged: verdicts that are to be kept with it.
    """
    going = [entry.lead_id for entry in entries if entry.move in {"handed_over", "recalled"}]
    market = version.agreement.market if version is not None else None
    choices = choose_salespeople(lead_ids=going, at=at, market=market) if going else {}
    due = at + DEFAULT_ACCEPT_WITHIN
    if going and version is not None and version.agreement.sales_promises is not None:
        due = hours.due(at, version.agreement.sales_promises.accept_within, version.agreement.market)
    if version is not None:
        keep(judged=judged, version=version)  # in flight, the database writes them while we make the entries
    # Nobody to take it (no salesperson, no owner of the catch-all queue): it stays and the next sweep tries again.
    stuck = {lead for lead in going if lead not in choices}
    mark_waiting(lead_ids=sorted(stuck))
    placed = [
        replace(entry, salesperson_id=choices[entry.lead_id].salesperson_id, due=due, due_what="accept_within")
        if entry.move in {"handed_over", "recalled"}
        else entry
        for entry in entries
        if not (entry.move in {"handed_over", "recalled"} and entry.lead_id in stuck)
    ]
    recorded = record(placed, at=at, locked=locked)
    offered = [r for r in recorded if r.move in {"handed_over", "recalled"}]
    if offered:
        open_offers(recorded=offered, choices=choices)
    return recorded


def judge_set(
    lead_ids: Sequence[int],
    *,
    version: InForce,
    at: int,
    as_of: int | None = None,
    history: bool = False,
) -> Outcome:
    """Judge some leads as of an instant in one transaction: ticks, ends of rests, new versions, ends of imports."""
    with transaction.atomic():
        by_index()
        held = lock_leads(lead_ids=lead_ids)
        now = max([at, *(h.as_of + 1 for h in held.values() if h.as_of is not None and as_of is None)])
        if as_of is None:
            held = catch_up(held, at=now)
        return judge_and_move(
            captured=(), judge=sorted(held), held=held, version=version, at=now, causes={}, as_of=as_of, history=history
        )


def catch_up(held: dict[int, LockedLead], *, at: int, moves: bool = True) -> dict[int, LockedLead]:
    """Judge leads as of the full hours before `at` that the sweep has not come to yet; returns them as they are held now.

    What breaks without it: a batch that comes between a full hour and a late sweep would judge beyond that hour, and what was
    true then would never be said (Meaning 13). Hardly ever anything to do: no statement then.
    """
    late = {lead: one for lead, one in held.items() if one.is_late(at)}
    now = dict(held)
    while late:
        tick = min(one.next_tick for one in late.values() if one.next_tick is not None)
        version = in_force(tick)
        if version is None:
            break
        ids = sorted(lead for lead, one in late.items() if one.next_tick == tick)
        judge_and_move(
            captured=(), judge=ids, held=late, version=version, at=at, causes={}, as_of=tick, history=True, moves=moves
        )
        again = lock_leads(lead_ids=ids)
        for lead in ids:
            late.pop(lead)
            now.pop(lead)
        now |= again
        late |= {lead: one for lead, one in again.items() if one.is_late(at)}
    return now


def as_it_stands(lead_ids: Sequence[int], *, version: InForce, at: int) -> Outcome:
    """What follows from the verdicts that leads have, where custody alone has changed: a rest is over, data are mended.

    Verdicts are taken at batches of facts and at full hours only (Meaning 13), so at any other instant the latest stands; a
    replay, which knows nothing of rests, finds the same. Leads without one, or judged by another version, are judged now.
    """
    with transaction.atomic():
        # What an hour said that is over moves nobody any more: custody has changed since.
        held = catch_up(lock_leads(lead_ids=lead_ids), at=at, moves=False)
        stand = {one.lead_id: one for one in latest(lead_ids=sorted(held), version=version)}
        entries: list[NewEntry] = []
        for lead, judged in stand.items():
            entries += after_verdict(
                held[lead].held(), judged, agreement=version.agreement, agreement_hash=version.hash, at=at
            )
        recorded = route(entries, version=version, at=at)
        done = Outcome(0, sum(r.move == "handed_over" for r in recorded), tuple(recorded))
        rest = sorted(set(held) - set(stand))
        if rest:
            more = judge_set(rest, version=version, at=at)
            done = Outcome(more.judged, done.handed_over + more.handed_over, (*done.recorded, *more.recorded))
        return done


def _newborn(entry: NewEntry) -> Held:
    own = entry.actor.kind == "sales"
    return Held(entry.lead_id, "sales" if own else "marketing", "prospecting" if own else "new", "", "", 0, False)
