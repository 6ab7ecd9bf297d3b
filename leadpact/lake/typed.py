"""From raw cells to typed ones, over distinct values, with a reason for each row that cannot be.

Dates are many and mostly ISO, so those go through DuckDB at its own speed; all others are read once per distinct text
by `instants`, in Python, and joined back. Both give the same microsecond (a test compares them).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from leadpact.lake.amounts import read_amounts
from leadpact.lake.columns import Column
from leadpact.lake.instants import OrderUnknown, read_instants, zone
from leadpact.lake.names import OUTCOME_WORDS, OUTCOMES, plain
from leadpact.lake.problems import FileProblem
from leadpact.lake.store import Store, literal

EARLIEST = -2_208_988_800_000_000
LATEST = 7_289_654_400_000_000
_DAY = r"(19|20|21)\d{2}-\d{2}-\d{2}"
_CLOCK = r"[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.]\d{1,6})?)?"
_OFFSET = r"(Z|[+-](0\d|1[0-4]):?[0-5]\d)"
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")


@dataclass
class Typed:
    """The growing SELECT of one file: expressions by our name, joins, and the first reason against a row."""

    store: Store
    raw: str
    where: str
    timezone: str = "UTC"
    order: str | None = None
    expressions: dict[str, str] = field(default_factory=dict)
    joins: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self, column: Column, kind: str) -> str:
        """The cell as trimmed text, NULL when blank."""
        if column.place is None:
            return literal(column.constant or "")
        cell = f"r.c{column.place}"
        if kind in {"DOUBLE", "FLOAT"}:
            # Identifiers that a spreadsheet or pandas turned into floats: 12.0 is 12.
            as_text = f"CAST({cell} AS VARCHAR)"
            whole = f"CAST(CAST({cell} AS BIGINT) AS VARCHAR)"
            cell = f"CASE WHEN {cell} = trunc({cell}) AND abs({cell}) < 1e18 THEN {whole} ELSE {as_text} END"
        elif kind != "VARCHAR":
            cell = f"CAST({cell} AS VARCHAR)"
        return trimmed(cell)

    def require(self, ours: str, says: str | None = None) -> None:
        """Reject rows in which this column is blank."""
        self.reasons.append(f"WHEN {self.expressions[ours]} IS NULL THEN {literal(says or f'{ours} is blank')}")

    def _distinct(self, text: str, beside: str = "NULL") -> list[tuple[str, int]]:
        query = (
            f"SELECT t, count(*), min(line) FROM (SELECT {text} AS t, {beside} AS done, r.line FROM {self.raw} r) "
            "WHERE t IS NOT NULL AND done IS NULL GROUP BY t ORDER BY min(line)"
        )
        return [(row[0], row[1]) for row in self.store.execute(query).fetchall()]

    def _join(self, name: str, values: dict[str, int], bad: dict[str, str], text: str) -> str:
        """A lookup of distinct texts; returns its alias."""
        alias = f"m_{len(self.joins)}"
        texts = [*values, *bad]
        table = pa.table(
            {
                "t": pa.array(texts, pa.string()),
                "v": pa.array([*values.values(), *([None] * len(bad))], pa.int64()),
                "why": pa.array([*([None] * len(values)), *bad.values()], pa.string()),
            }
        )
        self.store.connection.register("lookup", table)
        self.store.execute(f"CREATE OR REPLACE TABLE {self.raw}_{alias} AS SELECT * FROM lookup")
        self.store.connection.unregister("lookup")
        self.joins.append(f"LEFT JOIN {self.raw}_{alias} {alias} ON {alias}.t = {text}")
        self.reasons.append(
            f"WHEN {alias}.why IS NOT NULL THEN {literal(name + ' ')} || '''' || {alias}.t || ''': ' || {alias}.why"
        )
        return alias

    def instant(self, ours: str, column: Column, kind: str) -> None:
        """Read a column as instants (BIGINT, microseconds)."""
        cell = f"r.c{column.place}"
        label = column.theirs or ours
        if column.place is not None and kind != "VARCHAR":
            typed = self._typed_instant(cell, kind, label)
            self.expressions[ours] = typed
            self.reasons.append(
                f"WHEN {typed} NOT BETWEEN {EARLIEST} AND {LATEST} THEN {literal(f'{ours}: out of range')}"
            )
            return
        text = self.text(column, "VARCHAR")
        quick = quick_instant(text, self.timezone)
        others = self._distinct(text, quick)
        try:
            read = read_instants(others, column=label, tz=zone(self.timezone), given=self.order)
        except OrderUnknown as error:
            raise FileProblem(f"{self.where}: {error}") from error
        except FileProblem as error:
            raise FileProblem(f"{self.where}: {error}") from error
        self.notes.extend(read.notes)
        if others:
            alias = self._join(ours if ours == label else f"{ours} ({label})", read.values, read.bad, text)
            self.expressions[ours] = f"coalesce({quick}, {alias}.v)"
        else:
            self.expressions[ours] = quick

    def _typed_instant(self, cell: str, kind: str, label: str) -> str:
        if kind.startswith("TIMESTAMP WITH TIME ZONE"):
            return f"epoch_us({cell})"
        if kind.startswith("TIMESTAMP") or kind == "DATE":
            if self.timezone == "UTC":
                return f"epoch_us(CAST({cell} AS TIMESTAMP))"
            return f"epoch_us(timezone({literal(self.timezone)}, CAST({cell} AS TIMESTAMP)))"
        if kind in INTEGERS or kind in {"DOUBLE", "FLOAT"} or kind.startswith("DECIMAL"):
            largest = self.store.one(f"SELECT max(abs({cell})) FROM {self.raw} r") or 0
            for most, scale, unit in (
                (1e10, 10**6, "seconds"),
                (1e13, 10**3, "milliseconds"),
                (1e16, 1, "microseconds"),
            ):
                if largest < most:
                    self.notes.append(f"{label}: numbers are read as {unit} since 1970.")
                    return (
                        f"CAST(round({cell} * {scale}) AS BIGINT)"
                        if kind not in INTEGERS
                        else f"CAST({cell} AS BIGINT) * {scale}"
                    )
            self.notes.append(f"{label}: numbers are read as nanoseconds since 1970.")
            return f"CAST({cell} AS BIGINT) // 1000"
        raise FileProblem(f"{self.where}: {label} is a column of {kind}, not of dates.")

    def amount(self, ours: str, column: Column, kind: str) -> None:
        """Read a column as money (BIGINT, millionths)."""
        cell = f"r.c{column.place}"
        if column.place is not None and (kind in INTEGERS or kind in {"DOUBLE", "FLOAT"} or kind.startswith("DECIMAL")):
            self.expressions[ours] = f"CAST(round({cell} * 1000000) AS BIGINT)"
            return
        text = self.text(column, kind)
        read = read_amounts(self._distinct(text), column=column.theirs or ours)
        self.notes.extend(read.notes)
        alias = self._join(ours, read.values, read.bad, text)
        self.expressions[ours] = f"{alias}.v"

    def outcome(self, ours: str, column: Column, kind: str) -> None:
        """Read a column as one of our outcomes (an index into OUTCOMES, as text)."""
        text = self.text(column, kind)
        values: dict[str, int] = {}
        bad: dict[str, str] = {}
        for word, _ in self._distinct(text):
            known = OUTCOME_WORDS.get(plain(word))
            if known is None:
                bad[word] = f"it is none of {', '.join(OUTCOMES)}"
            else:
                values[word] = OUTCOMES.index(known)
        alias = self._join(ours, values, bad, text)
        cases = " ".join(f"WHEN {index} THEN {literal(name)}" for index, name in enumerate(OUTCOMES))
        self.expressions[ours] = f"CASE {alias}.v {cases} END"
        renamed = sorted({word for word, index in values.items() if plain(word) != OUTCOMES[index]})
        if renamed:
            pairs = ", ".join(f"{word} as {OUTCOMES[values[word]]}" for word in renamed[:8])
            self.notes.append(f"{column.theirs or ours}: read {pairs}.")

    def reason(self) -> str:
        """The first reason against a row, as an expression; NULL for a good row."""
        return f"CASE {' '.join(self.reasons)} END" if self.reasons else "NULL"


def trimmed(cell: str) -> str:
    """SQL for text without blanks around it, NULL when nothing remains. Few cells have any, and looking is cheaper."""
    odd = f"{cell} < '!' OR right({cell}, 1) < '!' OR prefix({cell}, '\u00a0') OR suffix({cell}, '\u00a0')"
    return f"CASE WHEN {odd} THEN nullif(trim({cell}, ' \t\r\n\u00a0'), '') ELSE {cell} END"


def quick_instant(text: str, timezone: str) -> str:
    """DuckDB's reading of strict ISO texts and whole epoch numbers; NULL for everything that `instants` must read."""
    clock = f"({_CLOCK}{_OFFSET})" if timezone != "UTC" else f"({_CLOCK}{_OFFSET}?)?"
    iso = f"epoch_us(try_cast({text} AS TIMESTAMPTZ))"
    whole = f"try_cast({text} AS BIGINT)"
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(_DAY + clock)}) THEN {iso} "
        f"WHEN regexp_full_match({text}, '[1-9][0-9]{{8,9}}') AND {whole} * 1000000 < {LATEST} THEN {whole} * 1000000 "
        f"WHEN regexp_full_match({text}, '[1-9][0-9]{{11,12}}') AND {whole} * 1000 < {LATEST} THEN {whole} * 1000 "
        f"WHEN regexp_full_match({text}, '[1-9][0-9]{{14,15}}') AND {whole} < {LATEST} THEN {whole} END"
    )
