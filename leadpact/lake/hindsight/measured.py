"""What an agreement reads, as the columns of a replay: facts about attributes, counts of touches, touches that fade.

Nothing here depends on points, caps or thresholds: whatever a preview may change leaves the columns as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from leadpact.language.needs import conditions
from leadpact.language.nodes import ActivePeople, Agreement, Attribute, Each, Line, Touched, TouchQuery, walk
from leadpact.language.sql_measures import Counted, People

Count = Counted | People


@dataclass(frozen=True, slots=True)
class Fading:
    """Touches that count less with every day."""

    query: TouchQuery


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns, each once. `reads` is what a touch may count for: counts and fading ones, in this order."""

    attributes: tuple[Attribute, ...]
    counts: tuple[Count, ...]
    fading: tuple[Fading, ...]
    steps: tuple[tuple[int, ...] | None, ...]
    """For each count, the numbers at which a condition turns; None where a line gives points for each one."""

    @property
    def reads(self) -> tuple[Count | Fading, ...]:
        return (*self.counts, *self.fading)

    def attribute(self, leaf: Attribute) -> int:
        """The number of an attribute's column."""
        return self.attributes.index(leaf)

    def count(self, measure: Count) -> int:
        """The number of a count's column: they stand after the attributes."""
        return len(self.attributes) + self.counts.index(measure)

    def fade(self, line: Line) -> int | None:
        """Which of the fading columns a line reads; None when it does not fade."""
        rule = line.rule
        return self.fading.index(Fading(rule.query)) if isinstance(rule, Each) and rule.fades else None


def measure_of(leaf: Touched | ActivePeople) -> Count:
    """What a condition about touches counts."""
    return Counted(leaf.query) if isinstance(leaf, Touched) else People(leaf.kinds, leaf.within)


def by_account(measure: Count | Fading) -> bool:
    """Whether touches of others at the account count."""
    return isinstance(measure, People) or measure.query.by == "account"


def columns(agreement: Agreement) -> Columns:
    """What the agreement reads."""
    attributes: dict[Attribute, None] = {}
    bounds: dict[Count, set[int] | None] = {}
    fading: dict[Fading, None] = {}
    for line in agreement.lines:
        if isinstance(line.rule, Each):
            if line.rule.fades:
                fading[Fading(line.rule.query)] = None
            else:
                bounds[Counted(line.rule.query)] = None
    for condition in conditions(agreement):
        for leaf in walk(condition):
            if isinstance(leaf, Attribute):
                attributes[leaf] = None
            elif isinstance(leaf, Touched | ActivePeople):
                found = bounds.setdefault(measure_of(leaf), set())
                if found is not None:
                    ends = (leaf.at_least, None if leaf.at_most is None else leaf.at_most + 1)
                    found |= {end for end in ends if end is not None and end > 0}
    steps = tuple(None if found is None else tuple(sorted(found)) for found in bounds.values())
    return Columns(tuple(attributes), tuple(bounds), tuple(fading), steps)
