"""Words for numbers and instants, in the reader's zone and digits."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from leadpact.kit import formats
from leadpact.kit.instants import DAY, HOUR, MINUTE, SECOND, to_us

NOW = to_us(datetime(2026, 11, 22, 9, 41, 7, tzinfo=UTC))
GERMAN = formats.Reader(ZoneInfo("Europe/Berlin"), "de")


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (1234, 0, "1,234"),
        (-40, 0, "−40"),
        (0.5, 0, "0"),
        (-0.0001, 2, "0.00"),
        (21.44, 1, "21.4"),
        (None, 0, "–"),
        (float("nan"), 0, "–"),
    ],
)
def test_numbers(value: float | None, decimals: int, text: str) -> None:
    assert formats.number(value, decimals) == text


def test_digits_are_the_readers() -> None:
    with formats.reading(GERMAN):
        assert formats.number(1234.5, 1) == "1.234,5"
        assert formats.percent(0.2144) == "21,4%"
    assert formats.percent(0.2144) == "21.4%"


@pytest.mark.parametrize(
    ("header", "language"),
    [("de-CH,de;q=0.9,en;q=0.8", "de"), ("xx, fr", "fr"), ("", "en"), (";;,q=1", "en"), ("en-GB", "en-gb")],
)
def test_the_first_language_whose_digits_are_known(header: str, language: str) -> None:
    assert formats.language_of(header) == language


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1250, "USD", "$12.50"), (123_400, "EUR", "€1,234"), (4_600_000, "USD", "$46k"), (210_000_000, "GBP", "£2.1M"),
     (500, "JPY", "¥500"),
     (-100, "USD", "−$1"), (700, "SEK", "SEK 7"), (None, "USD", "–")],
)  # fmt: skip
def test_money(minor: int | None, currency: str, text: str) -> None:
    assert formats.money(minor, currency) == text


@pytest.mark.parametrize(
    ("us", "text"),
    [(31_000, "31 ms"), (40 * SECOND, "40 s"), (12 * MINUTE, "12 min"), (200 * MINUTE, "3 h 20 min"), (9 * HOUR + MINUTE, "9 h"),
     (DAY, "1 day"), (5 * DAY, "5 days"), (200 * DAY, "7 months"), (1500 * DAY, "4 years"), (None, "–")],
)  # fmt: skip
def test_lengths(us: int | None, text: str) -> None:
    assert formats.duration(us) == text


def test_near_days_have_names_and_far_ones_a_year() -> None:
    assert formats.instant(NOW, now=NOW) == "today 09:41"
    assert formats.instant(NOW - DAY, now=NOW) == "yesterday 09:41"
    assert formats.instant(NOW + 3 * DAY, now=NOW) == "Wed 25 Nov 09:41"
    assert formats.instant(NOW - 40 * DAY, now=NOW) == "13 Oct 09:41"
    assert formats.instant(NOW - 400 * DAY, now=NOW) == "18 Oct 2025"


def test_the_day_is_that_of_the_readers_zone() -> None:
    late = to_us(datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    assert formats.day(late, now=NOW) == "today"
    with formats.reading(GERMAN):
        assert formats.day(late, now=NOW) == "tomorrow"
        assert formats.instant(late, now=NOW) == "tomorrow 00:30"
        assert formats.zone_words(late) == "CET"
    assert formats.utc_words(late) == "2026-11-22 23:30:00 UTC"


def test_clocks() -> None:
    assert formats.countdown(NOW + 12 * MINUTE, now=NOW) == "12 min left"
    assert formats.countdown(NOW - 5 * MINUTE, now=NOW) == "5 min late"
    assert formats.countdown(NOW + 30 * HOUR, now=NOW) == "due tomorrow 15:41"
    assert [formats.urgency(NOW + hours * HOUR, now=NOW) for hours in (-1, 1, 5)] == ["late", "soon", "calm"]


def test_stretches_of_days() -> None:
    def at(year: int, month: int, day: int) -> int:
        return to_us(datetime(year, month, day, tzinfo=UTC))

    assert formats.days(at(2026, 12, 3), at(2026, 12, 14), now=NOW) == "3 – 14 Dec"
    assert formats.days(at(2026, 12, 28), at(2027, 1, 4), now=NOW) == "28 Dec – 4 Jan 2027"
    assert formats.days(at(2026, 12, 3), at(2026, 12, 3), now=NOW) == "3 Dec"


def test_paper_is_read_on_any_day() -> None:
    with formats.reading(formats.Reader(formats.zone_of("America/Chicago"))):
        assert formats.dated(1_780_322_400_000_000) == "1 Jun 2026 09:00"
        assert formats.dated(1_780_322_400_000_000, with_time=False) == "1 Jun 2026"
        assert formats.dated(None) == formats.NOTHING
