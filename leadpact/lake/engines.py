"""Judge the leads of `facts`: one meaning, four engines. All leave the same table `verdicts` in the store.

`duckdb`, `postgres` and `spark` run the compiled query; `python` asks the reference evaluator, one lead at a time. They
agree to the last bit; which one to take is a matter of size (the reference judges some thousand leads a second).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from leadpact.lake.facts import LEADS, TOUCHES, Facts
from leadpact.lake.spark import Spark
from leadpact.lake.store import literal, quoted
from leadpact.language.evaluate import evaluate
from leadpact.language.fold import Cell
from leadpact.language.history import Fact as Value
from leadpact.language.history import History, Lead, Touch
from leadpact.language.needs import Needs, column, needs
from leadpact.language.nodes import Agreement, Form
from leadpact.language.rows import judgement_row, lead_columns, touch_columns
from leadpact.language.to_sql import compile_sql

VERDICTS = "verdicts"
FIXED = ("lead_id", "as_of", "verdict", "decided_by", "fit", "engagement", "readiness")
ENGINES = ("duckdb", "python", "postgres", "spark")
BATCH = 50_000
HISTORY_LEADS = 5_000


class Postgres(Protocol):
    """What is asked of a psycopg connection."""

    def cursor(self) -> Any: ...


def reference_needs(agreement: Agreement) -> Needs:
    """What the reference needs: the text of everything, beside the forms that the agreement asks for."""
    needed = needs(agreement)
    texts = {(name, Form.TEXT) for name, _ in needed.attributes}, {(name, Form.TEXT) for name, _ in needed.properties}
    return replace(
        needed,
        attributes=tuple(sorted({*needed.attributes, *texts[0]})),
        properties=tuple(sorted({*needed.properties, *texts[1]})),
    )


def columns(agreement: Agreement) -> tuple[str, ...]:
    """The columns of `verdicts`: fixed ones, then `points.LINE` for each line."""
    return (*FIXED, *(f"points.{line.id}" for line in agreement.lines))


def with_duckdb(facts: Facts, agreement: Agreement) -> None:
    """One query over both relations."""
    compiled = compile_sql(agreement, "duckdb", leads=LEADS, touches=TOUCHES, extras=False, as_of=facts.as_of)
    names = ", ".join(quoted(name) for name in columns(agreement))
    with _hollow_columns(facts, agreement):
        facts.store.execute(f"CREATE TABLE {VERDICTS}({names}) AS {compiled.sql}")


@contextmanager
def _hollow_columns(facts: Facts, agreement: Agreement) -> Iterator[None]:
    """`Store.hollow_columns` where it is needed, and only then: statistics are worth their while on large files."""
    texts = [column(name, form) for name, form in needs(agreement).attributes if form is Form.TEXT]
    filled = [bool(facts.store.one(f"SELECT bool_or({quoted(name)} IS NOT NULL) FROM {LEADS}")) for name in texts]
    if all(filled):
        yield
        return
    with facts.store.hollow_columns():
        yield


def with_python(facts: Facts, agreement: Agreement, told: Callable[[int], None] = lambda _: None) -> None:
    """The reference. Leads are taken in batches that keep accounts whole; `told` hears how many are done."""
    needed = reference_needs(agreement)
    store = facts.store
    _create(facts, agreement)
    # An account's people must meet in one history; leads without an account stand alone.
    store.execute(
        f"CREATE TABLE batches AS SELECT lead_id, account_key, hash(coalesce(account_key, lead_id)) % "
        f"{facts.leads // HISTORY_LEADS + 1} AS batch FROM {LEADS}"
    )
    for batch in range(facts.leads // HISTORY_LEADS + 1):
        leads = list(_leads(facts, needed, batch))
        history = History(leads, _touches(facts, needed, batch))
        rows = [judgement_row(evaluate(agreement, lead, history, facts.as_of), extras=False) for lead in leads]
        _insert(facts, agreement, rows)
        told(len(rows))


def with_postgres(facts: Facts, agreement: Agreement, connection: Postgres) -> None:
    """The same query in PostgreSQL, over temporary tables that the facts are copied into."""
    needed = needs(agreement)
    compiled = compile_sql(
        agreement, "postgres", leads="judged_leads", touches="judged_touches", extras=False, as_of=facts.as_of
    )
    _create(facts, agreement)
    with connection.cursor() as cursor:
        for relation, described in ((LEADS, lead_columns(needed)), (TOUCHES, touch_columns(needed))):
            cells = ", ".join(f"{quoted(name)} {kind}" for name, kind in described)
            cursor.execute(f"CREATE TEMPORARY TABLE {relation} ({cells})")
            names = ", ".join(quoted(name) for name, _ in described)
            with cursor.copy(f"COPY {relation} FROM STDIN") as copy:
                for row in _rows(facts, f"SELECT {names} FROM {relation}"):
                    copy.write_row(row)
        cursor.execute("CREATE INDEX ON judged_touches (lead_id)")
        cursor.execute("ANALYZE judged_leads")
        cursor.execute("ANALYZE judged_touches")
        cursor.execute(compiled.sql)
        while rows := cursor.fetchmany(BATCH):
            _insert(facts, agreement, rows)


def with_spark(facts: Facts, agreement: Agreement, spark: Spark) -> None:
    """The same query in Spark, over Parquet files that the facts are written to and that DuckDB would read as well."""
    needed = needs(agreement)
    compiled = compile_sql(agreement, "spark", leads=LEADS, touches=TOUCHES, extras=False, as_of=facts.as_of)
    relations: dict[str, Path] = {}
    for relation, described in ((LEADS, lead_columns(needed)), (TOUCHES, touch_columns(needed))):
        relations[relation] = spark.folder / f"{relation}.parquet"
        names = ", ".join(quoted(name) for name, _ in described)
        facts.store.execute(
            f"COPY (SELECT {names} FROM {relation}) TO {literal(str(relations[relation]))} (FORMAT parquet, COMPRESSION zstd)"
        )
    out = spark.folder / "verdicts"
    spark.judge(compiled, relations=relations, rows=facts.leads + facts.touches, out=out)
    _create(facts, agreement)
    names = ", ".join(quoted(name) for name in columns(agreement))
    written = literal(str(out / "*.parquet"))
    facts.store.execute(f"INSERT INTO {VERDICTS} SELECT {names} FROM read_parquet({written})")


def _create(facts: Facts, agreement: Agreement) -> None:
    types = ["VARCHAR", "BIGINT", "VARCHAR", "VARCHAR", *["BIGINT"] * (len(agreement.lines) + 3)]
    cells = ", ".join(f"{quoted(name)} {kind}" for name, kind in zip(columns(agreement), types, strict=True))
    facts.store.execute(f"CREATE TABLE {VERDICTS} ({cells})")


def _insert(facts: Facts, agreement: Agreement, rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    names = columns(agreement)
    kinds = [pa.string(), pa.int64(), pa.string(), pa.string(), *[pa.int64()] * (len(names) - 4)]
    arrays = [pa.array(cells, kind) for cells, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    store = facts.store
    store.connection.register("judged_rows", pa.Table.from_arrays(arrays, names=list(names)))
    store.execute(f"INSERT INTO {VERDICTS} SELECT * FROM judged_rows")
    store.connection.unregister("judged_rows")


def _rows(facts: Facts, sql: str) -> Iterator[tuple[Any, ...]]:
    """Rows of a query, in batches: other statements may run on the store in between."""
    for batch in facts.store.stream(sql, BATCH):
        yield from zip(*(cells.to_pylist() for cells in batch.columns), strict=True)


def _leads(facts: Facts, needed: Needs, batch: int) -> Iterator[Lead]:
    fields = list(dict.fromkeys(name for name, _ in needed.attributes))
    cells = _cells(needed.attributes, fields)
    sql = (
        f"SELECT lead_id, created_at, person_key, l.account_key{cells} FROM {LEADS} l "
        f"JOIN batches USING (lead_id) WHERE batch = {batch}"
    )
    for lead_id, at, person, account, *values in _rows(facts, sql):
        yield Lead(lead_id, person, account, at, tuple(Value(name, cell) for name, cell in _named(fields, values)))


def _touches(facts: Facts, needed: Needs, batch: int) -> Iterator[Touch]:
    names = list(dict.fromkeys(name for name, _ in needed.properties))
    cells = _cells(needed.properties, names)
    sql = (
        f'SELECT touch_id, lead_id, person_key, t.account_key, kind, "at", known_at, void_at{cells} FROM {TOUCHES} t '
        f"JOIN batches USING (lead_id) WHERE batch = {batch}"
    )
    for touch_id, lead_id, person, account, kind, at, known, void, *values in _rows(facts, sql):
        properties = dict(_named(names, values))
        yield Touch(touch_id, lead_id, person, account, kind, at, known, properties, void)


def _cells(wanted: Sequence[tuple[str, Form]], names: Sequence[str]) -> str:
    """Each name's text, number and boolean; NULL where the agreement does not ask for that form."""
    out = ""
    for name in names:
        for form in (Form.TEXT, Form.NUMBER, Form.TRUTH):
            out += f", {quoted(column(name, form))}" if (name, form) in wanted else ", NULL"
    return out


def _named(names: Sequence[str], values: Sequence[Any]) -> Iterator[tuple[str, Cell]]:
    """Cells by name, from three values each."""
    for place, name in enumerate(names):
        yield name, Cell(*values[3 * place : 3 * place + 3])
