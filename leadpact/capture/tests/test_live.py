"""The tracking API over real HTTP, called by the client that people run, unmodified."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.live_server_helper import LiveServer
from segment.analytics.client import Client

from leadpact.capture.actions.admit import forget
from leadpact.capture.actions.keys import Made, create_key
from leadpact.kit import clock
from leadpact.leads.models import Identifier, Lead, Person, Touch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server_key(transactional_db: None) -> Iterator[Made]:
    forget()
    yield create_key(name="shop", at=clock.now())
    forget()


@pytest.mark.parametrize("packed", [False, True])
def test_the_python_client_works_by_changing_the_host(live_server: LiveServer, server_key: Made, packed: bool) -> None:
    failures: list[object] = []
    client = Client(
        server_key.secret,
        host=live_server.url,
        gzip=packed,
        on_error=lambda *wrong: failures.append(wrong),
        max_retries=1,
    )
    client.page(anonymous_id="a1", name="Pricing", properties={"url": "https://northwind.example/pricing"})
    client.identify(
        "u1",
        {"email": "ada@northwind.example", "firstName": "Ada", "company": {"name": "Northwind"}},
        anonymous_id="a1",
    )
    client.track("u1", "Demo Requested", {"plan": "gold"}, message_id="m1")
    client.track("u1", "Demo Requested", {"plan": "gold"}, message_id="m1")
    client.group("u1", "northwind.example", {"employees": 300})
    client.screen("u1", name="Start")
    client.alias("a2", "u1")
    client.shutdown()

    assert failures == []
    person = Person.objects.select_related("account").get()
    assert (person.email, person.name, person.email_verified) == ("ada@northwind.example", "Ada", True)
    assert person.account is not None
    assert person.account.domain == "northwind.example"
    assert person.account.cells["account.employees"]["n"] == 300_000_000
    kinds = sorted(Touch.objects.filter(visitor__person=person).values_list("kind", flat=True))
    assert kinds == ["demo.requested", "page.viewed", "screen.viewed"], (
        "the anonymous visit joins; the repeated message does not"
    )
    tied = set(Identifier.objects.filter(visitor__person=person).values_list("kind", "value"))
    assert {("anonymous_id", "a1"), ("anonymous_id", "a2"), ("user_id", "u1")} <= tied
    assert Lead.objects.filter(person=person).count() == 1


def test_a_wrong_key_reaches_the_clients_error_handler(live_server: LiveServer) -> None:
    failures: list[Exception] = []
    client = Client("wrong", host=live_server.url, on_error=lambda problem, _: failures.append(problem), max_retries=1)
    client.track("u1", "x")
    client.shutdown()
    assert "[Segment] wrong_key: The write key is missing, unknown or revoked." in str(failures[0])
