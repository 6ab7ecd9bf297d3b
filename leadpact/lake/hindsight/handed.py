"""When an agreement hands leads over: at the first instant at which they are sales-ready, and again after Sales gave them back.

A replay cannot know what Sales would have answered to a hand-over that did not happen. It takes the answers that there were:
a lead that is with Sales in the replay when it came back in fact comes back then, too, and rests as long. When its rest is over it
is judged afresh, at the next full hour, and handed over when it is sales-ready then or as soon as it is. While it rests only an
alternative of sales_ready that did not hold when it came back wakes it (Meaning 12). A lead that never came back is handed over
once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadpact.lake.hindsight.evidence import rows_at
from leadpact.lake.hindsight.gathered import EVER, HOUR
from leadpact.lake.hindsight.segments import Ints, Segments
from leadpact.lake.hindsight.verdicts import Decider, Faded, Range, Read, decide, spread
from leadpact.language.nodes import DAY

NEVER = -1
READY = "sales_ready"


@dataclass(frozen=True, slots=True)
class Returns:
    """When leads came back, in order of lead and time. until: from when on they may be handed over again; EVER: not again.
    asleep: a fresh alternative of sales_ready wakes them before that.
    """

    lead: Ints
    at: Ints
    until: Ints
    asleep: NDArray[np.bool_]

    @classmethod
    def none(cls) -> Returns:
        """Nobody came back."""
        none = np.empty(0, np.int64)
        return cls(none, none, none, np.empty(0, bool))

    def between(self, low: int, high: int) -> Returns:
        """Those of some leads, numbered from the first of them."""
        begin, end = np.searchsorted(self.lead, [low, high])
        return Returns(self.lead[begin:end] - low, self.at[begin:end], self.until[begin:end], self.asleep[begin:end])


@dataclass(frozen=True, slots=True)
class Handed:
    """Hand-overs. first: of each lead, NEVER where there is none. again: further ones, by lead and instant.

    For leads that came back in the replay: with Sales from begin to end, stretch by stretch.
    """

    first: Ints
    again_lead: Ints
    again_at: Ints
    stretch_lead: Ints
    stretch_begin: Ints
    stretch_end: Ints

    @property
    def all(self) -> Ints:
        """The instants of all hand-overs."""
        return np.concatenate((self.first[self.first != NEVER], self.again_at))

    def with_sales(self, instant: int) -> NDArray[np.bool_]:
        """Whether each lead is with Sales at an instant."""
        out = (self.first != NEVER) & (self.first <= instant)
        out[self.stretch_lead] = False
        out[self.stretch_lead[(self.stretch_begin <= instant) & (instant < self.stretch_end)]] = True
        return out


def joined(parts: list[Handed], lows: list[int]) -> Handed:
    """Batches as one; lows: the number of the first lead of each."""
    none = np.empty(0, np.int64)

    def of(name: str, *, moved: bool) -> Ints:
        return np.concatenate(
            [getattr(part, name) + (low if moved else 0) for part, low in zip(parts, lows, strict=True)] or [none]
        )

    return Handed(
        of("first", moved=False), of("again_lead", moved=True), of("again_at", moved=False),
        of("stretch_lead", moved=True), of("stretch_begin", moved=False), of("stretch_end", moved=False),
    )  # fmt: skip


def hand_overs(rows: Segments, decider: Decider, returns: Returns) -> Handed:
    """The hand-overs of a batch. returns: of its leads, by their place in it."""
    decided = decide(rows, decider, wanted=READY, each=bool(len(returns.lead)))
    ready = np.array([name == READY for name in decider.names])
    keys = decided.keys[np.flatnonzero(ready[decided.clause])]
    lead = keys >> rows.bits
    fresh = np.ones(len(lead), bool)
    fresh[1:] = lead[1:] != lead[:-1]
    first = np.full(len(rows.circles), NEVER, np.int64)
    first[lead[fresh]] = (keys[fresh] & ((1 << rows.bits) - 1)) + rows.origin
    none = np.empty(0, np.int64)
    again_lead, again_at = [none], [none]
    whose, begins, ends = [none], [none], [none]
    returned = np.unique(returns.lead)
    back = (returns.lead << rows.bits) | np.clip(returns.at - rows.origin, 0, (1 << rows.bits) - 1)
    now_lead = returned[first[returned] != NEVER]
    now_at = first[now_lead]
    came_back = np.zeros(len(first), bool)
    while len(now_lead):
        following = np.searchsorted(back, (now_lead << rows.bits) | (now_at - rows.origin), side="right")
        inside = np.zeros(len(following), bool)
        there = following < len(returns.lead)
        inside[there] = returns.lead[following[there]] == now_lead[there]
        inside[inside] &= returns.at[following[inside]] <= rows.end
        came_back[now_lead[inside]] = True
        stays = ~inside & came_back[now_lead]
        whose += [now_lead[inside], now_lead[stays]]
        begins += [now_at[inside], now_at[stays]]
        ends += [returns.at[following[inside]], np.full(int(stays.sum()), EVER, np.int64)]
        which = following[inside]
        now_lead, until = now_lead[inside], returns.until[which]
        woken = _woken(rows, decider, keys, now_lead, returns.at[which], until, returns.asleep[which])
        again_lead.append(now_lead[woken != NEVER])
        again_at.append(woken[woken != NEVER])
        hour = np.where(until >= EVER, EVER, -(-until // HOUR) * HOUR)
        kept = (hour <= rows.end) & (woken == NEVER)
        now_lead, hour = now_lead[kept], hour[kept]
        at_once = ready_at(rows, decider, now_lead, hour)
        later = np.searchsorted(keys, (now_lead << rows.bits) | (hour - rows.origin), side="right")
        found = later < len(keys)
        found[found] = keys[later[found]] >> rows.bits == now_lead[found]
        at = np.where(at_once, hour, NEVER)
        wait = found & ~at_once
        at[wait] = (keys[later[wait]] & ((1 << rows.bits) - 1)) + rows.origin
        again_lead.append(now_lead[at != NEVER])
        again_at.append(at[at != NEVER])
        now_lead, now_at = np.concatenate(again_lead[-2:]), np.concatenate(again_at[-2:])
    return Handed(
        first, np.concatenate(again_lead), np.concatenate(again_at),
        np.concatenate(whose), np.concatenate(begins), np.concatenate(ends),
    )  # fmt: skip


def _woken(
    rows: Segments, decider: Decider, ready: Ints, lead: Ints, came: Ints, until: Ints, asleep: NDArray[np.bool_]
) -> Ints:
    """When leads that came back at some instants are woken before `until`; NEVER where they are not.

    ready: the keys at which a lead is sales-ready, in order, with every one at which an alternative begins to hold.
    """
    out = np.full(len(lead), NEVER, np.int64)
    low = np.searchsorted(ready, (lead << rows.bits) | (came - rows.origin), side="right")
    high = np.searchsorted(ready, (lead << rows.bits) | (np.minimum(until, rows.end + 1) - rows.origin))
    maybe = np.flatnonzero(asleep & (low < high))
    if not len(maybe):
        return out
    lead, low, high = lead[maybe], low[maybe], high[maybe]
    held = _alternatives(rows, decider, lead, rows.latest(lead, came[maybe]))
    place, which = spread(low, high)
    instant = (ready[place] & ((1 << rows.bits) - 1)) + rows.origin
    fresh = np.flatnonzero(_alternatives(rows, decider, lead[which], instant) & ~held[which])
    woken, first = np.unique(which[fresh], return_index=True)
    out[maybe[woken]] = instant[fresh[first]]
    return out


def _alternatives(rows: Segments, decider: Decider, lead: Ints, instant: Ints) -> Ints:
    """Which alternatives of sales_ready hold for some leads, as of instants at which they are judged: bit n is the n-th."""
    out = np.zeros(len(lead), np.int64)
    if len(lead):
        _, read, exact = _exactly(rows, decider, lead, instant)
        mine = [condition for name, _, condition in decider.clauses if name == READY]
        for place, condition in enumerate(mine):
            out |= decider.truth(condition, read, exact).true.astype(np.int64) << place
    return out


def ready_at(rows: Segments, decider: Decider, lead: Ints, instant: Ints) -> NDArray[np.bool_]:
    """Whether some leads are sales-ready as of full hours: exactly, as at a judged instant."""
    if not len(lead):
        return np.empty(0, bool)
    at, read, exact = _exactly(rows, decider, lead, instant)
    names = np.array([name == READY for name in decider.names])
    return np.asarray(names[decider.decide(read, exact)] & (at >= 0))


def _exactly(rows: Segments, decider: Decider, lead: Ints, instant: Ints) -> tuple[Ints, Read, dict[str, Range]]:
    """For some leads as of instants: their rows (−1 before the first), what the columns hold, and the scores."""
    at = rows_at(rows, lead, instant)
    there = np.maximum(at, 0)
    values = rows.values[rows.patterns[there]]
    scores = decider.steady(values)
    if len(rows.fade_rows):
        place = np.searchsorted(rows.fade_rows, there)
        has = place < len(rows.fade_rows)
        has[has] = rows.fade_rows[place[has]] == there[has]
        place = np.where(has, place, 0)
        begin = np.where(has, rows.fade_begins[place], 0)
        end = np.where(has, rows.fade_begins[place + 1], 0)
        touch, which = spread(begin, end)
        column = np.asarray(rows.fade_column[touch])
        days = np.array([(one.query.within or DAY) // DAY for one in decider.columns.fading], np.int64)[column]
        days_left = np.clip(days - (instant[which] - rows.fade_at[touch]) // DAY, 0, days).astype(np.int16)
        scores = Faded(len(there), which, column).add(decider, scores, days_left)
    return (
        at,
        lambda column: values[:, column],
        {dimension: Range(value, value) for dimension, value in scores.items()},
    )
