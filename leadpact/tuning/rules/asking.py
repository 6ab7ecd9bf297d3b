"""Was this a check? After which answers it is asked, and whether people can tell.

Being asked must tell nothing: whether it is asked depends on a hash of the answer alone, never on the cause of the
hand-over. What breaks if checks were asked about more often: whoever is asked would know.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b

from leadpact.lake.sampled.bounds import wilson
from leadpact.tuning.rules.estimates import TOO_FEW, Estimate, percent, share

ONE_IN = 3
ASKED_FOR = 10 * 60_000_000
"""How long after the answer the question stands on the page, in microseconds: as long as the answer can be corrected."""
SEED = "was this a check?"


def is_asked(lead_id: int, seq: int, *, seed: str = SEED, one_in: int = ONE_IN) -> bool:
    """Whether the answer in entry `seq` of a lead is asked about: one in `one_in`, by BLAKE2b of seed, lead and entry."""
    lot = blake2b(f"{seed} {lead_id} {seq}".encode(), digest_size=8).digest()
    return int.from_bytes(lot, "big") % one_in == 0


@dataclass(frozen=True, slots=True)
class Guessed:
    """How well people tell checks from other hand-overs.

    right: the share of right guesses. checks, others: the shares of both that were taken for a check; where nobody can tell
    they are alike. difference: checks less others, with its interval. skipped: asked, and passed over.
    """

    right: Estimate
    checks: Estimate
    others: Estimate
    difference: Estimate
    skipped: int

    @property
    def by_chance(self) -> float | None:
        """The share that would be right if what is said had nothing to do with what it was: as often "a check" for both."""
        n = self.checks.n + self.others.n
        if not n:
            return None
        taken = ((self.checks.value or 0) * self.checks.n + (self.others.value or 0) * self.others.n) / n
        checks = self.checks.n / n
        return checks * taken + (1 - checks) * (1 - taken)

    @property
    def tells(self) -> bool:
        """Whether checks are taken for checks more often than chance explains."""
        return self.difference.low is not None and self.difference.low > 0


def guessed(*, checks: int, taken_checks: int, others: int, taken_others: int, skipped: int) -> Guessed:
    """The figures from counts of answered questions: checks and others, and how many of each were taken for a check.

    Difference of shares: Newcombe's hybrid score interval (1998, method 10): from both Wilson intervals,
    d − √((p1−l1)² + (u2−p2)²) to d + √((u1−p1)² + (p2−l2)²).
    """
    right = share(taken_checks + others - taken_others, checks + others, "guesses right")
    return Guessed(
        right,
        share(taken_checks, checks, "checks taken for one"),
        share(taken_others, others, "other hand-overs taken for a check"),
        _difference(taken_checks, checks, taken_others, others),
        skipped,
    )


def _difference(x: int, m: int, y: int, n: int) -> Estimate:
    method = "difference of shares, Newcombe 95%"
    if not m or not n:
        says = "Not both kinds of hand-over were guessed about yet, so it cannot be said whether checks are blind."
        return Estimate(None, None, None, method, m + n, says)
    p, q = x / m, y / n
    (l1, u1), (l2, u2) = wilson(x, m), wilson(y, n)
    value = p - q
    low, high = value - math.hypot(p - l1, u2 - q), value + math.hypot(u1 - p, q - l2)
    told = f"{percent(p)} of {m:,} checks and {percent(q)} of {n:,} other hand-overs were taken for a check"
    if low > 0:
        says = f"{told}: more than chance explains. People can tell; find out by what."
    elif min(m, n) < TOO_FEW:
        says = f"{told}; so few answers say nothing yet about whether people can tell."
    else:
        says = f"{told}: no sign that people can tell."
    return Estimate(value, low, high, method, m + n, says)
