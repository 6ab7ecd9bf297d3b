"""A plain psycopg cursor on Django's own connection: server-side parameters, prepared statements, COPY.

Django's cursors interpolate parameters on the client and never prepare. The hot paths (intake, judging, the ledger) use
this one; it takes part in the same transaction, because it is the same connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg.adapt import Buffer, Dumper

_KEPT_ROWS: Final = 10_000


class ListDumper(Dumper):
    """A flat list as PostgreSQL's array literal, without a type: the statement casts it (`$1::bigint[]`).

    psycopg's own dumper looks at every element twice to find the type; with a dozen lists a batch that was half of the
    intake's time. Elements: int, str, bool, bytes, None.
    """

    def dump(self, obj: list[Any]) -> Buffer:
        """The literal. Raises KeyError for an element of another type."""
        if obj and type(obj[0]) is str and set(map(type, obj)) == {str}:
            return _texts(obj).encode()
        return ("{" + ",".join([_ELEMENT[type(element)](element) for element in obj]) + "}").encode()


def _texts(texts: list[str]) -> str:
    """A literal of texts alone, all escaped at once. NUL stands between them meanwhile: no text of PostgreSQL's holds it."""
    joined = "\0".join(texts)
    if joined.count("\0") != len(texts) - 1:
        return "{" + ",".join(map(_text, texts)) + "}"  # refused by the server, in words
    if "\\" in joined or '"' in joined:
        joined = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + joined.replace("\0", '","') + '"}'


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


class _Kept(psycopg.RawCursor[tuple[object, ...]]):
    """A cursor that its connection keeps for the next statement: making one costs as much as a small statement."""

    def __init__(self, on: psycopg.Connection[Any]) -> None:
        super().__init__(on)
        self.adapters.register_dumper(list, ListDumper)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # One that read much holds it until it is used again: that one goes.
        if self.closed or self.rowcount > _KEPT_ROWS:
            self.close()
        else:
            _free(self.connection).append(self)


def cursor() -> psycopg.RawCursor[tuple[object, ...]]:
    """A cursor whose parameters are written $1, $2, … (psycopg's RawCursor), with lists as flat arrays to be cast.

    Used as `with cursor() as …`; one inside another is another cursor.
    """
    here = connections[DEFAULT_DB_ALIAS]
    if here.connection is None:
        here.ensure_connection()
    assert here.connection is not None
    free = _free(here.connection)
    return free.pop() if free else _Kept(here.connection)


def _free(on: psycopg.Connection[Any]) -> list[_Kept]:
    found: list[_Kept] = on.__dict__.setdefault("_leadpact_free", [])
    return found


def by_index() -> None:
    """Until the transaction ends, read tables by their indexes, never whole. For the hot paths, which name every row they want.

    Nor are two sets merged in order: all rows of a batch share their instant, and merged by that they are compared each with each.

    Without it a plan that was made while a table was small, or before it was analysed, joins the whole table to each batch;
    prepared, it does so for as long as the connection lives. Raises RuntimeError outside a transaction.
    """
    one_transaction()
    with cursor() as raw:
        raw.execute(
            "SELECT set_config('enable_seqscan', 'off', TRUE), set_config('enable_mergejoin', 'off', TRUE)",
            prepare=True,
        )


def one_transaction() -> None:
    """Raise RuntimeError outside a transaction: what follows must be written as a whole or not at all."""
    if not connection.in_atomic_block:
        raise RuntimeError("this needs a transaction; wrap the call in transaction.atomic()")
