"""A lead's verdict opened to its lines: read what was known, judge with the reference, and explain."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from leadpact.agreement.queries import by_hash
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.evaluate import Judgement as Evaluated
from leadpact.language.evaluate import evaluate
from leadpact.language.explain import Explanation, explain
from leadpact.language.fold import cell_from_json
from leadpact.language.history import Fact, History, Lead, Touch
from leadpact.qualification.rules.binding import OWN_FIRST_SQL, account_of, facts_of, people_of, trails
from leadpact.qualification.rules.judged import HOUR


@dataclass(frozen=True, slots=True)
class Current:
    """The latest verdict on a lead, as it is stored. Scores and distance in thousandths of a point."""

    lead_id: int
    as_of: int
    agreement: str
    verdict: str
    decided_by: str
    fit: int
    engagement: int
    readiness: int
    distance: int | None
    next_tick: int | None


def current(lead_id: int) -> Current | None:
    """The latest verdict; None before the first."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT lead_id, as_of, agreement_hash, verdict, decided_by, fit, engagement, readiness, distance, next_tick"
            " FROM qualification_judgement WHERE lead_id = $1 AND agreement_hash <> ''",
            (lead_id,),
        )
        row: Any = cursor.fetchone()
    return Current(*row) if row else None


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late verdicts are that only time changes. Durations in microseconds; None where no hour has changed any.

    until: the full hour up to which time was let pass; None before the first. last, worst: from the full hour to the last
    verdict taken at it, for the latest hour and for the worst since `since`. judged: verdicts taken at those hours.
    overdue: leads whose hour has passed and who were not judged yet. waiting: leads that the next sweep judges afresh.
    """

    until: int | None
    last: int | None
    worst: int | None
    hours: int
    judged: int
    overdue: int
    waiting: int


def lateness(*, since: int, at: int) -> Lateness:
    """The lateness of verdicts since an instant, as of another. Two statements, both by index."""
    hour = at // HOUR * HOUR
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT ticked_until FROM qualification_sweep WHERE id = 1), (array_agg(done_at - hour ORDER BY hour DESC))[1],"
            " max(done_at - hour), count(*), COALESCE(sum(judged), 0) FROM qualification_tick WHERE hour >= $1",
            (since,),
        )
        ticks: Any = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FILTER (WHERE next_tick > 0), count(*) FILTER (WHERE next_tick = 0) FROM qualification_judgement"
            " WHERE next_tick <= $1",
            (hour,),
        )
        open_: Any = cursor.fetchone()
    return Lateness(*ticks, *open_)


def history(lead_id: int, *, as_of: int) -> History:
    """Everything that is known about a lead and of everybody at its account, with both instants of each fact.

    What its person did for an earlier lead counts for the account, as what anybody there did, and not for the lead.

    as_of: whose trails and facts were whose by then, and who was of which account; mergers move them, and may be undone.
    """
    with raw_cursor() as cursor:
        cursor.execute(
            (
                f"SELECT l.id, p.id, {account_of('p', '$2::bigint')}, l.created_at, l.counts_from FROM leads_lead AS l"
                " JOIN leads_person AS p ON p.id = l.person_id WHERE l.id = $1"
            ).encode(),
            (lead_id, as_of),
        )
        found: Any = cursor.fetchone()
        if found is None:
            raise LookupError(f"there is no lead {lead_id}")
        lead, person, account, created, counts_from = found
        cursor.execute(
            (
                "SELECT field, cell::text, at, known_at FROM leads_attributefact AS f"
                f" WHERE (({facts_of('person', '$1::bigint', '$4::bigint')})"
                f" OR ({facts_of('account', '$2::bigint', '$4::bigint')})"
                f" OR ({facts_of('lead', '$3::bigint', '$4::bigint')}))"
                f" AND NOT (field = ANY({OWN_FIRST_SQL}) AND subject_id <> $1 AND EXISTS (SELECT FROM leads_attributefact AS o"
                " WHERE o.subject = 'person' AND o.subject_id = $1 AND o.field = f.field AND o.known_at <= $4))"
            ).encode(),
            (person, account, lead, as_of),
        )
        facts: list[Any] = cursor.fetchall()
        cursor.execute(
            (
                "SELECT t.id, CASE WHEN p.id = $1 AND t.at > $4 THEN $3::bigint END, p.id, p.account_id, t.kind, t.at,"
                " GREATEST(t.known_at, v.tied_known_at),"
                " t.cells::text, LEAST(t.void_at, x.known_at) FROM (SELECT $1::bigint AS id, $2::bigint AS account_id"
                f" UNION SELECT id, account_id FROM ({people_of('$2', '$5::bigint', '$5::bigint')}) AS there) AS p"
                f" CROSS JOIN LATERAL ({trails('p.id', '$5::bigint')} OFFSET 0) AS v"
                " CROSS JOIN LATERAL (SELECT * FROM leads_touch WHERE visitor_id = v.id OFFSET 0) AS t"
                " LEFT JOIN leads_touchvoid AS x ON x.touch_id = t.id"
                " WHERE p.id <> $1 OR t.at > $4 OR p.account_id = $2"
            ).encode(),
            (person, account, lead, counts_from if counts_from is not None else -(2**62), as_of),
        )
        touches: list[Any] = cursor.fetchall()
    known = tuple(Fact(field, cell_from_json(json.loads(cell)), at, known_at) for field, cell, at, known_at in facts)
    return History(
        [Lead(str(lead), str(person), str(account) if account is not None else None, created, known)],
        [
            Touch(
                touch_id=str(id_), lead_id=str(own) if own is not None else "", person=str(who),
                account=str(firm) if firm is not None else None, kind=kind, at=at, known_at=known_at,
                properties={name: cell_from_json(cell) for name, cell in json.loads(cells).items()}, void_at=void,
            )
            for id_, own, who, firm, kind, at, known_at, cells, void in touches
        ],
    )  # fmt: skip


def explained(found: Current) -> tuple[Explanation, Evaluated, History]:
    """The stored verdict judged again by the reference, as of the same instant, and opened to its lines."""
    agreement = by_hash(found.agreement)
    known = history(found.lead_id, as_of=found.as_of)
    judged = evaluate(agreement, known.lead(str(found.lead_id)), known, found.as_of)
    return explain(agreement, judged, known), judged, known


def sample(at: int, size: int) -> list[int]:
    """Leads with a verdict, spread evenly over all of them by their number: the same ones for the same leads."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT lead_id FROM (SELECT lead_id, row_number() OVER (ORDER BY lead_id) AS n, count(*) OVER () AS all_"
            " FROM qualification_judgement WHERE agreement_hash <> '' AND as_of <= $1) AS j"
            " WHERE (n * $2) / GREATEST(all_, $2) <> ((n - 1) * $2) / GREATEST(all_, $2) ORDER BY lead_id",
            (at, size),
        )
        rows: list[Any] = cursor.fetchall()
    return [int(row[0]) for row in rows]
