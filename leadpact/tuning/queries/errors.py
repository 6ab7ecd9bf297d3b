"""Both errors, read from the ledger and the audits. Every estimate comes with its interval and how it was got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from leadpact.agreement.queries import by_hash, in_force
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.nodes import Agreement
from leadpact.tuning.rules import (
    ASKED_FOR,
    Answers,
    Audited,
    Estimate,
    Guessed,
    StratumWeek,
    first_error,
    guessed,
    is_asked,
    recall,
    second_error,
    week_start,
)

WEEK = 7 * 86_400_000_000
SEED = "leadpact measures"
"""Of the draws behind intervals: the same data give the same digits, today and in a year."""

GROUPS = {
    "source": "l.source",
    "agreement": "h.agreement",
    "salesperson": "h.salesperson_id::text",
    "sourced_by": "l.sourced_by",
}


@dataclass(frozen=True, slots=True)
class Withering:
    """The counted part of the second error, within a range. Numbers of leads.

    late_hand_over: met the definition and waited longer than `hand_over_within`. waiting_now: of these, still waiting.
    no_follow_up: accepted or offered, and nobody followed up within the promise. late_graduates: drawn for an audit, and
    sales-ready by themselves before it (a lower bound of those that were nearly missed).
    """

    late_hand_over: int
    waiting_now: int
    no_follow_up: int
    late_graduates: int


@dataclass(frozen=True, slots=True)
class Errors:
    """Both errors of a range of weeks: [since, until) in microseconds."""

    since: int
    until: int
    first: Estimate
    second: Estimate
    caught: Estimate
    withering: Withering
    pool: int
    guesses: Guessed


def answers_by(
    *, since: int, until: int, group: str | None = None, cause: str = "definition", as_of: int | None = None
) -> dict[str, Answers]:
    """Final answers to hand-overs made in [since, until), by group ("" for all): what the first error is made of.

    group: source, sourced_by, agreement (its hash) or salesperson (user id). as_of: later answers are still pending. Raises
    KeyError for another group.
    """
    key = GROUPS[group] if group else "''"
    with raw_cursor() as cursor:
        cursor.execute(
            (
                f"SELECT {key}, h.agreement, CASE WHEN h.answered_at <= $4 THEN COALESCE(h.answer, '') ELSE '' END,"
                " COALESCE(h.reason, ''), count(*) FROM custody_handoff_v1 AS h"
                " JOIN leads_lead AS l ON l.id = h.lead_id WHERE h.at >= $1 AND h.at < $2 AND h.cause = $3"
                " GROUP BY 1, 2, 3, 4"
            ).encode(),
            (since, until, cause, as_of if as_of is not None else 2**62),
        )
        rows = cursor.fetchall()
    counts: dict[str, Counter[str]] = {}
    for name, agreement, answer, reason, n in rows:
        bucket = blames(str(answer), str(reason), agreement_of(str(agreement), until))
        counts.setdefault(str(name or ""), Counter())[bucket] += int(n)  # type: ignore[call-overload]
    return {name: Answers(**{b: c[b] for b in _BUCKETS}) for name, c in sorted(counts.items())}


_BUCKETS = ("definition", "qualified", "timing", "data", "nobody", "pending")


def agreement_of(agreement_hash: str, at: int) -> Agreement | None:
    """The version with this hash; where an entry names none, the one in force at `at`."""
    if agreement_hash:
        return by_hash(agreement_hash)
    version = in_force(at)
    return version.agreement if version else None


def blames(answer: str, reason: str, agreement: Agreement | None) -> str:
    """What an answer says: "qualified", what its reason blames by that version, or "pending" where there is none."""
    if not answer:
        return "pending"
    if answer == "qualified":
        return "qualified"
    found = agreement.reason(reason) if agreement else None
    return found.blames if found else "nobody"


def first(*, since: int, until: int, group: str | None = None, as_of: int | None = None) -> dict[str, Estimate]:
    """The first error by group ("" for all)."""
    return {
        name: first_error(answers)
        for name, answers in answers_by(since=since, until=until, group=group, as_of=as_of).items()
    }


def audit_weeks(*, since: int, until: int, as_of: int | None = None) -> list[StratumWeek]:
    """The audits of the weeks in [since, until), as the estimator reads them."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT s.id, s.name, (extract(epoch FROM f.week) * 1000000)::bigint, s.size FROM tuning_stratum AS s"
            " JOIN tuning_frame AS f ON f.id = s.frame_id WHERE f.frozen_at >= $1 AND f.frozen_at < $2",
            (since, until),
        )
        strata = cursor.fetchall()
        cursor.execute(
            "SELECT a.stratum_id, CASE WHEN a.answered_at <= $2 THEN a.answer END, a.released_at, a.caught,"
            " COALESCE(a.ready_anyway, FALSE), a.salesperson_id::text"
            " FROM tuning_audit AS a WHERE a.stratum_id = ANY($1::bigint[]) ORDER BY a.id",
            ([row[0] for row in strata], as_of if as_of is not None else 2**62),
        )
        audits: dict[int, list[Audited]] = {}
        rows: list[Any] = cursor.fetchall()
        for stratum, answer, when, caught, ready, who in rows:
            audits.setdefault(stratum, []).append(Audited(answer, when, caught, ready, who))
    return [StratumWeek(name, week, size, tuple(audits.get(id_, ()))) for id_, name, week, size in strata]  # type: ignore[arg-type]


def errors(
    *, at: int, weeks: int = 13, since: int | None = None, until: int | None = None, stood: bool = False
) -> Errors:
    """Both errors of the last `weeks` weeks before `at` (or of [since, until)), as known at `at`.

    stood: who waits and who is nurtured is told as it stood at `at`, from the whole ledger, and not as it stands.
    """
    until = until if until is not None else at
    since = since if since is not None else week_start(until) - (weeks - 1) * WEEK
    every = answers_by(since=since, until=until, as_of=at).get("", Answers(definition=0, qualified=0))
    rows = audit_weeks(since=since, until=until, as_of=at)
    return Errors(
        since=since,
        until=until,
        first=first_error(every),
        second=second_error(rows, as_of=at, seed=SEED),
        caught=recall(rows, _found(since, until, at), as_of=at, seed=SEED),
        withering=withering(since=since, until=until, at=at, stood=stood),
        pool=pool_size(at if stood else None),
        guesses=guesses(since=since, until=until),
    )


# Those whom Marketing nurtured at an instant: by each lead's last entry before it.
_NURTURED = """
(SELECT lead_id, state FROM (SELECT DISTINCT ON (lead_id) lead_id, holder, state FROM custody_entry WHERE at < $1
    ORDER BY lead_id, seq DESC) AS s WHERE holder = 'marketing' AND state IN ('prospect', 'lead'))
"""


def withering(*, since: int, until: int, at: int, stood: bool = False) -> Withering:
    """The counted part of the second error: what the ledger alone shows, as known at `at`.

    stood: who waits is told as it stood at `at`, from the whole ledger, and not as it stands.
    """
    version = in_force(at)
    promises = version.agreement.marketing_promises if version else None
    patience = promises.hand_over_within.amount if promises else 0
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM custody_entry AS j JOIN LATERAL (SELECT e.at FROM custody_entry AS e WHERE e.lead_id = j.lead_id"
            " AND e.seq > j.seq AND e.move = 'handed_over' ORDER BY e.seq LIMIT 1) AS h ON TRUE"
            " WHERE j.move = 'judged' AND j.verdict = 'sales_ready' AND j.holder = 'marketing' AND j.state = 'lead'"
            " AND j.at >= $1 AND j.at < $2 AND h.at - j.at > $3 AND h.at <= $4",
            (since, until, patience, at),
        )
        late = _one(cursor.fetchone())
        nurtured = (
            _NURTURED
            if stood
            else (
                "(SELECT lead_id FROM custody_holding WHERE holder = 'marketing' AND state IN ('prospect', 'lead')"
                " AND verdict = 'sales_ready')"
            )
        )
        cursor.execute(
            (
                f"SELECT count(*) FROM {nurtured} AS h JOIN custody_entry AS j ON j.lead_id = h.lead_id AND j.move = 'judged'"
                " WHERE j.verdict = 'sales_ready' AND $1 - j.at > $2 AND NOT EXISTS (SELECT FROM custody_entry AS n"
                " WHERE n.lead_id = j.lead_id AND n.move = 'judged' AND n.seq > j.seq AND n.at < $1)"
            ).encode(),
            (at, patience),
        )
        waiting = _one(cursor.fetchone())
        cursor.execute(
            "SELECT count(DISTINCT (lead_id, seq)) FROM custody_lapse WHERE what = 'first_follow_up_within' AND due"
            " >= $1 AND due < $2 AND noticed_at <= $3",
            (since, until, at),
        )
        silent = _one(cursor.fetchone())
        cursor.execute(
            "SELECT count(*) FROM tuning_audit AS a JOIN tuning_stratum AS s ON s.id = a.stratum_id JOIN tuning_frame AS f"
            " ON f.id = s.frame_id WHERE a.caught AND f.frozen_at >= $1 AND f.frozen_at < $2 AND EXISTS (SELECT FROM"
            " custody_entry AS e WHERE e.lead_id = a.lead_id AND e.move = 'handed_over' AND e.at >= f.frozen_at AND e.at <= $3)",
            (since, until, at),
        )
        caught = _one(cursor.fetchone())
    return Withering(late_hand_over=late + waiting, waiting_now=waiting, no_follow_up=silent, late_graduates=caught)


def pool_size(at: int | None = None) -> int:
    """How many leads Marketing nurtures, prospects and leads: now, or as it stood at an instant."""
    with raw_cursor() as cursor:
        if at is None:
            cursor.execute("SELECT count(*) FROM custody_holding WHERE state IN ('prospect', 'lead')")
        else:
            cursor.execute(f"SELECT count(*) FROM {_NURTURED} AS h".encode(), (at,))
        return _one(cursor.fetchone())


@dataclass(frozen=True, slots=True)
class Question:
    """A final answer that its giver is asked about: entry `seq` of a lead, and whose need it was.

    `seq` stays on the server: with the blind history beside it, it would tell how many judgements were left out.
    """

    lead_id: int
    seq: int
    name: str


_ANSWERED = """
SELECT e.lead_id, e.seq, COALESCE(NULLIF(p.name, ''), p.email, 'Somebody'), h.cause = 'audit'
FROM custody_entry AS e JOIN leads_lead AS l ON l.id = e.lead_id JOIN leads_person AS p ON p.id = l.person_id
JOIN LATERAL (SELECT o.seq, o.cause FROM custody_entry AS o WHERE o.lead_id = e.lead_id AND o.seq < e.seq
    AND o.move = 'handed_over' ORDER BY o.seq DESC LIMIT 1) AS h ON TRUE
WHERE e.at > $1 AND e.at <= $2 AND e.user_id = $3 AND e.actor = 'sales' AND e.move IN ('qualified', 'rejected', 'recycled')
    AND NOT EXISTS (SELECT FROM custody_entry AS c WHERE c.lead_id = e.lead_id AND c.move = 'corrected' AND c.cause_seq = e.seq)
    AND NOT EXISTS (SELECT FROM custody_entry AS f WHERE f.lead_id = e.lead_id AND f.seq > h.seq AND f.seq < e.seq
        AND f.move IN ('qualified', 'rejected', 'recycled') AND NOT EXISTS (SELECT FROM custody_entry AS c
            WHERE c.lead_id = f.lead_id AND c.move = 'corrected' AND c.cause_seq = f.seq))
    AND NOT EXISTS (SELECT FROM tuning_guess AS g WHERE g.lead_id = e.lead_id AND g.seq = e.seq)
ORDER BY e.at DESC, e.lead_id
"""


def answers_to_ask_about(*, user_id: int, at: int) -> list[tuple[Question, bool]]:
    """Questions that stand before somebody now, the latest first, each with whether it was a check (for the server only)."""
    with raw_cursor() as cursor:
        cursor.execute(_ANSWERED.encode(), (at - ASKED_FOR, at, user_id))
        rows = cursor.fetchall()
    return [(Question(lead, seq, name), bool(check)) for lead, seq, name, check in rows if is_asked(lead, seq)]  # type: ignore[arg-type]


def question(*, user_id: int, at: int) -> Question | None:
    """The one question that stands before somebody now: was that one a check? It never tells whether it was."""
    found = answers_to_ask_about(user_id=user_id, at=at)
    return found[0][0] if found else None


def guesses(*, since: int, until: int) -> Guessed:
    """How well salespeople tell checks from other hand-overs, from the questions answered in [since, until)."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT count(guess) FILTER (WHERE was_check), count(*) FILTER (WHERE was_check AND guess),"
            " count(guess) FILTER (WHERE NOT was_check), count(*) FILTER (WHERE NOT was_check AND guess),"
            " count(*) FILTER (WHERE guess IS NULL) FROM tuning_guess WHERE at >= $1 AND at < $2",
            (since, until),
        )
        row = cursor.fetchone()
    assert row is not None
    checks, taken_checks, others, taken_others, skipped = (int(n) for n in row)  # type: ignore[call-overload]
    return guessed(checks=checks, taken_checks=taken_checks, others=others, taken_others=taken_others, skipped=skipped)


def left_out(*, since: int, until: int) -> Mapping[str, int]:
    """Why leads of the pool were not covered by the audits' frames, summed over weeks."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT left_out::text FROM tuning_frame WHERE frozen_at >= $1 AND frozen_at < $2", (since, until)
        )
        total: Counter[str] = Counter()
        for (text,) in cursor.fetchall():
            total.update(msgspec.json.decode(str(text)))
    return dict(total.most_common())


def _found(since: int, until: int, as_of: int) -> dict[int, int]:
    """Week → hand-overs under the definition that week, later qualified."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT at FROM custody_handoff_v1 WHERE cause = 'definition' AND answer = 'qualified' AND at >= $1 AND at < $2"
            " AND answered_at <= $3",
            (since, until, as_of),
        )
        return dict(Counter(week_start(int(row[0])) for row in cursor.fetchall()))  # type: ignore[call-overload]


def _one(row: tuple[object, ...] | None) -> int:
    assert row is not None
    return int(row[0])  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class AuditWeek:
    """A stratum of a week: how many were in it, drawn, released, and what Sales said."""

    week: str
    stratum: str
    size: int
    drawn: int
    released: int
    answered: int
    good: int
    caught: int


def weeks(*, since: int, until: int) -> list[AuditWeek]:
    """The audits week by week, newest first. Not for whoever can be routed to."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT f.week::text, s.name, s.size, s.drawn, count(a.released_at), count(a.answer), COALESCE(sum(a.answer), 0)::int,"
            " count(*) FILTER (WHERE a.caught) FROM tuning_stratum AS s JOIN tuning_frame AS f ON f.id = s.frame_id"
            " LEFT JOIN tuning_audit AS a ON a.stratum_id = s.id WHERE f.frozen_at >= $1 AND f.frozen_at < $2"
            " GROUP BY f.week, s.id ORDER BY f.week DESC, s.name",
            (since, until),
        )
        return [AuditWeek(*row) for row in cursor.fetchall()]  # type: ignore[arg-type]
