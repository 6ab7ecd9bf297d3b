"""Comparisons with constants, in SQL: the same three-valued answer as `evaluate.compare`, from bytes and integers."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from sqlglot import exp

from leadpact.language.needs import column, entries_of, form_of, is_domains, shortened
from leadpact.language.nodes import Agreement, Constant, Form, ListRef, Operator, Scaled, Test
from leadpact.language.sql_expr import Dialect, boolean, both, case, col, either, known, named, num, text

FEW = 4
"""Up to so many domains are compared one by one, which is faster than taking values apart."""
LONG = 100
"""A list of more entries is written into the query once, beside the row that it is asked of; tests read the answer."""

_BOUNDS = {
    Operator.AT_LEAST: exp.GTE,
    Operator.AT_MOST: exp.LTE,
    Operator.ABOVE: exp.GT,
    Operator.BELOW: exp.LT,
}


def compare(
    name: str, tests: tuple[Test, ...], agreement: Agreement, dialect: Dialect, table: str | None = None
) -> exp.Expression:
    """The tests on one attribute or property, joined by AND. NULL where SQL cannot know."""
    return both(_test(name, test, agreement, dialect, table) for test in tests)


def constant(value: Constant) -> exp.Expression:
    """A constant of the agreement as SQL."""
    if isinstance(value, bool):
        return boolean(value)
    return num(value.value) if isinstance(value, Scaled) else text(value)


_ESCAPED: Final = frozenset("'\\\n\r\t\b\f\v\0\x07")
"""Characters that some dialect writes otherwise inside a text; sqlglot knows how."""
Tested = Iterable[tuple[str, Test]]


def answers(tested: Tested, agreement: Agreement, dialect: Dialect) -> list[exp.Alias]:
    """The columns that hold what the tests with long lists say of a row, each once, in the order of the tests.

    What breaks without them: a list of 10,000 entries that sixty lines name is sixty times in the query, which then
    takes seconds to write and for the engine to read.
    """
    found = {_answer(name, test): (name, test) for name, test in tested if is_long(test, agreement)}
    return [named(_looked_up(name, test, agreement, dialect, None), at) for at, (name, test) in found.items()]


def is_long(test: Test, agreement: Agreement) -> bool:
    """Whether a test looks through more entries than are written where the test stands."""
    return test.operator is Operator.IN and len(entries_of(test, agreement)) > LONG


def _answer(name: str, test: Test) -> str:
    """The column of a test with a long list: the name says which one it is, a digest keeps equal names apart."""
    operand = test.operand
    said = operand.name if isinstance(operand, ListRef) else "a list"
    digest = hashlib.sha256(repr(test).encode()).hexdigest()[:8]
    return shortened(f"{name} in {said} {digest}")


def _test(name: str, test: Test, agreement: Agreement, dialect: Dialect, table: str | None) -> exp.Expression:
    if is_long(test, agreement):
        return col(_answer(name, test), table)
    return _looked_up(name, test, agreement, dialect, table)


def _looked_up(name: str, test: Test, agreement: Agreement, dialect: Dialect, table: str | None) -> exp.Expression:
    form = form_of(test, agreement)
    value = col(column(name, form), table)
    operand = test.operand
    if test.operator is Operator.KNOWN:
        return known(value) if operand is True else exp.Is(this=value, expression=exp.Null())
    if test.operator is Operator.IN:
        return _in(value, form, test, agreement, dialect)
    if test.operator is Operator.BETWEEN:
        low, high = operand  # type: ignore[misc]
        return exp.Between(this=value, low=constant(low), high=constant(high))
    if test.operator in _BOUNDS:
        return _BOUNDS[test.operator](this=value, expression=constant(operand))  # type: ignore[arg-type]
    if test.operator is Operator.IS:
        if isinstance(operand, bool):
            return value if operand else exp.Not(this=value)
        return exp.EQ(this=value, expression=constant(operand))  # type: ignore[arg-type]
    return _part(value, test.operator, str(operand), dialect)


def _part(value: exp.Expression, operator: Operator, sought: str, dialect: Dialect) -> exp.Expression:
    """Whether text holds, begins or ends with a piece. PostgreSQL has no ENDS_WITH: there the last code points are compared."""
    if not sought and operator is not Operator.HAS_WORD:
        return _never_null(value, holds=True)
    if operator is Operator.STARTS_WITH:
        return exp.StartsWith(this=value, expression=text(sought))
    if operator is Operator.ENDS_WITH:
        if dialect != "postgres":
            return exp.EndsWith(this=value, expression=text(sought))
        return exp.EQ(this=exp.Right(this=value, expression=num(len(sought))), expression=text(sought))
    piece = f" {sought} " if operator is Operator.HAS_WORD else sought
    return exp.GT(this=exp.StrPosition(this=value, substr=text(piece)), expression=num(0))


def _never_null(value: exp.Expression, *, holds: bool) -> exp.Expression:
    """A fixed answer for known values, NULL for unknown ones."""
    return case([(known(value), boolean(holds))])


def _in(value: exp.Expression, form: Form, test: Test, agreement: Agreement, dialect: Dialect) -> exp.Expression:
    wanted = {Form.TRUTH: bool, Form.NUMBER: Scaled}.get(form, str)
    entries = list(dict.fromkeys(e for e in entries_of(test, agreement) if isinstance(e, wanted)))
    if not entries:
        return _never_null(value, holds=False)
    if is_domains(test) and form is Form.TEXT:
        return either(_domains(value, [str(e) for e in entries], dialect))
    return _one_of(value, entries)


def _one_of(value: exp.Expression, entries: list[Constant]) -> exp.Expression:
    if len(entries) == 1:
        return exp.EQ(this=value, expression=constant(entries[0]))
    if len(entries) > LONG and all(isinstance(e, str) and not _ESCAPED & set(e) for e in entries):
        # A tree node an entry, made to be printed at once, would take most of the compiler's time.
        return exp.In(this=value, expressions=[exp.Var(this=", ".join(f"'{e}'" for e in entries))])
    return exp.In(this=value, expressions=[constant(e) for e in entries])


def _domains(value: exp.Expression, entries: list[str], dialect: Dialect) -> list[exp.Expression]:
    """Entries match the value itself or its end after a dot.

    Few entries are compared one by one. Of many, the last n labels of the value are looked up among the entries of n
    labels, which every engine hashes, however long the list. (Entries that begin with a dot would match labels that
    are not there, so they are always compared one by one.)
    """
    many = len(entries) > FEW
    by_labels: dict[int, list[Constant]] = defaultdict(list)
    single: list[Constant] = []
    for entry in entries:
        if many and not entry.startswith("."):
            by_labels[entry.count(".") + 1].append(entry)
        else:
            single.append(entry)
    out = [_one_of(_last_labels(value, n), found) for n, found in sorted(by_labels.items())]
    if single:
        out.append(_one_of(value, single))
    return out + [_part(value, Operator.ENDS_WITH, f".{entry}", dialect) for entry in single]


def _last_labels(value: exp.Expression, count: int) -> exp.Expression:
    """The last labels of a domain, joined by dots; missing ones are empty, and an entry has no empty first label."""
    labels = [
        exp.SplitPart(this=value.copy(), delimiter=text("."), part_index=num(-place)) for place in range(count, 0, -1)
    ]
    if count == 1:
        return labels[0]
    out: exp.Expression = labels[0]
    for label in labels[1:]:
        out = exp.DPipe(this=exp.DPipe(this=out, expression=text(".")), expression=label)
    return exp.Paren(this=out)
