"""Writing to the ledger: what an entry does to the holding, what is refused, and how many statements it takes."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from leadpact.custody import queries
from leadpact.custody.actions import (
    KEEP,
    SYSTEM,
    Actor,
    NewEntry,
    Recorded,
    connect_follower,
    lock,
    record,
    without_follower,
)
from leadpact.custody.actions.proof import verify
from leadpact.custody.actions.recording import _follower, _follows
from leadpact.custody.entries import MoveRefused
from leadpact.custody.models import Entry, Words
from leadpact.custody.rules.projection import ClockMissing
from leadpact.leads.models import Person
from leadpact.team.models import User

from .conftest import MakeLeads
from .statements import Statements

MINUTE = 60_000_000
NURTURE = {"due": 1_000 * MINUTE, "due_what": "touch_every"}
OFFER = {"due": 2_000 * MINUTE, "due_what": "accept_within", "cause": "definition"}

pytestmark = pytest.mark.django_db


def born(lead: int) -> list[NewEntry]:
    return [
        NewEntry(lead, "captured", SYSTEM),
        NewEntry(lead, "judged", SYSTEM, verdict="sales_ready", agreement="a" * 64, **NURTURE),
    ]


def offered(lead: int, to: User) -> list[NewEntry]:
    return [*born(lead), NewEntry(lead, "handed_over", SYSTEM, salesperson_id=to.pk, **OFFER)]


def test_entries_of_a_lead_are_chained_in_one_call(leads: MakeLeads, ada: User) -> None:
    (lead,) = leads(1)
    recorded = record(offered(lead, ada), at=10)
    assert [(r.seq, r.move, r.state, r.previous_state) for r in recorded] == [
        (1, "captured", "new", ""),
        (2, "judged", "lead", "new"),
        (3, "handed_over", "offered", "lead"),
    ]
    assert recorded[2].hand_over_cause == "definition"
    rows = list(Entry.objects.filter(lead_id=lead).order_by("seq"))
    assert [bytes(row.previous) for row in rows[1:]] == [bytes(row.hash) for row in rows[:-1]]
    held = queries.holding(lead)
    assert held is not None
    assert (held.seq, held.holder, held.state, held.salesperson_id, held.verdict) == (
        3,
        "sales",
        "offered",
        ada.pk,
        "sales_ready",
    )
    assert (held.offered_at, held.since, held.due_what) == (10, 10, "accept_within")


def test_time_never_goes_back_within_a_lead(leads: MakeLeads, ada: User) -> None:
    (lead,) = leads(1)
    record(offered(lead, ada), at=100)
    (late,) = record([NewEntry(lead, "accepted", Actor("sales", ada.pk), due=900, due_what="next_step")], at=50)
    assert late.at == 100


def test_a_whole_hand_over_in_the_projection(leads: MakeLeads, ada: User, bo: User) -> None:
    (lead,) = leads(1)
    sales = Actor("sales", bo.pk)
    record(offered(lead, ada), at=10)
    (recalled,) = record(
        [NewEntry(lead, "recalled", SYSTEM, salesperson_id=bo.pk, due=500, due_what="accept_within")], at=20
    )
    assert (recalled.previous_salesperson_id, recalled.salesperson_id, recalled.offers) == (ada.pk, bo.pk, 1)
    record([NewEntry(lead, "accepted", sales, due=600, due_what="first_follow_up_within")], at=30)
    for at in (40, 50):
        record([NewEntry(lead, "followed_up", sales, reason="attempt", due=700, due_what="attempts")], at=at)
    held = queries.holding(lead)
    assert held is not None
    assert (held.accepted_at, held.followed_up_at, held.attempts, held.offers) == (30, 40, 2, 1)
    assert held.refused_by == [[ada.pk, "recalled", 20]]
    (rejected,) = record(
        [NewEntry(lead, "rejected", sales, reason="not_now", due=800, due_what="answer_rejection_within")], at=60
    )
    # The entry names whose answer it was; nobody in Sales holds the lead any more.
    assert (rejected.salesperson_id, rejected.holder, rejected.state) == (bo.pk, "marketing", "lead")
    held = queries.holding(lead)
    assert held is not None
    assert held.salesperson_id is None
    assert held.reason == "not_now"
    assert held.refused_by == [[ada.pk, "recalled", 20], [bo.pk, "not_now", 60]]
    record([NewEntry(lead, "recycled", SYSTEM, reason="not_now", not_before=900, due=900, due_what="rest_ends")], at=60)
    record([NewEntry(lead, "woken", SYSTEM, **NURTURE)], at=900)
    record([NewEntry(lead, "handed_over", SYSTEM, salesperson_id=ada.pk, **OFFER)], at=910)
    held = queries.holding(lead)
    assert held is not None
    # A new hand-over forgets whose offer ran out, and remembers who said no.
    assert held.refused_by == [[bo.pk, "not_now", 60]]
    assert (held.attempts, held.accepted_at, held.offers, held.not_before) == (0, None, 0, None)
    assert verify().problems == []


def test_clocks_run_on_where_the_promise_is_the_same(leads: MakeLeads) -> None:
    (lead,) = leads(1)
    record(born(lead), at=10)
    (changed,) = record([NewEntry(lead, "judged", SYSTEM, verdict="prospect")], at=20)
    assert (changed.state, changed.due, changed.due_what) == ("prospect", NURTURE["due"], "touch_every")


def test_no_lead_is_left_without_a_clock(leads: MakeLeads, ada: User) -> None:
    (lead,) = leads(1)
    record(offered(lead, ada), at=10)
    for entry in (
        NewEntry(lead, "accepted", Actor("sales", ada.pk)),
        NewEntry(lead, "recalled", SYSTEM, salesperson_id=ada.pk),
        NewEntry(lead, "accepted", Actor("sales", ada.pk), due=5),
    ):
        with pytest.raises(ClockMissing):
            record([entry], at=20)
    with (
        pytest.raises(IntegrityError, match="no_lead_without_a_clock"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE custody_holding SET due = NULL WHERE lead_id = %s", [lead])


def test_what_is_missing_is_refused(leads: MakeLeads, ada: User) -> None:
    (lead,) = leads(1)
    record(born(lead), at=10)
    with pytest.raises(ValueError, match="needs salesperson_id"):
        record([NewEntry(lead, "handed_over", SYSTEM, **OFFER)], at=20)
    record([NewEntry(lead, "handed_over", SYSTEM, salesperson_id=ada.pk, **OFFER)], at=20)
    with pytest.raises(ValueError, match="needs a reason"):
        record([NewEntry(lead, "rejected", Actor("sales", ada.pk), due=1, due_what="answer_rejection_within")], at=30)


def test_a_refused_batch_writes_nothing(leads: MakeLeads) -> None:
    first, second = leads(2)
    with pytest.raises(MoveRefused):
        record([*born(first), NewEntry(second, "accepted", Actor("sales"))], at=10)
    assert not Entry.objects.exists()
    assert queries.holdings([first, second]) == {}


def test_words_are_sealed_and_gone_with_the_key(leads: MakeLeads, ada: User) -> None:
    (lead,) = leads(1)
    note = "Asked us to call back after the fair – ünïcode"
    record([NewEntry(lead, "captured", Actor("sales", ada.pk), note=note, due=9, due_what="prospect_plan")], at=10)
    record([NewEntry(lead, "followed_up", Actor("sales", ada.pk), note="Left a message", reason="attempt")], at=20)
    assert [line.note for line in queries.history(lead, blind=False)] == [note, "Left a message"]
    assert all(note.encode() not in bytes(row.sealed) for row in Words.objects.all())
    Person.objects.update(secret=b"")
    assert [line.note for line in queries.history(lead, blind=False)] == ["", ""]
    assert verify().holds
    with pytest.raises(MoveRefused, match="erased"):
        record([NewEntry(lead, "followed_up", Actor("sales", ada.pk), note="More", reason="attempt")], at=30)


def test_a_blind_history_tells_no_cause(leads: MakeLeads, ada: User) -> None:
    by_definition, by_audit, by_hand = leads(3)
    marketing = User.objects.create_user("cleo@northwind.example", role="marketer", department="marketing")
    for lead in (by_definition, by_audit, by_hand):
        record(born(lead), at=10)
    same = {"salesperson_id": ada.pk, "due": 99, "due_what": "accept_within"}
    record(
        [
            NewEntry(
                by_definition, "handed_over", SYSTEM, cause="definition", cause_touch=5, agreement="a" * 64, **same
            ),
            NewEntry(by_audit, "handed_over", SYSTEM, cause="audit", agreement="a" * 64, **same),
            NewEntry(
                by_hand,
                "handed_over",
                Actor("marketing", marketing.pk),
                cause="by_hand",
                reason="other",
                note="Psst",
                **same,
            ),
        ],
        at=20,
    )
    one, two, three = (queries.history(lead, blind=True) for lead in (by_definition, by_audit, by_hand))
    assert one == two == three
    assert [line.seq for line in one] == [1, 2], "no gap tells of a judgement"
    assert (
        len({line.cause for lead in (by_definition, by_audit, by_hand) for line in queries.history(lead, blind=False)})
        == 4
    )


def test_the_follower_is_called_once_with_the_whole_batch(leads: MakeLeads) -> None:
    called: list[tuple[list[Recorded], int]] = []
    before, token = _follower._target, _follows.set(True)
    connect_follower(lambda recorded, *, at: called.append((list(recorded), at)))
    try:
        ids = leads(3)
        record([entry for lead in ids for entry in born(lead)], at=10)
        record([NewEntry(ids[0], "judged", SYSTEM, verdict="lead")], at=11, follow=False)
        with without_follower():
            record([NewEntry(ids[0], "judged", SYSTEM, verdict="prospect")], at=12)
    finally:
        _follower._target = before
        _follows.reset(token)
    assert [(len(batch), at) for batch, at in called] == [(6, 10)]


@pytest.mark.django_db(transaction=True)
def test_it_refuses_to_write_outside_a_transaction() -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        record([NewEntry(1, "captured", SYSTEM)], at=1)
    with pytest.raises(RuntimeError, match="transaction"):
        lock([1])


def test_nothing_to_write_is_no_work() -> None:
    with Statements() as statements:
        assert record([], at=1) == []
    assert statements.sent == []


@pytest.mark.parametrize("with_words", [False, True])
def test_the_number_of_statements_does_not_grow(leads: MakeLeads, ada: User, *, with_words: bool) -> None:
    counts = {}
    for number in (10, 200):
        ids = leads(number)
        with Statements() as first:
            record([entry for lead in ids for entry in offered(lead, ada)], at=10)
        with Statements() as second:
            record(
                [
                    NewEntry(
                        lead,
                        "accepted",
                        Actor("sales", ada.pk),
                        due=99,
                        due_what="next_step",
                        note="Hm" if with_words else "",
                    )
                    for lead in ids
                ],
                at=20,
            )
        counts[number] = (len(first.sent), len(second.sent))
    assert counts[10] == counts[200] == (2, 3 if with_words else 2)


def test_what_was_locked_is_not_read_again(leads: MakeLeads, ada: User) -> None:
    one, other = leads(2)
    record([*offered(one, ada), *offered(other, ada)], at=10)
    accepted = [
        NewEntry(lead, "accepted", Actor("sales", ada.pk), due=99, due_what="next_step") for lead in (one, other)
    ]
    held = lock([one, other])
    with Statements() as statements:
        recorded = record(accepted, at=20, locked=held)
    assert len(statements.sent) == 1
    assert [(r.previous_state, r.state, r.at) for r in recorded] == [("offered", "accepted", 20)] * 2
    assert held == lock([one, other]), "what was told of them is what is written"
    assert verify().problems == []


def test_the_order_of_writing_does_not_matter_for_locks(leads: MakeLeads) -> None:
    """Holdings are locked in the order of leads whatever the order of entries: two batches cannot wait in a ring."""
    ids = leads(5)
    record([entry for lead in reversed(ids) for entry in born(lead)], at=10)
    with Statements() as statements:
        record([NewEntry(lead, "judged", SYSTEM, verdict="prospect") for lead in reversed(ids)], at=20)
    assert "ORDER BY h.lead_id FOR NO KEY UPDATE" in statements.sent[0]


def test_keep_is_not_nobody() -> None:
    assert NewEntry(1, "captured", SYSTEM).salesperson_id is KEEP
