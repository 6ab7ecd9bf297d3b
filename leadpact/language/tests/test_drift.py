"""What time alone cannot do, it does not do: held against drawn agreements and histories."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadpact.language.drift import Drift
from leadpact.language.evaluate import Judgement, evaluate
from leadpact.language.history import History
from leadpact.language.nodes import DAY, Agreement, Each, Line, Score, Touched, TouchQuery, Verdict
from leadpact.language.tests import generated

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
