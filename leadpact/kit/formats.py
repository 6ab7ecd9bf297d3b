"""How numbers, money and instants read: in the reader's zone and with the reader's digits.

`reading()` says who reads; `kit.pages.page` opens it for every request. Outside of it (mail, tests) zone is UTC and
digits are English. All functions are pure given that and `now`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf.locale import LANG_INFO
from django.utils import formats as django_formats
from django.utils import numberformat

from leadpact.kit.instants import DAY, HOUR, MINUTE, SECOND, from_us

NOTHING = "–"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "CN¥", "INR": "₹", "BRL": "R$"}
_WITHOUT_MINOR = frozenset({"JPY", "KRW", "CLP", "VND", "ISK"})


@dataclass(frozen=True, slots=True)
class Reader:
    """Zone and language of digits of whoever reads."""

    zone: tzinfo = UTC
    language: str = "en"


_NOBODY = Reader()
_reader: ContextVar[Reader] = ContextVar("reader", default=_NOBODY)


def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC for a name nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def language_of(accept: str) -> str:
    """The first language of an Accept-Language header whose digits we know; 'en' otherwise."""
    for part in accept[:200].lower().split(","):
        tag = part.split(";")[0].strip()
        for candidate in (tag, tag.split("-")[0]):
            if candidate in LANG_INFO and "name" in LANG_INFO[candidate]:
                return candidate
    return "en"


@contextmanager
def reading(reader: Reader) -> Iterator[None]:
    """Within the block everything is written for this reader."""
    token = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(token)


def reader_zone() -> tzinfo:
    """The zone of whoever reads now."""
    return _reader.get().zone


def number(value: float | None, decimals: int = 0) -> str:
    """1234.5 → '1,235'; with a true minus sign. A dash for None and NaN."""
    if value is None or math.isnan(value):
        return NOTHING
    language = _reader.get().language
    text = numberformat.format(
        f"{abs(value):.{decimals}f}",
        decimal_sep=django_formats.get_format("DECIMAL_SEPARATOR", language, use_l10n=True),
        decimal_pos=decimals,
        grouping=3,
        thousand_sep=django_formats.get_format("THOUSAND_SEPARATOR", language, use_l10n=True),
        force_grouping=True,
        use_l10n=True,
    )
    return f"−{text}" if value < 0 and any(digit in text for digit in "123456789") else text


def percent(share: float | None, decimals: int = 1) -> str:
    """0.214 → '21.4%'."""
    return NOTHING if share is None or math.isnan(share) else f"{number(share * 100, decimals)}%"


def interval(low: float | None, high: float | None, *, decimals: int = 1, unit: str = "%") -> str:
    """(0.172, 0.263) → '17.2 – 26.3%'; with another unit the bounds are taken as they are."""
    if low is None or high is None:
        return NOTHING
    factor = 100 if unit == "%" else 1
    return f"{number(low * factor, decimals)} – {number(high * factor, decimals)}{unit}"


def money(minor: int | None, currency: str = "USD") -> str:
    """Minor units → '$1,234' or '$46k' from ten thousand and '$2.1M' from a million up; cents only under 100."""
    if minor is None:
        return NOTHING
    amount = minor if currency in _WITHOUT_MINOR else minor / 100
    sign, symbol = ("−" if amount < 0 else ""), _SYMBOLS.get(currency, f"{currency} ")
    amount = abs(amount)
    for limit, letter in ((1_000_000, "M"), (10_000, "k")):
        if amount >= limit:
            scaled = amount / (1_000_000 if letter == "M" else 1_000)
            return f"{sign}{symbol}{number(scaled, 1 if scaled < 100 and letter == 'M' else 0)}{letter}"
    return f"{sign}{symbol}{number(amount, 2 if 0 < amount < 100 and amount != int(amount) else 0)}"


def duration(us: int | None) -> str:
    """A length of time with its one or two largest units: '31 ms', '12 min', '3 h 20 min', '5 days'."""
    if us is None:
        return NOTHING
    us = abs(us)
    if us < SECOND:
        return f"{us // 1_000} ms"
    if us < MINUTE:
        return f"{us // SECOND} s"
    if us < HOUR:
        return f"{us // MINUTE} min"
    if us < DAY:
        hours, minutes = us // HOUR, us % HOUR // MINUTE
        return f"{hours} h {minutes} min" if minutes and hours < 6 else f"{hours} h"
    days = us // DAY
    if days < 90:
        return f"{days} day{'' if days == 1 else 's'}"
    months = round(days / 30.44)
    return f"{months} months" if days < 730 else f"{round(days / 365.25)} years"


def local(us: int) -> datetime:
    """The instant as a datetime in the reader's zone."""
    return from_us(us).astimezone(_reader.get().zone)


def day(us: int | None, *, now: int) -> str:
    """'today', 'yesterday', 'tomorrow', '6 Nov', or '6 Nov 2024' in another year."""
    if us is None:
        return NOTHING
    moment, present = local(us), local(now)
    apart = (moment.date() - present.date()).days
    if apart in (-1, 0, 1):
        return ("yesterday", "today", "tomorrow")[apart + 1]
    text = f"{moment.day} {_MONTHS[moment.month - 1]}"
    if 1 < apart < 7:
        text = f"{_WEEKDAYS[moment.weekday()]} {text}"
    return text if moment.year == present.year else f"{text} {moment.year}"


def days(first: int, last: int, *, now: int) -> str:
    """A stretch of days: '3 – 14 Dec', '28 Dec – 4 Jan 2027', or one day."""
    begins, ends = local(first), local(last)
    if begins.date() == ends.date():
        return day(last, now=now)
    ending = f"{ends.day} {_MONTHS[ends.month - 1]}" + ("" if ends.year == local(now).year else f" {ends.year}")
    beginning = f"{begins.day}"
    if (begins.year, begins.month) != (ends.year, ends.month):
        beginning += f" {_MONTHS[begins.month - 1]}"
    return f"{beginning} – {ending}"


def dated(us: int | None, *, with_time: bool = True) -> str:
    """'6 Nov 2026 09:41' in the reader's zone, whatever day it is read on; without the time: '6 Nov 2026'."""
    if us is None:
        return NOTHING
    moment = local(us)
    text = f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
    return f"{text} {moment:%H:%M}" if with_time else text


def instant(us: int | None, *, now: int) -> str:
    """'today 09:41' for near days, '6 Nov 09:41' within the year, '6 Nov 2024' before."""
    if us is None:
        return NOTHING
    moment, present = local(us), local(now)
    text = day(us, now=now)
    return f"{text} {moment:%H:%M}" if moment.year == present.year or abs(us - now) < 90 * DAY else text


def ago(us: int | None, *, now: int) -> str:
    """'just now', '12 min ago', '3 days ago', 'in 2 h'."""
    if us is None:
        return NOTHING
    apart = now - us
    if abs(apart) < 45 * SECOND:
        return "just now"
    return f"{duration(apart)} ago" if apart > 0 else f"in {duration(apart)}"


def countdown(due: int | None, *, now: int) -> str:
    """What a clock says: '12 min left', 'due tomorrow 15:00', '5 min late'. The script of the page says the same."""
    if due is None:
        return NOTHING
    left = due - now
    if left < 0:
        return f"{duration(max(-left, SECOND))} late"
    if left < 12 * HOUR:
        return f"{duration(left)} left"
    return f"due {instant(due, now=now)}"


def urgency(due: int | None, *, now: int, soon: int = 2 * HOUR) -> str:
    """'late', 'soon' or 'calm'."""
    if due is None:
        return "calm"
    return "late" if due < now else "soon" if due - now < soon else "calm"


def iso(us: int) -> str:
    """'2026-11-22T09:41:07Z': for machines, and for CSV."""
    return from_us(us).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_words(us: int) -> str:
    """'2026-11-22 09:41:07 UTC': what a time says on hover."""
    return from_us(us).strftime("%Y-%m-%d %H:%M:%S UTC")


def zone_words(us: int) -> str:
    """The reader's zone at that instant: 'CET'."""
    return local(us).tzname() or "UTC"
