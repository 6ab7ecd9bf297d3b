"""Reading the market: time zone, business hours, holidays; each resolved here and frozen with the agreement."""

from __future__ import annotations

import itertools
import re
from datetime import date
from functools import cache, lru_cache
from typing import Final
from zoneinfo import available_timezones

from leadpact.language.hours import FIRST_YEAR, LAST_YEAR, zone_offsets
from leadpact.language.nodes import Market
from leadpact.language.problems import nearest
from leadpact.language.reading import Entry, Reader
from leadpact.language.source import Node, Scalar, Sequence, describe

MARKET_KEYS: Final = ("timezone", "business_hours", "holidays")
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT: Final = {day[:3]: index for index, day in enumerate(DAYS)} | {day: index for index, day in enumerate(DAYS)}
_SPAN = re.compile(r"([0-2]?[0-9]):([0-5][0-9]) ?[-–] ?([0-2]?[0-9]):([0-5][0-9])", re.ASCII)
_CITIES: Final = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Arctic/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)
Spans = tuple[tuple[int, int], ...]


def read_market(reader: Reader, node: Node) -> Market:
    """The market; parts that cannot be read are noted and left at their defaults."""
    fields = reader.fields(node, "`market`", known=MARKET_KEYS)
    if fields is None:
        return Market()
    timezone = _timezone(reader, fields["timezone"].value) if "timezone" in fields else "UTC"
    hours = _business_hours(reader, fields["business_hours"].value) if "business_hours" in fields else ()
    country, days = _holidays(reader, fields["holidays"].value) if "holidays" in fields else (None, ())
    _foolish(reader, fields)
    return Market(timezone, hours, days, country, zone_offsets(timezone))


def _foolish(reader: Reader, fields: dict[str, Entry]) -> None:
    if "business_hours" in fields and "timezone" not in fields:
        reader.problems.warn(
            fields["business_hours"].key, "business hours without `timezone` are told in UTC", code="no-timezone"
        )
    if "holidays" in fields and "business_hours" not in fields:
        reader.problems.warn(
            fields["holidays"].key,
            "holidays without `business_hours` change nothing: the market is always open",
            code="no-hours",
        )


# --- time zone ---------------------------------------------------------------------------


@cache
def _zones() -> frozenset[str]:
    return frozenset(zone for zone in available_timezones() if zone not in {"Factory", "localtime", "posixrules"})


def _timezone(reader: Reader, node: Node) -> str:
    expected = "a time zone such as `America/Chicago`"
    scalar = reader.scalar(node, "`timezone`", expected)
    if scalar is None:
        return "UTC"
    name = scalar.value.strip()
    if name not in _zones():
        cities = {
            zone.rpartition("/")[2].casefold(): zone
            for zone in sorted(_zones(), reverse=True)
            if zone.startswith(_CITIES)
        }
        city = cities.get(name.casefold().replace(" ", "_"), "")
        reader.problems.error(
            node,
            f"there is no time zone `{name}`",
            expected="" if city else expected,
            nearest=city or nearest(name, sorted(_zones()), cutoff=70),
            code="timezone",
        )
        return "UTC"
    if not name.startswith(_CITIES) and name not in {"UTC", "Etc/UTC"}:
        reader.problems.warn(
            node,
            f"`{name}` is an old or fixed name of a time zone; a city keeps summer time as the law there does",
            expected=expected,
            code="timezone",
        )
    return name


# --- business hours ----------------------------------------------------------------------


def _business_hours(reader: Reader, node: Node) -> tuple[tuple[int, Spans], ...]:
    fields = reader.fields(node, "`business_hours`")
    if fields is None:
        return ()
    found: dict[int, tuple[Spans, Scalar]] = {}
    for entry in fields.values():
        days = _days(reader, entry.key)
        spans = _spans(reader, entry.value)
        for day in days:
            if day in found:
                reader.problems.error(
                    entry.key, f"{DAYS[day].title()} has hours already (line {found[day][1].line})", code="duplicate"
                )
            elif spans:
                found[day] = (spans, entry.key)
    if not fields:
        reader.problems.error(
            node, "`business_hours` are empty", expected='such as `{mon-fri: "08:00-18:00"}`', code="empty"
        )
    return tuple((day, found[day][0]) for day in sorted(found))


def _days(reader: Reader, key: Scalar) -> list[int]:
    """`mon`, `monday`, `mon-fri`, `sat-mon`, `mon,wed` or a mixture."""
    days: list[int] = []
    for part in key.value.casefold().replace("–", "-").split(","):
        ends = [end.strip() for end in part.split("-")]
        known = [_SHORT.get(end) for end in ends]
        numbers = [day for day in known if day is not None]
        if len(ends) > 2 or len(numbers) < len(ends):
            meant = [end if end in _SHORT else nearest(end, _SHORT, cutoff=50) for end in ends]
            reader.problems.error(
                key,
                f"`{part.strip()}` names no days",
                expected="days such as `mon-fri` or `sat`",
                nearest="-".join(meant) if all(meant) and len(meant) <= 2 else "",
                code="days",
            )
            continue
        first, last = numbers[0], numbers[-1]
        days += [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    return days


def _spans(reader: Reader, node: Node) -> Spans | None:
    nodes = node.items if isinstance(node, Sequence) else [node]
    expected = 'hours such as `"08:00-18:00"`'
    found: list[tuple[int, int, Node]] = []
    for item in nodes:
        scalar = reader.scalar(item, "business hours", expected)
        if scalar is None:
            return None
        for part in scalar.value.split(","):
            match = _SPAN.fullmatch(part.strip())
            if match is None:
                reader.problems.error(
                    item, f"business hours cannot be `{part.strip()}`", expected=expected, code="hours"
                )
                return None
            opens, closes = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
            if not opens < closes <= 24 * 60:
                reader.problems.error(
                    item,
                    f"business hours cannot be `{part.strip()}`",
                    expected="closing after opening, by 24:00; hours past midnight belong to the next day",
                    code="hours",
                )
                return None
            found.append((opens, closes, item))
    found.sort(key=lambda span: span[:2])
    for (_, closes, _), (opens, _, item) in itertools.pairwise(found):
        if opens < closes:
            reader.problems.error(item, "these business hours overlap", code="hours")
            return None
    return tuple((opens, closes) for opens, closes, _ in found)


# --- holidays ----------------------------------------------------------------------------
# The package `holidays` is imported where a file names a country: it takes longer to import than a file to read.


@cache
def _countries() -> dict[str, tuple[str, ...]]:
    """Country code → other ways to write the country, the first being its name in words."""
    from holidays.registry import COUNTRIES

    return {entry[1]: (name.replace("_", " ").title(), *entry[2:3]) for name, entry in COUNTRIES.items()}


def country_name(code: str) -> str:
    """The country's name in words; the code itself where none is known."""
    return _countries().get(code, (code,))[0]


@cache
def _regions(country: str) -> tuple[str, ...]:
    from holidays import country_holidays

    return tuple(country_holidays(country).subdivisions)


@lru_cache(maxsize=32)
def days_of_country(country: str, region: str | None) -> tuple[str, ...]:
    """The public holidays of a country (and region) from 2000 to 2050 as ISO dates."""
    from holidays import country_holidays

    found = country_holidays(country, subdiv=region, years=range(FIRST_YEAR, LAST_YEAR + 1))
    return tuple(sorted(day.isoformat() for day in found))


def _holidays(reader: Reader, node: Node) -> tuple[str | None, tuple[str, ...]]:
    if isinstance(node, Sequence):
        return None, _dates(reader, node)
    expected = "a country such as `US` or `DE-BY`, or a list of dates"
    scalar = reader.scalar(node, "`holidays`", expected)
    if scalar is None:
        return None, ()
    written = scalar.value.strip()
    country, _, region = written.partition("-")
    if country not in _countries():
        reader.problems.error(
            node, f"no holidays are known for `{written}`", expected=expected, nearest=_country(country), code="country"
        )
        return None, ()
    if region and region not in _regions(country):
        regions = _regions(country)
        reader.problems.error(
            node,
            f"`{region}` is no region of {country} with holidays of its own",
            expected="one of " + ", ".join(regions) if regions else f"`{country}`",
            nearest=nearest(written, [f"{country}-{name}" for name in regions], cutoff=75),
            code="country",
        )
        return None, ()
    return written, days_of_country(country, region or None)


def _country(written: str) -> str:
    codes = {"uk": "GB", "england": "GB", "america": "US"}
    for code, names in _countries().items():
        codes |= {name.casefold(): code for name in (code, *names)}
    wanted = written.strip().casefold().replace("_", " ")
    if wanted in codes:
        return codes[wanted]
    near = nearest(wanted, codes, cutoff=75) if len(wanted) > 3 else ""
    return codes.get(near, "")


def _dates(reader: Reader, node: Sequence) -> tuple[str, ...]:
    found: set[str] = set()
    for item in node.items:
        scalar = reader.scalar(item, "a holiday", "a date such as `2026-12-25`")
        if scalar is None:
            continue
        try:
            day = date.fromisoformat(scalar.value.strip())
        except ValueError:
            reader.problems.error(
                item, f"a holiday cannot be {describe(scalar)}", expected="a date such as `2026-12-25`", code="date"
            )
            continue
        if day.isoformat() in found:
            reader.problems.warn(item, f"the holiday {day.isoformat()} is named twice", code="repeated-entry")
        found.add(day.isoformat())
    return tuple(sorted(found))
