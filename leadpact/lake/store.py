"""One DuckDB in a temporary file, for the length of one command. It never reaches for the network."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

MEMORY = "1GB"
"""What work beside a running server may take; beyond it spills into files."""


class Store:
    """A DuckDB connection on a temporary file that is removed on `close`.

    A file and not memory: 20 million touches are compressed on disk and spill there, so that a laptop can judge them.
    """

    def __init__(self, *, threads: int | None = None, memory: str | None = None, folder: str | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="leadpact-lake-", dir=folder))
        settings: dict[str, Any] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
            "temp_directory": str(self.folder / "spill"),
        }
        if threads:
            settings["threads"] = threads
        if memory:
            settings["memory_limit"] = memory
        self.connection = duckdb.connect(str(self.folder / "lake.duckdb"), config=settings)
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute("SET enable_progress_bar = false")

    def execute(self, sql: str, parameters: list[Any] | None = None) -> duckdb.DuckDBPyConnection:
        """Run a statement; the result is read from what is returned."""
        return self.connection.execute(sql, parameters) if parameters else self.connection.execute(sql)

    def one(self, sql: str, parameters: list[Any] | None = None) -> Any:
        """The first value of the first row; None when there is none."""
        row = self.execute(sql, parameters).fetchone()
        return row[0] if row else None

    def stream(self, sql: str, rows: int) -> Iterator[pa.RecordBatch]:
        """A query's answer in Arrow batches. It has a connection of its own: others may run while it is open."""
        cursor = self.connection.cursor()
        try:
            cursor.execute("SET TimeZone = 'UTC'")
            yield from cursor.sql(sql).to_arrow_reader(rows)
        finally:
            cursor.close()

    @contextmanager
    def hollow_columns(self) -> Iterator[None]:
        """For queries that take texts apart in columns without one value.

        DuckDB 2.0 folds `split_part(column) = constant` wrongly, and stops, where its statistics say that a column is all
        NULL. In here it does without statistics.
        """
        self.execute("SET disabled_optimizers = 'statistics_propagation'")
        try:
            yield
        finally:
            self.execute("SET disabled_optimizers = ''")

    def close(self) -> None:
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def quoted(name: str) -> str:
    """An identifier in double quotes. Every name that comes from a file goes through here."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text constant in single quotes."""
    return "'" + text.replace("'", "''") + "'"
