"""What touches add up to, in SQL: stages that group touches by lead or by account.

Three passes, each only when something needs it:
- `own`: touches of the lead, for measures by person;
- `circle`: touches of everyone at an account, once for each account, for measures by account;
- `alone`: the lead's own touches again, for measures by account of leads that have none.

Where properties are looked for in long lists, they read the stage `asked` instead of touches.

A pass is one GROUP BY with an aggregate for each measure. A measure that fades *and* is thinned out (`per`,
`distinct`) must first find the latest touch of each group, so it has a stage of its own. For DuckDB and Spark every
measure of distinct things has one: there COUNT(DISTINCT …) beside other aggregates costs a second grouping of all
rows, while a narrow stage reads its own kinds and window only. PostgreSQL judges small batches and is better off with
one pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from leadpact.language.needs import leaves, longest, queries
from leadpact.language.nodes import ActivePeople, Agreement, Test
from leadpact.language.sql_compare import answers, is_long
from leadpact.language.sql_expr import (
    aliased,
    bigint,
    both,
    case,
    coalesce,
    col,
    either,
    filtered,
    known,
    least,
    minus,
    named,
    num,
    plus,
    stage,
    total,
)
from leadpact.language.sql_measures import (
    Faded,
    Measure,
    Pass,
    People,
    Source,
    by_account,
    change,
    groups,
    kind_in,
    kinds_of,
    match,
    measure_column,
    measured,
    measures,
    next_fade,
    slope,
    thins,
    window_of,
    worth,
)

Stage = tuple[str, exp.Select]
NEVER: Final = -(2**62)
ASKED: Final = "asked"
"""The stage of touches with what long lists say of them. Engines read through it, they do not keep it: it may be of
millions of rows, of which a batch of leads looks at few."""


def stages(source: Source) -> Iterator[Stage]:
    """The stages that read touches, in order, as (name, query)."""
    found = measures(source.agreement)
    if _asks(source):
        asked = answers(_tested(source), source.agreement, source.dialect)
        yield ASKED, exp.select("*", *asked, copy=False).from_(exp.to_table(source.touches), copy=False)
    mine = [m for m in found if not by_account(m)]
    around = [m for m in found if by_account(m)]
    yield from _pass_stages(source, "own", mine, found)
    yield from _pass_stages(source, "circle", around, found)
    yield from _pass_stages(source, "alone", [m for m in around if _asked_alone(source, m)], found)


def _asks(source: Source) -> bool:
    """Whether some property of touches is looked for in a long list."""
    return any(is_long(test, source.agreement) for _, test in _tested(source))


def _tested(source: Source) -> Iterator[tuple[str, Test]]:
    for query in queries(source.agreement):
        yield from ((name, test) for name, tests in query.where for test in tests)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Columns of a stage: when time alone next changes what it says, steps of fading aside; and where something of it fades,
    when that next takes a step, and how much such steps move.
    """

    steps: exp.Expression
    next_fade: exp.Expression | None
    fades: exp.Expression | None


def ahead_in(source: Source) -> list[Ahead]:
    """What each stage says of the time ahead."""
    found = measures(source.agreement)
    fading: dict[str, bool] = {}
    for place, measure in _placed(source, found):
        name = _stage_of(source, place, measure, found) if isinstance(measure, People) else place
        fading[name] = fading.get(name, False) or isinstance(measure, Faded)
    return [
        Ahead(col("steps", name), col("next_fade", name) if fades else None, col("fades", name) if fades else None)
        for name, fades in fading.items()
    ]


def _placed(source: Source, found: tuple[Measure, ...]) -> Iterator[tuple[Pass, Measure]]:
    for measure in found:
        if not by_account(measure):
            yield "own", measure
            continue
        yield "circle", measure
        if _asked_alone(source, measure):
            yield "alone", measure


def value_of(measure: Measure, source: Source, found: tuple[Measure, ...]) -> exp.Expression:
    """A measure's number beside a lead; 0 where it has no touches."""
    name = measure_column(measure, found)
    passes: list[Pass] = ["own"]
    if by_account(measure):
        passes = ["circle", "alone"] if _asked_alone(source, measure) else ["circle"]
    return coalesce(*(col(name, _stage_of(source, place, measure, found)) for place in passes), num(0))


def _pass_stages(source: Source, where: Pass, wanted: list[Measure], found: tuple[Measure, ...]) -> Iterator[Stage]:
    apart = [m for m in wanted if _stands_apart(source, where, m)]
    together = [m for m in wanted if m not in apart or (source.extras and not isinstance(m, People))]
    if together:
        yield where, _pass(source, where, together, found)
    for measure in apart:
        built = _people if isinstance(measure, People) and source.extras else _thinned
        yield _stage_of(source, where, measure, found), built(source, where, measure, found)


def _stands_apart(source: Source, where: Pass, measure: Measure) -> bool:
    """Whether a measure has a stage of its own in this pass."""
    if isinstance(measure, People):
        return source.extras or (where == "circle" and source.dialect != "postgres")
    return thins(measure) and (isinstance(measure, Faded) or source.dialect != "postgres")


def _stage_of(source: Source, where: Pass, measure: Measure, found: tuple[Measure, ...]) -> str:
    """The stage that a measure is read from."""
    return f"{where}_{measure_column(measure, found)}" if _stands_apart(source, where, measure) else where


def _asked_alone(source: Source, measure: Measure) -> bool:
    """Whether leads without an account are looked at: nobody alone is two people, unless time is asked for as well."""
    if source.extras or not isinstance(measure, People):
        return True
    return any(clause.at_least < 2 for clause in _clauses(source.agreement, measure))


def _clauses(agreement: Agreement, measure: People) -> Iterator[ActivePeople]:
    for leaf in leaves(agreement):
        if isinstance(leaf, ActivePeople) and People(leaf.kinds, leaf.within) == measure:
            yield leaf


# --- stages -----------------------------------------------------------------------------


def _pass(source: Source, where: Pass, wanted: list[Measure], found: tuple[Measure, ...]) -> exp.Select:
    """Every measure of a pass that needs no stage of its own; with extras, when time alone next changes one."""
    tested = _kinds(wanted)
    query = _grouped(source, where).where(_stands(source, wanted, later=source.extras), copy=False)
    for measure in wanted:
        if not _stands_apart(source, where, measure):
            name = measure_column(measure, found)
            query = query.select(named(measured(source, where, measure, tested), name), copy=False)
    if source.extras:
        query = query.select(*_ahead(source, where, wanted, tested), copy=False)
    return query


def _ahead(source: Source, where: Pass, wanted: list[Measure], tested: frozenset[str] | None) -> list[exp.Expression]:
    """The columns of `Ahead`, of the measures of a pass."""
    steps = list(dict.fromkeys(change(source, where, measure, tested) for measure in wanted))
    out: list[exp.Expression] = [named(exp.Min(this=least(steps)), "steps")]
    faded = [measure for measure in wanted if isinstance(measure, Faded)]
    if not faded:
        return out
    coming = list(dict.fromkeys(next_fade(source, where, measure, tested) for measure in faded))
    moved = [coalesce(exp.Sum(this=slope(source, where, measure, tested)), num(0)) for measure in faded]
    return [*out, named(exp.Min(this=least(coming)), "next_fade"), named(bigint(total(moved)), "fades")]


def _thinned(source: Source, where: Pass, measure: Measure, found: tuple[Measure, ...]) -> exp.Select:
    """The latest touch of each day, value or person, then how many those are or what they are worth."""
    rows = _grouped(source, where).where(_stands(source, [measure], later=False), copy=False)
    matches = match(source, measure, where, kinds_of(measure))
    if not isinstance(matches, exp.Boolean):
        rows = rows.where(matches, copy=False)
    rows = rows.group_by(*groups(source, measure, where), copy=False)
    added: exp.Expression = exp.Count(this=exp.Star())
    if isinstance(measure, Faded):
        rows = rows.select(named(exp.Max(this=col("at", "t")), "at"), copy=False)
        age = minus(col("as_of", "f") if source.as_of is None else num(source.as_of), col("at", "f"))
        added = bigint(exp.Sum(this=worth(measure, age, source.dialect)))
    keys = source.keys(_identity(where))
    outer = exp.select(*(col(key, "f") for key in keys), named(added, measure_column(measure, found)), copy=False)
    outer = outer.from_(rows.subquery("f", copy=False), copy=False)
    return outer.group_by(*(col(key, "f") for key in keys), copy=False)


def _people(source: Source, where: Pass, measure: Measure, found: tuple[Measure, ...]) -> exp.Select:
    """How many people are active, and when their number first passes a bound that some clause compares it with.

    Somebody stops being active with their latest touch, not with each. Who was active last ends last: with the third most recent,
    there are fewer than three.
    """
    at, later = col("at", "t"), exp.GT(this=col("at", "t"), expression=source.now)
    rows = _grouped(source, where).where(_stands(source, [measure], later=True), copy=False)
    matches = match(source, measure, where, kinds_of(measure))
    if not isinstance(matches, exp.Boolean):
        rows = rows.where(matches, copy=False)
    rows = rows.group_by(*groups(source, measure, where), copy=False)
    rows = rows.select(
        named(filtered(exp.Max(this=at), exp.Not(this=later)), "latest"),
        named(filtered(exp.Min(this=at), later), "later"),
        copy=False,
    )
    keys = source.keys(_identity(where))
    within, bounds = window_of(measure), _bounds(source.agreement, measure)
    people: exp.Expression = rows.subquery("f", copy=False)
    changes: list[exp.Expression] = [col("later", "f")]
    if within is not None and bounds:
        ends: exp.Expression = plus(col("latest", "f"), num(within))
        if where == "circle":
            people = _placed_by_recency(people, keys)
            passed = either([exp.EQ(this=col("place", "f"), expression=num(bound)) for bound in bounds])
            changes.insert(0, case([(passed, ends)]))
        elif 1 in bounds:  # who stands alone is one person
            changes.insert(0, ends)
    outer = exp.select(
        *(col(key, "f") for key in keys),
        named(exp.Count(this=col("latest", "f")), measure_column(measure, found)),
        named(exp.Min(this=least(changes)), "steps"),
        copy=False,
    )
    return outer.from_(people, copy=False).group_by(*(col(key, "f") for key in keys), copy=False)


def _placed_by_recency(people: exp.Expression, keys: tuple[str, ...]) -> exp.Expression:
    """People with their places: the most recent is the first; who is still to come has the last, and no latest touch."""
    latest = coalesce(col("latest", "f"), num(NEVER))
    place = exp.Window(
        this=exp.RowNumber(),
        partition_by=[col(key, "f") for key in keys],
        order=exp.Order(expressions=[exp.Ordered(this=latest, desc=True, nulls_first=False)]),
    )
    query = exp.select(*(col(name, "f") for name in (*keys, "latest", "later")), named(place, "place"), copy=False)
    return query.from_(people, copy=False).subquery("f", copy=False)


def _bounds(agreement: Agreement, measure: Measure) -> list[int]:
    """Every number of people below which some clause turns that compares this measure."""
    if not isinstance(measure, People):
        return []
    return sorted({bound for clause in _clauses(agreement, measure) for bound in clause.bounds})


def _identity(where: Pass) -> str:
    return "account_key" if where == "circle" else "lead_id"


def _grouped(source: Source, where: Pass) -> exp.Select:
    """Touches, grouped by whose judgement they are for.

    Where all are judged as of one instant, `own` and `circle` read touches without a look at leads; touches of no
    lead in the relation fall away when the stages are joined.
    """
    identity = _identity(where)
    without_leads = source.as_of is not None and where != "alone"
    keys = [col(key, "t" if without_leads else "l") for key in source.keys(identity)]
    touches = aliased(stage(ASKED) if _asks(source) else exp.to_table(source.touches), "t")
    query = exp.select(*keys, copy=False)
    if without_leads:
        query = query.from_(touches, copy=False)
        if where == "circle":
            query = query.where(known(col(identity, "t")), copy=False)
    else:
        on = exp.EQ(this=col(identity, "t"), expression=col(identity, "l"))
        query = query.from_(_askers(source, where), copy=False).join(touches, on=on, copy=False)
    return query.group_by(*keys, copy=False)


def _askers(source: Source, where: Pass) -> exp.Expression:
    """Whose judgement touches are gathered for: leads, accounts once each, or leads without an account."""
    leads = exp.to_table(source.leads)
    if where == "own":
        return aliased(leads, "l")
    columns = [col(_identity(where))] if source.as_of is not None else [col(_identity(where)), col("as_of")]
    query = exp.select(*columns, copy=False).from_(leads, copy=False)
    has_account = known(col("account_key"))
    if where == "circle":
        query = query.distinct(copy=False).where(has_account, copy=False)
    else:
        query = query.where(exp.Not(this=has_account), copy=False)
    return query.subquery("l", copy=False)


def _stands(source: Source, wanted: list[Measure], *, later: bool) -> exp.Expression:
    """Whether a touch is known, stands, and is young enough to matter to one of the measures.

    `later` lets in touches whose own instant is still to come: they say when something will change.
    """
    now, void = source.now, col("void_at", "t")
    parts: list[exp.Expression] = []
    horizon = longest([window_of(m) for m in wanted])
    if horizon is not None:
        parts.append(source.since(horizon))
    parts += _kinds_within(source, wanted, horizon)
    if not later:
        parts.append(exp.LTE(this=col("at", "t"), expression=now))
    parts.append(exp.LTE(this=col("known_at", "t"), expression=now))
    stands = either([exp.Is(this=void, expression=exp.Null()), exp.GT(this=void, expression=now)])
    parts.append(exp.Paren(this=stands))
    return both(parts)


def _kinds(wanted: list[Measure]) -> frozenset[str] | None:
    kinds = [kinds_of(measure) for measure in wanted]
    return None if None in kinds else frozenset().union(*(k for k in kinds if k is not None))


def _kinds_within(source: Source, wanted: list[Measure], horizon: int | None) -> list[exp.Expression]:
    """Each kind with the longest window that anybody counts it in: rare kinds of half a year must not let in
    half a year of page views.
    """
    if _kinds(wanted) is None:
        return []
    windows: dict[str, list[int | None]] = defaultdict(list)
    for measure in wanted:
        for kind in kinds_of(measure) or ():
            windows[kind].append(window_of(measure))
    by_window: dict[int | None, set[str]] = defaultdict(set)
    for kind, found in windows.items():
        by_window[longest(found)].add(kind)
    parts: list[exp.Expression] = []
    for window, kinds in sorted(by_window.items(), key=lambda item: sorted(item[1])):
        part = kind_in(frozenset(kinds))
        if window is not None and window != horizon:
            part = exp.Paren(this=both([part, source.since(window)]))
        parts.append(part)
    return [parts[0]] if len(parts) == 1 else [exp.Paren(this=either(parts))]
