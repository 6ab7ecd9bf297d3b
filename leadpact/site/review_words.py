"""Numbers and waits as the report writes them: English, without the server's settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "BRL": "R$", "JPY": "¥"}


def whole(number: float) -> str:
    """8,000."""
    return f"{number:,.0f}".replace("-", "−")


def percent(share: float, decimals: int | None = None) -> str:
    """10.5%; more places for small shares, none for nought and for all."""
    points = 100 * share
    if decimals is None:
        decimals = 0 if points in {0, 100} else 1 if points >= 0.095 else 2
    return f"{points:.{decimals}f}%"


def between(low: float, high: float) -> str:
    """9.8 – 11.2%; more places where the whole interval is small."""
    places = 1 if high >= 0.005 or high == 0 else 2
    return f"{100 * low:.{places}f} – {100 * high:.{places}f}%"


def days(value: float) -> str:
    """14.7 days, 3 h, 20 min."""
    if value < 1 / 24:
        return f"{max(value * 1440, 0):.0f} min"
    if value < 1:
        return f"{value * 24:.0f} h"
    if value < 100:
        return "1 day" if round(value, 1) == 1 else f"{value:.1f} days"
    return f"{value:.0f} days"


def hours(value: float) -> str:
    return days(value / 24)


def date(micros: int) -> str:
    """14 Jun 2017, UTC."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def month(text: str) -> str:
    """2018-02 as Feb 2018."""
    year, _, number = text.partition("-")
    return f"{MONTHS[int(number) - 1]} {year}"


def money(millionths: float, currency: str) -> str:
    """$1,235, or $12.30 below a hundred; a currency without a sign by its code; none at all as a bare number."""
    amount = millionths / 1_000_000
    sign = SYMBOLS.get(currency, f"{currency} " if currency else "")
    decimals = 0 if abs(amount) >= 100 or amount == int(amount) else 2
    return f"{'−' if amount < 0 else ''}{sign}{abs(amount):,.{decimals}f}"


def joined(names: list[str], last: str = "and") -> str:
    """a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}" if names else ""


def plain(name: str) -> str:
    """A code as people would write it: organic_search is organic search."""
    return " ".join(name.replace("_", " ").split())
