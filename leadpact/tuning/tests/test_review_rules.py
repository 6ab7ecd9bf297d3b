"""Drift, the draw of disputed leads, and the evidence for a line: pure, and held against known answers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from leadpact.tuning.rules import Disputed, HandOver, Week, draw_disputed, drift, evidence
from leadpact.tuning.rules.evidence import Side, difference

WEEK = 7 * 86_400_000_000


def shares(pairs: list[tuple[int, int]]) -> list[Week]:
    return [Week(number * WEEK, k, n) for number, (k, n) in enumerate(pairs)]


def counts(numbers: list[int]) -> list[Week]:
    return [Week(number * WEEK, k) for number, k in enumerate(numbers)]


# --- drift --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spread", [0.0, 0.08], ids=["chance alone", "weeks unlike one another"])
def test_a_figure_that_does_not_drift_seldom_leaves_its_interval(spread: float) -> None:
    chance = np.random.default_rng(11)
    out = looked = 0
    for _ in range(150):
        rates = np.clip(0.25 + spread * chance.standard_normal(12), 0.01, 0.99)
        weeks = shares([(int(chance.binomial(40, p)), 40) for p in rates])
        last = drift(weeks, noun="answers").weeks[-1]
        looked += 1
        out += last.out
    assert looked == 150
    assert out / looked <= 0.04, "99% intervals, with what 150 tries may add"


def test_a_count_that_does_not_drift_seldom_leaves_its_interval() -> None:
    chance = np.random.default_rng(12)
    out = sum(drift(counts(chance.poisson(18, 12).tolist()), noun="leads").weeks[-1].out for _ in range(150))
    assert out / 150 <= 0.04


def test_a_jump_is_seen_in_its_week() -> None:
    found = drift(shares([(10, 40)] * 12 + [(28, 40)]), noun="answers")
    assert found.alarm
    assert found.weeks[-1].out
    assert found.says.startswith("Left its interval: 70% in the last week, where ")
    jumped = drift(counts([20, 21, 18, 22, 19, 20, 21, 20, 60]), noun="leads")
    assert jumped.alarm
    assert "60 in the last week" in jumped.says


def test_a_slow_drift_is_seen_over_four_weeks_together() -> None:
    found = drift(
        shares([(10, 40), (9, 40), (11, 40), (10, 40)] * 5 + [(17, 40), (16, 40), (17, 40), (16, 40)]), noun="answers"
    )
    assert not found.weeks[-1].out, "no single week shows it"
    assert found.together is not None
    assert found.together.out
    assert found.alarm
    assert found.says.startswith("Drifts: ")


def test_too_few_weeks_and_no_cases_say_so() -> None:
    assert drift(shares([(1, 4)] * 5), noun="answers").says == (
        "Too few weeks or answers under this version to say what a week should look like."
    )
    few = drift(shares([(0, 1)] * 12), noun="answers")
    assert few.weeks[-1].low is None, "twelve answers in twelve weeks foretell nothing"
    assert "no answers in the last week" in drift(shares([(1, 9)] * 12 + [(0, 0)]), noun="answers").says
    assert not drift([], noun="answers").alarm


def test_a_past_without_any_does_not_foretell_none_for_ever() -> None:
    found = drift(shares([(0, 20)] * 10 + [(1, 20)]), noun="answers")
    assert not found.alarm


# --- disputed -------------------------------------------------------------------------------------------------------


def disputed(lead: int, seq: int = 3) -> Disputed:
    return Disputed(lead, seq, 0, "definition", "", "rejected", "no_fit", answered=True, why=("definition",))


def test_the_draw_is_the_seeds_and_not_the_orders() -> None:
    found = [disputed(lead) for lead in range(1, 41)]
    drawn = draw_disputed(found, seed="a", since=5)
    assert len({one.lead_id for one in drawn}) == 10
    assert draw_disputed(found[::-1], seed="a", since=5) == drawn
    assert draw_disputed(found, seed="b", since=5) != drawn
    assert draw_disputed(found, seed="a", since=6) != drawn
    assert len(draw_disputed(found[:4], seed="a", since=5)) == 4
    assert draw_disputed([], seed="a", since=5) == []


def test_each_lead_has_the_same_chance_however_often_it_was_handed_over() -> None:
    found = [disputed(1, seq) for seq in range(1, 30)] + [disputed(lead) for lead in range(2, 41)]
    times = Counter(one.lead_id for n in range(1_000) for one in draw_disputed(found, seed=str(n), since=0))
    assert len(times) == 40
    # 1,000 draws of 10 from 40: 250 times each, standard deviation 14.
    assert all(abs(n - 250) < 70 for n in times.values())
    one = next(one for n in range(50) for one in draw_disputed(found, seed=str(n), since=0) if one.lead_id == 1)
    assert one.seq == 29, "the latest hand-over"


# --- evidence -------------------------------------------------------------------------------------------------------


def test_newcombes_own_examples() -> None:
    # Newcombe 1998, table II, method 10: 56/70 − 48/80, 9/10 − 3/10 and 10/10 − 0/20.
    for (a, b), expected in {
        (Side(70, 56), Side(80, 48)): (0.2, 0.0524, 0.3339),
        (Side(10, 9), Side(10, 3)): (0.6, 0.1705, 0.8090),
        (Side(10, 10), Side(20, 0)): (1.0, 0.6791, 1.0),
    }.items():
        assert difference(a, b) == pytest.approx(expected, abs=1e-4)


def test_a_line_is_compared_where_it_is_known() -> None:
    over = (
        [HandOver(True, {"student": True, "size": None})] * 14
        + [HandOver(False, {"student": True, "size": None})] * 2
        + [HandOver(True, {"student": False, "size": True})] * 10
        + [HandOver(False, {"student": False, "size": True})] * 40
    )
    student, size = evidence(over, ["student", "size"])
    assert (student.held.n, student.held.bad, student.without.n, student.without.bad) == (16, 14, 50, 10)
    assert student.says.startswith("Speaks against the line: 88% with it, 20% without")
    assert (size.held.n, size.without.n, size.unknown) == (50, 0, 16)
    assert size.difference is None
    assert size.says == "50 judged with it, 0 without: too few to say."
    same = evidence([HandOver(n % 4 == 0, {"x": n % 2 == 0}) for n in range(40)] * 2, ["x"])[0]
    assert same.difference is not None
    good = evidence(
        [HandOver(n % 5 == 0, {"x": True}) for n in range(60)]
        + [HandOver(n % 5 != 0, {"x": False}) for n in range(60)],
        ["x"],
    )[0]
    assert good.says.startswith("Speaks for the line: 20% with it, 80% without")
