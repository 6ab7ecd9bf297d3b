"""Attributes that leadpact knows by name: how to say them, and which of them hold domains.

Any `person.…`, `account.…` or `lead.…` name is legal in an agreement. Known names are read aloud better, and a name
that is nearly a known one earns a warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SCOPES: Final = ("person", "account", "lead")
ACTIVE_PEOPLE: Final = "account.active_people"
DOMAIN_FIELDS: Final = frozenset({"person.email_domain", "account.domain"})
"""Fields whose `in` lists match subdomains too."""


@dataclass(frozen=True, slots=True)
class Field:
    """`noun` names the value ("the account's industry"); `yes` and `no` say a boolean as a sentence where it is one."""

    id: str
    noun: str
    yes: str = ""
    no: str = ""


def _of(scope: str, name: str, noun: str, yes: str = "", no: str = "") -> Field:
    owner = {"person": "the person's", "account": "the account's", "lead": "the lead's"}[scope]
    return Field(f"{scope}.{name}", noun if noun.startswith("the ") else f"{owner} {noun}", yes, no)


_ALL: Final = (
    _of("person", "email", "e-mail address"),
    _of("person", "email_domain", "e-mail domain"),
    _of("person", "name", "name"),
    _of("person", "first_name", "first name"),
    _of("person", "last_name", "last name"),
    _of("person", "title", "job title"),
    _of("person", "role", "role"),
    _of("person", "seniority", "seniority"),
    _of("person", "department", "department"),
    _of("person", "phone", "telephone number"),
    _of("person", "country", "country"),
    _of("person", "city", "city"),
    _of("person", "language", "language"),
    _of(
        "person",
        "opted_out",
        "opt-out",
        "the person has opted out of being contacted",
        "the person has not opted out of being contacted",
    ),
    _of(
        "person",
        "consented",
        "consent",
        "the person has agreed to be contacted",
        "the person has not agreed to be contacted",
    ),
    _of("account", "id", "number"),
    _of("account", "name", "name"),
    _of("account", "domain", "domain"),
    _of("account", "industry", "industry"),
    _of("account", "employees", "number of employees"),
    _of("account", "revenue", "revenue"),
    _of("account", "annual_revenue", "annual revenue"),
    _of("account", "country", "country"),
    _of("account", "region", "region"),
    _of("account", "city", "city"),
    _of("account", "type", "type"),
    _of(
        "account", "customer", "being a customer", "the account is a customer already", "the account is not a customer"
    ),
    _of("account", "technologies", "technologies"),
    _of("account", "owner", "owner"),
    _of("lead", "source", "source"),
    _of("lead", "campaign", "campaign"),
    _of("lead", "medium", "medium"),
    _of("lead", "timeline_months", "the number of months until they want to buy"),
    _of("lead", "budget", "budget"),
    _of("lead", "has_budget", "having a budget", "they have a budget", "they have no budget"),
    _of("lead", "authority", "authority to decide"),
    _of("lead", "need", "need"),
    _of("lead", "product", "product of interest"),
    _of("lead", "value", "expected value"),
    _of("lead", "message", "message"),
)

FIELDS: Final = MappingProxyType({field.id: field for field in _ALL})
"""Field id → Field."""


def noun(field: str) -> str:
    """The field as a noun phrase: known ones from the registry, others from their name."""
    known = FIELDS.get(field)
    if known is not None:
        return known.noun
    scope, _, name = field.partition(".")
    return f"the {scope}'s {name.replace('_', ' ').replace('.', ' ')}"
