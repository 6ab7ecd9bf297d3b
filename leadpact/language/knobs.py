"""What of an agreement can be moved by a slider: points, caps, and thresholds of scores. Pure.

A knob has a name that stands in addresses and forms (`points.seminar`, `cap.seminar`, `score.sales_ready.1.0.least`), a whole
number, and the words that both sides read. `turn` gives the agreement with other numbers; `write` gives the file with them, in
which nothing else is touched: neither a comment, nor a blank, nor the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from leadpact.language.canonical import canonical
from leadpact.language.nodes import (
    DIMENSIONS,
    POINTS_LIMIT,
    THOUSANDTHS,
    Agreement,
    All,
    Any,
    Condition,
    Each,
    Not,
    Score,
    walk,
)
from leadpact.language.parse import parse
from leadpact.language.problems import Problems
from leadpact.language.source import Mapping as Tree
from leadpact.language.source import Node, Scalar, Sequence, read
from leadpact.language.words import verdict_name

POINTS, CAP, SCORE = "points", "cap", "score"
LEAST, MOST = "least", "most"
SPAN: Final = 50
THRESHOLD_LIMIT: Final = 1_000_000
_LEAST_KEYS: Final = ("at_least", "above")
_MOST_KEYS: Final = ("at_most", "below")


class CannotTurn(ValueError):
    """There is no such knob, or its number cannot be. One sentence for whoever tried it."""


class CannotWrite(ValueError):
    """The file writes this number in a way that cannot be changed by itself. One sentence; the file is as it was."""


@dataclass(frozen=True, slots=True)
class Knob:
    """One number. `kind`: points, cap or score. `about`: the line's id or the clause. `low`, `high`: of the slider.

    `least`, `most`: what may be typed.
    """

    name: str
    kind: str
    about: str
    says: str
    value: int
    low: int
    high: int
    least: int
    most: int


def knobs(agreement: Agreement) -> tuple[Knob, ...]:
    """Every number that can be moved, in the order of the file. Thresholds that are no whole points are left out."""
    found: list[Knob] = []
    for line in agreement.lines:
        found.append(_knob(f"{POINTS}.{line.id}", POINTS, line.id, "points", line.points, -POINTS_LIMIT, POINTS_LIMIT))
        if isinstance(line.rule, Each) and line.rule.at_most is not None:
            found.append(_knob(f"{CAP}.{line.id}", CAP, line.id, "at most", line.rule.at_most, 1, 10 * POINTS_LIMIT))
    for clause, number, score in _scores(agreement):
        for side, bound in ((LEAST, score.at_least), (MOST, score.at_most)):
            told = None if bound is None else _written(side, bound)
            if told is not None:
                word, value = told
                name = f"{SCORE}.{clause}.{number}.{side}"
                found.append(
                    _knob(name, SCORE, clause, f"{score.dimension} {word}", value, -THRESHOLD_LIMIT, THRESHOLD_LIMIT)
                )
    return tuple(found)


def _knob(name: str, kind: str, about: str, says: str, value: int, least: int, most: int) -> Knob:
    reach = max(2 * SPAN if kind == SCORE else SPAN, 2 * abs(value))
    low, high = (-reach if value < 0 or (value == 0 and kind == POINTS) else 0), (0 if value < 0 else reach)
    return Knob(name, kind, about, says, value, max(least, low), min(most, high), least, most)


def _scores(agreement: Agreement) -> Iterator[tuple[str, int, Score]]:
    """Every comparison of a score: (clause, its number within the clause, the comparison)."""
    for verdict in agreement.verdicts:
        for index, alternative in enumerate(verdict.alternatives):
            for number, score in enumerate(_of(alternative)):
                yield verdict.clause(index), number, score
    if agreement.cools is not None:
        for number, score in enumerate(_of(agreement.cools)):
            yield "cools", number, score


def _of(condition: Condition) -> list[Score]:
    return [node for node in walk(condition) if isinstance(node, Score)]


def _written(side: str, bound: int) -> tuple[str, int] | None:
    """How a bound reads: (`at least`, 40) for 40,000; (`below`, 15) for 14,999; None where no whole number of points says it."""
    whole, rest = divmod(bound, THOUSANDTHS)
    if rest == 0:
        return ("at least" if side == LEAST else "at most"), whole
    if side == LEAST and rest == 1:
        return "above", whole
    if side == MOST and rest == THOUSANDTHS - 1:
        return "below", whole + 1
    return None


def said(knob: Knob, agreement: Agreement) -> str:
    """The knob in full words, for a label that is read alone: `Came to a seminar: points`."""
    if knob.kind == SCORE:
        if knob.about == "cools":
            return f"Cooling: {knob.says}"
        name, _, number = knob.about.rpartition(".")
        verdict = agreement.verdict(name)
        nth = f", way {number}" if verdict is not None and len(verdict.alternatives) > 1 else ""
        return f"{verdict_name(name)}{nth}: {knob.says}"
    line = next(line for line in agreement.lines if line.id == knob.about)
    return f"{line.says}: {knob.says}"


# --- turning -----------------------------------------------------------------------------


def checked(agreement: Agreement, changes: Mapping[str, int]) -> dict[str, int]:
    """Those of the changes that change something. Raises CannotTurn for an unknown name or a number out of bounds."""
    known = {knob.name: knob for knob in knobs(agreement)}
    moved: dict[str, int] = {}
    for name, value in changes.items():
        knob = known.get(name)
        if knob is None:
            raise CannotTurn(f"This agreement has nothing called {name[:60]} that could be moved.")
        if not knob.least <= value <= knob.most:
            raise CannotTurn(f"{said(knob, agreement)}: a number from {knob.least:,} to {knob.most:,}, not {value:,}.")
        if value != knob.value:
            moved[name] = value
    return moved


def turn(agreement: Agreement, changes: Mapping[str, int]) -> Agreement:
    """The agreement with other numbers. Raises CannotTurn."""
    moved = checked(agreement, changes)
    lines = tuple(
        replace(
            line,
            points=moved.get(f"{POINTS}.{line.id}", line.points),
            rule=replace(line.rule, at_most=moved[f"{CAP}.{line.id}"]) if f"{CAP}.{line.id}" in moved else line.rule,
        )
        for line in agreement.lines
    )
    verdicts = tuple(
        replace(
            verdict,
            alternatives=tuple(
                _turned(alternative, verdict.clause(index), moved)
                for index, alternative in enumerate(verdict.alternatives)
            ),
        )
        for verdict in agreement.verdicts
    )
    cools = agreement.cools if agreement.cools is None else _turned(agreement.cools, "cools", moved)
    return replace(agreement, lines=lines, verdicts=verdicts, cools=cools)


def _turned(condition: Condition, clause: str, moved: Mapping[str, int]) -> Condition:
    numbers = iter(range(len(_of(condition))))

    def again(node: Condition) -> Condition:
        match node:
            case All(parts=parts):
                return All(tuple(again(part) for part in parts))
            case Any(parts=parts):
                return Any(tuple(again(part) for part in parts))
            case Not(part=part):
                return Not(again(part))
            case Score():
                number = next(numbers)
                return replace(
                    node,
                    at_least=_bound(node.at_least, LEAST, moved.get(f"{SCORE}.{clause}.{number}.{LEAST}")),
                    at_most=_bound(node.at_most, MOST, moved.get(f"{SCORE}.{clause}.{number}.{MOST}")),
                )
            case _:
                return node

    return again(condition)


def _bound(bound: int | None, side: str, points: int | None) -> int | None:
    """Another number in the same words: below stays below."""
    if bound is None or points is None:
        return bound
    told = _written(side, bound)
    assert told is not None
    return points * THOUSANDTHS + {"above": 1, "below": -1}.get(told[0], 0)


# --- writing -----------------------------------------------------------------------------


def write(source: str, changes: Mapping[str, int]) -> str:
    """The file with other numbers in place; every other character stays.

    Raises CannotTurn as `turn` does, and CannotWrite where the file has errors or a number is not spelled plainly. What comes out
    means exactly `turn` of what went in: that is checked before it is given back.
    """
    parsed = parse(source)
    if parsed.agreement is None:
        raise CannotWrite("The draft has errors; mend them in the file first.")
    moved = checked(parsed.agreement, changes)
    if not moved:
        return source
    tree = read(source.removeprefix("\ufeff"), Problems())
    places = dict(_places(tree)) if isinstance(tree, Tree) else {}
    edits: list[tuple[int, int, str, str]] = []
    for name, value in moved.items():
        scalar = places.get(name)
        if scalar is None or scalar.number is None:
            raise CannotWrite(f"The file writes {name} in a way that can only be changed by hand.")
        edits.append((scalar.line, scalar.column, scalar.value, str(value)))
    mark = "\ufeff" if source.startswith("\ufeff") else ""
    lines = source.removeprefix("\ufeff").split("\n")
    for line, column, old, new in sorted(edits, reverse=True):
        text = lines[line - 1]
        if text[column - 1 : column - 1 + len(old)] != old:
            raise CannotWrite("The file has line ends that cannot be counted; change the numbers by hand.")
        lines[line - 1] = _put(text, column - 1, old, new)
    written = mark + "\n".join(lines)
    again = parse(written).agreement
    if again is None or canonical(again) != canonical(turn(parsed.agreement, moved)):
        raise CannotWrite("These numbers cannot be put into the file by themselves; change them there by hand.")
    return written


def _put(text: str, column: int, old: str, new: str) -> str:
    """One number in a line; where a comment follows, it stays in its column as long as there is room."""
    before, after = text[:column], text[column + len(old) :]
    blanks = len(after) - len(after.lstrip(" "))
    if after.lstrip(" ").startswith("#") and blanks >= 1:
        after = " " * max(1, blanks + len(old) - len(new)) + after.lstrip(" ")
    return before + new + after


def _places(tree: Tree) -> Iterator[tuple[str, Scalar]]:
    """Where each knob's number stands."""
    sections = {key.value: node for key, node in tree.entries}
    for dimension in DIMENSIONS:
        lines = sections.get(dimension)
        for line in lines.items if isinstance(lines, Sequence) else ():
            keys = {key.value: node for key, node in line.entries} if isinstance(line, Tree) else {}
            id_ = keys.get("id")
            for key, kind in (("points", POINTS), ("at_most", CAP)):
                number = keys.get(key)
                if isinstance(id_, Scalar) and isinstance(number, Scalar):
                    yield f"{kind}.{id_.value}", number
    verdicts = sections.get("verdicts")
    for name, node in verdicts.entries if isinstance(verdicts, Tree) else ():
        for index, alternative in enumerate(_alternatives(node)):
            yield from _score_places(f"{name.value}.{index + 1}", alternative)
    if "cools" in sections:
        yield from _score_places("cools", sections["cools"])


def _alternatives(node: Node) -> list[Node]:
    if isinstance(node, Tree) and len(node.entries) == 1 and node.entries[0][0].value == "any":
        parts = node.entries[0][1]
        if isinstance(parts, Sequence):
            return parts.items
    return [node]


def _score_places(clause: str, node: Node) -> Iterator[tuple[str, Scalar]]:
    for number, test in enumerate(_tests(node)):
        for key, value in test.entries:
            if isinstance(value, Scalar) and key.value in _LEAST_KEYS:
                yield f"{SCORE}.{clause}.{number}.{LEAST}", value
            elif isinstance(value, Scalar) and key.value in _MOST_KEYS:
                yield f"{SCORE}.{clause}.{number}.{MOST}", value
            elif key.value == "between" and isinstance(value, Sequence) and len(value.items) == 2:
                for side, bound in zip((LEAST, MOST), value.items, strict=True):
                    if isinstance(bound, Scalar):
                        yield f"{SCORE}.{clause}.{number}.{side}", bound


def _tests(node: Node) -> Iterator[Tree]:
    """The comparisons of scores in a condition, in its order: what `any`, `all` and `not` join, and nothing inside a touch."""
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _tests(item)
    elif isinstance(node, Tree):
        for key, value in node.entries:
            if key.value in DIMENSIONS and isinstance(value, Tree):
                yield value
            elif key.value in {"any", "all", "not"}:
                yield from _tests(value)
