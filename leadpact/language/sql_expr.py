"""The few SQL expressions that the compiler is built from, as sqlglot trees.

Only what three engines mean alike is used here. What breaks if something is added carelessly: `/` goes through
double in DuckDB, LEAST is rewritten for NULLs unless it is told not to be, ENDS_WITH is missing in PostgreSQL, LIKE
folds and escapes differently everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from sqlglot import exp

from leadpact.language.nodes import DAY

Dialect = Literal["postgres", "duckdb", "spark"]
DIALECTS: Final = ("postgres", "duckdb", "spark")
YEAR_ONE: Final = 719_162 * DAY
"""Microseconds from 0001-01-01 to 1970: added before days are cut, so that no engine divides a negative number."""


def col(name: str, table: str | None = None) -> exp.Column:
    """A quoted column. Quoting keeps `at` and `account.industry|t` names in every dialect."""
    return exp.column(name, table=table, quoted=True)


def named(value: exp.Expression, name: str) -> exp.Alias:
    """A value under a quoted name."""
    return exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True))


def stage(name: str) -> exp.Table:
    """A stage of the query, by its name."""
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def aliased(table: exp.Table, name: str) -> exp.Table:
    """A relation under a short quoted name."""
    table.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
    return table


def num(value: int) -> exp.Expression:
    """A whole number."""
    return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))


def text(value: str) -> exp.Expression:
    """A text constant; sqlglot escapes it for the dialect."""
    return exp.Literal.string(value)


def boolean(value: bool) -> exp.Expression:
    """TRUE or FALSE."""
    return exp.Boolean(this=value)


def both(parts: Iterable[exp.Expression]) -> exp.Expression:
    """AND over all parts; TRUE when there are none."""
    found = [exp.Paren(this=part) if isinstance(part, exp.Or) else part for part in parts]
    out = found[0] if found else boolean(True)
    for part in found[1:]:
        out = exp.And(this=out, expression=part)
    return out


def either(parts: Iterable[exp.Expression]) -> exp.Expression:
    """OR over all parts; FALSE when there are none."""
    found = list(parts)
    out = found[0] if found else boolean(False)
    for part in found[1:]:
        out = exp.Or(this=out, expression=part)
    return out


def known(value: exp.Expression) -> exp.Expression:
    """Whether a value is there."""
    return exp.Not(this=exp.Is(this=value, expression=exp.Null()))


def case(branches: Sequence[tuple[exp.Expression, exp.Expression]], default: exp.Expression | None = None) -> exp.Case:
    """CASE WHEN … THEN … ELSE … END."""
    ifs = [exp.If(this=when, true=then) for when, then in branches]
    return exp.Case(ifs=ifs, default=default)


def coalesce(value: exp.Expression, *others: exp.Expression) -> exp.Expression:
    """The first that is not NULL."""
    return exp.Coalesce(this=value, expressions=list(others))


def least(parts: Sequence[exp.Expression]) -> exp.Expression:
    """The least that is not NULL; NULL when all are."""
    if not parts:
        return exp.Null()
    return parts[0] if len(parts) == 1 else exp.Least(this=parts[0], expressions=list(parts[1:]), ignore_nulls=True)


def greatest(parts: Sequence[exp.Expression]) -> exp.Expression:
    """The greatest that is not NULL."""
    if not parts:
        return exp.Null()
    return parts[0] if len(parts) == 1 else exp.Greatest(this=parts[0], expressions=list(parts[1:]), ignore_nulls=True)


def clamp(value: exp.Expression, bound: int) -> exp.Expression:
    """The value, held within ±bound."""
    return greatest([num(-bound), least([num(bound), value])])


def total(parts: Sequence[exp.Expression]) -> exp.Expression:
    """The sum of some integers; 0 when there are none; NULL when one is."""
    found = list(parts)
    if not found:
        return num(0)
    out = found[0]
    for part in found[1:]:
        out = exp.Add(this=out, expression=part)
    return out


def paren(value: exp.Expression) -> exp.Expression:
    """Brackets where the value is an operator of its own."""
    return exp.Paren(this=value) if isinstance(value, exp.Binary | exp.Unary) else value


def plus(left: exp.Expression, right: exp.Expression) -> exp.Expression:
    """left + right."""
    return exp.Add(this=paren(left), expression=paren(right))


def minus(left: exp.Expression, right: exp.Expression) -> exp.Expression:
    """left − right."""
    return exp.Sub(this=paren(left), expression=paren(right))


def times(left: exp.Expression, right: exp.Expression) -> exp.Expression:
    """left × right."""
    return exp.Mul(this=paren(left), expression=paren(right))


def divide(left: exp.Expression, right: int, dialect: Dialect) -> exp.Expression:
    """Whole-number division of something that is not negative by a positive constant.

    PostgreSQL's `/` between integers stays whole; sqlglot's DIV() there would go through numeric.
    """
    if dialect == "postgres":
        return exp.Div(this=paren(left), expression=num(right), typed=True)
    return exp.IntDiv(this=paren(left), expression=num(right))


def utc_day(at: exp.Expression, dialect: Dialect) -> exp.Expression:
    """The number of the UTC day of an instant, from year one: equal for instants of one day, and only for those."""
    return divide(plus(at, num(YEAR_ONE)), DAY, dialect)


def bigint(value: exp.Expression) -> exp.Expression:
    """The value as a 64-bit integer: SUM widens to numeric or HUGEINT, and columns must not."""
    return exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type.BIGINT))


def zero_or_one(truth: exp.Expression) -> exp.Expression:
    """1 for true, 0 for false, NULL for unknown."""
    return exp.Cast(this=truth, to=exp.DataType(this=exp.DataType.Type.INT))


def filtered(aggregate: exp.Expression, where: exp.Expression) -> exp.Expression:
    """An aggregate over the rows where the condition is true."""
    if isinstance(where, exp.Boolean) and where.this:
        return aggregate
    return exp.Filter(this=aggregate, expression=exp.Where(this=where))
