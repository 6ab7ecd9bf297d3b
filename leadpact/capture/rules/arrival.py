"""One thing that came in, whatever the way: parsed, bounded and folded, not yet tied to anybody.

Structs, not dataclasses: a frozen dataclass of sixteen fields takes fifteen times as long to make, and each event makes several.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct, field

from leadpact.language.fold import Cell, cell_to_json


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


class Ready(Struct, frozen=True, gc=False):
    """An arrival, and what can be made of it before its transaction begins: others wait while one runs.

    keys: (kind, value) of the identifiers that it names. tells: whether it says anything beside a touch of whom it names.
    copied: the kind of its touch, and its columns from `channel` on, as COPY reads them; empty without one.
    """

    arrival: Arrival
    keys: tuple[tuple[str, str], ...]
    tells: bool
    copied: tuple[str, str]


_REPEATS = 100
"""Texts up to this length come again and again: paths, titles, campaigns."""
_KEYS = ("email", "user_id", "anonymous_id")
_encode = msgspec.json.Encoder().encode


def ready(arrivals: Iterable[Arrival | Ready]) -> list[Ready]:
    """Make arrivals ready; those that are stay as they are."""
    return [one if type(one) is Ready else _ready(one) for one in arrivals]  # type: ignore[arg-type]


def _ready(arrival: Arrival) -> Ready:
    email, user_id, anonymous_id = arrival.email, arrival.user_id, arrival.anonymous_id
    if user_id and not email and not anonymous_id:
        keys: tuple[tuple[str, str], ...] = (("user_id", user_id),)
    else:
        named = zip(_KEYS, (email, user_id, anonymous_id), strict=True)
        keys = tuple([(kind, value) for kind, value in named if value])
    tells = bool(email or arrival.account_domain or arrival.person.cells or arrival.account.cells)
    tells = tells or arrival.opted_out is not None
    touch = arrival.touch
    if touch is None:
        return Ready(arrival, keys, tells, ("", ""))
    by = "\\N" if touch.user_id is None else touch.user_id
    cells = ",".join([f"{_name(name)}:{_cell(value)}" for name, value in touch.cells.items()])
    # JSON has no control characters of its own: of what COPY reads otherwise there are backslashes only.
    told = f"{_encode(touch.properties).decode()}\t{{{cells}}}".replace("\\", "\\\\")
    columns = f"{copied(touch.channel[:60])}\t{copied(touch.campaign[:200])}\t{by}\t{told}"
    return Ready(arrival, keys, tells, (copied(touch.kind), columns))


@lru_cache(maxsize=4_096)
def _name(name: str) -> str:
    return _encode(name).decode()


def _cell(value: Cell) -> str:
    return _short_cell(value) if len(value.text or "") <= _REPEATS else _encode(cell_to_json(value)).decode()


@lru_cache(maxsize=16_384)
def _short_cell(value: Cell) -> str:
    return _encode(cell_to_json(value)).decode()


_COPIED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copied(text: str) -> str:
    """A text as COPY reads it in its text format."""
    return text.translate(_COPIED) if text else text


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: arrivals taken, repeats of messages taken before, leads created, leads judged, hand-overs.

    sample: the message of one that was taken, empty where none was. What is true of it is true of the whole batch.
    """

    taken: int
    repeated: int
    created: int
    judged: int
    handed_over: int
    lead_ids: tuple[int, ...] = ()
    sample: bytes = b""
