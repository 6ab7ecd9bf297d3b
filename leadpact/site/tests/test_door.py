"""The door of every page: who comes in, how a refusal is told, where forms return to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from leadpact.kit import formats
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import EVERYONE, MANAGERS, back, page
from leadpact.team.models import User
from tests.cast import Cast


@page(roles=MANAGERS)
def managers_only(request: HttpRequest) -> HttpResponse:
    """A page that writes an instant."""
    return HttpResponse(formats.instant(0, now=0))


@page(roles=EVERYONE)
def refuses(request: HttpRequest) -> HttpResponse:
    """A page that cannot do it."""
    raise CannotDo("Somebody was faster.")


def ask(view: Callable[..., Any], user: Any, method: str = "get", **more: Any) -> Any:
    """Call a view as somebody."""
    request = getattr(RequestFactory(), method)("/somewhere/", **more)
    request.user = user
    request.session = {}
    request._messages = CookieStorage(request)
    return view(request)


def test_strangers_log_in_first_and_return() -> None:
    answer = ask(managers_only, AnonymousUser())
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/login/?next=%2Fsomewhere%2F")
    part = ask(managers_only, AnonymousUser(), headers={"hx-request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (204, "/accounts/login/?next=%2Fsomewhere%2F")


def test_roles_hold_and_the_zone_is_the_readers(people: Cast) -> None:
    assert ask(managers_only, people.cleo).status_code == 403
    people.ada.timezone = "Asia/Tokyo"
    assert ask(managers_only, people.ada).content == b"today 09:00"
    people.ada.timezone = "Mars/Olympus"
    assert ask(managers_only, people.ada).content == b"today 00:00"


def test_a_method_that_is_not_served(people: Cast) -> None:
    view = page(methods=("POST",))(lambda _request: HttpResponse())
    assert ask(view, people.ada).status_code == 405


def test_a_refusal_is_a_notice_where_the_form_stood(people: Cast) -> None:
    answer = ask(refuses, people.cleo, "post", headers={"referer": "http://testserver/inbox/?sort=due"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox/?sort=due")
    direct = ask(refuses, people.cleo)
    assert direct.status_code == 409
    assert b"Somebody was faster." in direct.content


@pytest.mark.parametrize(
    "wrong", ["https://ferro.example/", "//ferro.example", "javascript:alert(1)", "/\\ferro.example"]
)
def test_forms_return_to_no_other_host(wrong: str) -> None:
    assert back(RequestFactory().post("/x/", {"next": wrong}), "/safe/") == "/safe/"
    assert back(RequestFactory().post("/x/", headers={"referer": wrong}), "/safe/") == "/safe/"


def test_an_unknown_role_is_a_mistake_of_the_code() -> None:
    with pytest.raises(ValueError, match="boss"):
        page(roles={"boss"})


PAGES = ["/", "/search?q=northwind", "/team/", "/team/me/", "/gallery/", "/team/keys/", "/team/invite/"]


def test_no_page_breaks_its_own_policy(operations: User, enter: Callable[[User], Client]) -> None:
    browser = enter(operations)
    for address in PAGES:
        answer = browser.get(address)
        assert answer.status_code == 200, address
        policy, text = answer.headers["Content-Security-Policy"], answer.content.decode()
        assert "unsafe" not in policy
        assert ' style="' not in text, address
        assert "<style" not in text, address
        assert "<script>" not in text, address
        assert " onclick=" not in text, address
        assert "http://" not in text.replace("http://www.w3.org/", "").replace("http://testserver", ""), address


@pytest.mark.parametrize(
    ("who", "rooms"),
    [
        ("cleo", ["Home", "Inbox", "Agreement", "Tracking", "Capture", "Team"]),
        ("ada", ["Home", "Inbox", "Pool", "Agreement", "Review", "Tracking", "Capture", "Team"]),
    ],
)
def test_navigation_is_by_role(people: Cast, enter: Callable[[User], Client], who: str, rooms: list[str]) -> None:
    answer = enter(getattr(people, who)).get("/team/me/")
    assert [item["label"] for item in answer.context["items"]] == rooms


def test_the_gallery_is_for_operations(people: Cast, enter: Callable[[User], Client]) -> None:
    assert enter(people.bo).get("/gallery/").status_code == 403
