"""From a file to a raw relation in the store: `line`, then one column a header (`c0`, `c1`, …), nothing judged yet.

CSV and JSON come in as text, cell by cell as they stand; Parquet stays where it is and keeps its types. Records that
are no records (a quote that never closes, too few cells, bytes of another encoding) go to `rejects` here, with
their own text.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from leadpact.lake.columns import Named, duplicates, header_missing
from leadpact.lake.problems import FileProblem, Reject, listed
from leadpact.lake.records import CsvRecords, flat, json_records, open_text, position, unreadable
from leadpact.lake.sniff import Shape
from leadpact.lake.store import Store, literal, quoted

CHUNK = 50_000
SAMPLE_ROWS = 1_000

Told = Callable[[float], None]


@dataclass
class Raw:
    """What came in. `types` holds DuckDB's type for each column (VARCHAR but for Parquet)."""

    name: str
    headers: list[str]
    types: list[str]
    read: int = 0
    notes: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    in_place: bool = False

    def sample(self, store: Store) -> list[list[str | None]]:
        """The first rows as text, for guessing what is in a column."""
        if not self.headers:
            return []
        cells = ", ".join(f"CAST(c{place} AS VARCHAR)" for place in range(len(self.headers)))
        query = f"SELECT {cells} FROM (SELECT * FROM {self.name} LIMIT {SAMPLE_ROWS})"
        return [list(row) for row in store.execute(query).fetchall()]


def ingest(
    store: Store, path: Path, shape: Shape, name: str, maps: Sequence[Named], told: Told = lambda _: None
) -> Raw:
    """Fill the relation `name` from a file; `told` hears how much of it is read, from 0 to 1.

    Raises FileProblem when there is no table in it.
    """
    if shape.format == "parquet":
        return _parquet(store, path, name)
    try:
        return _csv(store, path, shape, name, maps, told) if shape.format == "csv" else _json(store, path, shape, name)
    except (EOFError, zlib.error, OSError) as error:
        raise FileProblem(f"{path} is a damaged gzip file: pack it again ({error}).") from error


def _create(store: Store, name: str, width: int) -> None:
    cells = "".join(f", c{place} VARCHAR" for place in range(width))
    store.execute(f"CREATE TABLE {name} (line BIGINT{cells})")


def _insert(store: Store, name: str, lines: list[int], cells: list[Sequence[str | None]]) -> None:
    arrays = [pa.array(lines, pa.int64()), *(pa.array(column, pa.string()) for column in cells)]
    batch = pa.Table.from_arrays(arrays, names=["line", *(f"c{place}" for place in range(len(cells)))])
    store.connection.register("incoming", batch)
    store.execute(f"INSERT INTO {name} BY NAME SELECT * FROM incoming")
    store.connection.unregister("incoming")


def _csv(store: Store, path: Path, shape: Shape, name: str, maps: Sequence[Named], told: Told) -> Raw:
    raw = Raw(name, [], [])
    size = path.stat().st_size or 1

    def reject(line: int, reason: str, row: str) -> None:
        raw.rejects.append(Reject(line, reason, row))

    with open_text(path, shape) as file:
        lines: Iterator[str] = iter(file)
        first = next(lines, "").removeprefix("\ufeff")
        start = 0
        if shape.said_separator:
            first, start = next(lines, ""), 1
        source = CsvRecords(chain([first], lines), shape.delimiter, reject)
        records = iter(source)
        head = next(records, None)
        if head is None:
            raise FileProblem(f"{path} has no table in it.")
        raw.headers, keep_first = _header(path, head[1], maps, raw)
        raw.types = ["VARCHAR"] * len(raw.headers)
        source.width = len(raw.headers)
        _create(store, name, len(raw.headers))
        body = chain([head], records) if keep_first else records
        replaced = not shape.encoding.startswith("utf-8")
        while chunk := list(islice(body, CHUNK)):
            _csv_chunk(store, raw, chunk, start=start, delimiter=shape.delimiter or ",", replaced=replaced)
            told(min(1.0, position(file) / size))
    raw.read += len(raw.rejects)
    return raw


def _csv_chunk(
    store: Store, raw: Raw, chunk: list[tuple[int, list[str]]], *, start: int, delimiter: str, replaced: bool
) -> None:
    width = len(raw.headers)
    lines = [line + start for line, _ in chunk]
    rows = [row for _, row in chunk]
    odd = any(len(row) != width for row in rows)
    if odd:
        lines, rows = [], []
    for line, row in chunk if odd else ():
        if len(row) != width:
            if len(row) > width and not any(cell.strip() for cell in row[width:]):
                lines.append(line + start)
                rows.append(row[:width])
                continue
            reason = f"it has {len(row)} cells where the header has {width}"
            raw.rejects.append(Reject(line + start, reason, as_row(row, delimiter)))
            continue
        lines.append(line + start)
        rows.append(row)
    columns = list(zip(*rows, strict=True))
    whole = "".join(map("".join, columns))
    suspect = not whole.isascii() and (replaced or any("\ud800" <= letter <= "\udfff" for letter in set(whole)))
    if suspect or "\x00" in whole:
        kept_lines: list[int] = []
        kept: list[list[str]] = []
        for line, row in zip(lines, rows, strict=True):
            why = unreadable(row) or (
                "a byte on this line is not of the file's encoding"
                if replaced and any("\ufffd" in cell for cell in row)
                else None
            )
            if why:
                raw.rejects.append(Reject(line, why, as_row(row, delimiter)))
            else:
                kept_lines.append(line)
                kept.append(row)
        lines, columns = kept_lines, list(zip(*kept, strict=True))
    if lines:
        _insert(store, raw.name, lines, [*columns])
        raw.read += len(lines)


def _header(path: Path, first: list[str], maps: Sequence[Named], raw: Raw) -> tuple[list[str], bool]:
    """The names of the columns, and whether the first line is a row itself."""
    headers = [cell.strip() for cell in first]
    why = unreadable(headers)
    if why:
        raise FileProblem(f"{path}: the header cannot be read: {why}. Give the right --encoding.")
    by_place = [entry for entry in maps if entry.place is not None]
    if header_missing(headers):
        if by_place:
            raw.notes.append("the first line is read as data: columns are given by their place.")
            return [f"column {place + 1}" for place in range(len(headers))], True
        raise FileProblem(
            f"{path} has no header: its first line looks like data ({listed(headers, most=4)}). "
            "Put a line with the names of the columns on top, or give them by place, such as --map lead_id=#1 --map created_at=#2."
        )
    twice = duplicates(headers)
    chosen = {entry.place for entry in by_place}
    for header, places in twice.items():
        if not chosen & set(places):
            where = " and ".join(str(place + 1) for place in places)
            raise FileProblem(
                f'{path}: the header "{header}" stands over {len(places)} columns ({where}). Rename one of them, '
                f"or choose one by its place, such as --map OURS=#{places[0] + 1}; the other is then left out."
            )
        for place in places:
            if place not in chosen:
                headers[place] = ""
                raw.dropped.append(place)
                raw.notes.append(f'column {place + 1}, the other "{header}", is left out.')
    return headers, False


def as_row(cells: Sequence[str | None], delimiter: str = ",") -> str:
    """Cells as one CSV line, for the reject file."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(["" if cell is None else cell for cell in cells])
    return out.getvalue()


def _json(store: Store, path: Path, shape: Shape, name: str) -> Raw:
    raw = Raw(name, [], [])

    def reject(line: int, reason: str, row: str) -> None:
        raw.rejects.append(Reject(line, reason, row))

    _create(store, name, 0)
    places: dict[str, int] = {}
    records = json_records(path, shape, reject)
    while chunk := list(islice(records, CHUNK)):
        lines: list[int] = []
        rows: list[dict[str, str | None]] = []
        for line, item in chunk:
            row = flat(item)
            why = unreadable(cell for pair in row.items() for cell in pair if cell)
            if why:
                reject(line, why, repr(item))
                continue
            lines.append(line)
            rows.append(row)
            for key in row:
                if key not in places:
                    places[key] = len(places)
                    store.execute(f"ALTER TABLE {name} ADD COLUMN c{places[key]} VARCHAR")
        if lines:
            cells: list[Sequence[str | None]] = [[row.get(key) for row in rows] for key in places]
            _insert(store, name, lines, cells)
            raw.read += len(lines)
    raw.headers = list(places)
    raw.types = ["VARCHAR"] * len(places)
    raw.read += len(raw.rejects)
    if not places:
        raise FileProblem(f"{path} holds no JSON object with a value in it.")
    return raw


def _parquet(store: Store, path: Path, name: str) -> Raw:
    # A glob sign in a real file's name would make DuckDB look for others.
    plain_name = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))
    source = f"read_parquet({literal(plain_name)}, file_row_number = true)"
    try:
        described: list[tuple[Any, ...]] = store.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    except duckdb.Error as error:
        raise FileProblem(f"{path} is a damaged Parquet file: {str(error).splitlines()[0]}.") from error
    fields = [(str(row[0]), str(row[1])) for row in described if row[0] != "file_row_number"]
    cells = "".join(f", {quoted(header)} AS c{place}" for place, (header, _) in enumerate(fields))
    store.execute(f"CREATE VIEW {name} AS SELECT file_row_number + 1 AS line{cells} FROM {source}")
    raw = Raw(name, [header for header, _ in fields], [kind for _, kind in fields], in_place=True)
    raw.read = int(store.one(f"SELECT count(*) FROM {source}"))
    return raw
