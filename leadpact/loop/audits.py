"""Blind audits in the loop: each week's draw, and the release of drawn leads at ordinary times."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from django.db import transaction

from leadpact.agreement.queries import in_force
from leadpact.custody.actions import SYSTEM, NewEntry
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.evaluate import evaluate
from leadpact.language.history import History
from leadpact.loop.judging import route
from leadpact.qualification.queries import history
from leadpact.qualification.rules.binding import trails
from leadpact.tuning import actions
from leadpact.tuning.actions import DrawnWeek, Shadow

HOUR = 3_600_000_000


def draw_week(*, at: int, seed: str | None = None) -> DrawnWeek | None:
    """Freeze the pool and draw the week's audits, once a week; None where done, or where nothing is in force."""
    version = in_force(at)
    if version is None or not (version.agreement.audit.share or version.agreement.audit.near_share):
        return None
    with transaction.atomic():
        return actions.draw_week(agreement=version.agreement, agreement_hash=version.hash, at=at, seed=seed)


def release(*, at: int) -> int:
    """Hand over the drawn leads whose time has come, like any other lead. Returns how many went.

    A drawn lead for whom nobody has room waits for the next call; it is never dropped.
    """
    with transaction.atomic():
        due = actions.due_for_release(at=at)
        version = in_force(at) if due else None
        if version is None:
            return 0
        entries = [NewEntry(one.lead_id, "handed_over", SYSTEM, agreement=version.hash, cause="audit") for one in due]
        went = {r.lead_id: r.salesperson_id for r in route(entries, version=version, at=at) if r.move == "handed_over"}
        actions.released(audits={one.audit_id: went[one.lead_id] for one in due if one.lead_id in went}, at=at)
        return len(went)


def settle(*, at: int) -> int:
    """Judge in shadow the audits of weeks that have passed: would they have become sales-ready that week by themselves?

    Shown as recall of the definition: what it would have found was not missed. Returns how many were judged.
    """
    with transaction.atomic():
        ready = {one.audit_id: _ready_anyway(one) for one in actions.unsettled(at=at)}
        actions.settle(ready=ready)
    return len(ready)


def _ready_anyway(shadow: Shadow) -> bool:
    """The reference's verdicts from the release to the end of the week, at each instant at which one could change.

    Without what the audit caused: touches that a colleague logged on the lead since its release, and what was learnt with
    them. What they did by themselves after a call counts as their own: nobody can tell what they would have done uncalled.
    """
    if shadow.released_at >= shadow.until:
        return False
    known = _without_the_audit(shadow)
    (lead,) = known.leads
    moments = sorted(
        {moment for fact in lead.facts for moment in (fact.known_at, fact.at)}
        | {moment for touch in known.touches for moment in (touch.known_at, touch.void_at) if moment is not None}
    )
    now = shadow.released_at
    while now < shadow.until:
        version = in_force(now)
        if version is None:
            return False
        judged = evaluate(version.agreement, lead, known, now)
        if judged.verdict == "sales_ready":
            return True
        following = bisect_right(moments, now)
        coming = [moments[following]] if following < len(moments) else []
        if judged.changes_at is not None:
            coming.append(max(-(-judged.changes_at // HOUR) * HOUR, now // HOUR * HOUR + HOUR))
        if not coming:
            return False
        now = min(coming)
    return False


def _without_the_audit(shadow: Shadow) -> History:
    known = history(shadow.lead_id, as_of=shadow.until)
    with raw_cursor() as cursor:
        cursor.execute(
            (
                "SELECT t.id, t.known_at FROM leads_lead AS l"
                f" CROSS JOIN LATERAL ({trails('l.person_id', '$3::bigint')}) AS v JOIN leads_touch AS t ON t.visitor_id = v.id"
                " WHERE l.id = $1 AND t.user_id IS NOT NULL AND t.known_at >= $2"
            ).encode(),
            (shadow.lead_id, shadow.released_at, shadow.until),
        )
        caused = {str(id_): moment for id_, moment in cursor.fetchall()}
    (lead,) = known.leads
    learnt = set(caused.values())
    facts = tuple(fact for fact in lead.facts if fact.known_at not in learnt)
    return History([replace(lead, facts=facts)], [touch for touch in known.touches if touch.touch_id not in caused])
