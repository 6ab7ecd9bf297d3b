"""Numbers that move by a slider: in the agreement, and in the file that keeps its comments."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

import pytest

from leadpact.language.canonical import canonical
from leadpact.language.knobs import CannotTurn, CannotWrite, checked, knobs, said, turn, write
from leadpact.language.nodes import Each
from leadpact.language.parse import parse_or_raise

SOURCE = (Path(__file__).parents[1] / "example.yaml").read_text(encoding="utf-8")
EXAMPLE = parse_or_raise(SOURCE)
MOVES = {
    "points.seminar": 12, "cap.seminar": 100, "points.student": -5, "score.sales_ready.1.1.least": 25,
    "score.sales_ready.2.0.least": 45, "score.lead.2.0.least": 11, "score.cools.0.most": 10,
}  # fmt: skip


def changed(before: str, after: str) -> list[str]:
    return [line for line in unified_diff(before.splitlines(), after.splitlines(), n=0) if line[0] in "+-"][2:]


def test_every_number_of_the_example_can_be_moved() -> None:
    names = [knob.name for knob in knobs(EXAMPLE)]
    assert len(names) == len(set(names)) == 16
    assert [said(knob, EXAMPLE) for knob in knobs(EXAMPLE)][9] == "Sales-ready, way 1: fit at least"
    assert {knob.name: knob.value for knob in knobs(EXAMPLE)}["score.cools.0.most"] == 15, "below 15 reads as 15"


def test_turning_changes_these_numbers_and_nothing_else() -> None:
    turned = turn(EXAMPLE, MOVES)
    assert {knob.name: knob.value for knob in knobs(turned)} == {
        k.name: MOVES.get(k.name, k.value) for k in knobs(EXAMPLE)
    }
    seminar = next(line for line in turned.lines if line.id == "seminar")
    assert isinstance(seminar.rule, Each)
    assert (seminar.points, seminar.rule.at_most, seminar.rule.fades) == (12, 100, True)
    assert turn(turned, {knob.name: knob.value for knob in knobs(EXAMPLE)}) == EXAMPLE


def test_the_file_keeps_its_comments_and_its_layout() -> None:
    written = write(SOURCE, MOVES)
    assert canonical(parse_or_raise(written)) == canonical(turn(EXAMPLE, MOVES))
    lines = changed(SOURCE, written)
    assert "+    at_most: 100                          # cap for this line" in lines
    assert len(lines) == 2 * 7
    assert [line.partition("#")[2] for line in lines if line[0] == "-"] == [
        line.partition("#")[2] for line in lines if line[0] == "+"
    ]


@pytest.mark.parametrize(
    ("cools", "name", "value", "written"),
    [
        ("{engagement: {above: 3}}", "score.cools.0.least", 7, "{engagement: {above: 7}}"),
        ("{fit: {between: [10, 40]}}", "score.cools.0.most", 50, "{fit: {between: [10, 50]}}"),
        ("{not: {fit: {at_least: 9}}}", "score.cools.0.least", 8, "{not: {fit: {at_least: 8}}}"),
        (
            "{any: [{touch: page.viewed, where: {fit: {at_least: 1}}}, {fit: {below: 2}}]}", "score.cools.0.most", 3,
            "{any: [{touch: page.viewed, where: {fit: {at_least: 1}}}, {fit: {below: 3}}]}",
        ),
        ("{all: [{fit: {below: 5}}, {fit: {at_least: 2}}]}", "score.cools.1.least", 1,
            "{all: [{fit: {below: 5}}, {fit: {at_least: 1}}]}",
        ),
    ],
)  # fmt: skip
def test_thresholds_in_every_spelling(cools: str, name: str, value: int, written: str) -> None:
    source = SOURCE.replace("cools: {engagement: {below: 15}}", f"cools: {cools}")
    assert f"cools: {written}" in write(source, {name: value})


def test_what_cannot_be_says_so() -> None:
    with pytest.raises(CannotTurn, match=r"nothing called points\.nobody"):
        turn(EXAMPLE, {"points.nobody": 3})
    with pytest.raises(CannotTurn, match="from 1 to"):
        checked(EXAMPLE, {"cap.seminar": 0})
    with pytest.raises(CannotTurn, match="Came to a seminar: points: a number from -10,000"):
        checked(EXAMPLE, {"points.seminar": 10_001})
    with pytest.raises(CannotWrite, match="has errors"):
        write(SOURCE.replace("points: 25", "points: many"), {"points.seminar": 3})
    assert write(SOURCE, {"points.seminar": 20}) == SOURCE, "what moves nothing writes nothing"


def test_windows_line_ends_and_a_mark_at_the_start_stay() -> None:
    source = "\ufeff" + SOURCE.replace("\n", "\r\n")
    written = write(source, {"points.seminar": 7})
    assert written.startswith("\ufeff")
    assert written.count("\r\n") == source.count("\r\n")
    assert "points: 7\r\n" in written


def test_a_threshold_that_is_no_whole_number_of_points_has_no_knob() -> None:
    source = SOURCE.replace("{readiness: {at_least: 25}}", "{readiness: {at_least: 24.5}}")
    assert "score.sales_ready.2.1.least" not in {knob.name for knob in knobs(parse_or_raise(source))}
