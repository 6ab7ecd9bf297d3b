"""Instants out of foreign text: whole microseconds since 1970, UTC.

01/02/2024 is a day in January or in February. No single value can tell, so the order is decided by the whole
column: one value that can only be read one way decides for all, and the report says which. Where none does, the
caller is asked; guessing would put a twelfth of a year's leads into the wrong month in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadpact.lake.problems import FileProblem, WrongCall

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
YEARS: Final = range(1900, 2201)
ORDERS: Final = ("dmy", "mdy")
ORDER_WORDS: Final = {"dmy": "day first", "mdy": "month first"}
# A column that is read one way is not turned round by a few typing mistakes; those rows are rejected instead.
STRAY_SHARE: Final = 0.01

_ZONE = r"(?:\s*(?P<zone>z|utc|gmt|[+-]\d{2}:?\d{2}(?::\d{2})?|[+-]\d{2})(?:\s*\(?[a-z]{3,5}\)?)?)?"
_CLOCK = r"(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?\s*(?P<ap>[ap]\.?m\.?)?"
_ISO = re.compile(rf"(?P<y>\d{{4}})[-/.](?P<mo>\d{{1,2}})[-/.](?P<d>\d{{1,2}})(?:(?:t|\s+|\s*,\s*){_CLOCK}{_ZONE})?")
_COMPACT = re.compile(r"(?P<y>\d{4})(?P<mo>\d{2})(?P<d>\d{2})(?:t(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})?" + _ZONE + ")?")
_TURNED = re.compile(
    rf"(?P<a>\d{{1,2}})(?P<cut>[-/.])(?P<b>\d{{1,2}})(?P=cut)(?P<y>\d{{4}}|\d{{2}})(?:(?:t|\s+|\s*,\s*){_CLOCK}{_ZONE})?"
)
_NAMED = re.compile(
    r"(?:[a-z]{3,9},?\s+)?(?:(?P<d1>\d{1,2})(?:st|nd|rd|th)?[\s.-]+(?P<m1>[a-z]{3,9})\.?|(?P<m2>[a-z]{3,9})\.?[\s-]+"
    rf"(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?),?[\s-]+(?P<y>\d{{4}}|\d{{2}})(?:(?:\s+at\s+|t|\s+|\s*,\s*){_CLOCK}{_ZONE})?"
)
_EPOCH = re.compile(r"-?(?P<n>\d{9,19})(?:\.(?P<f>\d{1,9}))?")
_SERIAL = re.compile(r"(?P<n>[2-7]\d{4})(?:\.(?P<f>\d{1,12}))?")
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        "jan january|feb february|mar march|apr april|may|jun june|jul july|aug august|sep sept september|"
        "oct october|nov november|dec december".split("|"),
        1,
    )
    for name in names.split()
}


@dataclass(frozen=True, slots=True)
class Instants:
    """A column read: text → microseconds, text → why not, the day/month order used, and a sentence when one is due."""

    values: dict[str, int]
    bad: dict[str, str]
    order: str | None = None
    notes: tuple[str, ...] = field(default=())


class OrderUnknown(FileProblem):
    """Nothing in the column tells day from month."""


def zone(name: str) -> ZoneInfo:
    """A time zone by its name. Raises FileProblem when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WrongCall(f"--timezone {name}: no such time zone; give one like Europe/Paris or UTC.") from error


def instant(text: str, *, tz: ZoneInfo, order: str | None = None) -> int:
    """Microseconds since 1970 of one text. Raises ValueError with the reason when it cannot be read.

    Without an offset the text is local time in `tz` (the earlier of two where clocks are set back). Dates without a
    time are midnight. Fractions beyond microseconds are cut.
    """
    plain = text.strip().lower()
    if match := _ISO.fullmatch(plain):
        return _built(match, int(match["y"]), int(match["mo"]), int(match["d"]), tz)
    if match := _TURNED.fullmatch(plain):
        first, second, year = int(match["a"]), int(match["b"]), _year(match["y"])
        use = order or ("dmy" if match["cut"] == "." else None)
        if use is None:
            raise ValueError("day and month cannot be told apart")
        day, month = (first, second) if use == "dmy" else (second, first)
        return _built(match, year, month, day, tz)
    if match := _COMPACT.fullmatch(plain):
        return _built(match, int(match["y"]), int(match["mo"]), int(match["d"]), tz)
    if match := _EPOCH.fullmatch(plain):
        return _epoch(plain, match)
    if match := _NAMED.fullmatch(plain):
        month = _MONTHS.get(match["m1"] or match["m2"])
        if month is not None:
            return _built(match, _year(match["y"]), month, int(match["d1"] or match["d2"]), tz)
    if match := _SERIAL.fullmatch(plain):
        # A spreadsheet's day number: days since 1899-12-30, the fraction is the time of day.
        micros = round(float(plain) * 86_400) * 1_000_000
        start = datetime(1899, 12, 30, tzinfo=tz)
        return _micros((start + timedelta(microseconds=micros)).astimezone(UTC))
    raise ValueError("it is not a date")


def _year(text: str) -> int:
    number = int(text)
    if len(text) == 2:
        return number + (2000 if number < 69 else 1900)
    return number


def _epoch(plain: str, match: re.Match[str]) -> int:
    digits, fraction = match["n"], match["f"] or ""
    for scale, most in ((6, 10), (3, 13), (0, 16), (-3, 19)):
        if len(digits) <= most:
            whole = int(digits) * 10**scale if scale >= 0 else int(digits) // 10**-scale
            part = int(fraction.ljust(scale, "0")[:scale]) if scale > 0 and fraction else 0
            value = whole + part
            break
    else:  # pragma: no cover  the pattern allows 19 digits
        raise ValueError("it is not a date")
    value = -value if plain.startswith("-") else value
    return _ranged(EPOCH + timedelta(microseconds=value))


def _built(match: re.Match[str], year: int, month: int, day: int, tz: ZoneInfo) -> int:
    groups = match.groupdict()
    hour, minute, second = (int(groups.get(key) or 0) for key in ("h", "mi", "s"))
    micro = int((groups.get("f") or "0").ljust(6, "0")[:6])
    half = (groups.get("ap") or "").replace(".", "")
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"there is no hour {hour} {half}")
        hour = hour % 12 + (12 if half == "pm" else 0)
    carry = timedelta()
    if (hour, minute, second) == (24, 0, 0):
        hour, carry = 0, timedelta(days=1)
    if second == 60:
        second = 59
    if year not in YEARS:
        raise ValueError(f"the year {year} is out of range")
    if not 1 <= month <= 12:
        raise ValueError(f"there is no month {month}")
    try:
        local = datetime(year, month, day, hour, minute, second, micro)  # noqa: DTZ001  the zone follows below
    except ValueError as error:
        raise ValueError(f"there is no {year:04}-{month:02}-{day:02} {hour:02}:{minute:02}") from error
    offset = groups.get("zone")
    if offset:
        moment = local.replace(tzinfo=UTC) - _offset(offset)
    elif tz.key == "UTC":
        moment = local.replace(tzinfo=UTC)
    else:
        moment = local.replace(tzinfo=tz).astimezone(UTC)
    return _micros(moment + carry)


def _offset(text: str) -> timedelta:
    if text in {"z", "utc", "gmt"}:
        return timedelta()
    digits = text[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    if hours > 18 or minutes > 59:
        raise ValueError(f"there is no offset {text}")
    size = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -size if text[0] == "-" else size


def _ranged(moment: datetime) -> int:
    if moment.year not in YEARS:
        raise ValueError(f"the year {moment.year} is out of range")
    return _micros(moment)


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def turned(text: str) -> tuple[bool, bool] | None:
    """(can be day-first, can be month-first) for a d/m/y text; None for any other."""
    match = _TURNED.fullmatch(text.strip().lower())
    if match is None:
        return None
    first, second = int(match["a"]), int(match["b"])
    day, month = range(1, 32), range(1, 13)
    return first in day and second in month, first in month and second in day


def decide_order(
    texts: Iterable[tuple[str, int]], column: str, given: str | None
) -> tuple[str | None, tuple[str, ...]]:
    """The day/month order of a column from (text, how often), and what to say about it.

    Raises OrderUnknown when the column needs an order and nothing tells which; FileProblem when it holds both orders.
    """
    counts = {"dmy": 0, "mdy": 0, "both": 0}
    samples: dict[str, str] = {}
    dotted = True
    for text, times in texts:
        can = turned(text)
        if can is None or can == (False, False):
            continue
        dotted = dotted and "." in text.split()[0]
        key = "both" if can == (True, True) else ("dmy" if can[0] else "mdy")
        counts[key] += times
        samples.setdefault(key, text)
    if not sum(counts.values()):
        return given, ()
    if given:
        return given, ()
    day, month = counts["dmy"], counts["mdy"]
    if not day and not month:
        if dotted:
            return "dmy", (f"{column}: dates with dots are read {ORDER_WORDS['dmy']}.",)
        raise OrderUnknown(
            f"{column}: every date could be day/month or month/day (the first is {samples['both']}). "
            "Say which with --date-order dmy or --date-order mdy."
        )
    winner, loser = ("dmy", "mdy") if day >= month else ("mdy", "dmy")
    if counts[loser] > STRAY_SHARE * (day + month):
        raise FileProblem(
            f"{column} holds dates of both orders ({samples['dmy']} is day first, {samples['mdy']} is month first). "
            "Say which is meant with --date-order dmy or --date-order mdy; the others go to the reject file."
        )
    note = (
        f"{column}: dates are read {ORDER_WORDS[winner]}, because {counts[winner]:,} of them can only be read so "
        f"(such as {samples[winner]})" + (f"; {counts['both']:,} could be either." if counts["both"] else ".")
    )
    return winner, (note,)


def read_instants(texts: Iterable[tuple[str, int]], *, column: str, tz: ZoneInfo, given: str | None = None) -> Instants:
    """Read a column's distinct texts, each with how often it occurs.

    Raises OrderUnknown or FileProblem as `decide_order` does; texts that are no dates are returned in `bad`.
    """
    distinct = list(texts)
    order, notes = decide_order(distinct, column, given)
    values: dict[str, int] = {}
    bad: dict[str, str] = {}
    serial = 0
    for text, times in distinct:
        try:
            values[text] = instant(text, tz=tz, order=order)
        except ValueError as error:
            bad[text] = str(error)
        else:
            serial += times if _SERIAL.fullmatch(text.strip()) else 0
    if serial:
        notes = (*notes, f"{column}: {serial:,} values are read as a spreadsheet's day numbers.")
    return Instants(values, bad, order, notes)


def iso(micros: int | None) -> str:
    """An instant as people and files write it, in UTC: 2018-02-26T19:58:54Z, with a fraction only where there is one."""
    if micros is None:
        return ""
    moment = EPOCH + timedelta(microseconds=micros)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moment.microsecond:06}" if moment.microsecond else "") + "Z"
