"""Drift: has a weekly figure left the interval in which its own past says it should lie?

A week is compared with the weeks before it under the same version. The interval is that of a new week, not of the mean: it
holds the chance of the week itself, the unsureness of what the past tells, and the spread that weeks have beyond chance
(holidays, campaigns), which is estimated and never taken as less than chance alone.

Sources. Spread beyond chance: Pearson's χ² ÷ degrees of freedom (R. W. M. Wedderburn, Biometrika 61, 1974); charts that
allow for it: D. B. Laney, Improved control charts for attributes, Quality Engineering 14 (2002). The shapes, beta-binomial
for a share and negative binomial for a count, have the mean and variance that this gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import ndtri, stdtrit
from scipy.stats import betabinom, nbinom

from leadpact.tuning.rules.estimates import percent

LEVEL = 0.99
"""Of a hundred figures that did not drift, about one leaves its interval."""
LEAST_WEEKS = 6
LEAST_CASES = 30
MOST_WEEKS = 26
TOGETHER = 4
METHOD = (
    "Each week against the weeks before it under the same version ({least} to {most}): 99% interval of a new week, {shape} "
    "with the spread that weeks had beyond chance (χ² ÷ degrees of freedom, at least 1, and wider where few weeks told it)"
)


@dataclass(frozen=True, slots=True)
class Week:
    """A figure of one week. week: its Monday, microseconds. k of n cases; for a count, n is None."""

    week: int
    k: int
    n: int | None = None

    @property
    def value(self) -> float | None:
        """The share, or the count; None for a share of nothing."""
        if self.n is None:
            return float(self.k)
        return self.k / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Watched:
    """A week with the interval that the weeks before it gave; low and high are None where they were too few."""

    week: int
    k: int
    n: int | None
    value: float | None
    low: float | None
    high: float | None

    @property
    def out(self) -> bool:
        """Whether it left its interval."""
        return self.value is not None and self.low is not None and self.high is not None and not (
            self.low <= self.value <= self.high
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drift:
    """A figure week by week. alarm: the last week, or the last four together, left their interval."""

    weeks: tuple[Watched, ...]
    together: Watched | None
    alarm: bool
    says: str
    method: str


def drift(weeks: Sequence[Week], *, noun: str) -> Drift:
    """Watch a figure over full weeks in order, oldest first. `noun` names it in the sentence ("hand-overs").

    Two looks: each week alone, and the last four together, which sees a slow drift that no single week shows.
    """
    shape = "negative binomial" if weeks and weeks[0].n is None else "beta-binomial"
    watched = tuple(_watch(one, weeks[max(0, n - MOST_WEEKS) : n]) for n, one in enumerate(weeks))
    together = None
    if len(weeks) > TOGETHER:
        last, before = weeks[-TOGETHER:], weeks[:-TOGETHER][-MOST_WEEKS:]
        n = None if last[0].n is None else sum(one.n or 0 for one in last)
        together = _watch(Week(last[0].week, sum(one.k for one in last), n), before, length=TOGETHER)
    alone = bool(watched) and watched[-1].out
    joined = together is not None and together.out
    method = METHOD.format(least=LEAST_WEEKS, most=MOST_WEEKS, shape=shape)
    return Drift(watched, together, alone or joined, _words(watched, together, noun), method)


def _watch(one: Week, before: Sequence[Week], *, length: int = 1) -> Watched:
    low = high = None
    if len(before) >= LEAST_WEEKS and one.value is not None:
        found = _count(before, length) if one.n is None else _share(before, one.n)
        if found is not None:
            low, high = found
    return Watched(one.week, one.k, one.n, one.value, low, high)


def _share(before: Sequence[Week], n: int) -> tuple[float, float] | None:
    cases = [(one.k, one.n) for one in before if one.n]
    total, hits = sum(of for _, of in cases), sum(k for k, _ in cases)
    if len(cases) < LEAST_WEEKS or total < LEAST_CASES:
        return None
    # Half a case on either side (Jeffreys), so that a past without any does not foretell none for ever.
    p = (hits + 0.5) / (total + 1)
    spread = _spread(sum((k - of * p) ** 2 / (of * p * (1 - p)) for k, of in cases), len(cases) - 1)
    inflation = spread + n / total
    size = (n - inflation) / (inflation - 1) if n > inflation else 0.0
    size = max(size, 0.05)  # weeks as unlike one another as shares can be
    shape = betabinom(n, p * size, (1 - p) * size)
    return float(shape.ppf((1 - LEVEL) / 2)) / n, float(shape.ppf((1 + LEVEL) / 2)) / n


def _spread(chi2: float, free: int) -> float:
    """How much more than chance weeks vary: at least 1. What is beyond chance was told by few weeks, and counts for more by
    as much as Student's t is wider than the normal curve.
    """
    wider = (float(stdtrit(free, (1 + LEVEL) / 2)) / float(ndtri((1 + LEVEL) / 2))) ** 2
    return 1 + max(0.0, chi2 / free - 1) * wider


def _count(before: Sequence[Week], length: int) -> tuple[float, float] | None:
    total = sum(one.k for one in before)
    if total < LEAST_CASES:
        return None
    mean = total / len(before)
    spread = _spread(sum((one.k - mean) ** 2 for one in before) / mean, len(before) - 1)
    expected = mean * length
    variance = spread * mean * length * (1 + length / len(before))
    size = expected**2 / (variance - expected)
    shape = nbinom(size, size / (size + expected))
    return float(shape.ppf((1 - LEVEL) / 2)), float(shape.ppf((1 + LEVEL) / 2))


def _words(watched: Sequence[Watched], together: Watched | None, noun: str) -> str:
    if not watched:
        return "This version has not been in force for a full week yet."
    if watched[-1].value is None:
        return f"There were no {noun} in the last week, so nothing can be said."
    last = watched[-1]
    if last.low is None or last.high is None:
        return f"Too few weeks or {noun} under this version to say what a week should look like."
    span = f"{_shown(last.low, last)} to {_shown(last.high, last)}"
    if last.out:
        return f"Left its interval: {_shown(last.value, last)} in the last week, where {span} was to be expected."
    if together is not None and together.out and together.low is not None and together.high is not None:
        return (
            f"Drifts: {_shown(together.value, last)} in the last {TOGETHER} weeks together, where "
            f"{_shown(together.low, last)} to {_shown(together.high, last)} was to be expected."
        )
    return f"As before: {_shown(last.value, last)} in the last week, within {span}."


def _shown(value: float | None, like: Watched) -> str:
    if value is None:
        return "nothing"
    return f"{value:,.0f}" if like.n is None else percent(value)
