"""A small company's weeks through the loop: the ledger holds, and somebody's clock runs on every open lead."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection

from leadpact.custody.actions.proof import verify
from leadpact.custody.models import Entry, Holding
from leadpact.distribution.models import Offer
from leadpact.leads.models import Lead
from leadpact.loop.rehearsal import DAY, Rehearsal
from leadpact.simulation.company import Company
from leadpact.site.demo import make_users, sign_example
from leadpact.team.models import User
from leadpact.tuning.models import Guess

pytestmark = pytest.mark.django_db


def test_four_weeks_of_a_company() -> None:
    company = Company(11, 60, datetime(2026, 4, 6, tzinfo=UTC), 28)
    users = make_users(company, "Slow-paper-mills-1")
    sign_example(users, company.start)
    rehearsal = Rehearsal(company, users)
    days = list(rehearsal.run())

    assert len(days) == 28
    assert days[-1][0] == company.end
    counts = rehearsal.counts
    assert counts.leads == Lead.objects.count() > 20
    assert counts.refused == 0
    proof = verify()
    assert proof.problems == []
    assert proof.leads == Lead.objects.count() == Holding.objects.count()
    assert proof.entries == Entry.objects.count()

    still = Holding.objects.exclude(holder="closed")
    assert list(still.filter(due=None).values_list("lead_id", "state")) == []
    # Whatever ran out by the end was noticed by the end.
    assert not still.filter(due__lte=company.end, lapsed=False).exists()
    assert Entry.objects.filter(at__gt=company.end).count() == 0
    assert Entry.objects.filter(move="handed_over").count() == counts.handed_over


def test_people_take_from_the_queue_guess_and_carry_on(as_owner: Callable[[], AbstractContextManager[None]]) -> None:
    """Salespeople whose hands are full get nothing offered: what lies in the catch-all queue is taken by them all the same.

    Some say whether it was a check. Who comes after somebody that left goes on with their work. Who is asked and who gets what
    hangs on the numbers of leads and users, which begin here where they always do, whatever ran before.
    """
    with as_owner(), connection.cursor() as cursor:
        for table in ("leads_lead", "team_user"):
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1000000)", [table])
    company = Company(11, 240, datetime(2026, 4, 6, tzinfo=UTC), 56)
    leaver = company.salespeople[0]
    company.salespeople = (replace(leaver, leaves_at=company.start + 35 * DAY), *company.salespeople[1:])
    users = make_users(company, "Slow-paper-mills-1")
    User.objects.filter(takes_leads=True).update(cap=2)
    sign_example(users, company.start)
    rehearsal = Rehearsal(company, users)
    for _ in rehearsal.run():
        pass

    owner, left = users["sales@northwind.example"], users[leaver.email]
    queued = Offer.objects.filter(why__rule="catch_all", offered_at__lt=company.end - 7 * DAY)
    assert queued.count() > 10
    taken = queued.filter(outcome="accepted")
    assert rehearsal.counts.from_queue >= taken.count() > queued.count() / 2
    for lead, at in taken.values_list("lead_id", "ended_at"):
        took = Entry.objects.get(lead_id=lead, move="accepted", at=at)
        assert took.user_id != owner.pk
        assert not Entry.objects.filter(lead_id=lead, user_id=took.user_id, move="rejected", at__lt=at).exists()

    assert Guess.objects.count() == rehearsal.counts.guesses > 5
    assert set(Guess.objects.values_list("guess", flat=True)) == {True, False, None}

    passed_on = Entry.objects.filter(move="reassigned", at=company.start + 35 * DAY, state="accepted")
    assert passed_on.exists()
    for lead, to in passed_on.values_list("lead_id", "salesperson_id"):
        assert to != left.pk
        assert Entry.objects.filter(lead_id=lead, user_id=to, at__gt=company.start + 35 * DAY).exists()
