"""History leaves PostgreSQL as Parquet: what is new since the last time, each row once.

Ids come from sequences, and a transaction may commit after one with higher ids. So an export takes a *mark* (the highest ids
now) and waits until every transaction that was under way then has ended: below a settled mark nothing can appear any more. It
never waits for longer than it is told to; where one transaction stays open, an earlier mark that has settled meanwhile is
used, and the rest comes with a later export. Nobody who writes ever waits for an export.

Rows go from COPY through a file into DuckDB and from there into Parquet: no row becomes a Python object.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from leadpact.lake.exported import GROWING, LEDGER, WHOLE, Relation
from leadpact.lake.manifest import Manifest, Mark, Part, Writer, rows_of, writing
from leadpact.lake.problems import FileProblem
from leadpact.lake.rewrite import compact
from leadpact.lake.store import MEMORY, Store, literal, quoted
from leadpact.language.fold import UNICODE_VERSION

Connection = psycopg.Connection[Any]
CHUNK = 1_000_000
PATIENCE = 60.0
MOST_MARKS = 100
LONGEST_LINE = 16_000_000
# Ours to the year 2112; what lies outside says nothing about a month.
LAST_MONTH = 4_500_000_000_000_000

_WRITERS = (
    "SELECT DISTINCT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did. rows: relation → rows written. behind: it used an earlier mark, because a transaction stayed open."""

    folder: Path
    at: int
    rows: dict[str, int]
    files: int
    behind: bool


def export(
    connection: Connection,
    folder: Path,
    *,
    at: int,
    patience: float = PATIENCE,
    chunk: int = CHUNK,
    told: Callable[[float], None] = lambda _: None,
) -> Exported:
    """Bring the lake in `folder` up to date. connection: in autocommit, outside a transaction, on the primary server.

    at: now, in microseconds. patience: seconds to wait for transactions under way. chunk: rows that go together; after each
    the work done so far is kept, so that an export that was killed goes on where it was. told: hears the share done.

    Raises FileProblem where another export runs, the lake came from another database, or nothing has ever settled (later, an
    export beside a transaction that stays open does nothing and is `behind`); RuntimeError inside a transaction.
    """
    if not connection.autocommit or connection.info.transaction_status != TransactionStatus.IDLE:
        raise RuntimeError("an export runs on a connection in autocommit, outside a transaction")
    with writing(folder) as writer, Store(folder=str(writer.drafts), memory=MEMORY) as store:
        _same_database(connection, writer.manifest, folder)
        newest = _mark(connection, at)
        marks = (*writer.manifest.marks[1 - MOST_MARKS :], newest)
        settled = _settled(connection, marks, patience)
        if settled is None:
            writer.publish(replace(writer.manifest, marks=marks))
            if writer.manifest.exported_at is not None:
                return Exported(folder, writer.manifest.exported_at, {}, 0, behind=True)
            raise FileProblem(
                "A transaction has been open for too long, so nothing could be exported; run it again when imports have ended."
            )
        rows: dict[str, int] = {}
        for relation in GROWING:
            first, last = _done(writer.manifest, relation), settled.until.get(relation.name, 0)
            share = _share(relation, first, last, told)
            rows[relation.name] = rows_of(_grow(connection, store, writer, relation, last, chunk, share))
        whole = _whole(connection, store, writer)
        rows |= {part.relation: part.rows for part in whole}
        made = len(writer.manifest.pending) + len(whole)
        _finish(connection, writer, settled, marks, whole)
        compact(writer, store)
        return Exported(folder, settled.at, rows, made, behind=settled is not newest)


def _share(relation: Relation, first: int, last: int, told: Callable[[float], None]) -> Callable[[int], None]:
    """Tells how far an id is in the whole of the growing relations."""
    place = GROWING.index(relation)
    return lambda id_: told((place + (id_ - first) / max(last - first, 1)) / len(GROWING))


# --- how far ----------------------------------------------------------------------------


def _same_database(connection: Connection, manifest: Manifest, folder: Path) -> None:
    """Rows of two databases must not meet in one lake: ids would hide rows for ever."""
    strange = any(_highest(connection, relation) < _done(manifest, relation) for relation in GROWING)
    if manifest.anchor is not None and not strange:
        id_, expected = manifest.anchor
        row = connection.execute(f"SELECT hash FROM {LEDGER.view} WHERE id = %s".encode(), [id_]).fetchone()
        strange = row is None or row[0] != expected
    if strange:
        raise FileProblem(
            f"The lake in {folder} was exported from another database (or from a later state of this one): "
            "move the folder away and export again, or name another with LEADPACT_LAKE."
        )


def _highest(connection: Connection, relation: Relation) -> int:
    row = connection.execute(f"SELECT coalesce(max(id), 0) FROM {relation.view}".encode()).fetchone()
    return int(row[0]) if row else 0


def _mark(connection: Connection, at: int) -> Mark:
    """The ids first, then who is under way: whoever holds a lower id without having committed is among those."""
    highest = ", ".join(f"(SELECT coalesce(max(id), 0) FROM {relation.view})" for relation in GROWING)
    row = connection.execute(f"SELECT {highest}".encode()).fetchone()
    assert row is not None
    until = {relation.name: int(id_) for relation, id_ in zip(GROWING, row, strict=True)}
    writers = tuple(sorted(found for (found,) in connection.execute(_WRITERS).fetchall()))
    row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
    assert row is not None
    return Mark(at, until, int(row[0]), writers)


def _settled(connection: Connection, marks: tuple[Mark, ...], patience: float) -> Mark | None:
    """The latest mark below which nothing can appear any more; waits `patience` seconds for the last one."""
    deadline = time.monotonic() + patience
    while True:
        row = connection.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint").fetchone()
        assert row is not None
        oldest = int(row[0])
        writers = {found for (found,) in connection.execute(_WRITERS).fetchall()}
        over = [mark for mark in marks if mark.xmax <= oldest and not writers & set(mark.writers)]
        if (over and over[-1] is marks[-1]) or time.monotonic() >= deadline:
            return over[-1] if over else None
        time.sleep(0.05)


def _done(manifest: Manifest, relation: Relation) -> int:
    """The id up to which a relation's rows are in files."""
    return max(manifest.until.get(relation.name, 0), manifest.pending_until.get(relation.name, 0))


# --- rows -------------------------------------------------------------------------------


def _grow(
    connection: Connection,
    store: Store,
    writer: Writer,
    relation: Relation,
    last: int,
    chunk: int,
    told: Callable[[int], None],
) -> list[Part]:
    """Write a relation's rows up to an id, chunk by chunk; what is written stays pending."""
    made: list[Part] = []
    while (done := _done(writer.manifest, relation)) < last:
        query = f"SELECT {relation.select} FROM {relation.view} WHERE id > {done} AND id <= {last} ORDER BY id LIMIT {chunk}"
        count = _fetch(connection, store, writer, relation, query)
        reached = int(store.one("SELECT max(id) FROM fetched")) if count == chunk else last
        parts = list(_months(store, writer, relation))
        manifest = writer.manifest
        writer.publish(
            replace(
                manifest,
                pending=(*manifest.pending, *parts),
                pending_until=manifest.pending_until | {relation.name: reached},
            )
        )
        made += parts
        told(reached)
    return made


def _fetch(connection: Connection, store: Store, writer: Writer, relation: Relation, query: str) -> int:
    """COPY a query into the table `fetched`; how many rows there are. NULL is told from empty text by its mark."""
    file = writer.drafts / "rows.csv"
    copied = f"COPY ({query}) TO STDOUT (FORMAT csv, NULL '\\N')".encode()
    with file.open("wb") as out, connection.cursor() as cursor, cursor.copy(copied) as copy:
        while block := copy.read():
            out.write(block)
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in relation.columns)
    store.execute(
        f"CREATE OR REPLACE TABLE fetched AS SELECT * FROM read_csv({literal(str(file))}, header = false, auto_detect = false,"
        f" delim = ',', quote = '\"', escape = '\"', nullstr = '\\N', allow_quoted_nulls = false, strict_mode = true,"
        f" max_line_size = {LONGEST_LINE}, columns = {{{columns}}})"
    )
    file.unlink()
    return int(store.one("SELECT count(*) FROM fetched"))


def _months(store: Store, writer: Writer, relation: Relation) -> Iterator[Part]:
    """Write the fetched rows, a file a month, in the order of ids."""
    instant = quoted(relation.month_of)
    month = f"CASE WHEN {instant} BETWEEN 0 AND {LAST_MONTH} THEN strftime(make_timestamp({instant}), '%Y-%m') ELSE 'other' END"
    found = store.execute(
        f"SELECT {month} AS month, count(*), min(id), max(id) FROM fetched GROUP BY month ORDER BY month"
    ).fetchall()
    for name, rows, first, last in found:
        draft = writer.draft()
        to_parquet(store, f"SELECT * FROM fetched WHERE {month} = {literal(name)} ORDER BY id", draft)
        yield writer.place(draft, Part(relation.name, "", int(rows), 0, name, int(first), int(last)))


def _whole(connection: Connection, store: Store, writer: Writer) -> list[Part]:
    """Write the relations that may change, all as of one moment."""
    made: list[Part] = []
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for relation in WHOLE:
            rows = _fetch(connection, store, writer, relation, f"SELECT {relation.select} FROM {relation.view}")
            draft = writer.draft()
            to_parquet(store, "SELECT * FROM fetched ORDER BY ALL", draft)
            made.append(writer.place(draft, Part(relation.name, "", rows, 0)))
    return made


def to_parquet(store: Store, query: str, file: Path) -> None:
    """Write a query's answer as one Parquet file."""
    store.execute(f"COPY ({query}) TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)")


def _finish(connection: Connection, writer: Writer, settled: Mark, marks: tuple[Mark, ...], whole: list[Part]) -> None:
    """Everything is written: let readers see it."""
    manifest = writer.manifest
    until = {relation.name: max(_done(manifest, relation), settled.until.get(relation.name, 0)) for relation in GROWING}
    row = connection.execute(
        f"SELECT id, hash FROM {LEDGER.view} WHERE id <= %s ORDER BY id DESC LIMIT 1".encode(), [until[LEDGER.name]]
    ).fetchone()
    grown = tuple(part for part in manifest.parts if part.month)
    writer.publish(
        replace(
            manifest,
            exported_at=settled.at,
            until=until,
            parts=(*grown, *manifest.pending, *whole),
            pending=(),
            pending_until={},
            marks=marks[marks.index(settled) + 1 :],
            anchor=(int(row[0]), str(row[1])) if row else None,
            unicode=tuple(sorted({*manifest.unicode, UNICODE_VERSION})),
        )
    )
