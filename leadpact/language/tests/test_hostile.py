"""Hostile files: refused with a sentence, or harmless all the way to the engines."""

from __future__ import annotations

from random import Random

import pytest

from leadpact.language.canonical import agreement_hash, canonical, load
from leadpact.language.check import check
from leadpact.language.diff import diff
from leadpact.language.looks import cleared, disguised, skeleton, unseen
from leadpact.language.parse import parse, parse_or_raise
from leadpact.language.problems import LONGEST, MOST
from leadpact.language.sql_expr import DIALECTS
from leadpact.language.tests.drawing_history import NOW, draw_history
from leadpact.language.tests.engines import DuckDB, PostgreSQL, Reference
from leadpact.language.tests.hostile import HARMLESS, REFUSED
from leadpact.language.to_sql import compile_sql
from leadpact.language.words import say_agreement


@pytest.mark.parametrize(("text", "code", "part"), REFUSED.values(), ids=REFUSED)
def test_refused_with_a_sentence(text: str | bytes, code: str, part: str) -> None:
    parsed = parse(text)
    assert parsed.agreement is None
    assert any(problem.code == code and part in problem.sentence() for problem in parsed.errors), parsed.errors[:5]
    assert len(parsed.errors) <= MOST + 1
    for problem in parsed.errors + parsed.warnings:
        said = problem.sentence()
        assert len(said) < 3 * LONGEST + 100
        assert not unseen(said), "whoever reads the sentence reads what it says"
        said.encode()


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_harmless_all_the_way(text: str | bytes, duck: DuckDB, postgres: PostgreSQL) -> None:
    parsed = parse(text)
    assert parsed.errors == ()
    agreement = parsed.agreement
    assert agreement is not None
    frozen = canonical(agreement)
    assert load(frozen) == agreement
    assert agreement_hash(load(frozen)) == agreement_hash(parse_or_raise(text))
    assert diff(agreement, load(frozen)) == []
    said = say_agreement(agreement)
    assert not unseen(said)
    assert all(not unseen(problem.sentence()) for problem in check(agreement, parsed.positions))
    assert all(compile_sql(agreement, dialect).sql for dialect in DIALECTS)
    history = draw_history(Random(5), agreement, NOW, leads=30, touches=6)
    asks = [(lead.lead_id, NOW) for lead in history.leads]
    expected = Reference().rows(agreement, history, asks)
    assert any(row[5] for row in expected), "some touch counts, so the texts were compared"
    for engine in (duck, postgres):
        assert engine.rows(agreement, history, asks) == expected


def test_mistakes_without_number_are_counted_not_listed() -> None:
    text, _, _ = REFUSED["thousands of mistakes"]
    parsed = parse(text)
    assert len(parsed.errors) == MOST + 1
    assert parsed.errors[-1].message.startswith("3,001 more errors")


@pytest.mark.parametrize(
    ("text", "char"),
    [
        ("plain", ""),
        ("Größe, naïve, 北京", ""),
        ("lines\nand\ttabs\r", ""),
        ("a\u00adb", "\u00ad"),
        ("\u200dx", "\u200d"),
        ("ك\u200dx", ""),
        ("a\u200c", "\u200c"),
        ("\x7f", "\x7f"),
        ("\x9b31m", "\x9b"),
        ("x\udc80", "\udc80"),
    ],
)
def test_what_is_not_seen(text: str, char: str) -> None:
    assert unseen(text) == char
    assert unseen(cleared(text)) == ""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("plain", ""),
        ("Яндекс Go", ""),
        ("микрометр", ""),
        ("µm", ""),
        ("sınıf ılık", ""),
        ("p\u0430ge viewed", "p\u0430ge"),
        ("see initech.ex\u0430mple", "ex\u0430mple"),
        ("\u0420AYPAL", "\u0440aypal"),
        ("γ-globulin", ""),
    ],
)
def test_words_in_disguise(text: str, word: str) -> None:
    assert disguised(text) == word
    assert not disguised(skeleton(text)) or not word
