"""Reading `review`: when both departments meet over what their agreement did."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

from leadpact.language.nodes import Review
from leadpact.language.parse_market import DAYS
from leadpact.language.problems import nearest
from leadpact.language.reading import Reader
from leadpact.language.source import Node, Scalar, describe

REVIEW_KEYS: Final = ("every", "on", "at", "from")
MOST_WEEKS: Final = 26
WHICH: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_DAY: Final = {day[:3]: n for n, day in enumerate(DAYS)} | {day: n for n, day in enumerate(DAYS)}
_MEANT: Final = {
    "weekly": "week", "every week": "week", "7 days": "week", "fortnight": "2 weeks", "fortnightly": "2 weeks",
    "biweekly": "2 weeks", "14 days": "2 weeks", "monthly": "month", "1 month": "month", "30 days": "month",
}  # fmt: skip
MONTH: Final = 0


def read_review(reader: Reader, node: Node) -> Review | None:
    """When they meet; None with the problems noted where it cannot be read."""
    fields = reader.fields(node, "`review`", known=REVIEW_KEYS, required=REVIEW_KEYS[:3])
    if fields is None:
        return None
    before = reader.problems.failures
    weeks = _every(reader, fields["every"].value) if "every" in fields else None
    day = _on(reader, fields["on"].value, weeks) if "on" in fields else None
    minute = _at(reader, fields["at"].value) if "at" in fields else None
    start = _from(reader, fields["from"].value, weeks, day) if "from" in fields else None
    if weeks is None or day is None or minute is None or reader.problems.failures > before:
        return None
    nth, weekday = day
    return Review(weekday, minute, weeks, nth, start)


def _every(reader: Reader, node: Node) -> int | None:
    expected = "`week`, `2 weeks` or `month`"
    scalar = reader.scalar(node, "`every`", expected)
    if scalar is None:
        return None
    written = " ".join(scalar.value.split())
    if written == "month":
        return MONTH
    match = re.fullmatch(r"(?:([0-9]{1,4}) )?weeks?", written, re.ASCII)
    if match is None:
        near = _MEANT.get(written.casefold()) or nearest(written, ("week", "2 weeks", "month"), cutoff=70)
        reader.problems.error(
            node, f"`every` cannot be {describe(scalar)}", expected="" if near else expected, nearest=near, code="value"
        )
        return None
    weeks = int(match[1] or 1)
    if not 1 <= weeks <= MOST_WEEKS:
        reader.problems.error(
            node,
            f"`every` cannot be {written}",
            expected=f"`week`, {MOST_WEEKS} weeks at most, or `month`",
            code="range",
        )
        return None
    return weeks


def _on(reader: Reader, node: Node, weeks: int | None) -> tuple[int, int] | None:
    """(which of the month, weekday); which is 0 in a rhythm of weeks."""
    monthly = weeks == MONTH
    expected = "a day such as `first monday`" if monthly else "a day such as `monday`"
    scalar = reader.scalar(node, "`on`", expected)
    if scalar is None:
        return None
    which, _, day = " ".join(scalar.value.casefold().split()).rpartition(" ")
    weekday = _DAY.get(day)
    if weekday is not None and ((which in WHICH) if monthly else not which):
        return (WHICH[which] if monthly else 0), weekday
    if weeks is None and weekday is not None and (not which or which in WHICH):
        return 0, weekday  # What it belongs to could not be read, and that is said there.
    named = DAYS[weekday] if weekday is not None else nearest(day, DAYS, cutoff=60)
    order = which if which in WHICH else (nearest(which, WHICH, cutoff=60) if which else "") or "first"
    near = (f"{order} {named}" if monthly else named) if named else ""
    reader.problems.error(
        node, f"`on` cannot be {describe(scalar)}", expected="" if near else expected, nearest=near, code="days"
    )
    return None


def _at(reader: Reader, node: Node) -> int | None:
    expected = 'a time of the market such as `"09:00"`'
    scalar = reader.scalar(node, "`at`", expected)
    if scalar is None:
        return None
    match = re.fullmatch(r"([0-9]{1,2}):([0-5][0-9])", scalar.value.strip(), re.ASCII)
    if match is None or int(match[1]) > 23:
        reader.problems.error(
            node, f"`at` cannot be {describe(scalar)}", expected=expected, nearest=_time(scalar), code="hours"
        )
        return None
    return int(match[1]) * 60 + int(match[2])


def _time(scalar: Scalar) -> str:
    """`15:30` for `3.30 pm`, `9:00` for `9` or `9h`; nothing for what is no time."""
    match = re.fullmatch(
        r"([0-9]{1,2})(?:[:.h]([0-5][0-9]))?\s*(?:h|o'clock|(am|pm))?", scalar.value.strip().casefold()
    )
    if match is None:
        return ""
    hour = int(match[1]) % 12 + (12 if match[3] == "pm" else 0) if match[3] else int(match[1])
    return f"{hour:02d}:{match[2] or '00'}" if hour < 24 else ""


def _from(reader: Reader, node: Node, weeks: int | None, day: tuple[int, int] | None) -> str | None:
    expected = "the date of one of the meetings such as `2026-12-07`"
    scalar = reader.scalar(node, "`from`", expected)
    if scalar is None:
        return None
    try:
        found = date.fromisoformat(scalar.value.strip())
    except ValueError:
        reader.problems.error(node, f"`from` cannot be {describe(scalar)}", expected=expected, code="date")
        return None
    if weeks is not None and weeks < 2:
        reader.problems.error(
            node,
            "`from` says which weeks are meant, and this review is held in all of them",
            expected="no `from`, or `every: 2 weeks`",
            code="contradiction",
        )
        return None
    if day is not None and found.weekday() != day[1]:
        moved = found + timedelta(days=(day[1] - found.weekday()) % 7)
        reader.problems.error(
            node,
            f"{found.isoformat()} is a {DAYS[found.weekday()].title()}",
            expected=f"a {DAYS[day[1]].title()}",
            nearest=moved.isoformat(),
            code="contradiction",
        )
        return None
    return found.isoformat()
