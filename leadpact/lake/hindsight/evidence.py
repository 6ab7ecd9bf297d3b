"""What each line says of leads, and how Sales' answers differ with and without it. Points and thresholds have no say here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadpact.lake.hindsight.segments import Ints, Segments
from leadpact.lake.hindsight.streams import FALSE, TRUE, UNKNOWN
from leadpact.lake.hindsight.verdicts import Decider, spread
from leadpact.language.nodes import DAY, Agreement

NO_LABEL, GOOD, BAD = 0, 1, 2
"""As in `preview`: the first final answer on a lead."""


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """One line over history.

    met, not_met, unknown: leads at the end of the period. decided_with, decided_without: leads that Sales qualified or found
    the definition to blame for, the line being met or not when they were handed over; good_with, good_without: qualified.
    """

    line_id: str
    met: int
    not_met: int
    unknown: int
    good_with: int
    decided_with: int
    good_without: int
    decided_without: int


@dataclass(slots=True)
class Evidence:
    """Counts that grow batch by batch: a row for each line, in the order of `LineEvidence`."""

    ids: tuple[str, ...]
    counts: NDArray[np.int64]

    @classmethod
    def empty(cls, agreement: Agreement) -> Evidence:
        return cls(tuple(line.id for line in agreement.lines), np.zeros((len(agreement.lines), 7), np.int64))

    def add(self, rows: Segments, decider: Decider, lead: Ints, instant: Ints, labels: NDArray[np.int8]) -> None:
        """Count a batch. lead, instant: when each lead with an answer was handed over; labels: of every lead of the batch."""
        if not len(rows.keys):
            return
        everybody = np.arange(len(rows.circles), dtype=np.int64)
        until = np.full(len(everybody), rows.end, np.int64)
        lead, instant = np.asarray(lead, np.int64), np.minimum(np.asarray(instant, np.int64), rows.end)
        at_end, answered = rows_at(rows, everybody, until), rows_at(rows, lead, instant)
        good, bad = labels[lead] == GOOD, labels[lead] == BAD
        for place in range(len(decider.agreement.lines)):
            now = _states(rows, decider, place, at_end, until)
            then = _states(rows, decider, place, answered, instant)
            with_, without = then == TRUE, then == FALSE
            self.counts[place] += [
                (now == TRUE).sum(), (now == FALSE).sum(), (now == UNKNOWN).sum(),
                (with_ & good).sum(), (with_ & (good | bad)).sum(), (without & good).sum(), (without & (good | bad)).sum(),
            ]  # fmt: skip

    def lines(self) -> tuple[LineEvidence, ...]:
        return tuple(LineEvidence(name, *map(int, found)) for name, found in zip(self.ids, self.counts, strict=True))


def rows_at(rows: Segments, lead: Ints, instant: Ints) -> Ints:
    """The row that held for each lead at an instant; −1 before its first."""
    keys = (lead << rows.bits) | np.maximum(instant - rows.origin, 0)
    found = np.searchsorted(rows.keys, keys, side="right") - 1
    mine = (found >= 0) & (rows.keys[np.maximum(found, 0)] >> rows.bits == lead) & (instant >= rows.origin)
    return np.where(mine, found, -1)


def _states(rows: Segments, decider: Decider, place: int, at: Ints, instant: Ints) -> NDArray[np.int8]:
    """Whether a line was met at some rows as of some instants; −1 where there is no row."""
    line = decider.agreement.lines[place]
    column = decider.columns.fade(line)
    there = np.maximum(at, 0)
    if column is None:
        every = decider.state(line, lambda wanted: rows.values[:, wanted], len(rows.values))
        found = every[rows.patterns[there]]
    else:
        found = _fading(rows, decider, column, there, instant)
    return np.where(at >= 0, found, -1).astype(np.int8)


def _fading(rows: Segments, decider: Decider, column: int, at: Ints, instant: Ints) -> NDArray[np.int8]:
    """Whether some fading touch still counts."""
    place = np.searchsorted(rows.fade_rows, at)
    has = place < len(rows.fade_rows)
    has[has] = rows.fade_rows[place[has]] == at[has]
    begin = (
        np.where(has, rows.fade_begins[np.where(has, place, 0)], 0)
        if len(rows.fade_rows)
        else np.zeros(len(at), np.int64)
    )
    end = np.where(has, rows.fade_begins[np.where(has, place + 1, 0)], 0) if len(rows.fade_rows) else begin
    touch, which = spread(begin, end)
    days = (decider.columns.fading[column].query.within or DAY) // DAY
    counts = (rows.fade_column[touch] == column) & (days - (instant[which] - rows.fade_at[touch]) // DAY > 0)
    met = np.bincount(which[counts], minlength=len(at)) > 0
    return np.where(met, TRUE, FALSE).astype(np.int8)
