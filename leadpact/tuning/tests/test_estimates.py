from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadpact.tuning.rules import Answers, Estimate, exact_lower, exact_upper, first_error, jeffreys, share, wilson
from leadpact.tuning.rules.estimates import percent

counts = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [
        # Computed by hand from Wilson's formula with z = 1.959964.
        (0, 10, 0.0, 0.2775),
        (1, 10, 0.0179, 0.4042),
        (10, 40, 0.1419, 0.4019),
        (50, 100, 0.4038, 0.5962),
    ],
)
def test_wilson_is_wilson_s(x: int, n: int, low: float, high: float) -> None:
    assert wilson(x, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("n", "bound"), [(59, 0.0495), (150, 0.0198), (299, 0.00997)])
def test_nought_of_n_bounds_the_rate(n: int, bound: float) -> None:
    assert exact_upper(0, n) == pytest.approx(bound, abs=5e-5)
    assert exact_upper(0, n) == pytest.approx(1 - 0.05 ** (1 / n))


def test_jeffreys_is_the_middle_of_beta() -> None:
    # Quantiles of Beta(3.5, 17.5), by summing its density over two million points.
    assert jeffreys(3, 20) == pytest.approx((0.04413, 0.34858), abs=1e-5)
    assert jeffreys(0, 20)[0] == 0
    assert jeffreys(20, 20)[1] == 1


@settings(deadline=None)
@given(counts)
def test_every_interval_holds_its_point_and_lies_within_0_and_1(of: tuple[int, int]) -> None:
    x, n = of
    for low, high in (wilson(x, n), jeffreys(x, n)):
        assert 0 <= low <= (x / n if n else 0) <= high <= 1 if n else (low, high) == (0, 1)
    assert exact_lower(x, n) <= (x / n if n else 0)
    assert exact_upper(x, n) >= (x / n if n else 1)


@settings(deadline=None)
@given(counts.filter(lambda of: of[0] < of[1]))
def test_one_more_success_moves_every_bound_up(of: tuple[int, int]) -> None:
    x, n = of
    for interval in (wilson, jeffreys):
        assert interval(x, n)[0] <= interval(x + 1, n)[0]
        assert interval(x, n)[1] <= interval(x + 1, n)[1]
    assert exact_upper(x, n) < exact_upper(x + 1, n) or x + 1 == n
    assert exact_lower(x, n) < exact_lower(x + 1, n)


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(2, 5))
def test_more_answers_of_the_same_kind_narrow_the_interval(n: int, times: int) -> None:
    x = n // 3
    for interval in (wilson, jeffreys):
        low, high = interval(x, n)
        closer = interval(x * times, n * times)
        assert closer[1] - closer[0] < high - low


@settings(deadline=None)
@given(counts)
def test_intervals_are_alike_from_both_ends(of: tuple[int, int]) -> None:
    x, n = of
    for interval in (wilson, jeffreys):
        low, high = interval(x, n)
        mirrored = interval(n - x, n)
        assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=1e-9)


def test_a_share_of_more_than_all_is_refused() -> None:
    for function in (wilson, jeffreys, exact_upper, exact_lower):
        with pytest.raises(ValueError, match="is not a share"):
            function(3, 2)


def test_first_error_counts_only_answers_about_the_definition() -> None:
    found = first_error(Answers(definition=12, qualified=38, timing=10, data=2, nobody=3, pending=4))
    assert found.n == 50
    assert found.value == 0.24
    assert (found.low, found.high) == wilson(12, 50)
    assert found.detail["bounds"] == {"if_all_good": 12 / 69, "if_all_false": 31 / 69}
    assert found.detail["beside"] == {"timing": 10, "data": 2, "nobody": 3, "pending": 4}
    assert "12 of 50" in found.says
    assert "between 17% and 45%" in found.says


def test_first_error_without_answers_says_so() -> None:
    found = first_error(Answers(definition=0, qualified=0, pending=7))
    assert (found.value, found.low, found.high) == (None, None, None)
    assert "nothing can be said" in found.says
    assert "7 more" in found.says
    assert "nothing can be said" in first_error(Answers(0, 0)).says


def test_a_handful_of_answers_says_that_it_is_too_few() -> None:
    assert "too few to say anything" in first_error(Answers(definition=1, qualified=4)).says
    assert "wide interval" in first_error(Answers(definition=6, qualified=8)).says
    assert "few" not in first_error(Answers(definition=60, qualified=140)).says


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="never negative"):
        Answers(definition=-1, qualified=2)


@settings(deadline=None)
@given(*[st.integers(0, 50)] * 6)
def test_whatever_is_beside_lies_within_the_bounds(d: int, q: int, t: int, a: int, n: int, p: int) -> None:
    found = first_error(Answers(d, q, t, a, n, p))
    bounds = found.detail["bounds"]
    assert isinstance(bounds, dict)
    if found.value is not None:
        assert bounds["if_all_good"] <= found.value <= bounds["if_all_false"]  # type: ignore[operator]


def test_an_estimate_is_json() -> None:
    found = first_error(Answers(12, 38, 10))
    assert json.loads(json.dumps(found.to_json()))["value"] == 0.24
    assert isinstance(found, Estimate)


def test_a_plain_share_tells_itself() -> None:
    kept = share(45, 50, "offers")
    assert kept.says == "45 of 50 offers: 90%, 95% interval 79% to 96%."
    assert share(0, 0, "offers").value is None
    assert "too few" in share(2, 3).says


@pytest.mark.parametrize(
    ("part", "text"),
    [(0, "0%"), (1, "100%"), (0.0234, "2.3%"), (0.34, "34%"), (0.0004, "0.04%"), (0.0099, "1.0%"), (0.0951, "9.5%")],
)
def test_percent_reads_well(part: float, text: str) -> None:
    assert percent(part) == text
