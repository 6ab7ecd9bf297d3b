from __future__ import annotations

import random

import pytest

from leadpact.lake.amounts import read_amounts
from leadpact.lake.instants import OrderUnknown, instant, iso, read_instants, zone
from leadpact.lake.problems import FileProblem
from leadpact.lake.store import Store, literal
from leadpact.lake.typed import quick_instant

UTC = zone("UTC")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-02-26 19:58:54", "2018-02-26T19:58:54Z"),
        ("2018-02-26", "2018-02-26T00:00:00Z"),
        ("2020-12-30 3:15:52", "2020-12-30T03:15:52Z"),
        ("2020-01-14T18:16:26.842+02:00", "2020-01-14T16:16:26.842000Z"),
        ("2018-02-26T19:58:54.123456789Z", "2018-02-26T19:58:54.123456Z"),
        ("1519675134", "2018-02-26T19:58:54Z"),
        ("1519675134123", "2018-02-26T19:58:54.123000Z"),
        ("1519675134123456", "2018-02-26T19:58:54.123456Z"),
        ("1519675134.5", "2018-02-26T19:58:54.500000Z"),
        ("Mon, 26 Feb 2018 19:58:54 +0000", "2018-02-26T19:58:54Z"),
        ("Feb 3, 2018 4:05 pm", "2018-02-03T16:05:00Z"),
        ("26-Feb-18", "2018-02-26T00:00:00Z"),
        ("12/31/1999 12:00 AM", "1999-12-31T00:00:00Z"),
        ("43157.5", "2018-02-26T12:00:00Z"),
        ("2018-02-26 24:00:00", "2018-02-27T00:00:00Z"),
    ],
)
def test_forms_of_dates(text: str, expected: str) -> None:
    assert iso(instant(text, tz=UTC, order="mdy")) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("soon", "not a date"),
        ("2024-02-30", "there is no 2024-02-30"),
        ("9999-12-31", "year 9999 is out of range"),
        ("13:00", "not a date"),
        ("2024-01-02 13:00 pm", "no hour 13"),
        ("2018-02-26 19:58:54 EST", "not a date"),
        ("31/31/2024", "no month 31"),
    ],
)
def test_what_is_no_date_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        instant(text, tz=UTC, order="dmy")


def test_times_without_an_offset_are_local_and_summer_time_counts() -> None:
    chicago = zone("America/Chicago")
    assert iso(instant("2024-01-15 12:00", tz=chicago)) == "2024-01-15T18:00:00Z"
    assert iso(instant("2024-07-15 12:00", tz=chicago)) == "2024-07-15T17:00:00Z"
    assert iso(instant("2024-07-15T12:00Z", tz=chicago)) == "2024-07-15T12:00:00Z"


def test_one_telling_value_decides_the_order_for_the_column() -> None:
    read = read_instants([("01/02/2024", 5), ("13/02/2024", 1)], column="When", tz=UTC)
    assert iso(read.values["01/02/2024"]) == "2024-02-01T00:00:00Z"
    assert "day first" in read.notes[0]
    assert "13/02/2024" in read.notes[0]
    read = read_instants([("01/02/2024", 5), ("02/13/2024", 1)], column="When", tz=UTC)
    assert iso(read.values["01/02/2024"]) == "2024-01-02T00:00:00Z"


def test_a_column_that_cannot_tell_is_a_question() -> None:
    with pytest.raises(OrderUnknown, match=r"--date-order dmy or --date-order mdy"):
        read_instants([("01/02/2024", 5), ("03/04/2024", 1)], column="When", tz=UTC)
    assert iso(read_instants([("01/02/2024", 5)], column="When", tz=UTC, given="mdy").values["01/02/2024"]).startswith(
        "2024-01-02"
    )


def test_both_orders_in_one_column_are_refused_unless_one_is_a_stray() -> None:
    with pytest.raises(FileProblem, match="both orders"):
        read_instants([("13/02/2024", 5), ("02/13/2024", 5)], column="When", tz=UTC)
    read = read_instants([("13/02/2024", 500), ("02/13/2024", 1)], column="When", tz=UTC)
    assert list(read.bad) == ["02/13/2024"]


def test_an_unknown_zone_is_a_sentence() -> None:
    with pytest.raises(FileProblem, match="no such time zone"):
        zone("Mars/Olympus")


def test_the_database_reads_iso_texts_as_python_does(store: Store) -> None:
    """Strict ISO texts and epoch numbers go through DuckDB for speed: not one may come out differently."""
    random.seed(11)
    texts: list[str] = []
    for _ in range(600):
        date = f"{random.randint(1890, 2215):04}-{random.randint(1, 12):02}-{random.randint(1, 31):02}"
        clock = random.choice(["", f"{random.choice('T ')}{random.randint(0, 24):02}:{random.randint(0, 60):02}"])
        if clock:
            clock += random.choice(
                ["", f":{random.randint(0, 60):02}", f":{random.randint(0, 59):02}.{random.randint(0, 10**7)}"]
            )
            clock += random.choice(["", "Z", "+02:00", "-0530", "+14:00", "-11:30"])
        texts.append(date + clock)
        texts.append(str(random.randint(10**8, 10 ** random.randint(9, 16))))
    for timezone in ("UTC", "Europe/Paris"):
        values = ", ".join(f"({literal(text)})" for text in texts)
        query = f"SELECT t, {quick_instant('t', timezone)} FROM (VALUES {values}) v(t)"
        quick = dict(store.execute(query).fetchall())
        assert sum(value is not None for value in quick.values()) > 150
        for text, value in quick.items():
            if value is not None:
                assert value == instant(text, tz=zone(timezone)), text


def test_amounts_take_the_comma_that_the_column_uses() -> None:
    german = read_amounts([("1.234,50", 1), ("€ 300", 1), ("1.234", 1), ("lots", 1)], column="Cost")
    assert german.values == {"1.234,50": 1_234_500_000, "€ 300": 300_000_000, "1.234": 1_234_000_000}
    assert list(german.bad) == ["lots"]
    assert "decimal comma" in german.notes[0]
    english = read_amounts([("1,234.50", 1), ("(12.00)", 1), ("USD 45", 1)], column="Cost")
    assert english.values == {"1,234.50": 1_234_500_000, "(12.00)": -12_000_000, "USD 45": 45_000_000}
