"""A touch is withdrawn, or found to be a machine's: whom it counted for is judged without it, at the instant we learn of it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from leadpact.agreement.queries import in_force
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.kinds import OURS
from leadpact.loop.judging import catch_up, judge_and_move, lock_leads
from leadpact.loop.relevance import Reads, reads
from leadpact.nurturing.actions import void_touch
from leadpact.team.models import User


def withdraw(*, touch_id: int, cause: str, by: User, at: int) -> int:
    """Withdraw a touch and judge its person's lead, and everybody's at the account where it counted for all of them.

    cause: withdrawn or automated. Returns the lead concerned, 0 for none. Raises CannotDo where the touch does not count
    already or there is none, ValueError for another cause.
    """
    with transaction.atomic():
        version = in_force(at)
        with raw_cursor() as cursor:
            cursor.execute(
                "SELECT t.kind, v.person_id, p.account_id FROM leads_touch AS t JOIN leads_visitor AS v ON v.id = t.visitor_id"
                " LEFT JOIN leads_person AS p ON p.id = v.person_id WHERE t.id = $1",
                (touch_id,),
            )
            row: Any = cursor.fetchone()
        kind, person, account = row or ("", None, None)
        circle = [account] if version is not None and account and _counts_for_all(kind, reads(version.hash)) else []
        held = lock_leads(people=[person] if person else [], accounts=circle)
        # As-of instants increase for each lead: what waited for a batch is learnt after it.
        now = max([at, *(one.as_of + 1 for one in held.values() if one.as_of is not None)])
        held = catch_up(held, at=now)
        lead_id = void_touch(touch_id=touch_id, cause=cause, by=by, at=now)
        if version is not None:
            judge_and_move(captured=(), judge=sorted(held), held=held, version=version, at=now, causes={})
        return lead_id


def _counts_for_all(kind: str, known: Reads) -> bool:
    active = kind not in OURS and any(not one.kinds or kind in one.kinds for one in known.active)
    return active or kind in known.circle
