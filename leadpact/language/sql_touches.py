"""What touches add up to, in SQL: one pass over the touches of a lead, one over those of its account.

A *measure* is a number that an agreement takes from touches. Most measures are one aggregate with a condition, all
of them in one GROUP BY. A measure that fades and is thinned out (`per`, `distinct`) must first find the latest touch
of each group, so it gets a stage of its own that reads its own kinds only.

Three passes, each only when something needs it:
- `own`: touches of the lead, for measures by person;
- `circle`: touches of everyone at an account, once for each account, for measures by account;
- `alone`: the lead's own touches again, for measures by account of leads that have none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from leadpact.language.kinds import OURS
from leadpact.language.needs import column, leaves, longest
from leadpact.language.nodes import DAY, THOUSANDTHS, ActivePeople, Agreement, Each, Form, Touched, TouchQuery
from leadpact.language.sql_compare import compare
from leadpact.language.sql_expr import (
    Dialect,
    bigint,
    both,
    case,
    coalesce,
    col,
    divide,
    filtered,
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


def by_account(measure: Measure) -> bool:
    """Whether others at the account are looked at."""
    return isinstance(measure, People) or measure.query.by == "account"


def window(measure: Measure) -> int | None:
    """The measure's window in microseconds; None for ever."""
    return measure.within if isinstance(measure, People) else measure.query.within


def needs_stage(measure: Measure) -> bool:
    """Whether the latest touches must be found before they can be added up."""
    return isinstance(measure, Faded) and (measure.query.per_day or measure.query.distinct is not None)


def stages(source: Source) -> Iterator[tuple[str, exp.Select]]:
    """The stages that read touches, in order, as (name, query)."""
    found = measures(source.agreement)
    mine = [m for m in found if not by_account(m)]
    theirs = [m for m in found if by_account(m)]
    for name, wanted in (("own", mine), ("circle", theirs), ("alone", theirs)):
        where: Pass = name  # type: ignore[assignment]
        plain = [m for m in wanted if source.extras or not needs_stage(m)]
        if plain:
            yield where, _aggregate(source, where, plain, found)
        for measure in wanted:
            if needs_stage(measure):
                yield stage_name(where, measure, found), _thinned(source, where, measure, found)


def stage_name(where: Pass, measure: Measure, found: tuple[Measure, ...]) -> str:
    """The stage of a measure that has its own."""
    return f"{where}_{measure_column(measure, found)}"


def measure_column(measure: Measure, found: tuple[Measure, ...]) -> str:
    """The column of a measure: m1, m2, … in the order of `measures`."""
    return f"m{found.index(measure) + 1}"


# --- one pass ---------------------------------------------------------------------------


def _aggregate(source: Source, where: Pass, wanted: list[Measure], found: tuple[Measure, ...]) -> exp.Select:
    """Every measure of a pass that needs no stage of its own; with extras, when time alone next changes one."""
    kinds = _kinds(wanted)
    query = _from_touches(source, where, kinds, longest([window(m) for m in wanted]), later=source.extras)
    for measure in wanted:
        if not needs_stage(measure):
            name = measure_column(measure, found)
            query = query.select(_measured(source, where, measure, kinds).as_(name, quoted=True), copy=False)
    if source.extras:
        changes = list(dict.fromkeys(_change(source, where, measure, kinds) for measure in wanted))
        query = query.select(exp.Min(this=least(changes)).as_("soon", quoted=True), copy=False)
    return query


def _thinned(source: Source, where: Pass, measure: Measure, found: tuple[Measure, ...]) -> exp.Select:
    """The latest touch of each day and value, then what those are worth."""
    if not isinstance(measure, Faded):
        raise TypeError("only fading measures have a stage of their own")
    kinds = _kinds([measure])
    keys = source.keys("account_key" if where == "circle" else "lead_id")
    rows = _from_touches(source, where, kinds, window(measure), later=False)
    rows = rows.where(_match(source, measure, kinds), copy=False).group_by(*_groups(source, measure), copy=False)
    rows = rows.select(exp.Max(this=col("at", "t")).as_("at", quoted=True), copy=False)
    age = minus(col("as_of", "f") if source.as_of is None else num(source.as_of), col("at", "f"))
    worth = exp.Sum(this=_worth(measure, age, source.dialect))
    return (
        exp.select(*(col(key, "f") for key in keys))
        .select(bigint(worth).as_(measure_column(measure, found), quoted=True))
        .from_(rows.subquery("f"))
        .group_by(*(col(key, "f") for key in keys))
    )


def _from_touches(
    source: Source, where: Pass, kinds: frozenset[str] | None, horizon: int | None, *, later: bool
) -> exp.Select:
    """Touches that are known and stand, joined to whose judgement they are for, grouped by it.

    `later` lets in touches whose own instant is still to come: they say when something will change.
    """
    identity = "account_key" if where == "circle" else "lead_id"
    side = "t" if source.as_of is not None and where != "alone" else "l"
    keys = [col(key, side) for key in source.keys(identity)]
    touches = exp.to_table(source.touches).as_("t", quoted=True)
    query = exp.select(*keys)
    if side == "t":
        query = query.from_(touches)
        if where == "circle":
            query = query.where(exp.Not(this=exp.Is(this=col("account_key", "t"), expression=exp.null())))
    else:
        on = exp.EQ(this=col(identity, "t"), expression=col(identity, "l"))
        query = query.from_(_askers(source, where)).join(touches, on=on)
    at, now = col("at", "t"), source.now
    conditions: list[exp.Expression] = []
    if kinds is not None:
        conditions.append(_kind_in(kinds))
    if not later:
        conditions.append(exp.LTE(this=at, expression=now))
    if horizon is not None:
        start = num(source.as_of - horizon) if source.as_of is not None else minus(now, num(horizon))
        conditions.append(exp.GT(this=at, expression=start))
    void = col("void_at", "t")
    conditions.append(exp.LTE(this=col("known_at", "t"), expression=now))
    conditions.append(
        exp.Paren(this=exp.or_(exp.Is(this=void, expression=exp.null()), exp.GT(this=void, expression=now)))
    )
    return query.where(both(conditions), copy=False).group_by(*keys, copy=False)


def _askers(source: Source, where: Pass) -> exp.Expression:
    """Whose judgement touches are gathered for: leads, accounts once each, or leads without an account."""
    leads = exp.to_table(source.leads)
    if where == "own":
        return leads.as_("l", quoted=True)
    missing = exp.Is(this=col("account_key"), expression=exp.null())
    if where == "alone":
        return exp.select(col("lead_id"), col("as_of")).from_(leads).where(missing).subquery("l")
    return exp.select(col("account_key"), col("as_of")).distinct().from_(leads).where(exp.Not(this=missing)).subquery("l")


# --- one measure ------------------------------------------------------------------------


def _kinds(wanted: list[Measure]) -> frozenset[str] | None:
    out: set[str] = set()
    for measure in wanted:
        kinds = measure.kinds if isinstance(measure, People) else measure.query.kinds
        if not kinds:
            return None
        out |= set(kinds)
    return frozenset(out)


def _kind_in(kinds: frozenset[str]) -> exp.Expression:
    kind, found = col("kind", "t"), sorted(kinds)
    if len(found) == 1:
        return exp.EQ(this=kind, expression=text(found[0]))
    return exp.In(this=kind, expressions=[text(k) for k in found])


def _match(source: Source, measure: Measure, pass_kinds: frozenset[str] | None) -> exp.Expression:
    """Whether a touch is one that the measure counts, its instant aside. What the pass has tested is left out."""
    own_kinds = _kinds([measure])
    parts: list[exp.Expression] = []
    if own_kinds is not None and own_kinds != pass_kinds:
        parts.append(_kind_in(own_kinds))
    if isinstance(measure, People):
        if own_kinds is None or own_kinds & OURS:
            parts.append(exp.Not(this=_kind_in(OURS)))
        return both(parts)
    for name, tests in measure.query.where:
        parts.append(compare(name, tests, source.agreement, "t"))
    if measure.query.distinct is not None:
        parts.append(exp.Not(this=exp.Is(this=_distinct(measure.query.distinct), expression=exp.null())))
    return both(parts)


def _distinct(name: str) -> exp.Column:
    return col(column(name, Form.TEXT), "t")


def _groups(source: Source, measure: Measure) -> list[exp.Expression]:
    """What a thinned measure keeps one touch of: the UTC day, the value, or each pair of them."""
    if isinstance(measure, People):
        return [col("person_key", "t")]
    out: list[exp.Expression] = []
    if measure.query.per_day:
        out.append(utc_day(col("at", "t"), source.dialect))
    if measure.query.distinct is not None:
        out.append(_distinct(measure.query.distinct))
    return out


def _age(source: Source) -> exp.Expression:
    return minus(source.now, col("at", "t"))


def _measured(source: Source, where: Pass, measure: Measure, kinds: frozenset[str] | None) -> exp.Expression:
    """The aggregate of a measure over its pass."""
    within = window(measure)
    parts = [_match(source, measure, kinds)]
    if source.extras:
        parts.append(exp.LTE(this=col("at", "t"), expression=source.now))
    if within is not None:
        parts.append(exp.LT(this=_age(source), expression=num(within)))
    condition = both(p for p in parts if not isinstance(p, exp.Boolean))
    if isinstance(measure, Faded):
        worth = case([(condition, _worth(measure, _age(source), source.dialect))])
        return bigint(exp.Sum(this=worth))
    if isinstance(measure, People) and where == "alone":
        return least([num(1), filtered(exp.Count(this=exp.Star()), condition)])
    groups = _groups(source, measure)
    if not groups:
        return filtered(exp.Count(this=exp.Star()), condition)
    value = groups[0] if len(groups) == 1 else exp.Tuple(expressions=groups)
    return filtered(exp.Count(this=exp.Distinct(expressions=[value])), condition)


def _worth(measure: Faded, age: exp.Expression, dialect: Dialect) -> exp.Expression:
    """sign × ((|points| × 1000 × (W − age in whole days)) div W), W in days. The age lies within [0, W days)."""
    days = (measure.query.within or DAY) // DAY
    left = minus(num(days), divide(age, DAY, dialect))
    worth = divide(times(num(abs(measure.points) * THOUSANDTHS), left), days, dialect)
    return exp.Neg(this=exp.Paren(this=worth)) if measure.points < 0 else worth


def _change(source: Source, where: Pass, measure: Measure, kinds: frozenset[str] | None) -> exp.Expression:
    """When time alone next changes what this touch adds: it begins, fades a step, or leaves the window."""
    at, now, age = col("at", "t"), source.now, _age(source)
    match = _match(source, measure, kinds)
    if isinstance(measure, People) and where == "circle":
        match = both([match, exp.Not(this=exp.Is(this=col("person_key", "t"), expression=exp.null()))])
    branches = [(exp.GT(this=at, expression=now), at)]
    within = window(measure)
    if within is not None:
        step: exp.Expression = num(within)
        if isinstance(measure, Faded):
            step = times(plus(divide(age, DAY, source.dialect), num(1)), num(DAY))
        branches.append((exp.LT(this=age, expression=num(within)), plus(at, step)))
    return case([(match, case(branches))])


def value_of(measure: Measure, found: tuple[Measure, ...]) -> exp.Expression:
    """A measure's number beside a lead; 0 where it has no touches."""
    name = measure_column(measure, found)
    own = needs_stage(measure)
    passes: tuple[Pass, ...] = ("circle", "alone") if by_account(measure) else ("own",)
    return coalesce(*(col(name, stage_name(p, measure, found) if own else p) for p in passes), num(0))
