"""Long lists are read past the YAML parser, and nobody can tell: the tree is the one that the parser gives."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leadpact.language.problems import Problems
from leadpact.language.source import _read, read
from leadpact.language.source_lists import SHORTEST, cut

ODD = [
    "Über-Größe (XL)",
    "a  b",
    "R&D",
    "it's",
    "50 %",
    "北京 机械",
    "x, y",
    "1_000",
    "2026-01-01",
    "no",
    "null",
    "a.b/c@d+e",
]
WORDS = [*(f"rival{n}.example" for n in range(SHORTEST)), *ODD, "z"]
ENTRIES = "\n".join(f"    - {word}" for word in WORDS)


def alike(text: str) -> None:
    """The same tree and the same problems both ways."""
    quick, plain = Problems(), Problems()
    assert read(text, quick) == _read(text, plain)
    assert [quick.of(severity) for severity in ("error", "warning")] == [plain.of(s) for s in ("error", "warning")]


def test_a_long_list_is_cut_down_to_its_ends() -> None:
    short, runs = cut(f"lists:\n  rivals:\n{ENTRIES}\n  few:\n    - a\n    - b\n")
    assert [(run.line, run.column, len(run.words)) for run in runs] == [(3, 7, len(WORDS))]
    assert [line for line in short.splitlines() if line] == [
        "lists:",
        "  rivals:",
        f"    - {WORDS[0]}",
        f"    - {WORDS[-1]}",
        "  few:",
        "    - a",
        "    - b",
    ]
    assert short.count("\n") == 5 + len(WORDS)


@pytest.mark.parametrize(
    "text",
    [
        f"a:\n{ENTRIES}\n",
        f"a:\n{ENTRIES}\nb: 1\nc:\n{ENTRIES}\n",
        f"a:\n{ENTRIES}\n    - other: 1\n    - [x]\n",
        f"a:\n    - 'first'\n{ENTRIES}\n    # a word\n    - last\n",
        f"a:\n{ENTRIES}\n      more of the last\nb: 1\n",
        f"a: |\n{ENTRIES}\nb: 1\n",
        f"a: >-\n{ENTRIES}\n",
        f'a: "x\n{ENTRIES}\n"\n',
        f"a: 'x\n{ENTRIES}\n'\n",
        f"a: x\n{ENTRIES}\n",
        f"a: x\n  y\n{ENTRIES}\n",
        f"a: [x,\n{ENTRIES}\n]\n",
        f"a: {{x:\n{ENTRIES}\n}}\n",
        f"a:\n{ENTRIES}\n b: 1\n",
        f"a: &anchor\n{ENTRIES}\n",
        f"a:\n{ENTRIES}\nb: *alias\n",
        f"a:\u2028\n{ENTRIES}\n",
        f"a:\n{ENTRIES}\x85b: 1\n",
        ENTRIES.replace("    -", "-"),
        ENTRIES,
        f"- - x\n{ENTRIES}\n",
        f"---\n{ENTRIES}\n---\n{ENTRIES}\n",
        f"a:\n{ENTRIES}".replace("\n", "\r\n"),
    ],
)
def test_whatever_a_run_stands_in_it_is_read_alike(text: str) -> None:
    alike(text)


PIECES = st.sampled_from(
    [ENTRIES, "a:", "b: |", "c: >", 'd: "', "'", '"', "  - x", "    - y: 1", "      z", "# no", "", "e: [", "]", "- q"]
)


@given(st.lists(PIECES, min_size=1, max_size=6))
@example(["b: |", ENTRIES, "      z"])
@settings(max_examples=200, deadline=None)
def test_runs_among_anything_are_read_alike(pieces: list[str]) -> None:
    alike("\n".join(pieces))


def test_the_parser_reads_two_of_a_hundred_thousand_entries() -> None:
    text = "lists:\n  rivals:\n" + "\n".join(f"    - r{n}" for n in range(100_000))
    assert cut(text)[0].split() == ["lists:", "rivals:", "-", "r0", "-", "r99999"]
    alike(text[:20_000].rpartition("\n")[0])
