"""A plain psycopg cursor on Django's own connection: server-side parameters, prepared statements, COPY.

Django's cursors interpolate parameters on the client and never prepare. The hot paths (intake, judging, the ledger) use
this one; it takes part in the same transaction, because it is the same connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final, NamedTuple

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from psycopg.adapt import Buffer, Dumper

_KEPT_ROWS: Final = 10_000
_FLIGHT: Final = "_leadpact_flight"
_BY_INDEX: Final = "SELECT set_config('enable_seqscan', 'off', TRUE), set_config('enable_mergejoin', 'off', TRUE)"
_NOT_FLUSHED: Final = "set_config('synchronous_commit', 'off', TRUE)"


class ListDumper(Dumper):
    """A flat list as PostgreSQL's array literal, without a type: the statement casts it (`$1::bigint[]`).

    psycopg's own dumper looks at every element twice to find the type; with a dozen lists a batch that was half of the
    intake's time. Elements: int, str, bool, bytes, None.
    """

    def dump(self, obj: list[Any]) -> Buffer:
        """The literal. Raises KeyError for an element of another type."""
        kinds = set(map(type, obj))
        if kinds <= _NUMBERS:
            # As Python writes a list: blanks between elements, and "True", are read by PostgreSQL as well.
            return f"{{{str(obj)[1:-1].replace('None', 'NULL')}}}".encode()
        if kinds == _TEXTS:
            return _texts(obj).encode()
        if kinds == _BYTES:
            return ('{"\\\\x' + '","\\\\x'.join(map(bytes.hex, obj)) + '"}').encode()
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


_NUMBERS: Final = {int, bool, type(None)}
_TEXTS: Final = {str}
_BYTES: Final = {bytes}
_ELEMENT: dict[type, Callable[[Any], str]] = {
    int: str,
    str: _text,
    bool: lambda value: "t" if value else "f",
    bytes: lambda value: '"\\\\x' + value.hex() + '"',
    type(None): lambda _: "NULL",
}


class _Flight(NamedTuple):
    """Statements on their way, and the cursors that may still be owed an answer."""

    pipeline: AbstractContextManager[psycopg.Pipeline]
    cursors: list[_Kept]


RawCursor = psycopg.RawCursor[tuple[object, ...]]


class _Kept(RawCursor):
    """A cursor that its connection keeps for the next statement: making one costs as much as a small statement."""

    def __init__(self, on: psycopg.Connection[Any]) -> None:
        super().__init__(on)
        self.adapters.register_dumper(list, ListDumper)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # One that read much holds it until it is used again: that one goes.
        if self.closed or self.rowcount > _KEPT_ROWS:
            self.close()
            return
        # In flight it may still be owed an answer, which the next statement on it would take for its own.
        flight: _Flight | None = self.connection.__dict__.get(_FLIGHT)
        (flight.cursors if flight else _free(self.connection)).append(self)


def cursor() -> RawCursor:
    """A cursor whose parameters are written $1, $2, … (psycopg's RawCursor), with lists as flat arrays to be cast.

    Used as `with cursor() as …`; one inside another is another cursor.
    """
    on = _connected()
    free = _free(on)
    return free.pop() if free else _Kept(on)


def _connected() -> psycopg.Connection[Any]:
    here = connections[DEFAULT_DB_ALIAS]
    if here.connection is None:
        here.ensure_connection()
    assert here.connection is not None
    return here.connection


def _free(on: psycopg.Connection[Any]) -> list[_Kept]:
    found: list[_Kept] = on.__dict__.setdefault("_leadpact_free", [])
    return found


@contextmanager
def in_flight() -> Iterator[None]:
    """Inside the block statements go on their way without waiting for one another's answers (PostgreSQL's pipeline mode).

    Rows may be fetched as ever: that waits for this answer and all before it. What is told of a statement without rows
    (`rowcount`, an error) is known after `land` or the block. Inside another block this one does nothing. Not for COPY, not for a
    statement with rows on a cursor that still waits for an answer, and not for what reads `rowcount` at once, as Django's own
    writing does: `land` first.
    """
    on = _connected()
    if _FLIGHT in on.__dict__:
        yield
        return
    flight = _Flight(on.pipeline(), [])
    flight.pipeline.__enter__()
    on.__dict__[_FLIGHT] = flight
    try:
        yield
    except BaseException:
        # What else went wrong on the way is no news beside this, and may hold personal data: psycopg would log it.
        with suppress(psycopg.Error):
            land()
        raise
    land()


def land() -> None:
    """Wait for all that is in flight; the rest of the block goes statement by statement. Raises the first error of all sent."""
    flight: _Flight | None = _connected().__dict__.pop(_FLIGHT, None)
    if flight is not None:
        flight.pipeline.__exit__(None, None, None)
        _free(_connected()).extend(flight.cursors)


def by_index(*, flushed: bool = True) -> None:
    """Until the transaction ends, read tables by their indexes, never whole. For the hot paths, which name every row they want.

    Nor are two sets merged in order: all rows of a batch share their instant, and merged by that they are compared each with each.

    Without it a plan that was made while a table was small, or before it was analysed, joins the whole table to each batch;
    prepared, it does so for as long as the connection lives.

    flushed: False lets the transaction's commit return before it is on disk: nobody may be told of it before `on_disk`.

    Raises RuntimeError outside a transaction.
    """
    one_transaction()
    with cursor() as raw:
        raw.execute(_BY_INDEX if flushed else f"{_BY_INDEX}, {_NOT_FLUSHED}", prepare=True)


@contextmanager
def on_disk() -> Iterator[RawCursor]:
    """A transaction of its own: when the block has ended, all that this server committed before is on disk, by whomever.

    The log is written in order: what is waited for is a word of our own in it, which says nothing. Ask inside, by the cursor that
    is given, for what must be there: where the server came back from a crash since, it is gone, and nothing else tells.
    Raises RuntimeError inside a transaction, which would have to commit first. Where the session's own `synchronous_commit` is off,
    its owner has said that nobody waits for the disk.
    """
    with connection.wrap_database_errors, transaction.atomic(durable=True), cursor() as raw:
        by_index()
        raw.execute("SELECT pg_logical_emit_message(TRUE, 'leadpact', '')", prepare=True)
        yield raw


def one_transaction() -> None:
    """Raise RuntimeError outside a transaction: what follows must be written as a whole or not at all."""
    if not connection.in_atomic_block:
        raise RuntimeError("this needs a transaction; wrap the call in transaction.atomic()")
