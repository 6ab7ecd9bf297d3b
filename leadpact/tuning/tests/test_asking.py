"""Was this a check? Who is asked, and what the guesses say."""

from __future__ import annotations

import pytest

from leadpact.tuning.rules import guessed, is_asked


def test_a_third_is_asked_by_the_seed_alone() -> None:
    asked = [is_asked(lead, 7) for lead in range(3_000)]
    assert 0.30 < sum(asked) / len(asked) < 0.37
    assert asked == [is_asked(lead, 7) for lead in range(3_000)]
    assert asked != [is_asked(lead, 7, seed="another") for lead in range(3_000)]
    assert asked != [is_asked(lead, 8) for lead in range(3_000)]


def test_guesses_that_do_not_tell_checks_from_others_say_so() -> None:
    found = guessed(checks=20, taken_checks=3, others=180, taken_others=27, skipped=4)
    assert (found.right.value, found.right.n, found.skipped) == (156 / 200, 200, 4)
    assert found.checks.value == found.others.value == pytest.approx(0.15)
    assert found.difference.low is not None
    assert found.difference.high is not None
    assert found.difference.low < 0 < found.difference.high
    assert found.difference.says.endswith("no sign that people can tell.")


def test_guesses_that_do_tell_say_so_though_always_no_would_be_right_oftener() -> None:
    found = guessed(checks=20, taken_checks=16, others=180, taken_others=40, skipped=0)
    assert found.right.value == 156 / 200 < 180 / 200
    assert found.difference.low is not None
    assert found.difference.low > 0.3
    assert "People can tell" in found.difference.says


def test_newcombes_interval_of_his_own_example() -> None:
    # Newcombe 1998, table II, method 10: 56/70 less 48/80 is 0.2, 95% interval 0.0524 to 0.3339.
    found = guessed(checks=70, taken_checks=56, others=80, taken_others=48, skipped=0).difference
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def test_too_few_say_nothing() -> None:
    none = guessed(checks=0, taken_checks=0, others=0, taken_others=0, skipped=1)
    assert none.right.value is None
    assert none.difference.value is None
    few = guessed(checks=2, taken_checks=0, others=30, taken_others=2, skipped=0)
    assert "so few answers say nothing yet" in few.difference.says
