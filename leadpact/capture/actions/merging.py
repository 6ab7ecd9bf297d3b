"""Make one record of two, and part them again: trails, identifiers and what is known. The leads are the loop's to move.

Touches and facts stay where they are (they only grow): what moves are the ties of trails, each move a row with its
instants, and the current values beside the survivor. Lock order as everywhere: people, then leads, by ascending id.
What breaks if a trail is moved without `ties_version`: a batch that read it before writes to whom it no longer belongs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F

from leadpact.capture.actions.identify import OPTED_OUT
from leadpact.capture.actions.records import PersonRecord, Record, write_traits
from leadpact.capture.rules.merging import Side, learn, unlearn
from leadpact.kit.failures import CannotDo
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.kit.raw import one_transaction
from leadpact.language.fold import cell
from leadpact.leads.models import Lead, Merge, Person
from leadpact.team.models import User


def lock_people(person_ids: list[int]) -> dict[int, Person]:
    """People, locked until the transaction ends, in the order of their ids."""
    one_transaction()
    rows = Person.objects.select_for_update(no_key=True).filter(pk__in=person_ids).order_by("pk")
    return {person.pk: person for person in rows}


def join_records(*, stays: Side, joins: Side, by: User, at: int, held: Mapping[str, Any] | None) -> Merge:
    """Write the merger: trails and what is known go from `joins` to `stays`. Both people are locked by the caller.

    held: how the lead that closes was held, for undoing. Raises CannotDo where one of them is merged or erased already.
    """
    people = lock_people(sorted((stays.person_id, joins.person_id)))
    keeper, loser = people[stays.person_id], people[joins.person_id]
    for one in (keeper, loser):
        if one.merged_into_id is not None:
            raise CannotDo("One of the two was joined with somebody already; look at that record first.")
        if not bytes(one.secret):
            raise CannotDo("One of the two was erased; there is nothing left to join.")
    cells, traits, overwritten = learn(keeper.cells, keeper.traits, loser.cells, loser.traits)
    before: dict[str, Any] = {
        "person": overwritten,
        "email": [keeper.email, keeper.email_verified],
        "account": keeper.account_id,
        "opted_out": keeper.opted_out,
        "held": dict(held or {}),
    }
    leads: list[Record] = []
    if stays.lead_id is not None and joins.lead_id is not None:
        found = {lead.pk: lead for lead in Lead.objects.filter(pk__in=(stays.lead_id, joins.lead_id))}
        mine, theirs = found[stays.lead_id], found[joins.lead_id]
        lead_cells, lead_traits, before["lead"] = learn(mine.cells, mine.traits, theirs.cells, theirs.traits)
        leads.append(Record("lead", mine.pk, lead_traits, lead_cells, changed=True))
    merge = Merge.objects.create(
        survivor=keeper,
        loser=loser,
        survivor_lead_id=stays.lead_id,
        loser_lead_id=joins.lead_id,
        at=at,
        by=by,
        before=before,
        gave_account_id=loser.account_id if keeper.account_id is None else None,
    )
    _move_trails(merge.pk, source=loser.pk, target=keeper.pk, at=at)
    Person.objects.filter(pk=loser.pk).update(merged_into=keeper, ties_version=F("ties_version") + 1)
    Person.objects.filter(pk=keeper.pk).update(ties_version=F("ties_version") + 1)
    record = PersonRecord(
        "person", keeper.pk, traits, cells, changed=True, account_id=keeper.account_id or loser.account_id,
        email=keeper.email, email_verified=keeper.email_verified, opted_out=keeper.opted_out or loser.opted_out,
    )  # fmt: skip
    if keeper.email is None and loser.email is not None:
        Person.objects.filter(pk=loser.pk).update(email=None)
        record.email, record.email_verified = loser.email, loser.email_verified
    if record.opted_out and cells.get(OPTED_OUT, {}).get("b") is not True:
        # Whoever asked one of the two records for peace asked both.
        record.learn({OPTED_OUT: True}, {OPTED_OUT: cell(True)}, at=at, trusted=True)
    write_traits([record, *leads], known_at=at)
    return merge


def part_records(*, merge: Merge, by: User, at: int) -> None:
    """Undo a merger: trails go back with the instants of their old ties, the survivor forgets what it learnt from the other.

    Touches that came since then belong to the trail by which they came; values told since then stay with the survivor. Both
    people are locked by the caller. Raises CannotDo where it was undone before, or where another merger stands on this one.
    """
    people = lock_people(sorted((merge.survivor_id, merge.loser_id)))
    keeper, loser = people[merge.survivor_id], people[merge.loser_id]
    if Merge.objects.filter(pk=merge.pk, undone_at=None).update(undone_at=at, undone_by=by) != 1:
        raise CannotDo("These two were parted already.")
    if keeper.merged_into_id is not None or (
        Merge.objects.filter(survivor=keeper, undone_at=None, pk__gt=merge.pk).exists()
    ):
        raise CannotDo("Another record was joined with this one later; part that one first.")
    if not bytes(keeper.secret) or not bytes(loser.secret):
        raise CannotDo("One of the two was erased; they cannot be parted any more.")
    before: Mapping[str, Any] = merge.before
    cells, traits = unlearn(keeper.cells, keeper.traits, loser.cells, before["person"])
    email, verified = before["email"]
    record = PersonRecord(
        "person", keeper.pk, traits, cells, changed=True, account_id=keeper.account_id, email=keeper.email,
        email_verified=keeper.email_verified, opted_out=keeper.opted_out,
    )  # fmt: skip
    gave = email is None and keeper.email is not None and _came_with(keeper.email, merge.pk)
    if gave:
        record.email, record.email_verified = None, bool(verified)
    if before["account"] is None and keeper.account_id == loser.account_id:
        record.account_id = None
    if keeper.opted_out and not before["opted_out"] and loser.opted_out and not _asked_since(keeper.pk, merge.at):
        record.opted_out = False
        record.learn({OPTED_OUT: False}, {OPTED_OUT: cell(False)}, at=at, trusted=True)
    leads: list[Record] = []
    if before.get("lead"):
        mine, theirs = merge.survivor_lead, merge.loser_lead
        assert mine is not None
        assert theirs is not None
        lead_cells, lead_traits = unlearn(mine.cells, mine.traits, theirs.cells, before["lead"])
        leads.append(Record("lead", mine.pk, lead_traits, lead_cells, changed=True))
    write_traits([record, *leads], known_at=at)
    if record.account_id is None:
        Person.objects.filter(pk=keeper.pk).update(account_known_at=None)
    if gave:
        Person.objects.filter(pk=loser.pk).update(email=keeper.email, email_verified=keeper.email_verified)
    _move_back(merge.pk, source=keeper.pk, target=loser.pk, at=at)
    Person.objects.filter(pk=loser.pk).update(merged_into=None, ties_version=F("ties_version") + 1)
    Person.objects.filter(pk=keeper.pk).update(ties_version=F("ties_version") + 1)
    Merge.objects.filter(pk=merge.pk).update(before={})


def _came_with(email: str, merge: int) -> bool:
    """Whether an address came with the trails of a merger."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM leads_identifier AS i JOIN leads_tie AS t ON t.visitor_id = i.visitor_id AND t.merge_id = $2"
            " WHERE i.kind = 'email' AND i.value = $1",
            (email, merge),
        )
        return cursor.fetchone() is not None


def _asked_since(person: int, since: int) -> bool:
    """Whether somebody asked for peace again after an instant."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM leads_attributefact WHERE subject = 'person' AND subject_id = $1 AND field = $2 AND known_at > $3"
            " AND (cell ->> 'b')::boolean",
            (person, OPTED_OUT, since),
        )
        return cursor.fetchone() is not None


def _move_trails(merge: int, *, source: int, target: int, at: int) -> None:
    with raw_cursor() as cursor:
        cursor.execute(
            # What was tied until now, where no row tells it yet; then the new tie.
            "INSERT INTO leads_tie (visitor_id, person_id, at, known_at, merge_id) SELECT id, person_id, tied_at, tied_known_at, $2"
            " FROM leads_visitor AS v WHERE person_id = $1 AND NOT EXISTS (SELECT FROM leads_tie WHERE visitor_id = v.id)"
            " ORDER BY id",
            (source, merge),
        )
        cursor.execute(
            "INSERT INTO leads_tie (visitor_id, person_id, at, known_at, merge_id) SELECT id, $2, tied_at, $3, $4"
            " FROM leads_visitor WHERE person_id = $1 ORDER BY id",
            (source, target, at, merge),
        )
        cursor.execute(
            "UPDATE leads_visitor SET person_id = $2, tied_known_at = $3 WHERE person_id = $1", (source, target, at)
        )


def _move_back(merge: int, *, source: int, target: int, at: int) -> None:
    """Each trail that the merger moved, with the instants of the tie it had before."""
    with raw_cursor() as cursor:
        cursor.execute(
            "UPDATE leads_visitor AS v SET person_id = $3, tied_known_at = b.known_at FROM leads_tie AS t CROSS JOIN LATERAL"
            " (SELECT known_at FROM leads_tie WHERE visitor_id = t.visitor_id AND id < t.id ORDER BY id DESC LIMIT 1) AS b"
            " WHERE t.merge_id = $1 AND t.person_id = $2 AND v.id = t.visitor_id AND v.person_id = $2 RETURNING v.id",
            (merge, source, target),
        )
        moved = [int(row[0]) for row in cursor.fetchall()]  # type: ignore[call-overload]
        cursor.execute(
            "INSERT INTO leads_tie (visitor_id, person_id, at, known_at, merge_id) SELECT id, $2, tied_at, $3, $4"
            " FROM leads_visitor WHERE id = ANY($1::bigint[]) ORDER BY id",
            (moved, target, at, merge),
        )
