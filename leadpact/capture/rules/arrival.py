"""One thing that came in, whatever the way: parsed, bounded and folded, not yet tied to anybody.

Structs, not dataclasses: a frozen dataclass of sixteen fields takes fifteen times as long to make, and each event makes several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct, field

from leadpact.language.fold import Cell


class TouchData(Struct, frozen=True, gc=False):
    """The touch of an arrival. `automated`: seen at the door to be a machine's. `user_id`: ours who made it."""

    kind: str
    channel: str = ""
    campaign: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    cells: Mapping[str, Cell] = field(default_factory=dict)
    automated: bool = False
    user_id: int | None = None


class Traits(Struct, frozen=True, gc=False):
    """What an arrival says of a person, an account or a lead: raw values by full field name ("person.title")
    and the same folded. Raw `None` withdraws nothing: it is left out at the door.
    """

    raw: Mapping[str, Any] = field(default_factory=dict)
    cells: Mapping[str, Cell] = field(default_factory=dict)


NOTHING = Traits()


class Arrival(Struct, frozen=True, gc=False):
    """An arrival. At least one of email, user_id, anonymous_id is given. The e-mail is folded; ids keep their case,
    because many systems tell `aB3` from `ab3`, and two people must never become one.

    message: 16 bytes, unique for ever (BLAKE2b of key and message id). at: when it happened, never after known_at.
    trusted: from a server key, an import or a user; a public key's arrival only claims: it never overwrites a known
    value, clears an opt-out, ties an id that is tied, nor verifies an address.
    source: reporting channel of a lead that this arrival creates. sourced_by: marketing, sales or referral.
    owner_id: the salesperson whose own prospect it is (sourced_by sales).
    """

    message: bytes
    at: int
    email: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    touch: TouchData | None = None
    person: Traits = NOTHING
    account: Traits = NOTHING
    lead: Traits = NOTHING
    account_domain: str | None = None
    trusted: bool = True
    source: str = ""
    campaign: str = ""
    sourced_by: str = "marketing"
    owner_id: int | None = None
    opted_out: bool | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: arrivals taken, repeats of messages taken before, leads created, leads judged, hand-overs."""

    taken: int
    repeated: int
    created: int
    judged: int
    handed_over: int
    lead_ids: tuple[int, ...] = ()
