"""The mail about offers."""

from __future__ import annotations

import pytest
from django.core import mail

from leadpact.distribution import actions
from leadpact.distribution.actions.mailing import mail_offers
from leadpact.leads.models import Account, Person
from leadpact.team.models import User
from tests.cast import T0, Cast

from .conftest import new_lead, offer

pytestmark = pytest.mark.django_db


def test_it_names_who_waits_and_until_when_in_the_readers_zone(cast: Cast) -> None:
    account = Account.objects.create(name="Ferro Works", owner=cast.cleo, created_at=T0)
    User.objects.filter(pk=cast.cleo.pk).update(timezone="America/Chicago")
    lead = new_lead(account=account)
    offer(lead)
    Person.objects.filter(leads=lead).update(name="Fay\r\nBcc: all@halden.example")
    assert mail_offers(user_id=cast.cleo.pk, at=T0)
    (sent,) = mail.outbox
    assert sent.to == ["cleo@northwind.example"]
    assert sent.subject == "A lead is offered to you: Fay Bcc: all@halden.example, Ferro Works"
    assert "Answer by Thu 28 May, 19:26 (America/Chicago). You own the account Ferro Works." in sent.body
    assert not any(word in sent.body.lower() for word in ("score", "points", "audit", "sales_ready", "definition"))


def test_what_was_answered_is_not_mailed(cast: Cast) -> None:
    leads = [new_lead() for _ in range(4)]
    got = offer(*leads)
    mine = [lead for lead, who in got.items() if who == cast.cleo.pk]
    assert mail_offers(user_id=cast.cleo.pk, at=T0)
    assert mail.outbox[0].subject == "2 leads are offered to you"
    for lead in mine:
        actions.accept(lead_id=lead, by=cast.cleo, at=T0)
    assert not mail_offers(user_id=cast.cleo.pk, at=T0)
    User.objects.filter(pk=cast.dara.pk).update(is_active=False)
    assert not mail_offers(user_id=cast.dara.pk, at=T0)
    assert len(mail.outbox) == 1
