"""Blind audits in the loop: each week's draw, and the release of drawn leads at ordinary times."""

from __future__ import annotations

from django.db import transaction

from leadpact.agreement.queries import in_force
from leadpact.custody.actions import SYSTEM, NewEntry
from leadpact.loop.judging import route
from leadpact.tuning import actions
from leadpact.tuning.actions import DrawnWeek


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
        version = in_force(at)
        if not due or version is None:
            return 0
        entries = [NewEntry(one.lead_id, "handed_over", SYSTEM, agreement=version.hash, cause="audit") for one in due]
        went = {r.lead_id: r.salesperson_id for r in route(entries, version=version, at=at) if r.move == "handed_over"}
        actions.released(audits={one.audit_id: went[one.lead_id] for one in due if one.lead_id in went}, at=at)
        return len(went)
