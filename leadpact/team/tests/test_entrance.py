"""Coming in: who gets an account, how, and how often a link works."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import DAY
from leadpact.team.actions import entrance
from leadpact.team.models import Invitation, User
from leadpact.team.tests.conftest import PASSWORD

FIRST = {"email": "Ada@Northwind.example", "name": "Ada", "password": PASSWORD, "timezone": "Europe/Paris"}


def link_on(page: bytes) -> str:
    """The path of the link that a page shows."""
    found = re.search(rb'value="http://testserver(/team/join/[\w-]+/)"', page)
    assert found
    return found[1].decode()


@pytest.mark.django_db
def test_the_first_visit_makes_the_first_account_and_no_second() -> None:
    browser = Client()
    assert browser.get("/team/").headers["Location"].startswith("/accounts/login/")
    assert browser.get("/accounts/login/").headers["Location"] == "/team/first/"
    answer = browser.post("/team/first/", FIRST)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    ada = User.objects.get()
    assert (ada.email, ada.role, ada.department, ada.timezone) == (
        "ada@northwind.example",
        "operations",
        "",
        "Europe/Paris",
    )
    assert browser.get("/team/").status_code == 200

    stranger = Client()
    assert stranger.get("/team/first/").headers["Location"] == "/"
    assert stranger.post("/team/first/", {**FIRST, "email": "bo@ferro.example"}).status_code == 302
    assert User.objects.count() == 1
    assert stranger.get("/accounts/login/").status_code == 200


@pytest.mark.django_db
def test_a_weak_first_password_is_told_beside_the_field() -> None:
    answer = Client().post("/team/first/", {**FIRST, "password": "short"})
    assert answer.status_code == 422
    assert b"at least 10 characters" in answer.content
    assert not User.objects.exists()


def test_logging_in_and_out(cast: dict[str, User]) -> None:
    browser = Client()
    assert browser.post("/accounts/login/", {"login": "bo@northwind.example", "password": "wrong"}).status_code == 200
    assert browser.get("/team/me/").status_code == 302
    answer = browser.post("/accounts/login/?next=/team/me/", {"login": "BO@northwind.example", "password": PASSWORD})
    assert answer.headers["Location"] in {"/", "/team/me/"}
    assert browser.get("/team/me/").status_code == 200
    browser.post("/accounts/logout/")
    assert browser.get("/team/me/").headers["Location"] == "/accounts/login/?next=%2Fteam%2Fme%2F"


def test_nobody_signs_up_by_themselves(cast: dict[str, User]) -> None:
    answer = Client().post(
        "/accounts/signup/", {"email": "mallory@ferro.example", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert b"by invitation" in answer.content
    assert not User.objects.filter(email="mallory@ferro.example").exists()


def test_an_invitation_makes_one_account_once(browser: Callable[[str], Client]) -> None:
    page = browser("dara").post("/team/invite/", {"email": "eli@ferro.example", "name": "Eli", "role": "salesperson"})
    path = link_on(page.content)
    assert page.headers["Cache-Control"] == "no-store"
    assert Invitation.objects.get().secret_hash not in path
    guest = Client()
    assert b"eli@ferro.example" in guest.get(path).content
    answer = guest.post(path, {"name": "Eli", "password": PASSWORD, "timezone": "UTC"})
    assert answer.status_code == 303
    eli = User.objects.get(email="eli@ferro.example")
    assert (eli.role, eli.department, eli.takes_leads) == ("salesperson", "", True)
    assert guest.get("/team/me/").status_code == 200
    assert Client().get(path).status_code == 410
    again = Client().post(path, {"name": "Mallory", "password": PASSWORD, "timezone": "UTC"})
    assert again.status_code == 410


def test_an_old_or_withdrawn_link_does_nothing(cast: dict[str, User], browser: Callable[[str], Client]) -> None:
    now = clock.now()
    secret = entrance.invite(
        email="eli@ferro.example", name="", role="marketer", department="", by=cast["ada"], at=now - 8 * DAY
    )
    with pytest.raises(CannotDo, match="too old"):
        entrance.redeem(secret=secret, name="Eli", password=PASSWORD, timezone="UTC", at=now)
    secret = entrance.invite(email="eli@ferro.example", name="", role="marketer", department="", by=cast["ada"], at=now)
    invitation = Invitation.objects.latest("pk")
    assert browser("dara").post(f"/team/invitations/{invitation.pk}/withdraw/").status_code == 303
    with pytest.raises(CannotDo, match="used or is too old"):
        entrance.redeem(secret=secret, name="Eli", password=PASSWORD, timezone="UTC", at=now)
    assert not User.objects.filter(email="eli@ferro.example").exists()


def test_a_manager_cannot_reach_operations(cast: dict[str, User], browser: Callable[[str], Client]) -> None:
    dara = browser("dara")
    answer = dara.post("/team/invite/", {"email": "eli@ferro.example", "role": "operations"})
    assert b"Only operations can invite" in answer.content
    assert not Invitation.objects.exists()
    dara.post(f"/team/{cast['ada'].pk}/password/")
    assert not Invitation.objects.exists()
    with pytest.raises(CannotDo, match="Only operations"):
        entrance.offer_new_password(user=cast["ada"], by=cast["dara"], at=clock.now())


@pytest.mark.parametrize("who", ["bo", "cleo"])
def test_others_cannot_invite(browser: Callable[[str], Client], who: str) -> None:
    answer = browser(who).post("/team/invite/", {"email": "eli@ferro.example", "role": "salesperson"})
    assert answer.status_code == 403
    assert not Invitation.objects.exists()


def test_a_new_password_ends_the_sessions_that_were_open(
    cast: dict[str, User], browser: Callable[[str], Client]
) -> None:
    bo = browser("bo")
    assert bo.get("/team/me/").status_code == 200
    path = link_on(browser("dara").post(f"/team/{cast['bo'].pk}/password/").content)
    newer = Client()
    assert newer.post(path, {"password": "Other-paper-mills-2"}).status_code == 303
    assert bo.get("/team/me/").status_code == 302
    assert newer.get("/team/me/").status_code == 200
    assert Client().get(path).status_code == 410


def test_a_manager_says_which_side_they_speak_for(browser: Callable[[str], Client]) -> None:
    answer = browser("ada").post("/team/invite/", {"email": "eli@ferro.example", "role": "manager"})
    assert answer.status_code == 422
    assert b"which department" in answer.content
    assert not Invitation.objects.exists()
