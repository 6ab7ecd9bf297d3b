"""Leads to move and people to move them, without the loop: nothing follows an entry here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from leadpact.custody.actions import without_follower
from leadpact.leads.models import Lead, Person
from leadpact.team.models import User

SECRET = bytes(range(32))
MakeLeads = Callable[[int], list[int]]


@pytest.fixture(autouse=True)
def nothing_follows() -> Iterator[None]:
    """The ledger alone is under test."""
    with without_follower():
        yield


def new_leads(number: int) -> list[int]:
    """So many leads of as many people; their ids, ascending."""
    people = Person.objects.bulk_create(Person(secret=SECRET, created_at=1) for _ in range(number))
    return [lead.pk for lead in Lead.objects.bulk_create(Lead(person=person, created_at=1) for person in people)]


def salespeople() -> tuple[User, User]:
    """Ada and Bo of Sales."""
    return tuple(  # type: ignore[return-value]
        User.objects.create_user(
            f"{name}@northwind.example", name=name.title(), role="salesperson", department="sales", takes_leads=True
        )
        for name in ("ada", "bo")
    )


@pytest.fixture
def leads(db: None) -> MakeLeads:
    """leads(3): three leads."""
    return new_leads


@pytest.fixture
def ada(db: None) -> User:
    """A salesperson."""
    return User.objects.create_user(
        "ada@northwind.example", name="Ada", role="salesperson", department="sales", takes_leads=True
    )


@pytest.fixture
def bo(db: None) -> User:
    """Another salesperson."""
    return User.objects.create_user(
        "bo@northwind.example", name="Bo", role="salesperson", department="sales", takes_leads=True
    )
