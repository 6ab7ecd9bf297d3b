"""The scores that the lines of a dimension can give: the least and the most, in thousandths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from leadpact.language.evaluate import compare
from leadpact.language.fold import UNKNOWN, Cell, cell
from leadpact.language.nodes import (
    DAY,
    DIMENSIONS,
    THOUSANDTHS,
    Agreement,
    Attribute,
    Each,
    Form,
    If,
    Line,
    Operator,
    Scaled,
    Test,
)
from leadpact.language.possible import CANDIDATES_LIMIT, Possible, Range, never_counts, numbers, value_cell, wanted

_ANY_SCORE: Final[dict[str, Range]] = dict.fromkeys(DIMENSIONS, (None, None))
_OTHER_TEXT: Final = cell("none of the values that the agreement names")


def attainable(agreement: Agreement) -> dict[str, Range]:
    """For each dimension the least and the most that a lead can score; None where there is no end.

    Lines that ask for different values of one attribute (`1 to 50 employees`, `51 to 200`) exclude one another, and
    are counted so. Other lines are taken as independent, so the true most can be lower, never higher.
    """
    possible = Possible(agreement, _ANY_SCORE)
    found: dict[str, Range] = {}
    for dimension in DIMENSIONS:
        bands: dict[str, list[Line]] = defaultdict(list)
        ranges: list[Range] = []
        for line in agreement.lines_of(dimension):
            band = _band(line)
            if band is None:
                ranges.append(line_range(line, possible))
            else:
                bands[band].append(line)
        ranges += [_bands_range(lines, possible) for lines in bands.values()]
        found[dimension] = _sum(ranges)
    return found


def line_range(line: Line, possible: Possible) -> Range:
    """The least and the most thousandths that one line gives."""
    points = line.points * THOUSANDTHS
    if isinstance(line.rule, If):
        if possible.never(line.rule.condition):
            return 0, 0
        if possible.always(line.rule.condition):
            return points, points
        return min(points, 0), max(points, 0)
    most = _each_most(line.rule, abs(points), possible)
    if points == 0 or most == 0:
        return 0, 0
    if points > 0:
        return 0, most
    return (None if most is None else -most), 0


def _each_most(rule: Each, worth: int, possible: Possible) -> int | None:
    """The most that an `each` line gives, without its sign; None where nothing bounds it."""
    if never_counts(rule.query, possible.agreement):
        return 0
    bounds: list[int] = []
    if rule.at_most is not None:
        bounds.append(rule.at_most * THOUSANDTHS)
    query = rule.query
    if query.per_day and query.within is not None and query.distinct is None:
        bounds.append((-(-query.within // DAY) + 1) * worth)
    return min(bounds, default=None)


def _band(line: Line) -> str | None:
    """The attribute that an `if` line asks about by naming values or numbers, or None for other lines."""
    if not isinstance(line.rule, If) or not isinstance(line.rule.condition, Attribute):
        return None
    condition = line.rule.condition
    return condition.field if all(_countable(test) for test in condition.tests) else None


def _countable(test: Test) -> bool:
    if test.operator is Operator.KNOWN or numbers(test) is not None:
        return True
    if test.operator is Operator.IS:
        return True
    return test.operator is Operator.IN and isinstance(test.operand, tuple) and not test.domains


def _bands_range(lines: list[Line], possible: Possible) -> Range:
    """Lines about one attribute together: every value that can make a difference is tried."""
    conditions = [line.rule.condition for line in lines if isinstance(line.rule, If)]
    tests = [test for condition in conditions if isinstance(condition, Attribute) for test in condition.tests]
    values = list(_values(tests, possible.agreement))
    if len(lines) == 1 or len(values) > CANDIDATES_LIMIT:
        return _sum(line_range(line, possible) for line in lines)
    totals = [0]
    for value in values:
        total = 0
        for line, condition in zip(lines, conditions, strict=True):
            if isinstance(condition, Attribute) and all(
                compare(value, test, possible.agreement) is True for test in condition.tests
            ):
                total += line.points * THOUSANDTHS
        totals.append(total)
    return min(totals), max(totals)


def _values(tests: list[Test], agreement: Agreement) -> Iterable[Cell]:
    """One value for each region that the tests cut out."""
    yield UNKNOWN
    yield _OTHER_TEXT
    for test in tests:
        reach = numbers(test)
        if reach is not None:
            for end in reach:
                if end is not None:
                    yield from (value_cell(Scaled(end + step)) for step in (-1, 0, 1))
        for value in wanted(test, agreement) or ():
            yield value_cell(value)
        if test.form is Form.TRUTH:
            yield from (cell(True), cell(False))


def _sum(ranges: Iterable[Range]) -> Range:
    lows, highs = [0], [0]
    endless = [False, False]
    for low, high in ranges:
        endless = [endless[0] or low is None, endless[1] or high is None]
        lows.append(low or 0)
        highs.append(high or 0)
    return (None if endless[0] else sum(lows)), (None if endless[1] else sum(highs))
