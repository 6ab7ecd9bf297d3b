"""When both departments meet: the instants that `review` of an agreement means.

A meeting stands at a time of the market's wall clock. Where the clock skips that time (a night in spring) it is held when
the clock goes on; where it shows the time twice, at the first. Holidays move nothing: whoever wants another day says so.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from typing import Final

from leadpact.language.hours import MINUTE, SECOND, zone_offsets
from leadpact.language.nodes import DAY, Market, Review

_EPOCH: Final = date(1970, 1, 1)
_FIRST_MONDAY: Final = date(1970, 1, 5)
"""Weeks are counted from here where a rhythm of several weeks names no date of its own."""
_LOOK_MONTHS: Final = 2


def latest(review: Review, market: Market, by: int) -> int:
    """The last meeting at or before an instant (microseconds)."""
    return next(found for found in reversed(_around(review, market, by)) if found <= by)


def after(review: Review, market: Market, than: int) -> int:
    """The first meeting later than an instant (microseconds)."""
    return next(found for found in _around(review, market, than) if found > than)


def _around(review: Review, market: Market, us: int) -> list[int]:
    """Meetings in order, of which some lie before and some after the instant."""
    today = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).date()
    days = _of_months(review, today) if review.weeks == 0 else _of_weeks(review, today)
    offsets = market.offsets or zone_offsets(market.timezone)
    return [in_utc((day - _EPOCH).days * DAY + review.minute * MINUTE, offsets) for day in days]


def _of_weeks(review: Review, today: date) -> list[date]:
    start = date.fromisoformat(review.start) if review.start else _FIRST_MONDAY + timedelta(days=review.weekday)
    period = timedelta(weeks=review.weeks)
    nearest = start + period * ((today - start) // period)
    return [nearest + period * step for step in (-1, 0, 1, 2)]


def _of_months(review: Review, today: date) -> list[date]:
    month = today.year * 12 + today.month - 1
    return [_in_month(review, *divmod(number, 12)) for number in range(month - _LOOK_MONTHS, month + _LOOK_MONTHS + 1)]


def _in_month(review: Review, year: int, month: int) -> date:
    if review.nth < 0:
        last = date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - review.weekday) % 7)
    first = date(year, month + 1, 1)
    return first + timedelta(days=(review.weekday - first.weekday()) % 7, weeks=review.nth - 1)


def in_utc(wall: int, offsets: tuple[tuple[int, int], ...]) -> int:
    """The instant at which a clock with these offsets (from, seconds east) first shows a wall time, or has just skipped it."""
    first = max(0, bisect_right(offsets, (wall - 2 * DAY, 0)) - 1)
    for index in range(first, len(offsets)):
        instant = wall - offsets[index][1] * SECOND
        begins = offsets[index][0] if index else instant
        ends = offsets[index + 1][0] if index + 1 < len(offsets) else instant + 1
        if instant < ends:
            return max(instant, begins)
    raise AssertionError("the last offset holds for ever")
