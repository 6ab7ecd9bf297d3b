"""A manager who takes leads sees in the pool whom Marketing holds, and nothing that moves with a verdict."""

from __future__ import annotations

import pytest
from django.test import Client

from leadpact.capture.actions import intake
from leadpact.custody.models import Holding
from leadpact.kit import clock
from leadpact.leads.models import Lead
from leadpact.site.tests.conftest import BACKEND
from leadpact.team.models import User
from tests.cast import DAY, HOUR, Cast, touch

ADDRESS = "/nurturing/"
HIDDEN = (
    "Sales-ready, waiting", "Withering", "Resting", "growing", "resting", "To mend", "Points missing", "next touch",
    "touch every", "wither", "met the agreement", "prospect", "marketing · ",
)  # fmt: skip
STATES = ("prospect", "lead", "resting", "repair", "new")


def browser(user: User) -> Client:
    one = Client()
    one.force_login(user, backend=BACKEND)
    return one


@pytest.fixture
def bo(cast: Cast) -> Client:
    """A manager of Sales, to whom leads can be routed."""
    cast.bo.takes_leads = True
    cast.bo.save()
    return browser(cast.bo)


@pytest.fixture
def lead(cast: Cast) -> int:
    """Somebody whom Marketing holds, with a clock."""
    intake([touch("page.viewed", at=clock.now() - HOUR, email="p1@c1.example")], known_at=clock.now() - HOUR)
    held = Holding.objects.get()
    assert held.holder == "marketing"
    return held.lead_id


def main(told: str) -> str:
    """The page without the frame around it, whose words are the same for everybody."""
    return told.split("<main", 1)[-1].split("</main>", 1)[0]


def test_the_pool_is_the_same_in_every_state(bo: Client, lead: int) -> None:
    seen: dict[str, set[str]] = {"": set(), "?format=csv": set(), "?sort=state": set(), "?sort=-near": set()}
    for state in STATES:
        Holding.objects.filter(pk=lead).update(
            state=state, verdict="sales_ready" if state == "lead" else "prospect", since=clock.now() - DAY,
            due=clock.now() - HOUR, due_what="touch_every",
        )  # fmt: skip
        for ending, pages in seen.items():
            answer = bo.get(ADDRESS + ending)
            assert answer.status_code == 200
            told = main(answer.content.decode())
            assert "p1@c1.example" in told
            assert [one for one in HIDDEN if one in told] == [], (state, ending)
            pages.add(told)
    assert {ending: len(told) for ending, told in seen.items()} == dict.fromkeys(seen, 1)


def test_views_and_filters_are_refused(cast: Cast, bo: Client, lead: int) -> None:
    ada = browser(cast.ada)
    for asked in ("view=growing", "view=late", "view=resting", "view=repair", "view=waiting", "state=lead"):
        assert bo.get(f"{ADDRESS}?{asked}").status_code == 403, asked
        assert bo.get(f"{ADDRESS}?{asked}&format=csv").status_code == 403, asked
        assert ada.get(f"{ADDRESS}?{asked}").status_code == 200, asked
    told = ada.get(ADDRESS).content.decode()
    assert "Sales-ready, waiting" in told
    assert "Points missing" in told
    assert Lead.objects.get().pk == lead


def test_pages_of_one_lead_are_the_same_in_both_states(cast: Cast, lead: int) -> None:
    """A manager of Marketing who takes leads: the lead, the search, the account."""
    cast.ada.takes_leads = True
    cast.ada.save()
    ada = browser(cast.ada)
    account = Lead.objects.get().person.account_id
    addresses = [f"/leads/{lead}/", "/search?q=p1@", *([f"/leads/accounts/{account}/"] if account else [])]
    seen: dict[str, set[str]] = {one: set() for one in addresses}
    for state in ("prospect", "lead"):
        Holding.objects.filter(pk=lead).update(
            state=state, verdict="sales_ready" if state == "lead" else "prospect", since=clock.now() - DAY,
            due=clock.now() + DAY, due_what="touch_every",
        )  # fmt: skip
        for address in addresses:
            answer = ada.get(address)
            assert answer.status_code == 200, address
            told = main(answer.content.decode())
            assert "p1@c1.example" in told, address
            seen[address].add("\n".join(line for line in told.splitlines() if "csrfmiddlewaretoken" not in line))
    assert {one: len(told) for one, told in seen.items()} == dict.fromkeys(addresses, 1)
