"""What people write beside an entry, sealed under the key of the person it is about.

The ledger holds a commitment (HMAC-SHA-256 of the words under a random salt of 32 bytes); the side table holds salt
and words, sealed with AES-256-GCM. Erasing a person destroys the key, and with it salt and words: what stays is
a commitment that nobody can open or guess, and the chain still verifies.
"""

from __future__ import annotations

import hashlib
import hmac
import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
CHANCE = 32 + _NONCE


def _key(secret: bytes) -> bytes:
    if not secret:
        raise ValueError("this person was erased: there is no key to seal words with")
    return hashlib.sha256(b"leadpact words 1\x00" + secret).digest()


def _bound_to(lead_id: int, seq: int) -> bytes:
    """Ties sealed words to their entry, so that a row moved to another entry does not open."""
    return f"{lead_id}:{seq}".encode()


def seal(note: str, *, secret: bytes, lead_id: int, seq: int, chance: bytes) -> tuple[bytes, bytes]:
    """Returns (commitment, sealed words). `chance`: CHANCE fresh random bytes, for salt and nonce, never used twice.

    Raises ValueError where the person's key was destroyed.
    """
    salt, nonce = chance[:-_NONCE], chance[-_NONCE:]
    commitment = hmac.digest(salt, note.encode(), "sha256")
    text = json.dumps([salt.hex(), note]).encode()
    return commitment, nonce + AESGCM(_key(secret)).encrypt(nonce, text, _bound_to(lead_id, seq))


def unseal(sealed: bytes, *, secret: bytes, lead_id: int, seq: int, commitment: bytes) -> str | None:
    """The words, or None where the key is gone, is another, or the words are not those that were committed to."""
    if not secret or len(sealed) <= _NONCE:
        return None
    try:
        text = AESGCM(_key(secret)).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound_to(lead_id, seq))
    except InvalidTag:
        return None
    salt, note = json.loads(text)
    kept = hmac.digest(bytes.fromhex(salt), note.encode(), "sha256")
    return note if hmac.compare_digest(kept, commitment) else None
