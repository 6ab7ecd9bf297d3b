"""Marketing's verbs on the leads it holds. Each is one transaction; what follows is the loop's (`leadpact.loop.follow`)."""

from __future__ import annotations

from django.db import transaction

from leadpact.agreement.queries import in_force
from leadpact.custody.actions import Actor, NewEntry, record
from leadpact.kit.failures import CannotDo
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.nurturing.permissions import speaks_for
from leadpact.team.models import User

MONTH = 30 * 86_400_000_000


@transaction.atomic
def mend(*, lead_id: int, by: User, at: int, note: str = "") -> None:
    """The lead's data is mended: it is Marketing's to nurture again, and judged afresh. Raises MoveRefused."""
    due = at + touch_every(at)
    record(
        [
            NewEntry(
                lead_id, "repaired", _actor(by), agreement=_agreement(at), note=note, due=due, due_what="touch_every"
            )
        ],
        at=at,
    )


@transaction.atomic
def disqualify(*, lead_id: int, by: User, at: int, reason: str, note: str = "") -> None:
    """Close a lead that Marketing holds. reason: a short code, such as `duplicate` or `not_a_company`. Raises MoveRefused."""
    record([NewEntry(lead_id, "disqualified", _actor(by), agreement=_agreement(at), reason=reason, note=note)], at=at)


@transaction.atomic
def wake(*, lead_id: int, by: User, at: int, note: str = "") -> None:
    """End a rest, or take a lost or disqualified lead up again, because somebody knows more. Raises MoveRefused."""
    due = at + touch_every(at)
    record(
        [
            NewEntry(
                lead_id,
                "woken",
                _actor(by),
                agreement=_agreement(at),
                note=note,
                due=due,
                due_what="touch_every",
                alternatives=0,
            )
        ],
        at=at,
    )


@transaction.atomic
def void_touch(*, touch_id: int, cause: str, by: User, at: int) -> int:
    """Withdraw a touch, or mark it as a machine's: it counts no more from now on. Returns the lead concerned, 0 for none.

    The touch itself stays as it came. Raises CannotDo where it was done before or there is no such touch.
    """
    if cause not in {"withdrawn", "automated"}:
        raise ValueError(f"a touch is withdrawn or automated, not {cause}")
    with raw_cursor() as cursor:
        cursor.execute(
            "INSERT INTO leads_touchvoid (touch_id, cause, known_at, by_id) SELECT t.id, $2, $3, $4 FROM leads_touch AS t"
            " WHERE t.id = $1 AND t.void_at IS NULL ON CONFLICT (touch_id) DO NOTHING",
            (touch_id, cause, at, by.pk),
        )
        if cursor.rowcount != 1:
            raise CannotDo("This touch does not count already; there is nothing to withdraw.")
        cursor.execute(
            "SELECT h.lead_id FROM leads_touch AS t JOIN leads_visitor AS v ON v.id = t.visitor_id JOIN leads_lead AS l"
            " ON l.person_id = v.person_id JOIN custody_holding AS h ON h.lead_id = l.id AND h.state NOT IN ('won',"
            " 'merged', 'erased')"
            " WHERE t.id = $1",
            (touch_id,),
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0  # type: ignore[call-overload]


def touch_every(at: int) -> int:
    """How long Marketing may leave a lead without a touch of its own, by the agreement in force: 30 days without one."""
    version = in_force(at)
    promises = version.agreement.marketing_promises if version else None
    return promises.touch_every.amount if promises else MONTH


def _actor(by: User) -> Actor:
    return Actor(speaks_for(by.role, by.department), by.pk)


def _agreement(at: int) -> str:
    version = in_force(at)
    return version.hash if version else ""
