"""A table written row by row, as CSV or Parquet, without being held in memory."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import pyarrow as pa
import pyarrow.parquet as pq

Format = Literal["csv", "parquet"]
Value = str | int | float | bool | None
CHUNK = 50_000
_TYPES = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "at": pa.timestamp("us", "UTC"),
}


class Sheet:
    """A file `name`.csv or `name`.parquet in `folder`. columns: name → text, int, float, bool or at.

    Rows have their values in the order of the columns; an `at` is an integer, microseconds UTC, and is written as an
    instant with its zone. Use as a context manager: the file is whole only after its end.
    """

    def __init__(self, folder: Path, name: str, columns: Mapping[str, str], form: Format) -> None:
        self.path = folder / f"{name}.{form}"
        self.rows = 0
        self._columns, self._form = columns, form
        self._waiting: list[Sequence[Value]] = []
        self._instants = [place for place, kind in enumerate(columns.values()) if kind == "at"]

    def __enter__(self) -> Self:
        if self._form == "csv":
            self._file = self.path.open("w", encoding="utf-8", newline="")
            self._csv = csv.writer(self._file, lineterminator="\n")
            self._csv.writerow(self._columns)
        else:
            schema = pa.schema([(name, _TYPES[kind]) for name, kind in self._columns.items()])
            self._parquet = pq.ParquetWriter(self.path, schema, compression="zstd")
        return self

    def add(self, row: Sequence[Value]) -> None:
        """Add a row."""
        self.rows += 1
        self._waiting.append(row)
        if len(self._waiting) >= CHUNK:
            self._write()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._write()
        finally:
            if self._form == "csv":
                self._file.close()
            else:
                self._parquet.close()

    def _write(self) -> None:
        columns = [list(column) for column in zip(*self._waiting, strict=True)] or [[] for _ in self._columns]
        if self._form == "csv":
            for place in self._instants:
                columns[place] = _stamps(columns[place])
            self._csv.writerows(zip(*columns, strict=True))
        else:
            arrays = [pa.array(c, _TYPES[kind]) for c, kind in zip(columns, self._columns.values(), strict=True)]
            self._parquet.write_table(pa.Table.from_arrays(arrays, schema=self._parquet.schema))
        self._waiting = []


def _stamps(instants: list[Value]) -> list[Value]:
    """Instants as ISO 8601 with a Z; the way of `calls.iso`, blanks left blank."""
    column = pa.array(instants, pa.timestamp("us")).cast(pa.string()).to_pylist()
    return [None if stamp is None else stamp.replace(" ", "T") + "Z" for stamp in column]
