"""What time alone cannot do, it does not do: held against drawn agreements and histories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from leadpact.language.drift import Drift
from leadpact.language.evaluate import Judgement, evaluate
from leadpact.language.history import History, Lead, Touch
from leadpact.language.nodes import (
    DAY,
    DIMENSIONS,
    THOUSANDTHS,
    Agreement,
    Each,
    Line,
    Score,
    Touched,
    TouchQuery,
    Verdict,
)
from leadpact.language.tests import changes, generated

EXERCISED = {
    "turned nothing, and faded": 500,
    "less than a point": 500,
    "turned when it might": 100,
    "a step of fading turned it": 20,
}
"""How often the drawn pairs must show each, so that the test says something."""
LATER = (1, 3_600_000_000, DAY, 7 * DAY, 30 * DAY, 400 * DAY)
STILL_CASES = 150
"""At least so many of the drawn pairs must be ones that are said to stand still, so that the test says something."""


def _as_known(history: History, at: int) -> History:
    """What has happened and was known by an instant, as a running system has it."""
    leads = [
        replace(lead, facts=tuple(f for f in lead.facts if f.at <= at and f.known_at <= at)) for lead in history.leads
    ]
    touches = [
        replace(t, void_at=t.void_at if t.void_at is not None and t.void_at <= at else None)
        for t in history.touches
        if t.at <= at and t.known_at <= at
    ]
    return History(leads, touches)


def _bits(judgement: Judgement) -> int:
    return sum(1 << n for n, holds in enumerate(judgement.alternatives) if holds)


def _found(judgement: Judgement) -> tuple[object, ...]:
    return judgement.verdict, judgement.alternatives, judgement.cools


def test_what_is_said_to_stand_still_stands_still() -> None:
    still = moved = 0
    for seed in range(60):
        case = generated.case(seed)
        drift = Drift(case.agreement)
        for lead_id, at in case.asks:
            history = _as_known(case.history, at)
            now = evaluate(case.agreement, history.lead(lead_id), history, at)
            if drift.can_change(now.verdict, alternatives=_bits(now), cools=now.cools):
                moved += 1
                continue
            still += 1
            for later in LATER:
                then = evaluate(case.agreement, history.lead(lead_id), history, at + later)
                assert _found(then) == _found(now), (seed, lead_id, later)
    assert still >= STILL_CASES
    assert moved >= STILL_CASES


def _between(now: Judgement, end: int | None) -> Iterator[int]:
    """Instants after the judgement and before `end`: next to both, the middle, and each of the first steps of fading."""
    last = now.as_of + 400 * DAY if end is None else end - 1
    wanted = {now.as_of + 1, last, (now.as_of + last) // 2, now.changes_at or 0}
    wanted |= {(now.changes_at or now.as_of) + days * DAY for days in (1, 2, 3, 5, 8, 13)}
    yield from sorted(at for at in wanted if now.as_of < at <= last)


def test_before_it_turns_time_turns_nothing_and_before_it_is_stale_no_score_has_moved_by_a_point() -> None:
    """Also past steps of fading: those are what makes the two later than `changes_at`. Touches to come among what is known."""
    seen: Counter[str] = Counter()
    for seed in range(120):
        case = generated.case(seed)
        drift = Drift(case.agreement)
        for lead_id, at in case.asks:
            history = changes.up_to(case.history, at)
            lead = history.lead(lead_id)
            now = evaluate(case.agreement, lead, history, at)
            ahead = (now.changes_at, now.steps_at, now.fades)
            scores = [now.scores[dimension] for dimension in DIMENSIONS]
            turns = drift.turns_at(scores, as_of=at, changes_at=ahead[0], steps_at=ahead[1], fades=ahead[2])
            stale = drift.stale_at(as_of=at, changes_at=ahead[0], steps_at=ahead[1], fades=ahead[2])
            assert turns is None or (now.changes_at is not None and turns >= now.changes_at)
            for instant in _between(now, turns):
                then = evaluate(case.agreement, lead, history, instant)
                assert (*_found(then), then.decided_by) == (*_found(now), now.decided_by), (seed, lead_id, instant)
                seen["turned nothing, and faded"] += then.scores != now.scores
            for instant in _between(now, stale):
                then = evaluate(case.agreement, lead, history, instant)
                assert all(abs(then.scores[d] - now.scores[d]) < THOUSANDTHS for d in DIMENSIONS), (seed, lead_id)
                seen["less than a point"] += then.scores != now.scores
            if turns is not None and _found(evaluate(case.agreement, lead, history, turns)) != _found(now):
                seen["turned when it might"] += 1
                seen["a step of fading turned it"] += turns != now.steps_at
    for what, least in EXERCISED.items():
        assert seen[what] >= least, (what, seen)


def test_a_lead_far_above_its_threshold_is_looked_at_when_it_may_fall_below() -> None:
    """20 points that fade over 180 days, and `lead` from 15 on: it is below after 46 days, and not looked at before the 45th."""
    line = Line("seminar", "", "engagement", 20, Each(TouchQuery(("seminar.attended",), within=180 * DAY), fades=True))
    agreement = Agreement("x", (line,), (Verdict("sales_ready", (Score("engagement", at_least=15_000),)),))
    drift = Drift(agreement)
    lead = Lead("Ada", "Ada", None, 0)
    history = History([lead], [Touch("t1", "Ada", "Ada", None, "seminar.attended", 0, 0)])
    looked: list[int] = []
    at: int | None = 0
    while at is not None and len(looked) < 400:
        now = evaluate(agreement, lead, history, at)
        looked.append(at // DAY)
        if now.verdict == "prospect":
            break
        at = drift.turns_at(
            [now.scores[d] for d in DIMENSIONS],
            as_of=at,
            changes_at=now.changes_at,
            steps_at=now.steps_at,
            fades=now.fades,
        )
    assert looked == [0, 44, 45, 46]
    assert (now.fades, now.steps_at) == (112, None)


WINDOW = TouchQuery(("page.viewed",), within=DAY)
EVER = TouchQuery(("page.viewed",))


def _agreement(points: int, clause: Score | Touched, query: TouchQuery = WINDOW) -> Agreement:
    return Agreement("x", (Line("pages", "", "engagement", points, Each(query)),), (Verdict("sales_ready", (clause,)),))


@pytest.mark.parametrize(
    ("points", "clause", "query", "before", "held"),
    [
        (5, Score("engagement", at_least=5000), WINDOW, False, True),
        (-5, Score("engagement", at_least=-5000), WINDOW, True, False),
        (5, Score("engagement", at_most=5000), WINDOW, True, False),
        (5, Score("engagement", at_least=5000), EVER, False, False),
        (0, Score("engagement", at_least=0), WINDOW, False, False),
        (5, Touched(WINDOW), WINDOW, False, True),
        (5, Touched(WINDOW, at_least=0, at_most=0), WINDOW, True, False),
    ],
)
def test_which_way_time_moves_a_clause(
    points: int, clause: Score | Touched, query: TouchQuery, before: bool, held: bool
) -> None:
    """before: whether a prospect can become sales-ready by waiting; held: whether a sales-ready lead can stop being it."""
    drift = Drift(_agreement(points, clause, query))
    assert drift.can_change("prospect", alternatives=0, cools=False) is before
    assert drift.can_change("sales_ready", alternatives=1, cools=False) is held
