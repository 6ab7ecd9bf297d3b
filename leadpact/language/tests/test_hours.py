"""Business time against the wall clock itself, and adding against counting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadpact.language.hours import (
    MINUTE,
    add,
    between,
    calendar,
    due,
    is_open,
    ordinary_day,
    ordinary_week,
    zone_offsets,
)
from leadpact.language.nodes import DAY, Duration, Market

HOUR = 60 * MINUTE
WEEKDAYS = tuple((day, ((8 * 60, 18 * 60),)) for day in range(5))
CHICAGO = Market(timezone="America/Chicago", hours=WEEKDAYS, holidays=("2026-07-03", "2026-12-25"))
NIGHTS = tuple((day, ((0, 3 * 60), (22 * 60, 24 * 60))) for day in range(7))
ZONES = (
    "America/Chicago",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Asia/Tehran",
    "UTC",
)


def at(text: str, zone: str = "America/Chicago", fold: int = 0) -> int:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return (local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def seconds(first: int, last: int) -> st.SearchStrategy[int]:
    low, high = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (first, last))
    return st.integers(low, high)


@st.composite
def markets(draw: st.DrawFn) -> Market:
    days = draw(st.lists(st.integers(0, 6), min_size=1, unique=True))
    hours: list[tuple[int, tuple[tuple[int, int], ...]]] = []
    for day in sorted(days):
        edges = draw(
            st.lists(st.integers(0, 48), min_size=2, max_size=4, unique=True).filter(lambda e: len(e) % 2 == 0)
        )
        edges = [edge * 30 for edge in sorted(edges)]
        hours.append((day, tuple(zip(edges[::2], edges[1::2], strict=True))))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    off = draw(st.lists(st.integers(0, 364), max_size=12, unique=True))
    holidays = tuple((start + timedelta(days=day)).date().isoformat() for day in sorted(off))
    return Market(timezone=draw(st.sampled_from(ZONES)), hours=tuple(hours), holidays=holidays)


INSTANTS = st.integers(at("2025-12-20"), at("2027-01-15"))


@given(markets(), INSTANTS, st.integers(0, 60 * HOUR))
@settings(max_examples=100, deadline=None)
def test_between_takes_back_what_add_gave(market: Market, start: int, amount: int) -> None:
    end = add(start, amount, market)
    assert end >= start
    assert between(start, end, market) == amount
    if amount:
        assert between(start, end - 1, market) == amount - 1, "not the first such instant"


@given(markets(), INSTANTS, INSTANTS, INSTANTS)
@settings(max_examples=100, deadline=None)
def test_between_adds_up_and_never_runs_faster_than_the_clock(market: Market, one: int, two: int, three: int) -> None:
    assert between(one, three, market) == between(one, two, market) + between(two, three, market)
    assert between(one, two, market) == -between(two, one, market)
    assert abs(between(one, two, market)) <= abs(two - one)


@given(markets(), INSTANTS)
@settings(max_examples=120, deadline=None)
def test_open_is_what_the_wall_clock_says(market: Market, us: int) -> None:
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).astimezone(ZoneInfo(market.timezone))
    minute = local.hour * 60 + local.minute
    spans = dict(market.hours).get(local.weekday(), ())
    expected = local.date().isoformat() not in market.holidays and any(a <= minute < b for a, b in spans)
    assert is_open(us, market) is expected
    assert between(us, us + 1, market) == int(expected)


@pytest.mark.parametrize("zone", ZONES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_frozen_offsets_are_those_of_the_zone(zone: str, data: st.DataObject) -> None:
    second = data.draw(seconds(2000, 2051))
    table = zone_offsets(zone)
    held = [offset for start, offset in table if start <= second * 1_000_000][-1]
    offset = datetime.fromtimestamp(second, ZoneInfo(zone)).utcoffset()
    assert offset == timedelta(seconds=held)


def test_frozen_offsets_stand_in_for_the_zone() -> None:
    frozen = Market(
        timezone="Nowhere/Gone", hours=WEEKDAYS, holidays=CHICAGO.holidays, offsets=zone_offsets(CHICAGO.timezone)
    )
    start = at("2026-03-06T17:00")
    assert add(start, 40 * HOUR, frozen) == add(start, 40 * HOUR, CHICAGO)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-06-05T17:00", 4, "2026-06-08T11:00"),  # over a weekend
        ("2026-06-05T17:00", 1, "2026-06-05T18:00"),  # used up exactly at closing time
        ("2026-06-05T20:00", 1, "2026-06-08T09:00"),  # starts after closing
        ("2026-07-02T16:00", 4, "2026-07-06T10:00"),  # over a holiday and a weekend
        ("2026-03-06T16:00", 4, "2026-03-09T10:00"),  # clocks go forward on that Sunday
        ("2026-06-06T03:00", 0, "2026-06-06T03:00"),  # nothing added
    ],
)
def test_adding_in_chicago(start: str, hours: int, end: str) -> None:
    assert add(at(start), hours * HOUR, CHICAGO) == at(end)


def test_an_hour_that_is_skipped_is_never_open_and_one_that_comes_twice_is_open_twice() -> None:
    market = Market(timezone="Europe/Berlin", hours=NIGHTS)
    spring, autumn = "2026-03-29", "2026-10-25"

    def night(day: str) -> int:
        midnight = at(day, "Europe/Berlin")
        return between(midnight, midnight + 12 * HOUR, market)

    assert night("2026-06-01") == 3 * HOUR
    assert night(spring) == 2 * HOUR
    assert night(autumn) == 4 * HOUR
    assert is_open(at(f"{autumn}T02:30", "Europe/Berlin", fold=1), market)


def test_a_day_that_an_island_skipped_has_no_hours() -> None:
    apia = Market(timezone="Pacific/Apia", hours=tuple((day, ((9 * 60, 17 * 60),)) for day in range(7)))
    start, end = at("2011-12-29T08:00", "Pacific/Apia"), at("2011-12-31T18:00", "Pacific/Apia")
    assert between(start, end, apia) == 16 * HOUR


def test_without_hours_the_market_is_always_open() -> None:
    market = Market(timezone="Europe/Berlin", holidays=("2026-01-01",))
    start = at("2026-01-01T03:00", "Europe/Berlin")
    assert is_open(start, market)
    assert add(start, 5 * HOUR, market) == start + 5 * HOUR
    assert between(start, start + 3 * DAY, market) == 3 * DAY


def test_a_market_that_never_opens_is_an_error_not_an_endless_search() -> None:
    never = Market(hours=((0, ()), (1, ((0, 0),))))
    with pytest.raises(ValueError, match="hundred years"):
        add(0, 1, never)


def test_time_is_not_taken_away() -> None:
    with pytest.raises(ValueError, match="added"):
        add(0, -1, CHICAGO)


def test_years_far_away_work_too() -> None:
    start = at("1999-12-30T12:00")
    assert between(start, add(start, 100 * HOUR, CHICAGO), CHICAGO) == 100 * HOUR
    late = at("2070-12-30T12:00")
    assert between(late, add(late, 100 * HOUR, CHICAGO), CHICAGO) == 100 * HOUR


def test_a_business_day_is_the_commonest_day() -> None:
    week = ((0, ((480, 1080),)), (1, ((480, 1080),)), (4, ((480, 840),)))
    market = Market(hours=week)
    assert ordinary_day(market) == 10 * HOUR
    assert ordinary_week(market) == 26 * HOUR
    assert ordinary_day(Market(hours=((0, ((0, 60),)), (1, ((0, 120),))))) == 2 * HOUR
    assert ordinary_day(Market()) == DAY
    assert ordinary_week(Market()) == 7 * DAY


def test_promises_fall_due_by_their_own_clock() -> None:
    friday = at("2026-06-05T17:00")
    assert due(friday, Duration(4 * HOUR, business=True, written="4 business hours"), CHICAGO) == at("2026-06-08T11:00")
    assert due(friday, Duration(4 * HOUR, business=False, written="4 hours"), CHICAGO) == friday + 4 * HOUR


def test_a_calendar_is_kept() -> None:
    assert calendar(CHICAGO) is calendar(Market(**{f: getattr(CHICAGO, f) for f in ("timezone", "hours", "holidays")}))
