"""A plain psycopg cursor on Django's own connection: server-side parameters, prepared statements, COPY.

Django's cursors interpolate parameters on the client and never prepare. The hot paths (intake, judging, the ledger) use
this one; it takes part in the same transaction, because it is the same connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from psycopg.adapt import Buffer, Dumper


class ListDumper(Dumper):
    """A flat list as PostgreSQL's array literal, without a type: the statement casts it (`$1::bigint[]`).

    psycopg's own dumper looks at every element twice to find the type; with a dozen lists a batch that was half of the
    intake's time. Elements: int, str, bool, bytes, None.
    """

    def dump(self, obj: list[Any]) -> Buffer:
        """The literal. Raises KeyError for an element of another type."""
        return ("{" + ",".join([_ELEMENT[type(element)](element) for element in obj]) + "}").encode()


def _text(value: str) -> str:
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


_ELEMENT: dict[type, Callable[[Any], str]] = {
    int: str,
    str: _text,
    bool: lambda value: "t" if value else "f",
    bytes: lambda value: '"\\\\x' + value.hex() + '"',
    type(None): lambda _: "NULL",
}


@contextmanager
def cursor() -> Iterator[psycopg.RawCursor[tuple[object, ...]]]:
    """A cursor whose parameters are written $1, $2, … (psycopg's RawCursor), with lists as flat arrays to be cast."""
    connection.ensure_connection()
    assert connection.connection is not None
    with psycopg.RawCursor(connection.connection) as raw:
        raw.adapters.register_dumper(list, ListDumper)
        yield raw


def by_index() -> None:
    """Until the transaction ends, read tables by their indexes, never whole. For the hot paths, which name every row they want.

    Without it a plan that was made while a table was small, or before it was analysed, joins the whole table to each batch;
    prepared, it does so for as long as the connection lives. Raises RuntimeError outside a transaction.
    """
    one_transaction()
    with cursor() as raw:
        raw.execute("SET LOCAL enable_seqscan = off")


def one_transaction() -> None:
    """Raise RuntimeError outside a transaction: what follows must be written as a whole or not at all."""
    if not connection.in_atomic_block:
        raise RuntimeError("this needs a transaction; wrap the call in transaction.atomic()")
