"""Lists as PostgreSQL takes them: what is written comes back, whatever stands in it."""

from __future__ import annotations

import logging
from collections.abc import Callable

import psycopg
import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from leadpact.kit.raw import by_index, cursor, in_flight, land, on_disk

pytestmark = pytest.mark.django_db

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from('\\",{} \n'))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS | st.none()))
@example(["NULL", "null", "", "{}", '"', "\\", '\\"', "a,b"])
@example(["one", None])
def test_texts_come_back(texts: list[str | None]) -> None:
    with cursor() as raw:
        raw.execute("SELECT $1::text[]", (texts,), prepare=True)
        assert raw.fetchone() == (texts,)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", [0, -1, 2**62, None]),
        ("bigint", [None]),
        ("bigint", []),
        ("boolean", [True, None, False]),
        ("bytea", [b"", b'\\"{,', bytes(range(256))]),
        ("bytea", [None, b"x"]),
    ],
)
def test_other_elements_come_back(kind: str, values: list[object]) -> None:
    with cursor() as raw:
        raw.execute(f"SELECT $1::{kind}[]", (values,))
        assert raw.fetchone() == (values,)


@pytest.mark.parametrize("texts", [["a\0b"], ["a", "b\0", "c"], ["\0"]])
def test_what_is_no_text_is_refused_and_never_split(texts: list[str]) -> None:
    with cursor() as raw, pytest.raises((psycopg.DataError, ValueError)), transaction.atomic():
        raw.execute("SELECT cardinality($1::text[])", (texts,))


# --- statements in flight ---------------------------------------------------------------


def test_each_statement_in_flight_gets_its_own_answer() -> None:
    with transaction.atomic(), in_flight():
        with cursor() as nobody_asks:
            nobody_asks.execute("SELECT 1, 2", prepare=True)
        with cursor() as second, cursor() as third:
            second.execute("SELECT g FROM generate_series(1, $1::int) AS g", (3,), prepare=True)
            third.execute("SELECT 'three'", prepare=True)
            assert third.fetchall() == [("three",)]
            assert second.fetchall() == [(1,), (2,), (3,)]
        with cursor() as after:
            after.execute("SELECT 4", prepare=True)
            assert after.fetchone() == (4,)


def test_rows_that_were_written_are_counted_when_all_have_landed() -> None:
    with transaction.atomic(), in_flight(), cursor() as raw, cursor() as twice:
        raw.execute("CREATE TEMP TABLE flown (n int PRIMARY KEY) ON COMMIT DROP")
        with in_flight():
            twice.execute("INSERT INTO flown SELECT g FROM generate_series(1, 7) AS g")
        land()
        assert twice.rowcount == 7
        twice.execute("INSERT INTO flown VALUES (7) ON CONFLICT DO NOTHING")
        assert twice.rowcount == 0, "the rest of the block goes one by one"
        with in_flight():
            twice.execute("INSERT INTO flown VALUES (8)")
        assert twice.rowcount == 1, "a block after the landing is one of its own"


@pytest.mark.django_db(transaction=True)
def test_a_commit_that_did_not_wait_for_the_disk_is_waited_for_afterwards() -> None:
    with cursor() as raw:
        raw.execute("SET synchronous_commit = 'on'")
    try:
        with transaction.atomic():
            by_index(flushed=False)
            assert _ask("SHOW synchronous_commit") == "off"
            _ask("SELECT pg_current_xact_id()::text")
            with pytest.raises(RuntimeError), on_disk():
                pass
        assert _ask("SHOW synchronous_commit") == "on", "the setting ends with the transaction"
        # Far more than any other session's flush would take along by chance.
        with transaction.atomic():
            by_index(flushed=False)
            _ask("SELECT pg_logical_emit_message(TRUE, 'leadpact', repeat('x', 100000))::text")
        written = _ask("SELECT pg_current_wal_insert_lsn()::text")
        with on_disk() as raw:
            raw.execute("SELECT 1")
        assert _ask(f"SELECT pg_current_wal_flush_lsn() >= '{written}'::pg_lsn"), (
            "all that was written before is on disk"
        )
    finally:
        with cursor() as raw:
            raw.execute("RESET synchronous_commit")


def _ask(question: str) -> object:
    with cursor() as raw:
        raw.execute(question.encode())
        row = raw.fetchone()
    assert row is not None
    return row[0]


def _lose_a_race() -> None:
    with transaction.atomic(), in_flight(), cursor() as raw:
        raw.execute("CREATE TEMP TABLE flown (who text PRIMARY KEY) ON COMMIT DROP")
        raw.execute("INSERT INTO flown VALUES ('vera@ferro.example'), ('vera@ferro.example')")
        raw.execute("INSERT INTO flown VALUES ('later')")


def _fail_beside_a_wrong_statement() -> None:
    with transaction.atomic(), in_flight(), cursor() as raw:
        raw.execute("SELECT 'vera@ferro.example'::int")
        raise LookupError


@pytest.mark.parametrize(
    ("does", "raises"), [(_lose_a_race, psycopg.errors.UniqueViolation), (_fail_beside_a_wrong_statement, LookupError)]
)
def test_what_fails_in_flight_is_raised_once_and_not_logged(
    does: Callable[[], None], raises: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """psycopg would log what else went wrong, with the values in it."""
    with caplog.at_level(logging.DEBUG), pytest.raises(raises):
        does()
    with cursor() as raw:
        raw.execute("SELECT 5")
        assert raw.fetchone() == (5,), "the connection is usable"
    assert "vera" not in caplog.text
