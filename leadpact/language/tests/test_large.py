"""An agreement as large as they get is read without a word, compiled with each list once, and judged alike everywhere."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest

from leadpact.language.builtin import free_mail
from leadpact.language.check import check
from leadpact.language.fold import cell
from leadpact.language.history import Fact, History, Lead
from leadpact.language.nodes import Agreement
from leadpact.language.parse import parse
from leadpact.language.sql_compare import LONG
from leadpact.language.sql_expr import DIALECTS, Dialect
from leadpact.language.tests.drawing_history import NOW, draw_history
from leadpact.language.tests.engines import DuckDB, PostgreSQL, Reference
from leadpact.language.tests.large import ENTRIES, LINES, large
from leadpact.language.to_sql import compile_sql

LEADS = 24


@cache
def agreement() -> Agreement:
    """The agreement, read once."""
    parsed = parse(large())
    assert parsed.errors == parsed.warnings == ()
    assert parsed.agreement is not None
    assert {problem.code for problem in check(parsed.agreement, parsed.positions)} == {"twice"}
    return parsed.agreement


def test_it_is_as_large_as_it_says() -> None:
    own = [entries for name, entries in agreement().lists if not name.startswith("builtin.")]
    assert (len(agreement().lines), sum(map(len, own))) == (LINES, ENTRIES)


def test_engines_judge_by_it_alike(duck: DuckDB, postgres: PostgreSQL) -> None:
    history = draw_history(Random(7), agreement(), NOW, leads=LEADS, touches=12)
    asks = [(lead.lead_id, NOW) for lead in history.leads]
    expected = Reference().rows(agreement(), history, asks)
    assert len({row[2] for row in expected}) > 2
    for engine in (duck, postgres):
        assert engine.rows(agreement(), history, asks) == expected


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_list_is_written_once_however_many_lines_name_it(dialect: Dialect) -> None:
    """Once for each attribute or property that is looked for in it: rivals of three, trades of two."""
    sql = compile_sql(agreement(), dialect).sql
    assert sql.count("'rival17.example'") == 3
    assert sql.count("'trade 17 and wholesale'") == 2
    assert sql.count(f"'{free_mail()[17]}'") == 1


def test_a_long_list_of_odd_texts_is_escaped(duck: DuckDB, postgres: PostgreSQL) -> None:
    """Where one entry needs care, the list is written entry by entry."""
    odd = ["it's", 'say "so"', "back\\slash", "new", "%_", "北京", "ﬁ"]
    entries = ", ".join(f'"{text}"'.replace("\\", "\\\\") if '"' not in text else f"'{text}'" for text in odd)
    many = ", ".join(f"entry {n}" for n in range(LONG))
    text = (
        f"leadpact: 1\nname: Odd\nlists: {{odd: [{entries}, {many}]}}\nfit:\n"
        "  - {id: a, says: A, if: {person.title: {in: odd}}, points: 1}\n"
        "  - {id: b, says: B, each: {touch: page.viewed, where: {path: {in: odd}}}, points: 1}\n"
        "verdicts: {sales_ready: {fit: {at_least: 1}}}\n"
    )
    parsed = parse(text)
    assert parsed.agreement is not None
    history = draw_history(Random(3), parsed.agreement, NOW, leads=200, touches=5)
    asks = [(lead.lead_id, NOW) for lead in history.leads]
    expected = Reference().rows(parsed.agreement, history, asks)
    assert {row[7] for row in expected} == {0, 1_000, None}
    for engine in (duck, postgres):
        assert engine.rows(parsed.agreement, history, asks) == expected


def test_two_long_lists_of_one_attribute_are_told_apart(duck: DuckDB, postgres: PostgreSQL) -> None:
    """Written into a condition they have no names, so what each says of a row stands in a column of its own."""
    low, high = (", ".join(f"entry {n}" for n in range(start, start + LONG + 1)) for start in (0, 200))
    text = (
        "leadpact: 1\nname: Two\nfit:\n"
        f"  - {{id: low, says: Low, if: {{person.title: {{in: [{low}]}}}}, points: 1}}\n"
        f"  - {{id: high, says: High, if: {{person.title: {{in: [{high}]}}}}, points: 10}}\n"
        "verdicts: {sales_ready: {fit: {at_least: 1}}}\n"
    )
    parsed = parse(text)
    assert parsed.agreement is not None
    titles = ("entry 7", "entry 207", "entry 150")
    leads = [Lead(f"l{n}", f"p{n}", None, NOW, (Fact("person.title", cell(t)),)) for n, t in enumerate(titles)]
    history, asks = History(leads, []), [(lead.lead_id, NOW) for lead in leads]
    expected = Reference().rows(parsed.agreement, history, asks)
    assert [row[4] for row in expected] == [1_000, 10_000, 0]
    for engine in (duck, postgres):
        assert engine.rows(parsed.agreement, history, asks) == expected
