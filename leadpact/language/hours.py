"""Business time: how long a promise has been running while the market was open.

A market is open at an instant when the local wall clock there stands inside the hours of that weekday and the local
date is no holiday. That one sentence also settles the nights when clocks change: an hour that is skipped is never
open, an hour that happens twice is open twice. A market without hours is always open, holidays too.

Instants and durations are whole microseconds. Everything here is arithmetic on integers; time-zone data are asked
once per zone (`zone_offsets`), and not at all for a market whose offsets were frozen with its agreement.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from leadpact.language.nodes import DAY, Duration, Market

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2050
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_YEARS_TO_LOOK: Final = 100


# --- the public verbs --------------------------------------------------------------------


def add(start_us: int, amount_us: int, market: Market) -> int:
    """The first instant by which `amount_us` of business time have passed since `start_us`.

    Four hours from Friday 17:00, open until 18:00, end on Monday three hours after opening. A duration that is used
    up exactly at closing time ends at closing time. Nothing added is the start itself, open or not.

    Raises ValueError for a negative amount, and for a market that does not open for a hundred years.
    """
    return calendar(market).add(start_us, amount_us)


def between(start_us: int, end_us: int, market: Market) -> int:
    """Business microseconds from one instant to the other; negative when the end lies before the start."""
    return calendar(market).between(start_us, end_us)


def is_open(us: int, market: Market) -> bool:
    """Whether the market is open at this instant. Closing time itself is closed."""
    return calendar(market).is_open(us)


def due(start_us: int, duration: Duration, market: Market) -> int:
    """When a promise that starts now falls due: in business time where the promise says so, else by the clock."""
    return add(start_us, duration.amount, market) if duration.business else start_us + duration.amount


def ordinary_day(market: Market) -> int:
    """The length of a business day: the commonest length among the days with hours, the longer one of equals.

    `N business days` in a promise are N times this. 24 hours for a market without hours.
    """
    lengths = Counter(sum(closes - opens for opens, closes in spans) for _, spans in market.hours if spans)
    if not lengths:
        return DAY
    return max(lengths, key=lambda length: (lengths[length], length)) * MINUTE


def ordinary_week(market: Market) -> int:
    """The length of a business week: all hours of a week without holidays."""
    week = sum(closes - opens for _, spans in market.hours for opens, closes in spans)
    return week * MINUTE if week else 7 * DAY


@lru_cache(maxsize=64)
def calendar(market: Market) -> Calendar:
    """The market's calendar, kept. Take it once where many durations are told."""
    return Calendar(market)


@lru_cache(maxsize=64)
def zone_offsets(timezone: str) -> tuple[tuple[int, int], ...]:
    """Every offset of a zone from 2000 to 2050 as (from this instant, seconds east of UTC), from today's data.

    Raises zoneinfo.ZoneInfoNotFoundError (a KeyError) for a name that is no zone.
    """
    zone = ZoneInfo(timezone)

    def offset(second: int) -> int:
        gap = datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()
        return 0 if gap is None else round(gap.total_seconds())

    first = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    last = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
    found = [(first * SECOND, offset(first))]
    # Zones never change twice within a day, so days are compared and the second of the change is searched by halving.
    for day, next_day in pairwise(range(first, last + 1, 86_400)):
        old, new = found[-1][1], offset(next_day)
        if old == new:
            continue
        low, high = day, next_day
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == old else (low, middle)
        found.append((high * SECOND, new))
    return tuple(found)


# --- the calendar ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Year:
    """The open intervals of one UTC year: starts, ends, and the open time from New Year to each end."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    totals: tuple[int, ...]

    @property
    def total(self) -> int:
        return self.totals[-1] if self.totals else 0

    def before(self, us: int) -> int:
        """Open time from New Year to this instant of the year."""
        index = bisect_left(self.ends, us)
        if index == len(self.ends):
            return self.total
        done = self.totals[index] - (self.ends[index] - self.starts[index])
        return done + max(0, us - self.starts[index])

    def reached(self, amount: int) -> int:
        """The first instant of the year by which this much open time has passed; 0 < amount <= total."""
        index = bisect_left(self.totals, amount)
        return self.ends[index] - (self.totals[index] - amount)


class Calendar:
    """Open intervals of one market, worked out year by year as they are asked for."""

    def __init__(self, market: Market) -> None:
        self._hours = {day: spans for day, spans in market.hours if spans}
        self._closed = frozenset(date.fromisoformat(day).toordinal() for day in market.holidays)
        offsets = market.offsets or zone_offsets(market.timezone)
        self._changes = tuple(change for change, _ in offsets[1:])
        self._offsets = tuple(seconds * SECOND for _, seconds in offsets)
        self._years: dict[int, _Year] = {}

    def add(self, start_us: int, amount_us: int) -> int:
        """See `hours.add`."""
        if amount_us < 0:
            raise ValueError("business time is added, not taken away")
        if not self._hours or amount_us == 0:
            return start_us + amount_us
        first = _year_of(start_us)
        left = amount_us + self._year(first).before(start_us)
        for number in range(first, first + _YEARS_TO_LOOK):
            year = self._year(number)
            if left <= year.total:
                return year.reached(left)
            left -= year.total
        raise ValueError("the market does not open for a hundred years")

    def between(self, start_us: int, end_us: int) -> int:
        """See `hours.between`."""
        if end_us < start_us:
            return -self.between(end_us, start_us)
        if not self._hours:
            return end_us - start_us
        first, last = _year_of(start_us), _year_of(end_us)
        whole = sum(self._year(number).total for number in range(first, last))
        return whole + self._year(last).before(end_us) - self._year(first).before(start_us)

    def is_open(self, us: int) -> bool:
        """See `hours.is_open`."""
        if not self._hours:
            return True
        year = self._year(_year_of(us))
        index = bisect_right(year.starts, us) - 1
        return index >= 0 and us < year.ends[index]

    def _year(self, number: int) -> _Year:
        known = self._years.get(number)
        if known is None:
            known = self._years[number] = self._build(number)
        return known

    def _build(self, number: int) -> _Year:
        new_year, end = _new_year(number), _new_year(number + 1)
        spans: list[tuple[int, int]] = []
        # Local dates lie within a day of UTC's; two days either side leave no doubt.
        for day in range(new_year // DAY - 2, end // DAY + 3):
            if day + _EPOCH_DAY in self._closed:
                continue
            for opens, closes in self._hours.get((day + 3) % 7, ()):  # 1 January 1970 was a Thursday
                spans += self._in_utc(day * DAY + opens * MINUTE, day * DAY + closes * MINUTE)
        starts: list[int] = []
        ends: list[int] = []
        for start, stop in sorted((max(a, new_year), min(b, end)) for a, b in spans if a < end and b > new_year):
            if ends and start <= ends[-1]:
                ends[-1] = max(ends[-1], stop)
            else:
                starts.append(start)
                ends.append(stop)
        totals: list[int] = []
        for start, stop in zip(starts, ends, strict=True):
            totals.append((totals[-1] if totals else 0) + stop - start)
        return _Year(tuple(starts), tuple(ends), tuple(totals))

    def _in_utc(self, opens: int, closes: int) -> list[tuple[int, int]]:
        """An interval of the wall clock as intervals of UTC: one for each offset that shows those times."""
        first = bisect_right(self._changes, opens - 2 * DAY)
        last = bisect_right(self._changes, closes + 2 * DAY)
        found: list[tuple[int, int]] = []
        for period in range(first, last + 1):
            start, stop = opens - self._offsets[period], closes - self._offsets[period]
            if period > 0:
                start = max(start, self._changes[period - 1])
            if period < len(self._changes):
                stop = min(stop, self._changes[period])
            if start < stop:
                found.append((start, stop))
        return found


def _year_of(us: int) -> int:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).year


def _new_year(number: int) -> int:
    return (date(number, 1, 1).toordinal() - _EPOCH_DAY) * DAY
