"""What people type in by hand: a call, a referral, a business card, a talk at an event, a prospect of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from leadpact.capture.rules.address import BadAddress, company_domain, domain_of_email, email
from leadpact.capture.rules.arrival import Arrival, TouchData
from leadpact.capture.rules.segment import message_key
from leadpact.capture.rules.traits import complete, parted
from leadpact.capture.rules.values import cell_of
from leadpact.language.fold import Cell

MOST_NOTE: Final = 2_000
_MOST: Final = MappingProxyType(
    {"name": 300, "title": 300, "phone": 40, "company": 300, "campaign": 200, "referred_by": 300}
)


@dataclass(frozen=True, slots=True)
class Way:
    """A way in by hand. `says` stands on the button, `source` is the reporting channel of a lead that it makes."""

    key: str
    says: str
    hint: str
    kind: str
    source: str
    sourced_by: str = "marketing"


WAYS: Final = (
    Way("call", "A call", "They called us", "call.received", "phone"),
    Way("card", "A business card", "They gave us their card", "card.received", "event"),
    Way("referral", "A referral", "Somebody sent them to us", "referral.received", "referral", "referral"),
    Way("event", "A talk at an event", "They came to our stand or seminar", "event.visited", "event"),
)
BY_KEY: Final = MappingProxyType({way.key: way for way in WAYS})
OWN: Final = Way("own", "My own prospect", "I found them, and I keep them", "", "sales", "sales")


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of somebody. `once`: the form's own mark, so that sending it twice enters it once."""

    once: str
    name: str = ""
    email: str = ""
    phone: str = ""
    title: str = ""
    company: str = ""
    campaign: str = ""
    referred_by: str = ""
    note: str = ""


class BadCard(ValueError):
    """A card that cannot be taken: `field` is the one to mend, the message is a sentence for who typed it."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def arrival_of(card: Card, way: Way, *, user_id: int, at: int) -> Arrival:
    """The arrival of a card. For one's own prospect there is no touch: nothing has happened yet. Raises BadCard."""
    plain = {
        name: " ".join(getattr(card, name).split())
        for name in ("name", "email", "phone", "title", "company", "campaign", "referred_by")
    }
    for name, most in _MOST.items():
        if len(plain[name]) > most:
            raise BadCard(name, f"At most {most} characters.")
    note = card.note.strip().replace("\r\n", "\n")
    if len(note) > MOST_NOTE:
        raise BadCard("note", f"At most {MOST_NOTE:,} characters.")
    if any("\0" in text for text in (*plain.values(), note)):
        raise BadCard("note", "There is a character that cannot be kept.")
    if not (plain["email"] or plain["phone"] or plain["name"]):
        raise BadCard("email", "Give at least an e-mail address, a telephone number or a name.")
    address = _address(plain["email"])
    raw, cells = _traits(plain)
    person, account, lead = parted(raw, cells)
    return Arrival(
        message=message_key(f"hand {user_id}", card.once),
        at=at,
        email=address,
        # Without an address nobody can be recognised: this card is a person of its own.
        user_id=None if address else f"hand:{message_key('card', card.once).hex()}",
        touch=_touch(way, plain, note, user_id),
        person=person,
        account=account,
        lead=lead,
        account_domain=_domain(plain["company"]) or (domain_of_email(address) if address else None),
        source=way.source,
        campaign=plain["campaign"],
        sourced_by=way.sourced_by,
        owner_id=user_id if way is OWN else None,
    )


def _address(text: str) -> str | None:
    if not text:
        return None
    try:
        return email(text)
    except BadAddress as problem:
        raise BadCard("email", f"This is not an e-mail address: {problem}.") from None


def _traits(plain: dict[str, str]) -> tuple[dict[str, Any], dict[str, Cell]]:
    raw: dict[str, Any] = {f"person.{name}": plain[name] for name in ("name", "title", "phone") if plain[name]}
    if plain["company"] and _domain(plain["company"]) is None:
        raw["account.name"] = plain["company"]
    cells = {name: found for name, value in raw.items() if (found := cell_of(value)) is not None}
    complete(raw, cells)
    return raw, cells


def _domain(company: str) -> str | None:
    """A company typed in as a web address."""
    return company_domain(company) if "." in company and " " not in company else None


def _touch(way: Way, plain: dict[str, str], note: str, user_id: int) -> TouchData | None:
    if not way.kind:
        return None
    properties: dict[str, Any] = {"by_hand": True}
    if note:
        properties["note"] = note
    if plain["referred_by"] and way.key == "referral":
        properties["referred_by"] = plain["referred_by"]
    return TouchData(way.kind, way.source, plain["campaign"], properties, {}, user_id=user_id)
