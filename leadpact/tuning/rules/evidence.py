"""Line by line: how did hand-overs end on which a line of the agreement held, and how the others?

What is seen here is an association among leads that were handed over, not what the line does: whoever was never handed over
is not in it. A difference between shares has Newcombe's interval (Interval estimation for the difference between independent
proportions, Statistics in Medicine 17, 1998, method 10: two Wilson intervals put together).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadpact.lake.sampled.bounds import wilson
from leadpact.tuning.rules.estimates import TOO_FEW, percent

METHOD = (
    "false = definition-blamed ÷ (definition-blamed + qualified), Wilson 95% with and without the line; their difference by "
    "Newcombe’s method 10. Lines of the running version, judged as of each hand-over"
)


@dataclass(frozen=True, slots=True)
class HandOver:
    """A judged hand-over: bad when the answer blamed the definition. lines: line → held, or None where it was unknown."""

    bad: bool
    lines: Mapping[str, bool | None]


@dataclass(frozen=True, slots=True)
class Side:
    """Judged hand-overs with the line, or without it."""

    n: int
    bad: int

    @property
    def value(self) -> float | None:
        """The share that was false."""
        return self.bad / self.n if self.n else None

    def interval(self) -> tuple[float, float]:
        """Wilson 95%."""
        return wilson(self.bad, self.n)


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """What hand-overs say of a line. difference: false with it minus false without it; None where there are too few."""

    line: str
    held: Side
    without: Side
    unknown: int
    difference: tuple[float, float, float] | None
    says: str


def evidence(hand_overs: Sequence[HandOver], lines: Sequence[str]) -> list[LineEvidence]:
    """The evidence for each line, in the order given. Hand-overs on which a line was unknown count on neither side."""
    return [_line(line, hand_overs) for line in lines]


def _line(line: str, hand_overs: Sequence[HandOver]) -> LineEvidence:
    held = [one.bad for one in hand_overs if one.lines.get(line) is True]
    without = [one.bad for one in hand_overs if one.lines.get(line) is False]
    unknown = len(hand_overs) - len(held) - len(without)
    a, b = Side(len(held), sum(held)), Side(len(without), sum(without))
    gap = difference(a, b)
    return LineEvidence(line, a, b, unknown, gap, _words(a, b, gap))


def difference(a: Side, b: Side) -> tuple[float, float, float] | None:
    """(difference, low, high) of two shares; None where one side has too few cases to say anything."""
    if min(a.n, b.n) < TOO_FEW:
        return None
    p, q = a.bad / a.n, b.bad / b.n
    (low_a, high_a), (low_b, high_b) = a.interval(), b.interval()
    gap = p - q
    return gap, gap - math.hypot(p - low_a, high_b - q), gap + math.hypot(high_a - p, q - low_b)


def _words(a: Side, b: Side, gap: tuple[float, float, float] | None) -> str:
    if gap is None:
        return f"{a.n} judged with it, {b.n} without: too few to say."
    _, low, high = gap
    points = f"{low * 100:+.0f} to {high * 100:+.0f} points".replace("-", "−")
    shares = f"{percent(a.value or 0)} with it, {percent(b.value or 0)} without"
    if low > 0:
        return f"Speaks against the line: {shares} ({points})."
    if high < 0:
        return f"Speaks for the line: {shares} ({points})."
    return f"No difference to be seen: {shares} ({points})."
