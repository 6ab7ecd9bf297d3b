"""Sales' answers, each with what it starts, what it needs, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from leadpact.custody import queries as custody
from leadpact.custody.actions.proof import verify
from leadpact.distribution import actions, queries
from leadpact.distribution.actions import LostRace, NotYours, Refused
from leadpact.distribution.rules.answers import DEFAULT_NEXT_STEP
from leadpact.leads.models import Lead
from leadpact.team.models import User
from tests.cast import DAY, HOUR, T0, Cast

from .conftest import Offered, new_lead, offer, recall

MINUTE = 60_000_000
SECOND = 1_000_000

pytestmark = pytest.mark.django_db


def place(lead: int) -> tuple[str, str]:
    held = custody.holding(lead)
    assert held is not None
    return held.holder, held.state


def outcome(lead: int) -> str:
    return queries.offers_of(lead)[-1].outcome


def test_accepting_starts_the_follow_up_clock_in_business_time(offered: Offered) -> None:
    lead, seller = offered()
    done = actions.accept(lead_id=lead, by=seller, at=T0 + MINUTE)
    assert (done.state, done.salesperson_id, done.cause_seq) == ("accepted", seller.pk, 3)
    assert (done.due_what, done.due) == ("first_follow_up_within", T0 + 31 * MINUTE)
    assert done.agreement
    assert outcome(lead) == "accepted"
    assert verify().holds


def test_the_sellers_own_hours_count(offered: Offered) -> None:
    lead, seller = offered()
    User.objects.filter(pk=seller.pk).update(hours={"mon-fri": "09:00-12:00"}, timezone="UTC")
    seller.refresh_from_db()
    done = actions.accept(lead_id=lead, by=seller, at=T0)
    # Thursday evening for them: half an hour of work is done on Friday at 09:30 UTC.
    assert done.due == T0 + 13 * HOUR + 3 * MINUTE + 20 * SECOND


def test_a_colleague_cannot_accept(offered: Offered, cast: Cast) -> None:
    lead, seller = offered()
    other = cast.dara if seller == cast.cleo else cast.cleo
    with pytest.raises(NotYours, match="offered to a colleague"):
        actions.accept(lead_id=lead, by=other, at=T0)
    with pytest.raises(NotYours):
        actions.accept(lead_id=lead, by=cast.ada, at=T0)
    done = actions.accept(lead_id=lead, by=cast.bo, at=T0)
    assert done.salesperson_id == seller.pk, "a manager accepts on their behalf"


def test_who_comes_second_is_told_so_and_no_more(offered: Offered, cast: Cast) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    other = cast.dara if seller == cast.cleo else cast.cleo
    with pytest.raises(LostRace) as lost:
        actions.accept(lead_id=lead, by=other, at=T0 + 3 * SECOND)
    assert str(lost.value) == "This lead was accepted by a colleague 3 seconds ago."
    with pytest.raises(Refused, match="You have accepted this lead already"):
        actions.accept(lead_id=lead, by=seller, at=T0 + 4 * SECOND)


def test_an_offer_that_ran_out_is_a_lost_race(offered: Offered) -> None:
    lead, seller = offered()
    (other,) = recall(lead, at=T0 + 5 * HOUR).values()
    assert other != seller.pk
    assert [o.outcome for o in queries.offers_of(lead)] == ["recalled", ""]
    with pytest.raises(LostRace, match="Your offer ran out 5 minutes ago; the lead went to a colleague"):
        actions.accept(lead_id=lead, by=seller, at=T0 + 5 * HOUR + 5 * MINUTE)


def test_three_offers_run_out_and_it_stands_in_the_catch_all_queue_for_everybody(offered: Offered, cast: Cast) -> None:
    lead, first = offered()
    second = recall(lead, at=T0 + 5 * HOUR)[lead]
    third = recall(lead, at=T0 + 7 * HOUR)[lead]
    assert {first.pk, second} == {cast.cleo.pk, cast.dara.pk}
    assert third == cast.eli.pk, "both let it go, and nothing new happened"
    assert queries.offer_rule(lead) == "catch_all"
    done = actions.accept(lead_id=lead, by=cast.dara, at=T0 + 8 * HOUR)
    assert done.salesperson_id == cast.dara.pk, "whoever takes leads may take from the queue"


def test_rejecting_goes_where_the_agreement_says(cast: Cast) -> None:
    rests, out, mended = new_lead(), new_lead(), new_lead()
    sellers = {lead: User.objects.get(pk=who) for lead, who in offer(rests, out, mended).items()}
    for lead, reason in ((rests, "not_now"), (out, "no_fit"), (mended, "wrong_data")):
        done = actions.reject(
            lead_id=lead, reason=reason, by=sellers[lead], at=T0 + MINUTE, note="Spoke to the front desk"
        )
        assert (done.move, done.reason, done.salesperson_id) == ("rejected", reason, sellers[lead].pk)
        assert outcome(lead) == "rejected"
    assert [place(lead) for lead in (rests, out, mended)] == [
        ("marketing", "resting"),
        ("closed", "disqualified"),
        ("marketing", "repair"),
    ]
    held = custody.holding(rests)
    assert held is not None
    assert (held.due_what, held.not_before) == ("rest_ends", T0 + MINUTE + 90 * DAY)
    assert not Lead.objects.get(pk=out).is_open
    assert verify().problems == []


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("bored", "'bored' is not a reason of the agreement; it knows not_now, no_budget"),
        ("", "A reason is needed"),
        ("unreachable", "can be said after 6 attempts to reach them; 0 are logged, so 6 attempts are missing"),
    ],
)
def test_reasons_that_the_agreement_does_not_take(offered: Offered, reason: str, sentence: str) -> None:
    lead, seller = offered()
    with pytest.raises(Refused, match=sentence):
        actions.reject(lead_id=lead, reason=reason, by=seller, at=T0)
    assert place(lead) == ("sales", "offered")


def test_unreachable_needs_its_attempts(offered: Offered) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    for number in range(1, 6):
        done = actions.follow_up(lead_id=lead, outcome="attempt", by=seller, at=T0 + number * MINUTE)
        assert done.due_what == "attempts"
    with pytest.raises(Refused, match="5 are logged, so 1 attempt is missing"):
        actions.reject(lead_id=lead, reason="unreachable", by=seller, at=T0 + HOUR)
    last = actions.follow_up(lead_id=lead, outcome="attempt", by=seller, at=T0 + HOUR)
    assert last.due_what == "next_step"
    actions.reject(lead_id=lead, reason="unreachable", by=seller, at=T0 + 2 * HOUR)
    assert place(lead) == ("marketing", "resting")


def test_the_clock_of_attempts_runs_from_acceptance(offered: Offered) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    first = actions.follow_up(lead_id=lead, outcome="attempt", by=seller, at=T0 + MINUTE)
    second = actions.follow_up(lead_id=lead, outcome="attempt", by=seller, at=T0 + DAY)
    assert first.due == second.due, "another call does not buy more time"
    reached = actions.follow_up(lead_id=lead, outcome="conversation", by=seller, at=T0 + 2 * DAY)
    assert (reached.due_what, reached.due) == ("next_step", T0 + 2 * DAY + DEFAULT_NEXT_STEP)
    held = custody.holding(lead)
    assert held is not None
    assert (held.attempts, held.followed_up_at) == (3, T0 + MINUTE)
    with pytest.raises(Refused, match="attempt or a conversation"):
        actions.follow_up(lead_id=lead, outcome="dreamt", by=seller, at=T0)


def test_from_a_conversation_to_a_sale(offered: Offered) -> None:
    lead, seller = offered()
    every: list[Any] = [
        actions.accept(lead_id=lead, by=seller, at=T0),
        actions.follow_up(lead_id=lead, outcome="conversation", by=seller, at=T0 + MINUTE, next_step_at=T0 + 3 * DAY),
        actions.qualify(lead_id=lead, by=seller, at=T0 + HOUR),
        actions.open_opportunity(lead_id=lead, value=1_200_000, by=seller, at=T0 + DAY, next_step_at=T0 + 9 * DAY),
        actions.follow_up(lead_id=lead, outcome="conversation", by=seller, at=T0 + 2 * DAY),
        actions.won(lead_id=lead, value=1_100_000, by=seller, at=T0 + 60 * DAY),
    ]
    assert [done.state for done in every] == ["accepted", "accepted", "qualified", "opportunity", "opportunity", "won"]
    assert every[1].due == T0 + 3 * DAY
    assert every[4].due == T0 + 9 * DAY, "a call keeps the next step that was set"
    assert (every[3].value, every[5].value) == (1_200_000, 1_100_000)
    assert every[5].due is None
    with pytest.raises(Refused, match="This lead was won"):
        actions.qualify(lead_id=lead, by=seller, at=T0 + 61 * DAY)
    assert verify().problems == []


@pytest.mark.parametrize(
    ("reason", "state", "move"),
    [
        ("no_budget", "resting", "recycled"),
        ("no_fit", "disqualified", "disqualified"),
        ("wrong_data", "repair", "returned"),
    ],
)
def test_recycling_a_qualified_lead(offered: Offered, reason: str, state: str, move: str) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    actions.qualify(lead_id=lead, by=seller, at=T0 + 1)
    done = actions.recycle(lead_id=lead, reason=reason, by=seller, at=T0 + DAY)
    assert (done.move, place(lead)[1]) == (move, state)


def test_recycling_an_accepted_lead_for_its_data_is_a_rejection(offered: Offered) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    assert actions.recycle(lead_id=lead, reason="wrong_data", by=seller, at=T0 + 1).move == "rejected"
    assert place(lead) == ("marketing", "repair")


def test_a_rest_can_be_set_by_hand(offered: Offered) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    with pytest.raises(Refused, match="lies in the past"):
        actions.recycle(lead_id=lead, reason="not_now", by=seller, at=T0 + 1, not_before=T0)
    done = actions.recycle(lead_id=lead, reason="not_now", by=seller, at=T0 + 1, not_before=T0 + 200 * DAY)
    assert (done.due, done.not_before) == (T0 + 200 * DAY, T0 + 200 * DAY)


def test_lost_and_disqualified(cast: Cast) -> None:
    first, second, third = new_lead(), new_lead(), new_lead()
    sellers = {lead: User.objects.get(pk=who) for lead, who in offer(first, second).items()}
    for lead in (first, second):
        actions.accept(lead_id=lead, by=sellers[lead], at=T0)
    with pytest.raises(Refused, match="not for 'rain'"):
        actions.lost(lead_id=first, reason="rain", by=sellers[first], at=T0)
    actions.lost(lead_id=first, reason="competitor", by=sellers[first], at=T0 + 1)
    with pytest.raises(Refused, match="not as 'rain'"):
        actions.disqualify(lead_id=second, reason="rain", by=sellers[second], at=T0)
    actions.disqualify(lead_id=second, reason="no_fit", by=sellers[second], at=T0 + 1)
    assert (place(first), place(second)) == (("closed", "lost"), ("closed", "disqualified"))
    with pytest.raises(NotYours, match="Marketing's hands"):
        actions.disqualify(lead_id=third, reason="other", by=cast.cleo, at=T0)
    actions.disqualify(lead_id=third, reason="not_a_person", by=cast.ada, at=T0 + 1)
    assert place(third) == ("closed", "disqualified")


def test_answers_for_a_colleagues_lead_are_refused(offered: Offered, cast: Cast) -> None:
    lead, seller = offered()
    actions.accept(lead_id=lead, by=seller, at=T0)
    other = cast.dara if seller == cast.cleo else cast.cleo
    for attempt in (
        lambda by: actions.reject(lead_id=lead, reason="not_now", by=by, at=T0),
        lambda by: actions.follow_up(lead_id=lead, outcome="attempt", by=by, at=T0),
        lambda by: actions.qualify(lead_id=lead, by=by, at=T0),
        lambda by: actions.won(lead_id=lead, value=1, by=by, at=T0),
        lambda by: actions.recycle(lead_id=lead, reason="not_now", by=by, at=T0),
    ):
        for by in (other, cast.ada):
            with pytest.raises(NotYours):
                attempt(by)
    operations = User.objects.create_user("fay@northwind.example", role="operations")
    done = actions.qualify(lead_id=lead, by=operations, at=T0 + 1)
    assert (done.actor.kind, done.salesperson_id) == ("operations", seller.pk)


def test_sentences_for_what_cannot_be(offered: Offered, cast: Cast) -> None:
    lead, seller = offered()
    with pytest.raises(Refused, match="There is no lead 987654"):
        actions.accept(lead_id=987_654, by=seller, at=T0)
    with pytest.raises(Refused, match="This lead is offered to Sales; it can be qualified only while it is accepted"):
        actions.qualify(lead_id=lead, by=seller, at=T0)
    with pytest.raises(Refused, match="keep it below 4,000"):
        actions.accept(lead_id=lead, by=seller, at=T0, note="x" * 4_001)
    actions.accept(lead_id=lead, by=seller, at=T0)
    with pytest.raises(Refused, match="nought or more"):
        actions.won(lead_id=lead, value=-1, by=seller, at=T0)
    nurtured = new_lead()
    with pytest.raises(Refused, match="is nurtured by Marketing"):
        actions.accept(lead_id=nurtured, by=cast.cleo, at=T0)


def test_without_an_agreement_there_are_no_reasons(db: None) -> None:
    from tests.cast import make_cast

    people = make_cast()
    lead = new_lead()
    (who,) = offer(lead).values()
    seller = User.objects.get(pk=who)
    assert seller in {people.cleo, people.dara}
    with pytest.raises(Refused, match="No agreement is in force"):
        actions.reject(lead_id=lead, reason="not_now", by=seller, at=T0)
    assert actions.accept(lead_id=lead, by=seller, at=T0).due == T0 + DAY


def test_a_key_without_a_user_acts_as_operations(offered: Offered) -> None:
    """A CRM's word comes in by a key that belongs to nobody: the ledger says operations, and no user."""
    lead, seller = offered()
    nobody = User(role="operations")
    accepted = actions.accept(lead_id=lead, by=nobody, at=T0)
    assert (accepted.actor.kind, accepted.actor.user_id, accepted.salesperson_id) == ("operations", None, seller.pk)
    actions.reject(lead_id=lead, reason="not_now", by=nobody, at=T0 + 1)
    assert actions.correct(lead_id=lead, by=nobody, at=T0 + 2).state == "accepted"
