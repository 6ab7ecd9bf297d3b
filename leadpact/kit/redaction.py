"""Names of somebody who is forgotten, inside words that others wrote: taken out where they stand whole, found where a part does."""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "[erased on request]"


def redact(text: str, names: Iterable[str]) -> str:
    """The text without these names, addresses and numbers, wherever they stand whole; longer ones go first."""
    found = _any(names)
    return found.sub(GONE, text) if found else text


def says(text: str, words: Iterable[str]) -> bool:
    """Whether one of these words stands in the text, as a word of its own."""
    found = _any(words)
    return found is not None and found.search(text) is not None


def _any(names: Iterable[str]) -> re.Pattern[str] | None:
    # Blanks between words may be any white space; "Ann" is not in "Annual".
    written = sorted({" ".join(name.split()) for name in names if name.strip()}, key=lambda name: (-len(name), name))
    if not written:
        return None
    each = "|".join(r"\s+".join(re.escape(word) for word in name.split(" ")) for name in written)
    return re.compile(rf"(?<!\w)(?:{each})(?!\w)", re.IGNORECASE)
