"""After some final answers, on the page where they were given: was this a check? And the published rate."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client

from leadpact.capture.actions import intake
from leadpact.custody.models import Entry
from leadpact.distribution import actions as sales
from leadpact.kit import clock
from leadpact.leads.models import Lead
from leadpact.site.tests.conftest import BACKEND
from leadpact.team.models import User
from leadpact.tuning import actions as tuning
from leadpact.tuning import queries
from leadpact.tuning.models import Guess
from leadpact.tuning.rules import ASKED_FOR, is_asked
from tests.cast import HOUR, Cast, touch, traits

pytestmark = pytest.mark.django_db
FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})


def offered(number: int, at: int) -> tuple[int, User]:
    """A lead of the definition on offer, and who has it."""
    email = f"p{number}@c{number}.example"
    intake([touch("demo.requested", at=at, email=email, account=FIT)], known_at=at)
    lead = Lead.objects.get(person__email=email).pk
    return lead, Entry.objects.filter(lead=lead).latest("seq").salesperson  # type: ignore[return-value]


def rejected(*, asked: bool, at: int | None = None) -> tuple[int, User]:
    """A lead that somebody just rejected, about which they are (or are not) asked."""
    at = at if at is not None else clock.now()
    for number in range(60):
        lead, who = offered(number, at)
        seq = Entry.objects.filter(lead=lead).latest("seq").seq + 1
        if is_asked(lead, seq) is asked:
            sales.reject(lead_id=lead, reason="no_interest", by=who, at=at)
            return lead, who
    raise AssertionError("none of sixty")


def browser(user: User) -> Client:
    one = Client()
    one.force_login(user, backend=BACKEND)
    return one


def text(page: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode()))


def test_the_question_stands_where_the_answer_was_given_and_goes_with_the_guess(cast: Cast) -> None:
    lead, who = rejected(asked=True)
    page = browser(who)
    for where in ("/distribution/", f"/leads/{lead}/"):
        shown = page.get(where)
        assert "Did you take p" in text(shown.content), where
        assert f'action="/tuning/guess/{lead}/"' in shown.content.decode()
    other = cast.dara if who == cast.cleo else cast.cleo
    assert "Did you take" not in text(browser(other).get(f"/leads/{lead}/").content), "nobody else is asked"

    told = page.post(f"/tuning/guess/{lead}/", {"said": "no", "next": "/distribution/"}, follow=True)
    assert "told to nobody" in text(told.content)
    assert "Did you take" not in text(told.content)
    kept = Guess.objects.get()
    assert (kept.lead_id, kept.guess, kept.was_check, kept.user) == (lead, False, False, who)

    again = page.post(f"/tuning/guess/{lead}/", {"said": "yes"}, headers={"HX-Request": "true"})
    assert "nothing was kept" in text(again.content)
    assert Guess.objects.get().guess is False


def test_with_htmx_the_question_is_replaced_where_it_stands(cast: Cast) -> None:
    lead, who = rejected(asked=True)
    answer = browser(who).post(f"/tuning/guess/{lead}/", {"said": "skip"}, headers={"HX-Request": "true"})
    assert (answer.status_code, "<html" in answer.content.decode()) == (200, False)
    assert "Passed over" in text(answer.content)
    assert Guess.objects.get().guess is None
    figures = queries.guesses(since=0, until=clock.now() + 1)
    assert (figures.right.n, figures.skipped) == (0, 1), "passed over is no answer"


def test_who_is_not_asked(cast: Cast) -> None:
    lead, who = rejected(asked=False)
    assert queries.question(user_id=who.pk, at=clock.now()) is None
    assert not tuning.guess(lead_id=lead, said=True, by=who, at=clock.now())
    at = clock.now()
    fresh, taker = offered(99, at)
    sales.accept(lead_id=fresh, by=taker, at=at)
    assert queries.question(user_id=taker.pk, at=at) is None, "accepting is no final answer"
    assert not Guess.objects.exists()


def test_a_taken_back_answer_is_not_asked_about_and_the_question_does_not_wait_for_ever(cast: Cast) -> None:
    at = clock.now()
    lead, who = rejected(asked=True, at=at)
    assert queries.question(user_id=who.pk, at=at + ASKED_FOR - 1) is not None
    assert queries.question(user_id=who.pk, at=at + ASKED_FOR) is None
    sales.correct(lead_id=lead, by=who, at=at + 1)
    assert queries.question(user_id=who.pk, at=at + 2) is None


def test_nonsense_is_told_so(cast: Cast) -> None:
    lead, who = rejected(asked=True)
    page = browser(who)
    told = page.post(f"/tuning/guess/{lead}/", {"said": "maybe", "next": "/distribution/"}, follow=True)
    assert "Say yes or no" in text(told.content)
    assert not Guess.objects.exists()
    assert page.get(f"/tuning/guess/{lead}/").status_code == 405


def test_checks_and_others_are_asked_alike_and_only_those_who_do_not_take_leads_see_the_parts(cast: Cast) -> None:
    now = clock.now()
    lead, who = rejected(asked=True)
    for number in range(12):
        Guess.objects.create(
            lead_id=lead, seq=1_000 + number, user=who, at=now - HOUR, guess=number < 2, was_check=number % 2 == 0
        )
    cache.clear()
    bo = text(browser(cast.bo).get("/tracking/").content)
    assert "6 of 12 guesses right: 50%" in bo
    assert "were taken for a check" in bo
    assert "guessed right in 50.0% of 12" in text(browser(cast.bo).get("/").content)
    cleo = text(browser(cast.cleo).get("/tracking/").content)
    assert "Can checks be told apart?" in cleo
    assert "were taken for a check" not in cleo
    assert "told" not in cleo.partition("Can checks be told apart?")[2].partition("Blind")[0].replace(
        "without telling", ""
    )
