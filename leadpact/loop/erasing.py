"""Somebody asks to be forgotten, or what we hold about them. One transaction; afterwards nothing leads back to them.

The ledger keeps its shape, its counts and its chain: every open or sleeping lead of theirs ends with an entry `erased` (a won one
stays won), the words beside entries go with their key. Records that were joined with theirs are theirs as well. A later
touch of the same address is a new person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction

from leadpact.agreement.actions import forget_in_comments
from leadpact.agreement.queries import in_force
from leadpact.agreement.queries.talk import talks
from leadpact.capture.actions.forgetting import forget_people, forget_rejects, runs_that_say, waiting_files_that_say
from leadpact.capture.actions.merging import lock_people
from leadpact.custody.actions import Actor, NewEntry, forget_words, lock, record
from leadpact.kit import queue
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import from_us
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.kit.redaction import redact, says
from leadpact.leads.models import Erasure, Identifier, Lead, Person
from leadpact.loop.judging import judge_set, lock_leads
from leadpact.loop.relevance import reads
from leadpact.qualification.actions import forget_judgements
from leadpact.team.actions.calls import forget_calls
from leadpact.team.models import User
from leadpact.team.permissions import OPERATIONS, speaks_for
from leadpact.tracking.actions import forget_next_steps
from leadpact.tuning.actions import forget_in_notes
from leadpact.tuning.queries.reviews import every_note

FINAL = frozenset({"won", "erased"})


@dataclass(frozen=True, slots=True)
class Whom:
    """Somebody as they are held: their records (with those that joined), needs, and every name by which they come in.

    `called`: what stands for them in words that others wrote: names, addresses, telephone. `mentions`: where such words hold
    no more than a part of their name, which may be somebody else's: these are shown to whoever erases, and stay.
    """

    person_ids: tuple[int, ...]
    lead_ids: tuple[int, ...]
    names: tuple[str, ...]
    counts: dict[str, int]
    waiting_files: tuple[str, ...]
    called: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()


def whom(name: str) -> Whom | None:
    """Whoever has this e-mail address or user id; None where nobody has. Nothing is changed."""
    asked = name.strip()
    found = (
        Identifier.objects.filter(kind="email", value=asked.casefold(), visitor__person__isnull=False).first()
        or Identifier.objects.filter(kind="user_id", value=asked, visitor__person__isnull=False).first()
    )
    if found is None or found.visitor.person_id is None:
        return None
    return of_person(found.visitor.person_id)


def of_person(person_id: int) -> Whom:
    """The same, by a person's number."""
    with raw_cursor() as cursor:
        cursor.execute(
            "WITH whole AS (SELECT leads_whole_1($1) AS id) SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM whole UNION"
            " SELECT unnest(leads_merged_1('person', id, $2)) FROM whole) AS one",
            (person_id, 2**62),
        )
        row = cursor.fetchone()
        assert row is not None
        people: list[int] = list(row[0])  # type: ignore[call-overload]
        cursor.execute(
            "SELECT (SELECT count(*) FROM leads_touch AS t JOIN leads_visitor AS v ON v.id = t.visitor_id"
            " WHERE v.person_id = ANY($1::bigint[])),"
            " (SELECT count(*) FROM leads_attributefact WHERE (subject = 'person' AND subject_id = ANY($1::bigint[]))"
            " OR (subject = 'lead' AND subject_id IN (SELECT id FROM leads_lead WHERE person_id = ANY($1::bigint[])))),"
            " (SELECT count(*) FROM custody_words AS w JOIN custody_entry AS e ON e.id = w.entry_id JOIN leads_lead AS l"
            " ON l.id = e.lead_id WHERE l.person_id = ANY($1::bigint[]))",
            (people,),
        )
        counted = cursor.fetchone()
    assert counted is not None
    leads = tuple(Lead.objects.filter(person_id__in=people).order_by("pk").values_list("pk", flat=True))
    rows = list(Identifier.objects.filter(visitor__person_id__in=people).values_list("kind", "value"))
    names = tuple(value for kind, value in rows if kind != "anonymous_id" and len(value) > 2)
    known = list(Person.objects.filter(pk__in=people).values_list("name", "phone"))
    whole = {name for name, _ in known if " " in name.strip()} | {phone for _, phone in known if len(phone) > 5}
    called = tuple(sorted({*names, *whole}))
    parts = {word.strip(".,") for name, _ in known for word in name.split() if len(word.strip(".,")) > 2}
    return Whom(
        tuple(people), leads, names,
        {
            "records": len(people), "leads": len(leads), "identifiers": len(rows), "touches": int(counted[0]),  # type: ignore[call-overload]
            "values": int(counted[1]), "notes": int(counted[2]), "lists of rejected rows": len(runs_that_say(names)),  # type: ignore[call-overload]
        },
        tuple(waiting_files_that_say(names)), called, tuple(_mentions(leads, called, parts)),
    )  # fmt: skip


def _mentions(lead_ids: Sequence[int], called: Collection[str], parts: Collection[str]) -> Iterator[str]:
    """Where notes of reviews and comments of the workshop hold a part of the name that will not be taken out by itself."""
    for review, lead, at, text in every_note():
        if lead not in lead_ids and says(redact(text, called), parts):
            yield f"a note of {from_us(at):%d %b %Y} in review {review}"
    for talk in talks():
        for one in talk.said:
            if says(redact(one.text, called), parts):
                yield f"a comment of {from_us(one.at):%d %b %Y} on {talk.key or 'the whole agreement'}"


@transaction.atomic
def erase(*, person_id: int, at: int, by: User | None = None) -> dict[str, int]:
    """Forget a person and every record that joined theirs; returns how much of what was erased.

    by: None for whoever runs commands on the server. Raises CannotDo where whoever asks may not, or nothing is left to erase.
    """
    if by is not None and speaks_for(by) != OPERATIONS:
        raise CannotDo("Operations erases people; ask one of them.")
    found = of_person(person_id)
    people = lock_people(list(found.person_ids))
    if all(not bytes(person.secret) for person in people.values()):
        raise CannotDo("This person was erased already.")
    version = in_force(at)
    homes: set[int] = set()
    if version is not None and (reads(version.hash).active or reads(version.hash).circle):
        homes = {person.account_id for person in people.values() if person.account_id is not None}
    around = lock_leads(accounts=sorted(homes), lead_ids=found.lead_ids)
    held = lock(found.lead_ids)
    found = of_person(person_id)  # as it is now that nobody else writes
    actor = Actor(OPERATIONS, by.pk if by else None)
    counts = {"records": len(found.person_ids), "leads": len(found.lead_ids), "notes": forget_words(found.lead_ids)}
    record(
        [
            NewEntry(lead, "erased", actor, agreement=version.hash if version else "")
            for lead, one in sorted(held.items())
            if one.state not in FINAL
        ],
        at=at,
    )
    counts |= _forget_beside(found.lead_ids)
    counts["notes of reviews"] = forget_in_notes(lead_ids=found.lead_ids, names=found.called)
    counts["comments"] = forget_in_comments(names=found.called)
    counts["rejected rows"] = forget_rejects(names=found.names)
    counts |= forget_people(person_ids=found.person_ids)
    colleagues = sorted(around.keys() - set(found.lead_ids))
    if version is not None and colleagues:
        # What they did counted for everybody at their accounts.
        judge_set(colleagues, version=version, at=at)
    Erasure.objects.create(at=at, by=by, counts=counts)
    _forget_in_lake(found.person_ids)
    return counts


def _forget_in_lake(person_ids: Sequence[int]) -> None:
    """Have their rows taken out of the lake, by a job of this transaction: it runs once, and only if the erasure stands."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT id FROM leads_visitor WHERE person_id = ANY($1::bigint[]) ORDER BY id", (list(person_ids),)
        )
        visitors = [int(row[0]) for row in cursor.fetchall()]  # type: ignore[call-overload]
    queue.defer("loop.forget_in_lake", lock="loop.export_history", person_ids=list(person_ids), visitor_ids=visitors)


def _forget_beside(lead_ids: Sequence[int]) -> dict[str, int]:
    """What other rooms keep beside a lead: the latest scores, next steps, answers of the API."""
    forget_next_steps(lead_ids=lead_ids)
    return {"verdicts": forget_judgements(lead_ids=lead_ids), "answers of the API": forget_calls(lead_ids=lead_ids)}
