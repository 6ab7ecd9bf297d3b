"""The compiler: an agreement becomes one query that judges every lead of a relation.

The query is a list of named stages, each a common table expression that can be run alone to see what it holds
(`Compiled.until`):

    asked              touches with what long lists say of them, only where there are such lists
    own, circle, alone   what touches add up to (`sql_touches`), each only when something needs it
    facts                one row a lead: points of each line, and the facts that verdicts ask for
    scores               the sums by dimension
    clauses              each alternative of each verdict, true or false
    (the query itself)   the verdict, the clause that decided, and the extras

It reads two relations, which the caller provides as tables, views or, with `Compiled.over`, as queries:

    leads    lead_id, as_of BIGINT, account_key, and a column for each of `needs(agreement).attributes`;
             one row for each (lead_id, as_of)
    touches  touch_id, lead_id, person_key, account_key, kind, at, known_at, void_at (BIGINT, void_at may be NULL),
             and a column for each of `needs(agreement).properties`

and answers, for each row of leads: lead_id, as_of, verdict, decided_by, fit, engagement, readiness, one `points.LINE`
for each line, and with extras: alternatives, cools, distance, changes_at, steps_at, fades (as `evaluate.Judgement` has
them). Integers are BIGINT. In PostgreSQL an output column with a name over 63 bytes is cut off: read by position
(`Compiled.columns`).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from leadpact.language.needs import column, conditions, leaves, shortened
from leadpact.language.needs import needs as needs_of
from leadpact.language.nodes import (
    DEFAULT_VERDICT,
    DIMENSIONS,
    ActivePeople,
    Agreement,
    Attribute,
    If,
    Touched,
    walk,
)
from leadpact.language.sql_compare import answers
from leadpact.language.sql_expr import (
    DIALECTS,
    Dialect,
    bigint,
    boolean,
    case,
    coalesce,
    col,
    known,
    least,
    named,
    num,
    stage,
    text,
    total,
)
from leadpact.language.sql_measures import Source, measures
from leadpact.language.sql_touches import ASKED, ahead_in, stages
from leadpact.language.sql_verdict import Leaf, fact, join, line_points, missing, score

MAX_ALTERNATIVES = 62
"""Alternatives of sales_ready are told as bits of a 64-bit integer."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """One query for one dialect. `stages` are its parts, in order; the last one, `judged`, is the answer itself."""

    dialect: Dialect
    stages: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    materialized: bool

    @property
    def sql(self) -> str:
        """The whole query."""
        return self._with(self.stages[:-1], self.stages[-1][1])

    def until(self, name: str) -> str:
        """A query that shows one stage. Raises ValueError when there is none of this name."""
        names = [stage for stage, _ in self.stages]
        place = names.index(name)
        return self._with(self.stages[:place], self.stages[place][1])

    def over(self, *, leads: str, touches: str) -> str:
        """The query with its relations, named `leads` and `touches`, given as queries in front."""
        return f"WITH leads AS (\n{leads}\n), touches AS (\n{touches}\n)\nSELECT * FROM (\n{self.sql}\n) AS judged"

    def _hint(self, name: str) -> str:
        """Whether the engine keeps a stage's rows or reads through it; Spark decides by itself."""
        if name == ASKED:
            return "" if self.dialect == "spark" else " NOT MATERIALIZED"
        return " MATERIALIZED" if self.materialized else ""

    def _with(self, before: tuple[tuple[str, str], ...], last: str) -> str:
        if not before:
            return last
        ctes = ",\n".join(f"{name} AS{self._hint(name)} (\n{sql}\n)" for name, sql in before)
        return f"WITH {ctes}\n{last}"


def compile_sql(
    agreement: Agreement,
    dialect: Dialect,
    *,
    leads: str = "leads",
    touches: str = "touches",
    extras: bool = True,
    as_of: int | None = None,
) -> Compiled:
    """The query for an agreement.

    extras: also alternatives, cools, distance, changes_at, steps_at and fades. as_of: one instant for all leads, written into the
    query; then the column `as_of` of leads is not read, and touches are added up without a look at leads first.

    Raises ValueError for an unknown dialect, and for more than 62 alternatives of sales_ready.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"{dialect} is not one of {', '.join(DIALECTS)}")
    ready = agreement.verdict("sales_ready")
    if ready is not None and len(ready.alternatives) > MAX_ALTERNATIVES:
        raise ValueError(f"sales_ready has more than {MAX_ALTERNATIVES} alternatives")
    source = Source(agreement, dialect, leads, touches, as_of, extras)
    built = list(stages(source))
    built.append(("facts", _facts(source, [name for name, _ in built])))
    built += [("scores", _scores(source)), ("clauses", _clauses(source)), ("judged", _judged(source))]
    texts = tuple((name, query.sql(dialect=dialect, pretty=True, identify=True, copy=False)) for name, query in built)
    return Compiled(dialect, texts, tuple(built[-1][1].named_selects), materialized=dialect == "postgres")


def points_column(line_id: str) -> str:
    """The output column of a line."""
    return f"points.{line_id}"


def _kept(line_id: str) -> str:
    """The column that carries a line's points between stages: short enough to be told apart in PostgreSQL."""
    return shortened(points_column(line_id))


# --- stages -----------------------------------------------------------------------------


def _facts(source: Source, passes: list[str]) -> exp.Select:
    """One row a lead: points of each line, facts that verdicts ask for, and when time next changes something."""
    agreement, found = source.agreement, measures(source.agreement)
    query = exp.select(col("lead_id", "s"), *_instant(source, "s"))
    for line in agreement.lines:
        points = bigint(line_points(line, source, found))
        query = query.select(named(points, _kept(line.id)), copy=False)
    for leaf, name in _verdict_facts(agreement).items():
        query = query.select(named(fact(leaf, source, found), name), copy=False)
    if source.extras:
        query = query.select(*_ahead(source), copy=False)
    query = query.from_(_subject(source), copy=False)
    for name in passes:
        if name == ASKED:
            continue
        identity = "account_key" if name.startswith("circle") else "lead_id"
        keys = source.keys(identity)
        on = exp.and_(*(exp.EQ(this=col(key, name), expression=col(key, "s")) for key in keys))
        query = query.join(stage(name), on=on, join_type="left", copy=False)
    return query


def _ahead(source: Source) -> list[exp.Expression]:
    """When time alone changes something, when it changes something that does not fade, and how much fading moves in a step."""
    found = ahead_in(source)
    steps = [one.steps for one in found]
    coming = [one.next_fade for one in found if one.next_fade is not None]
    return [
        named(bigint(least([*steps, *coming])), "changes_at"),
        named(bigint(least([step.copy() for step in steps])), "steps_at"),
        named(bigint(total([coalesce(one.fades, num(0)) for one in found if one.fades is not None])), "fades"),
    ]


def _subject(source: Source) -> exp.Expression:
    """Leads, with what they say of an account made unknown where they have none."""
    asked = needs_of(source.agreement).attributes
    query = exp.select(col("lead_id"), *_instant(source, None), col("account_key"))
    for name, form in asked:
        value: exp.Expression = col(column(name, form))
        if name.startswith("account."):
            has_account = known(col("account_key"))
            value = named(case([(has_account, value)]), column(name, form))
        query = query.select(value, copy=False)
    tested = [
        (leaf.field, test) for leaf in leaves(source.agreement) if isinstance(leaf, Attribute) for test in leaf.tests
    ]
    for answer in answers(tested, source.agreement, source.dialect):
        if answer.alias.startswith("account."):
            answer.set("this", case([(known(col("account_key")), answer.this)]))
        query = query.select(answer, copy=False)
    return query.from_(exp.to_table(source.leads), copy=False).subquery("s", copy=False)


def _instant(source: Source, table: str | None) -> list[exp.Expression]:
    if source.as_of is None or table is not None:
        return [col("as_of", table)]
    return [named(bigint(num(source.as_of)), "as_of")]


def _verdict_facts(agreement: Agreement) -> dict[Leaf, str]:
    """Facts that verdicts and `cools` ask for, each with the column that carries it past the scores."""
    lines = [line.rule.condition for line in agreement.lines if isinstance(line.rule, If)]
    out: dict[Leaf, str] = {}
    for condition in conditions(agreement):
        if any(condition is line for line in lines):
            continue
        for leaf in walk(condition):
            if isinstance(leaf, Attribute | Touched | ActivePeople) and leaf not in out:
                out[leaf] = f"f{len(out) + 1}"
    return out


def _points_of(agreement: Agreement, dimension: str) -> list[str]:
    return [_kept(line.id) for line in agreement.lines_of(dimension)]


def _scores(source: Source) -> exp.Select:
    query = exp.select("*")
    for dimension in DIMENSIONS:
        value = bigint(score(_points_of(source.agreement, dimension)))
        query = query.select(named(value, dimension), copy=False)
    return query.from_(stage("facts"), copy=False)


def _clauses(source: Source) -> exp.Select:
    """Each alternative as a column of its own name; one that is unknown does not hold."""
    carried = _verdict_facts(source.agreement)
    query = exp.select("*")
    for verdict in source.agreement.verdicts:
        for index, alternative in enumerate(verdict.alternatives):
            holds = coalesce(join(alternative, lambda leaf: col(carried[leaf])), boolean(False))
            query = query.select(named(holds, verdict.clause(index)), copy=False)
    return query.from_(stage("scores"), copy=False)


def _judged(source: Source) -> exp.Select:
    agreement = source.agreement
    clauses = [(verdict, verdict.clause(n)) for verdict in agreement.verdicts for n in range(len(verdict.alternatives))]
    verdict = case([(col(clause), text(v.name)) for v, clause in clauses], text(DEFAULT_VERDICT))
    decided = case([(col(clause), text(clause)) for _, clause in clauses], text(""))
    query = exp.select(
        col("lead_id"),
        col("as_of"),
        named(verdict if clauses else text(DEFAULT_VERDICT), "verdict"),
        named(decided if clauses else text(""), "decided_by"),
        *(col(dimension) for dimension in DIMENSIONS),
        *(named(col(_kept(line.id)), points_column(line.id)) for line in agreement.lines),
    )
    if source.extras:
        query = query.select(*_extras(agreement), copy=False)
    return query.from_(stage("clauses"), copy=False)


def _extras(agreement: Agreement) -> list[exp.Expression]:
    carried = _verdict_facts(agreement)
    ready = agreement.verdict("sales_ready")
    alternatives = ready.alternatives if ready else ()
    bits = [case([(col(ready.clause(n)), num(2**n))], num(0)) for n in range(len(alternatives)) if ready is not None]
    distance = least([missing(part, lambda leaf: col(carried[leaf])) for part in alternatives])
    cools = boolean(False)
    if agreement.cools is not None:
        cools = coalesce(join(agreement.cools, lambda leaf: col(carried[leaf])), boolean(False))
    return [
        named(bigint(total(bits)), "alternatives"),
        named(cools, "cools"),
        named(bigint(distance), "distance"),
        col("changes_at"),
        col("steps_at"),
        col("fades"),
    ]
