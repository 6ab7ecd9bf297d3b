"""Reads of the ledger: who holds a lead, how it came there, and what was written beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from leadpact.custody.rules import words
from leadpact.custody.rules.projection import COLUMNS, Held, held_from
from leadpact.kit.raw import cursor as raw_cursor

_HOLDINGS = f"SELECT {', '.join(COLUMNS)} FROM custody_holding WHERE lead_id = ANY($1::bigint[])".encode()


def holding(lead_id: int) -> Held | None:
    """How a lead is held now; None where it is not in the ledger."""
    return holdings([lead_id]).get(lead_id)


def holdings(lead_ids: Sequence[int]) -> dict[int, Held]:
    """How leads are held now, by lead. One statement."""
    with raw_cursor() as cursor:
        cursor.execute(_HOLDINGS, (list(lead_ids),))
        return {held.lead_id: held for held in map(held_from, cursor.fetchall())}


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as people read it. Instants in microseconds; `note` is empty where nothing was written or the key is gone.

    In a blind history judgements are left out and entries numbered anew (a gap would tell of one); `cause`, `verdict`,
    `alternatives`, `agreement`, `cause_touch`, `cause_seq`, and who made a hand-over, its reason and note are empty: an audit
    then looks like any other hand-over. So are state and clock while Marketing holds the lead: they move with the verdict.
    """

    seq: int
    at: int
    move: str
    holder: str
    state: str
    actor: str
    user_id: int | None
    user_name: str
    agreement: str
    reason: str
    verdict: str
    cause: str
    cause_touch: int | None
    cause_seq: int | None
    salesperson_id: int | None
    salesperson_name: str
    due: int | None
    due_what: str
    not_before: int | None
    value: int | None
    alternatives: int | None
    note: str


_HISTORY = """
SELECT e.lead_id, e.seq, e.at, e.move, e.holder, e.state, e.actor, e.user_id, COALESCE(NULLIF(u.name, ''), u.email, ''),
    e.agreement, e.reason, e.verdict, e.cause, e.cause_touch, e.cause_seq, e.salesperson_id,
    COALESCE(NULLIF(s.name, ''), s.email, ''),
    e.due, e.due_what, e.not_before, e.value, e.alternatives, e.commitment, w.sealed, p.secret
FROM custody_entry e JOIN leads_lead l ON l.id = e.lead_id JOIN leads_person p ON p.id = l.person_id
LEFT JOIN custody_words w ON w.entry_id = e.id
LEFT JOIN team_user u ON u.id = e.user_id LEFT JOIN team_user s ON s.id = e.salesperson_id
WHERE e.lead_id = ANY($1::bigint[]) AND ($2 OR e.move <> 'judged') ORDER BY e.lead_id, e.seq
"""


def history(lead_id: int, *, blind: bool) -> list[Line]:
    """A lead's entries, oldest first. `blind`: for whoever can be routed to (`team.permissions.sees_scores` is false)."""
    return histories([lead_id], blind=blind)[lead_id]


def histories(lead_ids: Sequence[int], *, blind: bool) -> dict[int, list[Line]]:
    """The entries of some leads, by lead. One statement."""
    found: dict[int, list[Line]] = {lead: [] for lead in lead_ids}
    with raw_cursor() as cursor:
        cursor.execute(_HISTORY, (list(lead_ids), not blind))
        for lead, *row in cursor.fetchall():
            lines = found[lead]  # type: ignore[index]
            line = _line(lead, tuple(row), blind=blind)  # type: ignore[arg-type]
            lines.append(replace(line, seq=len(lines) + 1) if blind else line)
    return found


def _line(lead_id: int, row: tuple[Any, ...], *, blind: bool) -> Line:
    *codes, commitment, sealed, secret = row
    note = ""
    if sealed is not None:
        opened = words.unseal(
            bytes(sealed),
            secret=bytes(secret),
            lead_id=lead_id,
            seq=int(row[0]),
            commitment=bytes(commitment),
        )
        note = opened or ""
    values: dict[str, Any] = dict(zip(Line.__slots__, (*codes, note), strict=True))
    if blind:
        values |= {
            "cause": "",
            "verdict": "",
            "alternatives": None,
            "agreement": "",
            "cause_touch": None,
            "cause_seq": None,
        }
        if values["holder"] == "marketing":
            values |= {"state": "", "due": None, "due_what": "", "not_before": None}
        if values["move"] == "handed_over":
            # By whom tells an audit or a definition (the system) from a hand-over by hand.
            values |= {"reason": "", "note": "", "actor": "", "user_id": None, "user_name": ""}
    return Line(**values)


_COUNTS = "SELECT holder, state, count(*) FROM custody_holding GROUP BY holder, state ORDER BY holder, state"
_LATE = """
SELECT due_what, count(*) FROM custody_holding
WHERE due <= $1 AND due IS NOT NULL AND due_what <> 'rest_ends' GROUP BY due_what ORDER BY due_what
"""


def counts() -> dict[tuple[str, str], int]:
    """How many leads each (holder, state) has now."""
    with raw_cursor() as cursor:
        cursor.execute(_COUNTS)
        rows: list[Any] = cursor.fetchall()
    return {(holder, state): number for holder, state, number in rows}


def late(at: int) -> dict[str, int]:
    """How many leads wait past their clock at an instant, by the clock's name (`entries.CLOCKS` says whose it is)."""
    with raw_cursor() as cursor:
        cursor.execute(_LATE, (at,))
        rows: list[Any] = cursor.fetchall()
    return dict(rows)


# Which named versions of the agreement were not in force at the entry's instant; grouped, so that the answer stays small.
_NAMING = "SELECT count(*) FROM custody_entry WHERE agreement <> ''"
_OUT_OF_FORCE = """
WITH period AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS p (hash, from_at, until_at))
SELECT e.agreement, count(*), min(e.at), max(e.at), min(e.lead_id) FROM custody_entry AS e
WHERE e.agreement <> '' AND NOT EXISTS (
    SELECT FROM period AS p WHERE p.hash = e.agreement AND e.at >= p.from_at AND (p.until_at IS NULL OR e.at < p.until_at))
GROUP BY e.agreement ORDER BY min(e.at)
"""


def out_of_force(
    periods: Sequence[tuple[str, int, int | None]],
) -> tuple[int, list[tuple[str, int, int, int, int]]]:
    """How many entries name a version of the agreement, and those whose version was not in force at their instant.

    periods: (hash, from, until) of every stretch in force. The latter by version: (hash, entries, first instant, last instant,
    a lead).
    """
    hashes, starts, ends = ([one[n] for one in periods] for n in range(3))
    with raw_cursor() as cursor:
        cursor.execute(_NAMING.encode())
        found: Any = cursor.fetchone()
        cursor.execute(_OUT_OF_FORCE.encode(), (hashes, starts, ends))
        rows: list[Any] = cursor.fetchall()
    return int(found[0]), [tuple(row) for row in rows]


def mean_stay(*, since: int, until: int) -> int | None:
    """How long Sales kept a lead from its hand-over to its final answer, on average, in microseconds.

    Over hand-overs in [since, until) that were answered; None where there is none.
    """
    with raw_cursor() as cursor:
        cursor.execute(
            b"SELECT avg(answered_at - at)::bigint FROM custody_handoff_v1 WHERE at >= $1 AND at < $2 AND answered_at IS NOT NULL",
            (since, until),
        )
        row: Any = cursor.fetchone()
    return None if row is None or row[0] is None else int(row[0])
