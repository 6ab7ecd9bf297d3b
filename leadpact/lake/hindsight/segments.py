"""Rows: what the columns hold at each instant of judgement at which one of them has changed, lead by lead.

Between two rows of a lead nothing changes but the age of fading touches. Most rows say what others say: the columns of a
row are told once for all that are equal (its pattern).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadpact.lake.hindsight import streams
from leadpact.lake.hindsight.gathered import HOUR, Gathered
from leadpact.lake.hindsight.streams import Batch
from leadpact.language.nodes import DAY

Ints = NDArray[np.int64]
LOOKUP_LIMIT = 1 << 26
"""Patterns are numbered through a table of this size at most, by sorting beyond."""
RADIX_LIMIT = 1 << 62


@dataclass(frozen=True, slots=True)
class Segments:
    """The rows of a batch, in order of lead and time, as arrays that can be written and mapped again.

    keys: lead and instant (`Batch`). patterns: row → which line of `values`. values: a line for each pattern, a column for
    each of `Columns`. Rows with fading touches are fade_rows; the touches of the n-th are those from fade_begins[n] to
    fade_begins[n + 1], and for each touch fade_place says n, fade_column the column, fade_at its instant, fade_left and
    fade_last the whole days that it has left in the window at the row, and just before the lead's next row.
    learnt, learnt_circle: keys of instants of facts; circles: lead → its circle's place. away_since, away_until: spans in
    which a lead is not judged, as keys.
    """

    keys: Ints
    patterns: NDArray[np.int32]
    values: NDArray[np.int32]
    fade_rows: Ints
    fade_begins: Ints
    fade_place: NDArray[np.int32]
    fade_column: NDArray[np.int16]
    fade_at: Ints
    fade_left: NDArray[np.int16]
    fade_last: NDArray[np.int16]
    learnt: Ints
    learnt_circle: Ints
    circles: NDArray[np.int32]
    away_since: Ints
    away_until: Ints
    low: int
    origin: int
    bits: int
    end: int

    @property
    def leads(self) -> Ints:
        """The lead of each row, as its place in the batch."""
        return self.keys >> self.bits

    @property
    def instants(self) -> Ints:
        """The instant of each row."""
        return (self.keys & ((1 << self.bits) - 1)) + self.origin

    def next_keys(self, rows: Ints) -> Ints:
        """The key of the lead's next row for some rows; for its last one, the key just after the end."""
        following = np.minimum(rows + 1, len(self.keys) - 1)
        lead = self.keys[rows] >> self.bits
        after = (lead << self.bits) | (self.end + 1 - self.origin)
        found = self.keys[following]
        return np.where((found >> self.bits == lead) & (following > rows), found, after)

    def seen(self, keys: Ints) -> Ints:
        """When what happens at these instants is first seen: the next instant of facts, or full hour, of the lead."""
        mask = (1 << self.bits) - 1
        lead, instant = keys >> self.bits, keys & mask
        out = (lead << self.bits) | (-(-instant // HOUR) * HOUR)
        out = np.minimum(out, _next(self.learnt, keys))
        if len(self.learnt_circle):
            circle = self.circles[lead].astype(np.int64)
            found = _next(self.learnt_circle, (circle << self.bits) | instant)
            out = np.where(found >> self.bits == circle, np.minimum(out, (lead << self.bits) | (found & mask)), out)
        return out

    def latest(self, lead: Ints, instant: Ints) -> Ints:
        """The last instant up to this one at which each lead was judged, as far as anything could have changed by then."""
        keys = (lead << self.bits) | (instant - self.origin)
        mask = (1 << self.bits) - 1
        out = instant // HOUR * HOUR - self.origin
        for known in (self.keys, self.learnt):
            found = _last(known, keys)
            out = np.where(found >> self.bits == lead, np.maximum(out, found & mask), out)
        if len(self.learnt_circle):
            circle = self.circles[lead].astype(np.int64)
            found = _last(self.learnt_circle, (circle << self.bits) | (instant - self.origin))
            out = np.where(found >> self.bits == circle, np.maximum(out, found & mask), out)
        return out + self.origin

    def judged(self, keys: Ints) -> NDArray[np.bool_]:
        """Whether the lead is judged at these instants: while its record is part of another it is not."""
        if not len(self.away_since):
            return np.ones(len(keys), bool)
        place = np.searchsorted(self.away_since, keys, side="right") - 1
        return (place < 0) | (keys >= self.away_until[np.maximum(place, 0)])

    def save(self, folder: Path) -> None:
        """Write the arrays into a folder, one file each."""
        folder.mkdir(parents=True)
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path, **numbers: int) -> Segments:
        """Map the arrays of a folder; numbers are the fields that are no arrays."""
        parts: dict[str, Any] = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        parts |= numbers
        return cls(**parts)

    @property
    def numbers(self) -> dict[str, int]:
        """The fields that are no arrays."""
        return {name: int(getattr(self, name)) for name in _NUMBERS}


_NUMBERS = ("low", "origin", "bits", "end")
_ARRAYS = tuple(field.name for field in fields(Segments) if field.name not in _NUMBERS)


def _next(sorted_keys: Ints, keys: Ints) -> Ints:
    """The first of the sorted keys that is not before each key; the largest number where there is none."""
    places = np.searchsorted(sorted_keys, keys)
    beyond = places == len(sorted_keys)
    if not len(sorted_keys):
        return np.full(len(keys), np.iinfo(np.int64).max)
    return np.where(beyond, np.iinfo(np.int64).max, sorted_keys[np.minimum(places, len(sorted_keys) - 1)])


def _last(sorted_keys: Ints, keys: Ints) -> Ints:
    """The last of the sorted keys that is not after each key; −1 where there is none."""
    places = np.searchsorted(sorted_keys, keys, side="right") - 1
    if not len(sorted_keys):
        return np.full(len(keys), -1, np.int64)
    return np.where(places < 0, -1, sorted_keys[np.maximum(places, 0)])


def build(gathered: Gathered, batch: Batch, initials: list[int]) -> Segments:
    """The rows of a batch. initials: what each attribute's tests say before any value is known."""
    store = gathered.store
    streams.prepare_people(gathered, batch)
    streams.prepare_attributes(gathered, batch)
    streams.prepare_fades(gathered, batch)
    learnt = _ints(store.execute(streams.learnt(gathered, batch)).fetchnumpy()["key"])
    around = streams.learnt_in_circles(gathered, batch)
    learnt_circle = _ints(store.execute(around).fetchnumpy()["key"]) if around else np.empty(0, np.int64)
    circles = store.execute(
        f"SELECT CAST(circle - {batch.low} AS INTEGER) AS c FROM hs_leads WHERE ix >= {batch.low} AND ix < {batch.high} ORDER BY ix"
    ).fetchnumpy()["c"]
    away = store.execute(streams.away(batch, gathered.end)).fetchnumpy()
    hollow = np.empty(0, np.int64)
    frame = Segments(
        hollow, hollow.astype(np.int32), np.empty((0, 0), np.int32), hollow, hollow, hollow.astype(np.int32),
        hollow.astype(np.int16), hollow, hollow.astype(np.int16), hollow.astype(np.int16), learnt, learnt_circle,
        np.asarray(circles, np.int32), _ints(away["since"]), _ints(away["until"]), batch.low,
        batch.origin, batch.bits, gathered.end,
    )  # fmt: skip
    events = store.execute(streams.events(gathered, batch)).fetchnumpy()
    keys, column, delta = _ints(events["key"]), np.asarray(events["col"]), np.asarray(events["delta"])
    timed = np.flatnonzero(np.asarray(events["timed"]))
    seen = keys.copy()
    seen[timed] = frame.seen(keys[timed])
    # What is only seen after the end is not seen. Keys stay in order: a later instant is never seen earlier.
    kept = (seen & ((1 << batch.bits) - 1)) + batch.origin <= gathered.end
    if not kept.all():
        seen, column, delta = seen[kept], column[kept], delta[kept]
    changed = np.empty(len(seen), bool)
    changed[:1] = True
    np.not_equal(seen[1:], seen[:-1], out=changed[1:])
    row_of_event = np.cumsum(changed) - 1
    rows = seen[changed]
    patterns, values = _patterns(gathered, rows >> batch.bits, row_of_event, column, delta, initials)
    framed = _with(frame, keys=rows, patterns=patterns, values=values)
    return _with_fades(gathered, batch, framed)


def _ints(values: Any) -> Ints:
    return np.ascontiguousarray(values, dtype=np.int64)


def _with(frame: Segments, **arrays: Any) -> Segments:
    return Segments(**{field.name: arrays.get(field.name, getattr(frame, field.name)) for field in fields(Segments)})


# --- columns and patterns ---------------------------------------------------------------


def _patterns(
    gathered: Gathered, lead: Ints, row_of_event: Ints, column: NDArray[Any], delta: NDArray[Any], initials: list[int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Running sums of each column, and the rows numbered by what all their columns hold."""
    count = len(lead)
    begins = np.flatnonzero(np.concatenate(([True], lead[1:] != lead[:-1]))) if count else np.empty(0, np.int64)
    lengths = np.diff(np.append(begins, count))
    ids, radix = np.zeros(count, np.int64), 1
    columns: list[NDArray[np.int32]] = []
    width = len(gathered.columns.attributes) + len(gathered.columns.counts)
    order = np.argsort(column, kind="stable")
    bounds = np.searchsorted(column[order], np.arange(width + 1))
    for place in range(width):
        mine = order[bounds[place] : bounds[place + 1]]
        base = initials[place] if place < len(initials) else 0
        if not len(mine):
            columns.append(np.full(1, base, np.int32))
            continue
        at_row = np.bincount(row_of_event[mine], weights=delta[mine], minlength=count).astype(np.int64)
        running = np.cumsum(at_row)
        before = running[begins] - at_row[begins]
        values = (running - np.repeat(before, lengths) + base).astype(np.int32)
        highest = int(values.max())
        if radix * (highest + 1) > RADIX_LIMIT:
            ids, radix = _numbered(ids, radix)
        ids = ids * (highest + 1) + values
        radix *= highest + 1
        columns.append(values)
    ids, radix = _numbered(ids, radix)
    first = np.empty(radix, np.int64)
    first[ids[::-1]] = np.arange(count - 1, -1, -1)
    told = [values[first] if len(values) == count else np.full(radix, values[0], np.int32) for values in columns]
    return ids.astype(np.int32), np.column_stack(told) if told else np.empty((radix, 0), np.int32)


def _numbered(ids: Ints, radix: int) -> tuple[Ints, int]:
    """The same classes, numbered without gaps."""
    if not len(ids):
        return ids, 0
    if radix > LOOKUP_LIMIT:
        found, places = np.unique(ids, return_inverse=True)
        return places.astype(np.int64), len(found)
    there = np.zeros(radix, bool)
    there[ids] = True
    places = np.cumsum(there) - 1
    return places[ids], int(places[-1]) + 1


# --- fading touches ---------------------------------------------------------------------


def _with_fades(gathered: Gathered, batch: Batch, frame: Segments) -> Segments:
    """Each fading touch beside each row at which it counts."""
    found = gathered.store.execute(streams.fades(batch, gathered.end)).fetchnumpy()
    starts, ends = _ints(found["start"]), _ints(found["until"])
    low, high = np.searchsorted(frame.keys, starts), np.searchsorted(frame.keys, ends)
    many = high - low
    touch = np.repeat(np.arange(len(many)), many)
    row = (
        np.repeat(low - np.concatenate(([0], np.cumsum(many)[:-1])), many) + np.arange(len(touch)) if len(many) else low
    )
    order = np.argsort(row, kind="stable")
    row, touch = row[order], touch[order]
    column, at = np.asarray(found["place"], np.int16)[touch], _ints(found["at"])[touch]
    days = np.array([(fading.query.within or DAY) // DAY for fading in gathered.columns.fading] or [0], np.int64)[
        column
    ]
    mask = (1 << batch.bits) - 1
    last = (frame.next_keys(row) & mask) + batch.origin - 1
    fresh = np.ones(len(row), bool)
    fresh[1:] = row[1:] != row[:-1]
    begins = np.flatnonzero(fresh)
    return _with(
        frame,
        fade_rows=row[begins],
        fade_begins=np.append(begins, len(row)),
        fade_place=(np.cumsum(fresh) - 1).astype(np.int32),
        fade_column=column,
        fade_at=at,
        fade_left=np.clip(days - (frame.instants[row] - at) // DAY, 0, days).astype(np.int16),
        fade_last=np.clip(days - (last - at) // DAY, 0, days).astype(np.int16),
    )
