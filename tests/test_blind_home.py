"""Whoever takes leads sees on Home and in Tracking no count that moves otherwise with a blind check than with a hand-over."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from leadpact.agreement.queries import in_force
from leadpact.capture.actions import intake
from leadpact.custody.actions import SYSTEM, NewEntry, record
from leadpact.custody.models import Holding
from leadpact.kit import clock
from leadpact.leads.models import Lead
from leadpact.site.tests.api import Caller, key
from leadpact.site.tests.conftest import BACKEND
from leadpact.team.models import User
from leadpact.tuning.rules import week_start
from tests.cast import DAY, HOUR, T0, Cast, touch, traits

NOW = week_start(T0) + 9 * DAY + 12 * HOUR
STATES = ("prospect", "lead", "resting", "repair")
PAGES = ("/", "/tracking/", "/tracking/?weeks=4")


def browser(user: User) -> Client:
    one = Client()
    one.force_login(user, backend=BACKEND)
    return one


@pytest.fixture
def lead(cast: Cast) -> int:
    """Somebody whom Marketing holds."""
    intake([touch("page.viewed", at=NOW - 2 * HOUR, email="p1@c1.example")], known_at=NOW - 2 * HOUR)
    return Lead.objects.get().pk


def shown(client: Client, address: str) -> str:
    """What a page says and where its links lead, without the frame around it."""
    cache.clear()
    with clock.at(NOW):
        answer = client.get(address)
    assert answer.status_code == 200, address
    told = answer.content.decode().split("<main", 1)[-1].split("</main>", 1)[0]
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", told)


def test_home_is_the_same_in_every_state_of_marketing(cast: Cast, lead: int) -> None:
    seller, open_ = browser(cast.cleo), browser(cast.ada)
    seen: dict[str, set[str]] = {"blind": set(), "open": set()}
    for state in STATES:
        Holding.objects.filter(pk=lead).update(state=state)
        seen["blind"].add(shown(seller, "/"))
        seen["open"].add(shown(open_, "/"))
    assert {who: len(told) for who, told in seen.items()} == {"blind": 1, "open": 4}
    (told,) = seen["blind"]
    assert "Held by Marketing" in told
    assert [
        word for word in ("Prospects", "Nurtured leads", "Resting", "In repair", 'state=prospect"') if word in told
    ] == []
    assert 'href="/tracking/leads/?state=marketing"' in told
    assert "Nurtured leads" in shown(open_, "/")


def after(lead: int, entries: list[NewEntry], reader: User) -> dict[str, str]:
    """The pages of a reader after some entries of the ledger, which are then taken back."""
    with transaction.atomic():
        record(entries, at=NOW - HOUR, follow=False)
        assert Holding.objects.get(pk=lead).state == "offered"
        found = {address: shown(browser(reader), address) for address in PAGES}
        transaction.set_rollback(True)
    return found


def test_a_check_moves_the_same_counts_as_a_hand_over(cast: Cast, lead: int) -> None:
    version = in_force(NOW)
    assert version is not None
    offer = {"salesperson_id": cast.cleo.pk, "due": NOW + HOUR, "due_what": "accept_within"}
    judged = NewEntry(
        lead, "judged", SYSTEM, verdict="sales_ready", agreement=version.hash, due=NOW + HOUR, due_what="touch_every"
    )
    ordinary = [judged, NewEntry(lead, "handed_over", SYSTEM, cause="definition", **offer)]
    check = [NewEntry(lead, "handed_over", SYSTEM, cause="audit", **offer)]
    before = {address: shown(browser(cast.dara), address) for address in PAGES}
    as_ordinary, as_check = after(lead, ordinary, cast.dara), after(lead, check, cast.dara)
    for address in PAGES:
        assert as_check[address] == as_ordinary[address], address
        assert as_check[address] != before[address], "the hand-over is counted"
    # Whoever takes no leads sees what is what.
    assert after(lead, ordinary, cast.ada) != after(lead, check, cast.ada)


def test_the_timeline_of_a_blind_key_tells_neither_state_nor_clock_of_marketings(cast: Cast) -> None:
    fit = traits(**{"account.industry": "Logistics", "account.employees": 900})
    intake([touch("seminar.attended", at=NOW - DAY, email="p2@c2.example", account=fit)], known_at=NOW - DAY)
    intake([touch("demo.requested", at=NOW - HOUR, email="p2@c2.example")], known_at=NOW - HOUR)
    lead = Lead.objects.get().pk
    told = {}
    for who in (cast.cleo, cast.ada):
        status, found = Caller(key(who)).get(f"leads/{lead}/timeline")
        assert status == 200, found
        told[who.name] = [one for one in found["items"] if one["type"] == "custody"]
    blind, open_ = told[cast.cleo.name], told[cast.ada.name]
    mine = [one for one in blind if one["holder"] == "marketing"]
    assert [one["move"] for one in mine] == ["captured"]
    for one in mine:
        assert (one["state"], one["due"], one["due_what"], one["not_before"]) == (None, None, "", None)
    offered = next(one for one in blind if one["holder"] == "sales")
    assert offered["state"] == "offered"
    assert offered["due"] is not None
    assert {one["state"] for one in open_ if one["holder"] == "marketing"} >= {"new"}
