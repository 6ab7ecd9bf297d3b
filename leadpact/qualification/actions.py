"""Judge leads with what both departments signed, and keep the latest verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any

import msgspec

from leadpact.agreement.queries import InForce, by_hash
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.drift import Drift
from leadpact.language.evaluate import evaluate
from leadpact.language.to_sql import compile_sql
from leadpact.qualification.queries import history as history_of
from leadpact.qualification.queries import sample
from leadpact.qualification.rules.binding import relations
from leadpact.qualification.rules.judged import HOUR, Judged, Met

FIXED = ("lead_id", "as_of", "verdict", "decided_by", "fit", "engagement", "readiness")
AT_ONCE = 1_000
EXTRAS = ("alternatives", "cools", "distance", "changes_at", "steps_at", "fades")


@lru_cache(maxsize=16)
def statement(agreement_hash: str, *, history: bool) -> tuple[str, tuple[str, ...]]:
    """The whole query for a version, with $1 (lead ids) and $2 (as of), and the line ids of its point columns."""
    agreement = by_hash(agreement_hash)
    compiled = compile_sql(agreement, "postgres")
    stages = [*relations(agreement, history=history), *compiled.stages[:-1]]
    ctes = ",\n".join(f"{name} AS ({sql})" for name, sql in stages)
    lines = tuple(line.id for line in agreement.lines)
    wanted = [*FIXED, *(f'"points.{line}"' for line in lines), *EXTRAS]
    return f"WITH {ctes}\nSELECT {', '.join(wanted)} FROM ({compiled.stages[-1][1]}) AS judged", lines


@lru_cache(maxsize=16)
def _drift(agreement_hash: str) -> Drift:
    # By hash: hashing an agreement itself would read all its lists and holidays again for every lead.
    return Drift(by_hash(agreement_hash))


@lru_cache(maxsize=4_096)
def _is_settled(agreement_hash: str, verdict: str, alternatives: int, cools: bool) -> bool:
    return not _drift(agreement_hash).can_change(verdict, alternatives=alternatives, cools=cools)


def judge(*, lead_ids: Sequence[int], as_of: int, version: InForce, history: bool = False) -> list[Judged]:
    """Judge leads as of an instant, in one statement, without writing anything; in the order of leads.

    history: read attributes as they were known then, not as they are now; needed wherever something may have been learnt
    after `as_of`.
    """
    return judge_by(version.hash, lead_ids=lead_ids, as_of=as_of, history=history)


def judge_by(agreement_hash: str, *, lead_ids: Sequence[int], as_of: int, history: bool = False) -> list[Judged]:
    """`judge` by any version that was ever signed, in force or not."""
    if not lead_ids:
        return []
    sql, lines = statement(agreement_hash, history=history)
    with raw_cursor() as cursor:
        cursor.execute(sql.encode(), (list(lead_ids), as_of), prepare=True)
        rows: list[Any] = cursor.fetchall()
    first_extra = len(FIXED) + len(lines)
    drift = _drift(agreement_hash)
    # In the order of leads, whatever the plan: what follows from a batch is written, and done, in one order.
    rows.sort(key=itemgetter(0))
    found: list[Judged] = []
    for row in rows:
        alternatives, cools, distance, changes_at, steps_at, fades = row[first_extra:]
        turns_at = stale_at = steps_at
        if fades:
            ahead = {"as_of": as_of, "changes_at": changes_at, "steps_at": steps_at, "fades": fades}
            turns_at, stale_at = drift.turns_at(row[4:7], **ahead), drift.stale_at(**ahead)
        if turns_at is not None and _is_settled(agreement_hash, row[2], alternatives, cools):
            turns_at = None
        found.append(
            Judged(
                row[0], row[1], row[2], row[3] or "", row[4], row[5], row[6],
                dict(zip(lines, row[len(FIXED) : first_extra], strict=True)),
                alternatives, cools, distance, changes_at, turns_at, stale_at,
            )
        )  # fmt: skip
    return found


@lru_cache(maxsize=16)
def _statement_of_each(agreement_hash: str) -> tuple[str, tuple[str, ...]]:
    """As `statement`, with $2 an array: an instant for each lead; attributes as they were known then."""
    agreement = by_hash(agreement_hash)
    compiled = compile_sql(agreement, "postgres", extras=False)
    stages = [*relations(agreement, history=True, each=True), *compiled.stages[:-1]]
    ctes = ",\n".join(f"{name} AS ({sql})" for name, sql in stages)
    lines = tuple(line.id for line in agreement.lines)
    wanted = [*FIXED, *(f'"points.{line}"' for line in lines)]
    return f"WITH {ctes}\nSELECT {', '.join(wanted)} FROM ({compiled.stages[-1][1]}) AS judged", lines


def judge_each(*, moments: Sequence[tuple[int, int]], agreement_hash: str) -> list[Met]:
    """Judge leads as of instants of their own (lead id, microseconds), without writing anything; in no order.

    One statement for each thousand, and for each time that a lead comes again. Raises LookupError for an unknown version.
    """
    rounds: list[dict[int, int]] = []
    for lead, as_of in dict.fromkeys(moments):
        # A statement judges a lead once: the compiled query adds up by lead.
        place = next((one for one in rounds if lead not in one and len(one) < AT_ONCE), None)
        if place is None:
            rounds.append(place := {})
        place[lead] = as_of
    sql, lines = _statement_of_each(agreement_hash)
    found: list[Met] = []
    with raw_cursor() as cursor:
        for one in rounds:
            cursor.execute(sql.encode(), (list(one), list(one.values())))
            rows: list[Any] = cursor.fetchall()
            found += [Met(*row[: len(FIXED)], parts=dict(zip(lines, row[len(FIXED) :], strict=True))) for row in rows]
    return found


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of judging leads twice. statement: SHA-256 of the SQL in use, in hex."""

    leads: int
    statement: str
    problems: tuple[str, ...]


def compare(*, version: InForce, as_of: int, size: int) -> Compared:
    """Judge a sample of leads with the statement in use and with the reference evaluator, as of one instant.

    The reference reads the canonical form that was signed, and nothing that was compiled: where both agree, the statement
    means what was signed.
    """
    leads = sample(as_of, size)
    told: list[str] = []
    for found in judge(lead_ids=leads, as_of=as_of, version=version, history=True):
        known = history_of(found.lead_id, as_of=as_of)
        right = evaluate(version.agreement, known.lead(str(found.lead_id)), known, as_of)
        mine = (found.verdict, found.decided_by, found.fit, found.engagement, found.readiness)
        theirs = (right.verdict, right.decided_by, *(right.scores[name] for name in ("fit", "engagement", "readiness")))
        if mine != theirs or dict(found.parts) != {part.line_id: part.points for part in right.lines}:
            told.append(
                f"Lead {found.lead_id}: the statement in use says {' '.join(map(str, mine))}, what was signed means"
                f" {' '.join(map(str, theirs))}."
            )
    sql, _ = statement(version.hash, history=False)
    return Compared(len(leads), sha256(sql.encode()).hexdigest(), tuple(told))


def keep(*, judged: Sequence[Judged], version: InForce) -> None:
    """Write the latest verdicts beside their leads, in one statement."""
    if not judged:
        return
    with raw_cursor() as cursor:
        cursor.execute(
            "INSERT INTO qualification_judgement (lead_id, as_of, agreement_hash, verdict, decided_by, fit, engagement,"
            " readiness, parts, alternatives, cools, distance, next_tick)"
            " SELECT lead_id, as_of, $1, verdict, decided_by, fit, engagement, readiness, parts::jsonb, alternatives,"
            " cools, distance,"
            " next_tick FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],"
            " $8::bigint[], $9::text[], $10::bigint[], $11::boolean[], $12::bigint[], $13::bigint[])"
            " AS j (lead_id, as_of, verdict, decided_by, fit, engagement, readiness, parts, alternatives, cools, distance,"
            " next_tick)"
            " ON CONFLICT (lead_id) DO UPDATE SET as_of = EXCLUDED.as_of, agreement_hash = EXCLUDED.agreement_hash,"
            " verdict = EXCLUDED.verdict, decided_by = EXCLUDED.decided_by, fit = EXCLUDED.fit,"
            " engagement = EXCLUDED.engagement, readiness = EXCLUDED.readiness, parts = EXCLUDED.parts,"
            " alternatives = EXCLUDED.alternatives, cools = EXCLUDED.cools,"
            " may_cool = qualification_judgement.may_cool OR NOT EXCLUDED.cools, distance = EXCLUDED.distance,"
            " next_tick = EXCLUDED.next_tick",
            (
                version.hash,
                [j.lead_id for j in judged],
                [j.as_of for j in judged],
                [j.verdict for j in judged],
                [j.decided_by for j in judged],
                [j.fit for j in judged],
                [j.engagement for j in judged],
                [j.readiness for j in judged],
                [msgspec.json.encode(dict(j.parts)).decode() for j in judged],
                [j.alternatives for j in judged],
                [j.cools for j in judged],
                [j.distance for j in judged],
                [j.next_tick for j in judged],
            ),
            prepare=True,
        )


def latest(*, lead_ids: Sequence[int], version: InForce) -> list[Judged]:
    """The stored verdicts of leads by this version; without those that wait to be judged, and without the lines' parts."""
    if not lead_ids:
        return []
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT lead_id, as_of, verdict, decided_by, fit, engagement, readiness, alternatives, cools, distance"
            " FROM qualification_judgement WHERE lead_id = ANY($1::bigint[]) AND agreement_hash = $2"
            " AND next_tick IS DISTINCT FROM 0 ORDER BY lead_id",
            (list(lead_ids), version.hash),
        )
        rows: list[Any] = cursor.fetchall()
    return [
        Judged(
            lead_id=row[0], as_of=row[1], verdict=row[2], decided_by=row[3], fit=row[4], engagement=row[5], readiness=row[6],
            parts={}, alternatives=row[7], cools=row[8], distance=row[9], changes_at=None,
        )
        for row in rows
    ]  # fmt: skip


def explain_plan(*, lead_ids: Sequence[int], as_of: int, version: InForce) -> str:
    """PostgreSQL's plan for judging these leads, with timings: for engineers who look at a slow agreement."""
    sql, _ = statement(version.hash, history=False)
    with raw_cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}".encode(), (list(lead_ids), as_of))
        return "\n".join(str(row[0]) for row in cursor.fetchall())


def watch_for_cooling(*, lead_ids: Sequence[int]) -> None:
    """These leads were accepted just now: whether each stood below `cools` then decides if it can fall through it at once.

    A lead accepted below it must first rise (Meaning 11); `keep` notes that. One statement.
    """
    if not lead_ids:
        return
    with raw_cursor() as cursor:
        cursor.execute(
            "UPDATE qualification_judgement SET may_cool = NOT cools WHERE lead_id = ANY($1::bigint[])",
            (list(lead_ids),),
            prepare=True,
        )


def mark_waiting(*, lead_ids: Sequence[int]) -> None:
    """Have the next sweep judge these leads afresh: their `next_tick` is now. One statement."""
    if not lead_ids:
        return
    with raw_cursor() as cursor:
        cursor.execute(
            "INSERT INTO qualification_judgement (lead_id, as_of, agreement_hash, verdict, decided_by, fit, engagement, readiness,"
            " parts, alternatives, cools, next_tick) SELECT i, 0, '', 'prospect', '', 0, 0, 0, '{}', 0, FALSE, 0"
            " FROM unnest($1::bigint[]) AS n (i) ON CONFLICT (lead_id) DO UPDATE SET next_tick = 0",
            (list(lead_ids),),
            prepare=True,
        )


def ticked_until(*, at: int) -> int:
    """The full hour up to which time was let pass, locked. The first call ever starts at the hour before `at`."""
    with raw_cursor() as cursor:
        row = None
        while row is None:
            cursor.execute("SELECT ticked_until FROM qualification_sweep WHERE id = 1 FOR UPDATE", prepare=True)
            row = cursor.fetchone()
            if row is None:
                cursor.execute(
                    "INSERT INTO qualification_sweep (id, ticked_until, done_at) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING",
                    (at // HOUR * HOUR, at),
                )
    return int(row[0])  # type: ignore[call-overload]


def tick_done(*, until: int, at: int, judged: int = 0) -> None:
    """Note that every verdict that time alone could change was taken anew up to `until`; `judged` of them at that hour."""
    with raw_cursor() as cursor:
        cursor.execute(
            "UPDATE qualification_sweep SET ticked_until = $1, done_at = $2 WHERE id = 1 AND ticked_until < $1",
            (until, at),
            prepare=True,
        )
        if judged:
            cursor.execute(
                "INSERT INTO qualification_tick AS t (hour, done_at, judged) VALUES ($1, $2, $3) ON CONFLICT (hour) DO UPDATE"
                " SET done_at = GREATEST(t.done_at, EXCLUDED.done_at), judged = t.judged + EXCLUDED.judged",
                (until, at, judged),
                prepare=True,
            )


def forget_judgements(*, lead_ids: Sequence[int]) -> int:
    """Throw away the latest verdicts on leads whose person was erased; how many there were."""
    with raw_cursor() as cursor:
        cursor.execute("DELETE FROM qualification_judgement WHERE lead_id = ANY($1::bigint[])", (list(lead_ids),))
        return cursor.rowcount
