"""A small company: one of each role, and a browser for each of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from leadpact.team.models import User

PASSWORD = "Slow-paper-mills-1"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
CAST = {
    "ada": ("Ada", "operations", ""),
    "bo": ("Bo", "salesperson", "sales"),
    "cleo": ("Cleo", "marketer", "marketing"),
    "dara": ("Dara", "manager", "sales"),
}


@pytest.fixture(scope="session", autouse=True)
def _static_root() -> None:
    """A server without collected files warns; here warnings are errors."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def cast(db: None) -> dict[str, User]:
    """Ada runs operations, Bo sells, Cleo does marketing, Dara heads Sales."""
    return {
        key: User.objects.create_user(
            f"{key}@northwind.example",
            PASSWORD,
            name=name,
            role=role,
            department=side,
            takes_leads=role == "salesperson",
        )
        for key, (name, role, side) in CAST.items()
    }


@pytest.fixture
def browser(cast: dict[str, User]) -> Callable[[str], Client]:
    """`browser("bo")`: a browser in which Bo is logged in."""

    def of(key: str) -> Client:
        client = Client()
        client.force_login(cast[key], backend=BACKEND)
        return client

    return of
