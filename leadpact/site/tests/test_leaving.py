"""Who leaves hands everything over and is out, in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from leadpact.custody.queries import holding
from leadpact.distribution.tests.conftest import new_lead, offer
from leadpact.team.models import User
from tests.cast import Cast, sign


def test_everything_goes_to_colleagues_and_the_account_closes(people: Cast, enter: Callable[[User], Client]) -> None:
    sign(people)
    leads = [new_lead() for _ in range(6)]
    given = offer(*leads)
    theirs = [lead for lead, user in given.items() if user == people.cleo.pk]
    assert theirs
    bo = enter(people.bo)
    assert f"{len(theirs)} lead".encode() in bo.get(f"/team/{people.cleo.pk}/leave/").content
    answer = bo.post(f"/team/{people.cleo.pk}/leave/", follow=True)
    assert b"Cleo has left" in answer.content
    people.cleo.refresh_from_db()
    assert not people.cleo.is_active
    held = {lead: holding(lead).salesperson_id for lead in leads}
    assert people.cleo.pk not in held.values()
    assert all(held[lead] == people.dara.pk for lead in theirs)


def test_where_nobody_can_take_them_nothing_happens(people: Cast, enter: Callable[[User], Client]) -> None:
    sign(people)
    lead = new_lead()
    user_id = offer(lead)[lead]
    User.objects.exclude(pk=user_id).update(takes_leads=False, is_catch_all=False)
    answer = enter(people.bo).post(f"/team/{user_id}/leave/", follow=True)
    assert b"Nobody can take" in answer.content
    assert User.objects.get(pk=user_id).is_active
    assert holding(lead).salesperson_id == user_id


def test_not_for_everybody(people: Cast, operations: User, enter: Callable[[User], Client]) -> None:
    assert enter(people.dara).post(f"/team/{people.cleo.pk}/leave/").status_code == 403
    assert enter(people.bo).post(f"/team/{operations.pk}/leave/").status_code == 403
    operations.refresh_from_db()
    people.cleo.refresh_from_db()
    assert operations.is_active
    assert people.cleo.is_active
