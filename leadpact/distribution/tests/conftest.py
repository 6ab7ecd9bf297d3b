"""An agreement in force, people who sell, and leads on offer. What follows an answer is the loop's real follower."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from django.db import transaction

from leadpact.custody.actions import SYSTEM, NewEntry, record, without_follower
from leadpact.distribution.actions import choose_salespeople, open_offers
from leadpact.leads.models import Account, Lead, Person
from leadpact.team.models import User
from tests.cast import HOUR, T0, Cast, make_cast, sign

_numbers = count(1)


@pytest.fixture
def cast(db: None) -> Cast:
    """Ada heads Marketing, Bo heads Sales; Cleo and Dara sell; Eli owns the catch-all queue. The example is in force."""
    return company()


def company() -> Cast:
    """The same, for tests without the fixture's transaction."""
    people = make_cast()
    sign(people)
    return people


def new_lead(*, account: Account | None = None, at: int = T0) -> int:
    """A lead that Marketing nurtures."""
    number = next(_numbers)
    person = Person.objects.create(
        email=f"{number}@ferro.example", name=f"Person {number}", account=account, secret=b"k" * 32, created_at=at
    )
    lead = Lead.objects.create(person=person, created_at=at).pk
    with transaction.atomic(), without_follower():
        record(
            [
                NewEntry(lead, "captured", SYSTEM),
                NewEntry(lead, "judged", SYSTEM, verdict="sales_ready", due=at + 700 * HOUR, due_what="touch_every"),
            ],
            at=at,
        )
    return lead


def offer(*leads: int, at: int = T0, due: int = T0 + 4 * HOUR) -> dict[int, int]:
    """Hand leads over as the loop does: routed, recorded, offered. Returns who got which (lead → user)."""
    with transaction.atomic(), without_follower():
        choices = choose_salespeople(lead_ids=leads, at=at)
        recorded = record(
            [
                NewEntry(lead, "handed_over", SYSTEM, cause="definition", salesperson_id=choices[lead].salesperson_id,
                         due=due, due_what="accept_within")
                for lead in leads
            ],
            at=at,
        )  # fmt: skip
        open_offers(recorded=recorded, choices=choices)
    return {entry.lead_id: entry.salesperson_id for entry in recorded}  # type: ignore[misc]


def recall(*leads: int, at: int) -> dict[int, int]:
    """Offers that ran out, as the loop recalls them."""
    with transaction.atomic(), without_follower():
        choices = choose_salespeople(lead_ids=leads, at=at)
        recorded = record(
            [
                NewEntry(
                    lead,
                    "recalled",
                    SYSTEM,
                    salesperson_id=choices[lead].salesperson_id,
                    due=at + HOUR,
                    due_what="accept_within",
                )
                for lead in leads
            ],
            at=at,
        )
        open_offers(recorded=recorded, choices=choices)
    return {entry.lead_id: entry.salesperson_id for entry in recorded}  # type: ignore[misc]


Offered = Callable[..., tuple[int, User]]


@pytest.fixture
def offered(cast: Cast) -> Offered:
    """offered(): a lead on offer, and who it is offered to."""

    def make() -> tuple[int, User]:
        lead = new_lead()
        return lead, User.objects.get(pk=offer(lead)[lead])

    return make
