"""What the whole period says of an agreement, for the warnings that need history.

What neither points nor thresholds change is counted once, when history is made ready (`Counting`): at how many rows each line
was met, and at which, and of how many leads a value is unknown at the end. What they do change, how far scores reach and which
verdicts are given, is worked out from the same rows for the agreement in question (`reach`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadpact.lake.hindsight.evidence import rows_at
from leadpact.lake.hindsight.gathered import EVER, Gathered
from leadpact.lake.hindsight.measured import Columns
from leadpact.lake.hindsight.segments import Ints, Segments
from leadpact.lake.hindsight.streams import TRUE, UNKNOWN
from leadpact.lake.hindsight.verdicts import Decider
from leadpact.lake.store import literal
from leadpact.language.check_history import Gap, LineSeen
from leadpact.language.history import OWN_FIRST
from leadpact.language.needs import form_of
from leadpact.language.nodes import DAY, Agreement, Attribute, Form

Marks = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Past:
    """What was counted when history was made ready.

    judgements: rows at which a lead was judged. touches: whether there were touches to look at. lines: by id, over these
    rows. gaps: by attribute, over leads at the end of the period.
    """

    judgements: int
    touches: bool
    lines: Mapping[str, LineSeen]
    gaps: Mapping[str, Gap]


@dataclass(slots=True)
class Counting:
    """Counts that grow batch by batch."""

    agreement: Agreement
    columns: Columns
    judgements: int = 0
    lines: dict[str, LineSeen] = field(default_factory=dict[str, LineSeen])
    gaps: dict[Attribute, Gap] = field(default_factory=dict[Attribute, Gap])

    def add(self, gathered: Gathered, rows: Segments) -> Ints:
        """Count a batch. Returns how many judged rows without a fading touch hold each pattern, which `reach` reads."""
        judged = rows.judged(rows.keys)
        self.judgements += int(judged.sum())
        held = np.bincount(rows.patterns[judged], minlength=len(rows.values))
        # Leads of other batches have the same places: the batch is part of what is mixed.
        batch = _mixed(np.array([rows.low], np.uint64))
        marks = _mixed(rows.keys.astype(np.uint64) + batch)
        of_pattern = _marks_of(rows.patterns[judged], marks[judged], len(rows.values))
        decider = Decider.of(self.agreement, self.columns)
        for line in self.agreement.lines:
            place = self.columns.fade(line)
            if place is None:
                says = decider.state(line, lambda wanted: rows.values[:, wanted], len(rows.values))
                met, open_ = says == TRUE, says == UNKNOWN
                found = LineSeen(int(held[met].sum()), int(held[open_].sum()), _joined(of_pattern[met]))
            else:
                within = self.columns.fading[place].query.within or DAY
                found = _fading(rows, place, within, judged, marks)
            had = self.lines.get(line.id, LineSeen(0, 0, 0))
            self.lines[line.id] = LineSeen(
                had.scored + found.scored, had.unknown + found.unknown, had.mark ^ found.mark
            )
        for leaf in self.columns.attributes:
            self._gap(gathered, rows, leaf)
        plain = judged.copy()
        plain[rows.fade_rows] = False
        return np.bincount(rows.patterns[plain], minlength=len(rows.values)).astype(np.int64)

    def _gap(self, gathered: Gathered, rows: Segments, leaf: Attribute) -> None:
        """Of how many leads it is unknown at the end what a test says, and how many of them have a value all the same."""
        leads = np.arange(len(rows.circles), dtype=np.int64)
        at = rows_at(rows, leads, np.full(len(leads), rows.end, np.int64))
        says = rows.values[rows.patterns[np.maximum(at, 0)], self.columns.attribute(leaf)]
        unknown = leads[(says == UNKNOWN) | (at < 0)] + rows.low
        unreadable, example = _unreadable(gathered, leaf, unknown) if len(unknown) else (0, "")
        had = self.gaps.get(leaf, Gap(0))
        self.gaps[leaf] = Gap(had.unknown + len(unknown), had.unreadable + unreadable, had.example or example)

    def past(self, touches: bool) -> Past:
        """What was counted. Of several tests of an attribute that which it is unknown for most often tells."""
        gaps: dict[str, Gap] = {}
        for leaf, gap in self.gaps.items():
            if leaf.field not in gaps or gap.unknown > gaps[leaf.field].unknown:
                gaps[leaf.field] = gap
        return Past(self.judgements, touches, self.lines, gaps)


def _unreadable(gathered: Gathered, leaf: Attribute, unknown: Ints) -> tuple[int, str]:
    """How many of some leads have a value at the end that cannot be read as the tests ask, and one such value."""
    if not {form_of(test, gathered.agreement) for test in leaf.tests} & {Form.NUMBER, Form.TRUTH}:
        return 0, ""
    store = gathered.store
    mine = "own DESC, " if leaf.field in OWN_FIRST else ""
    at_account = "AND at_account" if leaf.field.startswith("account.") else ""
    store.connection.register("hs_unknown", pa.table({"ix": unknown}))
    try:
        count, example = store.execute(
            "SELECT count(*), arg_min(t, ix) FROM (SELECT ix, t FROM hs_facts SEMI JOIN hs_unknown USING (ix) "
            f'WHERE field = {literal(leaf.field)} {at_account} AND greatest("at", seen) <= {gathered.end} '
            f"AND coalesce(until, {EVER}) > {gathered.end} QUALIFY row_number() OVER "
            f'(PARTITION BY ix ORDER BY {mine}"at" DESC, known_at DESC, t DESC NULLS LAST) = 1) WHERE t IS NOT NULL'
        ).fetchall()[0]
    finally:
        store.connection.unregister("hs_unknown")
    return int(count), (example or "")[:40]


def _fading(rows: Segments, column: int, within: int, judged: NDArray[np.bool_], marks: Marks) -> LineSeen:
    """A line whose touches fade: met at a row while one of them counts.

    Where none does any more before the next row, the instant at which that is seen is part of its mark.
    """
    touches = np.flatnonzero(rows.fade_column == column)
    if not len(touches):
        return LineSeen(0, 0, 0)
    places = rows.fade_place[touches]
    begins = np.flatnonzero(np.concatenate(([True], places[1:] != places[:-1])))
    dies = np.maximum.reduceat(rows.fade_at[touches] + within, begins)
    at = rows.fade_rows[places[begins]]
    kept = judged[at]
    at, dies = at[kept], dies[kept]
    lead = rows.keys[at] & ~np.int64((1 << rows.bits) - 1)
    ends = rows.seen(lead | (np.minimum(dies, rows.end + 1) - rows.origin))
    between = (ends < rows.next_keys(at)) & rows.judged(ends)
    apart = _mixed(marks[at[between]] + ends[between].astype(np.uint64) * _ODD)
    return LineSeen(len(at), 0, _joined(marks[at]) ^ _joined(apart))


# --- marks --------------------------------------------------------------------------------

_ODD = np.uint64(0x9E3779B97F4A7C15)


def _mixed(values: Marks) -> Marks:
    """Numbers spread over 64 bits, so that sets of them can be told apart by their sum without carries (splitmix64)."""
    found = values + _ODD
    found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return found ^ (found >> np.uint64(31))


def _joined(marks: Marks) -> int:
    return int(np.bitwise_xor.reduce(marks)) if len(marks) else 0


def _marks_of(patterns: NDArray[np.int32], marks: Marks, count: int) -> Marks:
    """The mark of all rows of each pattern."""
    out = np.zeros(count, np.uint64)
    order = np.argsort(patterns, kind="stable")
    patterns, marks = patterns[order], marks[order]
    begins = np.flatnonzero(np.concatenate(([True], patterns[1:] != patterns[:-1]))) if len(patterns) else order
    if len(begins):
        out[patterns[begins]] = np.bitwise_xor.reduceat(marks, begins)
    return out
