"""What time alone can do to a verdict: nothing, lower it, raise it, or both.

While no new fact comes in, a touch can only leave its window or fade; none comes back. So whatever is counted only falls:
a line with positive points sinks, one with negative points rises, `at_least` can stop holding and `at_most` can begin to.
From there the direction of every score and clause follows, and with it which verdicts time can take away. Most leads of a
company are prospects, and most agreements give time no way to make a prospect anything else: nobody has to look at them
again every hour (Meaning 13).

How far a score is from the next bound of any clause, and how much fading can move it in a day, say how soon that can be: a lead
far above its threshold need not be looked at again with every step that fades (`turns_at`).

Facts whose own instant is still to come break the first, and are not looked at here: a running system has none, because what
arrives is at most as late as its arrival.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from leadpact.language.nodes import (
    DAY,
    DEFAULT_VERDICT,
    DIMENSIONS,
    THOUSANDTHS,
    ActivePeople,
    Agreement,
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
    walk,
)

STILL: Final = 0
RISES: Final = 1
FALLS: Final = 2
"""Directions, as bits: a truth that rises can become true, one that falls can become false; both bits are either."""


class Drift:
    """An agreement's clauses, each with the way in which time can move it. Made once for an agreement, asked for every lead."""

    __slots__ = ("_bounds", "_cools", "_ready", "_verdicts")

    def __init__(self, agreement: Agreement) -> None:
        scores = {
            dimension: _either(_points(line) for line in agreement.lines_of(dimension)) for dimension in DIMENSIONS
        }
        self._verdicts = [
            (verdict.name, [_truth(clause, scores) for clause in verdict.alternatives])
            for verdict in agreement.verdicts
            if verdict.name != DEFAULT_VERDICT
        ]
        self._ready: list[int] = dict(self._verdicts).get("sales_ready", [])
        self._cools = STILL if agreement.cools is None else _truth(agreement.cools, scores)
        self._bounds = [
            (place, _fading(agreement, dimension), bounds)
            for place, dimension in enumerate(DIMENSIONS)
            if (bounds := sorted(set(_bounds(agreement, dimension))))
        ]

    def can_change(self, verdict: str, *, alternatives: int, cools: bool) -> bool:
        """Whether time alone can change what was found of a lead: its verdict, which alternatives of sales_ready hold, `cools`.

        alternatives: bit n is set where the n-th alternative of sales_ready holds. A true answer may be too careful; a
        false one is a promise.
        """
        for name, clauses in self._verdicts:
            if name == verdict:
                if any(direction & FALLS for direction in clauses):
                    return True
                break
            if any(direction & RISES for direction in clauses):
                return True
        for place, direction in enumerate(self._ready):
            if direction & (FALLS if alternatives >> place & 1 else RISES):
                return True
        return bool(self._cools & (FALLS if cools else RISES))

    def turns_at(
        self, scores: Sequence[int], *, as_of: int, changes_at: int | None, steps_at: int | None, fades: int
    ) -> int | None:
        """Before this instant time alone changes no verdict, no alternative of sales_ready and not `cools`; None: never.

        scores: in thousandths, in the order of DIMENSIONS. The others: as `evaluate.Judgement` has them. A touch that fades takes
        a step with each whole day, so within n days it takes n + 1 at most: what is `margin` away from the next bound cannot
        be there before `margin / fades - 1` days are over.
        """
        return _earliest(self._reaches(self._margin(scores), as_of, changes_at, fades), steps_at)

    def stale_at(self, *, as_of: int, changes_at: int | None, steps_at: int | None, fades: int) -> int | None:
        """Before this instant no score is a whole point from what it was as of `as_of`; None: it never will be."""
        return _earliest(self._reaches(THOUSANDTHS, as_of, changes_at, fades), steps_at)

    def _margin(self, scores: Sequence[int]) -> int | None:
        """How many thousandths fading is away from the next bound of a score; None where it goes towards none."""
        margins: list[int] = []
        for place, direction, bounds in self._bounds:
            score = scores[place]
            above = bisect_right(bounds, score)
            if direction & FALLS and above:
                margins.append(score - bounds[above - 1] + 1)
            if direction & RISES and above < len(bounds):
                margins.append(bounds[above] - score)
        return min(margins, default=None)

    @staticmethod
    def _reaches(margin: int | None, as_of: int, changes_at: int | None, fades: int) -> int | None:
        """The first instant at which steps of `fades` a day may have moved a score by `margin`."""
        if margin is None or fades == 0 or changes_at is None:
            return None
        return max(changes_at, as_of + (-(-margin // fades) - 1) * DAY)


def _earliest(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _fading(agreement: Agreement, dimension: str) -> int:
    """The way in which steps of fading alone move a score."""
    lines = [line for line in agreement.lines_of(dimension) if isinstance(line.rule, Each) and line.rule.fades]
    return _either(FALLS if line.points > 0 else RISES for line in lines if line.points)


def _bounds(agreement: Agreement, dimension: str) -> Iterator[int]:
    """Scores at which some comparison of it turns, as the least score on the far side."""
    asked = [clause for verdict in agreement.verdicts for clause in verdict.alternatives]
    for clause in asked if agreement.cools is None else [*asked, agreement.cools]:
        for leaf in walk(clause):
            if isinstance(leaf, Score) and leaf.dimension == dimension:
                if leaf.at_least is not None:
                    yield leaf.at_least
                if leaf.at_most is not None:
                    yield leaf.at_most + 1


def _either(directions: Iterable[int]) -> int:
    found = STILL
    for direction in directions:
        found |= direction
    return found


def _turned(direction: int) -> int:
    return (RISES if direction & FALLS else STILL) | (FALLS if direction & RISES else STILL)


def _points(line: Line) -> int:
    """The way of a line's points, in the direction of larger numbers."""
    if line.points == 0:
        return STILL
    rule = line.rule
    counted = STILL if isinstance(rule, Each) and rule.query.within is None else FALLS
    direction = _truth(rule.condition, {}) if isinstance(rule, If) else counted
    return direction if line.points > 0 else _turned(direction)


def _truth(condition: Condition, scores: Mapping[str, int]) -> int:
    match condition:
        case Attribute():
            return STILL
        case Touched(query=query):
            return _bounded(STILL if query.within is None else FALLS, condition.at_least > 0, condition.at_most)
        case ActivePeople():
            return _bounded(STILL if condition.within is None else FALLS, condition.at_least > 0, condition.at_most)
        case Score():
            return _bounded(scores[condition.dimension], condition.at_least is not None, condition.at_most)
        case Not(part=part):
            return _turned(_truth(part, scores))
        case All(parts=parts) | Any(parts=parts):
            return _either(_truth(part, scores) for part in parts)


def _bounded(number: int, at_least: bool, at_most: int | None) -> int:
    """The way of a truth that holds between bounds, of a number that goes this way."""
    return (number if at_least else STILL) | (STILL if at_most is None else _turned(number))
