"""Offers on the database: choosing in sets, shares, why, passing leads on, and leaving."""

from __future__ import annotations

from collections import Counter

import pytest

from leadpact.custody import queries as custody
from leadpact.custody.actions import SYSTEM, NewEntry, record, without_follower
from leadpact.custody.actions.proof import verify
from leadpact.custody.tests.statements import Statements
from leadpact.distribution import actions, queries
from leadpact.distribution.actions import NotYours, Refused
from leadpact.distribution.models import Offer, Share
from leadpact.leads.models import Account, Lead, Touch, Visitor
from leadpact.team.models import Absence, User
from tests.cast import DAY, HOUR, T0, Cast

from .conftest import new_lead, offer, recall

pytestmark = pytest.mark.django_db


def test_an_offer_keeps_its_why(cast: Cast) -> None:
    account = Account.objects.create(name="Ferro Works", domain="ferro.example", owner=cast.dara, created_at=T0)
    owned, shared = new_lead(account=account), new_lead()
    got = offer(owned, shared)
    assert got == {owned: cast.dara.pk, shared: cast.cleo.pk}, "the account's lead counts in the share"
    (first,) = queries.offers_of(owned)
    assert first.why == {
        "rule": "account_owner",
        "says": "You own the account Ferro Works.",
        "considered": [cast.cleo.pk, cast.dara.pk],
        "passed_over": [],
    }
    assert queries.offers_of(shared)[0].why["rule"] == "fair_share"
    assert queries.offer_counts() == {cast.cleo.pk: 1, cast.dara.pk: 1}
    assert queries.offers_waiting(cast.ada.pk) == 0


def test_nothing_stored_tells_the_cause(cast: Cast) -> None:
    lead = new_lead()
    offer(lead)
    stored = str(Offer.objects.get(lead_id=lead).why)
    assert not any(word in stored for word in ("definition", "audit", "sales_ready", "score", "check"))


def test_shares_are_fair_over_many_and_absence_is_not_caught_up_with(cast: Cast) -> None:
    User.objects.filter(pk__in=[cast.cleo.pk, cast.dara.pk]).update(cap=1_000)
    User.objects.filter(pk=cast.cleo.pk).update(weight=2)
    offer(*[new_lead() for _ in range(30)])
    assert Counter(Offer.objects.values_list("salesperson", flat=True)) == {cast.cleo.pk: 20, cast.dara.pk: 10}
    Absence.objects.create(user=cast.dara, starts_at=T0, ends_at=T0 + DAY)
    away = offer(*[new_lead() for _ in range(20)])
    assert set(away.values()) == {cast.cleo.pk}
    assert "is away" in str(queries.offers_of(next(iter(away)))[0].why["passed_over"])
    back = offer(*[new_lead() for _ in range(30)], at=T0 + DAY)
    got = Counter(back.values())
    assert 19 <= got[cast.cleo.pk] <= 21, "at most one lead more than her share, not twenty"
    assert Share.objects.count() == 2


def test_caps_hold_and_the_queue_takes_the_rest(cast: Cast) -> None:
    User.objects.filter(takes_leads=True).update(cap=2)
    got = offer(*[new_lead() for _ in range(6)])
    assert Counter(got.values()) == {cast.cleo.pk: 2, cast.dara.pk: 2, cast.eli.pk: 2}


def test_a_lead_does_not_return_to_who_refused_it_without_a_new_touch(cast: Cast) -> None:
    lead = new_lead()
    seller = User.objects.get(pk=offer(lead)[lead])
    other = cast.dara if seller == cast.cleo else cast.cleo
    actions.reject(lead_id=lead, reason="not_now", by=seller, at=T0 + HOUR)
    _wake(lead, at=T0 + 100 * DAY)
    # Never served since, so the fair share would be theirs; but they said no, and nothing new has happened.
    Share.objects.filter(user=other).update(served=10**9)
    assert actions.choose_salespeople(lead_ids=[lead], at=T0 + 100 * DAY)[lead].salesperson_id == other.pk
    visitor = Visitor.objects.create(
        person=Lead.objects.get(pk=lead).person, tied_at=T0, tied_known_at=T0, created_at=T0
    )
    _touch(visitor, "email.sent", T0 + 99 * DAY)
    assert actions.choose_salespeople(lead_ids=[lead], at=T0 + 100 * DAY)[lead].salesperson_id == other.pk, (
        "our own mail is no news"
    )
    _touch(visitor, "demo.requested", T0 + 99 * DAY)
    assert actions.choose_salespeople(lead_ids=[lead], at=T0 + 100 * DAY)[lead].salesperson_id == seller.pk


def test_choosing_and_offering_take_the_same_number_of_statements_for_any_number_of_leads(cast: Cast) -> None:
    counts = {}
    for number in (3, 60):
        leads = [new_lead() for _ in range(number)]
        with without_follower(), Statements() as statements:
            choices = actions.choose_salespeople(lead_ids=leads, at=T0)
            recorded = record(
                [NewEntry(lead, "handed_over", SYSTEM, salesperson_id=choices[lead].salesperson_id, due=T0 + HOUR,
                          due_what="accept_within") for lead in leads],
                at=T0,
            )  # fmt: skip
            actions.open_offers(recorded=recorded, choices=choices)
        counts[number] = len(statements.sent)
    assert counts[3] == counts[60] == 7  # choose: the market, leads, people; record: two; offers: open, shares


def test_the_same_state_gives_the_same_choices(cast: Cast) -> None:
    leads = [new_lead() for _ in range(10)]
    first = actions.choose_salespeople(lead_ids=leads, at=T0)
    assert dict(first) == dict(actions.choose_salespeople(lead_ids=list(reversed(leads)), at=T0))
    assert first != actions.choose_salespeople(lead_ids=leads, at=T0, seed="another")


def test_a_manager_passes_a_lead_on(cast: Cast) -> None:
    lead = new_lead()
    seller = User.objects.get(pk=offer(lead)[lead])
    other = cast.dara if seller == cast.cleo else cast.cleo
    with pytest.raises(NotYours, match="A manager of Sales or operations"):
        actions.reassign(lead_id=lead, to=other, by=seller, at=T0 + 1)
    with pytest.raises(Refused, match="do not take leads"):
        actions.reassign(lead_id=lead, to=cast.ada, by=cast.bo, at=T0 + 1)
    with pytest.raises(Refused, match="in their hands already"):
        actions.reassign(lead_id=lead, to=seller, by=cast.bo, at=T0 + 1)
    done = actions.reassign(lead_id=lead, to=other, by=cast.bo, at=T0 + HOUR)
    assert (done.state, done.salesperson_id, done.previous_salesperson_id) == ("offered", other.pk, seller.pk)
    # 16:26:40 in Chicago: an hour and a half are left today, the rest of four hours runs from 08:00 tomorrow.
    assert done.due == T0 + 19 * HOUR
    assert [o.outcome for o in queries.offers_of(lead)] == ["reassigned", ""]
    assert queries.offers_of(lead)[-1].why["rule"] == "by_hand"
    accepted = actions.accept(lead_id=lead, by=other, at=T0 + 2 * HOUR)
    again = actions.reassign(lead_id=lead, to=seller, by=cast.bo, at=T0 + 2 * HOUR + 1)
    assert (again.state, again.due) == ("accepted", accepted.due), "work in progress keeps its clock"
    with pytest.raises(Refused, match="This lead is nurtured by Marketing"):
        actions.reassign(lead_id=new_lead(), to=seller, by=cast.bo, at=T0)


def test_whoever_leaves_hands_everything_over_in_one_action(cast: Cast) -> None:
    leads = [new_lead() for _ in range(8)]
    got = offer(*leads)
    mine = sorted(lead for lead, who in got.items() if who == cast.cleo.pk)
    assert len(mine) == 4
    worked = actions.accept(lead_id=mine[0], by=cast.cleo, at=T0 + 1)
    won = mine[1]
    actions.accept(lead_id=won, by=cast.cleo, at=T0 + 1)
    actions.won(lead_id=won, value=1, by=cast.cleo, at=T0 + 2)
    with pytest.raises(NotYours):
        actions.hand_over_everything(user=cast.cleo, by=cast.dara, at=T0 + 3)
    moved = actions.hand_over_everything(user=cast.cleo, by=cast.bo, at=T0 + HOUR)
    assert sorted(entry.lead_id for entry in moved) == sorted(set(mine) - {won})
    assert {entry.salesperson_id for entry in moved} == {cast.dara.pk}
    assert {entry.move for entry in moved} == {"reassigned"}
    assert queries.leads_of(cast.cleo.pk) == []
    held = custody.holding(mine[0])
    assert held is not None
    assert (held.state, held.due) == ("accepted", worked.due)
    assert queries.offer_counts() == {cast.dara.pk: 6}
    assert actions.hand_over_everything(user=cast.cleo, by=cast.cleo, at=T0 + HOUR) == []
    assert verify().problems == []


def test_leaving_is_all_or_nothing(cast: Cast) -> None:
    leads = [new_lead() for _ in range(4)]
    offer(*leads)
    User.objects.filter(pk=cast.dara.pk).update(takes_leads=False)
    User.objects.filter(pk=cast.eli.pk).update(is_catch_all=False)
    before = queries.leads_of(cast.cleo.pk)
    with pytest.raises(Refused, match=r"Nobody can take 2 of 2 leads"):
        actions.hand_over_everything(user=cast.cleo, by=cast.bo, at=T0 + 1)
    assert queries.leads_of(cast.cleo.pk) == before


def test_a_hand_over_by_hand_looks_like_any_other(cast: Cast) -> None:
    by_hand, by_definition = new_lead(), new_lead()
    offer(by_definition)
    with pytest.raises(Refused, match="one of asked_for_a_call"):
        actions.hand_over(lead_id=by_hand, reason="why not", by=cast.ada, at=T0)
    with pytest.raises(NotYours, match="Marketing or operations"):
        actions.hand_over(lead_id=by_hand, reason="known_need", by=cast.cleo, at=T0)
    done = actions.hand_over(lead_id=by_hand, reason="known_need", by=cast.ada, at=T0, note="Met at the fair")
    assert (done.state, done.cause, done.due_what) == ("offered", "by_hand", "accept_within")
    seen = [custody.history(lead, blind=True)[-1] for lead in (by_hand, by_definition)]
    assert {(line.actor, line.user_name, line.reason, line.note, line.cause) for line in seen} == {("", "", "", "", "")}
    with pytest.raises(Refused, match="routed like any other"):
        actions.hand_over(lead_id=by_hand, reason="other", by=cast.ada, at=T0, to=cast.dara)
    rules = {queries.offers_of(lead)[0].why["rule"] for lead in (by_hand, by_definition)}
    assert rules == {"fair_share"}
    with pytest.raises(Refused, match="This lead is offered to Sales"):
        actions.hand_over(lead_id=by_hand, reason="other", by=cast.ada, at=T0)


def test_an_offer_of_a_lead_that_was_merged_away_is_withdrawn(cast: Cast) -> None:
    lead = new_lead()
    offer(lead)
    with without_follower():
        recorded = record([NewEntry(lead, "merged_into", SYSTEM)], at=T0 + 1)
    actions.end_offers(recorded=recorded)
    actions.end_offers(recorded=recorded)
    assert [o.outcome for o in queries.offers_of(lead)] == ["withdrawn"]


def test_a_recall_counts_offers_and_passes_over_whoever_let_it_run_out(cast: Cast) -> None:
    lead = new_lead()
    first = offer(lead)[lead]
    second = recall(lead, at=T0 + HOUR)[lead]
    third = recall(lead, at=T0 + 2 * HOUR)[lead]
    fourth = recall(lead, at=T0 + 3 * HOUR)[lead]
    assert len({first, second}) == 2
    assert third == fourth == cast.eli.pk
    assert [o.outcome for o in queries.offers_of(lead)] == ["recalled", "recalled", "recalled", ""]


def test_at_night_a_lead_goes_to_whoever_works_then(cast: Cast) -> None:
    """04:00 in Chicago is 18:00 in Tokyo: Dara's own hours are there."""
    night = T0 + 12 * HOUR + 34 * 60_000_000
    User.objects.filter(pk=cast.dara.pk).update(hours={"mon-fri": "09:00-19:00"}, timezone="Asia/Tokyo")
    Share.objects.create(user=cast.cleo, served=0)
    Share.objects.create(user=cast.dara, served=10**9)
    made = actions.choose_salespeople(lead_ids=[new_lead()], at=night)
    (choice,) = made.values()
    assert choice.salesperson_id == cast.dara.pk
    assert choice.says == "You are the only one free for it and at work now."
    assert choice.why["passed_over"] == [[cast.cleo.pk, "is free but not at work now"]]
    (by_day,) = actions.choose_salespeople(lead_ids=[new_lead()], at=T0).values()
    assert by_day.salesperson_id == cast.cleo.pk


def test_two_salespeople_without_a_queue_take_turns(cast: Cast) -> None:
    User.objects.filter(pk=cast.eli.pk).update(is_catch_all=False)
    lead = new_lead()
    got = [offer(lead)[lead], *(recall(lead, at=T0 + n * HOUR)[lead] for n in range(1, 6))]
    assert got == got[:2] * 3, "to whom it left longest ago, not to the same person again and again"
    assert set(got) == {cast.cleo.pk, cast.dara.pk}


def _wake(lead: int, *, at: int) -> None:
    with without_follower():
        record([NewEntry(lead, "woken", SYSTEM, due=at + DAY, due_what="touch_every")], at=at)


def _touch(visitor: Visitor, kind: str, at: int) -> None:
    Touch.objects.create(visitor=visitor, kind=kind, at=at, known_at=at)
