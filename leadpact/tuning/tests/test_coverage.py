"""Do the intervals hold the truth of simulated companies? A small part of bench/coverage.py, with wider limits."""

from __future__ import annotations

import numpy as np
import pytest

from leadpact.language.nodes import Audit
from leadpact.tuning.tests.worlds import Trial, World, first_error_trials

CAPS = Audit(20_000, 10, 15_000, 100_000)


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [World(seed, 400 + 300 * (seed % 3), (-1.0, 0.0, 1.0)[seed % 3], 26) for seed in range(9)]


@pytest.fixture(scope="module")
def trials(worlds: list[World]) -> list[Trial]:
    found = [world.trial(CAPS, 26, f"{n} {k}", beside=k < 4) for n, world in enumerate(worlds) for k in range(12)]
    return [trial for trial in found if trial is not None]


def test_headline_intervals_hold_the_truth(trials: list[Trial]) -> None:
    """108 draws: with a true coverage of 95% fewer than 97 would be a chance of 1 in 100, with 85% of 9 in 10."""
    assert len(trials) == 108
    assert np.mean([trial.headline for trial in trials]) >= 0.90


def test_exact_bounds_hold_the_truth(trials: list[Trial]) -> None:
    assert np.mean([trial.exact for trial in trials]) >= 0.95


def test_intervals_clustered_by_salesperson_hold_the_truth(trials: list[Trial]) -> None:
    assert np.mean([trial.clustered for trial in trials if trial.clustered is not None]) >= 0.90


def test_a_whole_prior_in_each_cell_would_not(trials: list[Trial]) -> None:
    """Why the prior is shared: the same trials with Jeffreys' prior in every cell."""
    assert np.mean([trial.literal for trial in trials if trial.literal is not None]) < 0.80


def test_the_rate_is_right_on_average(trials: list[Trial]) -> None:
    value, truth = np.mean([trial.value for trial in trials]), np.mean([trial.truth for trial in trials])
    assert value == pytest.approx(truth, rel=0.15)


def test_first_error_s_interval_holds_the_truth(worlds: list[World]) -> None:
    held = [ok for world in worlds[:3] for _size, ok in first_error_trials(world, (30, 80), 30)]
    assert len(held) == 180
    assert np.mean(held) >= 0.90
