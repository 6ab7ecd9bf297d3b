"""The three intervals of a share that everything here is made of.

Sources. Wilson: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
Jeffreys and its mending at the ends: L. D. Brown, T. T. Cai, A. DasGupta, Interval estimation for a binomial
proportion, Statistical Science 16 (2001). Exact: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934).
"""

from __future__ import annotations

import math

from scipy.special import betaincinv, ndtri

LEVEL = 0.95


def wilson(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Score interval of a share: (p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n). All of [0, 1] when n is 0."""
    _checked(successes, n)
    if n == 0:
        return 0.0, 1.0
    z = float(ndtri(0.5 + level / 2))
    p = successes / n
    middle = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else (middle - half) / scale
    high = 1.0 if successes == n else (middle + half) / scale
    return min(max(low, 0.0), p), max(min(high, 1.0), p)


def jeffreys(successes: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Equal tails of Beta(x + ½, n − x + ½); 0 below when nothing, 1 above when everything succeeded.

    `successes` and `n` need not be whole: effective sizes of clustered samples are not.
    """
    _checked(successes, n)
    if n == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes + 0.5, n - successes + 0.5, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 0.5, n - successes + 0.5, 1 - tail))
    return min(low, successes / n), max(high, successes / n)


def exact_upper(successes: int, n: int, level: float = LEVEL) -> float:
    """One-sided Clopper-Pearson: the share that would give so few successes with probability 1 − level.

    Nought of 59 gives 4.95%, of 150 gives 1.98%, of 299 gives 1.00%.
    """
    _checked(successes, n)
    return 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, level))


def exact_lower(successes: int, n: int, level: float = LEVEL) -> float:
    """The mirror of `exact_upper`."""
    _checked(successes, n)
    return 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, 1 - level))


def _checked(successes: float, n: float) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} is not a share")
