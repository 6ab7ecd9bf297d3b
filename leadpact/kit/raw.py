"""A plain psycopg cursor on Django's own connection: server-side parameters, prepared statements, COPY.

Django's cursors interpolate parameters on the client and never prepare. The hot paths (intake, judging, the ledger) use
this one; it takes part in the same transaction, because it is the same connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection


@contextmanager
def cursor() -> Iterator[psycopg.RawCursor[tuple[object, ...]]]:
    """A cursor whose parameters are written $1, $2, … (psycopg's RawCursor)."""
    connection.ensure_connection()
    assert connection.connection is not None
    with psycopg.RawCursor(connection.connection) as raw:
        yield raw


def one_transaction() -> None:
    """Raise RuntimeError outside a transaction: what follows must be written as a whole or not at all."""
    if not connection.in_atomic_block:
        raise RuntimeError("this needs a transaction; wrap the call in transaction.atomic()")
