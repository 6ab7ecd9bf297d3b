"""What an agreement has to be told before it can judge: which columns, which kinds, how far back.

Loaders ask here, so that they bring the engines what is read and nothing else. The engines ask here too, for the
form in which a test reads its value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from leadpact.language.nodes import (
    ActivePeople,
    Agreement,
    Attribute,
    Condition,
    Constant,
    Each,
    Form,
    If,
    Line,
    ListRef,
    Operator,
    Scaled,
    Test,
    Touched,
    TouchQuery,
    walk,
)

COLUMN_BYTES: Final = 63
"""PostgreSQL cuts identifiers off behind this many bytes; a longer column is named by a digest, on every engine."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the engines read for one agreement, sorted and without repetition.

    attributes, properties: (name, form) pairs; `column` names their columns. kinds: kinds of touch, None for every
    kind. horizon: the longest window in microseconds, 0 where no touch is read, None where a window is missing and
    all of history counts. account_touches: whether touches of others at the account are read.
    """

    attributes: tuple[tuple[str, Form], ...]
    properties: tuple[tuple[str, Form], ...]
    kinds: frozenset[str] | None
    horizon: int | None
    account_touches: bool


def column(name: str, form: Form) -> str:
    """The column of `leads` or `touches` that holds one form of an attribute or property: `account.industry|t`.

    Names longer than `COLUMN_BYTES` keep their beginning and get a digest, the same on every engine.
    """
    return shortened(f"{name}|{form.value}")


def shortened(name: str) -> str:
    """The name, or where it is longer than `COLUMN_BYTES`, its beginning and a digest of the whole."""
    raw = name.encode()
    if len(raw) <= COLUMN_BYTES:
        return name
    digest = hashlib.sha256(raw).hexdigest()[:12]
    start = raw[: COLUMN_BYTES - len(digest) - 1].decode(errors="ignore")
    return f"{start}~{digest}"


def needs(agreement: Agreement) -> Needs:
    """What the agreement reads."""
    attributes: set[tuple[str, Form]] = set()
    properties: set[tuple[str, Form]] = set()
    kinds: set[str] = set()
    every_kind = by_account = False
    windows: list[int | None] = []

    for leaf in leaves(agreement):
        if isinstance(leaf, Attribute):
            attributes |= {(leaf.field, form_of(test, agreement)) for test in leaf.tests}
        elif isinstance(leaf, ActivePeople):
            every_kind = every_kind or not leaf.kinds
            kinds |= set(leaf.kinds)
            windows.append(leaf.within)
            by_account = True
    for query in queries(agreement):
        for name, tests in query.where:
            properties |= {(name, form_of(test, agreement)) for test in tests}
        if query.distinct is not None:
            properties.add((query.distinct, Form.TEXT))
        kinds |= set(query.kinds)
        windows.append(query.within)
        by_account = by_account or query.by == "account"

    return Needs(
        attributes=tuple(sorted(attributes)),
        properties=tuple(sorted(properties)),
        kinds=None if every_kind else frozenset(kinds),
        horizon=longest(windows),
        account_touches=by_account,
    )


def longest(windows: list[int | None]) -> int | None:
    """The longest of some windows: 0 when there are none, None when one of them is for ever."""
    ends = [w for w in windows if w is not None]
    return None if len(ends) < len(windows) else max(ends, default=0)


def conditions(agreement: Agreement) -> Iterator[Condition]:
    """Every condition at the top of something: of lines, of verdicts' alternatives, of `cools`."""
    for line in agreement.lines:
        if isinstance(line.rule, If):
            yield line.rule.condition
    for verdict in agreement.verdicts:
        yield from verdict.alternatives
    if agreement.cools is not None:
        yield agreement.cools


def leaves(agreement: Agreement) -> Iterator[Condition]:
    """Every condition of the agreement and all their parts."""
    for condition in conditions(agreement):
        yield from walk(condition)


def queries(agreement: Agreement) -> Iterator[TouchQuery]:
    """Every touch query of the agreement, of `each` lines first."""
    for line in agreement.lines:
        if isinstance(line.rule, Each):
            yield line.rule.query
    for leaf in leaves(agreement):
        if isinstance(leaf, Touched):
            yield leaf.query


def texts(agreement: Agreement) -> Iterator[str]:
    """Every folded text of the agreement: what tests look for, the entries of lists, kinds of touch. Some come twice."""
    tests = [test for leaf in leaves(agreement) if isinstance(leaf, Attribute) for test in leaf.tests]
    for query in queries(agreement):
        yield from query.kinds
        tests += [test for _, found in query.where for test in found]
    constants = [
        entry for test in tests for entry in (test.operand if isinstance(test.operand, tuple) else (test.operand,))
    ]
    constants += [entry for _, entries in agreement.lists for entry in entries]
    yield from (one for one in constants if isinstance(one, str))
    for leaf in leaves(agreement):
        if isinstance(leaf, ActivePeople):
            yield from leaf.kinds


def lists_of(line: Line) -> frozenset[str]:
    """The named lists that a line looks into."""
    found = list(walk(line.rule.condition)) if isinstance(line.rule, If) else []
    tests = [test for leaf in found if isinstance(leaf, Attribute) for test in leaf.tests]
    asked = [leaf.query for leaf in found if isinstance(leaf, Touched)]
    asked += [line.rule.query] if isinstance(line.rule, Each) else []
    tests += [test for query in asked for _, told in query.where for test in told]
    return frozenset(test.operand.name for test in tests if isinstance(test.operand, ListRef))


def entries_of(test: Test, agreement: Agreement) -> tuple[Constant, ...]:
    """The constants that an `in` test looks through, a named list resolved.

    Raises KeyError when the agreement does not hold the list.
    """
    if isinstance(test.operand, ListRef):
        return agreement.list_entries(test.operand.name)
    return test.operand if isinstance(test.operand, tuple) else (test.operand,)


def form_of(test: Test, agreement: Agreement) -> Form:
    """The form of value that the test reads. A named list is read as what all its entries are, else as text."""
    if test.operator is not Operator.IN:
        return test.form
    entries = entries_of(test, agreement)
    if entries and all(isinstance(e, bool) for e in entries):
        return Form.TRUTH
    if entries and all(isinstance(e, Scaled) for e in entries):
        return Form.NUMBER
    return Form.TEXT


def is_domains(test: Test) -> bool:
    """Whether an `in` test matches subdomains too."""
    return test.domains or (isinstance(test.operand, ListRef) and test.operand.domains)
