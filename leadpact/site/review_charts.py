"""Charts of the report, drawn by hand: inline SVG and plain boxes that take the page's colours, light and dark.

A drawing stretches with its card while its text does not: lines are SVG without an aspect ratio, labels are HTML
placed in percent. So nothing shrinks to dust on a telephone, and no script is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from leadpact.site.review_figures import Curve, Rate
from leadpact.site.review_words import percent

STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)

FEW = 20


@dataclass(frozen=True, slots=True)
class Track:
    """An interval on a line: all in percent of its width. `at` is the estimate."""

    left: str
    width: str
    at: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on an axis, `at` percent along it."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Two SVG paths in a box of 0 0 1000 1000 (the band and the line), and the labels of both axes."""

    band: str
    line: str
    across: list[Tick]
    up: list[Tick]


@dataclass(frozen=True, slots=True)
class Post:
    """One column: its height and its interval, in percent of the box. Without figures it is only a place."""

    label: str
    short: str
    height: str
    low: str
    span: str
    known: bool
    early: bool
    few: bool


def top(highest: float) -> float:
    """A round end of an axis of shares, a little above the highest."""
    step = _step(highest)
    return min(1.0, step * max(1, math.ceil(round(highest / step, 9))))


def _step(highest: float) -> float:
    return next((step for step in STEPS if highest <= step * 4), STEPS[-1])


def place(share: float, end: float) -> str:
    """Where a share stands on an axis that ends at `end`, in percent."""
    return f"{100 * min(max(share / end, 0), 1):.2f}"


def track(found: Rate, end: float) -> Track:
    """The interval of a rate on an axis that ends at `end`."""
    left, right = min(found.low / end, 1.0), min(found.high / end, 1.0)
    return Track(f"{100 * left:.2f}", f"{max(100 * (right - left), 0.4):.2f}", place(found.value, end))


def scale(end: float, *, ends_only: bool = False) -> list[Tick]:
    """Labels of an axis of shares, at round steps; or nought and the end alone."""
    parts = 1 if ends_only else max(1, round(end / _step(end)))
    decimals = 0 if abs(end * 100 / parts - round(end * 100 / parts)) < 1e-6 else 1
    return [Tick(f"{100 * part / parts:.2f}", percent(end * part / parts, decimals)) for part in range(parts + 1)]


def steps(found: Curve, *, most: int = 400) -> Lines:
    """The share won by day, as steps, with its band."""
    last = max(found.drawn, 1.0)
    shown = max(1, int((found.days <= last).sum()))
    end = top(float(found.high[:shown].max()))
    every = max(1, shown // most)
    picks = list(range(0, shown, every))
    if picks[-1] != shown - 1:
        picks.append(shown - 1)

    def x(day: float) -> str:
        return f"{1000 * min(day / last, 1):.1f}"

    def y(share: float) -> str:
        return f"{1000 * (1 - min(share / end, 1)):.1f}"

    line, upper, lower = ["M0 1000"], ["M0 1000"], []
    for pick in picks:
        day = float(found.days[pick])
        line.append(f"H{x(day)}V{y(float(found.share[pick]))}")
        upper.append(f"H{x(day)}V{y(float(found.high[pick]))}")
        lower.append((x(day), y(float(found.low[pick]))))
    line.append("H1000")
    upper.append("H1000")
    back = [f"V{lower[-1][1]}"]
    for number in range(len(lower) - 1, -1, -1):
        below = lower[number - 1][1] if number else "1000"
        back.append(f"H{lower[number][0]}V{below}")
    gap = next(gap for gap in (7, 14, 30, 60, 90, 180, 365, 730, 3650) if last / gap <= 6 or gap == 3650)
    across = [Tick(f"{100 * day / last:.2f}", str(day)) for day in range(0, int(last) + 1, gap) if day / last <= 0.88]
    return Lines("".join(upper) + "".join(back) + "Z", "".join(line), across, scale(end))


def post(label: str, short: str, found: Rate | None, end: float, *, early: bool) -> Post:
    """One column of a chart of months. Of few leads the interval would fill the chart: then it is left to the table."""
    if found is None:
        return Post(label, short, "0", "0", "0", known=False, early=early, few=False)
    high, low = min(found.high / end, 1.0), min(found.low / end, 1.0)
    few = found.n < FEW
    return Post(
        label,
        short,
        place(found.value, end),
        f"{100 * low:.2f}",
        f"{100 * (high - low):.2f}",
        known=True,
        early=early,
        few=few,
    )
