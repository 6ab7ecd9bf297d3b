from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadpact.lake.sampled.bounds import exact_upper
from leadpact.lake.sampled.cells import MATURITY, WAITS
from leadpact.lake.sampled.stratified import exact_bound, interval, missing_bounds, rate, rate_draws
from leadpact.tuning.rules import Audited, Cell, StratumWeek, answer_of, jeffreys, join, matured, recall, second_error
from leadpact.tuning.rules.clusters import clustered, spread

WEEK = 7 * 86_400_000_000
END = 1_000 * WEEK


def row(stratum: str, week: int, size: int, *answers: int | None, who: str = "s1", **how: bool) -> StratumWeek:
    audits = tuple(Audited(answer=a, released_at=week * WEEK, salesperson=who, **how) for a in answers)
    return StratumWeek(stratum, week * WEEK, size, audits)


def cell(size: int, answered: int, good: int, *, drawn: int | None = None, stratum: str = "far") -> Cell:
    return Cell(stratum, (0,), size, drawn if drawn is not None else answered, answered, good)


cells = st.lists(
    st.builds(
        lambda stratum, answered, extra, good, missing: Cell(
            stratum, (0,), answered + missing + extra, answered + missing, answered, min(good, answered)
        ),
        st.sampled_from(["near", "far"]),
        st.integers(1, 60),
        st.integers(0, 4_000),
        st.integers(0, 60),
        st.integers(0, 10),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize(
    ("outcome", "blames", "days", "answer"),
    [
        ("qualified", None, 3, 1),
        ("qualified", None, 30, 1),
        ("qualified", None, 31, None),
        ("rejected", "definition", 3, 0),
        ("recycled", "timing", 3, 0),
        ("rejected", "definition", 31, None),
        ("rejected", "data", 3, None),
        ("rejected", "nobody", 3, None),
        ("rejected", None, 3, None),
    ],
)
def test_what_an_answer_counts_as(outcome: str, blames: str | None, days: int, answer: int | None) -> None:
    assert answer_of(outcome, blames, released_at=0, answered_at=days * 86_400_000_000) == answer


def test_only_matured_weeks_count_however_early_their_answers_came() -> None:
    old, young = row("far", 1, 50, 0, 0), row("far", 9, 50, 1, 1)
    waiting = StratumWeek("near", 1 * WEEK, 5, (Audited(None),))
    soon = 1 * WEEK + WAITS
    as_of = 9 * WEEK + MATURITY
    assert matured([old, young], as_of) == [old, young]
    assert matured([old, young], as_of - 1) == [old]
    # One drawn lead that still waits for capacity keeps its whole week out, in every stratum.
    assert matured([old, waiting], soon - 1) == []
    # One that can never be released keeps it out for 60 days, and is missing then.
    assert matured([old, waiting], soon) == [old, waiting]
    caught = StratumWeek("near", 1 * WEEK, 5, (Audited(None, caught=True),))
    assert matured([old, caught], as_of) == [old, caught]


def test_adjacent_weeks_are_joined_within_a_stratum_until_there_are_ten_answers() -> None:
    rows = [row("far", week, 100 + week, *[0] * 4) for week in range(8)] + [row("near", 3, 7, 1, None)]
    found = join(reversed(rows))
    assert [(c.stratum, len(c.weeks), c.size, c.answered) for c in found] == [
        ("far", 3, 303, 12),
        ("far", 5, 525, 20),  # 12 answers, and the two weeks that are left
        ("near", 1, 7, 1),
    ]
    assert found[2].drawn == 2


def test_empty_strata_are_left_out_and_weeks_without_a_draw_join_their_neighbours() -> None:
    rows = [row("far", 1, 100, *[0] * 10), row("far", 2, 50), row("near", 1, 0), row("far", 3, 60, *[1] * 10)]
    assert [(c.size, c.answered, c.good) for c in join(rows)] == [(100, 10, 0), (110, 10, 10)]


def test_the_rate_is_weighted_by_the_size_of_the_cells() -> None:
    assert rate([cell(900, 10, 1), cell(100, 10, 5, stratum="near")]) == pytest.approx(0.9 * 0.1 + 0.1 * 0.5)


def test_one_cell_is_jeffreys() -> None:
    low, high = interval([cell(1_000, 80, 6)], seed="s")
    assert (low, high) == pytest.approx(jeffreys(6, 80), rel=0.02)


def test_many_cells_of_one_stratum_are_near_jeffreys_of_the_whole() -> None:
    """The trap: a whole prior in each of thirty cells of ten would put the rate of 1% at 5%."""
    many = [cell(1_000, 10, int(n < 3)) for n in range(30)]
    low, high = interval(many, seed="s")
    assert low == pytest.approx(jeffreys(3, 300)[0], rel=0.2)
    assert high == pytest.approx(jeffreys(3, 300)[1], rel=0.2)
    literal = np.mean([np.random.default_rng(1).beta(c.good + 0.5, c.answered - c.good + 0.5, 5_000) for c in many])
    assert literal > high


@settings(max_examples=40, deadline=None)
@given(cells, st.text(max_size=4))
def test_the_interval_holds_the_rate_and_repeats_itself(found: list[Cell], seed: str) -> None:
    low, high = interval(found, seed=seed, draws=200)
    value = rate(found)
    assert 0 <= low <= value <= high <= 1
    assert (low, high) == interval(found, seed=seed, draws=200)
    if value == 0:
        assert low == 0 < high
    if value == 1:
        assert high == 1 > low
    none, every = missing_bounds(found)
    assert none <= value + 1e-12
    assert every >= value - 1e-12
    assert exact_bound(found) >= value - 1e-12
    assert exact_bound(found, missing_good=True) >= every - 1e-12


@settings(max_examples=25, deadline=None)
@given(cells)
def test_one_good_answer_more_raises_every_bound(found: list[Cell]) -> None:
    first = found[0]
    if first.good == first.answered:
        return
    more = [Cell(first.stratum, (0,), first.size, first.drawn, first.answered, first.good + 1), *found[1:]]
    assert rate(more) > rate(found)
    assert exact_bound(more) >= exact_bound(found)
    assert np.mean(rate_draws(more, seed="s", draws=2_000)) > np.mean(rate_draws(found, seed="s", draws=2_000)) - 0.02


def test_the_exact_bound_of_one_stratum_is_clopper_pearson() -> None:
    assert exact_bound([cell(5_000, 59, 0)]) == pytest.approx(0.0495, abs=5e-5)
    assert exact_bound([cell(2_000, 150, 0), cell(2_000, 150, 0)]) == pytest.approx(exact_upper(0, 300))


def test_uneven_weeks_and_two_strata_cost_the_exact_bound() -> None:
    even, uneven = [cell(2_000, 50, 1)] * 2, [cell(1_000, 50, 1), cell(3_000, 50, 1)]
    assert exact_bound(uneven) == pytest.approx(1.5 * exact_bound(even))
    assert exact_bound([cell(3_900, 100, 2), cell(100, 100, 2, stratum="near")]) > exact_upper(2, 100) * 0.975


def test_an_interval_of_nought_still_has_a_width() -> None:
    found = second_error([row("far", 1, 4_000, *[0] * 60)], as_of=END, seed="s")
    assert found.value == found.low == 0
    assert found.high == pytest.approx(jeffreys(0, 60)[1], rel=0.05)
    assert found.detail["exact_upper"] == pytest.approx(exact_upper(0, 60))
    assert "None was good: the rate is at most 4.9%" in found.says


def test_the_estimate_tells_what_it_rests_on() -> None:
    rows = [row("far", w, 3_000, *([1] + [0] * 9)) for w in range(4)] + [
        row("near", w, 100, 1, 0, None) for w in range(4)
    ]
    rows.append(row("far", 999, 3_000, 1, 1))
    found = second_error(rows, as_of=END, seed="s", draws=5_000)
    assert found.n == 48
    assert found.value == pytest.approx((12_000 * 0.1 + 400 * 0.5) / 12_400)
    assert found.detail["frame"] == 12_400
    assert found.detail["weeks_not_matured"] == 1
    assert "1 week is too young" in found.says
    assert "4 drawn leads got no answer" in found.says
    missing = found.detail["missing"]
    assert isinstance(missing, dict)
    assert missing["n"] == 4
    assert missing["if_all_0"] == pytest.approx((12_000 * 0.1 + 400 * 4 / 12) / 12_400)
    assert missing["if_all_1"] == pytest.approx((12_000 * 0.1 + 400 * 8 / 12) / 12_400)
    assert json.loads(json.dumps(found.to_json()))["n"] == 48
    assert found == second_error(reversed(rows), as_of=END, seed="s", draws=5_000)
    assert "5,000 draws, seed s" in found.method


def test_a_caught_lead_is_no_loss() -> None:
    rows = [row("far", 1, 500, *[0] * 9), row("far", 1, 0)]
    caught = StratumWeek("far", 2 * WEEK, 500, (Audited(None, caught=True),))
    found = second_error([*rows, caught], as_of=END, seed="s", draws=2_000)
    assert (found.n, found.value) == (10, 0)


def test_no_answers_and_a_silent_stratum_say_nothing() -> None:
    empty = second_error([], as_of=END, seed="s")
    assert (empty.value, empty.low, empty.high) == (None, None, None)
    assert "nothing can be said" in empty.says
    silent = second_error([row("far", 1, 900, *[0] * 20), row("near", 1, 40, None, None)], as_of=END, seed="s")
    assert silent.value is None
    assert "near from the threshold" in silent.says


def test_a_few_answers_say_that_they_are_few() -> None:
    assert "too few to say anything" in second_error([row("far", 1, 900, 0, 1, 0)], as_of=END, seed="s").says


def test_alike_answers_of_a_salesperson_widen_the_clustered_interval() -> None:
    def rows(shuffled: bool) -> list[StratumWeek]:
        people = [f"s{i % 5}" for i in range(100)]
        answers = [int(i % 5 == 0) for i in range(100)] if not shuffled else [int(i % 25 < 5) for i in range(100)]
        audits = tuple(Audited(a, 0, salesperson=p) for a, p in zip(answers, people, strict=True))
        return [StratumWeek("far", 0, 5_000, audits)]

    alike, mixed = (clustered(rows(shuffled), seed="s", draws=20_000) for shuffled in (False, True))
    plain = interval(join(rows(False)), seed="s")
    assert alike is not None
    assert mixed is not None
    assert alike[1] - alike[0] > 2 * (plain[1] - plain[0])
    assert mixed[1] - mixed[0] < alike[1] - alike[0]
    assert spread(rows(False))["between"] == pytest.approx(0.4, abs=0.05)
    assert spread(rows(True))["between"] == 0


def test_one_salesperson_has_no_clustered_interval() -> None:
    assert clustered([row("far", 1, 900, *[0] * 20)], seed="s", draws=100) is None
    assert spread([row("far", 1, 900, *[0] * 20)])["between"] is None


def test_spread_lists_who_answered_how_against_what_was_to_be_expected() -> None:
    rows = [row("far", 1, 900, *[0] * 8, who="a"), row("near", 1, 90, *[1] * 6, *[0] * 2, who="b")]
    people = spread(rows)["salespeople"]
    assert isinstance(people, list)
    assert [(p["salesperson"], p["n"], p["good"], p["expected"]) for p in people] == [  # type: ignore[call-overload, index]
        ("a", 8, 0, 0.0),
        ("b", 8, 6, 6.0),
    ]


def test_recall_is_what_was_found_of_what_there_was() -> None:
    rows = [row("far", week, 1_000, *([1] + [0] * 9)) for week in range(4)]
    found = recall(rows, {week * WEEK: 25 for week in range(4)} | {99 * WEEK: 5}, as_of=END, seed="s", draws=5_000)
    assert found.value == pytest.approx(100 / (100 + 400))
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.2 < found.high
    assert found.detail["weeks_left_out"] == 1
    assert found.detail["found"] == 100
    assert "25.0 good leads and about 100.0 lay unfound" in found.says


def test_recall_does_not_count_what_would_have_been_found_anyway() -> None:
    rows = [row("far", 1, 1_000, *[0] * 10), row("far", 1, 0)]
    anyway = StratumWeek("far", 1 * WEEK, 1_000, tuple(Audited(1, 0, ready_anyway=True) for _ in range(10)))
    found = recall([anyway], {WEEK: 7}, as_of=END, seed="s", draws=2_000)
    assert found.value == 1
    assert second_error([anyway], as_of=END, seed="s", draws=2_000).value == 1
    assert recall(rows, {WEEK: 7}, as_of=END, seed="s", draws=2_000).value == 1


def test_recall_of_nothing_says_so() -> None:
    assert recall([], {WEEK: 3}, as_of=END, seed="s").value is None
    nothing = recall([row("far", 1, 1_000, *[0] * 10)], {}, as_of=END, seed="s", draws=2_000)
    assert (nothing.value, nothing.low, nothing.high) == (None, 0.0, 1.0)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="1, 0 or missing"):
        Audited(2)
    with pytest.raises(ValueError, match="audits of a stratum"):
        StratumWeek("far", 0, 1, (Audited(1), Audited(0)))
