"""What happens when time passes: clocks of custody run out, rests end, verdicts change at full hours.

Every function here is safe to call at any time and from several processes: work is claimed with locks that others skip, and
what a crash leaves undone is found by the next call. After downtime everything fires once, late, and is marked late.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from leadpact.agreement.actions import advance_rejudging, begin_rejudging, end_rejudging
from leadpact.agreement.queries import InForce, in_force
from leadpact.custody.actions import SYSTEM, Lapsed, NewEntry, lapse
from leadpact.kit.raw import by_index
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.loop.handoffs import touch_every
from leadpact.loop.judging import CHUNK, as_it_stands, judge_set, route
from leadpact.qualification.actions import tick_done, ticked_until

HOUR = 3_600_000_000
LARGEST_CATCH_UP = 400
"""Full hours that one call lets pass at most; the next call goes on. Keeps a job short after long downtime."""


@dataclass(frozen=True, slots=True)
class Fired:
    """What a call did."""

    lapsed: int = 0
    recalled: int = 0
    woken: int = 0
    ticks: int = 0
    judged: int = 0
    handed_over: int = 0


def fire_clocks(*, at: int) -> Fired:
    """Notice every clock that ran out by `at`, and do what the agreement says: recall, wake, or remind by being late."""
    total = recalled = woken = handed = 0
    while True:
        with transaction.atomic():
            by_index()
            late = lapse(at=at, limit=CHUNK)
            if not late:
                return Fired(lapsed=total, recalled=recalled, woken=woken, handed_over=handed)
            version = in_force(at)
            total += len(late)
            recalled += _recall([clock for clock in late if clock.what == "accept_within"], version, at)
            resting = [clock.lead_id for clock in late if clock.what == "rest_ends"]
            woken += len(resting)
            handed += _wake(resting, version, at)


def _recall(late: list[Lapsed], version: InForce | None, at: int) -> int:
    """An offer that nobody accepted in time goes to the next person, twice, then to the catch-all queue."""
    entries = [
        NewEntry(clock.lead_id, "recalled", SYSTEM, agreement=version.hash if version else "", cause_seq=clock.seq)
        for clock in late
    ]
    route(entries, version=version, at=at)
    return len(entries)


def _wake(lead_ids: list[int], version: InForce | None, at: int) -> int:
    """A rest is over: the lead is Marketing's to nurture again, and goes where its verdict sends it (Meaning 12)."""
    if not lead_ids or version is None:
        return 0
    due = at + touch_every(version.agreement)
    entries = [
        NewEntry(lead, "woken", SYSTEM, agreement=version.hash, due=due, due_what="touch_every", alternatives=0)
        for lead in lead_ids
    ]
    route(entries, version=version, at=at)
    return as_it_stands(lead_ids, version=version, at=at).handed_over


def let_time_pass(*, at: int) -> Fired:
    """Judge, for each full hour up to `at` that has not been, the leads whose verdict that hour could change (Meaning 13).

    As of the hour, at the true instant `at`: a late tick says what was true then. The hour is marked done in the same
    transaction as its last set, so that a crash repeats sets (harmless: the same verdict) and never skips one.
    """
    judged = handed = ticks = 0
    hour = at // HOUR * HOUR
    began = time.monotonic()
    with transaction.atomic():
        done = ticked_until(at=at)
    start = done
    for _ in range(LARGEST_CATCH_UP):
        tick = _next_tick(after=start, until=hour) if start < hour else None
        if tick is None:
            break
        version = in_force(tick)
        ticks += 1
        here = 0
        while version is not None:
            lead_ids = _due(tick)
            outcome = judge_set(lead_ids, version=version, at=at, as_of=tick, history=at != tick)
            here += outcome.judged
            handed += outcome.handed_over
            if len(lead_ids) < CHUNK:
                break
        judged += here
        tick_done(until=tick, at=at + round((time.monotonic() - began) * 1e6), judged=here)
        start = tick
    else:
        return Fired(ticks=ticks, judged=judged, handed_over=handed)
    if hour > done:
        tick_done(until=hour, at=at)
    return Fired(ticks=ticks, judged=judged, handed_over=handed)


def judge_waiting(*, at: int) -> Fired:
    """Judge whatever an import or a missing salesperson left waiting, as of now."""
    judged = handed = 0
    version = in_force(at)
    last = 0
    while version is not None and (lead_ids := _waiting(last)):
        outcome = judge_set(lead_ids, version=version, at=at)
        judged += outcome.judged
        handed += outcome.handed_over
        last = lead_ids[-1]
    return Fired(judged=judged, handed_over=handed)


def rejudge_everybody(*, version: InForce, at: Callable[[], int]) -> Fired:
    """A version took effect: judge every lead by it, set by set. The ledger says where the version changed the verdict.

    at: asked before each set. What was done is written with the set (`agreement` shows it); a call after a crash goes on there,
    and one for a version that another has followed stops.
    """
    judged = handed = 0
    last, ended = begin_rejudging(effect_id=version.effect, count=_judgeable, at=at())
    while not ended:
        lead_ids = _after(last)
        now = at()
        current = in_force(now)
        overtaken = current is None or current.effect != version.effect
        if not lead_ids or overtaken:
            end_rejudging(effect_id=version.effect, at=now, overtaken=overtaken)
            break
        with transaction.atomic():
            outcome = judge_set(lead_ids, version=version, at=now)
            last = lead_ids[-1]
            advance_rejudging(
                effect_id=version.effect, last_lead=last, judged=outcome.judged, changed=outcome.by_version,
                handed_over=outcome.handed_over, at=now,
            )  # fmt: skip
        judged += outcome.judged
        handed += outcome.handed_over
    return Fired(judged=judged, handed_over=handed)


def _judgeable() -> int:
    with raw_cursor() as cursor:
        cursor.execute("SELECT count(*) FROM custody_holding WHERE state NOT IN ('won', 'merged', 'erased')")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])  # type: ignore[call-overload]


def _after(last: int) -> list[int]:
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT lead_id FROM custody_holding WHERE state NOT IN ('won', 'merged', 'erased') AND lead_id > $1"
            " ORDER BY lead_id LIMIT $2",
            (last, CHUNK),
        )
        return [int(row[0]) for row in cursor.fetchall()]  # type: ignore[call-overload]


def _next_tick(*, after: int, until: int) -> int | None:
    """The first full hour in (after, until] at which some verdict can change."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT min(GREATEST(next_tick, $1 + $3)) FROM qualification_judgement WHERE next_tick > 0 AND next_tick <= $2",
            (after, until, HOUR),
        )
        row = cursor.fetchone()
    return None if row is None or row[0] is None or int(row[0]) > until else int(row[0])  # type: ignore[call-overload]


def _due(tick: int) -> list[int]:
    with raw_cursor() as cursor:
        cursor.execute(
            # OFFSET 0: by the index of due ticks; by the order of leads the whole table would be read every hour.
            "SELECT j.lead_id FROM (SELECT lead_id FROM qualification_judgement WHERE next_tick > 0 AND next_tick <= $1"
            " AND as_of < $1 OFFSET 0) AS j JOIN custody_holding AS h ON h.lead_id = j.lead_id"
            " WHERE h.state NOT IN ('won', 'merged', 'erased') ORDER BY j.lead_id LIMIT $2",
            (tick, CHUNK),
        )
        return [int(row[0]) for row in cursor.fetchall()]  # type: ignore[call-overload]


def _waiting(last: int) -> list[int]:
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT j.lead_id FROM qualification_judgement AS j JOIN custody_holding AS h ON h.lead_id = j.lead_id"
            " WHERE j.next_tick = 0 AND j.lead_id > $1 AND h.state NOT IN ('won', 'merged', 'erased') ORDER BY j.lead_id LIMIT $2",
            (last, CHUNK),
        )
        return [int(row[0]) for row in cursor.fetchall()]  # type: ignore[call-overload]
