"""Instants: whole microseconds since 1970-01-01 UTC, as 64-bit integers, in every engine.

Tables hold them as BIGINT, so that PostgreSQL, DuckDB and Python compare the same integer and
no session's time zone can change an answer. Python code that shows them to people turns them into
aware datetimes here. In SQL, `instant(bigint)` gives a timestamptz.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    # django-stubs knows the types that go in and out; Django itself cannot be asked for them when it runs.
    _BigInteger = models.BigIntegerField[Any, Any]
else:
    _BigInteger = models.BigIntegerField

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY


def to_us(moment: datetime) -> int:
    """Microseconds of an aware datetime. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_us(us: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return EPOCH + timedelta(microseconds=us)


class InstantField(_BigInteger):
    """A BIGINT of microseconds. Python sees the same integer; pages use the `when` filters."""

    def formfield(self, **kwargs: Any) -> None:
        """Instants are never typed in by hand."""
        return
