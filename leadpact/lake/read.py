"""Read a foreign file as leads, touches, outcomes or spend: `read_table` is the one door, for the command line and the server.

Nothing is dropped in silence: every row of the file is in the table, or among the rejects with its line and the
reason; every column has a place or a note. What was guessed can be printed (`Table.report`) and corrected (`maps`).
"""

from __future__ import annotations

import csv
import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from leadpact.lake import names
from leadpact.lake.columns import Column, Named, ask, guess, missing
from leadpact.lake.fill import fill, set_aside
from leadpact.lake.ingest import Raw, Told, as_row, ingest
from leadpact.lake.instants import ORDERS, zone
from leadpact.lake.names import AMOUNTS, INSTANTS, REQUIRED, Role
from leadpact.lake.problems import FileProblem, Reject, WrongCall, counted, listed
from leadpact.lake.sniff import Shape, sniff
from leadpact.lake.store import Store
from leadpact.lake.typed import Typed

_numbers = itertools.count(1)


@dataclass
class Table:
    """A file as read. `name` is a table in `store` with `line` and then our columns; the rejects stand beside it.

    Instants (`created_at`, `at`, `known_at`, `withdrawn_at`, `day`) are BIGINT microseconds since 1970, UTC; `value`
    and `amount` are BIGINT millionths; `outcome` is one of ours; identifiers are trimmed text; every other column is
    as it stood in the file (text, or Parquet's own type).
    """

    role: Role
    path: Path
    shape: Shape
    store: Store
    name: str
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    headers: tuple[str, ...]
    kept: int
    rejected: int
    early: tuple[Reject, ...] = field(default=(), repr=False)
    raw: str = ""
    system: str | None = None

    @property
    def read(self) -> int:
        """Rows in the file, without its header and without blank lines."""
        return self.kept + self.rejected

    def column(self, ours: str) -> Column | None:
        """The column of this name, if the file has it."""
        return next((column for column in self.columns if column.ours == ours), None)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every good row as a mapping of our names, in the file's order, with its `line`."""
        for batch in self.batches():
            yield from batch.to_pylist()

    def batches(self, rows: int = 20_000) -> Iterator[pa.RecordBatch]:
        """The good rows as Arrow record batches, in the file's order."""
        yield from self.store.stream(f"SELECT * FROM {self.name} ORDER BY line", rows)

    def reject(self, query: str) -> int:
        """Set aside the good rows that a query of (line, reason) names; returns how many."""
        many = set_aside(self.store, self.name, query)
        self.kept -= many
        self.rejected += many
        return many

    def rejects(self) -> Iterator[Reject]:
        """Every row that could not be read, by line."""
        yield from heapq.merge(sorted(self.early, key=_line), self._late(), key=_line)

    def _late(self) -> Iterator[Reject]:
        """Rejects whose row is in the raw relation: its text is made from the cells."""
        cells = "".join(f", CAST(r.c{place} AS VARCHAR)" for place in range(len(self.headers)))
        query = f"SELECT b.line, b.reason{cells} FROM {self.name}_bad b JOIN {self.raw} r USING (line) ORDER BY b.line"
        delimiter = self.shape.delimiter or "," if self.shape.format == "csv" else ","
        for batch in self.store.stream(query, 20_000):
            for line, reason, *row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield Reject(line, reason, as_row(row, delimiter))

    def reasons(self, most: int = 8) -> list[tuple[str, int, int]]:
        """(reason without the value, how many, first line) of the rejects, the most frequent first."""
        found: dict[str, tuple[int, int]] = {}
        groups = [(reject.reason, 1, reject.line) for reject in self.early]
        if self.raw:
            query = f"SELECT reason, count(*), min(line) FROM {self.name}_bad GROUP BY reason"
            groups += self.store.execute(query).fetchall()
        for reason, times, line in groups:
            short = _short(reason)
            had, first = found.get(short, (0, line))
            found[short] = (had + times, min(first, line))
        ranked = sorted(found.items(), key=lambda item: -item[1][0])
        return [(reason, times, line) for reason, (times, line) in ranked[:most]]

    def write_rejects(self, path: Path) -> int:
        """Write the rejects as CSV (line, reason, row); returns how many. Nothing is written when there are none."""
        if not self.rejected:
            return 0
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            out = csv.writer(file)
            out.writerow(["line", "reason", "row"])
            out.writerows((reject.line, reject.reason, reject.row) for reject in self.rejects())
        return self.rejected

    def report(self) -> list[str]:
        """What was read and how, as lines for a terminal."""
        looks = f" It looks like an export of {self.system}." if self.system else ""
        rejected = f", {counted(self.rejected, 'row')} rejected" if self.rejected else ""
        out = [f"{self.path.name} ({self.role}): {counted(self.kept, 'row')} read{rejected}. {self.shape}.{looks}"]
        told = [column for column in self.columns if column.why != "kept"]
        kept = [column for column in self.columns if column.why == "kept"]
        width = max((len(column.ours) for column in told), default=0)
        there = max((len(column.theirs or f"={column.constant}") for column in told), default=0)
        for column in told:
            theirs = column.theirs if column.place is not None else f"={column.constant}"
            out.append(f"  {column.ours:<{width}} <- {theirs or '':<{there}}  {column.why}")
        if kept:
            out.append(f"  kept under their own names: {listed([column.ours for column in kept], most=8)}")
        out.extend(f"  note: {note}" for note in self.notes)
        out.extend(
            f"  rejected: {counted(times, 'row')}: {reason} (first on line {line:,})"
            for reason, times, line in self.reasons()
        )
        return out


def _line(reject: Reject) -> int:
    return reject.line


def _short(reason: str) -> str:
    """The reason without the value that it quotes, so that rejects can be counted by kind."""
    before, quote, rest = reason.partition(" '")
    if quote and "': " in rest:
        return f"{before}: {rest.rsplit(chr(39) + ': ', 1)[1]}"
    return reason.split(" (line ", 1)[0]


def read_table(
    path: Path,
    role: Role,
    *,
    maps: Sequence[Named] = (),
    store: Store,
    timezone: str = "UTC",
    date_order: str | None = None,
    encoding: str | None = None,
    required: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    told: Told = lambda _: None,
) -> Table:
    """Read one file into `store`.

    maps: parsed `--map` entries; those for other roles are passed over. timezone: of times without an offset.
    date_order: "dmy" or "mdy" where the column cannot tell. required: our columns that must be there (by default
    those of the role). only: keep these columns beside the required ones (None keeps all). told: hears how much of a
    CSV file is read, from 0 to 1.

    Raises FileProblem, in a sentence that says what to do, when the file as a whole cannot be read; single rows go
    to the rejects.
    """
    if date_order not in {None, *ORDERS}:
        raise WrongCall(f"--date-order {date_order}: it is one of {', '.join(ORDERS)}.")
    zone(timezone)
    shape = sniff(path, encoding=encoding)
    name = f"{role}_{next(_numbers)}"
    mine = [entry for entry in maps if entry.role in {None, role}]
    raw = ingest(store, path, shape, f"raw_{name}", mine, told)
    columns, notes = guess(role, raw.headers, raw.sample(store), _meant(mine, role, raw.headers), raw.dropped)
    required = REQUIRED[role] if required is None else required
    lacks = missing(role, columns, required)
    if lacks:
        raise ask(path, role, lacks, raw.headers)
    if only is not None:
        wanted = {
            *only,
            *REQUIRED[role],
            "known_at",
            "touch_id",
            "email",
            "account.id",
            "account.domain",
            "withdrawn_at",
            "automated",
        }
        columns = {ours: column for ours, column in columns.items() if ours in wanted or ours.startswith("outcome:")}
    if not raw.read:
        raise FileProblem(f"{path} has a header and no rows.")
    typed = Typed(store, raw.name, path.name, timezone, date_order)
    selected = _select(typed, raw, role, columns)
    counts = fill(store, raw, typed, name, selected, role)
    if shape.broken_lines:
        notes.append(f"{counted(shape.broken_lines, 'line holds', 'lines hold')} bytes that are not UTF-8.")
    table = Table(
        role,
        path,
        shape,
        store,
        name,
        tuple(_ordered(columns, role)),
        (*raw.notes, *notes, *typed.notes),
        tuple(raw.headers),
        counts[0],
        counts[1] + len(raw.rejects),
        tuple(raw.rejects),
        raw.name,
        names.system(raw.headers),
    )
    if not table.kept:
        reason, times, line = table.reasons(1)[0]
        reason = next((reject.reason for reject in table.rejects() if reject.line == line), reason)
        fail = "fails" if times == 1 else "fail"
        raise FileProblem(
            f"{path}: none of its {counted(table.rejected, 'row')} can be read as {role}. "
            f"Line {line:,}: {reason}; {times:,} of them {fail} in this way. "
            "If a column was guessed wrongly, say --map OURS=COLUMN."
        )
    return table


def _meant(maps: Sequence[Named], role: Role, headers: Sequence[str]) -> list[Named]:
    """The maps for this file: those of its role, and those without a role whose column it has or that it must have."""
    out: list[Named] = []
    forms = {names.plain(header) for header in headers}
    known = {*names.KNOWN[role], *REQUIRED[role], *(f"outcome:{outcome}" for outcome in names.OUTCOMES)}
    for entry in maps:
        ours = entry.ours
        if role == "outcomes" and ours in names.OUTCOMES:
            entry = Named(f"outcome:{ours}", entry.theirs, role)  # noqa: PLW2901
        fits = (
            entry.ours in known
            or (role == "leads" and names.own(entry.ours))
            or (role == "touches" and not names.own(entry.ours))
        )
        direct = entry.constant is not None or entry.place is not None
        asked = entry.role is None and role == "leads" and entry.ours in REQUIRED[role]
        if entry.role == role or asked or (fits and (direct or names.plain(entry.theirs) in forms)):
            out.append(entry)
    return out


def _ordered(columns: dict[str, Column], role: Role) -> list[Column]:
    order = {ours: place for place, ours in enumerate(names.KNOWN[role])}
    return sorted(
        columns.values(),
        key=lambda column: (column.why == "kept", order.get(column.ours, len(order)), column.place or 0),
    )


def _select(typed: Typed, raw: Raw, role: Role, columns: dict[str, Column]) -> dict[str, Column]:
    """Fill `typed` with an expression for each column; dated outcomes are left to `_fill`."""
    for ours, column in columns.items():
        kind = raw.types[column.place] if column.place is not None else "VARCHAR"
        if (ours in INSTANTS and not (role == "spend" and ours == "at")) or ours.startswith("outcome:"):
            typed.instant(ours, column, kind)
        elif ours in AMOUNTS and role in {"outcomes", "spend"}:
            typed.amount(ours, column, kind)
        elif ours == "outcome" and role == "outcomes":
            typed.outcome(ours, column, kind)
        elif ours in {"lead_id", "touch_id", "account.id", "kind", "channel", "reason"} or column.place is None:
            typed.expressions[ours] = typed.text(column, kind)
        elif ours == "account.domain" and (column.theirs or "").casefold() not in {"account.domain", "account_domain"}:
            typed.expressions[ours] = host(typed.text(column, kind))
        else:
            typed.expressions[ours] = f"r.c{column.place}"
    dated = any(ours.startswith("outcome:") for ours in columns)
    for ours in REQUIRED[role]:
        if ours in columns and not (role == "touches" and ours == "lead_id" and "email" in columns):
            typed.require(ours)
    if role == "touches" and "email" in columns:
        known = " AND ".join(
            f"{typed.expressions[ours]} IS NULL"
            if ours == "lead_id"
            else f"nullif(trim(CAST({typed.expressions[ours]} AS VARCHAR)), '') IS NULL"
            for ours in ("lead_id", "email")
            if ours in columns
        )
        typed.reasons.append(f"WHEN {known} THEN 'it names neither a lead nor an e-mail address'")
    if dated and "lead_id" not in columns:
        raise FileProblem(f"{typed.where} has no column for lead_id.")
    return columns


def host(text: str) -> str:
    """SQL for the host of a web address: `https://www.Northwind.example/about` is northwind.example."""
    bare = f"regexp_replace(lower({text}), '^[a-z]+://', '')"
    return f"nullif(regexp_replace(regexp_replace({bare}, '[/?#:].*$', ''), '^www[.]', ''), '')"
