"""How outcomes differ with and without a line, in a number with its interval and in words. Pure.

The difference of two shares: R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics
in Medicine 17 (1998), method 10: from the two Wilson intervals, without a correction for continuity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from leadpact.lake.shares import wilson

FEWEST: Final = 20
"""Answers on each side, below which a difference is not spoken of: its interval would be wider than 40 points."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Share with the line less share without it; each between −1 and 1. with_, without: the shares themselves."""

    with_: float
    without: float
    value: float
    low: float
    high: float

    @property
    def tells(self) -> bool:
        """Whether the interval leaves nought out."""
        return self.low > 0 or self.high < 0


def difference(good_with: int, decided_with: int, good_without: int, decided_without: int) -> Difference | None:
    """The difference with its 95% interval; None where either side has too few answers (FEWEST)."""
    if min(decided_with, decided_without) < FEWEST:
        return None
    one, two = wilson(good_with, decided_with), wilson(good_without, decided_without)
    assert one is not None
    assert two is not None
    value = one.value - two.value
    low = value - math.hypot(one.value - one.low, two.high - two.value)
    high = value + math.hypot(one.high - one.value, two.value - two.low)
    return Difference(one.value, two.value, value, low, high)


def in_words(found: Difference | None, decided_with: int, decided_without: int) -> str:
    """One sentence on what the answers say of a line."""
    if found is None:
        fewer = "with" if decided_with <= decided_without else "without"
        return f"Too few answers to say: {min(decided_with, decided_without):,} {fewer} it, {FEWEST} are needed."
    shares = f"{found.with_:.0%} of {decided_with:,} with it were qualified, {found.without:.0%} of {decided_without:,} without"
    if not found.tells:
        return f"{shares}: no difference that could be told from chance."
    more = "more" if found.value > 0 else "less"
    low, high = sorted((abs(found.low), abs(found.high)))
    return f"{shares}: {abs(found.value) * 100:.0f} points {more} often (95% {low * 100:.0f} to {high * 100:.0f})."
