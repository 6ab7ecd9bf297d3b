"""What can be wrong with a foreign file: the sentence for the person, and the row that was set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadpact.kit.failures import CannotDo

if TYPE_CHECKING:
    from collections.abc import Sequence


class FileProblem(CannotDo):
    """A file cannot be read as asked. The message says what is wrong and what to do about it."""


class WrongCall(FileProblem):
    """The call is wrong, not the file: an option names what is not there, or says it in a way that is not read."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read. `line` counts physical lines from 1 (rows, for Parquet); `row` is its text."""

    line: int
    reason: str
    row: str


def listed(names: Sequence[str], *, most: int = 12) -> str:
    """Names in one breath: the first of them, and how many more there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
