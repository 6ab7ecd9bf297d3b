"""The small phrases of the file: `4 business hours`, `30 days`, `2%`, `10 per week`, `15 points`."""

from __future__ import annotations

import re
from typing import Final

from leadpact.language.hours import MINUTE, SECOND, ordinary_day, ordinary_week
from leadpact.language.nodes import DAY, Duration, Market
from leadpact.language.problems import nearest
from leadpact.language.reading import Reader
from leadpact.language.source import Node, Scalar, describe

UNITS: Final = {"second": SECOND, "minute": MINUTE, "hour": 60 * MINUTE, "day": DAY, "week": 7 * DAY}
SHORT_UNITS: Final = {
    "s": "second",
    "sec": "second",
    "min": "minute",
    "mins": "minute",
    "m": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "d": "day",
    "w": "week",
    "wk": "week",
}
LONG_UNITS: Final = {"month": 30, "quarter": 90, "year": 365}
LONGEST: Final = 36_500 * DAY
_PHRASE = re.compile(r"([0-9]{1,9}) +(business +)?(second|minute|hour|day|week)s?", re.ASCII)


def duration(reader: Reader, node: Node, what: str, market: Market) -> Duration | None:
    """A duration of a promise: `N [business] seconds|minutes|hours|days|weeks`.

    A business day is as long as an ordinary working day of the market (`hours.ordinary_day`), a business week as long
    as all its hours of a week; so `2 business days` from Monday noon end on Wednesday noon.
    """
    found = _phrase(reader, node, what, "such as `4 business hours` or `30 days`")
    if found is None:
        return None
    count, business, unit, written = found
    length = UNITS[unit]
    if business and unit == "day":
        length = ordinary_day(market)
    elif business and unit == "week":
        length = ordinary_week(market)
    return Duration(count * length, business, written)


def window(reader: Reader, node: Node, what: str) -> int | None:
    """A span of plain time in microseconds: windows and rests know no business time."""
    found = _phrase(reader, node, what, "such as `30 days`")
    if found is None:
        return None
    count, business, unit, _ = found
    if business:
        reader.problems.error(
            node,
            f"{what} cannot be told in business time; only promises are",
            nearest=f"{count} {unit}{'' if count == 1 else 's'}",
            code="duration",
        )
        return None
    return count * UNITS[unit]


def _phrase(reader: Reader, node: Node, what: str, example: str) -> tuple[int, bool, str, str] | None:
    expected = f"a duration {example}"
    scalar = reader.scalar(node, what, expected)
    if scalar is None:
        return None
    written = " ".join(scalar.value.split())
    match = _PHRASE.fullmatch(written)
    if match is None:
        reader.problems.error(
            node,
            f"{what} cannot be {describe(scalar)}",
            expected=expected,
            nearest=_mended(written),
            code="duration",
        )
        return None
    count, unit = int(match[1]), match[3]
    if count == 0 or count * UNITS[unit] > LONGEST:
        reader.problems.error(
            node, f"{what} cannot be {written}", expected="more than nothing, 100 years at most", code="range"
        )
        return None
    return count, bool(match[2]), unit, written


def _mended(written: str) -> str:
    """What a misspelt duration probably meant, or nothing."""
    match = re.fullmatch(r"([0-9]{1,9})\s*([^\W\d_]*)[\s_-]*([^\W\d_]*)", written.casefold())
    if match is None:
        return ""
    count, first, second = int(match[1]), match[2], match[3]
    business = "business " if second and nearest(first, ("business", "working", "work"), cutoff=60) else ""
    if second and not business:
        return ""
    word = second or first
    if not word:
        return f"{count} days"
    singular = word.removesuffix("s") if len(word) > 1 else word
    for long, days in LONG_UNITS.items():
        if nearest(singular, (long,), cutoff=80):
            return f"{count * days} days"
    unit = SHORT_UNITS.get(word) or nearest(singular, UNITS, cutoff=60)
    return f"{count} {business}{unit}{'' if count == 1 else 's'}" if unit else ""


def share(reader: Reader, node: Node, what: str) -> int | None:
    """A share in per cent, `2%` or `0.5%`, in millionths."""
    expected = "a share such as `2%`"
    scalar = reader.scalar(node, what, expected)
    if scalar is None:
        return None
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%", scalar.value.strip(), re.ASCII)
    if match is None:
        reader.problems.error(
            node, f"{what} cannot be {describe(scalar)}", expected=expected, nearest=_percent(scalar), code="share"
        )
        return None
    whole, _, fraction = match[1].partition(".")
    millionths = int(whole + fraction.ljust(4, "0"))
    if millionths > 1_000_000:
        reader.problems.error(node, f"{what} cannot be {match[1]}%", expected="100% at most", code="range")
        return None
    return millionths


def _percent(scalar: Scalar) -> str:
    value = scalar.number
    if value is None or not 0 <= value <= 100:
        return ""
    return f"{(value * 100 if value < 1 else value).normalize():f}%"


def per_week(reader: Reader, node: Node, what: str) -> int | None:
    """`10 per week`."""
    return _counted(reader, node, what, "per week", "a number a week such as `10 per week`")


def points_phrase(reader: Reader, node: Node, what: str) -> int | None:
    """`15 points`, in thousandths of a point."""
    found = _counted(reader, node, what, "points?", "a distance such as `15 points`")
    return None if found is None else found * 1000


def _counted(reader: Reader, node: Node, what: str, tail: str, expected: str) -> int | None:
    scalar = reader.scalar(node, what, expected)
    if scalar is None:
        return None
    written = " ".join(scalar.value.split())
    match = re.fullmatch(rf"([0-9]{{1,6}}) {tail}", written, re.ASCII)
    if match is None:
        digits = re.match(r"[0-9]{1,6}", written, re.ASCII)
        reader.problems.error(
            node,
            f"{what} cannot be {describe(scalar)}",
            expected=expected,
            nearest=f"{digits[0]} {tail.replace('?', '')}" if digits else "",
            code="value",
        )
        return None
    return int(match[1])
