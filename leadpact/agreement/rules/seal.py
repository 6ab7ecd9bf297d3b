"""What a signature covers: one hash over everything that its signer saw and stood for.

The bytes are a JSON array in UTF-8 without blanks: the version of this form (1), the effect's number, the hash of the canonical
form, the SHA-256 of the file as written, the instant it was proposed for (null: at once), the department, the signer's number and
the instant of signing. Changing the form means a new number beside this one: old signatures must verify for ever.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

FORM: Final = 1


def seal(
    *, effect: int, agreement_hash: str, source: str, wanted_at: int | None, department: str, signer: int, at: int
) -> str:
    """The seal of a signature: SHA-256, in hex. Instants in microseconds."""
    file = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    told = [FORM, effect, agreement_hash, file, wanted_at, department, signer, at]
    return hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()
