"""What the root conftest promises to every room's tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction

pytestmark = pytest.mark.django_db


def test_tests_work_as_the_application() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("leadpact_app",)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.stray (a int)",
        "DROP TABLE team_user",
        "ALTER TABLE team_user ADD stray int",
        "TRUNCATE team_user CASCADE",
    ],
)
def test_the_application_has_no_ddl(statement: str) -> None:
    with pytest.raises(ProgrammingError) as raised, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert isinstance(raised.value.__cause__, psycopg.errors.InsufficientPrivilege)


def test_the_application_makes_temporary_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE batch (a int) ON COMMIT DROP")
        cursor.execute("INSERT INTO batch VALUES (1)")


def test_as_owner(as_owner: Callable[[], AbstractContextManager[None]]) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE public.stray (a int)")


class TestCopies:
    """A test outside a transaction leaves nothing to the next, whichever runs first."""

    def _leave_a_user(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM team_user")
            assert cursor.fetchone() == (0,)
            cursor.execute(
                "INSERT INTO django_session (session_key, session_data, expire_date) VALUES ('k', '', now())"
            )
            cursor.execute("SELECT count(*) FROM django_session")
            assert cursor.fetchone() == (1,)

    @pytest.mark.django_db(transaction=True)
    def test_first(self) -> None:
        self._leave_a_user()

    @pytest.mark.django_db(transaction=True)
    def test_second(self) -> None:
        self._leave_a_user()
