"""Why a lead was judged as it was: every line with the touches behind it, and the clause that decided.

The parts add up: what its touches are worth is a line's points before the cap, the lines' points are the score of
their dimension, and the scores are those that the verdict was taken on. Nothing is rounded before it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from leadpact.language.evaluate import Judgement, LinePart, Scene, Truth
from leadpact.language.fields import noun
from leadpact.language.history import History, Touch
from leadpact.language.nodes import (
    DIMENSIONS,
    THOUSANDTHS,
    Agreement,
    Attribute,
    Condition,
    Each,
    If,
    Line,
    Verdict,
    walk,
)
from leadpact.language.phrases import counted, listing, points
from leadpact.language.words import DIMENSION_TITLES, say, verdict_name

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN_TOUCHES: Final = 5
"""Touches of one line that the plain text names; the structure has all of them."""


@dataclass(frozen=True, slots=True)
class TouchTold:
    """One touch behind a line. `worth` is in thousandths before the cap; None under a condition, which touches only
    make true. `person` is whose touch it was: at the account it need not be the lead's own.
    """

    touch_id: str
    kind: str
    at: int
    person: str | None
    worth: int | None


@dataclass(frozen=True, slots=True)
class LineTold:
    """One line: points in thousandths (None where it could not be judged, and then it adds nothing), and `why` in words."""

    line_id: str
    says: str
    state: Truth
    count: int
    points_before_cap: int | None
    points: int | None
    touches: tuple[TouchTold, ...]
    why: str


@dataclass(frozen=True, slots=True)
class DimensionTold:
    """One score and its lines, in the order of the file."""

    dimension: str
    title: str
    score: int
    lines: tuple[LineTold, ...]


@dataclass(frozen=True, slots=True)
class ClauseTold:
    """One alternative of one verdict: whether it holds (None: unknown, and so it does not), in words, and how many
    thousandths of score are missing (None: more than score is missing).
    """

    clause: str
    verdict: str
    state: Truth
    says: str
    missing: int | None
    decided: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """A judgement in words. `unknown` says what could not be judged, and is empty when everything could."""

    lead_id: str
    as_of: int
    verdict: str
    decided_by: str
    headline: str
    dimensions: tuple[DimensionTold, ...]
    clauses: tuple[ClauseTold, ...]
    unknown: str

    def text(self) -> str:
        """The explanation as plain text."""
        out = [self.headline, ""]
        for told in self.dimensions:
            out.append(f"{told.title} {points(told.score)}")
            out += [f"  {_signed(line.points):>7}  {line.says}: {line.why}" for line in told.lines]
            if not told.lines:
                out.append("  no lines")
        if self.unknown:
            out += ["", self.unknown]
        return "\n".join(out) + "\n"


def explain(agreement: Agreement, judgement: Judgement, history: History) -> Explanation:
    """The judgement of a lead of the history, explained from the same facts.

    Raises KeyError when the history does not hold the lead, and ValueError when the judgement is not one by this
    agreement.
    """
    if [part.line_id for part in judgement.lines] != [line.id for line in agreement.lines]:
        raise ValueError("the judgement has other lines than the agreement")
    scene = Scene(agreement, history.lead(judgement.lead_id), history, judgement.as_of)
    scene.scores = dict(judgement.scores)
    parts = {part.line_id: part for part in judgement.lines}
    dimensions = tuple(
        DimensionTold(
            dimension,
            DIMENSION_TITLES[dimension][0],
            judgement.scores[dimension],
            tuple(_line(scene, line, parts[line.id], history) for line in agreement.lines_of(dimension)),
        )
        for dimension in DIMENSIONS
    )
    clauses = tuple(
        _clause(scene, verdict, number, judgement)
        for verdict in agreement.verdicts
        for number in range(len(verdict.alternatives))
    )
    return Explanation(
        judgement.lead_id,
        judgement.as_of,
        judgement.verdict,
        judgement.decided_by,
        _headline(judgement, clauses),
        dimensions,
        clauses,
        _unknown(dimensions, clauses),
    )


# --- lines ------------------------------------------------------------------------------


def _line(scene: Scene, line: Line, part: LinePart, history: History) -> LineTold:
    touches = [history.touch(touch_id) for touch_id in part.touch_ids]
    told = tuple(_touch(scene, line, touch) for touch in touches)
    why = _why_each(line, part, touches) if isinstance(line.rule, Each) else ""
    if isinstance(line.rule, If):
        why = _why_if(scene, line.rule.condition, part.state)
    return LineTold(line.id, line.says, part.state, part.count, part.points_before_cap, part.points, told, why)


def _touch(scene: Scene, line: Line, touch: Touch) -> TouchTold:
    worth = scene.worth(line.points, line.rule, touch) if isinstance(line.rule, Each) else None
    return TouchTold(touch.touch_id, touch.kind, touch.at, touch.person, worth)


def _why_each(line: Line, part: LinePart, touches: list[Touch]) -> str:
    if not touches:
        return "no touch counts"
    latest = [_day(touch.at) for touch in touches[: -SHOWN_TOUCHES - 1 : -1]]
    one = len(touches) == 1
    said = f"{len(touches):,} {'touch counts' if one else 'touches count'}, "
    said += (
        f"the latest on {listing(latest, 'and')}" if len(touches) > SHOWN_TOUCHES else f"on {listing(latest, 'and')}"
    )
    before = part.points_before_cap or 0
    faded, capped = before != line.points * THOUSANDTHS * len(touches), part.points != before
    if faded or capped:
        said += f"; worth {points(before)}{' after fading' if faded else ''}{', before the cap' if capped else ''}"
    return said


def _why_if(scene: Scene, condition: Condition, state: Truth) -> str:
    if state is None:
        return f"cannot be judged, for {listing(_gaps(scene, condition), 'and')}"
    said = say(condition, scene.agreement)
    return f"yes, {said}" if state else f"no, it is not so that {said}"


def _gaps(scene: Scene, condition: Condition) -> list[str]:
    """Which attributes leave a condition unknown, and what is wrong with them."""
    out: dict[str, None] = {}
    for leaf in walk(condition):
        if isinstance(leaf, Attribute) and scene.truth(leaf) is None:
            value = scene.lead.value(leaf.field, scene.as_of)
            name = noun(leaf.field)
            out[f"{name} is not known" if value.text is None else f"{name}, “{value.text}”, cannot be read"] = None
    return list(out)


# --- verdicts ---------------------------------------------------------------------------


def _clause(scene: Scene, verdict: Verdict, number: int, judgement: Judgement) -> ClauseTold:
    condition, name = verdict.alternatives[number], verdict.clause(number)
    return ClauseTold(
        name,
        verdict.name,
        scene.truth(condition),
        say(condition, scene.agreement),
        scene.missing(condition),
        name == judgement.decided_by,
    )


def _headline(judgement: Judgement, clauses: tuple[ClauseTold, ...]) -> str:
    name = verdict_name(judgement.verdict)
    for clause in clauses:
        if clause.decided:
            return f"{name} as of {_instant(judgement.as_of)}, because {clause.says} ({clause.clause})."
    return f"{name} as of {_instant(judgement.as_of)}, because no clause of any verdict holds."


def _unknown(dimensions: tuple[DimensionTold, ...], clauses: tuple[ClauseTold, ...]) -> str:
    lines = [line for told in dimensions for line in told.lines if line.state is None]
    open_clauses = [clause.clause for clause in clauses if clause.state is None]
    said: list[str] = []
    if lines:
        names = listing([f"“{line.says}”" for line in lines], "and")
        said.append(f"{counted(len(lines), 'line')} could not be judged: {names}.")
    if open_clauses:
        verb = "are" if len(open_clauses) > 1 else "is"
        said.append(f"Of the verdicts' clauses, {listing(open_clauses, 'and')} {verb} unknown, and so did not hold.")
    return " ".join(said)


# --- how things are written -------------------------------------------------------------


def _signed(thousandths: int | None) -> str:
    if thousandths is None:
        return "?"
    return f"+{points(thousandths)}" if thousandths > 0 else points(thousandths)


def _moment(instant: int) -> datetime:
    return EPOCH + timedelta(microseconds=instant)


def _day(instant: int) -> str:
    return f"{_moment(instant):%Y-%m-%d}"


def _instant(instant: int) -> str:
    return f"{_moment(instant):%Y-%m-%d %H:%M:%S} UTC"
