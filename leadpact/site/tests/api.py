"""What tests of the REST API share: a program with a key, a company, leads that came in just now."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from leadpact.capture.actions import intake
from leadpact.kit import clock
from leadpact.leads.models import Lead
from leadpact.team.actions import keys
from leadpact.team.models import User
from tests.cast import DAY, HOUR, Cast, make_cast, sign, touch, traits

FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})
PROBLEM = "application/problem+json"


class Caller:
    """A program with a key: `get` and `post` give status and JSON, and check the form of every error."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.browser = Client(raise_request_exception=False)

    def get(self, address: str, **parameters: object) -> tuple[int, Any]:
        return self._told(self.browser.get(f"/api/v1/{address}", parameters, headers=self._headers()))

    def post(self, address: str, body: object = None, *, once: str = "") -> tuple[int, Any]:
        return self._told(self.raw(address, json.dumps(body) if body is not None else "", once=once))

    def raw(self, address: str, body: str, *, once: str = "") -> Any:
        headers = self._headers() | ({"Idempotency-Key": once} if once else {})
        return self.browser.post(f"/api/v1/{address}", body, content_type="application/json", headers=headers)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    @staticmethod
    def _told(answer: Any) -> tuple[int, Any]:
        found = answer.json()
        if answer.status_code >= 400:
            check_problem(answer, found)
        return answer.status_code, found


def check_problem(answer: Any, found: Any) -> None:
    assert answer.headers["Content-Type"] == PROBLEM
    assert found["status"] == answer.status_code
    assert found["type"] == f"urn:leadpact:problem:{found['code']}"
    assert found["title"]
    assert found["detail"]


def company() -> Cast:
    """The cast, with the example in force for a month."""
    people = make_cast()
    sign(people, at=clock.now() - 30 * DAY)
    return people


def key(user: User | None = None, *scopes: str) -> str:
    return keys.create_key(name="warehouse", scopes=scopes or ("read", "write"), user=user, by=None, at=clock.now())


def ready(name: str = "vera", *, ago: int = 2 * HOUR) -> int:
    """A demo request: offered to Sales at once."""
    at = clock.now() - ago
    email = f"{name}@{name}.example"
    intake([touch("demo.requested", at=at, email=email, account=FIT)], known_at=at)
    return Lead.objects.get(person__email=email).pk


def looked(name: str, *, ago: int = 2 * HOUR) -> int:
    """A look at a page: Marketing keeps it."""
    at = clock.now() - ago
    intake([touch("page.viewed", at=at, email=f"{name}@{name}.example", path="/pricing")], known_at=at)
    return Lead.objects.get(person__email=f"{name}@{name}.example").pk


def holder_of(lead: int) -> User:
    found = Lead.objects.get(pk=lead).holding.salesperson
    assert found is not None
    return found
