"""Conditions, scores and distances in SQL, over numbers that earlier stages have already worked out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from leadpact.language.nodes import (
    THOUSANDTHS,
    ActivePeople,
    All,
    Any,
    Attribute,
    Condition,
    Each,
    If,
    Line,
    Not,
    Score,
    Touched,
)
from leadpact.language.sql_compare import compare
from leadpact.language.sql_expr import (
    both,
    case,
    clamp,
    coalesce,
    col,
    either,
    greatest,
    least,
    minus,
    num,
    times,
    total,
    zero_or_one,
)
from leadpact.language.sql_measures import Counted, Faded, Measure, People, Source
from leadpact.language.sql_touches import value_of

Leaf = Attribute | Touched | ActivePeople


def join(condition: Condition, leaf: Callable[[Leaf], exp.Expression]) -> exp.Expression:
    """A condition in SQL's own three-valued logic, which is Kleene's; `leaf` says how facts are told."""
    if isinstance(condition, All):
        return exp.Paren(this=both(join(part, leaf) for part in condition.parts))
    if isinstance(condition, Any):
        return exp.Paren(this=either(join(part, leaf) for part in condition.parts))
    if isinstance(condition, Not):
        return exp.Not(this=exp.Paren(this=join(condition.part, leaf)))
    if isinstance(condition, Score):
        return within(col(condition.dimension), condition.at_least, condition.at_most)
    return leaf(condition)


def within(value: exp.Expression, low: int | None, high: int | None) -> exp.Expression:
    """Inclusive bounds; an open side is not tested."""
    parts: list[exp.Expression] = []
    if low is not None:
        parts.append(exp.GTE(this=value, expression=num(low)))
    if high is not None:
        parts.append(exp.LTE(this=value.copy(), expression=num(high)))
    return exp.Paren(this=both(parts))


def fact(leaf: Leaf, source: Source, found: tuple[Measure, ...]) -> exp.Expression:
    """A leaf over the attributes of a lead and the measures beside it."""
    if isinstance(leaf, Attribute):
        return exp.Paren(this=compare(leaf.field, leaf.tests, source.agreement, source.dialect, "s"))
    measure = Counted(leaf.query) if isinstance(leaf, Touched) else People(leaf.kinds, leaf.within)
    return within(value_of(measure, source, found), leaf.at_least, leaf.at_most)


def line_points(line: Line, source: Source, found: tuple[Measure, ...]) -> exp.Expression:
    """What a line gives, in thousandths after the cap; NULL when unknown."""
    if isinstance(line.rule, If):
        condition = join(line.rule.condition, lambda leaf: fact(leaf, source, found))
        return times(zero_or_one(condition), num(line.points * THOUSANDTHS))
    return _each_points(line, line.rule, source, found)


def _each_points(line: Line, rule: Each, source: Source, found: tuple[Measure, ...]) -> exp.Expression:
    if rule.fades:
        value = value_of(Faded(rule.query, line.points), source, found)
    else:
        value = times(value_of(Counted(rule.query), source, found), num(line.points * THOUSANDTHS))
    return value if rule.at_most is None else clamp(value, rule.at_most * THOUSANDTHS)


def score(points: Sequence[str]) -> exp.Expression:
    """The sum of some lines' points; what is unknown adds nothing."""
    return total([coalesce(col(name), num(0)) for name in points])


def missing(condition: Condition, leaf: Callable[[Leaf], exp.Expression], *, wanted: bool = True) -> exp.Expression:
    """How many thousandths of score are missing until the condition is `wanted`; NULL when no score can bring it about.

    `all` needs every part (the sum), `any` the nearest part (the least); under `not` the two change places.
    """
    if isinstance(condition, Not):
        return missing(condition.part, leaf, wanted=not wanted)
    if isinstance(condition, Score):
        return _score_missing(condition, wanted=wanted)
    if isinstance(condition, All | Any):
        parts = [missing(part, leaf, wanted=wanted) for part in condition.parts]
        if isinstance(condition, All) is wanted:
            return exp.Paren(this=total(parts))
        return least(parts)
    truth = leaf(condition)
    return case([(truth if wanted else exp.Not(this=exp.Paren(this=truth)), num(0))])


def _score_missing(condition: Score, *, wanted: bool) -> exp.Expression:
    value = col(condition.dimension)
    low, high = condition.at_least, condition.at_most
    if wanted:
        parts = [num(0)]
        if low is not None:
            parts.append(minus(num(low), value))
        if high is not None:
            parts.append(minus(value.copy(), num(high)))
        return greatest(parts)
    sides: list[exp.Expression] = []
    if low is not None:
        sides.append(greatest([num(0), minus(value, num(low - 1))]))
    if high is not None:
        sides.append(greatest([num(0), minus(num(high + 1), value.copy())]))
    return least(sides)
