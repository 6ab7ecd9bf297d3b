"""What an agreement says of rows: the first clause that holds, exactly at each row, and what it may be until the next one.

Between two rows only fading touches change, each towards nothing; so a score then lies between what it is at the row and
just before the next one, line by line. Where that leaves the clause in doubt the days in between are looked at one by one.
Conditions are told in three possibilities (true, false, unknown), more than one of which may be open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadpact.lake.hindsight.measured import Columns, measure_of
from leadpact.lake.hindsight.segments import Ints, Segments
from leadpact.lake.hindsight.streams import FALSE, TRUE, UNKNOWN
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
)

Bools = NDArray[np.bool_]
Read = Callable[[int], NDArray[np.int32]]
"""The values of a column, for the rows in question."""
CHUNK = 200_000
"""Rows in doubt that are looked at together: bounds memory."""


@dataclass(frozen=True, slots=True)
class Open:
    """Which of true, false and unknown a condition can be, row by row."""

    true: Bools
    false: Bools
    unknown: Bools


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the most that a score can be, in thousandths."""

    low: Ints
    high: Ints


@dataclass(frozen=True, slots=True)
class Decider:
    """An agreement over the columns of a replay. `changed` may differ from what the columns were made for in what
    `Columns` does not depend on: points, caps, thresholds.
    """

    agreement: Agreement
    columns: Columns
    clauses: tuple[tuple[str, str, Condition], ...]
    """(verdict, clause, condition), in order; whatever holds none is the default."""

    @classmethod
    def of(cls, agreement: Agreement, columns: Columns) -> Decider:
        clauses = tuple(
            (verdict.name, verdict.clause(place), alternative)
            for verdict in agreement.verdicts
            for place, alternative in enumerate(verdict.alternatives)
        )
        return cls(agreement, columns, clauses)

    @property
    def names(self) -> tuple[str, ...]:
        """The verdict of each clause, then the default."""
        return (*(name for name, _, _ in self.clauses), DEFAULT_VERDICT)

    @property
    def decided_by(self) -> tuple[str, ...]:
        """The name of each clause, then nothing."""
        return (*(clause for _, clause, _ in self.clauses), "")

    # --- conditions ---------------------------------------------------------------------

    def truth(self, condition: Condition, read: Read, scores: dict[str, Range]) -> Open:
        """What a condition can be."""
        match condition:
            case All(parts) | Any(parts):
                every = isinstance(condition, All)
                found = [self.truth(part, read, scores) for part in parts]
                if not found:
                    size = len(next(iter(scores.values())).low)
                    yes = np.ones(size, bool)
                    return Open(yes, ~yes, ~yes) if every else Open(~yes, yes, ~yes)
                surely, ever = (lambda o: o.true, lambda o: o.false) if every else (lambda o: o.false, lambda o: o.true)
                one = np.logical_and.reduce([surely(part) for part in found])
                other = np.logical_or.reduce([ever(part) for part in found])
                unknown = np.logical_and.reduce([surely(part) | part.unknown for part in found])
                unknown &= np.logical_or.reduce([part.unknown for part in found])
                return Open(one, other, unknown) if every else Open(other, one, unknown)
            case Not(part):
                inner = self.truth(part, read, scores)
                return Open(inner.false, inner.true, inner.unknown)
            case Score(dimension, low, high):
                return _within(scores[dimension], low, high)
            case Attribute():
                says = read(self.columns.attribute(condition))
                return Open(says == TRUE, says == FALSE, says == UNKNOWN)
            case Touched() | ActivePeople():
                count = read(self.columns.count(measure_of(condition))).astype(np.int64)
                return _within(Range(count, count), condition.at_least, condition.at_most)

    # --- lines --------------------------------------------------------------------------

    def line_points(self, line: Line, read: Read, hollow: dict[str, Range]) -> Ints:
        """What a line that does not fade adds, in thousandths."""
        worth = line.points * THOUSANDTHS
        if isinstance(line.rule, If):
            return self.truth(line.rule.condition, read, hollow).true * np.int64(worth)
        return capped(line.rule, self._counted(line.rule, read) * worth)

    def _counted(self, rule: Each, read: Read) -> Ints:
        place = next(n for n, m in enumerate(self.columns.counts) if getattr(m, "query", None) == rule.query)
        return read(len(self.columns.attributes) + place).astype(np.int64)

    def state(self, line: Line, read: Read, size: int) -> NDArray[np.int8]:
        """Whether a line that does not fade is met: FALSE, TRUE or UNKNOWN, for so many rows."""
        if isinstance(line.rule, If):
            found = self.truth(line.rule.condition, read, _hollow(size))
            return np.where(found.true, TRUE, np.where(found.unknown, UNKNOWN, FALSE)).astype(np.int8)
        return np.where(self._counted(line.rule, read) > 0, TRUE, FALSE).astype(np.int8)

    def steady(self, values: NDArray[np.int32]) -> dict[str, Ints]:
        """The part of each score that does not fade, for each pattern."""
        size = len(values)
        read = lambda place: values[:, place]  # noqa: E731
        hollow = _hollow(size)
        out: dict[str, Ints] = {dimension: np.zeros(size, np.int64) for dimension in DIMENSIONS}
        for line in self.agreement.lines:
            if self.columns.fade(line) is None:
                out[line.dimension] = out[line.dimension] + self.line_points(line, read, hollow)
        return out

    # --- clauses ------------------------------------------------------------------------

    def decide(self, read: Read, scores: dict[str, Range]) -> NDArray[np.int16]:
        """The first clause that holds where every score is known exactly; the number of clauses where none does."""
        size = len(next(iter(scores.values())).low)
        out = np.full(size, len(self.clauses), np.int16)
        for place in range(len(self.clauses) - 1, -1, -1):
            out[self.truth(self.clauses[place][2], read, scores).true] = place
        return out

    def doubtful(self, read: Read, scores: dict[str, Range], decided: NDArray[np.int16], wanted: str | None) -> Bools:
        """Where the scores' ranges allow another clause than the one decided. wanted: where they allow this verdict."""
        size = len(decided)
        open_, doubtful = np.ones(size, bool), np.zeros(size, bool)
        for place, (name, _, condition) in enumerate(self.clauses):
            found = self.truth(condition, read, scores)
            if wanted is None:
                doubtful |= open_ & found.true & (decided != place)
            elif name == wanted:
                doubtful |= open_ & found.true
            open_ &= found.false | found.unknown
        if wanted is None:
            doubtful |= open_ & (decided != len(self.clauses))
        return doubtful

    def begins(self, read: Read, exact: dict[str, Range], ranges: dict[str, Range], verdict: str) -> Bools:
        """Where an alternative of a verdict that does not hold may come to hold before the next row."""
        out = np.zeros(len(next(iter(exact.values())).low), bool)
        for name, _, condition in self.clauses:
            if name == verdict:
                out |= self.truth(condition, read, ranges).true & ~self.truth(condition, read, exact).true
        return out


def _hollow(size: int) -> dict[str, Range]:
    """Scores for conditions that read none."""
    return dict.fromkeys(DIMENSIONS, Range(np.zeros(size, np.int64), np.zeros(size, np.int64)))


def _within(value: Range, low: int | None, high: int | None) -> Open:
    true = np.ones(len(value.low), bool)
    surely = true.copy()
    if low is not None:
        true &= value.high >= low
        surely &= value.low >= low
    if high is not None:
        true &= value.low <= high
        surely &= value.high <= high
    return Open(true, ~surely, np.zeros(len(true), bool))


def capped(rule: Each, points: Ints) -> Ints:
    """Points held within the line's cap."""
    if rule.at_most is None:
        return points
    bound = rule.at_most * THOUSANDTHS
    return np.clip(points, -bound, bound)


def worths(line: Line) -> Ints:
    """What a fading touch is worth by the days it has left (Meaning 7), from none to the whole window."""
    assert isinstance(line.rule, Each)
    days = (line.rule.query.within or DAY) // DAY
    size = abs(line.points) * THOUSANDTHS * np.arange(days + 1, dtype=np.int64) // days
    return -size if line.points < 0 else size


@dataclass(frozen=True, slots=True)
class Faded:
    """Fading touches gathered by some rows: rows in order, and for each touch which of them, which column, what it has left."""

    count: int
    place: NDArray[np.int64] | NDArray[np.int32]
    column: NDArray[np.int16]

    def add(self, decider: Decider, scores: dict[str, Ints], left: NDArray[np.int16]) -> dict[str, Ints]:
        """Scores with what fading touches add, given the days that each has left."""
        out = dict(scores)
        for line in decider.agreement.lines:
            column = decider.columns.fade(line)
            if column is None or not isinstance(line.rule, Each):
                continue
            out[line.dimension] = out[line.dimension] + self.points(line, column, left)
        return out

    def points(self, line: Line, column: int, left: NDArray[np.int16]) -> Ints:
        """What one fading line adds to each row."""
        assert isinstance(line.rule, Each)
        mine = self.column == column
        place, left = (self.place, left) if mine.all() else (self.place[mine], left[mine])
        # Sums stay far below 2^53: exact as doubles.
        summed = np.bincount(place, weights=worths(line)[left], minlength=self.count).astype(np.int64)
        return capped(line.rule, summed)

    def ranges(
        self, decider: Decider, scores: dict[str, Ints], left: NDArray[np.int16], last: NDArray[np.int16]
    ) -> dict[str, Range]:
        """The ranges of scores until the next row."""
        out = {dimension: Range(value, value) for dimension, value in scores.items()}
        for line in decider.agreement.lines:
            column = decider.columns.fade(line)
            if column is None:
                continue
            one, other = self.points(line, column, left), self.points(line, column, last)
            had = out[line.dimension]
            out[line.dimension] = Range(had.low + np.minimum(one, other), had.high + np.maximum(one, other))
        return out


@dataclass(frozen=True, slots=True)
class Decided:
    """The clause at each row, and at instants between rows where one turned; in order of `keys`."""

    keys: Ints
    clause: NDArray[np.int16]


def decide(segments: Segments, decider: Decider, *, wanted: str | None = None, each: bool = False) -> Decided:
    """What the agreement says at each row, and wherever fading turned it between rows.

    wanted: only instants at which this verdict begins are asked for; others between rows may be left out. each: also those at
    which one of its alternatives begins to hold.
    """
    found = _everywhere(segments, decider, wanted, each=each)
    if not len(segments.away_since):
        return found
    judged = segments.judged(found.keys)
    return Decided(found.keys[judged], found.clause[judged])


def _everywhere(segments: Segments, decider: Decider, wanted: str | None, *, each: bool) -> Decided:
    """The same, also where a lead is not judged."""
    steady = decider.steady(segments.values)
    read_pattern = lambda place: segments.values[:, place]  # noqa: E731
    exact = {dimension: Range(value, value) for dimension, value in steady.items()}
    clause = decider.decide(read_pattern, exact)[segments.patterns]
    rows = np.asarray(segments.fade_rows)
    if not len(rows):
        return Decided(segments.keys, clause)
    pattern = segments.patterns[rows]
    read = lambda column: segments.values[pattern, column]  # noqa: E731
    plain = {dimension: value[pattern] for dimension, value in steady.items()}
    faded = Faded(len(rows), np.asarray(segments.fade_place), np.asarray(segments.fade_column))
    now = faded.add(decider, plain, segments.fade_left)
    exact = {dimension: Range(value, value) for dimension, value in now.items()}
    decided = decider.decide(read, exact)
    clause[rows] = decided
    ranges = faded.ranges(decider, plain, segments.fade_left, segments.fade_last)
    doubtful = decider.doubtful(read, ranges, decided, wanted)
    if wanted is not None:
        ready = np.array([name == wanted for name in decider.names])[decided]
        doubtful &= ~ready
        if each:
            doubtful |= ready & decider.begins(read, exact, ranges, wanted)
    doubts = np.flatnonzero(doubtful)
    keys, more = [np.asarray(segments.keys)], [clause]
    begins = segments.fade_begins
    for at in range(0, len(doubts), CHUNK):
        some = doubts[at : at + CHUNK]
        found = _between(segments, decider, steady, rows[some], begins[some], begins[some + 1])
        keys.append(found.keys)
        more.append(found.clause)
    if len(keys) == 1:
        return Decided(segments.keys, clause)
    all_keys, all_clauses = np.concatenate(keys), np.concatenate(more)
    order = np.argsort(all_keys, kind="stable")
    return Decided(all_keys[order], all_clauses[order])


def _between(
    segments: Segments, decider: Decider, steady: dict[str, Ints], rows: Ints, begin: Ints, end: Ints
) -> Decided:
    """The clause at each instant between a row and the next at which a touch fades a step, for some rows.

    begin, end: which fading touches are a row's.
    """
    steps = between(segments, decider, steady, rows, begin, end)
    exact = {dimension: Range(value, value) for dimension, value in steps.scores.items()}
    return Decided(steps.keys, decider.decide(lambda column: segments.values[steps.patterns, column], exact))


@dataclass(frozen=True, slots=True)
class Steps:
    """Instants between rows at which a touch fades a step, with the pattern that holds there and the scores, exactly."""

    keys: Ints
    patterns: NDArray[np.int32]
    scores: dict[str, Ints]


def between(segments: Segments, decider: Decider, steady: dict[str, Ints], rows: Ints, begin: Ints, end: Ints) -> Steps:
    """The scores at each instant between a row and the next at which a touch fades a step, for some rows.

    begin, end: which fading touches are a row's.
    """
    mask = (1 << segments.bits) - 1
    touch, row = spread(begin, end)
    # Steps of each touch after the row and before the next one, seen at an instant of judgement.
    age = (segments.instants[rows[row]] - segments.fade_at[touch]) // DAY
    steps = (segments.fade_left[touch] - segments.fade_last[touch]).astype(np.int64)
    step, of = spread(np.zeros(len(steps), np.int64), steps)
    instant = segments.fade_at[touch[of]] + (age[of] + 1 + step) * DAY
    lead = segments.keys[rows[row[of]]] & ~np.int64(mask)
    seen = segments.seen(lead | (instant - segments.origin))
    inside = seen < segments.next_keys(rows)[row[of]]
    # One judgement for each row and instant.
    seen, row = seen[inside], row[of][inside]
    order = np.argsort(seen, kind="stable")
    seen, row = seen[order], row[order]
    fresh = np.concatenate(([True], seen[1:] != seen[:-1])) if len(seen) else np.empty(0, bool)
    seen, row = seen[fresh], row[fresh]
    touch, place = spread(begin[row], end[row])
    now = (seen & mask) + segments.origin
    column = segments.fade_column[touch]
    days = np.array([(fading.query.within or DAY) // DAY for fading in decider.columns.fading], np.int64)[column]
    left = np.clip(days - (now[place] - segments.fade_at[touch]) // DAY, 0, days).astype(np.int16)
    pattern = segments.patterns[rows[row]]
    plain = {dimension: value[pattern] for dimension, value in steady.items()}
    scores = Faded(len(seen), place, column).add(decider, plain, left)
    return Steps(seen, pattern, scores)


def spread(begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """All numbers from each begin to its end (exclusive), and which pair each is of."""
    many = end - begin
    which = np.repeat(np.arange(len(many)), many)
    if not len(which):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.arange(len(which)) - np.repeat(np.cumsum(many) - many, many) + begin[which], which
