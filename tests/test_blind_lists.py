"""Whoever takes leads sees in no list what moves with a verdict: neither state nor clock of what Marketing holds."""

from __future__ import annotations

import pytest
from django.test import Client

from leadpact.capture.actions import intake
from leadpact.custody.models import Holding
from leadpact.kit import clock
from leadpact.site.tests.conftest import BACKEND
from leadpact.team.models import User
from leadpact.tuning.rules import guessed
from tests.cast import HOUR, Cast, touch

ADDRESS = "/tracking/leads/"


def browser(user: User) -> Client:
    one = Client()
    one.force_login(user, backend=BACKEND)
    return one


def test_the_list_of_leads_is_blind(cast: Cast) -> None:
    at = clock.now() - HOUR
    intake([touch("page.viewed", at=at, email="p1@c1.example")], known_at=at)
    state = Holding.objects.get().state
    assert state in {"prospect", "lead"}
    seller, marketer = browser(cast.cleo), browser(cast.ada)
    for ending in ("", "?format=csv"):
        told = seller.get(ADDRESS + ending).content.decode()
        assert "p1@c1.example" in told
        for hidden in (f"arketing · {state}", "next touch", "touch every"):
            assert hidden not in told, (ending, hidden)
    assert f"arketing · {state}" in marketer.get(ADDRESS).content.decode()
    for hidden in (f"state={state}", "state=resting", "late=touch_every"):
        assert seller.get(f"{ADDRESS}?{hidden}").status_code == 403
        assert marketer.get(f"{ADDRESS}?{hidden}").status_code == 200
    assert "p1@c1.example" in seller.get(f"{ADDRESS}?state=marketing").content.decode()
    home = seller.get("/").content.decode()
    assert f"{ADDRESS}?state=marketing" in home
    assert f'{ADDRESS}?state=prospect"' not in home


@pytest.mark.parametrize(("taken_checks", "taken_others", "tells"), [(9, 27, False), (28, 10, True)])
def test_right_guesses_are_held_against_chance(taken_checks: int, taken_others: int, *, tells: bool) -> None:
    found = guessed(checks=30, taken_checks=taken_checks, others=90, taken_others=taken_others, skipped=0)
    taken = (taken_checks + taken_others) / 120
    assert found.by_chance == pytest.approx(0.25 * taken + 0.75 * (1 - taken))
    assert found.tells is tells
    assert guessed(checks=0, taken_checks=0, others=0, taken_others=0, skipped=1).by_chance is None
