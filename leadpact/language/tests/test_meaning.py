"""What must hold whatever the agreement says: properties of judgements under changes that must, or must not, matter."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from leadpact.language.evaluate import Judgement, evaluate
from leadpact.language.explain import explain
from leadpact.language.fold import cell
from leadpact.language.history import Fact, History, Lead, Touch
from leadpact.language.nodes import DAY, THOUSANDTHS, All, Each, If, Line
from leadpact.language.tests import generated
from leadpact.language.tests.drawing import KINDS, draw_agreement
from leadpact.language.tests.engines import DuckDB, PostgreSQL

SEEDS = range(40)
HOUR = DAY // 24


@pytest.mark.parametrize("seed", range(0, 40, 8))
def test_the_order_of_arrival_changes_nothing(seed: int, duck: DuckDB, postgres: PostgreSQL) -> None:
    case = generated.case(seed)
    chance = Random(seed)
    touches, leads = list(case.history.touches), list(case.history.leads)
    chance.shuffle(touches)
    leads = [replace(lead, facts=tuple(chance.sample(lead.facts, len(lead.facts)))) for lead in leads]
    chance.shuffle(leads)
    shuffled = History(leads, touches)
    for judgement in generated.judged(seed):
        assert _again(seed, shuffled, judgement) == judgement
    for engine in (duck, postgres):
        rows = engine.rows(case.agreement, case.history, case.asks)
        assert engine.rows(case.agreement, shuffled, tuple(reversed(case.asks))) == rows


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_learnt_later_changes_nothing(seed: int) -> None:
    """Touches, values and withdrawals with a later `known_at` are not there, whenever they happened."""
    case = generated.case(seed)
    for judgement in generated.judged(seed):
        now = judgement.as_of
        later = [
            Touch(f"later{n}", lead.lead_id, lead.person, lead.account, kind, now - n * DAY, now + 1)
            for lead in case.history.leads
            for n, kind in enumerate(KINDS)
        ]
        leads = [
            replace(lead, facts=(*lead.facts, *(Fact(fact.field, cell("it"), now - 1, now + 1) for fact in lead.facts)))
            for lead in case.history.leads
        ]
        touches = [t if t.void_at is not None else replace(t, void_at=now + 1) for t in case.history.touches]
        assert _again(seed, History(leads, [*touches, *later]), judgement) == judgement


@pytest.mark.parametrize("seed", SEEDS)
def test_a_touch_that_is_still_to_come_changes_no_verdict(seed: int) -> None:
    case = generated.case(seed)
    for judgement in generated.judged(seed):
        now = judgement.as_of
        coming = [
            Touch(f"coming{n}", lead.lead_id, lead.person, lead.account, kind, now + 1 + n, now)
            for lead in case.history.leads
            for n, kind in enumerate(KINDS)
        ]
        found = _again(seed, History(case.history.leads, [*case.history.touches, *coming]), judgement)
        assert replace(found, changes_at=None) == replace(judgement, changes_at=None)


@pytest.mark.parametrize("seed", SEEDS)
def test_judging_the_past_is_judging_what_was_there_then(seed: int) -> None:
    """The whole history as of an instant, and the history up to that instant, give the same judgement."""
    for judgement in generated.judged(seed):
        assert _again(seed, _up_to(generated.case(seed).history, judgement.as_of), judgement) == judgement


def _counts(judgement: Judgement) -> Judgement:
    """All but which touches an explanation names: of somebody active the older ones may leave without a change."""
    return replace(judgement, lines=tuple(replace(part, count=0, touch_ids=()) for part in judgement.lines))


@pytest.mark.parametrize("seed", SEEDS)
def test_until_it_changes_time_changes_nothing(seed: int) -> None:
    """With nothing new to know, every judgement from `as_of` to just before `changes_at` is the same: no tick is missed."""
    case = generated.case(seed)
    for judgement in generated.judged(seed):
        history = _up_to(case.history, judgement.as_of)
        end = judgement.changes_at or judgement.as_of + 4_000 * DAY
        assert end > judgement.as_of
        for instant in {end - 1, (judgement.as_of + end) // 2, judgement.as_of // HOUR * HOUR + HOUR}:
            if judgement.as_of < instant < end:
                later = evaluate(case.agreement, history.lead(judgement.lead_id), history, instant)
                assert _counts(replace(later, as_of=judgement.as_of)) == _counts(judgement)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_positive_line_never_lowers_a_score(seed: int) -> None:
    case = generated.case(seed)
    chance = Random(seed)
    line = chance.choice(draw_agreement(chance).lines)
    rule = line.rule if isinstance(line.rule, Each) or chance.random() < 0.7 else If(All(()))
    more = Line("one_more", "", line.dimension, abs(line.points) + 1, rule)
    agreement = replace(case.agreement, lines=(*case.agreement.lines, more))
    for judgement in generated.judged(seed):
        lead = case.history.lead(judgement.lead_id)
        found = evaluate(agreement, lead, case.history, judgement.as_of)
        for dimension, score in judgement.scores.items():
            raised = found.scores[dimension]
            assert raised >= score if dimension == more.dimension else raised == score


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_missing_where_an_alternative_holds(seed: int) -> None:
    for judgement in generated.judged(seed):
        assert (judgement.distance == 0) is any(judgement.alternatives)
        assert judgement.distance is None or judgement.distance >= 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_parts_of_an_explanation_add_up(seed: int) -> None:
    """Touches to lines, lines to scores; the clause that decided holds, and none before it does."""
    case = generated.case(seed)
    for judgement in generated.judged(seed):
        told = explain(case.agreement, judgement, case.history)
        for dimension in told.dimensions:
            assert dimension.score == judgement.scores[dimension.dimension]
            assert sum(line.points or 0 for line in dimension.lines) == dimension.score
            for line in dimension.lines:
                worths = [touch.worth for touch in line.touches if touch.worth is not None]
                if worths:
                    assert sum(worths) == line.points_before_cap
                assert line.count == len(line.touches)
        decided = [clause.clause for clause in told.clauses if clause.decided]
        held = [clause.clause for clause in told.clauses if clause.state is True]
        assert decided == held[:1] == ([judgement.decided_by] if judgement.decided_by else [])
        assert judgement.decided_by.partition(".")[0] == (judgement.verdict if held else "")
        unknown = any(line.state is None for dimension in told.dimensions for line in dimension.lines)
        assert bool(told.unknown) is (unknown or any(clause.state is None for clause in told.clauses))
        for dimension in told.dimensions:
            assert f"{dimension.title} " in told.text()


def test_caps_hold_scores_within_bounds() -> None:
    """Seen over all drawn lines: a capped line never gives more than its cap, in either direction."""
    seen = 0
    for seed in SEEDS:
        for judgement in generated.judged(seed):
            for line, part in zip(generated.case(seed).agreement.lines, judgement.lines, strict=True):
                if isinstance(line.rule, Each) and line.rule.at_most is not None:
                    assert abs(part.points or 0) <= line.rule.at_most * THOUSANDTHS
                    seen += part.points != part.points_before_cap
    assert seen


# --- changed histories ------------------------------------------------------------------


def _again(seed: int, history: History, judgement: Judgement) -> Judgement:
    return evaluate(generated.case(seed).agreement, history.lead(judgement.lead_id), history, judgement.as_of)


def _up_to(history: History, instant: int) -> History:
    """What was known at the instant; touches that were known to come are part of that, `changes_at` speaks of them."""
    touches = [t for t in history.touches if t.known_at <= instant]
    touches = [replace(t, void_at=None) if t.void_at is not None and t.void_at > instant else t for t in touches]
    return History([_lead_up_to(lead, instant) for lead in history.leads], touches)


def _lead_up_to(lead: Lead, instant: int) -> Lead:
    return replace(lead, facts=tuple(f for f in lead.facts if f.at <= instant and f.known_at <= instant))
