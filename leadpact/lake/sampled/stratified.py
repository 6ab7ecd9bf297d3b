"""The stratified rate, its interval and its exact bound.

Rate = Σ N·ȳ ÷ Σ N over cells (a stratum's adjacent weeks, joined until they hold ten answers). N is the number of
lead-weeks in the frame, ȳ the share of good ones among those that answered: missing answers are weighted by response
inside the cell.

Interval: each cell's share is drawn from Beta(c·good + a, c·bad + a), the draws are weighted with N and summed,
100,000 times, and the 2.5% and 97.5% quantiles taken. With one cell to a stratum a = ½ and c = 1: Jeffreys. With K:

- a: Jeffreys' half success and half failure belong to the stratum and are shared out over its cells by their answers.
  Given whole to each cell they would be made-up answers, half a good lead in every ten, and a year of joined weeks at
  a true rate of 1% would be reported as 5% (the coverage bench shows it).
- c = 1 − (1 − 1/K)·2/n: each cell estimates its own mean, for which Beta's variance ȳ(1−ȳ)/(n+1) does not pay; the
  unbiased one is ȳ(1−ȳ)/(n−1) (W. G. Cochran, Sampling Techniques, 1977, section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leadpact.lake.sampled.bounds import LEVEL, exact_upper
from leadpact.lake.sampled.cells import Cell
from leadpact.lake.sampled.chance import generator

DRAWS = 100_000
PRIOR = 0.5
SPENT = 2
LEAST_WORTH = 0.5  # of an answer in a cell of fewer than four, which joining does not make
LEAST_ERROR_SHARE = 0.1


def rate(cells: Sequence[Cell]) -> float:
    """Σ N·ȳ ÷ Σ N."""
    return sum(cell.size * cell.share for cell in cells) / sum(cell.size for cell in cells)


def interval(cells: Sequence[Cell], *, seed: str, draws: int = DRAWS) -> tuple[float, float]:
    """The headline interval of `rate`. Nought below when no answer was good; 1 above when every one was."""
    value = rate(cells)
    low, high = np.quantile(rate_draws(cells, seed=seed, draws=draws), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    good, answered = sum(cell.good for cell in cells), sum(cell.answered for cell in cells)
    return (
        0.0 if good == 0 else min(float(low), value),
        1.0 if good == answered else max(float(high), value),
    )


def rate_draws(cells: Sequence[Cell], *, seed: str, draws: int = DRAWS, effective: float = 1.0) -> NDArray[np.float64]:
    """`draws` draws of the rate, shape (draws,). `effective`: what an answer is worth (below 1 when clustered)."""
    chance = generator(seed, len(cells), "rate")
    total = np.zeros(draws)
    answered: dict[str, int] = {}
    parts: dict[str, int] = {}
    for cell in cells:
        answered[cell.stratum] = answered.get(cell.stratum, 0) + cell.answered
        parts[cell.stratum] = parts.get(cell.stratum, 0) + 1
    for cell in cells:
        prior = PRIOR * cell.answered / answered[cell.stratum]
        worth = effective * max(LEAST_WORTH, 1 - (1 - 1 / parts[cell.stratum]) * SPENT / cell.answered)
        good, bad = cell.good * worth, (cell.answered - cell.good) * worth
        total += cell.size * chance.beta(good + prior, bad + prior, size=draws)
    return total / sum(cell.size for cell in cells)


def exact_bound(cells: Sequence[Cell], level: float = LEVEL, *, missing_good: bool = False) -> float:
    """The rate is at most this, with probability `level` or more, whatever the rates in the cells are.

    In a stratum of one cell: Clopper-Pearson. In one of several cells, Σ N·p ≤ max(N ÷ n) × Σ n·p, and the pooled count
    has a lower tail no heavier than the binomial of its mean (W. Hoeffding, Ann. Math. Stat. 27 (1956)), so
    Clopper-Pearson on the pooled count, times n × max(N ÷ n) ÷ N. Across strata the error 1 − level is shared out by N
    (each at least a tenth of an equal part), and the bounds are added.
    """
    strata: dict[str, list[Cell]] = {}
    for cell in cells:
        strata.setdefault(cell.stratum, []).append(cell)
    frame = sum(cell.size for cell in cells)
    sizes = [sum(cell.size for cell in own) / frame for own in strata.values()]
    parts = np.maximum(sizes, LEAST_ERROR_SHARE / len(sizes))
    parts = (1 - level) * parts / parts.sum()
    bound = 0.0
    for own, size, part in zip(strata.values(), sizes, parts.tolist(), strict=True):
        n = [cell.drawn if missing_good else cell.answered for cell in own]
        good = [cell.good + (cell.drawn - cell.answered if missing_good else 0) for cell in own]
        uneven = sum(n) / sum(cell.size for cell in own) * max(cell.size / of for cell, of in zip(own, n, strict=True))
        bound += size * min(1.0, uneven * exact_upper(sum(good), sum(n), 1 - part))
    return min(1.0, bound)


def missing_bounds(cells: Sequence[Cell]) -> tuple[float, float]:
    """The rate if every missing answer were 0, and if every one were 1."""
    frame = sum(cell.size for cell in cells)
    none = sum(cell.size * cell.good / cell.drawn for cell in cells) / frame
    every = sum(cell.size * (cell.good + cell.drawn - cell.answered) / cell.drawn for cell in cells) / frame
    return none, every
