"""What must hold whatever the agreement says: properties of judgements under changes that must, or must not, matter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leadpact.language.evaluate import Judgement, LinePart, Scene, evaluate
from leadpact.language.explain import explain
from leadpact.language.history import History, Touch
from leadpact.language.needs import leaves
from leadpact.language.nodes import DAY, THOUSANDTHS, ActivePeople, Agreement, Each, Line, Touched, walk
from leadpact.language.tests import changes, generated
from leadpact.language.tests.engines import DuckDB, PostgreSQL, Reference
from leadpact.language.tests.properties import PROPERTIES, Property

SEEDS = range(40)
HOUR = DAY // 24


@pytest.mark.parametrize("seed", range(0, 40, 5))
@pytest.mark.parametrize("holds", PROPERTIES.values(), ids=PROPERTIES.keys())
def test_properties_hold_on_every_engine(holds: Property, seed: int, duck: DuckDB, postgres: PostgreSQL) -> None:
    """Spark has its turn where it is started: `lake/tests/test_spark.py`."""
    for engine in (Reference(), duck, postgres):
        holds(engine, seed)


def test_what_was_changed_would_have_mattered() -> None:
    """A microsecond later, or without a look at `known_at`, the changed histories are judged otherwise."""
    mattered: Counter[str] = Counter()
    for seed in range(0, 40, 5):
        case = generated.case(seed)
        now = max(instant for _, instant in case.asks)
        asks = [(lead.lead_id, now + 1) for lead in case.history.leads]
        rows = Reference().rows(case.agreement, case.history, asks)
        for change in (changes.learnt_later, changes.still_to_come):
            mattered[change.__name__] += Reference().rows(case.agreement, change(case.history, now), asks) != rows
    assert min(mattered["learnt_later"], mattered["still_to_come"]) >= 6, mattered


def test_the_table_of_properties_is_the_list_of_them() -> None:
    written = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (.+) \| ✓ \| ✓ \| ✓ \| (?:✓|at length) \|$", written, re.MULTILINE) == list(PROPERTIES)


# --- more than rows tell: lines with their counts and touches ---------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_arrival_changes_nothing(seed: int) -> None:
    _unchanged(seed, lambda history, _: changes.shuffled(history, seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_learnt_later_changes_nothing(seed: int) -> None:
    _unchanged(seed, changes.learnt_later)


@pytest.mark.parametrize("seed", SEEDS)
def test_judging_the_past_is_judging_what_was_there_then(seed: int) -> None:
    """The whole history as of an instant, and the history up to that instant, give the same judgement."""
    _unchanged(seed, changes.up_to)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_touch_that_is_still_to_come_changes_no_verdict(seed: int) -> None:
    case = generated.case(seed)
    for judgement in generated.judged(seed):
        found = _again(seed, changes.still_to_come(case.history, judgement.as_of), judgement)
        assert replace(found, changes_at=None, steps_at=None) == replace(judgement, changes_at=None, steps_at=None)


def test_until_it_changes_time_changes_nothing_but_which_touches_tell_of_somebody_active() -> None:
    """With nothing new to know, every judgement from `as_of` to just before `changes_at` is the same, counts and touches too.

    Of people active in a window older touches may leave it without a change, and people, while their number passes no bound of
    the clause: a line that counts active people then names the touches that are left, and no other.
    """
    seen: Counter[bool] = Counter()
    for seed in SEEDS:
        case = generated.case(seed)
        for judgement in generated.judged(seed):
            history = changes.up_to(case.history, judgement.as_of)
            lead = history.lead(judgement.lead_id)
            now = Scene(case.agreement, lead, history, judgement.as_of)
            for instant in _before_it_changes(case.agreement, now, judgement):
                later = evaluate(case.agreement, lead, history, instant)
                wanted = tuple(
                    _what_is_left(now, line, part, instant)
                    for line, part in zip(case.agreement.lines, judgement.lines, strict=True)
                )
                assert replace(later, as_of=judgement.as_of, lines=wanted) == replace(judgement, lines=wanted)
                assert later.lines == wanted
                seen[wanted != judgement.lines] += 1
    assert seen[True] >= 20, "older touches of active people do leave unnoticed"
    assert seen[False] >= 1_000


def _before_it_changes(agreement: Agreement, now: Scene, judgement: Judgement) -> Iterator[int]:
    """Instants from `as_of` to `changes_at`: the last, the middle, the next full hour, and where somebody's older touch leaves."""
    end = judgement.changes_at or judgement.as_of + 4_000 * DAY
    assert end > judgement.as_of
    between = {end - 1, (judgement.as_of + end) // 2, judgement.as_of // HOUR * HOUR + HOUR}
    for leaf in leaves(agreement):
        if isinstance(leaf, ActivePeople) and leaf.within is not None:
            between |= {touch.at + leaf.within for touch in now.active(leaf)}
    yield from (instant for instant in sorted(between) if judgement.as_of < instant < end)


def _people(scene: Scene, touches: list[Touch]) -> int:
    """How many people made these touches, as a clause about active people counts them."""
    return len({touch.person for touch in touches}) if scene.lead.account is not None else min(1, len(touches))


def _what_is_left(now: Scene, line: Line, part: LinePart, instant: int) -> LinePart:
    """What a line names at a later instant before anything changes: everything, but for touches that only told of activity."""
    if isinstance(line.rule, Each):
        return part
    left: set[str] = set()
    for leaf in walk(line.rule.condition):
        if isinstance(leaf, Touched):
            left |= {touch.touch_id for touch in now.counted(leaf.query)}
        elif isinstance(leaf, ActivePeople):
            young = [t for t in now.active(leaf) if leaf.within is None or t.at > instant - leaf.within]
            before, after = _people(now, now.active(leaf)), _people(now, young)
            assert [after >= bound for bound in leaf.bounds] == [before >= bound for bound in leaf.bounds]
            left |= {touch.touch_id for touch in young}
    kept = tuple(touch_id for touch_id in part.touch_ids if touch_id in left)
    return replace(part, count=len(kept), touch_ids=kept)


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


# --- judged again -----------------------------------------------------------------------


def _unchanged(seed: int, change: Callable[[History, int], History]) -> None:
    """Each judgement of the case is the same over the changed history."""
    for judgement in generated.judged(seed):
        history = change(generated.case(seed).history, judgement.as_of)
        assert _again(seed, history, judgement) == judgement


def _again(seed: int, history: History, judgement: Judgement) -> Judgement:
    return evaluate(generated.case(seed).agreement, history.lead(judgement.lead_id), history, judgement.as_of)
