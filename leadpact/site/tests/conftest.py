"""A company and browsers for tests of pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from leadpact.team.models import User
from tests.cast import Cast, make_cast

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture(scope="session", autouse=True)
def _static_root() -> None:
    """A server without collected files warns; here warnings are errors."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def people(db: None) -> Cast:
    """Ada heads Marketing, Bo heads Sales; Cleo and Dara sell; Eli owns the catch-all queue."""
    return make_cast()


@pytest.fixture
def operations(db: None) -> User:
    """Somebody who runs everything."""
    return User.objects.create_user("ops@northwind.example", "Slow-paper-mills-1", name="Ops", role="operations")


@pytest.fixture
def enter() -> Callable[[User], Client]:
    """A browser in which somebody is logged in."""

    def as_(user: User) -> Client:
        browser = Client()
        browser.force_login(user, backend=BACKEND)
        return browser

    return as_
