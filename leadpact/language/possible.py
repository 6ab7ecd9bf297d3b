"""What a condition can be at all: never true, always true, or true whenever another one is.

Every answer errs on the silent side: "never" and "always" are said only where they are certain, because a warning
that is wrong once is not read the second time. Values are tried with the reference's own comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leadpact.language.evaluate import compare
from leadpact.language.fold import Cell, cell
from leadpact.language.nodes import (
    NUMBER_SCALE,
    ActivePeople,
    Agreement,
    All,
    Any,
    Attribute,
    Condition,
    Constant,
    Form,
    ListRef,
    Not,
    Operator,
    Scaled,
    Score,
    Test,
    Touched,
    TouchQuery,
)

CANDIDATES_LIMIT: Final = 1_000
Tests = tuple[Test, ...]
Range = tuple[int | None, int | None]


def value_cell(constant: Constant) -> Cell:
    """The cell of a value that equals this constant."""
    if isinstance(constant, Scaled):
        return cell(Decimal(constant.value) / NUMBER_SCALE)
    return cell(constant)


def numbers(test: Test) -> Range | None:
    """The scaled numbers, both ends included, between which a number test holds; None for other tests."""
    operand = test.operand
    if test.operator is Operator.BETWEEN and isinstance(operand, tuple):
        low, high = operand
        return (low.value, high.value) if isinstance(low, Scaled) and isinstance(high, Scaled) else None
    if not isinstance(operand, Scaled):
        return None
    value = operand.value
    return {
        Operator.IS: (value, value),
        Operator.AT_LEAST: (value, None),
        Operator.ABOVE: (value + 1, None),
        Operator.AT_MOST: (None, value),
        Operator.BELOW: (None, value - 1),
    }.get(test.operator)


def meet(ranges: Iterable[Range]) -> Range:
    """The numbers that lie in all of these ranges."""
    low = high = None
    for start, end in ranges:
        low = start if low is None else low if start is None else max(low, start)
        high = end if high is None else high if end is None else min(high, end)
    return low, high


def empty(reach: Range) -> bool:
    """Whether no number lies in the range."""
    low, high = reach
    return low is not None and high is not None and low > high


def inside(inner: Range, outer: Range) -> bool:
    """Whether every number of one range lies in the other."""
    low = outer[0] is None or (inner[0] is not None and inner[0] >= outer[0])
    high = outer[1] is None or (inner[1] is not None and inner[1] <= outer[1])
    return low and high


# --- tests of one value ------------------------------------------------------------------


def contradict(tests: Tests, agreement: Agreement) -> bool:
    """Whether no value can pass all these tests."""
    missing = [test for test in tests if test.operator is Operator.KNOWN and test.operand is False]
    if missing and len(missing) < len(tests):
        return True
    if empty(meet(reach for reach in map(numbers, tests) if reach is not None)):
        return True
    for operator, fits in ((Operator.STARTS_WITH, str.startswith), (Operator.ENDS_WITH, str.endswith)):
        ends = sorted({str(test.operand) for test in tests if test.operator is operator}, key=len)
        if any(not fits(longer, shorter) for longer in ends for shorter in ends if len(shorter) <= len(longer)):
            return True
    return any(_excluded(test, tests, agreement) for test in tests)


def _excluded(finite: Test, tests: Tests, agreement: Agreement) -> bool:
    """Whether a test names the values it wants, and each of them fails another test."""
    values = wanted(finite, agreement)
    if values is None or len(values) > CANDIDATES_LIMIT:
        return False
    others = [test for test in tests if test is not finite and _same_form(finite, values, test)]
    return all(any(compare(value_cell(value), test, agreement) is not True for test in others) for value in values)


def _same_form(finite: Test, values: tuple[Constant, ...], other: Test) -> bool:
    """A text is known to the letter; of a number or a boolean only that is known (5 may stand there as 5.0)."""
    if values and isinstance(values[0], str):
        return True
    return other.operator is Operator.KNOWN or other.form is finite.form


def wanted(test: Test, agreement: Agreement) -> tuple[Constant, ...] | None:
    """The values that a test names one by one, or None where it does not."""
    operand = test.operand
    if test.operator is Operator.IS and not isinstance(operand, ListRef | tuple):
        return (operand,)
    if test.operator is not Operator.IN:
        return None
    domains, values = test.domains, operand
    if isinstance(operand, ListRef):
        domains, values = operand.domains, agreement.list_entries(operand.name)
    if not isinstance(values, tuple):
        return None
    subdomains = domains and bool(values) and isinstance(values[0], str)
    return None if subdomains or len(set(map(type, values))) > 1 else values


def never_counts(query: TouchQuery, agreement: Agreement) -> bool:
    """Whether no touch can pass the `where` of a query."""
    return any(contradict(tests, agreement) for _, tests in query.where)


# --- conditions --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Possible:
    """What conditions of one agreement can be. `scores` are the ranges that each dimension's lines can give."""

    agreement: Agreement
    scores: dict[str, Range]

    def never(self, condition: Condition) -> bool:
        """Whether it is true for no lead."""
        match condition:
            case Attribute(tests=tests):
                return contradict(tests, self.agreement)
            case Touched(query=query, at_least=low, at_most=high):
                return empty((low, high)) or (low > 0 and never_counts(query, self.agreement))
            case ActivePeople(at_least=low, at_most=high):
                return empty((low, high))
            case Score():
                return empty(meet([(condition.at_least, condition.at_most), self.scores[condition.dimension]]))
            case All(parts=parts):
                return any(map(self.never, parts)) or self._clash(tuple(_flat(condition)))
            case Any(parts=parts):
                return all(map(self.never, parts))
            case Not(part=part):
                return self.always(part)

    def always(self, condition: Condition) -> bool:
        """Whether it is true for every lead."""
        match condition:
            case Attribute():
                return False
            case Touched(at_least=low, at_most=high) | ActivePeople(at_least=low, at_most=high):
                return low <= 0 and high is None
            case Score():
                return inside(self.scores[condition.dimension], (condition.at_least, condition.at_most))
            case All(parts=parts):
                return all(map(self.always, parts))
            case Any(parts=parts):
                return any(map(self.always, parts))
            case Not(part=part):
                return self._false(part)

    def _false(self, condition: Condition) -> bool:
        """Whether it is false (not merely unknown) for every lead."""
        match condition:
            case Attribute():
                return False
            case All(parts=parts):
                return any(map(self._false, parts))
            case Any(parts=parts):
                return all(map(self._false, parts))
            case Not(part=part):
                return self.always(part)
            case _:
                return self.never(condition)

    def _clash(self, parts: tuple[Condition, ...]) -> bool:
        """Whether parts that are possible one by one cannot hold together."""
        tests: dict[str, Tests] = {}
        bounds: dict[object, list[Range]] = {}
        for part in parts:
            match part:
                case Attribute(field=name):
                    tests[name] = tests.get(name, ()) + part.tests
                case Score(dimension=name):
                    bounds.setdefault(name, []).append((part.at_least, part.at_most))
                case Touched(query=query):
                    bounds.setdefault(query, []).append((part.at_least, part.at_most))
                case Not(part=inner) if inner in parts:
                    return True
                case _:
                    pass
        clashing = any(contradict(together, self.agreement) for together in tests.values())
        return clashing or any(empty(meet(ranges)) for ranges in bounds.values())


def _flat(condition: Condition) -> Iterator[Condition]:
    """The parts that must all hold."""
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _flat(part)
    else:
        yield condition


# --- one condition and another -----------------------------------------------------------


def implies(one: Condition, other: Condition) -> bool:
    """Whether the other holds whenever this one does, as far as their shape shows."""
    if one == other:
        return True
    if isinstance(one, Any):
        return all(implies(part, other) for part in one.parts)
    if isinstance(other, All):
        return all(implies(one, part) for part in other.parts)
    if isinstance(other, Any) and any(implies(one, part) for part in other.parts):
        return True
    if isinstance(one, All) and any(implies(part, other) for part in one.parts):
        return True
    return _leaf_implies(one, other)


def _leaf_implies(one: Condition, other: Condition) -> bool:
    match one, other:
        case Score(dimension=mine), Score(dimension=theirs):
            return mine == theirs and inside((one.at_least, one.at_most), (other.at_least, other.at_most))
        case Touched(query=mine), Touched(query=theirs):
            bounds = inside((one.at_least, one.at_most), (other.at_least, other.at_most))
            return bounds and (mine == theirs or (other.at_most is None and _wider(mine, theirs)))
        case ActivePeople(), ActivePeople():
            same = one.kinds == other.kinds and one.within == other.within
            return same and inside((one.at_least, one.at_most), (other.at_least, other.at_most))
        case Attribute(field=mine), Attribute(field=theirs):
            return mine == theirs and all(any(_test_implies(a, b) for a in one.tests) for b in other.tests)
        case _:
            return False


def _wider(mine: TouchQuery, theirs: TouchQuery) -> bool:
    """Whether every touch that counts for one query counts for the other: same but for kinds and window."""
    if (mine.where, mine.by, mine.per_day, mine.distinct) != (theirs.where, theirs.by, theirs.per_day, theirs.distinct):
        return False
    longer = theirs.within is None or (mine.within is not None and mine.within <= theirs.within)
    return longer and set(mine.kinds) <= set(theirs.kinds)


def _test_implies(one: Test, other: Test) -> bool:
    if one == other:
        return True
    if other.operator is Operator.KNOWN and other.operand is True:
        return one.operator is not Operator.KNOWN
    mine, theirs = numbers(one), numbers(other)
    if mine is not None and theirs is not None and one.form is Form.NUMBER:
        return inside(mine, theirs)
    return one.operator is other.operator is Operator.STARTS_WITH and str(one.operand).startswith(str(other.operand))
