"""Look at a file as the import would take it, without taking anything. No database."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from leadpact.capture.rules.answers import OutcomeRow, SpendRow
from leadpact.capture.rules.arrival import Arrival
from leadpact.capture.rules.rows import BadRow, Rows
from leadpact.lake.columns import GIVEN, parse_map
from leadpact.lake.instants import iso
from leadpact.lake.names import AMOUNTS, INSTANTS, ROLES, Role
from leadpact.lake.problems import Reject, WrongCall, counted
from leadpact.lake.read import Table, read_table
from leadpact.lake.store import Store

CHUNK: Final = 1_000
MOST_REJECTS_KEPT: Final = 10_000
_MEMORY: Final = "1GB"


def _nobody(share: float) -> None:
    """Hears how far the reading is, and does nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a file is to be read, as people say it: a role, and `--map` and its like."""

    role: Role
    maps: tuple[str, ...] = ()
    timezone: str = "UTC"
    date_order: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file. `read`: rows in it; taken + repeated + refused make them up."""

    run_id: int | None
    role: str
    file: str
    dry_run: bool
    read: int
    taken: int
    repeated: int
    refused: int
    created: int
    report: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


@dataclass(slots=True)
class Reader:
    """A file being read. `chunks` gives what it says; `rejects` grows as rows turn out not to be readable."""

    table: Table
    rows: Rows
    rejects: list[Reject] = field(default_factory=list)
    given: int = 0
    late: int = 0

    def chunks(self, size: int = CHUNK) -> Iterator[list[Arrival] | list[OutcomeRow] | list[SpendRow]]:
        """What the good rows say, in the file's order."""
        chunk: list[Arrival | OutcomeRow | SpendRow] = []
        for row in self.table.rows():
            try:
                chunk.append(self.rows.read(row))
            except BadRow as problem:
                cells = (_as_text(name, value) for name, value in row.items() if name != "line")
                self.rejects.append(Reject(row.get("line") or 0, str(problem), _as_csv(cells)))
                continue
            if len(chunk) >= size:
                self.given += len(chunk)
                yield chunk  # type: ignore[misc]  # one role, one kind
                chunk = []
        if chunk:
            self.given += len(chunk)
            yield chunk  # type: ignore[misc]

    def refuse(self, line: int, reason: str) -> None:
        """A row that was given, and that whoever took it refused."""
        self.rejects.append(Reject(line, reason, ""))
        self.late += 1

    def found(
        self, name: str, *, run_id: int | None, dry_run: bool, taken: int, repeated: int = 0, created: int = 0
    ) -> Imported:
        """The figures, once all chunks are through."""
        return Imported(
            run_id=run_id,
            role=self.table.role,
            file=name,
            dry_run=dry_run,
            read=self.given + self.refused - self.late,
            taken=taken,
            repeated=repeated,
            refused=self.refused,
            created=created,
            report=tuple(self.report()),
        )

    def all_rejects(self) -> Iterator[Reject]:
        """Rows that the reader refused, and those that the rules of capture refused, by line."""
        yield from sorted((*self.table.rejects(), *self.rejects), key=lambda reject: reject.line)

    @property
    def refused(self) -> int:
        """How many rows were refused so far."""
        return self.table.rejected + len(self.rejects)

    def report(self) -> list[str]:
        """What was read and how, line by line."""
        lines = self.table.report()
        counts: dict[str, list[int]] = {}
        for reject in self.rejects:
            counts.setdefault(_kind_of(reject.reason), []).append(reject.line)
        lines += [
            f"  rejected: {counted(len(where), 'row')}: {reason} (first on line {min(where):,})"
            for reason, where in counts.items()
        ]
        if self.rows.without_address:
            lines.append(
                f"  note: {counted(self.rows.without_address, 'e-mail address', 'e-mail addresses')} cannot be read;"
                " those leads are kept without one."
            )
        return lines


@contextmanager
def reading(path: Path, asked: Asked, *, now: int, told: Callable[[float], None] = _nobody) -> Iterator[Reader]:
    """Read a file's columns and rows. Raises FileProblem (WrongCall for a map that fits nothing) in one sentence."""
    if asked.role not in ROLES:
        raise WrongCall(f"{asked.role} is not one of {', '.join(ROLES)}.")
    maps = tuple(parse_map(text) for text in asked.maps)
    with Store(threads=1, memory=_MEMORY) as store:
        table = read_table(
            path,
            asked.role,
            maps=maps,
            store=store,
            timezone=asked.timezone,
            date_order=asked.date_order,
            encoding=asked.encoding,
            told=told,
        )
        used = {column.ours.removeprefix("outcome:") for column in table.columns if column.why == GIVEN}
        for entry in maps:
            if entry.ours.removeprefix("outcome:") not in used and entry.role in {None, asked.role}:
                raise WrongCall(f"--map {entry.ours}={entry.theirs}: {path.name} has no such column.")
        yield Reader(table, Rows(asked.role, now=now))


def look_at_file(
    *, path: Path, asked: Asked, at: int, rejects_to: Path | None = None, told: Callable[[float], None] = _nobody
) -> tuple[Imported, str]:
    """A dry run: all of the file is read and nothing is written. Returns also the rejects as CSV text. Raises FileProblem."""
    with reading(path, asked, now=at, told=told) as reader:
        for _ in reader.chunks():
            pass
        if rejects_to is not None:
            write_rejects(rejects_to, reader.all_rejects())
        return reader.found(path.name, run_id=None, dry_run=True, taken=reader.given), rejects_text(
            reader.all_rejects()
        )


def write_rejects(path: Path, rejects: Iterator[Reject]) -> int:
    """Write rejects as CSV (line, reason, row). Nothing is written when there are none. Returns how many."""
    count = 0
    first = next(rejects, None)
    if first is None:
        return 0
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        out = csv.writer(file)
        out.writerow(["line", "reason", "row"])
        for reject in (first, *rejects):
            out.writerow([reject.line, reject.reason, reject.row])
            count += 1
    return count


def rejects_text(rejects: Sequence[Reject] | Iterator[Reject]) -> str:
    """The first 10,000 rejects as CSV text that a column can hold; empty where there are none."""
    out = io.StringIO()
    writer = csv.writer(out)
    for number, reject in enumerate(rejects):
        if number >= MOST_REJECTS_KEPT:
            break
        if number == 0:
            writer.writerow(["line", "reason", "row"])
        row = reject.row.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
        writer.writerow([reject.line, reject.reason.replace("\0", "\\0"), row])
    return out.getvalue()


def _as_csv(cells: Iterator[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


def _as_text(name: str, value: object) -> str:
    """A cell as the file might have said it: instants as dates again."""
    if value is None:
        return ""
    if name in INSTANTS and isinstance(value, int):
        return iso(value)
    if name in AMOUNTS and isinstance(value, int):
        return f"{value / 1_000_000:.2f}"
    return str(value)


def _kind_of(reason: str) -> str:
    """The reason without the value it quotes, so that rejects can be counted by kind."""
    before, quote, rest = reason.partition(" '")
    plain = f"{before}{rest.rpartition(chr(39))[2]}" if quote else reason
    return plain.partition(" (")[0]
