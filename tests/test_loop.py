"""What time does: offers that run out, rests that end, verdicts that fade at full hours, imports, a new version."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client

from leadpact.agreement.queries import in_force
from leadpact.capture.actions import intake
from leadpact.custody.actions.proof import verify
from leadpact.custody.models import Entry, Holding, Lapse
from leadpact.distribution import actions as sales
from leadpact.distribution.models import Offer
from leadpact.kit import clock
from leadpact.leads.models import Lead, Touch
from leadpact.loop import clocks, jobs
from leadpact.nurturing import actions as marketing
from leadpact.qualification.models import Judgement
from leadpact.site.tests.conftest import BACKEND
from leadpact.team.models import User
from tests.cast import DAY, EXAMPLE, HOUR, T0, Cast, make_cast, sign, touch, traits

FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})
SOON = traits(**{"lead.timeline_months": 3})
VERA = "vera@ferro.example"


def demo(email: str = VERA, *, at: int = T0 + HOUR) -> Lead:
    """Somebody asks for a demo, and is offered to Sales."""
    intake([touch("demo.requested", at=at, email=email, account=FIT)], known_at=at)
    return Lead.objects.get(person__email=email)


def told(lead: Lead) -> list[tuple[str, str]]:
    """The lead's moves, each with its verdict or reason."""
    return [(one.move, one.verdict or one.reason) for one in Entry.objects.filter(lead=lead).order_by("seq")]


def held(lead: Lead) -> Holding:
    return Holding.objects.select_related("salesperson").get(lead=lead)


def holder(lead: Lead) -> User:
    who = held(lead).salesperson
    assert who is not None
    return who


def due(lead: Lead) -> int:
    at = held(lead).due
    assert at is not None
    return at


# --- offers -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_offer_goes_round_twice_and_then_to_the_catch_all_queue(cast: Cast) -> None:
    fay = User.objects.create_user(
        "fay@northwind.example", name="Fay", role="salesperson", department="sales", takes_leads=True
    )
    lead = demo()
    seen = [holder(lead)]
    for _ in range(3):
        runs_out = due(lead)
        assert clocks.fire_clocks(at=runs_out - 1).lapsed == 0
        assert clocks.fire_clocks(at=runs_out).recalled == 1
        assert clocks.fire_clocks(at=runs_out).lapsed == 0, "once"
        assert due(lead) > runs_out
        seen.append(holder(lead))

    assert set(seen[:3]) == {cast.cleo, cast.dara, fay}, "to nobody twice"
    assert seen[3] == cast.eli
    assert [move for move, _ in told(lead)] == ["captured", "judged", "handed_over", "recalled", "recalled", "recalled"]
    assert list(Lapse.objects.filter(lead=lead).values_list("what", "side")) == [("accept_within", "sales")] * 3
    assert list(Offer.objects.filter(lead=lead).order_by("pk").values_list("outcome", flat=True)) == [
        *["recalled"] * 3,
        "",
    ]
    assert "catch-all" in Offer.objects.filter(lead=lead).latest("pk").why["says"]


@pytest.mark.django_db
def test_after_downtime_each_clock_fires_once_late_and_says_so(cast: Cast) -> None:
    lead = demo()
    runs_out = due(lead)
    back = runs_out + 3 * DAY
    assert clocks.fire_clocks(at=back).recalled == 1

    entry = Entry.objects.filter(lead=lead).latest("seq")
    assert (entry.move, entry.at) == ("recalled", back), "the ledger tells the true instant"
    lapse = Lapse.objects.get(lead=lead)
    assert (lapse.due, lapse.noticed_at) == (runs_out, back)
    assert due(lead) > back, "whoever gets it now has the whole promised time"


@pytest.mark.django_db(transaction=True)
def test_two_workers_recall_each_offer_once() -> None:
    sign(make_cast())
    leads = [demo(f"p{number}@c{number}.example") for number in range(12)]
    at = max(due(lead) for lead in leads)
    start, counts, failures = threading.Barrier(2), [], []

    def work() -> None:
        try:
            start.wait(10)
            counts.append(clocks.fire_clocks(at=at).recalled)
        except Exception as failure:  # noqa: BLE001 -- shown by the assertion below
            failures.append(failure)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert failures == []
    assert sum(counts) == len(leads)
    for lead in leads:
        assert [move for move, _ in told(lead)].count("recalled") == 1
    assert Offer.objects.filter(ended_at__isnull=True).count() == len(leads)
    assert verify().problems == []


# --- rests --------------------------------------------------------------------------------------------------------


def refuse(lead: Lead, reason: str, *, at: int) -> User:
    """Whoever has the lead accepts it and finds it unqualified."""
    by = holder(lead)
    sales.accept(lead_id=lead.pk, by=by, at=at)
    sales.reject(lead_id=lead.pk, reason=reason, by=by, at=at + HOUR)
    return by


@pytest.mark.django_db
def test_the_same_evidence_does_not_wake_and_other_evidence_does(cast: Cast) -> None:
    lead = demo()
    refuser = refuse(lead, "not_now", at=T0 + 2 * HOUR)
    assert (held(lead).state, held(lead).due_what) == ("resting", "rest_ends")

    demo(at=T0 + 2 * DAY)
    assert held(lead).state == "resting", "they asked for a demo before: Sales knew that when it said no"

    at = T0 + 3 * DAY
    intake([touch("paper.downloaded", at=at, email=VERA, lead=SOON)], known_at=at)
    assert [move for move, _ in told(lead)][-2:] == ["woken", "handed_over"]
    assert held(lead).state == "offered"
    assert Judgement.objects.get(lead=lead).alternatives & 0b010, "the fit and the timing, which were not there before"
    assert refuser in {cast.cleo, cast.dara}


@pytest.mark.django_db
def test_when_a_rest_ends_the_lead_is_judged_afresh(cast: Cast) -> None:
    lead = demo()
    refuse(lead, "not_now", at=T0 + 2 * HOUR)
    ends = due(lead)
    assert ends == T0 + 3 * HOUR + 90 * DAY
    clocks.let_time_pass(at=T0 + 2 * HOUR)
    clocks.let_time_pass(at=ends - HOUR)
    assert told(lead)[-1] == ("judged", "prospect"), "the demo request faded while it rested, and moved nothing"
    assert held(lead).state == "resting"

    assert clocks.fire_clocks(at=ends - 1).woken == 0
    assert clocks.fire_clocks(at=ends).woken == 1
    assert told(lead)[-1][0] == "woken"
    assert (held(lead).state, held(lead).due_what) == ("lead", "touch_every")
    assert not Lapse.objects.filter(lead=lead, what="rest_ends").exists(), "a date is no promise"


@pytest.mark.django_db
def test_after_a_rest_what_still_holds_is_offered_to_somebody_else(cast: Cast) -> None:
    at = T0 + HOUR
    intake([touch("paper.downloaded", at=at, email=VERA, account=FIT, lead=SOON)], known_at=at)
    lead = Lead.objects.get()
    refuser = refuse(lead, "not_now", at=at + HOUR)
    assert clocks.fire_clocks(at=due(lead)).handed_over == 1
    assert [move for move, _ in told(lead)][-2:] == ["woken", "handed_over"]
    assert holder(lead) not in {refuser, cast.eli}, "nothing new happened: not to whoever refused it for that reason"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reason", "state", "last"),
    [
        ("no_interest", "resting", "recycled"),
        ("no_fit", "disqualified", "disqualified"),
        ("wrong_data", "repair", "returned"),
    ],
)
def test_the_reason_decides_where_a_rejected_lead_goes(cast: Cast, reason: str, state: str, last: str) -> None:
    lead = demo()
    refuse(lead, reason, at=T0 + 2 * HOUR)
    assert (held(lead).state, told(lead)[-1]) == (state, (last, reason))
    if state == "repair":
        marketing.mend(lead_id=lead.pk, by=cast.ada, at=T0 + DAY)
        assert [move for move, _ in told(lead)][-2:] == ["repaired", "handed_over"] or held(lead).state == "lead"


# --- ticks --------------------------------------------------------------------------------------------------------


def seminar(*, at: int) -> Lead:
    """Vera came to a seminar at `at`, of which we learn at T0; time is let pass from then on."""
    intake([touch("seminar.attended", at=at, email=VERA)], known_at=T0)
    clocks.let_time_pass(at=T0 + 1)
    return Lead.objects.get()


# 20 points fade over 180 days, by whole days: 15 are left on the 45th, fewer on the 46th.
NEARLY_FADED = T0 - 45 * DAY
FADED = (T0 + DAY) // HOUR * HOUR + HOUR


@pytest.mark.django_db
def test_a_fading_seminar_makes_a_prospect_of_a_lead_at_the_full_hour(cast: Cast) -> None:
    lead = seminar(at=NEARLY_FADED)
    assert told(lead) == [("captured", ""), ("judged", "lead")]
    tick = FADED
    clocks.let_time_pass(at=tick - HOUR)
    assert held(lead).state == "lead"
    clocks.let_time_pass(at=tick)
    entry = Entry.objects.filter(lead=lead).latest("seq")
    assert (entry.move, entry.verdict, entry.at, held(lead).state) == ("judged", "prospect", tick, "prospect")
    assert Judgement.objects.get(lead=lead).as_of == tick


@pytest.mark.django_db
def test_the_price_page_leaves_its_window_at_the_full_hour(cast: Cast) -> None:
    for day in range(3):
        intake([touch("page.viewed", at=T0 + day * DAY, email=VERA, path="/pricing")], known_at=T0 + day * DAY)
    clocks.let_time_pass(at=T0 + 2 * DAY + 1)
    lead = Lead.objects.get()
    assert held(lead).state == "lead"
    tick = (T0 + 14 * DAY) // HOUR * HOUR + HOUR
    clocks.let_time_pass(at=tick)
    assert (Judgement.objects.get(lead=lead).engagement, held(lead).state) == (10_000, "prospect")
    assert Entry.objects.filter(lead=lead).latest("seq").at == tick


@pytest.mark.django_db
def test_a_late_tick_says_what_was_true_then(cast: Cast) -> None:
    lead = seminar(at=T0)
    for day in range(3):
        at = T0 + (20 + day) * DAY
        intake([touch("page.viewed", at=at, email=VERA, path="/pricing")], known_at=at)
    first_leaves = T0 + 34 * DAY
    tick = first_leaves // HOUR * HOUR + HOUR
    clocks.let_time_pass(at=tick - HOUR)
    # Then the worker is away for five hours, in which Ada withdraws the seminar.
    marketing.void_touch(
        touch_id=Touch.objects.get(kind="seminar.attended").pk, cause="withdrawn", by=cast.ada, at=tick + 2 * HOUR
    )
    clocks.let_time_pass(at=tick + 5 * HOUR)

    judged = Judgement.objects.get(lead=lead)
    assert 25_000 < judged.engagement < 27_000, "the seminar still counted at the tick; two days of the price page"
    assert tick <= judged.as_of <= tick + 5 * HOUR
    assert held(lead).state == "lead"


@pytest.mark.django_db
def test_a_late_verdict_stands_in_the_ledger_at_the_true_instant(cast: Cast) -> None:
    lead = seminar(at=NEARLY_FADED)
    late = FADED + 20 * 60_000_000
    clocks.let_time_pass(at=late)
    entry = Entry.objects.filter(lead=lead).latest("seq")
    assert (entry.verdict, entry.at) == ("prospect", late)
    assert Judgement.objects.get(lead=lead).as_of == FADED


@pytest.mark.django_db
def test_an_accepted_lead_cools_by_time_alone(cast: Cast) -> None:
    seminar(at=NEARLY_FADED)
    views = [touch("page.viewed", at=T0 - day * DAY, email=VERA, path="/pricing", account=FIT) for day in range(3)]
    intake(views, known_at=T0 + HOUR)
    lead = Lead.objects.get()
    sales.accept(lead_id=lead.pk, by=holder(lead), at=T0 + 2 * HOUR)
    forgotten = (T0 + 14 * DAY) // HOUR * HOUR + HOUR  # the last view leaves its window: under 15 points are left
    clocks.let_time_pass(at=forgotten - HOUR)
    assert (held(lead).state, held(lead).verdict) == ("accepted", "lead"), "it stays with Sales while it is warm"
    clocks.let_time_pass(at=forgotten)
    assert told(lead)[-1][0] == "cooled"
    assert held(lead).holder == "marketing"


def _views(*days: int) -> None:
    """The price page, once on each of these days after T0."""
    for day in days:
        at = T0 + day * DAY
        intake([touch("page.viewed", at=at, email=VERA, path="/pricing")], known_at=at)


@pytest.mark.django_db
def test_a_lead_that_fell_while_it_was_sales_ready_cools_once_it_is_not(cast: Cast) -> None:
    """Accepted warm; the views leave their window while a raised hand keeps it sales-ready; then the hand goes down."""
    intake(
        [touch("page.viewed", at=T0 - day * DAY, email=VERA, path="/pricing", account=FIT) for day in range(3)],
        known_at=T0 + 1,
    )
    lead = demo()
    clocks.let_time_pass(at=T0 + HOUR)
    sales.accept(lead_id=lead.pk, by=holder(lead), at=T0 + 2 * HOUR)
    assert Judgement.objects.get(lead=lead).may_cool
    again = T0 + 10 * DAY
    intake([touch("demo.requested", at=again, email=VERA)], known_at=again)
    cold = T0 + 14 * DAY + HOUR
    clocks.let_time_pass(at=cold)
    judged = Judgement.objects.get(lead=lead)
    assert (judged.engagement, judged.cools, judged.verdict) == (0, True, "sales_ready")
    assert held(lead).state == "accepted", "whoever is sales-ready stays"
    clocks.let_time_pass(at=again + 7 * DAY - HOUR)
    assert held(lead).state == "accepted"
    clocks.let_time_pass(at=again + 7 * DAY + HOUR)
    assert told(lead)[-1][0] == "cooled"
    assert held(lead).holder == "marketing"


@pytest.mark.django_db
def test_a_lead_accepted_below_the_threshold_cools_only_after_it_rose_and_fell(cast: Cast) -> None:
    lead = demo()
    clocks.let_time_pass(at=T0 + HOUR)
    sales.accept(lead_id=lead.pk, by=holder(lead), at=T0 + 2 * HOUR)
    assert not Judgement.objects.get(lead=lead).may_cool
    clocks.let_time_pass(at=T0 + 9 * DAY)
    assert (held(lead).state, held(lead).verdict) == ("accepted", "prospect"), "the hand is down, and it never was warm"
    _views(9, 10, 11)
    assert Judgement.objects.get(lead=lead).may_cool
    clocks.let_time_pass(at=T0 + 23 * DAY - HOUR)
    assert held(lead).state == "accepted"
    clocks.let_time_pass(at=T0 + 23 * DAY + HOUR)
    assert told(lead)[-1][0] == "cooled"


@pytest.mark.django_db
def test_each_acceptance_starts_afresh(cast: Cast) -> None:
    """What it was under an earlier acceptance does not cool it under the next one."""
    intake(
        [touch("page.viewed", at=T0 - day * DAY, email=VERA, path="/pricing", account=FIT) for day in range(3)],
        known_at=T0 + 1,
    )
    lead = demo()
    clocks.let_time_pass(at=T0 + HOUR)
    sales.accept(lead_id=lead.pk, by=holder(lead), at=T0 + 2 * HOUR)
    sales.reject(lead_id=lead.pk, reason="no_interest", by=holder(lead), at=T0 + 3 * HOUR)
    clocks.let_time_pass(at=T0 + 20 * DAY)
    later = held(lead).due
    assert later is not None
    intake([touch("demo.requested", at=later + DAY, email=VERA)], known_at=later + DAY)
    clocks.fire_clocks(at=later + DAY)
    sales.accept(lead_id=lead.pk, by=holder(lead), at=later + DAY + HOUR)
    assert not Judgement.objects.get(lead=lead).may_cool
    clocks.let_time_pass(at=later + 20 * DAY)
    assert held(lead).state == "accepted"


# --- imports and versions -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_import_waits_and_is_judged_once_as_of_now(cast: Cast) -> None:
    old, fresh = T0 - 30 * DAY, T0 - DAY
    for email, at in (("old@ferro.example", old), (VERA, fresh)):
        taken = intake([touch("demo.requested", at=at, email=email)], known_at=T0, historic=True)
        assert (taken.created, taken.judged, taken.handed_over) == (1, 0, 0)
    assert set(Holding.objects.values_list("state", flat=True)) == {"new"}

    fired = clocks.judge_waiting(at=T0 + 1)
    assert (fired.judged, fired.handed_over) == (2, 1)
    assert clocks.judge_waiting(at=T0 + 2).judged == 0
    assert dict(Holding.objects.values_list("lead__person__email", "state")) == {
        "old@ferro.example": "prospect",
        VERA: "offered",
    }


@pytest.fixture
def draft_of() -> Callable[[str, str], str]:
    return lambda old, new: EXAMPLE.read_text(encoding="utf-8").replace(old, new)


@pytest.mark.django_db
def test_a_new_version_judges_everybody_and_the_ledger_names_it(
    cast: Cast, draft_of: Callable[[str, str], str]
) -> None:
    for number in range(3):
        intake([touch("seminar.attended", at=T0, email=f"p{number}@ferro.example", account=FIT)], known_at=T0)
    before = in_force(T0)
    assert before is not None
    assert set(Holding.objects.values_list("state", flat=True)) == {"offered"}, "three active people and a seminar"

    quiet = demo(
        "quiet@halden.example", at=T0 - 8 * DAY
    )  # a demo request that the first version lets fade after a week
    clocks.judge_waiting(at=T0 + 1)
    at = T0 + DAY
    sign(cast, at=at, source=draft_of("within: 7 days}       #", "within: 30 days}      #"))
    after = in_force(at)
    assert after is not None
    assert after.hash != before.hash

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args->>'agreement_hash' FROM procrastinate_jobs WHERE task_name = 'loop.rejudge' ORDER BY id"
        )
        assert [row[0] for row in cursor.fetchall()] == [before.hash, after.hash]
    seen = Judgement.objects.filter(agreement_hash=after.hash)
    with clock.at(at + 1):
        jobs.rejudge(agreement_hash=before.hash)
        assert seen.count() == 0, "a version that is not in force any more changes nothing"
        jobs.rejudge(agreement_hash=after.hash)

    assert seen.count() == Holding.objects.count() == 4
    changed = Entry.objects.filter(agreement=after.hash)
    assert {one.lead_id for one in changed} <= {quiet.pk}
    assert verify().problems == []


# --- nobody to take it ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_lead_that_nobody_can_take_is_shown_as_what_it_is_until_somebody_can(cast: Cast) -> None:
    User.objects.filter(pk__in=(cast.cleo.pk, cast.dara.pk)).update(takes_leads=False)
    User.objects.filter(pk=cast.eli.pk).update(is_catch_all=False)
    lead = demo()
    assert (held(lead).holder, held(lead).verdict) == ("marketing", "sales_ready")
    page = Client()
    page.force_login(cast.bo, backend=BACKEND)
    cache.clear()
    shown = page.get("/").content.decode()
    assert "Nobody to take it" in shown
    assert f'href="/leads/{lead.pk}/"' in shown
    seller = Client()
    seller.force_login(cast.cleo, backend=BACKEND)
    assert "Nobody to take it" not in seller.get("/").content.decode(), "it would tell a verdict"

    User.objects.filter(pk=cast.dara.pk).update(takes_leads=True)
    clocks.judge_waiting(at=T0 + 2 * HOUR)
    assert holder(lead) == cast.dara
    cache.clear()
    assert "Nobody to take it" not in page.get("/").content.decode()
