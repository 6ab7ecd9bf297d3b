"""Clocks run out exactly once, whoever asks and however often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from leadpact.custody import queries
from leadpact.custody.actions import SYSTEM, Lapsed, NewEntry, lapse, record, restart_clocks, without_follower
from leadpact.custody.models import Holding, Lapse
from leadpact.team.models import User

from .conftest import MakeLeads, new_leads, salespeople

OFFERED_UNTIL = 500


def offer(ids: list[int], seller: User) -> None:
    """Offers that run out at OFFERED_UNTIL plus their place in the list."""
    with transaction.atomic():
        record([NewEntry(lead, "captured", SYSTEM) for lead in ids], at=1)
        record(
            [NewEntry(lead, "judged", SYSTEM, verdict="lead", due=900, due_what="touch_every") for lead in ids], at=1
        )
        record(
            [
                NewEntry(
                    lead,
                    "handed_over",
                    SYSTEM,
                    salesperson_id=seller.pk,
                    due=OFFERED_UNTIL + n,
                    due_what="accept_within",
                )
                for n, lead in enumerate(ids)
            ],
            at=2,
        )


@pytest.mark.django_db
def test_a_clock_that_ran_out_is_returned_once(leads: MakeLeads, ada: User) -> None:
    first, second, third = leads(3)
    offer([first, second, third], ada)
    assert lapse(at=OFFERED_UNTIL - 1) == []
    (one,) = lapse(at=OFFERED_UNTIL)
    assert (one.lead_id, one.what, one.side, one.due, one.state) == (
        first,
        "accept_within",
        "sales",
        OFFERED_UNTIL,
        "offered",
    )
    assert (one.salesperson_id, one.seq) == (ada.pk, 3)
    late = OFFERED_UNTIL + 10_000
    assert [clock.lead_id for clock in lapse(at=late, limit=1)] == [second], "the oldest first"
    assert [clock.lead_id for clock in lapse(at=late)] == [third]
    assert lapse(at=late) == []
    assert list(Lapse.objects.order_by("due").values_list("lead_id", "noticed_at", "due")) == [
        (first, OFFERED_UNTIL, OFFERED_UNTIL),
        (second, late, OFFERED_UNTIL + 1),
        (third, late, OFFERED_UNTIL + 2),
    ]
    assert queries.late(late) == {"accept_within": 3}


@pytest.mark.django_db
def test_a_recalled_offer_has_a_new_clock(leads: MakeLeads, ada: User, bo: User) -> None:
    (lead,) = leads(1)
    offer([lead], ada)
    lapse(at=600)
    record([NewEntry(lead, "recalled", SYSTEM, salesperson_id=bo.pk, due=1_000, due_what="accept_within")], at=600)
    assert lapse(at=999) == []
    (again,) = lapse(at=1_000)
    assert (again.salesperson_id, again.offers) == (bo.pk, 1)
    assert Lapse.objects.count() == 2


@pytest.mark.django_db
def test_the_end_of_a_rest_is_a_date_not_a_broken_promise(leads: MakeLeads) -> None:
    (lead,) = leads(1)
    record([NewEntry(lead, "captured", SYSTEM), NewEntry(lead, "judged", SYSTEM, verdict="lead", due=9, due_what="touch_every"),
            NewEntry(lead, "recycled", SYSTEM, reason="not_now", not_before=50, due=50, due_what="rest_ends")], at=1)  # fmt: skip
    assert [clock.what for clock in lapse(at=50)] == ["rest_ends"]
    assert not Lapse.objects.exists()


@pytest.mark.django_db
def test_a_kept_promise_starts_its_clock_again(leads: MakeLeads, ada: User) -> None:
    mine, theirs, later = leads(3)
    for lead in (mine, theirs, later):
        record([NewEntry(lead, "captured", SYSTEM),
                NewEntry(lead, "judged", SYSTEM, verdict="lead", due=100, due_what="touch_every")], at=1)  # fmt: skip
    record([NewEntry(theirs, "handed_over", SYSTEM, salesperson_id=ada.pk, due=100, due_what="accept_within")], at=2)
    lapse(at=150)
    assert restart_clocks({mine: 300, theirs: 300, later: 90}, what="touch_every") == 1
    assert restart_clocks({}, what="touch_every") == 0
    held = Holding.objects.in_bulk([mine, theirs, later])
    assert {lead: (h.due, h.lapsed) for lead, h in held.items()} == {
        mine: (300, False),
        theirs: (100, True),
        later: (100, True),
    }
    assert [clock.lead_id for clock in lapse(at=300)] == [mine]
    assert Lapse.objects.filter(lead_id=mine).count() == 2, "broken twice: two promises"


@pytest.mark.django_db(transaction=True)
def test_each_clock_fires_once_though_several_ask_at_once() -> None:
    ada, _ = salespeople()
    ids = new_leads(60)
    with without_follower():
        offer(ids, ada)
    barrier = Barrier(4)

    def ask(_: int) -> list[Lapsed]:
        try:
            barrier.wait(timeout=20)
            found: list[Lapsed] = []
            for _ in range(20):
                with transaction.atomic():
                    found += lapse(at=10_000, limit=7)
            return found
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = [clock.lead_id for answer in pool.map(ask, range(4)) for clock in answer]
    assert sorted(answers) == sorted(ids)
    assert Lapse.objects.count() == len(ids)


@pytest.mark.django_db(transaction=True)
def test_a_crash_before_the_end_leaves_the_clock_for_the_next() -> None:
    ada, _ = salespeople()
    (lead,) = new_leads(1)
    with without_follower():
        offer([lead], ada)

    class Crash(Exception):
        pass

    def crash() -> None:
        with transaction.atomic():
            assert len(lapse(at=10_000)) == 1
            raise Crash

    with pytest.raises(Crash):
        crash()
    assert [clock.lead_id for clock in lapse(at=20_000)] == [lead]
