"""What the database itself refuses, whoever asks: it guards the ledger though the application should err."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest
from django.db import Error, IntegrityError, connection, connections, transaction

from leadpact.custody import entries
from leadpact.custody.actions import SYSTEM, NewEntry, record, store
from leadpact.custody.models import Entry
from leadpact.custody.rules import chain
from leadpact.kit.instants import from_us
from leadpact.leads.models import Person, Touch, Visitor

from .conftest import MakeLeads

AsOwner = Callable[[], AbstractContextManager[None]]
GROWING = ("custody_entry", "leads_touch", "leads_touchvoid", "leads_attributefact")

pytestmark = pytest.mark.django_db


def captured(lead: int, *, at: int = 10) -> None:
    record([NewEntry(lead, "captured", SYSTEM)], at=at)


def row(lead: int, **changed: Any) -> tuple[Any, ...]:
    """A second entry (judged: prospect) that follows `captured`, as written by hand; `changed` spoils it."""
    last = Entry.objects.get(lead_id=lead, seq=1)
    codes = {
        "lead_id": lead, "seq": 2, "at": 20, "move": "judged", "holder": "marketing", "state": "prospect", "actor": "system",
        "user_id": None, "agreement": "", "reason": "", "verdict": "prospect", "cause": "", "cause_touch": None, "cause_seq": None,
        "salesperson_id": None, "due": 99, "due_what": "touch_every", "not_before": None, "value": None, "alternatives": None,
    }  # fmt: skip
    codes |= {name: value for name, value in changed.items() if name in codes}
    values = tuple(codes[name] for name in chain.COLUMNS)
    previous = changed.get("previous", bytes(last.hash))
    return (*values, None, previous, changed.get("hash", chain.link(values, None, previous)))


def test_a_row_that_follows_is_taken(leads: MakeLeads) -> None:
    (lead,) = leads(1)
    captured(lead)
    store.write([row(lead)], ())
    assert Entry.objects.filter(lead_id=lead).count() == 2


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        ({"seq": 3}, "follows no entry"),
        ({"seq": 0}, "follows no entry"),
        ({"previous": b"\x01" * 32}, "does not name the hash"),
        ({"hash": b""}, "has no hash"),
        ({"at": 9}, "goes back in time"),
        (
            {"move": "accepted", "verdict": ""},
            "is not an allowed move: accepted by system from new to marketing/prospect",
        ),
        ({"actor": "sales"}, "is not an allowed move"),
        ({"state": "lead"}, "is not an allowed move"),
        ({"holder": "sales"}, "is not an allowed move"),
        ({"verdict": "hot"}, "is not an allowed move"),
        ({"move": "invented", "verdict": ""}, "is not an allowed move"),
    ],
)
def test_a_row_that_does_not_follow_is_refused(leads: MakeLeads, spoilt: dict[str, Any], sentence: str) -> None:
    (lead,) = leads(1)
    captured(lead)
    with pytest.raises((IntegrityError, psycopg.IntegrityError), match=sentence), transaction.atomic():
        store.write([row(lead, **spoilt)], ())
    assert Entry.objects.filter(lead_id=lead).count() == 1


def test_two_entries_at_one_place_are_refused(leads: MakeLeads) -> None:
    (lead,) = leads(1)
    captured(lead)
    store.write([row(lead)], ())
    with pytest.raises((IntegrityError, psycopg.IntegrityError), match="ledger_in_sequence"), transaction.atomic():
        store.write([row(lead)], ())


def test_an_entry_of_no_lead_is_refused() -> None:
    with pytest.raises((IntegrityError, psycopg.IntegrityError), match="belongs to no lead"), transaction.atomic():
        record([NewEntry(987_654, "captured", SYSTEM)], at=1)


def test_every_move_that_the_table_knows_and_no_other(leads: MakeLeads) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT before, move, actor, verdict, holder, state FROM custody_move ORDER BY 1, 2, 3, 4, 5, 6")
        stored = sorted(cursor.fetchall())
    assert stored == entries.rows()


@pytest.mark.parametrize("table", GROWING)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_application_may_not(leads: MakeLeads, table: str, statement: str) -> None:
    _grow(leads)
    with pytest.raises(Error, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


@pytest.mark.parametrize("table", GROWING)
def test_the_application_may_not_empty_a_table(leads: MakeLeads, table: str) -> None:
    with pytest.raises(Error, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("table", GROWING)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_nor_may_the_owner(leads: MakeLeads, as_owner: AsOwner, table: str, statement: str) -> None:
    _grow(leads)
    with (
        as_owner(),
        pytest.raises(IntegrityError, match=f"{table} only grows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


@pytest.mark.parametrize("statement", ["INSERT INTO custody_move VALUES ('won', 'woken', 'sales', '', 'marketing', 'lead')",
                                       "DELETE FROM custody_move", "UPDATE custody_move SET actor = 'sales'",
                                       "ALTER TABLE custody_entry DISABLE TRIGGER ALL", "DROP TABLE custody_entry"])  # fmt: skip
def test_the_application_may_not_change_the_rules(statement: str) -> None:
    with (
        pytest.raises(Error, match=r"permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_tests_connect_as_the_application() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, tableowner FROM pg_tables WHERE tablename = 'custody_entry'")
        us, owner = cursor.fetchone()
    assert us != owner
    assert us == connections["default"].settings_dict["USER"]


def test_truncate_is_for_databases_of_tests_only(leads: MakeLeads, as_owner: AsOwner) -> None:
    _grow(leads)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE custody_entry CASCADE")
        cursor.execute("SELECT count(*) FROM custody_entry")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT pg_get_functiondef('never_emptied_1'::regproc)")
        assert "current_database() NOT LIKE 'test\\_%'" in cursor.fetchone()[0]


def test_instants_in_sql_are_exact() -> None:
    moments = [0, 1, 999_999, 1_780_000_000_123_457, 4_102_444_800_000_001, 1_234_567_890_999_999]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT instant(us) FROM unnest(%s::bigint[]) WITH ORDINALITY AS n (us, i) ORDER BY i", [moments]
        )
        assert [moment for (moment,) in cursor.fetchall()] == [from_us(us) for us in moments]


def _grow(leads: MakeLeads) -> None:
    """A row in each table that only grows."""
    (lead,) = leads(1)
    captured(lead)
    visitor = Visitor.objects.create(created_at=1)
    touch = Touch.objects.create(visitor=visitor, kind="page.viewed", at=1, known_at=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO leads_touchvoid (touch_id, cause, known_at) VALUES (%s, 'automated', 1)", [touch.pk]
        )
        cursor.execute(
            "INSERT INTO leads_attributefact (subject, subject_id, field, cell, at, known_at) VALUES ('person', %s, 'person.title',"
            " '{}', 1, 1)",
            [Person.objects.latest("pk").pk],
        )
