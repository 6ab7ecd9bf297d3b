"""The chain of hashes: what bytes stand for an entry, and how each covers the one before.

The canonical form of an entry is a JSON array in UTF-8 without blanks, in which only the quotation mark, the reverse
solidus and control characters are escaped (as RFC 8785 has it): the version of this form (1), then the columns of
`COLUMNS` in this order, then the commitment to its words and the hash of the entry before, both in lower-case hex.
Missing values are null, codes that do not apply are "". Instants are microseconds, users and leads are ids: there is
no personal datum in it. The hash is SHA-256 of that; a lead's first entry names `GENESIS` as the one before. Changing
the form means a new version number beside this one, never an edit: old entries must verify for ever.
"""

from __future__ import annotations

import hashlib

import msgspec

GENESIS = bytes(32)
VERSION = 1
COLUMNS = (
    "lead_id",
    "seq",
    "at",
    "move",
    "holder",
    "state",
    "actor",
    "user_id",
    "agreement",
    "reason",
    "verdict",
    "cause",
    "cause_touch",
    "cause_seq",
    "salesperson_id",
    "due",
    "due_what",
    "not_before",
    "value",
    "alternatives",
)

Code = int | str | None
_encode = msgspec.json.Encoder().encode


def canonical(codes: tuple[Code, ...], commitment: bytes | None, previous: bytes) -> bytes:
    """The bytes that stand for an entry. `codes` are the values of COLUMNS in their order."""
    return _encode([VERSION, *codes, commitment.hex() if commitment else None, previous.hex()])


def link(codes: tuple[Code, ...], commitment: bytes | None, previous: bytes) -> bytes:
    """The hash of an entry: 32 bytes."""
    return hashlib.sha256(canonical(codes, commitment, previous)).digest()
