"""Every touch has its visitor, and a visitor with touches stays: the database looks, a batch at a time."""

from __future__ import annotations

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from leadpact.capture.actions import intake
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.leads.models import Touch, Visitor
from tests.cast import HOUR, T0, Cast, touch

pytestmark = pytest.mark.django_db

AT = T0 + HOUR
_INSERT = (
    "INSERT INTO leads_touch (visitor_id, kind, at, known_at, channel, campaign, properties, cells)"
    " SELECT v, 'page.viewed', 1, 1, '', '', '{}', '{}' FROM unnest($1::bigint[]) AS n (v)"
)


def _visitors(cast: Cast) -> list[int]:
    intake(
        [touch("page.viewed", at=AT + n, email=f"{name}@ferro.example") for n, name in enumerate(("vera", "otto"))],
        known_at=AT + 9,
    )
    return sorted(Visitor.objects.values_list("pk", flat=True))


def _copy(visitor: int) -> None:
    with (
        raw_cursor() as cursor,
        cursor.copy(
            "COPY leads_touch (visitor_id, kind, at, known_at, channel, campaign, properties, cells) FROM STDIN"
        ) as copy,
    ):
        copy.write_row((visitor, "page.viewed", 1, 1, "", "", "{}", "{}"))


def test_a_touch_of_nobody_is_refused_with_its_whole_batch(cast: Cast) -> None:
    known = _visitors(cast)
    before = Touch.objects.count()
    for stray in ([987_654], [*known, 987_654]):
        with (
            pytest.raises(psycopg.errors.ForeignKeyViolation, match="visitor 987654, who does not exist"),
            transaction.atomic(),
            raw_cursor() as cursor,
        ):
            cursor.execute(_INSERT, (stray,))
    with pytest.raises(psycopg.errors.ForeignKeyViolation), transaction.atomic():
        _copy(987_654)
    with pytest.raises(IntegrityError, match="does not exist"), transaction.atomic():
        Touch.objects.create(visitor_id=987_654, kind="page.viewed", at=1, known_at=1)
    assert Touch.objects.count() == before
    with raw_cursor() as cursor:
        cursor.execute(_INSERT, (known,))
    assert Touch.objects.count() == before + len(known)


def test_a_visitor_with_touches_stays(cast: Cast) -> None:
    first = _visitors(cast)[0]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM leads_identifier WHERE visitor_id = %s", [first])
        with pytest.raises(IntegrityError, match=f"visitor {first} has touches"), transaction.atomic():
            cursor.execute("DELETE FROM leads_visitor WHERE id = %s", [first])
    assert Visitor.objects.filter(pk=first).exists()
    free = Visitor.objects.create(created_at=AT)
    free.delete()
    assert not Visitor.objects.filter(pk=free.pk).exists()
