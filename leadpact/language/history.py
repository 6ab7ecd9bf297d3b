"""What is known about leads, as plain data: the input of the reference evaluator.

A *fact* carries two instants: `at`, when it happened, and `known_at`, when we learnt it. A judgement as of an
instant sees a fact when both have passed; windows and fading then look at `at` only. So a judgement about the past
can be repeated for ever: what was learnt later stays out.

Who a touch belongs to is written on the touch (`lead_id`, `person`, `account`) by whoever ties identities: a touch
carries the account that its person has as of the judgement. Units: instants are microseconds since 1970, UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from leadpact.language.fold import UNKNOWN, Cell

ALWAYS: Final = -(2**62)
"""`at` and `known_at` of a value whose beginning nobody recorded: it holds at every instant."""

OWN_FIRST: Final = frozenset(
    {"person.email", "person.email_domain", "person.name", "person.first_name", "person.last_name"}
)
"""Of somebody with two names or addresses (two records that were joined) their own counts, and not the latest."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A value that an attribute has from `at` on, until a later one replaces it. An empty cell takes the value away."""

    field: str
    cell: Cell
    at: int = ALWAYS
    known_at: int = ALWAYS


@dataclass(frozen=True, slots=True)
class Touch:
    """One contact. `person` None: nobody in particular. `account` None: of no account.

    `void_at` is the earliest instant at which we learnt that the touch was withdrawn or automated; the touch counts
    for judgements as of instants before it. `properties` are told by name; a name that is missing is unknown.
    """

    touch_id: str
    lead_id: str
    person: str | None
    account: str | None
    kind: str
    at: int
    known_at: int
    properties: Mapping[str, Cell] = field(default_factory=dict)
    void_at: int | None = None

    def property(self, name: str) -> Cell:
        """The value of a property; unknown when the touch does not have it."""
        return self.properties.get(name, UNKNOWN)

    def learnt_by(self, as_of: int) -> bool:
        """Whether the touch is known as of this instant and still stands, wherever its own `at` lies."""
        return self.known_at <= as_of and (self.void_at is None or self.void_at > as_of)


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead: a person, perhaps of an account, and every value its attributes ever had."""

    lead_id: str
    person: str | None
    account: str | None
    created_at: int
    facts: tuple[Fact, ...] = ()

    def value(self, name: str, as_of: int) -> Cell:
        """The value of an attribute as of an instant; what is said of the account of a lead without one is unknown."""
        if name.startswith("account.") and self.account is None:
            return UNKNOWN
        return self.recorded(name, as_of)

    def recorded(self, name: str, as_of: int) -> Cell:
        """The latest value that had happened and was known, whether or not the lead has an account.

        Two values of the very same instants are told apart by their text, so that the order in which they came in
        has no say.
        """
        standing = [f for f in self.facts if f.field == name and f.at <= as_of and f.known_at <= as_of]
        if not standing:
            return UNKNOWN
        return max(standing, key=lambda f: (f.at, f.known_at, f.cell.text or "")).cell


class History:
    """Leads and touches, found by lead and by account."""

    def __init__(self, leads: Iterable[Lead], touches: Iterable[Touch]) -> None:
        self.leads: tuple[Lead, ...] = tuple(leads)
        self.touches: tuple[Touch, ...] = tuple(touches)
        self._lead = {lead.lead_id: lead for lead in self.leads}
        self._touch = {touch.touch_id: touch for touch in self.touches}
        self._of_lead: dict[str, list[Touch]] = defaultdict(list)
        self._of_account: dict[str, list[Touch]] = defaultdict(list)
        for touch in self.touches:
            self._of_lead[touch.lead_id].append(touch)
            if touch.account is not None:
                self._of_account[touch.account].append(touch)

    def lead(self, lead_id: str) -> Lead:
        """The lead of this id. Raises KeyError when there is none."""
        return self._lead[lead_id]

    def touch(self, touch_id: str) -> Touch:
        """The touch of this id. Raises KeyError when there is none."""
        return self._touch[touch_id]

    def touches_of_lead(self, lead_id: str) -> tuple[Touch, ...]:
        """Every touch of the lead, in no particular order."""
        return tuple(self._of_lead.get(lead_id, ()))

    def touches_of_account(self, account: str) -> tuple[Touch, ...]:
        """Every touch of everyone at the account, in no particular order."""
        return tuple(self._of_account.get(account, ()))
