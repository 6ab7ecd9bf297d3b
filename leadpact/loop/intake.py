"""A batch of arrivals, from the door to custody, in ONE transaction and a constant number of statements.

When `take` returns, all of it is committed, and on disk unless batches take turns: the touches, the ties of identity, the verdicts,
the hand-overs and the offers. When it does not, none of it is, and the sender's retry is harmless: every message is taken once, for
ever.

Order of locks, the same in every batch and in every attempt: receipts, the turn where batches take turns, people who learn
something, accounts, identifiers, holdings; each by ascending key. Who is only touched is locked by their lead alone, and looked
at again under that lock. What breaks if this changes: two batches that speak of the same people deadlock instead of waiting for
each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import connection, transaction

from leadpact.agreement.queries import InForce, in_force
from leadpact.capture.actions import Turn
from leadpact.capture.actions.identify import (
    Identified,
    IdentityRace,
    ask,
    identify,
    known_later,
    known_of,
    named,
)
from leadpact.capture.actions.records import Record, write_traits
from leadpact.capture.rules.arrival import Arrival, Ready, Taken, ready
from leadpact.custody.actions import SYSTEM, Actor, NewEntry, restart_clocks
from leadpact.kit.raw import RawCursor, by_index, in_flight, land
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.kinds import OURS
from leadpact.loop.handoffs import touch_every
from leadpact.loop.judging import LockedLead, catch_up, judge_and_move, lock_leads
from leadpact.loop.relevance import Touched, bounds_passed, touched
from leadpact.qualification.actions import mark_waiting

ATTEMPTS = 8
MANY = 5
"""Leads of an account. Where there are fewer they are judged sooner than it is counted how many of their people are active."""
PROSPECT_PLAN = 30 * 86_400_000_000
"""How long a salesperson's own prospect may lie without a word, before it shows as late."""


@dataclass(slots=True)
class _New:
    """A lead that the batch creates."""

    lead_id: int
    person_id: int
    arrival: Arrival
    counts_from: int | None
    record: Record = field(init=False)

    def __post_init__(self) -> None:
        self.record = Record("lead", self.lead_id, is_new=True)


def take(
    arrivals: Sequence[Arrival | Ready],
    *,
    known_at: int,
    historic: bool = False,
    turn: Turn | None = None,
) -> Taken:
    """Take a batch through the loop. `known_at`: when it reached us, in microseconds.

    historic: facts about the past are written and wait; they are judged once, at the end of the import, by
    `judging.judge_waiting`.

    turn: for batches that follow one another, each reading what the one before it wrote. It is waited for when it is written which
    messages are taken here, which depends on nobody else, and never held before: whoever has the turn waits for no message. When we
    return it is over, and the caller's to leave. The commit then does not wait for the disk, so that the next one need not either:
    the caller tells nobody before `kit.raw.on_disk`, of what was taken before neither.

    Raises IdentityRace only when the same identifiers are fought over eight times in a row, and what
    the database says as Django names it (OperationalError, DataError, …).
    """
    made = ready(arrivals)
    for attempt in range(ATTEMPTS):
        try:
            with connection.wrap_database_errors, transaction.atomic(), in_flight():
                return _take(made, known_at, historic, turn, lock_all=attempt > 0)
        except IdentityRace:
            if attempt == ATTEMPTS - 1:
                raise
            if turn is not None:
                turn.leave()
    raise AssertionError("unreachable")


def _take(arrivals: Sequence[Ready], known_at: int, historic: bool, turn: Turn | None, *, lock_all: bool) -> Taken:
    fresh, version, asked = _begin(arrivals, known_at, turn)
    if asked is None:
        return Taken(taken=0, repeated=len(arrivals), created=0, judged=0, handed_over=0)
    found = identify(fresh, known_at=known_at, asked=asked, lock_all=lock_all)
    people = sorted({t.person_id for t in found.tied if t.person_id is not None})
    can_change = None
    if version is not None and not historic:
        can_change = touched(found, version=version, at=known_at, lead_fields=_lead_fields(found))
    accounts = can_change.homes if can_change else []
    if historic:
        accounts = sorted({a for p in people if (a := found.people[p].account_id) is not None})
    held = lock_leads(people=people, accounts=accounts)
    land()
    found.lost_no_race()
    _still_true(found, held.values())
    # Meaning 13: as_of increases per lead. A batch that waited for a lock learns what it brings after the one before it.
    now = max([known_at, *(h.as_of + 1 for h in held.values() if h.as_of is not None)])
    # A trail that was nobody's has no lead that says what is known of it: another batch may have brought touches known later.
    now = max(now, known_of(found.ties))
    lead_of = {h.person_id: h.lead_id for h in held.values()}
    if now > known_at:
        known_later(found, known_at=now)
    held = catch_up(held, at=now)
    concerns = _Concerned(can_change, held.values(), version, now) if can_change and version else None
    new = _create(found, people, lead_of)
    touches = _write_touches(found, now)
    captured = [_captured(n, version) for n in new]
    concerned = {lead_of[p] for p in people}
    with in_flight():
        learnt = _write_leads(found, lead_of, new, now, historic=historic)
        judge: set[int] = {n.lead_id for n in new}
        if concerns is not None:
            told = _told(found, learnt)
            judge |= {h.lead_id for h in held.values() if concerns.them(h, told=h.person_id in told)}
        outcome = judge_and_move(
            captured=captured,
            judge=sorted(judge),
            held=held,
            version=None if historic else version,
            at=now,
            causes={lead_of[p]: touch for p, touch in touches.items()},
        )
    if historic:
        mark_waiting(lead_ids=sorted(concerned | set(held)))
    else:
        _touched_by_us(found, lead_of, now, version)
    return Taken(
        taken=len(fresh),
        repeated=len(arrivals) - len(fresh),
        created=len(new),
        judged=outcome.judged,
        handed_over=outcome.handed_over,
        lead_ids=tuple(sorted(concerned)),
        sample=fresh[0].arrival.message,
    )


class _Concerned:
    """Whether a batch concerns those whose leads it locked, `held`. Made when all are, before the batch's touches are written."""

    def __init__(self, can_change: Touched, held: Iterable[LockedLead], version: InForce, now: int) -> None:
        self._can_change = can_change
        self._version = version
        self._now = now
        here = Counter([one.account_id for one in held])
        many = {home: them for home, them in can_change.more_active.items() if here[home] >= MANY}
        few = can_change.more_active.keys() - many.keys()
        self._passed = bounds_passed(many, version=version, at=now) | few

    def them(self, one: LockedLead, *, told: bool) -> bool:
        """told: whether the batch leaves a fact of the person."""
        due = one.may_have_changed(self._now)
        if told and (due or one.person_id in self._can_change.people):
            return True
        if one.account_id in self._can_change.accounts:
            return True
        if one.account_id not in self._can_change.more_active:
            return False
        # They are looked at all the same where somebody becomes active: what time, or another version, changed is said now.
        return due or one.account_id in self._passed or one.judged_by != self._version.hash


def _still_true(found: Identified, held: Iterable[LockedLead]) -> None:
    """Raise IdentityRace where somebody who was read without a lock has been placed, merged or parted since.

    Now that their leads are locked it stays true: whoever does that locks the person's leads as well.
    """
    for one in held:
        if found.unlocked.get(one.person_id, one.person) != one.person:
            raise IdentityRace


def _told(found: Identified, learnt: set[int]) -> set[int]:
    """People of whom the batch leaves a fact. learnt: those whose lead learnt something.

    Who only says again what was known brings nothing, and is not judged: a replay, which knows facts alone, would not know when.
    """
    told = {t.person_id for t in found.tied if t.person_id is not None and t.arrival.touch is not None}
    told |= {person.id for person in found.people.values() if person.facts or person.is_new}
    return told | learnt | found.joined | found.placed


def _lead_fields(found: Identified) -> dict[int, set[str]]:
    """Person → attributes of the lead that the batch tells."""
    told: dict[int, set[str]] = {}
    for tied in found.tied:
        if tied.person_id is not None and tied.arrival.lead.cells:
            told.setdefault(tied.person_id, set()).update(tied.arrival.lead.cells)
    return told


def _begin(
    arrivals: Sequence[Ready], known_at: int, turn: Turn | None
) -> tuple[list[Ready], InForce | None, RawCursor | None]:
    """Those whose message was never taken before, in their order (the others are dropped), the version in force, and who is
    known by the arrivals' identifiers; None where nothing is new. The database is asked for all of it at once, where there is no
    turn to be waited for.
    """
    by_index(flushed=turn is None)
    first: dict[bytes, Ready] = {}
    for one in arrivals:
        first.setdefault(one.arrival.message, one)
    with raw_cursor() as cursor:
        cursor.execute(
            "INSERT INTO capture_receipt (message, known_at) SELECT m, $2 FROM unnest($1::bytea[]) AS n (m)"
            " ON CONFLICT (message) DO NOTHING RETURNING message",
            (sorted(first), known_at),
            prepare=True,
        )
        keys = named(first.values())
        rows: list[Any] = []
        if turn is not None:
            rows = cursor.fetchall()
            if not rows:
                return [], None, None
            turn.wait()
        asked = ask(keys)
        version = in_force(known_at)
        if turn is None:
            rows = cursor.fetchall()
        taken = {bytes(row[0]) for row in rows}
    if not taken:
        with asked:
            return [], None, None  # nobody reads the answer
    return [one for message, one in first.items() if message in taken], version, asked


def _create(found: Identified, people: list[int], lead_of: dict[int, int]) -> list[_New]:
    """A lead for each person who has none; after a win, a new need is a new lead that counts from there on.

    They get their ids here, and are written with what they learn by `_write_leads`.
    """
    without = [p for p in people if p not in lead_of]
    if not without:
        return []
    if any(p in found.unlocked for p in without):
        raise IdentityRace  # another batch may be making a lead for the same person, or they are gone
    first: dict[int, Arrival] = {}
    for tied in found.tied:
        if tied.person_id is not None:
            first.setdefault(tied.person_id, tied.arrival)
    won: dict[int, int] = {}
    known = [p for p in without if not found.people[p].is_new]
    if known:
        with raw_cursor() as cursor:
            cursor.execute(
                "SELECT l.person_id, max(h.since) FROM leads_lead AS l JOIN custody_holding AS h ON h.lead_id = l.id"
                " WHERE l.person_id = ANY($1::bigint[]) GROUP BY l.person_id",
                (known,),
                prepare=True,
            )
            won = dict(cursor.fetchall())  # type: ignore[arg-type]
    new = [
        _New(lead, person, first[person], won.get(person))
        for lead, person in zip(found.ids.some("leads_lead", len(without)), without, strict=True)
    ]
    lead_of.update({n.person_id: n.lead_id for n in new})
    return new


def _write_touches(found: Identified, now: int) -> dict[int, int]:
    """Write the batch's touches by COPY. Returns person → id of the batch's last touch of that person."""
    touching = [t for t in found.tied if t.arrival.touch is not None]
    if not touching:
        return {}
    last: dict[int, int] = {}
    lines: list[str] = []
    for number, tied in zip(found.ids.some("leads_touch", len(touching)), touching, strict=True):
        kind, columns = tied.ready.copied
        at = min(tied.arrival.at, now)
        void = now if tied.arrival.touch.automated else "\\N"  # type: ignore[union-attr]
        lines.append(f"{number}\t{tied.visitor_id}\t{kind}\t{at}\t{now}\t{void}\t{columns}\n")
        if tied.person_id is not None:
            last[tied.person_id] = number
    with (
        raw_cursor() as cursor,
        cursor.copy(
            "COPY leads_touch (id, visitor_id, kind, at, known_at, void_at, channel, campaign, user_id, properties, cells)"
            " FROM STDIN"
        ) as copy,
    ):
        copy.write("".join(lines))
    return last


def _write_leads(found: Identified, lead_of: dict[int, int], new: list[_New], now: int, *, historic: bool) -> set[int]:
    """Write the new leads, and what people, accounts and leads learnt; returns the people whose lead learnt something."""
    told = [t for t in found.tied if t.arrival.lead.cells and t.person_id is not None]
    leads = {n.lead_id: n.record for n in new}
    missing = sorted({lead_of[t.person_id] for t in told if t.person_id is not None} - set(leads))
    if missing:
        with raw_cursor() as cursor:
            cursor.execute(
                "SELECT id, traits::text, cells::text FROM leads_lead WHERE id = ANY($1::bigint[])",
                (missing,),
                prepare=True,
            )
            for id_, traits, cells in cursor.fetchall():
                leads[id_] = Record("lead", id_, msgspec.json.decode(traits), msgspec.json.decode(cells))  # type: ignore[index,arg-type]
    for tied in told:
        assert tied.person_id is not None
        arrival = tied.arrival
        leads[lead_of[tied.person_id]].learn(
            arrival.lead.raw, arrival.lead.cells, at=arrival.at, trusted=arrival.trusted
        )
    if new:
        _insert(new, now, historic=historic)
    write_traits([*found.people.values(), *found.accounts.values(), *leads.values()], known_at=now)
    return {t.person_id for t in told if t.person_id is not None and leads[lead_of[t.person_id]].facts}


def _insert(new: list[_New], now: int, *, historic: bool) -> None:
    encode = msgspec.json.encode
    with raw_cursor() as cursor:
        cursor.execute(
            "INSERT INTO leads_lead (id, person_id, created_at, counts_from, is_open, sourced_by, source, campaign, traits, cells)"
            " SELECT i, p, a, c, TRUE, b, s, m, t::jsonb, e::jsonb FROM unnest($1::bigint[], $2::bigint[], $3::bigint[],"
            " $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[]) AS n (i, p, a, c, b, s, m, t, e)",
            (
                [n.lead_id for n in new],
                [n.person_id for n in new],
                [min(n.arrival.at, now) if historic else now for n in new],
                [n.counts_from for n in new],
                [n.arrival.sourced_by for n in new],
                [
                    (n.arrival.source or (n.arrival.touch.channel if n.arrival.touch else "") or "unknown")[:60]
                    for n in new
                ],
                [n.arrival.campaign[:200] for n in new],
                [encode(n.record.traits).decode() for n in new],
                [encode(n.record.cells).decode() for n in new],
            ),
            prepare=True,
        )


def _captured(new: _New, version: InForce | None) -> NewEntry:
    arrival = new.arrival
    agreement = version.hash if version else ""
    if arrival.sourced_by == "sales" and arrival.owner_id is not None:
        actor = Actor("sales", arrival.owner_id)
        return NewEntry(
            new.lead_id, "captured", actor, agreement=agreement, salesperson_id=arrival.owner_id,
            due=arrival.at + PROSPECT_PLAN, due_what="prospect_plan",
        )  # fmt: skip
    return NewEntry(new.lead_id, "captured", SYSTEM, agreement=agreement)


def _touched_by_us(found: Identified, lead_of: dict[int, int], now: int, version: InForce | None) -> None:
    """A touch of ours keeps Marketing's promise to let nobody wither: the clock starts again. One statement."""
    if version is None:
        return
    ours = sorted(
        {
            lead_of[t.person_id]
            for t in found.tied
            if t.person_id is not None and t.arrival.touch and t.arrival.touch.kind in OURS
        }
    )
    if ours:
        due = now + touch_every(version.agreement)
        restart_clocks(dict.fromkeys(ours, due), what="touch_every")
