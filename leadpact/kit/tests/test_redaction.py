"""Names inside words that others wrote."""

from __future__ import annotations

import pytest

from leadpact.kit.redaction import GONE, redact, says

NAMES = ("ada@firm.example", "Ada Byron", "+43 1 58", "crm-7")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Ask ada BYRON tomorrow", f"Ask {GONE} tomorrow"),
        ("Ada\n  Byron, (crm-7), ADA@FIRM.EXAMPLE.", f"{GONE}, ({GONE}), {GONE}."),
        ("Call +43 1 58!", f"Call {GONE}!"),
        ("Ada Byronson of crm-77 and nada@firm.example stay", "Ada Byronson of crm-77 and nada@firm.example stay"),
        ("Ada alone stays", "Ada alone stays"),
        ("", ""),
    ],
)
def test_whole_names_go(text: str, left: str) -> None:
    assert redact(text, NAMES) == left
    assert redact(left, NAMES) == left


def test_without_names_nothing_goes() -> None:
    assert redact("Ada Byron", ["", "  "]) == "Ada Byron"
    assert not says("Ada Byron", [])


def test_parts_are_words_of_their_own() -> None:
    assert says("so ADA said", ["Ada", "Byron"])
    assert not says("in Adana", ["Ada", "Byron"])
    assert says("a.d (x)", ["a.d"])
    assert not says("axd", ["a.d"])
