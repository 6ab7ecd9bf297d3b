"""Search finds by the beginning of addresses and any part of names, as much as its reader may know."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from leadpact.capture.actions import intake
from leadpact.leads.models import Account, Lead, Person
from leadpact.site.search import MOST, find
from leadpact.team.models import User
from tests.cast import T0, Cast, sign, touch


@pytest.fixture
def leads(people: Cast) -> None:
    """Two people of one account, through the loop, and a percent sign in a name."""
    sign(people)
    for email, name in (("ada@ferro.example", "Ada Almeida"), ("bo@ferro.example", "Bo 100% Berg")):
        intake([touch("page.viewed", at=T0, email=email)], known_at=T0)
        Person.objects.filter(email=email).update(name=name)


def test_people_and_accounts(leads: None) -> None:
    found = find("ada@f")
    assert [(one["name"], one["domain"], one["holder"]) for one in found.people] == [
        ("Ada Almeida", "ferro.example", "marketing")
    ]
    assert [one["domain"] for one in find("FERRO").accounts] == ["ferro.example"]
    assert [one["name"] for one in find("meida").people] == ["Ada Almeida"]
    assert [one["name"] for one in find("100%").people] == ["Bo 100% Berg"]
    assert find("%%").total == 0
    assert find("__").total == 0
    assert [str(one) for one in find("Cleo").colleagues] == ["Cleo"]


def test_who_sells_does_not_learn_verdicts_here(leads: None, people: Cast, enter: Callable[[User], Client]) -> None:
    seen = {who: enter(getattr(people, who)).get("/search?q=almeida").content.decode() for who in ("ada", "cleo")}
    assert "With Marketing · " in seen["ada"]
    assert "With Marketing" in seen["cleo"]
    assert "With Marketing · " not in seen["cleo"]


def test_long_lists_are_cut_and_say_so(people: Cast, enter: Callable[[User], Client]) -> None:
    account = Account.objects.create(name="Halden Mills", domain="halden.example", created_at=T0)
    for number in range(MOST + 5):
        person = Person.objects.create(
            email=f"p{number:02}@halden.example",
            name=f"Person {number:02}",
            account=account,
            secret=b"k" * 32,
            created_at=T0,
        )
        Lead.objects.create(person=person, created_at=T0)
    found = find("person")
    assert (len(found.people), found.more) == (MOST, True)
    assert b"only the first 20" in enter(people.ada).get("/search?q=person").content


@pytest.mark.parametrize("query", ["", "a", "\x00\x00", "'; DROP TABLE leads_person; --", "a" * 5000, "\\", "%"])
def test_nothing_breaks_it(people: Cast, enter: Callable[[User], Client], query: str) -> None:
    assert enter(people.ada).get("/search", {"q": query}).status_code == 200
