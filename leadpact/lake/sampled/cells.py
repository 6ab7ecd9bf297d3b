"""Audited weeks as the estimator sees them: what an answer counts as, which weeks have matured, which are joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MATURITY = 30 * 86_400_000_000
WAITS = 60 * 86_400_000_000
ENOUGH = 10
GOOD, BAD = 1, 0
_BAD_BLAMES = frozenset({"definition", "timing"})


@dataclass(frozen=True, slots=True)
class Audited:
    """A drawn lead. Instants in microseconds UTC.

    answer: 1 Sales qualified it, 0 Sales blamed definition or timing, None missing (see `answer_of`).
    caught: it became sales-ready by itself before its release, so nothing was left to wither: counts as 0.
    ready_anyway: released, and in shadow (touches that the audit did not cause) it became sales-ready that same week.
    salesperson: who answered; None when unknown.
    """

    answer: int | None
    released_at: int | None = None
    caught: bool = False
    ready_anyway: bool = False
    salesperson: str | None = None

    def __post_init__(self) -> None:
        if self.answer not in {None, GOOD, BAD}:
            raise ValueError("an answer is 1, 0 or missing")

    def good(self, *, recall: bool = False) -> int | None:
        """1, 0 or None: a good lead that the definition left in Marketing's hands.

        For recall, one that the definition found by itself that week was not missed either.
        """
        if self.caught:
            return BAD
        return BAD if recall and self.ready_anyway and self.answer is not None else self.answer


@dataclass(frozen=True, slots=True)
class StratumWeek:
    """A stratum of one week's frame: `size` leads in it (N), of which `audits` were drawn (n)."""

    stratum: str
    week: int
    size: int
    audits: tuple[Audited, ...] = ()

    def __post_init__(self) -> None:
        if len(self.audits) > self.size:
            raise ValueError(f"{len(self.audits)} audits of a stratum of {self.size}")


@dataclass(frozen=True, slots=True)
class Cell:
    """Adjacent weeks of a stratum, joined. size: N, summed. drawn ≥ answered ≥ good."""

    stratum: str
    weeks: tuple[int, ...]
    size: int
    drawn: int
    answered: int
    good: int

    @property
    def share(self) -> float:
        return self.good / self.answered


def answer_of(outcome: str, blames: str | None, *, released_at: int, answered_at: int) -> int | None:
    """What Sales' final answer counts as. Later than 30 days is missing, so that a matured week never changes.

    outcome: qualified, rejected or recycled; blames: what the reason blames (definition, timing, data, nobody).
    """
    if answered_at - released_at > MATURITY:
        return None
    if outcome == "qualified":
        return GOOD
    return BAD if blames in _BAD_BLAMES else None


def matured(rows: Iterable[StratumWeek], as_of: int) -> list[StratumWeek]:
    """The rows of weeks in which every drawn lead was caught, or released at least 30 days before `as_of`.

    Whether an answer came is not asked: a week that counted as soon as its answers are in would count quick ones first.
    A drawn lead that is still not released 60 days after its week began (it was disqualified, say, and never can be)
    keeps the week no longer: it is missing.
    """
    kept = list(rows)
    young = {
        row.week
        for row in kept
        for one in row.audits
        if not one.caught and as_of < (row.week + WAITS if one.released_at is None else one.released_at + MATURITY)
    }
    return [row for row in kept if row.week not in young]


def join(rows: Iterable[StratumWeek], *, recall: bool = False, enough: int = ENOUGH) -> list[Cell]:
    """Cells by stratum and time: adjacent weeks are joined until a cell has `enough` answers.

    What is left at the end joins the cell before it; a stratum with fewer answers in all is one cell.
    """
    return [cell_of(weeks, recall=recall) for weeks in groups(rows, enough=enough)]


def groups(rows: Iterable[StratumWeek], *, enough: int = ENOUGH) -> list[list[StratumWeek]]:
    """The weeks of each cell, as `join` joins them. Weeks without anybody in the stratum are left out."""
    done: list[list[StratumWeek]] = []
    strata: dict[str, list[StratumWeek]] = {}
    for row in sorted(rows, key=lambda row: (row.stratum, row.week)):
        if row.size:
            strata.setdefault(row.stratum, []).append(row)
    for weeks in strata.values():
        own: list[list[StratumWeek]] = [[]]
        for row in weeks:
            if _answered(own[-1]) >= enough:
                own.append([])
            own[-1].append(row)
        if len(own) > 1 and _answered(own[-1]) < enough:
            last = own.pop()
            own[-1].extend(last)
        done.extend(own)
    return done


def _answered(rows: Sequence[StratumWeek]) -> int:
    return sum(one.good() is not None for row in rows for one in row.audits)


def cell_of(rows: Sequence[StratumWeek], *, recall: bool = False) -> Cell:
    """The weeks of a stratum as one cell."""
    answers = [one.good(recall=recall) for row in rows for one in row.audits]
    known = [answer for answer in answers if answer is not None]
    return Cell(
        stratum=rows[0].stratum,
        weeks=tuple(row.week for row in rows),
        size=sum(row.size for row in rows),
        drawn=len(answers),
        answered=len(known),
        good=sum(known),
    )
