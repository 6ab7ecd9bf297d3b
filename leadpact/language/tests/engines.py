"""The engines behind one question: what do you say of these leads as of these instants?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import duckdb
import psycopg
import pyarrow as pa

from leadpact.language.evaluate import evaluate
from leadpact.language.history import History
from leadpact.language.needs import needs
from leadpact.language.nodes import Agreement
from leadpact.language.rows import Value, judgement_row, lead_columns, lead_row, touch_columns, touch_row
from leadpact.language.to_sql import compile_sql

Ask = tuple[str, int]
Row = tuple[Value, ...]

ARROW = {"TEXT": pa.string(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}


class Engine(Protocol):
    """Whatever judges: `rows` come sorted by lead and instant, in the order of `Compiled.columns`."""

    def rows(
        self,
        agreement: Agreement,
        history: History,
        asks: Sequence[Ask],
        *,
        extras: bool = True,
        as_of: int | None = None,
    ) -> list[Row]: ...


class Reference:
    """The plain evaluator."""

    def rows(
        self,
        agreement: Agreement,
        history: History,
        asks: Sequence[Ask],
        *,
        extras: bool = True,
        as_of: int | None = None,
    ) -> list[Row]:
        """One instant for all, where given, is what the asks say as well."""
        if as_of is not None and any(instant != as_of for _, instant in asks):
            raise ValueError("one instant for all, and asks that differ")
        judged = [evaluate(agreement, history.lead(lead_id), history, instant) for lead_id, instant in sorted(asks)]
        return [judgement_row(judgement, extras=extras) for judgement in judged]


class DuckDB:
    """DuckDB over Arrow tables."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": "1"})

    def close(self) -> None:
        self.connection.close()

    def rows(
        self,
        agreement: Agreement,
        history: History,
        asks: Sequence[Ask],
        *,
        extras: bool = True,
        as_of: int | None = None,
    ) -> list[Row]:
        needed = needs(agreement)
        leads = [lead_row(history.lead(lead_id), needed, instant) for lead_id, instant in asks]
        self._load("leads", lead_columns(needed), leads)
        self._load("touches", touch_columns(needed), [touch_row(touch, needed) for touch in history.touches])
        compiled = compile_sql(agreement, "duckdb", extras=extras, as_of=as_of)
        result = self.connection.execute(compiled.sql)
        assert tuple(column[0] for column in result.description) == compiled.columns
        return checked(result.fetchall())

    def _load(self, name: str, columns: Sequence[tuple[str, str]], rows: Sequence[Row]) -> None:
        arrays = [pa.array([row[place] for row in rows], type=ARROW[kind]) for place, (_, kind) in enumerate(columns)]
        self.connection.register(name, pa.table(arrays, names=[column for column, _ in columns]))


class PostgreSQL:
    """PostgreSQL over temporary tables."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def rows(
        self,
        agreement: Agreement,
        history: History,
        asks: Sequence[Ask],
        *,
        extras: bool = True,
        as_of: int | None = None,
    ) -> list[Row]:
        needed = needs(agreement)
        leads = [lead_row(history.lead(lead_id), needed, instant) for lead_id, instant in asks]
        with self.connection.transaction(), self.connection.cursor() as cursor:
            self._load(cursor, "leads", lead_columns(needed), leads)
            self._load(
                cursor, "touches", touch_columns(needed), [touch_row(touch, needed) for touch in history.touches]
            )
            compiled = compile_sql(agreement, "postgres", extras=extras, as_of=as_of)
            cursor.execute(compiled.sql.encode())
            rows = cursor.fetchall()
        return checked(rows)

    def _load(
        self, cursor: psycopg.Cursor[Any], name: str, columns: Sequence[tuple[str, str]], rows: Sequence[Row]
    ) -> None:
        parts = ", ".join(f'"{column}" {kind}' for column, kind in columns)
        cursor.execute(f"CREATE TEMPORARY TABLE {name} ({parts}) ON COMMIT DROP".encode())
        with cursor.copy(f"COPY {name} FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row(row)


def checked(rows: Sequence[tuple[Any, ...]]) -> list[Row]:
    """Sorted rows; a number that is not a plain integer is a difference in itself."""
    for row in rows:
        for value in row:
            assert value is None or type(value) in {str, int, bool}, f"{value!r} is of type {type(value).__name__}"
    return sorted(rows, key=lambda row: (row[0], row[1]))
