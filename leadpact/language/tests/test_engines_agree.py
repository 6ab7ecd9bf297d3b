"""The same lead is judged alike by the reference, PostgreSQL and DuckDB, over thousands of drawn pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadpact.language.nodes import DIMENSIONS, VERDICT_NAMES, Form, Operator
from leadpact.language.rows import judgement_row
from leadpact.language.tests import generated
from leadpact.language.tests.drawing_history import Case, draw_case
from leadpact.language.tests.engines import DuckDB, Engine, PostgreSQL, Reference, Row
from leadpact.language.to_sql import compile_sql

PAIRS = 5_000
SHARES = {"edge": 1 / 3, "unknown": 0.1, "negative": 0.1, "fading": 0.1, "beyond ascii": 0.1}


@pytest.mark.parametrize("seed", range(generated.CASES))
def test_engines_give_the_same_rows(seed: int, duck: DuckDB, postgres: PostgreSQL) -> None:
    """Every output column of every lead, to the last bit."""
    case = generated.case(seed)
    expected = [judgement_row(judgement) for judgement in generated.judged(seed)]
    for engine in (duck, postgres):
        _same(engine, case, expected)


@pytest.mark.parametrize("seed", range(0, generated.CASES, 7))
def test_one_instant_for_all_gives_the_same_rows(seed: int, duck: DuckDB, postgres: PostgreSQL) -> None:
    """Leads that are judged as of the same instant may be judged by the query that has it written in."""
    case = generated.case(seed)
    instant, _ = Counter(as_of for _, as_of in case.asks).most_common(1)[0]
    asks = [ask for ask in case.asks if ask[1] == instant]
    for extras in (True, False):
        expected = Reference().rows(case.agreement, case.history, asks, extras=extras)
        for engine in (duck, postgres):
            assert engine.rows(case.agreement, case.history, asks, extras=extras, as_of=instant) == expected


@pytest.mark.parametrize("seed", range(3, generated.CASES, 12))
def test_leaving_out_the_extras_leaves_the_rest_as_it_is(seed: int, duck: DuckDB, postgres: PostgreSQL) -> None:
    case = generated.case(seed)
    expected = Reference().rows(case.agreement, case.history, case.asks, extras=False)
    for engine in (duck, postgres):
        assert engine.rows(case.agreement, case.history, case.asks, extras=False) == expected


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=False))
def test_small_cases_agree(chance: Random, duck: DuckDB, postgres: PostgreSQL) -> None:
    """Drawn by Hypothesis, which looks for the smallest case on which engines differ."""
    case = draw_case(chance, leads=2, lines=2, touches=3)
    expected = Reference().rows(case.agreement, case.history, case.asks)
    for engine in (duck, postgres):
        assert engine.rows(case.agreement, case.history, case.asks) == expected


# --- the pairs are the pairs that were asked for ----------------------------------------


def test_pairs_are_enough_and_of_every_sort() -> None:
    """At least 5,000 pairs; each verdict in a twentieth, a third on an edge, the rest of the trouble in a tenth."""
    seen: Counter[str] = Counter()
    pairs = 0
    for seed in range(generated.CASES):
        case = generated.case(seed)
        for judgement in generated.judged(seed):
            pairs += 1
            seen.update(generated.traits(case.agreement, case.history, judgement))
    assert pairs >= PAIRS
    wanted = {**SHARES, **{f"verdict {name}": 0.05 for name in VERDICT_NAMES}}
    short = {name: seen[name] / pairs for name, share in wanted.items() if seen[name] < share * pairs}
    assert not short, f"too rare among {pairs} pairs: {short}"


def test_agreements_reach_every_node_operator_and_form() -> None:
    """Nothing that an agreement can say is left out of the comparison."""
    seen = set().union(*(generated.reached(generated.case(seed).agreement) for seed in range(generated.CASES)))
    wanted = {f"operator {operator.value}" for operator in Operator} | {f"form {form.value}" for form in Form}
    wanted |= {"Attribute", "Touched", "ActivePeople", "Score", "All", "Any", "Not", "If", "Each"}
    wanted |= {"each fades", "each counts", "each capped", "each without cap", "each fades thinned"}
    wanted |= {
        "by person",
        "by account",
        "ever",
        "within",
        "keeps all",
        "keeps day",
        "keeps distinct",
        "keeps daydistinct",
    }
    wanted |= {"touched", "touched bounded", "people", "people of kinds", "people within", "people ever"}
    wanted |= {"score low", "score lowhigh", "score high", "domains", "tests joined"}
    wanted |= {"list places", "list sites", "list sizes", "list answers", "list nothing", "list mixed"}
    wanted |= {"where path", "where minutes", "where live", "where referrer"}
    assert not wanted - seen


def test_lines_are_seen_true_false_and_unknown_in_each_dimension() -> None:
    seen: set[tuple[str, bool | None]] = set()
    for seed in range(generated.CASES):
        lines = generated.case(seed).agreement.lines
        for judgement in generated.judged(seed):
            seen |= {(line.dimension, part.state) for line, part in zip(lines, judgement.lines, strict=True)}
    assert seen == {(dimension, state) for dimension in DIMENSIONS for state in (True, False, None)}


def test_compiled_queries_reach_every_stage() -> None:
    """Each pass, alone and with measures that have stages of their own."""
    seen: set[tuple[str, str]] = set()
    for seed in range(0, generated.CASES, 4):
        for dialect in ("postgres", "duckdb"):
            compiled = compile_sql(generated.case(seed).agreement, dialect)
            seen |= {(dialect, "".join(c for c in name if not c.isdigit())) for name, _ in compiled.stages}
    names = {"own", "circle", "alone", "own_m", "circle_m", "alone_m", "facts", "scores", "clauses", "judged"}
    assert seen == {(dialect, name) for dialect in ("postgres", "duckdb") for name in names}


# --- telling a difference ---------------------------------------------------------------


def _same(engine: Engine, case: Case, expected: Sequence[Row]) -> None:
    found = engine.rows(case.agreement, case.history, case.asks)
    if found == list(expected):
        return
    smallest = _smallest(engine, case)
    found = engine.rows(smallest.agreement, smallest.history, smallest.asks)
    wanted = Reference().rows(smallest.agreement, smallest.history, smallest.asks)
    columns = compile_sql(smallest.agreement, "duckdb").columns
    pairs = [dict(zip(columns, zip(w, f, strict=True), strict=True)) for w, f in zip(wanted, found, strict=False)]
    told = [{name: pair for name, pair in row.items() if pair[0] != pair[1]} for row in pairs]
    pytest.fail(
        f"{type(engine).__name__} differs (reference, engine): {told}\n{smallest.agreement}\n"
        f"{smallest.history.leads}\n{smallest.history.touches}\n{smallest.asks}"
    )


def _smallest(engine: Engine, case: Case) -> Case:
    """A case that cannot lose one more thing without the engines agreeing again."""
    while True:
        for smaller in generated.without(case):
            wanted = Reference().rows(smaller.agreement, smaller.history, smaller.asks)
            if engine.rows(smaller.agreement, smaller.history, smaller.asks) != wanted:
                case = smaller
                break
        else:
            return case
