"""The typed table of a file, and beside it the lines that were set aside with their reasons (`NAME_bad`).

Text files become a table. Parquet becomes a view: its columns are typed already, and twenty million touches are read
faster from where they lie than copied first. Both leave out what `NAME_bad` holds.
"""

from __future__ import annotations

from leadpact.lake.columns import Column
from leadpact.lake.ingest import Raw
from leadpact.lake.names import Role
from leadpact.lake.problems import counted
from leadpact.lake.store import Store, literal, quoted
from leadpact.lake.typed import Typed

AT = quoted("at")  # a keyword of DuckDB's
WHAT = {"leads": "this lead", "touches": "this touch", "outcomes": "this outcome"}


def fill(store: Store, raw: Raw, typed: Typed, name: str, columns: dict[str, Column], role: Role) -> tuple[int, int]:
    """Make `name` and `name_bad`; returns how many rows are in each."""
    dated = [ours for ours in columns if ours.startswith("outcome:")]
    cells = ", ".join(f"{typed.expressions[ours]} AS {quoted(ours)}" for ours in columns)
    source = f"FROM {raw.name} r {' '.join(typed.joins)}"
    store.execute(
        f"CREATE TABLE {name}_bad AS SELECT line, reason FROM "
        f"(SELECT r.line, {typed.reason()} AS reason {source}) WHERE reason IS NOT NULL"
    )
    good = f"SELECT r.line, {cells} {source} ANTI JOIN {name}_bad b ON b.line = r.line"
    if dated:
        _unpivot(store, name, good, columns, dated, typed)
    elif raw.in_place:
        plain = f"SELECT r.line, {cells} {source}"
        empty = not store.one(f"SELECT count(*) FROM {name}_bad")
        store.execute(f"CREATE VIEW {name}_all AS {plain}")
        _define(store, name, empty=empty)
    else:
        store.execute(f"CREATE TABLE {name} AS {good}")
    _repeats(store, name, role, columns)
    bad = int(store.one(f"SELECT count(DISTINCT line) FROM {name}_bad"))
    return int(store.one(f"SELECT count(*) FROM {name}")), bad


def set_aside(store: Store, name: str, query: str) -> int:
    """Move the rows that a query of (line, reason) names out of `name`; returns how many."""
    store.execute(f"CREATE OR REPLACE TABLE {name}_out AS {query}")
    many = int(store.one(f"SELECT count(DISTINCT line) FROM {name}_out"))
    if many:
        store.execute(f"INSERT INTO {name}_bad SELECT line, reason FROM {name}_out")
        if _is_view(store, name):
            _define(store, name, empty=False)
        else:
            store.execute(f"DELETE FROM {name} WHERE line IN (SELECT line FROM {name}_out)")
    store.execute(f"DROP TABLE {name}_out")
    return many


def _is_view(store: Store, name: str) -> bool:
    return bool(store.one(f"SELECT count(*) FROM duckdb_views() WHERE view_name = {literal(name + '_all')}"))


def _define(store: Store, name: str, *, empty: bool) -> None:
    """The view of the good rows. Looking into an empty `NAME_bad` costs a pass over all rows, so then it is left out."""
    rest = "" if empty else f" t ANTI JOIN {name}_bad b ON b.line = t.line"
    store.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {'*' if empty else 't.*'} FROM {name}_all{rest}")


def _unpivot(store: Store, name: str, select: str, columns: dict[str, Column], dated: list[str], typed: Typed) -> None:
    """A row an outcome out of a column a date. Reasons belong to the bad ones, money to those that have any."""
    others = [ours for ours in columns if ours not in dated and ours not in {"at", "outcome"}]
    store.execute(f"CREATE TABLE {name}_wide AS {select}")
    parts: list[str] = []
    for ours in dated:
        outcome = ours.partition(":")[2]
        blank = {"reason"} if outcome not in {"lost", "rejected"} else set[str]()
        blank |= {"value"} if outcome not in {"won", "lost", "opportunity"} else set[str]()
        kept = "".join(f", {'NULL AS ' if other in blank else ''}{quoted(other)}" for other in others)
        parts.append(
            f"SELECT line, {quoted(ours)} AS {AT}, {literal(outcome)} AS outcome{kept} "
            f"FROM {name}_wide WHERE {quoted(ours)} IS NOT NULL"
        )
    store.execute(f"CREATE TABLE {name} AS {' UNION ALL '.join(parts)}")
    empty = " AND ".join(f"{quoted(ours)} IS NULL" for ours in dated)
    without = int(store.one(f"SELECT count(*) FROM {name}_wide WHERE {empty}"))
    if without:
        typed.notes.append(f"{counted(without, 'row has', 'rows have')} no date of an outcome yet.")
    store.execute(f"DROP TABLE {name}_wide")


def _repeats(store: Store, name: str, role: Role, columns: dict[str, Column]) -> None:
    """Set aside what is there twice: the first stays."""
    keys = {
        "leads": ["lead_id", *(["known_at"] if "known_at" in columns else [])],
        "touches": ["touch_id"] if "touch_id" in columns else [],
        "outcomes": ["lead_id", "at", "outcome"],
        "spend": [],
    }[role]
    if not keys:
        return
    key = ", ".join(quoted(ours) for ours in keys)
    # Numbers are grouped much faster than texts, so hashes say first which texts can be there twice at all.
    store.execute(f"CREATE TABLE {name}_twice AS SELECT hash({key}) AS h FROM {name} GROUP BY h HAVING count(*) > 1")
    if store.one(f"SELECT count(*) FROM {name}_twice"):
        again = (
            f"SELECT line, {key}, min(line) OVER (PARTITION BY {key}) AS first FROM {name} "
            f"WHERE hash({key}) IN (SELECT h FROM {name}_twice) AND {quoted(keys[0])} IS NOT NULL"
        )
        reason = f"{literal(WHAT[role] + ' stands in an earlier row already (line ')} || first || ')'"
        set_aside(store, name, f"SELECT line, {reason} AS reason FROM ({again}) WHERE line > first")
    store.execute(f"DROP TABLE {name}_twice")
