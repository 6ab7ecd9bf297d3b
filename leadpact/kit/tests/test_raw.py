"""Lists as PostgreSQL takes them: what is written comes back, whatever stands in it."""

from __future__ import annotations

import psycopg
import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from leadpact.kit.raw import cursor

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
    [("bigint", [0, -1, 2**62, None]), ("boolean", [True, None, False]), ("bytea", [b"", b'\\"{,', bytes(range(256))])],
)
def test_other_elements_come_back(kind: str, values: list[object]) -> None:
    with cursor() as raw:
        raw.execute(f"SELECT $1::{kind}[]", (values,))
        assert raw.fetchone() == (values,)


@pytest.mark.parametrize("texts", [["a\0b"], ["a", "b\0", "c"], ["\0"]])
def test_what_is_no_text_is_refused_and_never_split(texts: list[str]) -> None:
    with cursor() as raw, pytest.raises((psycopg.DataError, ValueError)), transaction.atomic():
        raw.execute("SELECT cardinality($1::text[])", (texts,))
