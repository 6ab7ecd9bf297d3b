"""Traits by whose they are: completed, cut to what their columns hold, and parted into person, account and lead."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from leadpact.capture.rules.address import company_domain
from leadpact.capture.rules.arrival import Traits
from leadpact.capture.rules.values import cell_of
from leadpact.language.fold import Cell

LIMITS: Final = MappingProxyType(
    {
        "person.name": 300,
        "person.title": 300,
        "person.phone": 40,
        "account.name": 300,
        "lead.source": 60,
        "lead.campaign": 200,
    }
)
"""Widths of the columns that hold these beside the traits."""


def fit(value: object, most: int) -> str:
    """The text, trimmed and cut; empty for what is no text. Raises ValueError for a NUL."""
    if not isinstance(value, str):
        return ""
    if "\0" in value:
        raise ValueError("text holds a NUL character")
    return value.strip()[:most]


def complete(raw: dict[str, Any], cells: dict[str, Cell]) -> None:
    """Add a name from its two halves; cut texts to what their columns hold."""
    if "person.name" not in raw:
        halves = [raw[half] for half in ("person.first_name", "person.last_name") if isinstance(raw.get(half), str)]
        if halves:
            raw["person.name"] = " ".join(half.strip() for half in halves)
            found = cell_of(raw["person.name"])
            if found is not None:
                cells["person.name"] = found
    for name, most in LIMITS.items():
        value = raw.get(name)
        if isinstance(value, str) and len(value) > most:
            raw[name] = fit(value, most)


def domain_in(raw: Mapping[str, Any]) -> str | None:
    """The company's domain that the traits name themselves."""
    for name in ("account.domain", "account.website"):
        said = raw.get(name)
        if isinstance(said, str):
            found = company_domain(said)
            if found is not None:
                return found
    return None


def parted(raw: Mapping[str, Any], cells: Mapping[str, Cell]) -> tuple[Traits, Traits, Traits]:
    """What is said of the person, of the account and of the lead."""
    return _of("person.", raw, cells), _of("account.", raw, cells), _of("lead.", raw, cells)


def _of(prefix: str, raw: Mapping[str, Any], cells: Mapping[str, Cell]) -> Traits:
    return Traits(
        {name: value for name, value in raw.items() if name.startswith(prefix)},
        {name: value for name, value in cells.items() if name.startswith(prefix)},
    )
