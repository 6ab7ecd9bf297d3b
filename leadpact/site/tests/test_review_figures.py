"""The report's arithmetic against numbers worked out by hand or by another road."""

from __future__ import annotations

import numpy as np
import pytest

from leadpact.site import review_charts as charts
from leadpact.site import review_figures as figures
from leadpact.site.review_words import between, date, days, money, percent


def test_the_curve_is_kaplan_meiers() -> None:
    """Six leads, by hand: won on days 1, 3 and 3; watched until days 2, 4 and 5."""
    found = figures.curve(np.array([1.0, 2, 3, 3, 4, 5]), np.array([True, False, True, True, False, False]))
    assert found is not None
    assert found.days.tolist() == [1, 3]
    assert found.share.tolist() == pytest.approx([1 / 6, 1 - 5 / 6 * 2 / 4])
    assert (found.low < found.share).all()
    assert (found.high > found.share).all()


def test_without_censoring_the_curve_is_the_plain_share() -> None:
    waits = np.arange(1.0, 101)
    won = waits <= 30
    found = figures.curve(np.where(won, waits, 200.0), won)
    assert found is not None
    assert found.milestones[30][0] == pytest.approx(0.30)
    assert found.milestones[7][0] == pytest.approx(0.07)
    assert found.milestones[90][3] == 70


def test_nothing_won_is_no_curve() -> None:
    assert figures.curve(np.array([1.0, 2]), np.array([False, False])) is None


def test_holm_goes_down_from_the_smallest_and_stops() -> None:
    assert figures.holm([0.01, 0.04, 0.03, 0.005]) == [True, False, False, True]
    assert figures.holm([0.2]) == [False]
    assert figures.holm([]) == []


def test_axes_end_round() -> None:
    for highest, end, labels in (
        (0.112, 0.15, ["0%", "5%", "10%", "15%"]),
        (0.38, 0.4, None),
        (0.02, 0.02, None),
        (1.0, 1.0, None),
    ):
        assert charts.top(highest) == pytest.approx(end)
        if labels:
            assert [tick.label for tick in charts.scale(end)] == labels


def test_intervals_never_leave_the_track() -> None:
    for of, n in ((0, 3), (3, 3), (1, 500)):
        found = charts.track(figures.rate(of, n), 0.1)
        assert 0 <= float(found.left) <= 100
        assert float(found.left) + float(found.width) <= 100.5
        assert 0 <= float(found.at) <= 100


def test_numbers_read_well() -> None:
    assert [percent(share) for share in (0.10525, 0.0034, 0, 1)] == ["10.5%", "0.3%", "0%", "100%"]
    assert between(0.0987, 0.1122) == "9.9 – 11.2%"
    assert [days(value) for value in (14.72, 0.25, 0.01, 138.2)] == ["14.7 days", "6 h", "14 min", "138 days"]
    assert [money(value, "USD") for value in (1_234_500_000, 12_300_000)] == ["$1,234", "$12.30"]
    assert date(1_519_675_134_000_000) == "26 Feb 2018"
