"""The named cast, and a company with a signed agreement, for tests that cross rooms."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from pathlib import Path

from leadpact.agreement import actions as agreement
from leadpact.capture.rules.arrival import Arrival, TouchData, Traits
from leadpact.language.fold import cell
from leadpact.team.models import User

EXAMPLE = Path(__file__).parents[1] / "leadpact" / "language" / "example.yaml"
T0 = 1_780_000_000_000_000  # Thursday 28 May 2026, 20:26:40 UTC: an open hour in Chicago
HOUR = 3_600_000_000
DAY = 24 * HOUR
_numbers = count()


@dataclass(frozen=True)
class Cast:
    """Ada heads Marketing, Bo heads Sales; Cleo and Dara sell; Eli owns the catch-all queue."""

    ada: User
    bo: User
    cleo: User
    dara: User
    eli: User


def make_cast() -> Cast:
    """The five of them, with passwords equal to their names."""

    def person(name: str, role: str, department: str, **more: object) -> User:
        return User.objects.create_user(
            f"{name.lower()}@northwind.example", name, name=name, role=role, department=department, **more
        )

    return Cast(
        ada=person("Ada", "manager", "marketing"),
        bo=person("Bo", "manager", "sales"),
        cleo=person("Cleo", "salesperson", "sales", takes_leads=True),
        dara=person("Dara", "salesperson", "sales", takes_leads=True),
        eli=person("Eli", "salesperson", "sales", is_catch_all=True),
    )


def sign(cast: Cast, *, at: int = T0, source: str | None = None) -> int:
    """Draft, propose and sign by both; in force from `at`. Returns the version's number."""
    version = agreement.draft(source=source or EXAMPLE.read_text(encoding="utf-8"), by=cast.ada, at=at)
    agreement.propose(number=version.number, by=cast.ada, at=at)
    agreement.sign(number=version.number, by=cast.ada, at=at)
    agreement.sign(number=version.number, by=cast.bo, at=at)
    return version.number


def message() -> bytes:
    """A message id that was never used before."""
    return blake2b(str(next(_numbers)).encode(), digest_size=16).digest()


def traits(**raw: object) -> Traits:
    """Traits with full names: traits(**{"account.industry": "Logistics"})."""
    return Traits(raw=raw, cells={name: cell(value) for name, value in raw.items()})


def touch(
    kind: str, *, at: int, email: str | None = None, anonymous_id: str | None = None, user_id: str | None = None,
    person: Traits | None = None, account: Traits | None = None, lead: Traits | None = None, **properties: object,
) -> Arrival:  # fmt: skip
    """An arrival of a touch, as the tracking API makes it."""
    domain = email.partition("@")[2] if email else None
    return Arrival(
        message=message(), at=at, email=email, anonymous_id=anonymous_id, user_id=user_id,
        touch=TouchData(
            kind=kind, channel="web", properties=properties, cells={name: cell(value) for name, value in properties.items()}
        ),
        person=person or Traits(), account=account or Traits(), lead=lead or Traits(),
        account_domain=None if domain in {None, "gmail.com"} else domain, source="website",
    )  # fmt: skip
