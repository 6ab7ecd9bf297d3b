"""Blind audits: freeze the week's pool, draw, release, and keep Sales' answers. `loop.audits` gives the order of work."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

from leadpact.agreement.queries import by_hash, in_force
from leadpact.custody.actions import Recorded
from leadpact.kit.instants import from_us
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.nodes import Agreement
from leadpact.team.models import User
from leadpact.tuning.models import Frame
from leadpact.tuning.queries import answers_to_ask_about
from leadpact.tuning.rules import PoolLead, answer_of, draw, freeze, release_times, week_start

WEEK = 7 * 86_400_000_000
QUARTER = 13 * WEEK
FINAL = frozenset({"qualified", "rejected", "recycled"})


@dataclass(frozen=True, slots=True)
class DrawnWeek:
    """What a week's draw did: how many were in the frame, drawn, and left out by cause."""

    week: date
    size: int
    drawn: int
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ToRelease:
    """A drawn lead whose time has come."""

    audit_id: int
    lead_id: int


_POOL = """
SELECT h.lead_id, h.state, (NOT p.opted_out AND (p.email IS NOT NULL OR p.phone <> '')), j.distance,
       (SELECT max(f.frozen_at) FROM tuning_audit AS a JOIN tuning_stratum AS s ON s.id = a.stratum_id
        JOIN tuning_frame AS f ON f.id = s.frame_id WHERE a.lead_id = h.lead_id)
FROM custody_holding AS h JOIN leads_lead AS l ON l.id = h.lead_id JOIN leads_person AS p ON p.id = l.person_id
LEFT JOIN qualification_judgement AS j ON j.lead_id = h.lead_id
WHERE h.holder = 'marketing' ORDER BY h.lead_id
"""


def draw_week(*, agreement: Agreement, agreement_hash: str, at: int, seed: str | None = None) -> DrawnWeek | None:
    """Freeze the pool of the week that holds `at` and draw its audits; None where that was done before.

    seed: recorded with the frame; a fresh secret one where none is given, so that nobody can foretell the draw.
    """
    week = week_start(at)
    monday = from_us(week).date()
    seed = seed or secrets.token_hex(16)
    frame, created = Frame.objects.get_or_create(
        week=monday, defaults={"frozen_at": at, "agreement_hash": agreement_hash, "seed": seed}
    )
    if not created:
        return None
    with raw_cursor() as cursor:
        cursor.execute(_POOL)
        pool = [PoolLead(*row) for row in cursor.fetchall()]  # type: ignore[arg-type]
        frozen = freeze(pool, agreement.audit, week=week, frozen_at=at)
        outcome = draw(frozen, agreement.audit, seed)
        cursor.execute(
            "SELECT at FROM custody_entry WHERE move = 'handed_over' AND cause = 'definition' AND at > $1 ORDER BY at",
            (at - QUARTER,),
        )
        ordinary = [int(row[0]) for row in cursor.fetchall()]  # type: ignore[call-overload]
        releases = release_times(len(outcome.drawn), ordinary, week, seed, not_before=at)
        # Times are ascending and drawn leads come in the order of their ids: shuffle by the seed, or old leads would go first.
        order = sorted(range(len(outcome.drawn)), key=lambda i: place_in_line(seed, outcome.drawn[i].lead_id))
        release_of = {outcome.drawn[i].lead_id: releases[n] for n, i in enumerate(order)}
        strata: dict[str, int] = {}
        for name, ids in frozen.strata.items():
            cursor.execute(
                "INSERT INTO tuning_stratum (frame_id, name, size, drawn) VALUES ($1, $2, $3, $4) RETURNING id",
                (frame.pk, name, len(ids), outcome.sizes.get(name, (0, 0))[0]),
            )
            row = cursor.fetchone()
            assert row is not None
            strata[name] = int(row[0])  # type: ignore[call-overload]
            cursor.execute(
                "INSERT INTO tuning_member (stratum_id, lead_id) SELECT $1, i FROM unnest($2::bigint[]) AS n (i)",
                (strata[name], list(ids)),
            )
        drawn = outcome.drawn
        cursor.execute(
            "INSERT INTO tuning_audit (stratum_id, lead_id, probability_n, probability_of, release_at, reason, caught)"
            " SELECT s, l, n, o, r, '', FALSE FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[], $5::bigint[])"
            " AS x (s, l, n, o, r)",
            (
                [strata[d.stratum] for d in drawn],
                [d.lead_id for d in drawn],
                [d.n for d in drawn],
                [d.of for d in drawn],
                [release_of[d.lead_id] for d in drawn],
            ),
        )
    Frame.objects.filter(pk=frame.pk).update(left_out=dict(frozen.left_out))
    return DrawnWeek(monday, frozen.size, len(drawn), frozen.left_out)


def place_in_line(seed: str, lead_id: int) -> bytes:
    """A place in line that the seed decides and the id does not."""
    return blake2b(f"{seed} {lead_id}".encode(), digest_size=8).digest()


def due_for_release(*, at: int) -> list[ToRelease]:
    """Drawn leads whose time has come and that Marketing still holds, locked; those that left by themselves are caught."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT a.id, a.lead_id FROM tuning_audit AS a JOIN custody_holding AS h ON h.lead_id = a.lead_id"
            " WHERE a.released_at IS NULL AND NOT a.caught AND a.release_at <= $1 AND h.state IN ('prospect', 'lead', 'resting')"
            " ORDER BY a.lead_id FOR UPDATE OF a SKIP LOCKED",
            (at,),
            prepare=True,
        )
        return [ToRelease(int(row[0]), int(row[1])) for row in cursor.fetchall()]  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class Shadow:
    """A released audit whose week has passed, and of which nobody has said yet whether it would have graduated by itself.

    until: the end of its frame's week, microseconds.
    """

    audit_id: int
    lead_id: int
    released_at: int
    until: int


def unsettled(*, at: int) -> list[Shadow]:
    """Released audits of weeks that have passed and are not judged in shadow yet."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT a.id, a.lead_id, a.released_at, (extract(epoch FROM f.week) * 1000000)::bigint + $2 AS until"
            " FROM tuning_audit AS a JOIN tuning_stratum AS s ON s.id = a.stratum_id JOIN tuning_frame AS f ON f.id = s.frame_id"
            " WHERE a.ready_anyway IS NULL AND NOT a.caught AND a.released_at IS NOT NULL"
            " AND (extract(epoch FROM f.week) * 1000000)::bigint + $2 <= $1 ORDER BY a.id",
            (at, WEEK),
        )
        return [Shadow(*map(int, row)) for row in cursor.fetchall()]  # type: ignore[arg-type]


def settle(*, ready: Mapping[int, bool]) -> None:
    """Keep, by audit, whether it would have become sales-ready in its week without the audit. One statement."""
    if not ready:
        return
    with raw_cursor() as cursor:
        cursor.execute(
            "UPDATE tuning_audit AS a SET ready_anyway = n.r FROM unnest($1::bigint[], $2::boolean[]) AS n (i, r)"
            " WHERE a.id = n.i",
            (list(ready), list(ready.values())),
        )


def released(*, audits: Mapping[int, int | None], at: int) -> None:
    """Note that drawn leads went to Sales: audit id → salesperson. One statement."""
    if not audits:
        return
    with raw_cursor() as cursor:
        cursor.execute(
            "UPDATE tuning_audit AS a SET released_at = $3, salesperson_id = n.s"
            " FROM unnest($1::bigint[], $2::bigint[]) AS n (i, s) WHERE a.id = n.i",
            (list(audits), list(audits.values()), at),
        )


def answer_audits(*, recorded: Sequence[Recorded], at: int) -> None:
    """Keep Sales' answers on audited leads, and note those that graduated by themselves before their release."""
    graduated = [r.lead_id for r in recorded if r.move == "handed_over" and r.cause == "definition"]
    moved = [r for r in recorded if r.actor.kind != "system" and (r.move in FINAL or r.move == "corrected")]
    if not graduated and not moved:
        return
    with raw_cursor() as cursor:
        if graduated:
            cursor.execute(
                "UPDATE tuning_audit SET caught = TRUE WHERE lead_id = ANY($1::bigint[]) AND released_at IS NULL",
                (graduated,),
                prepare=True,
            )
        if not moved:
            return
        cursor.execute(
            "SELECT DISTINCT ON (lead_id) lead_id, id, released_at FROM tuning_audit WHERE lead_id = ANY($1::bigint[])"
            " AND released_at IS NOT NULL AND NOT caught ORDER BY lead_id, released_at DESC",
            ([r.lead_id for r in moved],),
            prepare=True,
        )
        audits = {int(lead): (int(audit), int(when)) for lead, audit, when in cursor.fetchall()}  # type: ignore[call-overload]
        rows: list[tuple[int, int | None, int | None, str, int | None]] = []
        for r in moved:
            if r.lead_id not in audits or r.hand_over_cause not in {"audit", ""}:
                continue
            audit, when = audits[r.lead_id]
            if r.move == "corrected":
                rows.append((audit, None, None, "", None))
                continue
            answer = answer_of(r.move, _blames(r, at), released_at=when, answered_at=r.at)
            rows.append((audit, answer, r.at, r.reason, r.actor.user_id))
        if rows:
            cursor.execute(
                "UPDATE tuning_audit AS a SET answer = n.w, answered_at = n.t, reason = n.r,"
                " salesperson_id = COALESCE(n.u, a.salesperson_id)"
                " FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::text[], $5::bigint[]) AS n (i, w, t, r, u)"
                " WHERE a.id = n.i AND (a.answered_at IS NULL OR n.t IS NULL)",
                tuple([row[i] for row in rows] for i in range(5)),
            )


def guess(*, lead_id: int, said: bool | None, by: User, at: int) -> bool:
    """Keep what somebody says, asked whether a lead they gave a final answer on was a check; None: they pass it over.

    Returns whether the question stood before them; a question that is gone (answered in another window, too long ago)
    keeps nothing. Whether the guess was right is told to nobody.
    """
    asked = next((found for found in answers_to_ask_about(user_id=by.pk, at=at) if found[0].lead_id == lead_id), None)
    if asked is None:
        return False
    with raw_cursor() as cursor:
        cursor.execute(
            "INSERT INTO tuning_guess (lead_id, seq, user_id, at, guess, was_check) VALUES ($1, $2, $3, $4, $5, $6)"
            " ON CONFLICT (lead_id, seq) DO NOTHING",
            (lead_id, asked[0].seq, by.pk, at, said, asked[1]),
        )
        return cursor.rowcount == 1


def _blames(r: Recorded, at: int) -> str | None:
    """What the reason blames, by the version under which the answer was given."""
    if not r.reason:
        return None
    version = in_force(at)
    agreement = by_hash(r.agreement) if r.agreement else (version.agreement if version else None)
    reason = agreement.reason(r.reason) if agreement else None
    return reason.blames if reason else None
