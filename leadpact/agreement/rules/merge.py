"""Two people changed the same text: put their changes together where they do not touch, show them where they do.

A three-way merge by lines, in the manner of diff3: whatever only one of them changed is taken from there; where both changed
the same lines, or lines that lie side by side, both texts and what stood there before are kept as a clash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True)
class Same:
    """Lines on which there is nothing to decide."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clash:
    """Lines that both changed, each otherwise. `line`: where it begins in `theirs`, from 1."""

    base: tuple[str, ...]
    theirs: tuple[str, ...]
    mine: tuple[str, ...]
    line: int


Part = Same | Clash


@dataclass(frozen=True, slots=True)
class Merged:
    """The parts in order."""

    parts: tuple[Part, ...]

    @property
    def clashes(self) -> tuple[Clash, ...]:
        """What a person must settle."""
        return tuple(part for part in self.parts if isinstance(part, Clash))

    def text(self, choices: Mapping[int, str] | None = None) -> str:
        """The whole text; for the n-th clash (from 0) `theirs`, `mine` or `both` is taken. Raises KeyError where none is chosen."""
        told: list[str] = []
        number = 0
        for part in self.parts:
            if isinstance(part, Same):
                told += part.lines
                continue
            choice = (choices or {})[number]
            if choice not in {"theirs", "mine", "both"}:
                raise KeyError(number)
            told += part.theirs if choice in {"theirs", "both"} else ()
            if choice == "both" and told and not told[-1].endswith("\n"):
                told[-1] += "\n"
            told += part.mine if choice in {"mine", "both"} else ()
            number += 1
        return "".join(told)


def merge(*, base: str, theirs: str, mine: str) -> Merged:
    """Merge two texts that both come from `base`."""
    a, b, c = (text.splitlines(keepends=True) for text in (base, theirs, mine))
    parts: list[Part] = []
    for (a0, a1), (b0, b1), (c0, c1) in _regions(a, b, c):
        was, their, my = tuple(a[a0:a1]), tuple(b[b0:b1]), tuple(c[c0:c1])
        if my in (was, their):
            parts.append(Same(their))
        elif their == was:
            parts.append(Same(my))
        else:
            parts.append(Clash(was, their, my, b0 + 1))
    return Merged(tuple(parts))


Span = tuple[int, int]


def _regions(a: Sequence[str], b: Sequence[str], c: Sequence[str]) -> Iterator[tuple[Span, Span, Span]]:
    """Cut the three texts into regions: alike in all three, or between two such places."""
    i = j = k = 0
    for start, end, at_b, at_c in (*_alike(a, b, c), (len(a), len(a), len(b), len(c))):
        if (i, j, k) != (start, at_b, at_c):
            yield (i, start), (j, at_b), (k, at_c)
        if end > start:
            yield (start, end), (at_b, at_b + end - start), (at_c, at_c + end - start)
        i, j, k = end, at_b + end - start, at_c + end - start


def _alike(a: Sequence[str], b: Sequence[str], c: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Stretches of `a` that stand unchanged in both: (start, end, where in b, where in c)."""
    in_b = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    in_c = SequenceMatcher(None, a, c, autojunk=False).get_matching_blocks()
    x = y = 0
    while x < len(in_b) and y < len(in_c):
        one, other = in_b[x], in_c[y]
        start, end = max(one.a, other.a), min(one.a + one.size, other.a + other.size)
        if end > start:
            yield start, end, one.b + start - one.a, other.b + start - other.a
        if one.a + one.size < other.a + other.size:
            x += 1
        else:
            y += 1
