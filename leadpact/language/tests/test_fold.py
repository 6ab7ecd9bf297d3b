"""Folding stands still when repeated, and numbers are read exactly as documented."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadpact.language.fold import UNKNOWN, Cell, cell, cell_from_json, cell_to_json, fold, number, truth, words

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\0"))


@given(TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert unicodedata.is_normalized("NFKC", once)
    assert once == once.strip()
    assert "  " not in once


def test_folding_every_single_character_stands_still() -> None:
    for code in range(1, 0x110000):
        if 0xD800 <= code <= 0xDFFF:
            continue
        char = chr(code)
        once = fold(char)
        if once != char:
            assert fold(once) == once, hex(code)


@given(TEXT, TEXT)
def test_case_never_separates(left: str, right: str) -> None:
    if left.casefold() == right.casefold():
        assert fold(left) == fold(right)
    assert fold(f"  {left}\t\n") == fold(left)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("  Head\u00a0of   Sales ", "head of sales"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ﬁrst", "first"),
        ("ＡＣＭＥ", "acme"),
        ("ΟΔΟΣ", "οδοσ"),
        ("İ", "i̇"),
        ("\u2028\u3000", ""),
        ("", ""),
    ],
)
def test_examples_of_folding(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x\udfff"])
def test_what_no_column_holds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"NUL|surrogate"):
        fold(text)


@pytest.mark.parametrize(
    ("folded", "expected"),
    [
        ("vp sales", " vp sales "),
        ("vp, sales/ops", " vp sales ops "),
        ("---", " "),
        ("", " "),
        ("c++ & c#", " c c "),
        ("größe-2", " größe 2 "),
        ("नमस्ते दुनिया", " नमस्ते दुनिया "),
        ("snake_case", " snake case "),
    ],
)
def test_words(folded: str, expected: str) -> None:
    assert words(folded) == expected


@given(TEXT)
def test_words_hold_letters_marks_and_digits_only(text: str) -> None:
    folded = fold(text)
    spaced = words(folded)
    assert spaced[0] == spaced[-1] == " "
    assert "  " not in spaced
    kept = [c for c in folded if unicodedata.category(c)[0] in "LMN"]
    assert [c for c in spaced if c != " "] == kept


@pytest.mark.parametrize(
    ("text", "scaled"),
    [
        ("12", 12_000_000),
        ("-3.5", -3_500_000),
        ("+0.25", 250_000),
        (".5", 500_000),
        ("0", 0),
        ("-0", 0),
        ("0007.1000000000", 7_100_000),
        ("999999999999.999999", 999_999_999_999_999_999),
        ("1000000000000", None),
        ("0.0000001", None),
        ("5.", None),
        ("1,200", None),
        ("1 200", None),
        ("1e3", None),
        ("20%", None),
        ("٣", None),
        ("", None),
        ("-", None),
        (".", None),
        ("--1", None),
    ],
)
def test_numbers(text: str, scaled: int | None) -> None:
    assert number(text) == scaled


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_every_scaled_number_has_a_text_that_gives_it_back(scaled: int) -> None:
    text = f"{Decimal(scaled).scaleb(-6):f}"
    assert number(text) == scaled
    assert cell(Decimal(text)).number == scaled


def test_a_long_run_of_digits_is_no_number() -> None:
    assert number("9" * 10_000) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("yes", True),
        ("1", True),
        ("false", False),
        ("no", False),
        ("0", False),
        ("on", None),
        ("", None),
    ],
)
def test_truth(text: str, expected: bool | None) -> None:
    assert truth(text) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, UNKNOWN),
        ("   ", UNKNOWN),
        (True, Cell("true", None, True)),
        ("YES", Cell("yes", None, True)),
        (1, Cell("1", 1_000_000, True)),
        (200.0, Cell("200", 200_000_000, None)),
        (0.1 + 0.2, Cell("0.3", 300_000, None)),
        (1e-9, Cell("0", 0, False)),
        (-0.0, Cell("0", 0, False)),
        (float("nan"), UNKNOWN),
        (float("inf"), UNKNOWN),
        (1e20, Cell("100000000000000000000", None, None)),
        (Decimal("2.50"), Cell("2.5", 2_500_000, None)),
        (Decimal("NaN"), UNKNOWN),
        (date(2026, 3, 1), Cell("2026-03-01", None, None)),
        (datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2))), Cell("2026-03-01t10:00:00+00:00", None, None)),
        (datetime(2026, 3, 1, 12, tzinfo=UTC).replace(tzinfo=None), Cell("2026-03-01t12:00:00+00:00", None, None)),
    ],
)
def test_cells(value: object, expected: Cell) -> None:
    assert cell(value) == expected


@given(st.integers() | st.booleans() | st.floats(-1e11, 1e11).map(lambda x: round(x, 4)))
def test_a_typed_value_and_its_text_give_one_cell(value: float) -> None:
    typed = cell(value)
    assert typed.text is not None
    assert cell(typed.text) == typed


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="list"):
        cell(["a"])


@given(TEXT | st.integers() | st.booleans() | st.none())
def test_json_round_trip(value: object) -> None:
    made = cell(value)
    stored = cell_to_json(made)
    assert cell_from_json(stored) == made
    assert ("w" in stored) == (made.words is not None and made.words != f" {made.text} ")


@pytest.mark.parametrize("stored", [{"t": 1}, {"t": "a", "n": True}, {"t": "a", "n": "1"}, {"t": "a", "b": 1}])
def test_a_damaged_stored_cell_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="stored cell"):
        cell_from_json(stored)
