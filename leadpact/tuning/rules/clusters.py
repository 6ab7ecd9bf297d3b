"""Answers of one salesperson resemble each other: an interval that knows it, and the spread between salespeople.

Effective sizes: J. N. K. Rao, A. J. Scott, A simple method for the analysis of clustered binary data, Biometrics 48
(1992). Few clusters: E. L. Korn, B. I. Graubard, Confidence intervals for proportions with small expected number of
positive counts estimated from survey data, Survey Methodology 24 (1998).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from scipy.special import stdtrit

from leadpact.lake.sampled.bounds import LEVEL, jeffreys
from leadpact.lake.sampled.cells import Cell, StratumWeek, cell_of, groups, join
from leadpact.lake.sampled.stratified import rate, rate_draws
from leadpact.tuning.rules.estimates import Json


def clustered(rows: Iterable[StratumWeek], *, seed: str, draws: int) -> tuple[float, float] | None:
    """The interval of the rate with answers worth less by the design effect of salespeople; None below two of them.

    Design effect: variance of the rate over salespeople's sums of weighted residuals, G ÷ (G − 1) × Σ u², over the
    variance of independent answers, Σ (N ÷ ΣN)² ȳ(1 − ȳ) ÷ n; never below 1. Few salespeople widen it once more by
    (t with G − 1 degrees ÷ t with n − 1)².
    """
    kept = list(rows)
    cells = join(kept)
    frame = sum(cell.size for cell in cells)
    by_salesperson: dict[str, float] = {}
    independent = 0.0
    for cell, _salesperson, _answer in _answers(kept):
        independent += (cell.size / frame / cell.answered) ** 2 * cell.share * (1 - cell.share)
    for cell, salesperson, answer in _answers(kept):
        residual = cell.size / frame / cell.answered * (answer - cell.share)
        by_salesperson[salesperson] = by_salesperson.get(salesperson, 0.0) + residual
    people, answered = len(by_salesperson), sum(cell.answered for cell in cells)
    if people < 2:
        return None
    between = people / (people - 1) * sum(u * u for u in by_salesperson.values())
    effect = max(1.0, between / independent) if independent > 0 else 1.0
    tail = (1 + LEVEL) / 2
    effect *= float(stdtrit(people - 1, tail) / stdtrit(answered - 1, tail)) ** 2
    values = rate_draws(cells, seed=seed, draws=draws, effective=1 / effect)
    low, high = np.quantile(values, [1 - tail, tail])
    value = rate(cells)
    good = sum(cell.good for cell in cells)
    return 0.0 if good == 0 else min(float(low), value), 1.0 if good == answered else max(float(high), value)


def spread(rows: Iterable[StratumWeek]) -> dict[str, Json]:
    """Who answered how, against what their leads' cells would lead one to expect.

    between: standard deviation of salespeople's shares beyond chance, by moments:
    (Σ n·r² − (G − 1)·v) ÷ (n. − Σ n² ÷ n.), where r is a salesperson's mean residual and v the mean binomial variance;
    None below two salespeople.
    """
    counts: dict[str, list[float]] = {}
    noise = 0.0
    for cell, salesperson, answer in _answers(list(rows)):
        mine = counts.setdefault(salesperson, [0.0, 0.0, 0.0])
        mine[0] += 1
        mine[1] += answer
        mine[2] += cell.share
        noise += cell.share * (1 - cell.share)
    people: list[Json] = []
    for name, (n, good, expected) in sorted(counts.items()):
        low, high = jeffreys(good, n)
        people.append(
            {"salesperson": name, "n": int(n), "good": int(good), "expected": expected, "low": low, "high": high}
        )
    return {"between": _between(list(counts.values()), noise), "salespeople": people}


def _between(counts: list[list[float]], noise: float) -> float | None:
    total = sum(n for n, _good, _expected in counts)
    room = total - sum(n * n for n, _good, _expected in counts) / total if total else 0.0
    if len(counts) < 2 or room <= 0:
        return None
    squares = sum((good - expected) ** 2 / n for n, good, expected in counts)
    return math.sqrt(max(0.0, (squares - (len(counts) - 1) * noise / total) / room))


def _answers(rows: list[StratumWeek]) -> Iterator[tuple[Cell, str, int]]:
    """Every answer with its cell and its salesperson. Who is unknown stands for nobody but himself."""
    for weeks in groups(rows):
        cell = cell_of(weeks)
        for row in weeks:
            for position, one in enumerate(row.audits):
                answer = one.good()
                if answer is not None:
                    yield cell, one.salesperson or f"?{row.stratum}.{row.week}.{position}", answer
