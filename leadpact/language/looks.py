"""What a text looks like, and what it is: characters that nobody sees, and letters that look like others.

Both departments sign what they read. A character that is not seen, or that turns the order of what is seen, makes the
file say something else than it shows; a Cyrillic `а` in `account` makes a name that nobody's data has. Unicode calls
them format characters (UAX #9, bidirectional controls) and confusables (UTS #39); of the latter the few dozen letters
are listed here that pass for a Latin one in ordinary type.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SEEN: Final = "\n\r\t"
_JOINERS: Final = "\u200c\u200d"
"""Persian, the scripts of India and emoji need them; behind an ASCII letter they do nothing that is seen."""

_LOOKS: Final = str.maketrans(
    # Cyrillic, then Greek, Armenian and old letters of Latin, as they look when small or as capitals.
    "авекмнорстухіјѕһԁԛԝӏѵьαβεικνορτυχγηζօսոհıɡɑ",
    "abekmhopctyxijshdqwlvbabeikvoptuxynzouvhiga",
)
_WORD = re.compile(r"[^\W\d_]+")


def unseen(text: str) -> str:
    """The first character that cannot be seen, turns the order of what is seen, or cannot be kept; empty where all is well.

    Refused are control characters but for blanks and ends of lines, format characters but for joiners where they are
    needed, and halves of surrogate pairs.
    """
    if text.isprintable() and text.isascii():
        return ""
    before = ""
    for char in text:
        if unicodedata.category(char) in {"Cc", "Cf", "Cs"} and char not in _SEEN:
            joins = char in _JOINERS and before and not before.isascii()
            if not joins:
                return char
        before = char
    return ""


def cleared(text: str) -> str:
    """The text without what `unseen` refuses: safe to print, to keep, and to read on with."""
    if not unseen(text):
        return text
    kept: list[str] = []
    for char in text:
        if not unseen((kept[-1] if kept else "") + char):
            kept.append(char)
    return "".join(kept)


def told(char: str) -> str:
    """A character as one can look it up: `U+202E`, with its name where it has one."""
    name = unicodedata.name(char, "")
    return f"U+{ord(char):04X}" + (f" ({name.lower()})" if name else "")


def skeleton(name: str) -> str:
    """Equal for names that look alike: compatibility forms, capitals, accents set apart and borrowed letters undone."""
    return unicodedata.normalize("NFKC", name).casefold().translate(_LOOKS)


def disguised(text: str) -> str:
    """The first word that mixes Latin letters with letters that look like Latin ones; empty where there is none."""
    if text.isascii():
        return ""
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        borrowed = word.translate(_LOOKS)
        strange = any(char != looks and not _latin(char) for char, looks in zip(word, borrowed, strict=True))
        if strange and any(map(_latin, word)):
            return word
    return ""


def _latin(char: str) -> bool:
    return unicodedata.name(char, "").startswith("LATIN")
