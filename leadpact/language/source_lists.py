"""Long lists of a file, read past the YAML parser, which takes forty microseconds for an entry.

A run of lines such as `    - initech.example`, all indented alike and each with plain words alone, is cut out of the text
but for its first and its last line; empty lines stand where the others were, so that nothing else moves. What the
parser makes of the two that stayed shows what the run was: where it takes them for neighbours in one list, the lines
between were entries of that list too and are put back. Where it does not (the run stands in a block of text, say),
and where anything is wrong with the file, the whole text is read the long way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Final

SHORTEST: Final = 50
# Letters, digits and what means nothing to YAML behind one: no colon, no number sign, no quote or bracket in front.
_ENTRY = re.compile(r"( *)- ([^\W_](?:[\w .,&'/+()@%-]*[\w.,&'/+()@%-])?)")


@dataclass(frozen=True, slots=True)
class Run:
    """Lines that look like entries of one list. `line` is the first one's, `column` that of every word, from 1."""

    line: int
    column: int
    words: tuple[str, ...]


def cut(text: str) -> tuple[str, tuple[Run, ...]]:
    """The text without the inner lines of its runs, and the runs, in order."""
    lines = text.split("\n")
    runs: list[Run] = []
    numbered = enumerate(map(_ENTRY.fullmatch, lines))
    for indent, group in groupby(numbered, key=lambda found: None if found[1] is None else len(found[1][1])):
        if indent is None:
            continue
        found = [(number, match) for number, match in group if match is not None]
        if len(found) >= SHORTEST:
            first = found[0][0]
            runs.append(Run(first + 1, indent + 3, tuple(match[2] for _, match in found)))
            lines[first + 1 : first + len(found) - 1] = [""] * (len(found) - 2)
    return "\n".join(lines), tuple(runs)
