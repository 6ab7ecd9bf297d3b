"""A preview as the page shows it: bars a week, shares with their intervals, names. Lengths are SVG's, on an axis of a thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadpact.agreement.queries.benches import Named, Tried, named
from leadpact.agreement.rules.evidence import FEWEST, difference, in_words
from leadpact.kit import formats
from leadpact.kit.instants import WEEK

WIDE, HIGH = 1_000, 160
REACH = 1.5
"""The line of what Sales can take is drawn while it is at most this much above the highest week."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A week: how many under the moved numbers, and under the base, and what Sales can take in it (None: nobody knows). Lengths
    on the drawing, from the top left.
    """

    start: int
    handed: int
    base: int
    x: float
    width: float
    y: float
    height: float
    base_y: float
    can_take: int | None = None

    @property
    def too_many(self) -> bool:
        """More than Sales can take."""
        return self.can_take is not None and self.handed > self.can_take

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class LineTold:
    """What history says of a line: shares of leads, and outcomes with and without it, in words."""

    met: int
    unknown: int
    all: int
    sentence: str
    tells: bool

    @property
    def share(self) -> float:
        """Of all leads, who meet it."""
        return self.met / max(1, self.all)


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the page shows of a preview. capacity: in an ordinary week, entered or found; None where nobody knows. line: what
    Sales can take, as the points of a line over the weeks; empty where it lies far above all of them.
    """

    tried: Tried
    number: int
    base_number: int | None
    differs: tuple[str, ...]
    entered: int | None
    capacity: int | None
    bars: tuple[Bar, ...]
    line: str
    most: int
    weeks: int
    a_week: float
    base_a_week: float
    over: int
    base_over: int
    gained: tuple[Named, ...]
    lost: tuple[Named, ...]

    @property
    def preview(self) -> Any:
        """The engine's answer; None where there is none."""
        return self.tried.preview

    @property
    def error_most(self) -> float:
        """The right end of the axis of both first errors."""
        shown = (self.preview.first_error, self.preview.base_first_error, self.preview.error.both)
        highs = [one.high for one in shown if one is not None]
        return min(1.0, max([0.2, *highs]) * 1.1)

    @property
    def uncovered(self) -> int:
        """Additional hand-overs of leads that were in no audit's frame about then."""
        return int(self.preview.error.additional.leads - self.preview.error.additional.covered)

    @property
    def unanswered(self) -> int:
        """Handed over without an answer, and by the version in force as well: audits say nothing of them."""
        return int(self.preview.unlabelled - self.preview.error.additional.leads)

    @property
    def left_most(self) -> float:
        """The right end of the axis of both second errors."""
        sides = (self.preview.left, self.preview.base_left)
        highs = [side.sampled.high for side in sides if side is not None and side.sampled is not None]
        return min(1.0, max([0.05, *highs]) * 1.1)

    @property
    def least(self) -> int | None:
        """What Sales can take in the week in which most are away, where that is less than in an ordinary one."""
        found = self.tried.capacity
        return found.least if found and not self.entered and found.least < found.ordinary else None

    @property
    def waits(self) -> bool:
        """Whether history is on its way: the page asks again by itself."""
        return self.preview is None and self.tried.bench is not None and self.tried.bench.is_under_way

    @property
    def against(self) -> str:
        """What the changes are changes of."""
        return f"against version {self.base_number}" if self.base_number is not None else ""

    @property
    def heading(self) -> str:
        """Whose figures these are."""
        return f"Version {self.number}"

    @property
    def table_says(self) -> str:
        """The name of the table behind the bars; two of them may stand on one page."""
        return f"Handed over each week, version {self.number}"

    @property
    def a_week_says(self) -> str:
        """Hand-overs a week, with one decimal."""
        return formats.number(self.a_week, 1)

    @property
    def few(self) -> int:
        """Answers below which a share is not spoken of."""
        return FEWEST


def figures(
    tried: Tried,
    *,
    entered: int | None,
    differs: Sequence[str],
    number: int,
    base_number: int | None,
    scale: int = 0,
) -> Figures:
    """Lay a preview out. scale: the least top of the axis, for two drawings beside each other."""
    shown = tried.preview
    capacity = entered or (tried.capacity.ordinary if tried.capacity else None)
    if shown is None:
        return Figures(tried, number, base_number, tuple(differs), entered, capacity, (), "", 0, 0, 0, 0, 0, 0, (), ())
    weeks = max(1, len(shown.weeks))
    most = max(1, scale, *(one.handed for one in (*shown.weeks, *shown.base_weeks)))
    takes = [entered] * len(shown.weeks) if entered else list(tried.capacity.weeks) if tried.capacity else []
    # A capacity far above every week would press the bars flat; it is told in words.
    drawn = bool(takes) and max(takes) <= REACH * most
    most = max(most, *takes) if drawn else most
    step = WIDE / weeks
    bench = tried.bench
    # The first and the last week are not whole.
    lasted = max(1.0, (bench.end - bench.start) / WEEK) if bench is not None and bench.end and bench.start else weeks
    bars = tuple(
        Bar(
            week.start, week.handed, base.handed, round(index * step + step * 0.12, 2), round(step * 0.76, 2),
            *_up(week.handed, most), _up(base.handed, most)[0], take,
        )
        for index, (week, base, take) in enumerate(
            zip(shown.weeks, shown.base_weeks, takes or [None] * len(shown.weeks), strict=True)
        )
    )  # fmt: skip
    return Figures(
        tried, number, base_number, tuple(differs), entered, capacity, bars,
        _stairs(takes, step, most) if drawn else "", most, weeks,
        shown.handed / lasted, shown.base_handed / lasted,
        sum(bar.too_many for bar in bars),
        sum(bar.can_take is not None and bar.base > bar.can_take for bar in bars),
        tuple(named(shown.gained)), tuple(named(shown.lost)),
    )  # fmt: skip


def _up(value: int, most: int) -> tuple[float, float]:
    height = round(value / most * (HIGH - 6), 2)
    return round(HIGH - height, 2), height


def _stairs(takes: Sequence[int], step: float, most: int) -> str:
    """A line that goes over each week at its height."""
    points = (
        (round(place * step + side * step, 2), _up(many, most)[0])
        for place, many in enumerate(takes)
        for side in (0, 1)
    )
    return " ".join(f"{x},{y}" for x, y in points)


def lines_told(preview: Any) -> Mapping[str, LineTold]:
    """What history says of each line, by its id."""
    told: dict[str, LineTold] = {}
    for one in preview.lines:
        all_ = one.met + one.not_met + one.unknown
        found = difference(one.good_with, one.decided_with, one.good_without, one.decided_without)
        sentence = in_words(found, one.decided_with, one.decided_without)
        told[one.line_id] = LineTold(one.met, one.unknown, all_, sentence, found is not None and found.tells)
    return told
