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
    """A week: how many under the moved numbers, and under the base. Lengths on the drawing, from the top left."""

    start: int
    handed: int
    base: int
    x: float
    width: float
    y: float
    height: float
    base_y: float

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
    """All that the page shows of a preview. capacity: a week, entered or found; None where nobody knows."""

    tried: Tried
    number: int
    base_number: int | None
    differs: tuple[str, ...]
    entered: int | None
    capacity: int | None
    bars: tuple[Bar, ...]
    line: float | None
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
        highs = [one.high for one in (self.preview.first_error, self.preview.base_first_error) if one is not None]
        return min(1.0, max([0.2, *highs]) * 1.1)

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
    capacity = entered or tried.capacity
    if shown is None:
        return Figures(
            tried, number, base_number, tuple(differs), entered, capacity, (), None, 0, 0, 0, 0, 0, 0, (), ()
        )
    weeks = max(1, len(shown.weeks))
    most = max(1, scale, *(one.handed for one in (*shown.weeks, *shown.base_weeks)))
    # A capacity far above every week would press the bars flat; it is told in words.
    drawn = capacity if capacity is not None and capacity <= REACH * most else None
    most = max(most, drawn or 0)
    step = WIDE / weeks
    bench = tried.bench
    # The first and the last week are not whole.
    lasted = max(1.0, (bench.end - bench.start) / WEEK) if bench is not None and bench.end and bench.start else weeks
    bars = tuple(
        Bar(
            week.start, week.handed, base.handed, round(index * step + step * 0.12, 2), round(step * 0.76, 2),
            *_up(week.handed, most), _up(base.handed, most)[0],
        )
        for index, (week, base) in enumerate(zip(shown.weeks, shown.base_weeks, strict=True))
    )  # fmt: skip
    return Figures(
        tried, number, base_number, tuple(differs), entered, capacity, bars,
        None if drawn is None else _up(drawn, most)[0], most, weeks,
        shown.handed / lasted, shown.base_handed / lasted,
        sum(capacity is not None and bar.handed > capacity for bar in bars),
        sum(capacity is not None and bar.base > capacity for bar in bars),
        tuple(named(shown.gained)), tuple(named(shown.lost)),
    )  # fmt: skip


def _up(value: int, most: int) -> tuple[float, float]:
    height = round(value / most * (HIGH - 6), 2)
    return round(HIGH - height, 2), height


def lines_told(preview: Any) -> Mapping[str, LineTold]:
    """What history says of each line, by its id."""
    told: dict[str, LineTold] = {}
    for one in preview.lines:
        all_ = one.met + one.not_met + one.unknown
        found = difference(one.good_with, one.decided_with, one.good_without, one.decided_without)
        sentence = in_words(found, one.decided_with, one.decided_without)
        told[one.line_id] = LineTold(one.met, one.unknown, all_, sentence, found is not None and found.tells)
    return told
