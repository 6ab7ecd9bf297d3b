"""Money out of foreign text. Comma or point is decided by the whole column, as day and month are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_MONEY = re.compile(r"(?P<sign>[-+(]?)\s*(?P<body>\d[\d.,'\u2019\s]*|[.,]\d+)\)?")
_AROUND = re.compile(r"[\s\u00a0\u202f]+|[$€£¥]|\b[A-Za-z]{3}\b|R\$|kr\.?")


@dataclass(frozen=True, slots=True)
class Amounts:
    """A column read: text → amount in millionths of the unit, text → why not, and a sentence when one is due."""

    values: dict[str, int]
    bad: dict[str, str]
    notes: tuple[str, ...] = ()


def read_amounts(texts: Iterable[tuple[str, int]], *, column: str) -> Amounts:
    """Read a column's distinct texts as money: `1234.5`, `1,234.50`, `1.234,50`, `€ 300`, `(12.00)`."""
    distinct = [text for text, _ in texts]
    comma = point = 0
    for text in distinct:
        body = _AROUND.sub("", text)
        last_comma, last_point = body.rfind(","), body.rfind(".")
        if last_comma > last_point and (last_point >= 0 or len(body) - last_comma - 1 != 3) and body.count(",") == 1:
            comma += 1
        elif last_point > last_comma and (last_comma >= 0 or len(body) - last_point - 1 != 3) and body.count(".") == 1:
            point += 1
    mark = "," if comma > point else "."
    values: dict[str, int] = {}
    bad: dict[str, str] = {}
    for text in distinct:
        value = amount(text, mark)
        if value is None:
            bad[text] = "it is not an amount"
        else:
            values[text] = value
    notes = (f"{column}: amounts are read with a decimal comma.",) if comma > point else ()
    return Amounts(values, bad, notes)


def amount(text: str, mark: str = ".") -> int | None:
    """One amount in millionths, or None."""
    match = _MONEY.fullmatch(_AROUND.sub("", text.strip()))
    if match is None:
        return None
    body = re.sub(r"['\u2019\s]", "", match["body"]).replace("," if mark == "." else ".", "")
    whole, _, part = body.partition(mark)
    if mark in part or not (whole or part) or len(whole) > 12:
        return None
    value = int(whole or "0") * 1_000_000 + int((part or "0").ljust(6, "0")[:6])
    return -value if match["sign"] in {"-", "("} else value
