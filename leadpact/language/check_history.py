"""What only history can tell of an agreement: lines that nobody or everybody meets, values that are hardly ever known.

`check` looks at the file alone. Here the file is held against what was counted over leads and touches of the past
(`Seen`; the lake counts it from files). Nothing is estimated: each warning says of how many leads, and when.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from leadpact.language.check import points
from leadpact.language.fields import noun
from leadpact.language.needs import leaves
from leadpact.language.nodes import (
    DEFAULT_VERDICT,
    DIMENSIONS,
    ActivePeople,
    Agreement,
    Attribute,
    Condition,
    If,
    Line,
    Score,
    Touched,
    walk,
)
from leadpact.language.problems import WARNING, Place, Problem, Problems, nearest
from leadpact.language.same import same_rule

FEWEST: Final = 20
"""Of fewer leads nothing is said but what is unknown: that none of five met a line tells little."""
MOST_UNKNOWN: Final = 50
"""Per cent of leads for which an attribute is unknown, from which on that is said."""
EVERYBODY: Final = "everybody"
"""The code of the warning that a line tells nobody apart."""
_START: Final = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Gap:
    """Of how many leads a value is unknown, how many of these say something that cannot be read, and an example."""

    unknown: int
    unreadable: int = 0
    example: str = ""


@dataclass(frozen=True, slots=True)
class LineSeen:
    """Of how many judgements a line gave points, and of how many it could not be judged.

    mark: equal for lines that gave points in the very same judgements.
    """

    scored: int
    unknown: int
    mark: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What was counted over the past. A judgement is one lead as of one instant.

    leads, judgements: how many. when: the instants in words, such as "on 2026-03-31". touches: whether there were
    touches to look at. gaps: by attribute. lines: by id. reached: the least and the most of each score, in
    thousandths. verdicts: to how many judgements each was given. Of what is missing in the last three nothing was counted, and
    nothing is said; of verdicts where none is there.
    """

    leads: int
    judgements: int
    when: str
    touches: bool
    gaps: Mapping[str, Gap] = field(default_factory=dict[str, Gap])
    lines: Mapping[str, LineSeen] = field(default_factory=dict[str, LineSeen])
    reached: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    verdicts: Mapping[str, int] = field(default_factory=dict[str, int])


def check_history(
    agreement: Agreement, seen: Seen, positions: Mapping[str, Place] | None = None
) -> tuple[Problem, ...]:
    """Warnings about an agreement as leads of the past met it, in the order of the file."""
    return _Checker(agreement, seen, positions or {}).all()


def by_place(agreement: Agreement, seen: Seen) -> dict[str, tuple[Problem, ...]]:
    """The same warnings by what they are about: `lines.ID`, `verdicts.NAME`, `verdicts.NAME.1` or `cools`.

    For pages on which each stands beside what it is about: they say "this line", and attributes and other lines in words.
    """
    checker = _Checker(agreement, seen, {}, beside=True)
    checker.all()
    return {path: tuple(found) for path, found in checker.found.items()}


def check_plays(
    agreement: Agreement, plays: Collection[str], positions: Mapping[str, Place] | None = None
) -> tuple[Problem, ...]:
    """Warnings about reasons that name a play which is not among those that there are."""
    problems = Problems()
    for reason in agreement.recycle:
        if reason.play is not None and reason.play not in plays:
            place = (positions or {}).get(f"recycle.{reason.id}", _START)
            message = f"the reason `{reason.id}` gives the lead to the play `{reason.play}`, which nobody has"
            problems.warn(place, message, nearest=nearest(reason.play, plays), code="no-play")
    return problems.of(WARNING)


class _Checker:
    def __init__(
        self, agreement: Agreement, seen: Seen, positions: Mapping[str, Place], *, beside: bool = False
    ) -> None:
        self.agreement = agreement
        self.beside = beside
        self.seen = seen
        self.positions = positions
        self.problems = Problems()
        self.found: dict[str, list[Problem]] = defaultdict(list)

    def all(self) -> tuple[Problem, ...]:
        self._unknown()
        if self.seen.leads >= FEWEST:
            self._lines()
            self._same()
            self._thresholds()
            self._verdicts()
        return self.problems.of(WARNING)

    def _warn(self, path: str, message: str, code: str) -> None:
        place = self.positions.get(path) or self.positions.get(path.partition(".")[0]) or _START
        self.problems.warn(place, message, code=code)
        self.found[path].append(Problem(place.line, place.column, message, severity=WARNING, code=code))

    def _unknown(self) -> None:
        for name, gap in self.seen.gaps.items():
            if not self.seen.leads or gap.unknown * 100 < MOST_UNKNOWN * self.seen.leads:
                continue
            share = gap.unknown * 100 / self.seen.leads
            named = noun(name) if self.beside else f"`{name}`"
            said = f"{named} is unknown for {gap.unknown:,} of {self.seen.leads:,} leads ({share:.0f}%)"
            if gap.unreadable:
                said += f"; {gap.unreadable:,} of them say something that cannot be read, such as “{gap.example}”"
            self._warn(self._asks(name), said, "mostly-unknown")

    def _asks(self, name: str) -> str:
        """Where an attribute is asked for first."""
        for path, condition in _conditions(self.agreement):
            if any(isinstance(leaf, Attribute) and leaf.field == name for leaf in walk(condition)):
                return path
        return ""

    def _lines(self) -> None:
        for line in self.agreement.lines:
            found = self.seen.lines.get(line.id)
            if found is None or line.points == 0 or not self._was_seen(line):
                continue
            if found.scored == 0 and found.unknown < self.seen.judgements:
                message = f"{self._line(line)} scored for none of {self._leads()}"
                self._warn(f"lines.{line.id}", message, "nobody")
            elif found.scored == self.seen.judgements:
                message = f"{self._line(line)} scored for every one of {self._leads()}: it tells nobody apart"
                self._warn(f"lines.{line.id}", message, EVERYBODY)

    def _same(self) -> None:
        alike: dict[tuple[str, int, int], list[Line]] = defaultdict(list)
        for line in self.agreement.lines:
            found = self.seen.lines.get(line.id)
            if found is not None and 0 < found.scored < self.seen.judgements:
                alike[line.dimension, found.scored, found.mark].append(line)
        for lines in alike.values():
            for line in lines[1:]:
                if same_rule(line.rule, lines[0].rule):
                    continue  # `check` has said so
                first = f"“{lines[0].says}”" if self.beside else f"`{lines[0].id}`"
                message = (
                    f"{self._line(line)} scored for the very same leads as {first}, of {self._leads()}: "
                    "the two may score one thing twice"
                )
                self._warn(f"lines.{line.id}", message, "same-leads")

    def _thresholds(self) -> None:
        for path, condition in _conditions(self.agreement):
            for score in (leaf for leaf in walk(condition) if isinstance(leaf, Score)):
                reach = self.seen.reached.get(score.dimension)
                lines = self.agreement.lines_of(score.dimension)
                if reach is None or not lines or not all(map(self._was_seen, lines)):
                    continue
                name = "this" if self.beside else f"`{path.partition('.')[2] or path}`"
                if score.at_least is not None and score.at_least > reach[1]:
                    asked = f"{name} asks for {_least(score.at_least)} of {score.dimension}"
                    self._warn(path, f"{asked}; {points(reach[1])} is the most of {self._leads()}", "not-reached")
                elif score.at_most is not None and score.at_most < reach[0]:
                    asked = f"{name} asks for {_most(score.at_most)} of {score.dimension}"
                    self._warn(path, f"{asked}; {points(reach[0])} is the least of {self._leads()}", "not-reached")

    def _verdicts(self) -> None:
        if not self.seen.verdicts:
            return
        if not self.seen.touches and any(isinstance(leaf, Touched | ActivePeople) for leaf in leaves(self.agreement)):
            return
        for verdict in self.agreement.verdicts:
            if verdict.name != DEFAULT_VERDICT and not self.seen.verdicts.get(verdict.name):
                given = "this verdict was given to none" if self.beside else f"`{verdict.name}` was the verdict of none"
                message = f"{given} of {self._leads()}"
                self._warn(f"verdicts.{verdict.name}", message, "never-given")

    def _was_seen(self, line: Line) -> bool:
        """Whether there was anything to see of a line: without touches, nothing is said of lines about them."""
        if self.seen.touches:
            return True
        return isinstance(line.rule, If) and not any(
            isinstance(leaf, Touched | ActivePeople) for leaf in walk(line.rule.condition)
        )

    def _line(self, line: Line) -> str:
        return "this line" if self.beside else f"the line `{line.id}`"

    def _leads(self) -> str:
        return f"{self.seen.leads:,} leads {self.seen.when}"


def _least(bound: int) -> str:
    """A lower bound as the file wrote it: one thousandth beside a round number was `above`."""
    return f"more than {points(bound - 1)}" if bound % 10 == 1 else points(bound)


def _most(bound: int) -> str:
    return f"less than {points(bound + 1)}" if bound % 10 == 9 else f"at most {points(bound)}"


def _conditions(agreement: Agreement) -> Iterator[tuple[str, Condition]]:
    """Every condition with the path of its place."""
    for dimension in DIMENSIONS:
        for line in agreement.lines_of(dimension):
            if isinstance(line.rule, If):
                yield f"lines.{line.id}", line.rule.condition
    for verdict in agreement.verdicts:
        for index, alternative in enumerate(verdict.alternatives):
            yield f"verdicts.{verdict.clause(index)}", alternative
    if agreement.cools is not None:
        yield "cools", agreement.cools
