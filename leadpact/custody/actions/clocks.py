"""Clocks of custody: notice those that ran out, each exactly once, and start one again when its promise was kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadpact.custody.entries import CLOCKS, NO_PROMISE
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.kit.raw import land


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A clock that ran out. `side`: whose it was. `offers`: offers in a row that ran out before this one."""

    lead_id: int
    seq: int
    what: str
    side: str
    due: int
    holder: str
    state: str
    salesperson_id: int | None
    offers: int
    attempts: int
    verdict: str
    hand_over_cause: str


# Rows that another process is at work on are left to it; what it does not finish, the next call finds.
_LAPSE = """
WITH late AS (
    SELECT lead_id FROM custody_holding
    WHERE due <= $1::bigint AND NOT lapsed AND due IS NOT NULL
    ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED
), marked AS (
    UPDATE custody_holding h SET lapsed = true FROM late WHERE h.lead_id = late.lead_id
    RETURNING h.lead_id, h.seq, h.due_what, h.due, h.holder, h.state, h.salesperson_id, h.offers, h.attempts, h.verdict, h.cause
), broken AS (
    INSERT INTO custody_lapse (lead_id, seq, what, side, due, noticed_at, salesperson_id)
    SELECT lead_id, seq, due_what, $3::jsonb ->> due_what, due, $1::bigint, CASE WHEN holder = 'sales' THEN salesperson_id END
    FROM marked WHERE due_what <> ALL($4::text[])
    ON CONFLICT (lead_id, seq, what, due) DO NOTHING
)
SELECT * FROM marked ORDER BY due, lead_id
"""


def lapse(*, at: int, limit: int = 1000) -> list[Lapsed]:
    """Mark every clock that ran out by `at` (the oldest first, `limit` at most) and return those marked by this call.

    Each clock is returned once, to one caller, also when several ask at the same time; after downtime it is returned late
    and the stored `noticed_at` shows that. A promise that broke is written down as a Lapse; the end of a rest is a
    date, not a promise. What follows (recall, wake, remind) is the loop's to do, in the same transaction, so that a crash
    leaves the clock unmarked and the next call finds it again.
    """
    with raw_cursor() as cursor:
        cursor.execute(_LAPSE, (at, limit, json.dumps(CLOCKS), list(NO_PROMISE)), prepare=True)
        rows: list[Any] = cursor.fetchall()
    return [
        Lapsed(lead, seq, what, CLOCKS[what], due, holder, state, salesperson, offers, attempts, verdict, cause)
        for lead, seq, what, due, holder, state, salesperson, offers, attempts, verdict, cause in rows
    ]


_RESTART = """
UPDATE custody_holding h SET due = n.due, lapsed = false
FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS x(lead_id, due) ORDER BY lead_id) n
WHERE h.lead_id = n.lead_id AND h.due_what = $3 AND h.due < n.due
"""


def restart_clocks(due: Mapping[int, int], *, what: str) -> int:
    """Start the clock `what` again for these leads (lead → new due instant), where it is the one that runs; returns how many.

    For promises that are kept over and over without a change of hands (`touch_every`): no entry, nothing moves.
    """
    if not due:
        return 0
    with raw_cursor() as cursor:
        cursor.execute(_RESTART, (list(due), list(due.values()), what), prepare=True)
        land()
        return cursor.rowcount
