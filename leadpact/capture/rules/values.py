"""Values of traits and properties: nested objects made flat, bounded, kept as they came and folded for comparing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from leadpact.capture.rules.names import LONGEST_NAME, snake
from leadpact.language.fold import Cell, cell

MOST_VALUES: Final = 255
DEEPEST: Final = 5
MOST_ITEMS: Final = 100
LONGEST_TEXT: Final = 8_192
_REPEATS: Final = 256
"""Texts up to here come again and again, so their cells are remembered."""


class Unbounded(ValueError):
    """A value, or a set of them, beyond what is taken; the message is a sentence for the caller."""


@lru_cache(maxsize=65_536, typed=True)
def _short_cell(value: str | float) -> Cell | None:
    # typed: to an untyped cache 1, 1.0 and True are one key, to the language they are not.
    return _known(cell(value))


def cell_of(value: object) -> Cell | None:
    """The cell of a value; None where it has none that can be compared (objects, lists of objects, null).

    A list of plain values is compared as its values joined by commas, so that `has_word` finds one of them.
    Raises ValueError for text that no database can hold.
    """
    if isinstance(value, str):
        return _short_cell(value) if len(value) <= _REPEATS else _known(cell(value))
    if isinstance(value, bool | int | float):
        return _short_cell(value)
    if isinstance(value, list) and value and all(isinstance(item, str | int | float) for item in value):
        return _known(cell(", ".join(item if isinstance(item, str) else str(item) for item in value)))
    return None


def _known(found: Cell) -> Cell | None:
    return found if found.text is not None else None


def flatten(
    values: Mapping[str, Any],
    name_of: Callable[[str], str] | None = None,
    *,
    what: str,
    raw: dict[str, Any],
    cells: dict[str, Cell],
    prefix: str = "",
    depth: int = 1,
) -> None:
    """Put each value into `raw` and `cells` under the name that `name_of` gives to its dotted path, or under that path.

    Nulls and names without letters are left out. Raises Unbounded, and ValueError for text that no database can hold.
    """
    for key, value in values.items():
        if value is None:
            continue
        plain = snake(key)
        if not plain:
            continue
        path = prefix + plain
        if isinstance(value, dict):
            if depth >= DEEPEST:
                raise Unbounded(f"{what} are nested deeper than {DEEPEST} levels")
            flatten(value, name_of, what=what, raw=raw, cells=cells, prefix=path + ".", depth=depth + 1)
            continue
        name = name_of(path) if name_of is not None else path
        if not name:
            continue
        if len(name) > LONGEST_NAME:
            raise Unbounded(f"a name among the {what} is longer than {LONGEST_NAME} characters")
        # A short text is checked by folding it.
        raw[name] = value if type(value) is str and len(value) <= _REPEATS else checked(value, what=what)
        found = cell_of(value)
        if found is not None:
            cells[name] = found
    if len(raw) > MOST_VALUES:
        raise Unbounded(f"there are more than {MOST_VALUES} {what}")


def checked(value: object, *, what: str, depth: int = 0) -> object:
    """The value itself, where it is within bounds and a database can hold it. Raises Unbounded and ValueError."""
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise Unbounded(f"a text among the {what} is longer than {LONGEST_TEXT:,} characters")
        if "\0" in value:
            raise ValueError("text holds a NUL character")
        return value
    if value is None or isinstance(value, bool | int | float):
        return _checked_number(value, what)
    if depth > DEEPEST:
        raise Unbounded(f"{what} are nested deeper than {DEEPEST} levels")
    if isinstance(value, list):
        if len(value) > MOST_ITEMS:
            raise Unbounded(f"a list among the {what} has more than {MOST_ITEMS} items")
        return [checked(item, what=what, depth=depth + 1) for item in value]
    if isinstance(value, dict):
        return {str(checked(key, what=what)): checked(item, what=what, depth=depth + 1) for key, item in value.items()}
    raise Unbounded(f"a value among the {what} is neither text, number, boolean, list nor object")


def _checked_number(value: float | None, what: str) -> float | None:
    if isinstance(value, int) and abs(value) >= 1 << 127:
        raise Unbounded(f"a number among the {what} is too large")
    if isinstance(value, float) and not math.isfinite(value):
        raise Unbounded(f"a number among the {what} is not finite")
    return value
