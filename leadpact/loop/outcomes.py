"""Answers and spend of the past, from a file: each answer becomes the ledger entries that lead to it.

The ledger is written now, so its instants are now; what the file says of when is in the order of the rows. A lead that was
never handed over is handed over by hand first (the reason says `imported`), so that both funnels count it. Rows of one lead are
taken in their order; rows of different leads together, so that a file costs as many statements as its longest story.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from leadpact.agreement.queries import InForce, in_force
from leadpact.capture.rules.answers import Answered, OutcomeRow, SpendRow
from leadpact.custody.actions import Actor, NewEntry, lock, record
from leadpact.custody.entries import MoveRefused, after
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.tracking.actions import add_spend

IMPORTED = Actor("operations")
NEXT_STEP = 14 * 86_400_000_000
BEFORE_SALES = frozenset({"new", "prospect", "lead", "resting", "repair"})
# What has to have happened before an outcome can be written, from the state the lead is in.
STORY = {
    "accepted": ("accepted",),
    "qualified": ("accepted", "qualified"),
    "opportunity": ("accepted", "qualified", "opportunity_opened"),
    "won": ("accepted", "won"),
    "lost": ("accepted", "lost"),
    "rejected": ("rejected",),
}
REACHED = {
    "accepted": {"accepted", "qualified", "opportunity", "won"},
    "qualified": {"qualified", "opportunity", "won"},
    "opportunity": {"opportunity", "won"},
}


def take_answers(rows: Sequence[OutcomeRow] | Sequence[SpendRow], *, at: int) -> Answered:
    """Take rows of one kind in one transaction, each once for ever. What cannot be taken is refused by line, with a reason."""
    with transaction.atomic():
        if rows and isinstance(rows[0], SpendRow):
            return _spend([row for row in rows if isinstance(row, SpendRow)])
        return _outcomes([row for row in rows if isinstance(row, OutcomeRow)], at)


def _spend(rows: list[SpendRow]) -> Answered:
    taken = add_spend(
        rows=[(r.channel, r.campaign, r.day.isoformat(), r.amount, r.currency, r.source_key) for r in rows]
    )
    return Answered(taken=taken, repeated=len(rows) - taken)


def _outcomes(rows: list[OutcomeRow], at: int) -> Answered:
    leads, people = _leads(rows), _salespeople()
    refused: list[tuple[int, str]] = []
    known: list[OutcomeRow] = []
    for row in rows:
        if row.lead not in leads:
            refused.append(
                (row.line, f"no lead is known by the {row.lead[0].replace('_', ' ')} {row.lead[1]}; import leads first")
            )
        elif not people:
            refused.append((row.line, "nobody in Sales can hold a lead yet; add a salesperson first"))
        else:
            known.append(row)
    fresh = _unseen(known)
    version = in_force(at)
    taken: list[OutcomeRow] = []
    waiting = sorted(fresh, key=lambda row: (row.at, row.line))
    while waiting:
        now: dict[int, OutcomeRow] = {}
        later: list[OutcomeRow] = []
        for row in waiting:
            if leads[row.lead] in now:
                later.append(row)
            else:
                now[leads[row.lead]] = row
        held = lock(sorted(now))
        entries: list[NewEntry] = []
        for lead_id, row in now.items():
            try:
                entries += _story(row, lead_id, held[lead_id].state, version, people, at)
                taken.append(row)
            except MoveRefused as problem:
                refused.append((row.line, str(problem)))
        record(entries, at=at)
        waiting = later
    _remember(taken, at)
    return Answered(taken=len(taken), repeated=len(known) - len(fresh), refused=tuple(sorted(refused)))


def _story(
    row: OutcomeRow, lead_id: int, state: str, version: InForce | None, people: dict[str, int], at: int
) -> list[NewEntry]:
    """The entries that lead from the lead's state to the outcome; none where it is there already. Raises MoveRefused."""
    if state in REACHED.get(row.outcome, set()):
        return []
    agreement = version.hash if version else ""
    seller = people.get(row.salesperson.strip().lower(), people[""])
    clock = {"due": at + NEXT_STEP, "due_what": "next_step"}

    def entry(move: str, **more: Any) -> NewEntry:
        return NewEntry(lead_id, move, IMPORTED, agreement=agreement, **more)

    moves: list[NewEntry] = []
    if state in BEFORE_SALES:
        nurture: dict[str, Any] = {"due": at + NEXT_STEP, "due_what": "touch_every"}
        offer = {"due": at + NEXT_STEP, "due_what": "accept_within"}
        if state == "new":
            system = Actor("system")
            moves.append(NewEntry(lead_id, "judged", system, agreement=agreement, verdict="lead", **nurture))
        if state == "repair":
            moves.append(entry("repaired", **nurture))
        moves.append(entry("handed_over", cause="by_hand", reason="imported", salesperson_id=seller, **offer))
        state = "offered"
    for move in STORY[row.outcome]:
        if (move == "accepted" and state != "offered") or (
            move == "qualified" and state in {"qualified", "opportunity"}
        ):
            continue
        reason = row.reason or ("other" if move == "lost" else "")
        if move == "rejected":
            _check_reason(reason, version)
        more: dict[str, Any] = {"reason": reason} if move in {"lost", "rejected"} else {}
        if move in {"opportunity_opened", "won"}:
            more["value"] = row.value or 0
        if move in {"accepted", "qualified", "opportunity_opened"}:
            more |= clock
        if move == "rejected":
            more |= {"due": at + NEXT_STEP, "due_what": "touch_every"}
        _, state = after(state, move, IMPORTED.kind)
        moves.append(entry(move, **more))
    return moves


def _check_reason(reason: str, version: InForce | None) -> None:
    known = version.agreement.recycle if version else ()
    if reason not in {one.id for one in known}:
        names = ", ".join(one.id for one in known) or "none, since no agreement is in force"
        raise MoveRefused(f"the reason {reason!r} is not one of the agreement's: {names}")


def _leads(rows: list[OutcomeRow]) -> dict[tuple[str, str], int]:
    """Name of a lead in the file → the person's latest lead."""
    names = sorted({row.lead for row in rows})
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT i.kind, i.value, max(l.id) FROM unnest($1::text[], $2::text[]) AS n (kind, value) JOIN leads_identifier AS i"
            " ON i.kind = n.kind AND i.value = n.value JOIN leads_visitor AS v ON v.id = i.visitor_id"
            " JOIN leads_lead AS l ON l.person_id = v.person_id GROUP BY 1, 2",
            ([kind for kind, _ in names], [value for _, value in names]),
        )
        return {(str(kind), str(value)): int(lead) for kind, value, lead in cursor.fetchall()}  # type: ignore[call-overload]


def _salespeople() -> dict[str, int]:
    """Address or name, in lower case → user; "" → who stands in where the file names nobody we know."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT id, email, lower(name) FROM team_user WHERE is_active AND (takes_leads OR is_catch_all)"
            " ORDER BY is_catch_all, id DESC"
        )
        rows: list[Any] = cursor.fetchall()
    people: dict[str, int] = {}
    for id_, email, name in rows:
        people |= {email: id_, name: id_, "": id_}
    return people


def _unseen(rows: list[OutcomeRow]) -> list[OutcomeRow]:
    """Those that were never taken before. Imports of answers stand in line, so that a row is not looked at by two."""
    with raw_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('leadpact answers of the past'))")
        cursor.execute(
            "SELECT message FROM capture_receipt WHERE message = ANY($1::bytea[])",
            (sorted({row.message for row in rows}),),
        )
        seen = {bytes(row[0]) for row in cursor.fetchall()}  # type: ignore[arg-type]
    fresh = []
    for row in rows:
        if row.message not in seen:
            seen.add(row.message)
            fresh.append(row)
    return fresh


def _remember(rows: list[OutcomeRow], at: int) -> None:
    """A row that was taken is never taken again; one that was refused may be, once it is mended."""
    with raw_cursor() as cursor:
        cursor.execute(
            "INSERT INTO capture_receipt (message, known_at) SELECT m, $2::bigint FROM unnest($1::bytea[]) AS n (m)"
            " ON CONFLICT (message) DO NOTHING",
            ([row.message for row in rows], at),
        )
