"""What is wrong with a file, where, and what was probably meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from rapidfuzz import fuzz, process

ERROR: Final = "error"
WARNING: Final = "warning"
MOST: Final = 1_000
"""So many problems of one severity are told; whoever has more begins by mending these."""
MORE: Final = "more"
"""The code of the last problem where there are more than that."""
LONGEST: Final = 500
"""Characters of a message, or of what was probably meant."""


class Placed(Protocol):
    """Anything with a place in the file, counted from 1."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A bare place in the file."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong (`error`) or foolish (`warning`) at a place of the file.

    line and column count from 1. `expected` says what could stand there; `nearest` is the nearest known name or the
    corrected text, empty where there is none. `code` names the sort of problem for programs.
    """

    line: int
    column: int
    message: str
    expected: str = ""
    nearest: str = ""
    severity: str = ERROR
    code: str = ""

    def sentence(self) -> str:
        """The problem as one line of text, without its place."""
        text = self.message
        if self.expected:
            text += f"; expected {self.expected}"
        if self.nearest:
            text += f" (did you mean `{self.nearest}`?)"
        return text


class AgreementErrors(ValueError):  # it holds several
    """The file is no agreement. `problems` are all its errors, in the order of the file."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        self.name = name
        self.problems = problems
        super().__init__("\n".join(f"{name}:{p.line}:{p.column}: {p.sentence()}" for p in problems))


class Problems:
    """Collects what is found, so that reading goes on after an error."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}
        self._counts: Counter[str] = Counter()

    def error(self, place: Placed, message: str, *, expected: str = "", nearest: str = "", code: str = "value") -> None:
        """Note an error."""
        self._note(Problem(place.line, place.column, _cut(message), _cut(expected), _cut(nearest), ERROR, code))

    def warn(
        self, place: Placed, message: str, *, expected: str = "", nearest: str = "", code: str = "foolish"
    ) -> None:
        """Note a warning."""
        self._note(Problem(place.line, place.column, _cut(message), _cut(expected), _cut(nearest), WARNING, code))

    def _note(self, problem: Problem) -> None:
        self._counts[problem.severity] += 1
        if self._counts[problem.severity] <= MOST:
            self._found[problem] = None

    @property
    def failures(self) -> int:
        """How many errors were noted so far: callers compare it before and after to see whether a part was sound."""
        return self._counts[ERROR]

    def of(self, severity: str) -> tuple[Problem, ...]:
        """What was found of one severity, in the order of the file, each once."""
        found = sorted(problem for problem in self._found if problem.severity == severity)
        more = self._counts[severity] - MOST
        if more > 0:
            last = found[-1]
            message = f"{more:,} more {severity}s behind this one are not told before these are mended"
            found.append(Problem(last.line, last.column + 1, message, severity=severity, code=MORE))
        return tuple(found)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def nearest(word: str, known: Iterable[str], *, cutoff: float = 70) -> str:
    """The known name that is most like the word, or nothing where none is like it.

    Case, blanks and hyphens count for nothing, so `Sales Ready` is `sales_ready`.
    """
    plain = _plain(word)
    names = {name: _plain(name) for name in known}
    found = process.extractOne(plain, names, scorer=fuzz.ratio, score_cutoff=cutoff)
    return "" if found is None else str(found[2])


def _plain(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")
