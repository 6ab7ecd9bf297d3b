"""Two records become one because a person says so, and part again as they were: trails, points, custody, the past."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from msgspec.structs import replace

from leadpact.agreement.queries import in_force
from leadpact.capture.actions import intake
from leadpact.capture.models import Duplicate
from leadpact.custody.actions import SYSTEM, Actor, NewEntry, record
from leadpact.custody.actions.proof import verify
from leadpact.custody.models import Entry, Holding
from leadpact.custody.queries import history
from leadpact.distribution import actions as sales
from leadpact.distribution.models import Offer
from leadpact.kit.failures import CannotDo
from leadpact.leads.models import Identifier, Lead, Merge, Person, Tie, Touch, Visitor
from leadpact.loop import clocks, merging
from leadpact.qualification import actions as qualification
from leadpact.qualification import queries
from leadpact.site import lead_queries, search
from leadpact.site.tests.conftest import BACKEND
from leadpact.team.models import User
from leadpact.tracking.models import Opportunity
from tests.cast import DAY, HOUR, T0, Cast, make_cast, sign, touch, traits

FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})
VERA, VE = "vera@ferro.example", "v.novak@ferro.example"


def lead_of(email: str) -> Lead:
    return Lead.objects.select_related("person", "holding").get(person__visitors__identifiers__value=email)


def person(email: str) -> Person:
    return Person.objects.get(email=email)


def came(email: str, *kinds: str, at: int = T0 + HOUR, **more: Any) -> Lead:
    """Somebody known by an address, with touches; returns their lead."""
    intake([touch(kind, at=at, email=email, **more) for kind in kinds], known_at=at)
    return Lead.objects.get(person=person(email))


def merge(by: User, *, at: int = T0 + DAY, one: str = VERA, other: str = VE) -> Merge:
    return merging.merge_people(first_id=person(one).pk, second_id=person(other).pk, by=by, at=at)


def scores(current: queries.Current) -> dict[str, int]:
    return {name: getattr(current, name) for name in ("fit", "engagement", "readiness")}


def moves(lead: Lead) -> list[str]:
    return list(Entry.objects.filter(lead=lead).order_by("seq").values_list("move", flat=True))


def state(lead: Lead) -> str:
    return Holding.objects.get(lead=lead).state


def picture() -> dict[str, Any]:
    """Everything that a merger may change, but for what only grows."""
    people = {
        p["id"]: p
        for p in Person.objects.values().order_by("id")
        if (p.pop("ties_version"), p.update(secret=bytes(p["secret"])))
    }
    return {
        "people": people,
        "visitors": list(Visitor.objects.order_by("id").values()),
        "identifiers": list(Identifier.objects.order_by("id").values()),
        "leads": list(Lead.objects.order_by("id").values()),
        "held": list(
            Holding.objects.order_by("lead_id").values_list(
                "lead_id", "holder", "state", "salesperson_id", "verdict", "due", "due_what", "not_before", "accepted_at",
                "attempts", "cause", "alternatives", "offers",
            )
        ),
        "offers": list(Offer.objects.order_by("id").values_list("lead_id", "salesperson_id", "outcome", "due")),
        "opportunities": list(Opportunity.objects.order_by("id").values()),
    }  # fmt: skip


@pytest.mark.django_db
def test_points_of_both_count_together_and_part_again_exactly(cast: Cast) -> None:
    mine = came(VERA, "seminar.attended", account=FIT)
    other = came(VE, "seminar.attended", at=T0 + 2 * HOUR, person=traits(**{"person.title": "Buyer"}))
    assert state(mine) == state(other) == "lead"
    before = picture()

    done = merge(cast.ada)
    assert (done.survivor_lead_id, done.loser_lead_id) == (mine.pk, other.pk), "the older record stays"
    assert state(other) == "merged"
    assert moves(other)[-1] == "merged_into"
    assert Entry.objects.filter(lead=other).latest("seq").reason == f"lead {mine.pk}"
    assert state(mine) == "offered", "two seminars of one person meet the agreement; one each did not"
    assert person(VERA).title == "Buyer"
    assert lead_of(VE).pk == mine.pk
    assert Touch.objects.filter(visitor__person=mine.person).count() == 2
    assert verify().problems == []

    merging.part(merge_id=done.pk, by=cast.ada, at=T0 + 2 * DAY)
    assert state(other) == "lead"
    assert moves(other)[-1] == "unmerged"
    after = picture()
    assert after["people"] == before["people"]
    assert after["visitors"] == before["visitors"]
    assert after["identifiers"] == before["identifiers"]
    assert after["leads"] == before["leads"]
    assert [row for row in after["held"] if row[0] == other.pk] == [row for row in before["held"] if row[0] == other.pk]
    assert lead_of(VE).pk == other.pk
    assert verify().problems == []
    assert Merge.objects.get().before == {}, "nothing personal stays behind"


@pytest.mark.django_db
@pytest.mark.parametrize("first", [VERA, VE])
def test_sales_custody_wins_and_what_went_comes_back_with_its_offer(cast: Cast, first: str) -> None:
    second = VE if first == VERA else VERA
    one = came(first, "demo.requested", account=FIT)
    two = came(second, "demo.requested", at=T0 + 2 * HOUR)
    holder = User.objects.get(pk=Holding.objects.get(lead=two).salesperson_id)
    sales.accept(lead_id=two.pk, by=holder, at=T0 + 3 * HOUR, note="Spoke of 40 lorries")
    before = picture()

    done = merge(cast.ada, at=T0 + 3 * HOUR + 1)
    assert (done.survivor_lead_id, done.loser_lead_id) == (two.pk, one.pk), "accepted is further than offered"
    assert Offer.objects.get(lead=one).outcome == "withdrawn"
    assert not Offer.objects.filter(lead=one, ended_at=None).exists()
    assert state(two) == "accepted"
    told = lead_queries.card(two.pk)
    assert told is not None
    line = lead_queries.timeline(told, blind=True, with_joined=True)
    assert any(moment.quote == "Spoke of 40 lorries" for moment in line)
    assert any(moment.note.endswith("the record that joined") for moment in line)

    merging.part(merge_id=done.pk, by=cast.ada, at=T0 + 3 * HOUR + 2)
    after = picture()
    assert after == before
    sales.accept(
        lead_id=one.pk, by=User.objects.get(pk=Holding.objects.get(lead=one).salesperson_id), at=T0 + 3 * HOUR + 3
    )
    assert verify().problems == []


@pytest.mark.django_db
def test_an_opportunity_that_went_is_open_again_afterwards(cast: Cast) -> None:
    leads = []
    for number, email in enumerate((VERA, VE)):
        lead = came(email, "demo.requested", at=T0 + HOUR, account=FIT)
        by = User.objects.get(pk=Holding.objects.get(lead=lead).salesperson_id)
        sales.accept(lead_id=lead.pk, by=by, at=T0 + 2 * HOUR)
        sales.qualify(lead_id=lead.pk, by=by, at=T0 + 3 * HOUR + number)
        sales.open_opportunity(lead_id=lead.pk, value=5_000_00, by=by, at=T0 + 4 * HOUR + number)
        leads.append(lead)
    before = picture()
    done = merge(cast.ada)
    assert done.loser_lead_id == leads[1].pk, "Sales has held the other longer"
    assert Opportunity.objects.get(lead=leads[1]).won is None
    assert Opportunity.objects.get(lead=leads[1]).closed_at is not None
    merging.part(merge_id=done.pk, by=cast.ada, at=T0 + DAY + HOUR)
    assert picture() == before


@pytest.mark.django_db
def test_a_clock_that_ran_out_meanwhile_gets_grace_and_a_salesperson_who_left_is_not_asked(cast: Cast) -> None:
    one = came(VERA, "demo.requested", account=FIT)
    by = User.objects.get(pk=Holding.objects.get(lead=one).salesperson_id)
    sales.accept(lead_id=one.pk, by=by, at=T0 + 2 * HOUR)
    two = came(VE, "demo.requested", at=T0 + 2 * HOUR)
    done = merge(cast.ada, at=T0 + 2 * HOUR + 1)
    assert done.loser_lead_id == two.pk
    merging.part(merge_id=done.pk, by=cast.ada, at=T0 + 9 * DAY)
    assert Holding.objects.get(lead=two).due == T0 + 9 * DAY + merging.GRACE
    again = merge(cast.ada, at=T0 + 9 * DAY + 1)
    gone = User.objects.get(pk=Holding.objects.get(lead=two).salesperson_id or by.pk)
    held_by = Entry.objects.filter(lead=two, state="offered").latest("seq").salesperson
    assert held_by is not None
    held_by.is_active = False
    held_by.save()
    merging.part(merge_id=again.pk, by=cast.ada, at=T0 + 9 * DAY + 2)
    now = Holding.objects.get(lead=two)
    assert "unmerged" in moves(two)
    assert now.salesperson_id != held_by.pk, gone
    assert verify().problems == []


@pytest.mark.django_db
def test_every_past_verdict_can_be_computed_again(cast: Cast) -> None:
    """As of before the merger, during it and after it was undone: statement and reference say what they said then."""
    away = "vera@home.example"
    mine = came(VERA, "seminar.attended", account=FIT, lead=traits(**{"lead.timeline_months": 24}))
    other = came(away, "seminar.attended", at=T0 + 2 * HOUR, lead=traits(**{"lead.timeline_months": 3}))
    version = in_force(T0)
    assert version is not None

    def told(at: int) -> dict[int, tuple[Any, ...]]:
        found = qualification.judge(lead_ids=[mine.pk, other.pk], as_of=at, version=version, history=True)
        return {j.lead_id: (j.verdict, j.fit, j.engagement, j.readiness, dict(j.parts)) for j in found}

    instants = [T0 + 3 * HOUR]
    seen = [told(instants[-1])]
    done = merge(cast.ada, other=away)
    instants.append(T0 + DAY + HOUR)
    seen.append(told(instants[-1]))
    now = qualification.judge(lead_ids=[mine.pk], as_of=instants[-1], version=version)[0]
    assert seen[-1][mine.pk] == (now.verdict, now.fit, now.engagement, now.readiness, dict(now.parts))
    assert seen[-1][mine.pk][3] == 25_000, "what the other record told of the timing counts"
    intake([touch("page.viewed", at=T0 + DAY + 2 * HOUR, email=away, path="/pricing")], known_at=T0 + DAY + 2 * HOUR)
    instants.append(T0 + DAY + 3 * HOUR)
    seen.append(told(instants[-1]))
    merging.part(merge_id=done.pk, by=cast.ada, at=T0 + 2 * DAY)
    instants.append(T0 + 2 * DAY + HOUR)
    seen.append(told(instants[-1]))
    assert seen[0][mine.pk] != seen[1][mine.pk]
    assert seen[2][mine.pk][2] > seen[1][mine.pk][2], "a touch by the other address counts while they are one"
    assert seen[3][other.pk][2] > seen[0][other.pk][2] - 1_000, "and went back with its trail"
    assert [told(at) for at in instants] == seen

    for lead in (mine, other):
        current = queries.current(lead.pk)
        assert current is not None
        _, judged, _ = queries.explained(current)
        assert (judged.verdict, judged.scores) == (current.verdict, scores(current)), lead


@pytest.mark.django_db
def test_the_reference_opens_the_verdict_of_both_records_while_they_are_one(cast: Cast) -> None:
    mine = came(VERA, "seminar.attended", account=FIT)
    other = came(VE, "paper.downloaded", "seminar.attended", at=T0 + 2 * HOUR)
    merge(cast.ada)
    for lead in (mine, other):
        current = queries.current(lead.pk)
        assert current is not None
        _, judged, _ = queries.explained(current)
        assert (judged.verdict, judged.scores) == (current.verdict, scores(current)), lead


@pytest.mark.django_db
def test_touches_by_the_other_address_are_the_survivors_and_go_back_with_their_trail(cast: Cast) -> None:
    mine = came(VERA, "paper.downloaded", account=FIT)
    other = came(VE, "paper.downloaded", at=T0 + 2 * HOUR)
    done = merge(cast.ada)
    at = T0 + DAY + HOUR
    assert intake([touch("page.viewed", at=at, email=VE, anonymous_id="tablet", path="/x")], known_at=at).created == 0
    assert intake([touch("page.viewed", at=at, email=VERA, path="/y")], known_at=at).created == 0
    assert Touch.objects.filter(visitor__person=mine.person).count() == 4
    merging.part(merge_id=done.pk, by=cast.ada, at=T0 + 2 * DAY)
    assert Touch.objects.filter(visitor__person=mine.person).count() == 2
    assert Touch.objects.filter(visitor__person=other.person).count() == 2
    assert Identifier.objects.get(value="tablet").visitor.person_id == other.person_id
    assert Lead.objects.count() == 2


@pytest.mark.django_db
def test_who_asked_one_record_for_peace_asked_both_until_they_part(cast: Cast) -> None:
    mine = came(VERA, "paper.downloaded", account=FIT)
    came(VE, "paper.downloaded", at=T0 + 2 * HOUR)
    at = T0 + 3 * HOUR
    intake([replace(touch("email.unsubscribed", at=at, email=VE), opted_out=True)], known_at=at)
    done = merge(cast.ada)
    assert done.survivor_id == mine.person_id
    assert person(VERA).opted_out
    assert state(mine) == "disqualified", "the example sends away who opted out"
    merging.part(merge_id=done.pk, by=cast.ada, at=T0 + 2 * DAY)
    assert (person(VERA).opted_out, person(VE).opted_out) == (False, True)


@pytest.mark.django_db
def test_a_record_without_an_address_gets_the_others_and_gives_it_back(cast: Cast) -> None:
    intake([touch("demo.requested", at=T0, user_id="u1", account=FIT)], known_at=T0)
    nameless = Person.objects.get(email=None)
    came(VE, "paper.downloaded", at=T0 + HOUR)
    other = person(VE)
    before = picture()
    done = merging.merge_people(first_id=nameless.pk, second_id=other.pk, by=cast.ada, at=T0 + DAY)
    assert done.survivor_id == nameless.pk, "Sales holds it"
    assert person(VE).pk == nameless.pk
    assert [found["lead_id"] for found in search.find("v.novak").people] == [done.survivor_lead_id]
    merging.part(merge_id=done.pk, by=cast.ada, at=T0 + 2 * DAY)
    assert picture()["people"] == before["people"]


@pytest.mark.django_db
def test_mergers_part_in_the_order_in_which_they_came_and_reach_through_each_other(cast: Cast) -> None:
    third = "vera@gmail.com"
    came(VERA, "seminar.attended", account=FIT)
    came(VE, "paper.downloaded", at=T0 + 2 * HOUR)
    came(third, "paper.downloaded", at=T0 + 3 * HOUR)
    before = picture()
    inner = merge(cast.ada, one=VE, other=third)
    outer = merge(cast.ada, at=T0 + DAY + HOUR)
    whole = person(VERA)
    assert Touch.objects.filter(visitor__person=whole).count() == 3
    card = lead_queries.card(outer.survivor_lead_id or 0)
    assert card is not None
    joined = [
        m
        for m in lead_queries.timeline(card, blind=False, with_joined=True)
        if m.note.endswith("the record that joined")
    ]
    assert len(joined) == sum(
        len(history(lead, blind=False)) for lead in (inner.loser_lead_id or 0, outer.loser_lead_id or 0)
    )
    with pytest.raises(CannotDo, match="later; part that one first"):
        merging.part(merge_id=inner.pk, by=cast.ada, at=T0 + 2 * DAY)
    with pytest.raises(CannotDo, match="joined with somebody already"):
        merge(cast.ada, at=T0 + 2 * DAY, one=third, other=VERA)
    merging.part(merge_id=outer.pk, by=cast.ada, at=T0 + 2 * DAY)
    merging.part(merge_id=inner.pk, by=cast.ada, at=T0 + 2 * DAY + 1)
    after = picture()
    assert {key: after[key] for key in ("people", "visitors", "leads")} == {
        key: before[key] for key in ("people", "visitors", "leads")
    }
    with pytest.raises(CannotDo, match="parted already"):
        merging.part(merge_id=inner.pk, by=cast.ada, at=T0 + 3 * DAY)
    assert verify().problems == []


@pytest.mark.django_db
def test_time_passes_over_a_merged_record_without_a_word(cast: Cast) -> None:
    came(VERA, "seminar.attended", account=FIT)
    other = came(VE, "seminar.attended", at=T0 + 2 * HOUR)
    merge(cast.ada)
    said = moves(other)
    clocks.let_time_pass(at=T0 + 2 * DAY)
    clocks.let_time_pass(at=T0 + 200 * DAY)
    clocks.fire_clocks(at=T0 + 200 * DAY)
    version = in_force(T0)
    assert version is not None
    clocks.rejudge_everybody(version=version, at=lambda: T0 + 201 * DAY)
    assert moves(other) == said
    assert verify().problems == []


@pytest.mark.django_db
def test_only_marketing_and_operations_say_so(cast: Cast) -> None:
    came(VERA, "paper.downloaded", account=FIT)
    came(VE, "paper.downloaded", at=T0 + 2 * HOUR)
    for who in (cast.bo, cast.cleo):
        with pytest.raises(CannotDo, match="Marketing or operations"):
            merge(who)
    assert not Merge.objects.exists()


@pytest.mark.django_db
def test_the_ledger_refuses_a_parting_that_goes_elsewhere(cast: Cast, as_owner: Any) -> None:
    came(VERA, "seminar.attended", account=FIT)
    other = came(VE, "seminar.attended", at=T0 + 2 * HOUR)
    done = merge(cast.ada)
    with pytest.raises(Exception, match="parted again"):
        record([NewEntry(other.pk, "unmerged", SYSTEM, to="lead")], at=T0 + 2 * DAY)
    record(
        [NewEntry(other.pk, "unmerged", Actor("marketing", cast.ada.pk), to="won", cause_seq=len(moves(other)))],
        at=T0 + 2 * DAY,
    )
    assert any("goes back to won, it was merged from lead" in problem for problem in verify().problems)
    with pytest.raises(Exception, match="only grows"), as_owner(), transaction.atomic():
        Tie.objects.filter(merge=done).delete()


# --- the pages --------------------------------------------------------------------------------------------------


def browser(user: User) -> Client:
    one = Client()
    one.force_login(user, backend=BACKEND)
    return one


@pytest.mark.django_db
def test_the_question_is_answered_on_the_page_and_taken_back_there(cast: Cast) -> None:
    mine = came(VERA, "seminar.attended", account=FIT)
    intake([touch("page.viewed", at=T0 + 2 * HOUR, user_id="crm-7", path="/x")], known_at=T0 + 2 * HOUR)
    intake([touch("page.viewed", at=T0 + 3 * HOUR, email=VERA, user_id="crm-7", path="/y")], known_at=T0 + 3 * HOUR)
    question = Duplicate.objects.get()
    page = browser(cast.ada)
    shown = page.get("/capture/duplicates/").content.decode()
    assert f"{VERA} stays, because it has an e-mail address." in shown

    told = page.post(f"/capture/duplicates/{question.pk}/", {"decision": "same"}, follow=True).content.decode()
    assert "joined" in told
    assert "one person, joined" in told
    done = Merge.objects.get()
    again = page.post(f"/capture/duplicates/{question.pk}/", {"decision": "same"}, follow=True).content.decode()
    assert "Somebody answered this question before you" in again
    survivor = page.get(f"/leads/{mine.pk}/").content.decode()
    assert "Joined records" in survivor
    assert "Part them again" in survivor
    gone = page.get(f"/leads/{done.loser_lead_id}/").content.decode()
    assert "It was merged into another lead" in gone
    assert f'href="/leads/{mine.pk}/"' in gone
    seller = browser(cast.cleo)
    assert "Part them again" not in seller.get(f"/leads/{mine.pk}/").content.decode()
    assert seller.post(f"/capture/mergers/{done.pk}/part/").status_code == 403
    assert page.get(f"/capture/mergers/{done.pk}/part/").status_code == 405

    told = page.post(f"/capture/mergers/{done.pk}/part/", follow=True).content.decode()
    assert "two records again" in told
    question.refresh_from_db()
    assert question.decision == "different"
    told = page.post(f"/capture/duplicates/{question.pk}/", {"decision": "same"}, follow=True).content.decode()
    assert Merge.objects.filter(undone_at=None).count() == 1, "two people after all one"


# --- races ------------------------------------------------------------------------------------------------------


def together(*works: Any) -> list[Any]:
    """Run things at once, each on its own connection; what each gave or raised."""
    start, out = threading.Barrier(len(works)), [None] * len(works)

    def run(number: int, work: Any) -> None:
        try:
            start.wait(10)
            out[number] = work()
        except Exception as failure:  # noqa: BLE001 -- looked at below
            out[number] = failure
        finally:
            connections.close_all()

    workers = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    return out


@pytest.fixture
def company(transactional_db: None) -> Iterator[Cast]:
    cast = make_cast()
    sign(cast)
    yield cast
    connection.close()


def test_two_who_decide_at_once_merge_once(company: Cast) -> None:
    came(VERA, "seminar.attended", account=FIT)
    came(VE, "seminar.attended", at=T0 + 2 * HOUR)
    first, second = sorted((person(VERA).pk, person(VE).pk))
    question = Duplicate.objects.create(first_id=first, second_id=second, why="one message named both", found_at=T0)
    done = together(*[lambda: merging.decide_same(question_id=question.pk, by=company.ada, at=T0 + DAY)] * 2)
    assert sorted(type(one).__name__ for one in done) == ["CannotDo", "Merge"]
    assert Merge.objects.count() == 1
    assert verify().problems == []


def test_touches_that_come_while_records_join_and_part_reach_one_of_them(company: Cast) -> None:
    """No batch that read a trail before it moved writes to whom it no longer belongs: nobody gets a second open lead."""
    came(VERA, "seminar.attended", account=FIT)
    came(VE, "seminar.attended", at=T0 + 2 * HOUR)

    def send(email: str, start: int) -> int:
        return sum(
            intake([touch("page.viewed", at=start + n, email=email, path="/pricing")], known_at=start + n).created
            for n in range(25)
        )

    def join_and_part() -> int:
        for number in range(6):
            done = merge(company.ada, at=T0 + DAY + number)
            time.sleep(0.1)  # nobody presses without a breath; without one a batch may lose its eight tries in a row
            merging.part(merge_id=done.pk, by=company.ada, at=T0 + DAY + number)
            time.sleep(0.1)
        return 6

    # Outer addresses stay with their people whichever way the race goes.
    out = together(lambda: send(VE, T0 + DAY), lambda: send(VERA, T0 + DAY), join_and_part)
    assert out == [0, 0, 6], out
    assert Lead.objects.count() == 2
    assert Touch.objects.filter(kind="page.viewed").count() == 50
    assert Touch.objects.filter(visitor__person=person(VE), kind="page.viewed").count() == 25
    assert verify().problems == []
