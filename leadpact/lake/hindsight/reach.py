"""How far scores reach over the rows of a period, and which verdicts are given: exactly, for any points and thresholds.

Rows without a fading touch say what their pattern says, so each pattern is looked at once. Rows with some are gone over, and of
the instants between two of them those that could go further than anything seen so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadpact.lake.hindsight.segments import Ints, Segments
from leadpact.lake.hindsight.verdicts import CHUNK, Decider, Faded, Range, between, decide
from leadpact.language.nodes import DEFAULT_VERDICT, DIMENSIONS, Score, walk


@dataclass(frozen=True, slots=True)
class Reach:
    """scores: the least and the most of each, in thousandths. verdicts: at how many of the instants looked at each was given."""

    scores: dict[str, tuple[int, int]]
    verdicts: dict[str, int]


def reach(batches: Sequence[tuple[Segments, Ints]], decider: Decider) -> Reach:
    """Go over batches, each with how many judged rows without a fading touch hold each pattern."""
    counts = np.zeros(len(decider.clauses) + 1, np.int64)
    ends: dict[str, list[int]] = {dimension: [] for dimension in DIMENSIONS}
    for rows, plain in batches:
        steady = decider.steady(rows.values)
        held = np.flatnonzero(plain)
        exact = {dimension: Range(value[held], value[held]) for dimension, value in steady.items()}
        clause = decider.decide(lambda column, rows=rows, held=held: rows.values[held, column], exact)
        np.add.at(counts, clause, plain[held])
        for dimension, value in exact.items():
            _further(ends[dimension], value.low)
        if len(rows.fade_rows):
            _faded(rows, decider, steady, counts, ends)
    names = decider.names
    verdicts = dict.fromkeys(names, 0)
    for name, count in zip(names, counts.tolist(), strict=True):
        verdicts[name] += count
    for name in [
        one for one, count in verdicts.items() if not count and one != DEFAULT_VERDICT and _turns(decider, one)
    ]:
        wanted = [place for place, of in enumerate(names) if of == name]
        for rows, _ in batches:
            verdicts[name] += int(np.isin(decide(rows, decider, wanted=name).clause, wanted).sum())
    return Reach({dimension: (found[0], found[1]) for dimension, found in ends.items() if found}, verdicts)


def _turns(decider: Decider, name: str) -> bool:
    """Whether fading alone may bring a verdict about: where it, or one before it, asks for a score that fades."""
    fading = {line.dimension for line in decider.agreement.lines if decider.columns.fade(line) is not None}
    last = max(place for place, (of, _, _) in enumerate(decider.clauses) if of == name)
    asked = (leaf for _, _, condition in decider.clauses[: last + 1] for leaf in walk(condition))
    return any(isinstance(leaf, Score) and leaf.dimension in fading for leaf in asked)


def _faded(rows: Segments, decider: Decider, steady: dict[str, Ints], counts: Ints, ends: dict[str, list[int]]) -> None:
    """Rows with fading touches, and what lies between them and the next."""
    at = np.asarray(rows.fade_rows)
    judged = rows.judged(rows.keys[at])
    pattern = rows.patterns[at]
    faded = Faded(len(at), np.asarray(rows.fade_place), np.asarray(rows.fade_column))
    plain = {dimension: value[pattern] for dimension, value in steady.items()}
    now = faded.add(decider, plain, rows.fade_left)
    clause = decider.decide(
        lambda column: rows.values[pattern, column],
        {dimension: Range(value, value) for dimension, value in now.items()},
    )
    counts += np.bincount(clause[judged], minlength=len(counts))
    for dimension, value in now.items():
        _further(ends[dimension], value[judged])
    open_ = faded.ranges(decider, plain, rows.fade_left, rows.fade_last)
    begins = rows.fade_begins
    for dimension, found in ends.items():
        if not found:
            continue
        beyond = _beyond(open_[dimension], found)
        while len(beyond):
            some, beyond = beyond[:CHUNK], beyond[CHUNK:]
            steps = between(rows, decider, steady, at[some], begins[some], begins[some + 1])
            _further(found, steps.scores[dimension][rows.judged(steps.keys)])
            beyond = beyond[np.isin(beyond, _beyond(open_[dimension], found))]


def _beyond(open_: Range, found: list[int]) -> NDArray[np.int64]:
    """Rows after which a score may lie outside of what was found, those that may go furthest first."""
    over, under = open_.high - found[1], found[0] - open_.low
    out = np.maximum(over, under)
    rows = np.flatnonzero(out > 0)
    return rows[np.argsort(-out[rows], kind="stable")]


def _further(found: list[int], values: Ints) -> None:
    """Stretch what was found so that it holds these too."""
    if len(values):
        low, high = int(values.min()), int(values.max())
        found[:] = [min(low, found[0]), max(high, found[1])] if found else [low, high]
