"""Blind audits through the loop: drawn once a week, let out among ordinary hand-overs, and not to be told from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from django.db import connection

from leadpact.agreement.queries import in_force
from leadpact.capture.actions import intake
from leadpact.custody.actions.proof import verify
from leadpact.custody.models import Entry, Holding
from leadpact.custody.queries import Line, history
from leadpact.distribution import actions as sales
from leadpact.distribution.models import Offer
from leadpact.kit.instants import to_us
from leadpact.language import hours
from leadpact.leads.models import Identifier, Lead
from leadpact.loop import audits
from leadpact.loop.rehearsal import NIGHT_STEP, Rehearsal
from leadpact.simulation.company import Company
from leadpact.simulation.scorer import Scorer
from leadpact.site.demo import make_users
from leadpact.team.models import User
from leadpact.tuning import queries as tuning
from leadpact.tuning.actions import audits as drawing
from leadpact.tuning.models import Audit, Frame
from leadpact.tuning.rules import week_start
from tests.cast import DAY, EXAMPLE, HOUR, T0, Cast, make_cast, sign, touch, traits

pytestmark = pytest.mark.django_db

FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})
MONDAY = week_start(T0) + 7 * DAY
DRAWN_AT = MONDAY + 5 * 60_000_000
POOL = 40
OwnerBlock = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def cast(db: None) -> Cast:
    """The example with generous checks is in force, and forty leads are nurtured: half near the threshold, half far."""
    people = make_cast()
    text = EXAMPLE.read_text(encoding="utf-8")
    source = text.replace("share: 2%", "share: 20%").replace("share: 10%}", "share: 30%}")
    assert source.count("%") == text.count("%")
    sign(people, source=source)
    for number in range(POOL):
        email = f"p{number}@c{number}.example"
        near = [touch("seminar.attended", at=T0, email=email, account=FIT)] if number % 2 else []
        intake([touch("page.viewed", at=T0, email=email, path="/pricing"), *near], known_at=T0 + HOUR)
    return people


def ordinary(number: int, at: int) -> Lead:
    """Somebody becomes sales-ready by the definition."""
    email = f"ready{number}@r{number}.example"
    intake([touch("demo.requested", at=at, email=email, account=FIT)], known_at=at)
    return Lead.objects.get(person__email=email)


def release_all() -> int:
    """Let every hour of the week pass; returns the last."""
    at = DRAWN_AT
    while at < MONDAY + 14 * DAY and Audit.objects.filter(released_at=None, caught=False).exists():
        at += HOUR
        audits.release(at=at)
    return at


def test_a_week_is_drawn_once_by_its_seed(cast: Cast) -> None:
    week = audits.draw_week(at=DRAWN_AT, seed="a seed")
    assert week is not None
    assert (week.size, week.drawn) == (POOL, 10), "a third of the near, a fifth of the far, ten a week at most"
    assert audits.draw_week(at=DRAWN_AT + DAY, seed="another") is None
    strata = {one.name: (one.size, one.drawn) for one in Frame.objects.get().strata.all()}
    assert set(strata) == {"near", "far"}
    assert sum(size for size, _ in strata.values()) == POOL
    for one in Audit.objects.select_related("stratum"):
        assert (one.probability_n, one.probability_of) == (one.stratum.drawn, one.stratum.size)
        assert DRAWN_AT <= one.release_at < MONDAY + 7 * DAY
    assert not Entry.objects.filter(move="handed_over").exists(), "drawing moves nobody"


def test_each_is_let_out_at_its_time_and_once(cast: Cast) -> None:
    audits.draw_week(at=DRAWN_AT, seed="a seed")
    times = sorted(Audit.objects.values_list("release_at", flat=True))
    assert audits.release(at=times[0] - 1) == 0
    for number, at in enumerate(times, 1):
        audits.release(at=at)
        assert Audit.objects.filter(released_at__isnull=False).count() >= number
        assert audits.release(at=at) == 0
    handed = Entry.objects.filter(move="handed_over")
    assert handed.count() == len(times)
    assert set(handed.values_list("cause", flat=True)) == {"audit"}
    assert set(Holding.objects.filter(lead__in=handed.values("lead")).values_list("state", flat=True)) == {"offered"}


def test_who_graduates_before_its_check_is_caught_and_stays_out(cast: Cast) -> None:
    audits.draw_week(at=DRAWN_AT, seed="a seed")
    late = Audit.objects.select_related("lead__person").latest("release_at")
    intake([touch("demo.requested", at=DRAWN_AT + 1, email=late.lead.person.email)], known_at=DRAWN_AT + 1)
    release_all()
    late.refresh_from_db()
    assert (late.caught, late.released_at) == (True, None)
    assert Entry.objects.get(lead=late.lead, move="handed_over").cause == "definition"
    assert tuning.errors(at=MONDAY + 8 * DAY).withering.late_graduates == 1


def test_answers_count_by_what_they_blame(cast: Cast) -> None:
    audits.draw_week(at=DRAWN_AT, seed="a seed")
    at = release_all() + HOUR
    said = ("qualify", "no_interest", "not_now", "wrong_data")
    chosen = dict(zip(said, Audit.objects.order_by("pk"), strict=False))
    for word, audit in chosen.items():
        by = User.objects.get(pk=Offer.objects.get(lead=audit.lead, ended_at=None).salesperson_id)
        sales.accept(lead_id=audit.lead_id, by=by, at=at)
        if word == "qualify":
            sales.qualify(lead_id=audit.lead_id, by=by, at=at + HOUR)
        else:
            sales.reject(lead_id=audit.lead_id, reason=word, by=by, at=at + HOUR)
        audit.refresh_from_db()
        assert audit.salesperson_id == by.pk

    assert {word: audit.answer for word, audit in chosen.items()} == {
        "qualify": 1, "no_interest": 0, "not_now": 0, "wrong_data": None,
    }  # fmt: skip
    errors = tuning.errors(at=at + 2 * HOUR)
    assert errors.first.n == 0, "a check is no hand-over under the definition: it does not count in the first error"
    assert [(one.drawn, one.released) for one in tuning.weeks(since=MONDAY, until=at)] != []
    assert verify().problems == []


def looks(lead_id: int) -> list[Line]:
    """A blind history without what differs between any two leads: names, instants, and who was next."""
    return [
        replace(line, at=0, due=None if line.due is None else 0, salesperson_id=None, salesperson_name="")
        for line in history(lead_id, blind=True)
    ]


def test_to_sales_a_check_looks_like_any_other_hand_over(cast: Cast) -> None:
    rng = Random("ordinary hand-overs")
    audits.draw_week(at=DRAWN_AT, seed="a seed")
    definition = [ordinary(n, DRAWN_AT + rng.randrange(5 * DAY)).pk for n in range(5)]
    release_all()
    checks = list(Audit.objects.filter(released_at__isnull=False).values_list("lead_id", flat=True))
    nurtured = next(lead for lead in Lead.objects.filter(holding__state__in=("lead", "prospect")))
    sales.hand_over(lead_id=nurtured.pk, reason="met_in_person", by=cast.ada, at=MONDAY + 15 * DAY, note="At the fair")

    assert len(checks) == 10
    seen = {str(looks(lead)) for lead in [*definition, *checks, nurtured.pk]}
    assert len(seen) == 1, seen
    (words,) = seen
    assert "audit" not in words
    assert "fair" not in words.replace("fair_share", "")
    whys = Offer.objects.filter(lead__in=[*definition, *checks, nurtured.pk]).values_list("why", flat=True)
    assert len({tuple(sorted(why)) for why in whys}) == 1
    assert {why["rule"] for why in whys} == {"fair_share"}


# --- in shadow --------------------------------------------------------------------------------------------------


def let_out_early(cast: Cast) -> list[Audit]:
    """Audits of the week that were let out with at least two days of it to come, with their leads."""
    audits.draw_week(at=DRAWN_AT, seed="a seed")
    audits.release(at=MONDAY + 5 * DAY)
    early = list(Audit.objects.filter(released_at__isnull=False).select_related("lead__person").order_by("pk"))
    assert len(early) >= 3
    return early


def answered(audit: Audit, verb: str, at: int) -> None:
    by = User.objects.get(pk=Holding.objects.get(lead=audit.lead).salesperson_id)
    sales.accept(lead_id=audit.lead_id, by=by, at=at)
    sales.follow_up(lead_id=audit.lead_id, by=by, at=at + 1, outcome="conversation")
    if verb == "qualify":
        sales.qualify(lead_id=audit.lead_id, by=by, at=at + 2)
    else:
        sales.reject(lead_id=audit.lead_id, reason=verb, by=by, at=at + 2)


def test_what_the_definition_would_have_found_that_week_was_not_missed(cast: Cast) -> None:
    by_itself, asked_later, never = let_out_early(cast)[:3]
    at = MONDAY + 5 * DAY + HOUR
    for one in (by_itself, asked_later, never):
        answered(one, "qualify", at)
    intake([touch("demo.requested", at=at + HOUR, email=by_itself.lead.person.email)], known_at=at + HOUR)
    next_week = MONDAY + 7 * DAY + HOUR
    intake([touch("demo.requested", at=next_week, email=asked_later.lead.person.email)], known_at=next_week)
    assert audits.settle(at=MONDAY + 7 * DAY - 1) == 0, "the week is not over"
    assert audits.settle(at=MONDAY + 7 * DAY) >= 3
    assert audits.settle(at=MONDAY + 7 * DAY) == 0, "once"
    told = dict(Audit.objects.values_list("pk", "ready_anyway"))
    assert told[by_itself.pk] is True
    assert told[asked_later.pk] is False, "that was another week"
    assert told[never.pk] is False

    release_all()
    after = MONDAY + 13 * DAY
    for one in Audit.objects.filter(answered_at=None, caught=False, released_at__isnull=False).select_related("lead"):
        answered(one, "no_interest", max(after, one.released_at or 0))
    audits.settle(at=MONDAY + 14 * DAY)
    late = MONDAY + 60 * DAY
    counted = tuning.errors(at=late, weeks=13)
    missed = counted.caught.detail["missed"]
    assert isinstance(missed, dict)
    Audit.objects.update(ready_anyway=False)
    before = tuning.errors(at=late, weeks=13).caught.detail["missed"]
    assert isinstance(before, dict)
    assert missed["value"] < before["value"], "one good lead fewer was missed"
    assert counted.second.value == tuning.errors(at=late, weeks=13).second.value, "the second error is another question"


def test_a_call_that_the_audit_caused_makes_nobody_ready_by_themselves(db: None) -> None:
    """A conversation counts in this agreement. The audit's own made the lead sales-ready: it would not have been."""
    people = make_cast()
    text = EXAMPLE.read_text(encoding="utf-8")
    line = "  - id: buying_group\n"
    talked = """  - id: talked
    says: Spoke with us
    each: {touch: call.answered, within: 30 days}
    points: 40
    at_most: 40
"""
    source = text.replace(line, talked + line).replace("share: 2%", "share: 60%")
    source = source.replace("at_most: 10 per week", "at_most: 60 per week")
    sign(people, source=source)
    for number in range(12):
        intake(
            [touch("paper.downloaded", at=T0, email=f"p{number}@c{number}.example", account=FIT)], known_at=T0 + HOUR
        )
    caused, own_call, other = let_out_early(people)[:3]
    at = MONDAY + 5 * DAY + HOUR
    for one in (caused, own_call, other):
        answered(one, "qualify", at)
        assert Entry.objects.filter(lead=one.lead, move="judged").latest("seq").verdict == "sales_ready", (
            "by the ledger"
        )
    # They called us by themselves: no colleague logged it.
    intake([touch("call.answered", at=at + HOUR, email=own_call.lead.person.email)], known_at=at + HOUR)
    audits.settle(at=MONDAY + 7 * DAY)
    told = dict(Audit.objects.values_list("pk", "ready_anyway"))
    assert (told[caused.pk], told[own_call.pk], told[other.pk]) == (False, True, False)


def test_in_shadow_as_the_simulated_company_knows_it(
    db: None, as_owner: OwnerBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six weeks of a company through the loop: each audit's shadow is what the company's own scorer, which knows nothing of
    the loop, says of its touches alone. The ledger's word would be wrong where the audit's own call made a difference.

    Everybody is drawn, and let out on the Monday: few become sales-ready in what is left of the week of their audit. The order
    hangs on the numbers of leads, which begin here where they always do, whatever ran before.
    """

    def on_monday(count: int, _ordinary: Sequence[int], _week: int, _seed: str, *, not_before: int) -> tuple[int, ...]:
        return tuple(not_before + n * DAY // count for n in range(count))

    monkeypatch.setattr(drawing, "release_times", on_monday)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('leads_lead', 'id'), 1000000)")
    company = Company(5, 600, datetime(2026, 4, 6, tzinfo=UTC), 42)
    users = make_users(company, "Slow-paper-mills-1")
    heads = Cast(
        users["marketing@northwind.example"], users["sales@northwind.example"], *list(users.values())[-2:], None  # type: ignore[arg-type]
    )  # fmt: skip
    text = EXAMPLE.read_text(encoding="utf-8")
    source = text.replace("share: 2%", "share: 100%").replace("share: 10%}", "share: 100%}")
    sign(heads, at=company.start, source=source.replace("at_most: 10 per week", "at_most: 600 per week"))
    for _ in Rehearsal(company, users).run():
        pass
    audits.settle(at=company.end)

    key_of = dict(
        Identifier.objects.filter(kind="user_id").values_list("visitor__person__leads__pk", "value").order_by("-pk")
    )
    open_audits = [
        (one, key_of[one.lead_id], one.released_at, week_us(one) + 7 * DAY)
        for one in Audit.objects.select_related("stratum__frame").exclude(released_at=None).exclude(ready_anyway=None)
    ]
    version = in_force(company.start)
    assert version is not None
    truth = {one.pk: False for one, *_ in open_audits}
    scorer, events = Scorer(), list(company.events())
    waiting = 0
    for hour in range(company.start + HOUR, company.end + 1, HOUR):
        if hour % NIGHT_STEP and not hours.is_open(hour - HOUR, version.agreement.market):
            continue  # the loop takes no batch then
        while waiting < len(events) and events[waiting].at < hour:
            scorer.take(events[waiting])
            waiting += 1
        for one, key, released_at, until in open_audits:
            if released_at <= hour < until and scorer.judge(key, hour).sales_ready:
                truth[one.pk] = True

    told = {one.pk: one.ready_anyway for one, *_ in open_audits}
    assert len(told) > 300
    assert sum(truth.values()) > 3, "some would have been found that week"
    assert told == truth


def week_us(audit: Audit) -> int:
    week = audit.stratum.frame.week
    return to_us(datetime(week.year, week.month, week.day, tzinfo=UTC))
