"""The compiled query as text, as stages, and over relations given as queries."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from leadpact.language.needs import Needs, column, needs
from leadpact.language.nodes import Agreement, Attribute, Form, Operator, Test, Verdict
from leadpact.language.parse import parse_or_raise
from leadpact.language.sql_expr import DIALECTS, Dialect
from leadpact.language.tests import generated
from leadpact.language.tests.engines import DuckDB, PostgreSQL
from leadpact.language.to_sql import compile_sql

FOLDER = Path(__file__).parent / "snapshots"
EXAMPLE = Path(__file__).parent.parent / "example.yaml"
INSTANT = 1_790_000_000_000_000
THINNED = """
leadpact: 1
name: Everything that touches can be asked
fit:
  - {id: title, says: Head, if: {any: [{person.title: {has_word: head}}, {not: {person.title: {contains: "l'été"}}}]}, points: 3}
engagement:
  - {id: pages, says: Pages, each: {touch: page.viewed, within: 10 days, per: day, distinct: path}, fades: true, points: -10}
  - {id: trials, says: Trials, each: {touch: [product.tried, chat.started], by: account, distinct: plan}, points: 5}
  - {id: people, says: People, if: {account.active_people: {at_least: 1, within: 30 days}}, points: 15}
verdicts:
  sales_ready: {all: [{engagement: {at_least: 1}}, {not: {touch: email.bounced, at_most: 2}}]}
"""


def _example() -> Agreement:
    """The example file; of its long list six entries, so that the text can be read."""
    agreement = parse_or_raise(EXAMPLE.read_text(encoding="utf-8"))
    lists = tuple((name, entries[:6]) for name, entries in agreement.lists)
    return replace(agreement, lists=lists)


SNAPSHOTS: list[tuple[str, Dialect, Agreement, int | None]] = [
    ("example.postgres", "postgres", _example(), None),
    ("example.duckdb", "duckdb", _example(), None),
    ("example.spark", "spark", _example(), None),
    ("example.duckdb.one_instant", "duckdb", _example(), INSTANT),
    ("thinned.postgres", "postgres", parse_or_raise(THINNED), None),
    ("thinned.duckdb", "duckdb", parse_or_raise(THINNED), None),
    ("thinned.spark", "spark", parse_or_raise(THINNED), None),
]


@pytest.mark.parametrize(("name", "dialect", "agreement", "as_of"), SNAPSHOTS, ids=[name for name, *_ in SNAPSHOTS])
def test_the_query_is_the_one_that_was_looked_at(
    name: str, dialect: Dialect, agreement: Agreement, as_of: int | None
) -> None:
    """SNAPSHOTS=write records them anew; then read the difference."""
    sql = compile_sql(agreement, dialect, as_of=as_of, extras=as_of is None).sql + "\n"
    path = FOLDER / f"{name}.sql"
    if os.environ.get("SNAPSHOTS") == "write":
        path.write_text(sql, encoding="utf-8")
    assert sql == path.read_text(encoding="utf-8")


def test_no_query_uses_what_engines_mean_differently() -> None:
    """No LIKE, no regular expressions, no folding, and no `/` where DuckDB would go through double."""
    for seed in range(0, generated.CASES, 20):
        for dialect in DIALECTS:
            sql = compile_sql(generated.case(seed).agreement, dialect).sql.upper()
            for word in (" LIKE ", "REGEXP", "LOWER(", "UPPER(", "DOUBLE", "FLOAT", "CURRENT_", "NOW("):
                assert word not in sql
        assert ") / " not in compile_sql(generated.case(seed).agreement, "duckdb").sql


def test_stages_can_be_run_one_at_a_time(duck: DuckDB, postgres: PostgreSQL) -> None:
    case = generated.case(1)
    duck.rows(case.agreement, case.history, case.asks)
    compiled = compile_sql(case.agreement, "duckdb")
    names = [name for name, _ in compiled.stages]
    assert names[-4:] == ["facts", "scores", "clauses", "judged"]
    for name in names:
        found = duck.connection.execute(compiled.until(name)).fetchall()
        assert name not in {"facts", "judged"} or len(found) == len(case.asks)
    assert compiled.until("judged") == compiled.sql
    with pytest.raises(ValueError, match="not in"):
        compiled.until("nothing")


def test_relations_may_be_given_as_queries(duck: DuckDB, postgres: PostgreSQL) -> None:
    agreement = parse_or_raise(THINNED)
    leads = """SELECT 'Ada' AS lead_id, 100 * 86400000000 AS as_of, 'ada' AS person_key, 'northwind' AS account_key,
        'head of it' AS "person.title|t", ' head of it ' AS "person.title|w" """
    touches = """SELECT 't1' AS touch_id, 'Ada' AS lead_id, 'ada' AS person_key, 'northwind' AS account_key,
        'product.tried' AS kind, 99 * 86400000000 AS "at", 99 * 86400000000 AS known_at, CAST(NULL AS BIGINT) AS void_at,
        '/' AS "path|t", 'small' AS "plan|t" """
    for dialect, connection in (("duckdb", duck.connection), ("postgres", postgres.connection)):
        compiled = compile_sql(agreement, dialect)
        (row,) = connection.execute(compiled.over(leads=leads, touches=touches)).fetchall()
        told = dict(zip(compiled.columns, row, strict=True))
        assert (told["fit"], told["engagement"], told["points.trials"], told["points.people"]) == (
            3000,
            20000,
            5000,
            15000,
        )
        assert told["verdict"] == "prospect"


def test_relations_may_have_other_names() -> None:
    sql = compile_sql(_example(), "postgres", leads="wanted.leads", touches="lake.touches").sql
    assert '"wanted"."leads"' in sql
    assert '"lake"."touches"' in sql
    assert '"touches"' not in sql.replace('"lake"."touches"', "")


def test_what_cannot_be_compiled_is_refused() -> None:
    with pytest.raises(ValueError, match="is not one of postgres, duckdb, spark"):
        compile_sql(_example(), "mysql")  # pyright: ignore[reportArgumentType]
    many = Verdict("sales_ready", tuple(Attribute("person.title", (Test(Operator.IS, str(n)),)) for n in range(63)))
    with pytest.raises(ValueError, match="more than 62 alternatives"):
        compile_sql(replace(_example(), verdicts=(many,)), "duckdb")


def test_the_example_needs_what_it_reads() -> None:
    assert needs(_example()) == Needs(
        attributes=(
            ("account.domain", Form.TEXT),
            ("account.employees", Form.NUMBER),
            ("account.industry", Form.TEXT),
            ("lead.timeline_months", Form.NUMBER),
            ("person.email_domain", Form.TEXT),
            ("person.opted_out", Form.TRUTH),
        ),
        properties=(("path", Form.TEXT),),
        kinds=None,
        horizon=180 * 86_400_000_000,
        account_touches=True,
    )


def test_an_agreement_without_touches_needs_none() -> None:
    agreement = parse_or_raise("leadpact: 1\nname: x\nverdicts:\n  sales_ready: {person.opted_out: false}\n")
    assert needs(agreement) == Needs((("person.opted_out", Form.TRUTH),), (), frozenset(), 0, account_touches=False)


def test_a_kind_without_window_needs_all_of_history() -> None:
    agreement = parse_or_raise(THINNED)
    assert needs(agreement).horizon is None
    assert needs(replace(agreement, lines=agreement.lines[:2])).kinds == {"page.viewed", "email.bounced"}


def test_long_columns_are_shortened_alike_everywhere_and_stay_apart() -> None:
    long = "lead." + "ü" * 60
    assert column("account.industry", Form.TEXT) == "account.industry|t"
    assert len(column(long, Form.NUMBER).encode()) <= 63
    assert len({column(long, Form.NUMBER), column(long, Form.TEXT), column(long + "x", Form.TEXT)}) == 3
