"""Measures: the numbers that an agreement takes from touches, and how one touch counts towards each, in SQL.

Rows are read from the relation `t` (touches); the instant of judgement comes with the `Source`. What a pass has
tested in its WHERE already is left out here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from leadpact.language.evaluate import fading_step
from leadpact.language.kinds import OURS
from leadpact.language.needs import column, leaves
from leadpact.language.nodes import DAY, THOUSANDTHS, ActivePeople, Agreement, Each, Form, Touched, TouchQuery
from leadpact.language.sql_compare import compare
from leadpact.language.sql_expr import (
    Dialect,
    bigint,
    both,
    case,
    col,
    divide,
    filtered,
    known,
    least,
    minus,
    num,
    plus,
    text,
    times,
    utc_day,
)

Pass = Literal["own", "circle", "alone"]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many touches count."""

    query: TouchQuery


@dataclass(frozen=True, slots=True)
class Faded:
    """What counted touches are worth, in thousandths, each less with every day."""

    query: TouchQuery
    points: int


@dataclass(frozen=True, slots=True)
class People:
    """How many people of the account have a touch of their own making; no kinds: every kind that is theirs."""

    kinds: tuple[str, ...]
    within: int | None


Measure = Counted | Faded | People


@dataclass(frozen=True, slots=True)
class Source:
    """Where the compiler reads: relation names, the dialect, and whether all leads are judged as of one instant."""

    agreement: Agreement
    dialect: Dialect
    leads: str
    touches: str
    as_of: int | None
    extras: bool

    @property
    def now(self) -> exp.Expression:
        """The instant of judgement, seen from a row of leads or of a pass."""
        return col("as_of", "l") if self.as_of is None else num(self.as_of)

    @property
    def age(self) -> exp.Expression:
        """How old a touch is at the instant of judgement."""
        return minus(self.now, col("at", "t"))

    def since(self, window: int) -> exp.Expression:
        """Whether a touch is younger than a window. Against a constant, files can leave out what is too old."""
        at = col("at", "t")
        if self.as_of is not None:
            return exp.GT(this=at, expression=num(self.as_of - window))
        return exp.GT(this=at, expression=minus(self.now, num(window)))

    def keys(self, identity: str) -> tuple[str, ...]:
        """What identifies a judgement in a pass: with one instant for all, the instant is no key."""
        return (identity, "as_of") if self.as_of is None else (identity,)


def measures(agreement: Agreement) -> tuple[Measure, ...]:
    """Every measure of the agreement, each once, in the order of the file."""
    found: dict[Measure, None] = {}
    for line in agreement.lines:
        if isinstance(line.rule, Each):
            query = line.rule.query
            found[Faded(query, line.points) if line.rule.fades else Counted(query)] = None
    for leaf in leaves(agreement):
        if isinstance(leaf, Touched):
            found[Counted(leaf.query)] = None
        elif isinstance(leaf, ActivePeople):
            found[People(leaf.kinds, leaf.within)] = None
    return tuple(found)


def measure_column(measure: Measure, found: tuple[Measure, ...]) -> str:
    """The column of a measure: m1, m2, … in the order of `measures`."""
    return f"m{found.index(measure) + 1}"


def by_account(measure: Measure) -> bool:
    """Whether others at the account are looked at."""
    return isinstance(measure, People) or measure.query.by == "account"


def window_of(measure: Measure) -> int | None:
    """The measure's window in microseconds; None for ever."""
    return measure.within if isinstance(measure, People) else measure.query.within


def kinds_of(measure: Measure) -> frozenset[str] | None:
    """The kinds of touch that a measure may count; None for all of them."""
    return frozenset(measure.kinds if isinstance(measure, People) else measure.query.kinds) or None


def thins(measure: Measure) -> bool:
    """Whether only the latest of several touches counts."""
    return not isinstance(measure, People) and (measure.query.per_day or measure.query.distinct is not None)


# --- one touch --------------------------------------------------------------------------


def kind_in(kinds: frozenset[str]) -> exp.Expression:
    """Whether a touch is of one of these kinds."""
    kind, found = col("kind", "t"), sorted(kinds)
    if len(found) == 1:
        return exp.EQ(this=kind, expression=text(found[0]))
    return exp.In(this=kind, expressions=[text(k) for k in found])


def match(source: Source, measure: Measure, where: Pass, tested: frozenset[str] | None = None) -> exp.Expression:
    """Whether a touch is one that the measure counts, its instant aside. `tested`: kinds that the pass lets in."""
    kinds = kinds_of(measure)
    parts: list[exp.Expression] = []
    if kinds is not None and kinds != tested:
        parts.append(kind_in(kinds))
    if isinstance(measure, People):
        if kinds is None or kinds & OURS:
            parts.append(exp.Not(this=kind_in(OURS)))
        if where == "circle":
            parts.append(known(col("person_key", "t")))
        return both(parts)
    parts += [compare(name, tests, source.agreement, source.dialect, "t") for name, tests in measure.query.where]
    if measure.query.distinct is not None:
        parts.append(known(_value(measure.query.distinct)))
    return both(parts)


def _value(name: str) -> exp.Column:
    return col(column(name, Form.TEXT), "t")


def groups(source: Source, measure: Measure, where: Pass) -> list[exp.Expression]:
    """Of what a measure counts only one touch: the UTC day, the value, each pair of them, or the person."""
    if isinstance(measure, People):
        return [col("person_key", "t")] if where == "circle" else []
    out: list[exp.Expression] = []
    if measure.query.per_day:
        out.append(utc_day(col("at", "t"), source.dialect))
    if measure.query.distinct is not None:
        out.append(_value(measure.query.distinct))
    return out


def measured(source: Source, where: Pass, measure: Measure, tested: frozenset[str] | None) -> exp.Expression:
    """The aggregate of a measure over the touches of a pass."""
    parts = [match(source, measure, where, tested)]
    if source.extras:
        parts.append(exp.LTE(this=col("at", "t"), expression=source.now))
    within = window_of(measure)
    if within is not None:
        parts.append(source.since(within))
    condition = both(part for part in parts if not isinstance(part, exp.Boolean))
    if isinstance(measure, Faded):
        return bigint(exp.Sum(this=case([(condition, worth(measure, source.age, source.dialect))])))
    distinct = groups(source, measure, where)
    if distinct:
        value = distinct[0] if len(distinct) == 1 else exp.Tuple(expressions=distinct)
        return filtered(exp.Count(this=exp.Distinct(expressions=[value])), condition)
    count = filtered(exp.Count(this=exp.Star()), condition)
    return least([num(1), count]) if isinstance(measure, People) else count


def worth(measure: Faded, age: exp.Expression, dialect: Dialect) -> exp.Expression:
    """sign × ((|points| × 1000 × (W − age in whole days)) div W), W in days. The age lies within [0, W days)."""
    days = (measure.query.within or DAY) // DAY
    left = minus(num(days), divide(age, DAY, dialect))
    size = divide(times(num(abs(measure.points) * THOUSANDTHS), left), days, dialect)
    return exp.Neg(this=exp.Paren(this=size)) if measure.points < 0 else size


def slope(source: Source, where: Pass, measure: Faded, tested: frozenset[str] | None) -> exp.Expression:
    """The most that a touch loses with a day, in thousandths, once for each line that counts it so; NULL where none does."""
    lines = sum(
        isinstance(line.rule, Each) and line.rule.fades and Faded(line.rule.query, line.points) == measure
        for line in source.agreement.lines
    )
    step = lines * fading_step(measure.points, measure.query.within or DAY)
    return case([(_fades(source, where, measure, tested), num(step))])


def next_fade(source: Source, where: Pass, measure: Faded, tested: frozenset[str] | None) -> exp.Expression:
    """When a touch next fades a step, the last one among them; NULL where it does not."""
    days = plus(divide(source.age, DAY, source.dialect), num(1))
    return case([(_fades(source, where, measure, tested), plus(col("at", "t"), times(days, num(DAY))))])


def _fades(source: Source, where: Pass, measure: Faded, tested: frozenset[str] | None) -> exp.Expression:
    happened = exp.LTE(this=col("at", "t"), expression=source.now)
    parts = [match(source, measure, where, tested), happened, source.since(measure.query.within or DAY)]
    return both(part for part in parts if not isinstance(part, exp.Boolean))


def change(source: Source, where: Pass, measure: Measure, tested: frozenset[str] | None) -> exp.Expression:
    """When time alone next changes what a touch adds: it begins, or leaves the window. One that fades only begins."""
    at = col("at", "t")
    branches: list[tuple[exp.Expression, exp.Expression]] = [(exp.GT(this=at, expression=source.now), at)]
    within = window_of(measure)
    if within is not None and not isinstance(measure, Faded):
        branches.append((source.since(within), plus(at, num(within))))
    matches = match(source, measure, where, tested)
    return case(branches) if isinstance(matches, exp.Boolean) else case([(matches, case(branches))])
