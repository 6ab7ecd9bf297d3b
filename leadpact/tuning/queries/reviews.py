"""Reads of the regular review: past ones, and what a new one is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, QuerySet

from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.nodes import Agreement
from leadpact.tuning.models import Review, ReviewMail, ReviewNote
from leadpact.tuning.queries.errors import agreement_of, blames
from leadpact.tuning.rules import Disputed

MOST_HAND_OVERS = 20_000


def reviews() -> QuerySet[Review]:
    """Past reviews, newest first, with the number of their notes; without their content."""
    return (
        Review.objects.defer("content").select_related("prepared_by").annotate(said=Count("notes")).order_by("-number")
    )


def review(number: int) -> Review:
    """One review. Raises Review.DoesNotExist."""
    return Review.objects.select_related("prepared_by").get(number=number)


def latest_review(*, since: int) -> Review | None:
    """The newest review that a meeting is prepared with, if it was prepared since an instant; without its content."""
    found = Review.objects.defer("content").filter(meeting_at__isnull=False, prepared_at__gte=since)
    return found.order_by("-meeting_at").first()


def notes(review_id: int) -> list[ReviewNote]:
    """What was written down, oldest first."""
    return list(ReviewNote.objects.filter(review_id=review_id).select_related("by").order_by("at", "pk"))


def every_note() -> list[tuple[int, int | None, int, str]]:
    """Every note there is: (review, lead or None, when, text). For whoever looks for a name."""
    return list(ReviewNote.objects.order_by("at", "pk").values_list("review__number", "lead_id", "at", "text"))


def mails(review_id: int) -> list[ReviewMail]:
    """To whom it went."""
    return list(ReviewMail.objects.filter(review_id=review_id).select_related("user").order_by("user__name", "pk"))


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A hand-over under the definition and what its answer says (see `blames`)."""

    lead_id: int
    seq: int
    at: int
    says: str


def handed_over(*, since: int, until: int, as_of: int) -> tuple[list[HandedOver], bool]:
    """Hand-overs under the definition in [since, until) with their answers as of an instant, newest first.

    The second value is False where there were more than are read (20,000).
    """
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT h.lead_id, h.seq, h.at, h.agreement, CASE WHEN h.answered_at <= $3 THEN COALESCE(h.answer, '') ELSE '' END,"
            " COALESCE(h.reason, '') FROM custody_handoff_v1 AS h WHERE h.lead_id = ANY(ARRAY(SELECT lead_id FROM"
            " custody_entry WHERE move = 'handed_over' AND at >= $1 AND at < $2)) AND h.at >= $1 AND h.at < $2"
            " AND h.cause = 'definition' ORDER BY h.at DESC, h.lead_id LIMIT $4",
            (since, until, as_of, MOST_HAND_OVERS + 1),
        )
        rows: list[Any] = cursor.fetchall()
    versions: dict[str, Agreement | None] = {row[3]: agreement_of(row[3], until) for row in rows}
    found = [
        HandedOver(lead, seq, at, blames(answer, reason, versions[agreement]))
        for lead, seq, at, agreement, answer, reason in rows[:MOST_HAND_OVERS]
    ]
    return found, len(rows) <= MOST_HAND_OVERS


def answered_by_week(*, since: int, until: int) -> dict[int, Counter[str]]:
    """Monday → what the final answers of that week say of hand-overs under the definition (see `blames`). One statement.

    By the week of the answer: by that of the hand-over the youngest weeks would hold the quick answers only, and a
    rejection is quicker than a qualification.
    """
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT (extract(epoch FROM date_trunc('week', instant(h.answered_at), 'UTC')) * 1000000)::bigint, h.agreement,"
            " h.answer, COALESCE(h.reason, ''), count(*) FROM custody_handoff_v1 AS h WHERE h.lead_id = ANY(ARRAY("
            "SELECT lead_id FROM custody_entry WHERE at >= $1 AND at < $2 AND actor <> 'system' AND move IN ('qualified',"
            " 'opportunity_opened', 'won', 'rejected', 'disqualified', 'recycled'))) AND h.cause = 'definition'"
            " AND h.answered_at >= $1 AND h.answered_at < $2 GROUP BY 1, 2, 3, 4",
            (since, until),
        )
        rows: list[Any] = cursor.fetchall()
    found: dict[int, Counter[str]] = {}
    for week, agreement, answer, reason, n in rows:
        found.setdefault(int(week), Counter())[blames(answer, reason, agreement_of(agreement, until))] += int(n)
    return found


# Leads about which something happened that may be a dispute; their hand-overs follow in a statement of their own, because a
# condition on a list of leads reaches into the view and one on a subquery does not.
_STIRRED = """
SELECT lead_id FROM custody_entry WHERE at >= $1 AND at < $2
AND (move IN ('rejected', 'disqualified', 'corrected', 'recalled', 'handed_over') OR (move = 'recycled' AND actor <> 'system'))
UNION SELECT lead_id FROM custody_entry WHERE state = 'repair' AND at < $2
"""
_DISPUTES = """
SELECT h.lead_id, h.seq, h.at, h.cause, h.agreement, CASE WHEN h.answered_at <= $3 THEN COALESCE(h.answer, '') ELSE '' END,
    COALESCE(h.reason, ''), COALESCE(h.answered_at, 0),
    EXISTS (SELECT FROM custody_entry AS e WHERE e.lead_id = h.lead_id AND e.seq > h.seq AND e.move = 'corrected'
        AND e.at >= $1 AND e.at < $2 AND NOT EXISTS (SELECT FROM custody_entry AS n WHERE n.lead_id = h.lead_id
        AND n.move = 'handed_over' AND n.seq > h.seq AND n.seq < e.seq)),
    (SELECT count(*) FROM custody_entry AS e WHERE e.lead_id = h.lead_id AND e.seq > h.seq AND e.move = 'recalled' AND e.at < $2
        AND NOT EXISTS (SELECT FROM custody_entry AS n WHERE n.lead_id = h.lead_id AND n.move = 'handed_over' AND n.seq > h.seq
            AND n.seq < e.seq)) >= 2 AND EXISTS (SELECT FROM custody_entry AS e WHERE e.lead_id = h.lead_id AND e.seq > h.seq
        AND e.move = 'recalled' AND e.at >= $1 AND e.at < $2),
    (SELECT e.state FROM custody_entry AS e WHERE e.lead_id = h.lead_id AND e.at < $2 ORDER BY e.seq DESC LIMIT 1) = 'repair'
FROM custody_handoff_v1 AS h JOIN custody_holding AS b ON b.lead_id = h.lead_id AND b.state NOT IN ('merged', 'erased')
WHERE h.lead_id = ANY($4::bigint[]) AND h.at < $2 ORDER BY h.lead_id, h.seq
"""


def disputes(*, since: int, until: int, as_of: int) -> list[Disputed]:
    """Hand-overs about which the departments differ, by what happened in [since, until). Two statements.

    Blind audits are never among them: nobody promised those leads, so nobody disputes them.
    """
    with raw_cursor() as cursor:
        cursor.execute(_STIRRED, (since, until))
        stirred = [int(row[0]) for row in cursor.fetchall()]  # type: ignore[call-overload]
        cursor.execute(_DISPUTES, (since, until, as_of, stirred))
        rows: list[Any] = cursor.fetchall()
    found: list[Disputed] = []
    before: tuple[int, bool] = (0, False)
    for number, row in enumerate(rows):
        lead, seq, at, cause, agreement, answer, reason, answered_at, corrected, recalled, repair = row
        blamed = blames(answer, reason, agreement_of(agreement, until)) == "definition"
        last = number + 1 == len(rows) or rows[number + 1][0] != lead
        why = {
            "definition": blamed and since <= answered_at < until,
            "again": before == (lead, True) and since <= at < until,
            "corrected": corrected,
            "recalled": recalled,
            "repair": repair and last,
        }
        if cause != "audit" and any(why.values()):
            found.append(
                Disputed(lead, seq, at, cause, agreement, answer, reason if answer else "", bool(answer),
                         tuple(word for word, holds in why.items() if holds))
            )  # fmt: skip
        before = (lead, blamed and cause != "audit")
    return _latest(found)


def _latest(found: Sequence[Disputed]) -> list[Disputed]:
    """Each lead once: its latest disputed hand-over, with everything that is disputed about the lead."""
    by_lead: dict[int, Disputed] = {}
    for one in found:
        earlier = by_lead.get(one.lead_id)
        why = tuple(dict.fromkeys((*one.why, *(earlier.why if earlier else ()))))
        by_lead[one.lead_id] = replace(one, why=why)
    return list(by_lead.values())
