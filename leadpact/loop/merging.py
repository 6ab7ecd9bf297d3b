"""Two records become one because a person says so, and part again where that was wrong. Never by machine.

One transaction each: people and leads are locked in the order of their ids, trails move (`capture.actions.merging`), the open
lead of the record that goes closes as `merged`, and everybody whose verdict can change is judged afresh. A merger without a
second open lead writes no entry: the row of `leads_merge` is the fact.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from leadpact.agreement.queries import in_force
from leadpact.capture.actions.duplicates import answer_question, claim_question
from leadpact.capture.actions.merging import join_records, lock_people, part_records
from leadpact.capture.queries import question_of, side_of
from leadpact.capture.rules.merging import survivor
from leadpact.custody.actions import Actor, NewEntry, lock, record
from leadpact.custody.entries import MoveRefused
from leadpact.custody.queries import history
from leadpact.custody.rules.projection import Held
from leadpact.distribution.actions import reopen_offer
from leadpact.kit.failures import CannotDo
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.leads.models import Lead, Merge, Person
from leadpact.loop.judging import catch_up, judge_set, lock_leads
from leadpact.team.models import User
from leadpact.team.permissions import SALES, speaks_for

GRACE = 10 * 60_000_000
MARKETINGS = "lead"


def may_merge(by: User) -> bool:
    """Marketing and operations: whoever may say so in the ledger."""
    return bool(by.is_active) and speaks_for(by) != SALES


@transaction.atomic
def decide_same(*, question_id: int, by: User, at: int) -> Merge:
    """Answer a question with "one person" and merge the two. Raises CannotDo with a sentence."""
    asked = claim_question(question_id=question_id)
    merge = merge_people(first_id=asked.first_id, second_id=asked.second_id, by=by, at=at)
    answer_question(question=asked, decision="same", by_id=by.pk, at=at)
    return merge


@transaction.atomic
def merge_people(*, first_id: int, second_id: int, by: User, at: int) -> Merge:
    """Make one record of two: which stays, `capture.rules.merging.survivor` says. Undone by `part`.

    Raises CannotDo where whoever asks may not, or one of the two is merged or erased already.
    """
    _check(by)
    people = lock_people([first_id, second_id])
    if len(people) != 2:
        raise CannotDo("There are no two such records.")
    held, now = _lock_around(people.values(), at)
    open_of = dict(Lead.objects.filter(person_id__in=people, is_open=True).values_list("person_id", "pk"))
    sides = [side_of(person, held.get(open_of.get(person.pk, 0))) for person in people.values()]
    stays, joins, _ = survivor(*sides)
    going = held.get(joins.lead_id) if joins.lead_id is not None else None
    merge = join_records(stays=stays, joins=joins, by=by, at=now, held=_place(going) if going else None)
    if going is not None and stays.lead_id is not None:
        version = in_force(now)
        _record(
            NewEntry(
                going.lead_id, "merged_into", Actor(speaks_for(by), by.pk), agreement=version.hash if version else "",
                reason=f"lead {stays.lead_id}",
            ),
            at=now,
        )  # fmt: skip
    with raw_cursor() as cursor:
        # Nothing of the record that went is judged any more; a sweep that kept finding it would never end.
        cursor.execute(
            "UPDATE qualification_judgement SET next_tick = NULL WHERE lead_id IN (SELECT id FROM leads_lead WHERE person_id = $1)",
            (joins.person_id,),
        )
    _judge_afresh(held, at=now)
    return merge


@transaction.atomic
def part(*, merge_id: int, by: User, at: int) -> Merge:
    """Undo a merger: both records are as they were, but for what was learnt since. The closed lead stands where it stood.

    Its clock is what it was, with ten minutes' grace where that ran out; where its salesperson is gone, it is Marketing's.
    Raises CannotDo where it was undone before or another merger stands on it.
    """
    _check(by)
    merge = Merge.objects.select_related("survivor_lead", "loser_lead").filter(pk=merge_id).first()
    if merge is None:
        raise CannotDo("There is no such merger.")
    people = lock_people([merge.survivor_id, merge.loser_id])
    held, now = _lock_around(people.values(), at)
    merge.refresh_from_db()
    place: dict[str, Any] = dict(merge.before.get("held", {})) if merge.undone_at is None else {}
    part_records(merge=merge, by=by, at=now)
    if merge.loser_lead_id is not None and place:
        _reopen(merge.loser_lead_id, place, by, now)
    question = question_of(merge.survivor_id, merge.loser_id)
    if question is not None:
        answer_question(question=question, decision="different", by_id=by.pk, at=now)
    _judge_afresh(held, at=now)
    return merge


def _reopen(lead_id: int, place: dict[str, Any], by: User, now: int) -> None:
    seller = place["salesperson_id"]
    in_sales = place["holder"] == "sales"
    gone = in_sales and not User.objects.filter(pk=seller, is_active=True).exists()
    merged = next(line.seq for line in reversed(history(lead_id, blind=False)) if line.move == "merged_into")
    due, what = place["due"], place["due_what"]
    if due is not None and due <= now:
        due = now + GRACE
    if gone:
        due, what = max(due or 0, now + GRACE), "touch_every"
    version = in_force(now)
    _record(
        NewEntry(
            lead_id, "unmerged", Actor(speaks_for(by), by.pk), agreement=version.hash if version else "",
            to=MARKETINGS if gone else place["state"], cause_seq=merged, salesperson_id=None if gone else seller, due=due,
            due_what=what, not_before=None if gone else place["not_before"], alternatives=place["alternatives"],
        ),
        at=now,
    )  # fmt: skip
    if place["state"] == "offered" and not gone:
        reopen_offer(lead_id=lead_id, due=due)


def _check(by: User) -> None:
    if not may_merge(by):
        raise CannotDo("Marketing or operations says whether two records are one person; ask one of them.")


def _place(held: Held) -> dict[str, Any]:
    """How a lead is held, for going back there."""
    names = ("holder", "state", "salesperson_id", "due", "due_what", "not_before", "alternatives")
    return {name: getattr(held, name) for name in names}


def _record(entry: NewEntry, *, at: int) -> None:
    try:
        record([entry], at=at)
    except MoveRefused as refused:
        raise CannotDo(str(refused)) from refused


def _lock_around(people: Iterable[Person], at: int) -> tuple[dict[int, Held], int]:
    """Every lead that a merger can change, locked, as it is held once the full hours are past that the sweep has not come to yet;
    and the instant of the merger: later than anything that was judged or written of them.

    What breaks without those hours: of a record that goes nobody would say any more what was true at them.
    """
    around = _leads_around(people)
    written = lock(around)
    judged = lock_leads(lead_ids=around)
    now = max(at, *(one.at for one in written.values()), *(one.as_of + 1 for one in judged.values() if one.as_of), 0)
    catch_up(judged, at=now)
    return lock(around), now


def _leads_around(people: Iterable[Person]) -> list[int]:
    """Every lead of these people and of everybody at their accounts: all that a merger can change, locked in one order."""
    found = list(people)
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT l.id FROM leads_lead AS l JOIN leads_person AS p ON p.id = l.person_id"
            " WHERE p.id = ANY($1::bigint[]) OR p.account_id = ANY($2::bigint[])",
            ([person.pk for person in found], [person.account_id for person in found if person.account_id is not None]),
        )
        return [int(row[0]) for row in cursor.fetchall()]  # type: ignore[call-overload]


def _judge_afresh(held: Iterable[int], *, at: int) -> None:
    version = in_force(at)
    if version is not None:
        judge_set(sorted(held), version=version, at=at)
