"""An answer can be taken back for ten minutes; then it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection

from leadpact.custody import queries as custody
from leadpact.custody.actions.proof import verify
from leadpact.distribution import actions, queries
from leadpact.distribution.actions import NotYours, Refused
from leadpact.distribution.actions.correcting import GRACE
from leadpact.leads.models import Lead
from leadpact.team.models import User
from tests.cast import DAY, HOUR, T0, Cast

from .conftest import Offered

MINUTE = 60_000_000

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("reason", ["not_now", "no_fit", "wrong_data"])
def test_a_rejection_is_taken_back_and_given_anew(offered: Offered, reason: str) -> None:
    lead, seller = offered()
    actions.reject(lead_id=lead, reason=reason, by=seller, at=T0 + MINUTE)
    done = actions.correct(lead_id=lead, by=seller, at=T0 + 5 * MINUTE)
    assert (done.holder, done.state, done.salesperson_id, done.reason, done.cause_seq) == (
        "sales",
        "offered",
        seller.pk,
        "rejected",
        4,
    )
    held = custody.holding(lead)
    assert held is not None
    assert held.refused_by == [], "what was taken back does not keep the lead from them"
    assert (held.due, held.due_what) == (T0 + 4 * HOUR, "accept_within"), "the old clock, not a new one"
    assert Lead.objects.get(pk=lead).is_open
    (open_offer,) = [offer for offer in queries.offers_of(lead) if offer.ended_at is None]
    assert open_offer.salesperson_id == seller.pk
    actions.accept(lead_id=lead, by=seller, at=T0 + 6 * MINUTE)
    assert verify().problems == []


def test_measures_use_the_last_answer(offered: Offered) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    actions.reject(lead_id=lead, reason="no_fit", by=seller, at=T0 + MINUTE)
    actions.correct(lead_id=lead, by=seller, at=T0 + 2 * MINUTE)
    actions.qualify(lead_id=lead, by=seller, at=T0 + 3 * MINUTE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT answer, reason FROM custody_handoff_v1 WHERE lead_id = %s", [lead])
        assert cursor.fetchall() == [("qualified", "")]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (lambda lead, by: actions.won(lead_id=lead, value=1, by=by, at=T0 + 3), "qualified"),
        (lambda lead, by: actions.lost(lead_id=lead, reason="price", by=by, at=T0 + 3), "qualified"),
        (lambda lead, by: actions.recycle(lead_id=lead, reason="not_now", by=by, at=T0 + 3), "qualified"),
        (lambda lead, by: actions.open_opportunity(lead_id=lead, value=1, by=by, at=T0 + 3), "qualified"),
        (lambda lead, by: actions.disqualify(lead_id=lead, reason="no_fit", by=by, at=T0 + 3), "qualified"),
    ],
)
def test_every_answer_can_be_taken_back(offered: Offered, answer: Callable[[int, User], object], state: str) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    actions.qualify(lead_id=lead, by=seller, at=T0 + 2)
    answer(lead, seller)
    done = actions.correct(lead_id=lead, by=seller, at=T0 + MINUTE)
    assert (done.state, done.salesperson_id) == (state, seller.pk)
    assert verify().problems == []


def test_an_acceptance_is_taken_back_with_grace(offered: Offered) -> None:
    lead, seller = offered()
    accepted_at = T0 + 4 * HOUR - MINUTE
    actions.accept(lead_id=lead, by=seller, at=accepted_at)
    done = actions.correct(lead_id=lead, by=seller, at=accepted_at + 5 * MINUTE)
    assert (done.state, done.due) == ("offered", accepted_at + 5 * MINUTE + GRACE)
    held = custody.holding(lead)
    assert held is not None
    assert held.accepted_at is None


def test_two_steps_back_are_refused(offered: Offered) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    actions.qualify(lead_id=lead, by=seller, at=T0 + 1)
    actions.correct(lead_id=lead, by=seller, at=T0 + 2)
    with pytest.raises(Refused, match="no answer on this lead that could be corrected"):
        actions.correct(lead_id=lead, by=seller, at=T0 + 3)


def test_after_ten_minutes_it_stands(offered: Offered) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    with pytest.raises(Refused, match="for ten minutes; this one was given 25 minutes ago"):
        actions.correct(lead_id=lead, by=seller, at=T0 + 25 * MINUTE)
    assert actions.correct(lead_id=lead, by=seller, at=T0 + 10 * MINUTE).state == "offered"


def test_whoever_gave_it_takes_it_back(offered: Offered, cast: Cast) -> None:
    lead, seller = offered()
    actions.reject(lead_id=lead, reason="not_now", by=seller, at=T0)
    other = cast.dara if seller == cast.cleo else cast.cleo
    for by in (other, cast.ada):
        with pytest.raises(NotYours, match="Only whoever gave the answer"):
            actions.correct(lead_id=lead, by=by, at=T0 + 1)
    assert actions.correct(lead_id=lead, by=cast.bo, at=T0 + 1).salesperson_id == seller.pk


def test_what_somebody_acted_on_stands(offered: Offered, cast: Cast) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    actions.follow_up(lead_id=lead, outcome="attempt", by=seller, at=T0 + 1)
    with pytest.raises(Refused, match="no answer"):
        actions.correct(lead_id=lead, by=seller, at=T0 + 2)
    other, _ = offered()
    with pytest.raises(Refused, match="no answer"):
        actions.correct(lead_id=other, by=cast.bo, at=T0 + DAY)
