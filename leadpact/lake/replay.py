"""Replay: what an agreement would have said of last year, as of each instant at which verdicts are taken, and never with
knowledge from later.

Reads the history's relations (`relations`), writes the relation `replayed`: a row for each change of verdict. The first
row of a lead stands where it came in, or at the start of the period if that is later, with an empty `before`. Beside it stands
the relation of hand-overs (`hindsight.handed` says what is assumed of those that follow a rest).
`one_lead` tells every judged instant of one lead by the reference evaluator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from leadpact.kit.failures import CannotDo
from leadpact.lake import audited, one_lead
from leadpact.lake.hindsight.gathered import Gathered, gather
from leadpact.lake.hindsight.handed import NEVER, Handed, Returns, hand_overs, joined
from leadpact.lake.hindsight.measured import columns
from leadpact.lake.hindsight.segments import Segments, build
from leadpact.lake.hindsight.streams import batches, initial
from leadpact.lake.hindsight.verdicts import Decider, decide
from leadpact.lake.instants import iso
from leadpact.lake.relations import newest
from leadpact.lake.store import Store
from leadpact.language.evaluate import Judgement
from leadpact.language.explain import Explanation, explain
from leadpact.language.nodes import Agreement

REPLAYED = "replayed"
HANDED = "{relation}_handed"
"""Who was handed over when: lead_id, at, nth (1 for the first time)."""
BATCH_LEADS = 100_000
"""Leads that are worked on at once: bounds memory, whatever the size of the history."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found. relation: its rows; leads: how many were judged; start, end: the period, both included; handed: who
    was handed over when, by the leads' numbers in `hs_leads`.
    """

    relation: str
    leads: int
    changes: int
    start: int | None
    end: int
    handed: Handed = field(compare=False, repr=False)


def period(store: Store, start: int | None, end: int | None) -> int:
    """The end of the period: as given, else the newest instant at which anything became known.

    Raises CannotDo when there is no history, or the period ends before it begins.
    """
    until = newest(store) if end is None else end
    if until is None:
        raise CannotDo("there is no history to replay: no lead, no fact and no touch.")
    if start is not None and start > until:
        raise CannotDo(f"the period begins ({iso(start)}) after it ends ({iso(until)}): give another start or end.")
    return until


def segments(
    store: Store,
    agreement: Agreement,
    *,
    start: int | None,
    end: int,
    batch_leads: int = BATCH_LEADS,
    told: Callable[[float], None] = lambda _: None,
) -> Iterator[tuple[Gathered, Segments]]:
    """The rows of a replay, batch by batch. `told` hears the share that is done."""
    gathered = gather(store, agreement, columns(agreement), start=start, end=end)
    initials = [initial(gathered, leaf) for leaf in gathered.columns.attributes]
    for batch in batches(gathered, batch_leads):
        yield gathered, build(gathered, batch, initials)
        told(batch.high / gathered.leads)


def replay(
    store: Store,
    agreement: Agreement,
    *,
    start: int | None = None,
    end: int | None = None,
    into: str = REPLAYED,
    batch_leads: int = BATCH_LEADS,
    told: Callable[[float], None] = lambda _: None,
) -> Replayed:
    """Replay an agreement over the history in the store, from `start` (None: ever) to `end` (None: the newest instant known).

    Makes the relation `into` (lead_id, at, before, after, decided_by) and that of its hand-overs (`HANDED`).

    Raises CannotDo when there is no history, or the period ends before it begins.
    """
    until = period(store, start, end)
    store.execute(
        f'CREATE OR REPLACE TABLE {into} (lead_id VARCHAR, "at" BIGINT, before VARCHAR, after VARCHAR, decided_by VARCHAR)'
    )
    handed = HANDED.format(relation=into)
    store.execute(f'CREATE OR REPLACE TABLE {handed} (lead_id VARCHAR, "at" BIGINT, nth BIGINT)')
    leads = 0
    returns: Returns | None = None
    parts: list[Handed] = []
    lows: list[int] = []
    for gathered, rows in segments(store, agreement, start=start, end=until, batch_leads=batch_leads, told=told):
        leads = gathered.leads
        returns = audited.returns(store) if returns is None else returns
        decider = Decider.of(agreement, gathered.columns)
        _write(store, into, _changes(rows, decider))
        mine = returns.between(rows.low, rows.low + len(rows.circles))
        parts.append(hand_overs(rows, decider, mine))
        lows.append(rows.low)
        _write_handed(store, handed, parts[-1], rows.low)
    return Replayed(into, leads, int(store.one(f"SELECT count(*) FROM {into}")), start, until, joined(parts, lows))


def _changes(rows: Segments, decider: Decider) -> pa.Table:
    """Rows at which the verdict differs from the lead's row before."""
    decided = decide(rows, decider)
    names = list(dict.fromkeys(decider.names))
    verdict = np.array([names.index(name) for name in decider.names], np.int16)[decided.clause]
    lead = decided.keys >> rows.bits
    begins = np.ones(len(lead), bool)
    begins[1:] = lead[1:] != lead[:-1]
    differs = begins.copy()
    differs[1:] |= verdict[1:] != verdict[:-1]
    at = np.flatnonzero(differs)
    before = np.where(begins[at], len(names), verdict[np.maximum(at - 1, 0)])
    told = pa.array([*names, ""])
    return pa.table(
        {
            "ix": lead[at] + rows.low,
            "at": (decided.keys[at] & ((1 << rows.bits) - 1)) + rows.origin,
            "before": told.take(pa.array(before)),
            "after": told.take(pa.array(verdict[at])),
            "decided_by": pa.array(decider.decided_by).take(pa.array(decided.clause[at])),
        }
    )


def _write(store: Store, into: str, found: pa.Table) -> None:
    store.connection.register("hs_changes", found)
    store.execute(
        f'INSERT INTO {into} SELECT l.lead_id, c."at", c.before, c.after, c.decided_by FROM hs_changes c JOIN hs_leads l USING (ix)'
    )
    store.connection.unregister("hs_changes")


def _write_handed(store: Store, into: str, found: Handed, low: int) -> None:
    first = np.flatnonzero(found.first != NEVER)
    lead = np.concatenate((first, found.again_lead)) + low
    store.connection.register(
        "hs_handed", pa.table({"ix": lead, "at": np.concatenate((found.first[first], found.again_at))})
    )
    store.execute(
        f'INSERT INTO {into} SELECT l.lead_id, h."at", row_number() OVER (PARTITION BY ix ORDER BY h."at") '
        "FROM hs_handed h JOIN hs_leads l USING (ix)"
    )
    store.connection.unregister("hs_handed")


# --- one lead ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """One judged instant of one lead, opened to its lines."""

    judgement: Judgement
    explanation: Explanation


def lead_by_lead(
    store: Store, agreement: Agreement, lead_id: str, *, start: int | None = None, end: int | None = None
) -> Iterator[Judged]:
    """Every instant at which a lead was judged in the period, with scores and explanation, by the reference evaluator.

    Raises CannotDo when the history has no such lead.
    """
    until = period(store, start, end)
    known = one_lead.read(store, agreement, lead_id)
    for judgement in one_lead.judgements(known, agreement, start=start, end=until):
        yield Judged(judgement, explain(agreement, judgement, known.history(judgement.as_of)))
