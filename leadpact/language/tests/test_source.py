"""What is refused before anything is read from it, and that nothing makes the parser stumble."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leadpact.language.parse import parse

EXAMPLE = (Path(__file__).parent.parent / "example.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "place", "code", "part"),
    [
        ("a: &x 1\nb: 2\n", (1, 4), "refused", "anchor `&x`"),
        ("a: 1\nb: *x\n", (2, 4), "refused", "alias `*x`"),
        ("a: !!python/object:os.system x\n", (1, 4), "refused", "tag"),
        ("a: !mine {b: 1}\n", (1, 4), "refused", "tag `!mine`"),
        ("%YAML 1.1\n---\na: 1\n", (2, 1), "refused", "directives"),
        ("a: 1\n---\nb: 2\n", (2, 1), "refused", "second document"),
        ("[" * 41, (1, 41), "refused", "nested more than 40 deep"),
        ("[" * 100_000, (1, 41), "refused", "nested more than 40 deep"),
        ("? [a]\n: 1\n", (1, 3), "syntax", "a list cannot be a key"),
        ("a:\n\tb: 1\n", (2, 1), "syntax", "a tab stands"),
        ("a: [1, 2\nb: 3\n", (2, 2), "syntax", "opens with `[` in line 1"),
        ("x: 1\na: {b: c\n", (3, 1), "syntax", "open with `{` in line 2"),
        ("x: 1\na: 'x\n\n\n", (5, 1), "syntax", "quotes that open in line 2"),
        ("a: b: c\n", (1, 5), "syntax", "needs quotes"),
        ("a: @x\n", (1, 4), "syntax", "needs quotes"),
        ("- a\nb: 1\n", (2, 1), "syntax", "indented"),
        ("a: x\0y\n", (1, 5), "encoding", "U+0000"),
        ("a: \x07\n", (1, 4), "encoding", "U+0007"),
        ("a: \ud800\n", (1, 4), "encoding", "U+D800"),
        (b"a: gr\xf6sse\n", (1, 6), "encoding", "not UTF-8"),
        (b"ok: 1\nname: \xc3\xa4\xff\n", (2, 8), "encoding", "not UTF-8"),
        ("a: 1\n" + "#" * 1_000_000, (1, 1), "size", "1,000,005 bytes"),
        (b"\x00" * 1_000_001, (1, 1), "size", "1,000,001 bytes"),
    ],
)
def test_refused(text: str | bytes, place: tuple[int, int], code: str, part: str) -> None:
    parsed = parse(text)
    assert parsed.agreement is None
    told = {(problem.line, problem.column, problem.code): problem.message for problem in parsed.errors}
    assert part in told[(*place, code)]


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))
    began = time.monotonic()
    parsed = parse(f"l0: &l0 [x, x]\n{levels}\n")
    assert {p.code for p in parsed.errors} == {"refused"}
    assert time.monotonic() - began < 5


def test_anchors_and_tags_do_not_hide_other_errors() -> None:
    parsed = parse(EXAMPLE.replace("name: North", "name: &n North").replace("betwe", "betwi"))
    assert [p.code for p in parsed.errors] == ["refused", "operator"]


def test_ten_thousand_entries_and_two_hundred_lines_are_ordinary() -> None:
    entries = "\n".join(f"    - rival{n}.example" for n in range(10_000))
    lines = "\n".join(
        f"  - {{id: l{n}, says: L, if: {{account.size: {{is: {n}}}}}, points: {n % 9 + 1}}}" for n in range(200)
    )
    text = EXAMPLE.replace("readiness: ", f"readiness:\n{lines}\n#", 1).replace(
        "lists:\n", f"lists:\n  rivals:\n{entries}\n"
    )
    parsed = parse(text)
    assert parsed.errors == ()
    assert parsed.agreement is not None
    assert len(parsed.agreement.lines) == 207
    assert len(parsed.agreement.list_entries("rivals")) == 10_000


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_a_damaged_example_is_told_never_stumbled_over(chance: random.Random) -> None:
    lines = EXAMPLE.splitlines()
    for _ in range(chance.randint(1, 4)):
        number = chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                del lines[number]
            case 1:
                lines.insert(number, lines[chance.randrange(len(lines))])
            case 2:
                lines[number] = " " * chance.randint(0, 6) + lines[number].lstrip()
            case 3:
                at = chance.randint(0, len(lines[number]))
                lines[number] = lines[number][:at] + chance.choice("{}[]:,-'\"&*!#%@\t é0~") + lines[number][at:]
            case 4:
                words = lines[number].split(" ")
                words[chance.randrange(len(words))] = chance.choice(("any", "0", "[]", "{}", "touch", "5 days", "~"))
                lines[number] = " ".join(words)
            case _:
                lines[number] = lines[number][: chance.randint(0, len(lines[number]))]
    parsed = parse("\n".join(lines))
    assert (parsed.agreement is None) == bool(parsed.errors)
    for problem in parsed.errors + parsed.warnings:
        assert 1 <= problem.line <= len(lines) + 1
        assert problem.column >= 1
        assert problem.message
        assert problem.code


@given(st.text(max_size=60) | st.binary(max_size=60))
@example("&{")
@example("*}")
@example("name: &{line}")
@settings(max_examples=150, deadline=None)
def test_junk_is_told_never_stumbled_over(junk: str | bytes) -> None:
    parsed = parse(junk)
    assert parsed.agreement is None
    assert parsed.errors
