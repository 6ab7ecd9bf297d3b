"""Four weeks of a small company through the loop: the ledger holds, and somebody's clock runs on every open lead."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadpact.custody.actions.proof import verify
from leadpact.custody.models import Entry, Holding
from leadpact.leads.models import Lead
from leadpact.loop.rehearsal import Rehearsal
from leadpact.simulation.company import Company
from leadpact.site.demo import make_users, sign_example

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
