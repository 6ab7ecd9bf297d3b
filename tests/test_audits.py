"""Blind audits through the loop: drawn once a week, let out among ordinary hand-overs, and not to be told from them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from leadpact.capture.actions import intake
from leadpact.custody.actions.proof import verify
from leadpact.custody.models import Entry, Holding
from leadpact.custody.queries import Line, history
from leadpact.distribution import actions as sales
from leadpact.distribution.models import Offer
from leadpact.leads.models import Lead
from leadpact.loop import audits
from leadpact.team.models import User
from leadpact.tuning import queries as tuning
from leadpact.tuning.models import Audit, Frame
from leadpact.tuning.rules import week_start
from tests.cast import DAY, EXAMPLE, HOUR, T0, Cast, make_cast, sign, touch, traits

pytestmark = pytest.mark.django_db

FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})
MONDAY = week_start(T0) + 7 * DAY
DRAWN_AT = MONDAY + 5 * 60_000_000
POOL = 40


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
