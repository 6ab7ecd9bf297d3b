"""What the inbox shows, and what it never shows."""

from __future__ import annotations

from dataclasses import fields

import pytest
from django.db import connection

from leadpact.agreement.queries import in_force
from leadpact.distribution import actions, queries
from leadpact.leads.models import Account, Lead, Touch, Visitor
from leadpact.team.models import User
from tests.cast import HOUR, T0, Cast

from .conftest import new_lead, offer, recall

pytestmark = pytest.mark.django_db


def test_offers_and_work_the_most_urgent_first(cast: Cast) -> None:
    account = Account.objects.create(name="Ferro Works", owner=cast.cleo, created_at=T0)
    first, second, third = (new_lead(account=account) for _ in range(3))
    offer(first, due=T0 + 3 * HOUR)
    offer(second, due=T0 + 2 * HOUR)
    offer(third)
    actions.accept(lead_id=third, by=cast.cleo, at=T0 + 1)
    found = queries.inbox(user_id=cast.cleo.pk, takes_leads=True, at=T0 + 2 * HOUR + 1)
    assert [lead.lead_id for lead in found.offers] == [second, first]
    assert [lead.late for lead in found.offers] == [True, False]
    assert [(lead.lead_id, lead.state, lead.due_what) for lead in found.working] == [
        (third, "accepted", "first_follow_up_within")
    ]
    assert found.late == 2
    top = found.offers[0]
    assert (top.account, top.why_you, top.salesperson) == ("Ferro Works", "You own the account Ferro Works.", "Cleo")
    assert (top.email, top.offered_at) == (f"{top.name.split()[1]}@ferro.example", T0)
    assert queries.inbox(user_id=cast.dara.pk, takes_leads=True, at=T0).offers == ()
    everybody = queries.in_hand(at=T0, states=queries.OFFERED)
    assert {lead.lead_id for lead in everybody} == {first, second}


def test_the_catch_all_queue_is_everybodys_inbox(cast: Cast) -> None:
    lead = new_lead()
    offer(lead)
    recall(lead, at=T0 + HOUR)
    recall(lead, at=T0 + 2 * HOUR)
    for who in (cast.eli, cast.cleo, cast.dara):
        assert [o.lead_id for o in queries.inbox(user_id=who.pk, takes_leads=True, at=T0).offers] == [lead]
    assert queries.inbox(user_id=cast.ada.pk, takes_leads=False, at=T0).offers == ()


def test_evidence_is_lines_met_and_touches_and_nothing_to_compare(cast: Cast) -> None:
    lead = new_lead()
    offer(lead)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO qualification_judgement (lead_id, as_of, agreement_hash, verdict, decided_by, fit, engagement, readiness,"
            " parts, alternatives, cools) VALUES (%s, %s, '', 'sales_ready', '', 40000, 0, 0, %s, 0, false)",
            [lead, T0, '{"served_industry": 20000, "mid_size": 20000, "student": null, "seminar": 0, "pricing": 5000}'],
        )
    visitor = Visitor.objects.create(
        person=Lead.objects.get(pk=lead).person, tied_at=T0, tied_known_at=T0, created_at=T0
    )
    for number in range(12):
        Touch.objects.create(visitor=visitor, kind="page.viewed", at=T0 - number * HOUR, known_at=T0, channel="web")
    Touch.objects.create(visitor=visitor, kind="email.clicked", at=T0 + 1, known_at=T0, void_at=T0)
    version = in_force(T0)
    assert version is not None
    seen = queries.evidence([lead, new_lead()], agreement=version.agreement)
    assert seen[lead].lines == (
        "Works in an industry we serve",
        "200 to 5,000 employees",
        "Keeps reading the price page",
    )
    assert len(seen[lead].touches) == queries.TOUCHES_SHOWN
    assert [touch.at for touch in seen[lead].touches] == [T0 - n * HOUR for n in range(queries.TOUCHES_SHOWN)]
    assert {touch.kind for touch in seen[lead].touches} == {"page.viewed"}, "what a machine did is no evidence"
    assert [value for key, value in seen.items() if key != lead] == [queries.Evidence()]


def test_what_whoever_gets_leads_reads_has_no_place_for_scores() -> None:
    hidden = {
        "verdict",
        "cause",
        "score",
        "fit",
        "engagement",
        "readiness",
        "points",
        "parts",
        "distance",
        "threshold",
        "alternatives",
    }
    for shown in (queries.InHand, queries.Offered, queries.Evidence, queries.TouchSeen):
        assert not hidden & {field.name for field in fields(shown)}


def test_the_number_of_statements_does_not_grow(cast: Cast, django_assert_num_queries: object) -> None:
    User.objects.filter(takes_leads=True).update(cap=1_000)
    offer(*[new_lead() for _ in range(40)])
    found = queries.inbox(user_id=cast.cleo.pk, takes_leads=True, at=T0)
    assert len(found.offers) == 20
    assert queries.evidence([], agreement=None) == {}
