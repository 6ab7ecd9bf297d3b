"""The one folding of text, and what numbers and booleans can be read from it.

Everything that engines compare goes through `cell` once, when data comes in; after that they
compare bytes and integers, so that PostgreSQL, DuckDB, Spark and the reference cannot disagree
about what a capital letter is. Nothing in SQL ever folds.

What breaks if this file changes: every stored cell. A change here needs a new folding of all data
and a new `UNICODE_VERSION` check, because signed agreements hold folded constants.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

UNICODE_VERSION: Final = unicodedata.unidata_version
"""The version of the Unicode tables that this Python folds with. Recorded with stored data."""

NUMBER_PLACES: Final = 6
WHOLE_DIGITS: Final = 12
_REPEATS: Final = 256
"""Texts up to here come again and again, so what is made of them is remembered."""

_NUMBER = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]+))?|\.([0-9]+))", re.ASCII)
_ASCII_WORD = re.compile(r"[0-9a-z]+")
_TRUTHS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class _WordMap(dict[int, str]):
    """Code point → itself inside a word, a blank outside. Fills itself as text is met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        kept = char if unicodedata.category(char)[0] in "LMN" else " "
        self[code] = kept
        return kept


_WORD_MAP = _WordMap()


def fold(text: str) -> str:
    """The text in the one form that is compared: NFKC, casefold, white space to single blanks, trimmed.

    Folding twice changes nothing: normalising can undo casefolding for a few letters (and the other way round), so
    both are repeated until the text stands still.

    Raises ValueError for NUL and for lone surrogates, which no database column can hold.
    """
    if "\0" in text:
        raise ValueError("text holds a NUL character")
    if text.isascii():
        return " ".join(text.lower().split())
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as problem:
        raise ValueError("text holds half of a surrogate pair") from problem
    folded = text
    while True:
        again = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
        if again == folded:
            return " ".join(folded.split())
        folded = again


def words(folded: str) -> str:
    """The words of folded text as `" w1 w2 "`, so that `has_word` looks for `" w "`.

    A word is a run of letters, marks and digits (Unicode categories L*, M*, N*). Text without words gives a
    single blank, in which no word is found.
    """
    if folded.isascii():
        parts = _ASCII_WORD.findall(folded)
    else:
        parts = folded.translate(_WORD_MAP).split(" ")
        parts = [part for part in parts if part]
    return f" {' '.join(parts)} " if parts else " "


def number(folded: str) -> int | None:
    """A decimal number, scaled by one million; None where the text is not one.

    Read are an optional sign, ASCII digits, and optionally a point followed by digits: `12`, `-3.5`, `+0.25`,
    `.5`. Leading zeros, and zeros at the end of the fraction, do not count; what remains may have 12 digits before
    the point and 6 after it (18 in all, so that the scaled number fits a 64-bit integer). Not read: `1,200`, `1 200`,
    `5.`, `1e3`, `20%`, `€5`, digits of other scripts that folding leaves as they are.
    """
    match = _NUMBER.fullmatch(folded)
    if match is None:
        return None
    sign, whole, fraction, bare_fraction = match.groups()
    whole = (whole or "").lstrip("0")
    fraction = (fraction or bare_fraction or "").rstrip("0")
    if len(whole) > WHOLE_DIGITS or len(fraction) > NUMBER_PLACES:
        return None
    scaled = int((whole + fraction.ljust(NUMBER_PLACES, "0")) or "0")
    return -scaled if sign == "-" else scaled


def truth(folded: str) -> bool | None:
    """`true yes 1` and `false no 0` as booleans; None for every other text."""
    return _TRUTHS.get(folded)


@dataclass(frozen=True, slots=True)
class Cell:
    """One known value in the forms that tests read. All None means unknown.

    text: folded text. number: scaled by one million. truth: the boolean. The form `words` is made from the text.
    """

    text: str | None = None
    number: int | None = None
    truth: bool | None = None

    @property
    def words(self) -> str | None:
        """The text as `" w1 w2 "` for `has_word`; None when unknown."""
        return None if self.text is None else words(self.text)

    @property
    def known(self) -> bool:
        """Whether there is a value at all."""
        return self.text is not None


UNKNOWN: Final = Cell()


def cell(value: object) -> Cell:
    """The cell of a value that came in: text, int, float, Decimal, bool, date, datetime or None.

    A value gives the same cell as its text would, so a column read as text and one read with types agree:
    True is `true` (and has no number, as the text has none); 1 is `1`, a number and also true; 200.0 is `200`;
    a float is rounded to six places, for what lies behind them is noise of the binary form; NaN and infinity are
    unknown; a datetime is its UTC instant in ISO form, without an offset taken as UTC.

    Raises ValueError for text that `fold` refuses, TypeError for values of other types.
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, Cell):
        return value
    folded = fold(value) if isinstance(value, str) else _text(value)
    if not folded:
        return UNKNOWN
    return Cell(folded, number(folded), truth(folded))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _decimal_text(round(Decimal(repr(value)), NUMBER_PLACES)) if abs(value) < 1e18 else _large_text(value)
    if isinstance(value, Decimal):
        return _decimal_text(value) if value.is_finite() else ""
    if isinstance(value, datetime):
        instant = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return instant.isoformat().casefold()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a value of type {type(value).__name__} is not text, a number, a boolean or a date")


def _large_text(value: float) -> str:
    """Floats past every readable number keep only their text; NaN and infinity have none."""
    finite = value - value == 0
    return _decimal_text(Decimal(repr(value))) if finite else ""


def _decimal_text(value: Decimal) -> str:
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


@lru_cache(maxsize=65_536)
def _short_words(folded: str) -> str:
    return words(folded)


def cell_to_json(value: Cell) -> dict[str, str | int | bool]:
    """The cell for a JSON column: keys t, n, b where known, and w where the words are not just the text in blanks."""
    out: dict[str, str | int | bool] = {}
    if value.text is None:
        return out
    out["t"] = value.text
    if value.number is not None:
        out["n"] = value.number
    if value.truth is not None:
        out["b"] = value.truth
    spaced = _short_words(value.text) if len(value.text) <= _REPEATS else words(value.text)
    if spaced != f" {value.text} ":
        out["w"] = spaced
    return out


def cell_from_json(stored: Mapping[str, object]) -> Cell:
    """The cell that `cell_to_json` wrote. `w` is not read: it follows from the text.

    Raises ValueError where a key holds the wrong type.
    """
    text, scaled, boolean = stored.get("t"), stored.get("n"), stored.get("b")
    if text is not None and not isinstance(text, str):
        raise ValueError("t of a stored cell is text")
    if scaled is not None and (not isinstance(scaled, int) or isinstance(scaled, bool)):
        raise ValueError("n of a stored cell is an integer")
    if boolean is not None and not isinstance(boolean, bool):
        raise ValueError("b of a stored cell is a boolean")
    return Cell(text, scaled, boolean)
