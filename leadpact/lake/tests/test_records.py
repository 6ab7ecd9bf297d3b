from __future__ import annotations

import csv
import io
import random

import pytest

from leadpact.lake import records
from leadpact.lake.records import CsvRecords, flat, unreadable

Out = tuple[list[tuple[int, list[str]]], list[tuple[int, str]]]


def read(text: str, width: int | None = None) -> Out:
    bad: list[tuple[int, str]] = []
    found = CsvRecords(io.StringIO(text, newline=""), ",", lambda line, why, _: bad.append((line, why)))
    found.width = width
    return list(found), bad


def test_lines_are_physical_lines_also_behind_cells_of_several_lines() -> None:
    rows, bad = read('a,b\n1,"x\ny\nz"\n\n2,w\n')
    assert rows == [(1, ["a", "b"]), (2, ["1", "x\ny\nz"]), (6, ["2", "w"])]
    assert bad == []


def test_a_quote_that_never_closes_costs_its_own_line_only() -> None:
    text = "a,b\n1,x\n" + '2,"open\n' + "".join(f"{n},y\n" for n in range(3, 50))
    rows, bad = read(text, width=2)
    assert bad == [(3, "a quotation mark is opened and not closed")]
    assert [row[1][0] for row in rows] == ["a", "1", *map(str, range(3, 50))]
    assert rows[-1][0] == 50


def test_a_stray_quote_that_a_later_one_closes_does_not_swallow_what_lies_between() -> None:
    rows, bad = read('a,b\n1,"open\n2,x\n3,x",y\n4,z\n', width=2)
    assert bad == [(2, "a quotation mark is opened and not closed")]
    assert rows == [(1, ["a", "b"]), (3, ["2", "x"]), (4, ["3", 'x"', "y"]), (5, ["4", "z"])]


def test_undoubled_quotes_are_rejected_with_the_reason() -> None:
    _, bad = read('a,b\n1,"he said "no" to it"\n2,x\n')
    assert bad == [(2, "a quotation mark stands inside a quoted cell without being doubled")]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random.seed(5)
    cells = ["x", "y, z", 'say "no"', "two\nlines", "", "é"]
    out = io.StringIO()
    writer = csv.writer(out)
    for number in range(400):
        writer.writerow([number, random.choice(cells), random.choice(cells)])
        if number % 60 == 7:
            out.write('bad,"x"y,z\n')
    whole = read(out.getvalue(), width=3)
    assert len(whole[0]) == 400
    assert len(whole[1]) == 7
    for block in (1, 2, 7, 50):
        monkeypatch.setattr(records, "BLOCK", block)
        assert read(out.getvalue(), width=3) == whole


def test_text_that_no_database_keeps_is_named() -> None:
    assert unreadable(["ok", "é"]) is None
    assert "NUL" in (unreadable(["a\x00"]) or "")
    assert "0xE9" in (unreadable([b"Caf\xe9".decode("utf-8", "surrogateescape")]) or "")
    assert "surrogate" in (unreadable(["\ud800"]) or "")


def test_nested_objects_get_dotted_names() -> None:
    assert flat({"a": {"b": 1, "c": None}, "d": True, "e": [1]}) == {"a.b": "1", "a.c": None, "d": "true", "e": "[1]"}
