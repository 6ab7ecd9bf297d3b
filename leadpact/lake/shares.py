"""A share with its interval, for figures out of files.

Wilson: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959963984540054
"""The 97.5% point of the normal distribution: both sides together leave out 5%."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share between 0 and 1 out of n answers, with a 95% interval."""

    value: float
    low: float
    high: float
    n: int
    method: str = "Wilson"


def wilson(successes: int, n: int) -> Estimate | None:
    """The share with its score interval: (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n). None out of nothing.

    Raises ValueError when there are more successes than answers.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    if not n:
        return None
    p, square = successes / n, Z95 * Z95
    half = Z95 * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
    scale = 1 + square / n
    low = 0.0 if not successes else (p + square / (2 * n) - half) / scale
    high = 1.0 if successes == n else (p + square / (2 * n) + half) / scale
    return Estimate(p, low, high, n)
