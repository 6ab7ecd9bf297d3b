"""Working hours and absence: when somebody works, and when they are away. Pure.

Own hours are written {"mon-fri": "09:00-17:00", "sat": ["10:00-12:00", "13:00-15:00"]}: days or ranges of days, and spans of
local wall time that do not cross midnight. Empty means the market's. A person's calendar keeps the market's holidays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from zoneinfo import ZoneInfo

from leadpact.language.nodes import Market

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Spans = tuple[tuple[int, int], ...]
MIDNIGHT = 24 * 60


def parse_hours(written: Mapping[str, object]) -> tuple[tuple[int, Spans], ...]:
    """Weekday (0 = Monday) → spans in minutes, as `Market.hours` holds them.

    Raises ValueError with a sentence that quotes what could not be read.
    """
    spans: dict[int, list[tuple[int, int]]] = {}
    for days, value in written.items():
        texts = value if isinstance(value, list | tuple) else [value]
        for day in _days(str(days)):
            spans.setdefault(day, []).extend(_span(str(text)) for text in texts)
    for day, found in spans.items():
        found.sort()
        for (_, closes), (opens, _) in pairwise(found):
            if opens < closes:
                raise ValueError(f"The hours of {DAYS[day]} overlap; write spans that follow each other.")
    return tuple((day, tuple(spans[day])) for day in sorted(spans) if spans[day])


def calendar_of(hours: Mapping[str, object] | None, timezone: str, market: Market) -> Market:
    """The calendar that a person's clocks run by: their own hours in their own zone, else the market's."""
    if not hours:
        return market
    # Offsets that were frozen with the agreement are those of the market's zone; another zone must not borrow them.
    offsets = market.offsets if timezone == market.timezone else ()
    return replace(market, timezone=timezone, hours=parse_hours(hours), offsets=offsets)


def is_away(absences: Iterable[tuple[int, int]], at: int) -> bool:
    """Whether one of the absences (starts, ends; instants) covers `at`. Who is back at `ends` is back."""
    return any(starts <= at < ends for starts, ends in absences)


def check_timezone(name: str) -> str:
    """The name, if it is a zone of the time-zone database. Raises ValueError with a sentence."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; write one like Europe/Berlin or America/Chicago.") from error
    return name


def _days(text: str) -> range:
    first, _, last = text.strip().lower().partition("-")
    first, last = first.strip()[:3], (last.strip() or first.strip())[:3]
    if first not in DAYS or last not in DAYS:
        raise ValueError(f"{text!r} names no days; write mon, mon-fri or sat-sun.")
    start, end = DAYS.index(first), DAYS.index(last)
    if end < start:
        raise ValueError(f"{text!r} runs backwards; write the earlier day first.")
    return range(start, end + 1)


def _span(text: str) -> tuple[int, int]:
    opens, dash, closes = text.strip().partition("-")
    try:
        span = _minutes(opens), _minutes(closes)
    except ValueError:
        span = (0, 0)
    if not dash or span[1] <= span[0]:
        raise ValueError(f"{text!r} is no span of hours; write it like 09:00-17:30.")
    return span


def _minutes(text: str) -> int:
    hours, _, minutes = text.strip().partition(":")
    value = int(hours) * 60 + int(minutes or 0)
    if not (0 <= int(minutes or 0) < 60 and 0 <= value <= MIDNIGHT):
        raise ValueError(text)
    return value
