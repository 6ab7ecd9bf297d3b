"""The one follower of the ledger: what the product does when something moved, in the same transaction.

It is called with whole batches. What it writes itself (the place of a rejected lead, the touch of a logged call) goes through
the ledger and the intake again, so a move that follows a move is followed too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b

from django.conf import settings

from leadpact.agreement.queries import InForce, in_force
from leadpact.capture.rules.arrival import Arrival, TouchData
from leadpact.custody.actions import NewEntry, Recorded
from leadpact.distribution.actions import end_offers
from leadpact.kit import queue
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.loop.handoffs import after_giving_back
from leadpact.loop.judging import HOUR, as_it_stands, judge_set, route
from leadpact.loop.relevance import reads
from leadpact.qualification.actions import watch_for_cooling
from leadpact.tracking.actions import follow_market
from leadpact.tuning.actions import answer_audits

GIVES_BACK = frozenset({"rejected", "returned", "recycled", "cooled", "lost", "disqualified"})
ATTEMPT = "call.attempted"
RINGS = frozenset({
    "handed_over", "recalled", "accepted", "rejected", "reassigned", "corrected", "merged_into", "unmerged", "erased",
})  # fmt: skip


def follow(recorded: Sequence[Recorded], *, at: int) -> None:
    """Carry on after a batch of entries. Statements do not grow with the batch, but for logged calls."""
    _remember_alternatives([r.lead_id for r in recorded if r.move in GIVES_BACK])
    _open_and_close(recorded)
    watch_for_cooling(lead_ids=[r.lead_id for r in recorded if r.move == "accepted"])
    end_offers(recorded=recorded)
    follow_market(recorded=recorded, at=at)
    answer_audits(recorded=recorded, at=at)
    _place(recorded, at)
    _touch_by_hand(recorded, at)
    _ring(recorded)


def _remember_alternatives(lead_ids: Sequence[int]) -> None:
    """What held when Sales gave the lead back cannot wake it again (Meaning 12)."""
    if not lead_ids:
        return
    with raw_cursor() as cursor:
        cursor.execute(
            "UPDATE custody_holding AS h SET alternatives = j.alternatives FROM qualification_judgement AS j"
            " WHERE j.lead_id = h.lead_id AND h.lead_id = ANY($1::bigint[])",
            (sorted(lead_ids),),
            prepare=True,
        )


def _open_and_close(recorded: Sequence[Recorded]) -> None:
    """A lead is open while somebody holds it; a person has at most one open lead."""
    closing = sorted({r.lead_id for r in recorded if r.holder == "closed" and r.previous_holder != "closed"})
    opening = sorted(
        {r.lead_id for r in recorded if r.previous_holder == "closed" and r.holder != "closed"} - set(closing)
    )
    with raw_cursor() as cursor:
        for ids, is_open in ((closing, False), (opening, True)):
            if ids:
                cursor.execute(
                    "UPDATE leads_lead SET is_open = $2 WHERE id = ANY($1::bigint[])", (ids, is_open), prepare=True
                )
        gone = sorted({r.lead_id for r in recorded if r.state in {"won", "merged", "erased"}})
        if gone:
            # Never judged again: a sweep that kept finding them would never end.
            cursor.execute(
                "UPDATE qualification_judgement SET next_tick = NULL WHERE lead_id = ANY($1::bigint[])", (gone,)
            )


def _place(recorded: Sequence[Recorded], at: int) -> None:
    """A rejected or returned lead goes where the agreement's word on the reason sends it; else where its verdict does."""
    given_back = [
        r
        for r in recorded
        if r.actor.kind != "system"
        and r.holder == "marketing"
        and r.state == "lead"
        and r.move in {"rejected", "returned"}
    ]
    stands = [r.lead_id for r in recorded if r.move in {"repaired", "cooled"} and r.holder == "marketing"]
    # What a correction takes back may have been a win: nobody was judged meanwhile.
    afresh = [r.lead_id for r in recorded if r.move == "corrected" and r.holder == "marketing"]
    if not given_back and not afresh and not stands:
        return
    version = in_force(at)
    if version is None:
        return
    entries: list[NewEntry] = []
    for r in given_back:
        places = after_giving_back(
            r.lead_id, version.agreement.reason(r.reason), agreement=version.agreement, agreement_hash=version.hash, at=at,
            cause_seq=r.seq,
        )  # fmt: skip
        entries += places
        if not places:
            stands.append(r.lead_id)
    route(entries, version=version, at=at)
    if stands:
        as_it_stands(sorted(set(stands)), version=version, at=at)
    if afresh:
        _judge_afresh(afresh, version, at)


def _judge_afresh(lead_ids: Sequence[int], version: InForce, at: int) -> None:
    judge_set(sorted(set(lead_ids)), version=version, at=at)


def _touch_by_hand(recorded: Sequence[Recorded], at: int) -> None:
    """A logged call is a touch like any other: it comes in by the same door, unless no verdict can read it."""
    calls = [r for r in recorded if r.move == "followed_up"]
    if not calls:
        return
    version = in_force(at)
    known = reads(version.hash) if version else None
    if known is None or ATTEMPT not in known.own | known.circle:
        # A try of ours that no line counts: written down, and nobody is judged for it.
        _write_attempts([r for r in calls if r.reason != "conversation"], version, at)
        calls = [r for r in calls if r.reason == "conversation"]
        if not calls:
            return
    from leadpact.loop.intake import take  # the follower is called by the intake itself

    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (n.id) n.id, i.kind, i.value FROM unnest($1::bigint[]) AS n (id)"
            " CROSS JOIN LATERAL (SELECT person_id FROM leads_lead WHERE id = n.id OFFSET 0) AS l"
            " CROSS JOIN LATERAL (SELECT id FROM leads_visitor WHERE person_id = l.person_id OFFSET 0) AS v"
            " CROSS JOIN LATERAL (SELECT kind, value FROM leads_identifier WHERE visitor_id = v.id OFFSET 0) AS i"
            " ORDER BY n.id, array_position(ARRAY['email', 'user_id', 'anonymous_id'], i.kind), i.value",
            ([r.lead_id for r in calls],),
            prepare=True,
        )
        names = {row[0]: (str(row[1]), str(row[2])) for row in cursor.fetchall()}
    arrivals = [
        Arrival(
            message=blake2b(f"entry {r.lead_id} {r.seq}".encode(), digest_size=16).digest(),
            at=r.at,
            touch=TouchData(
                kind="call.answered" if r.reason == "conversation" else ATTEMPT,
                channel="phone",
                user_id=r.actor.user_id,
            ),
            **{names[r.lead_id][0]: names[r.lead_id][1]},  # type: ignore[arg-type]
        )
        for r in calls
        if r.lead_id in names
    ]
    take(arrivals, known_at=at)


def _write_attempts(calls: Sequence[Recorded], version: InForce | None, at: int) -> None:
    """Calls that reached nobody, as touches of ours on the person's first trail. One statement.

    Nobody's verdict reads them; but a touch of a lead's own has it judged where time may have changed its verdict (`relevance`).
    """
    if not calls:
        return
    with raw_cursor() as cursor:
        cursor.execute(
            # The planner would read all hours that are due, not the leads: OFFSET 0.
            "WITH written AS (INSERT INTO leads_touch"
            " (visitor_id, kind, at, known_at, channel, campaign, user_id, properties, cells)"
            " SELECT v.id, $4, n.a, n.a, 'phone', '', n.u, '{}', '{}'"
            " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n (l, a, u)"
            " CROSS JOIN LATERAL (SELECT person_id FROM leads_lead WHERE id = n.l OFFSET 0) AS l"
            " CROSS JOIN LATERAL (SELECT min(id) AS id FROM leads_visitor WHERE person_id = l.person_id OFFSET 0) AS v"
            " WHERE v.id IS NOT NULL)"
            " SELECT n.id FROM unnest($1::bigint[]) AS n (id) CROSS JOIN LATERAL (SELECT next_tick FROM qualification_judgement"
            " WHERE lead_id = n.id OFFSET 0) AS j WHERE j.next_tick > 0 AND j.next_tick < $5",
            ([r.lead_id for r in calls], [r.at for r in calls], [r.actor.user_id for r in calls], ATTEMPT, at + HOUR),
            prepare=True,
        )
        due = [int(row[0]) for row in cursor.fetchall()]  # type: ignore[call-overload]
    if due and version is not None:
        judge_set(due, version=version, at=at)


def _ring(recorded: Sequence[Recorded]) -> None:
    """Tell open pages whose count of offers changed, and defer the mail that goes with a new offer."""
    rung: set[int] = set()
    for r in recorded:
        if r.move in RINGS:
            rung |= {who for who in (r.salesperson_id, r.previous_salesperson_id) if who is not None}
    if not rung:
        return
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT pg_notify('leadpact_live', m) FROM unnest($1::text[]) AS n (m)",
            ([json.dumps({"user": who, "what": "inbox"}) for who in sorted(rung)],),
            prepare=True,
        )
    offered = sorted({r.salesperson_id for r in recorded if r.move in {"handed_over", "recalled"} and r.salesperson_id})
    if offered and _mail_is_set():
        for who in offered:
            queue.defer("distribution.mail_offers", user_id=who, waits_once=f"mail offers {who}")


def _mail_is_set() -> bool:

    return bool(settings.MAIL_WORKS)
