"""Each spec table holds on the reference, on DuckDB and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from leadpact.language.evaluate import Judgement, evaluate
from leadpact.language.explain import explain
from leadpact.language.rows import judgement_row
from leadpact.language.tests.engines import DuckDB, PostgreSQL
from leadpact.language.tests.spec_tables import Spec, expected_scores, instant, specs, thousandths

SPECS = tuple(specs())
EXPECTATIONS = {
    "verdict", "decided_by", "fit", "engagement", "readiness", "points", "touches", "why", "unknown", "headline",
    "alternatives", "cools", "missing", "changes_at", "before_cap",
}  # fmt: skip


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.chapter}: {spec.title}")
def test_the_table_holds_on_every_engine(spec: Spec, duck: DuckDB, postgres: PostgreSQL) -> None:
    judged = [
        evaluate(spec.agreement, spec.history.lead(lead), spec.history, as_of) for lead, as_of in sorted(spec.asks)
    ]
    assert {judgement.lead_id for judgement in judged} >= set(spec.expected)
    for judgement in judged:
        _check(spec, judgement, spec.expected.get(judgement.lead_id, {}))
    rows = [judgement_row(judgement) for judgement in judged]
    bare = [judgement_row(judgement, extras=False) for judgement in judged]
    for engine in (duck, postgres):
        assert engine.rows(spec.agreement, spec.history, spec.asks) == rows
        assert engine.rows(spec.agreement, spec.history, spec.asks, extras=False) == bare


def test_titles_are_told_apart_and_every_lead_is_expected_something() -> None:
    titles = [(spec.chapter, spec.title) for spec in SPECS]
    assert len(set(titles)) == len(titles)
    assert all(spec.sentence.endswith(".") and spec.expected for spec in SPECS)


def _check(spec: Spec, judgement: Judgement, expected: Mapping[str, Any]) -> None:
    assert not set(expected) - EXPECTATIONS
    for name, value in expected_scores(expected).items():
        assert judgement.scores[name] == value, name
    parts = {part.line_id: part for part in judgement.lines}
    for line, value in expected.get("points", {}).items():
        assert parts[line].points == thousandths(value), line
        assert (parts[line].state is None) is (value == "?"), line
    for line, value in expected.get("before_cap", {}).items():
        assert parts[line].points_before_cap == thousandths(value), line
    for line, value in expected.get("touches", {}).items():
        assert list(parts[line].touch_ids) == value, line
    plain = {
        "verdict": judgement.verdict,
        "decided_by": judgement.decided_by,
        "cools": judgement.cools,
        "alternatives": list(judgement.alternatives),
    }
    for name in plain.keys() & expected.keys():
        assert plain[name] == expected[name], name
    if "missing" in expected:
        assert judgement.distance == thousandths(expected["missing"])
    if "changes_at" in expected:
        written = expected["changes_at"]
        assert judgement.changes_at == (None if written == "never" else instant(written))
    _check_words(spec, judgement, expected)


def _check_words(spec: Spec, judgement: Judgement, expected: Mapping[str, Any]) -> None:
    told = explain(spec.agreement, judgement, spec.history)
    why = {line.line_id: line.why for dimension in told.dimensions for line in dimension.lines}
    for line, words in expected.get("why", {}).items():
        assert why[line] == words
    for name in {"unknown", "headline"} & expected.keys():
        assert getattr(told, name) == expected[name]
