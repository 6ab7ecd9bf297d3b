"""Audits' answers about a part of everybody: those whom another agreement would hand over, and those whom it would leave.

A week's audits are a random draw from each stratum of that week's frame. So they are one of any part of the stratum, too, and
of that part the number of leads in the frame is known: the rate is that of `stratified`, over the part's lead-weeks.

**Handed over in addition.** The audits of a lead count for its hand-over while they lie near it: frames of the week of the
hand-over and of the two that follow. Earlier ones speak of a lead that had not shown yet what the hand-over rests on, later
ones of one whose interest may be gone: on simulated companies frames up to four weeks after it flatter nobody and blame the
definition for 3 points too many, up to eight for 18 points. Who is in the part must not depend on the audit: so it is told by two
replays of the touches, never by what Sales did with the lead, which the audit changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadpact.lake.sampled.bounds import LEVEL
from leadpact.lake.sampled.cells import Audited, Cell, StratumWeek, join
from leadpact.lake.sampled.chance import generator
from leadpact.lake.sampled.stratified import PRIOR, interval, rate, rate_draws
from leadpact.lake.shares import Estimate, wilson

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
WEEK = 7 * 86_400_000_000
AFTER = 2 * WEEK
"""How long after a hand-over a frame may be frozen to speak of it."""
NEVER = -1
TOO_FEW = 10
MISSING, GOOD, BAD, TIMING = 0, 1, 2, 3
"""What Sales said of an audited lead: nothing that counts, qualified, the definition to blame, the timing to blame."""
SEED = "leadpact replays"


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of a period's audits over numbered leads, and who was drawn. Instants in microseconds UTC.

    week, frozen: of each frame, in order. matured: whether its answers are in, as `cells.matured` has it. member: frame and lead →
    0 where the lead is not in it, else 1 + the number of its stratum. For each drawn lead: lead, frame, when released (NEVER
    where it was not), what was said, whether it had been handed over by itself before.
    """

    strata: tuple[str, ...]
    week: Ints
    frozen: Ints
    matured: Bools
    member: NDArray[np.int8]
    lead: Ints
    frame: Ints
    released: Ints
    said: NDArray[np.int8]
    caught: Bools

    def rows(self, inside: Callable[[int], Bools], answers: NDArray[np.int8]) -> tuple[list[StratumWeek], Bools]:
        """The matured weeks of a part of the frames, and which leads are in it.

        inside: for a frame, which leads belong to the part. answers: for each drawn lead 1, 0, or -1 for missing.
        """
        out: list[StratumWeek] = []
        seen = np.zeros(self.member.shape[1], bool)
        for place in np.flatnonzero(self.matured):
            row = self.member[place]
            keep = inside(int(place)) & (row > 0)
            seen |= keep
            mine = np.flatnonzero(self.frame == place)
            mine = mine[keep[self.lead[mine]]]
            of = row[self.lead[mine]] - 1
            for number, name in enumerate(self.strata):
                audits = tuple(
                    Audited(None if answer < 0 else int(answer), released_at=None)
                    for answer in answers[mine[of == number]]
                )
                size = int(np.count_nonzero(keep & (row == number + 1)))
                out.append(StratumWeek(name, int(self.week[place]), size, audits))
        return out, seen


@dataclass(frozen=True, slots=True)
class Additional:
    """Hand-overs that no answer exists for and that the agreement held against would not make.

    leads: how many. covered: of them, those in an audit's frame about then. answers, missing: audited leads among those, with
    and without an answer that tells. error: the share of false ones, None where `answers` are too few. decided: the share of
    hand-overs on which Sales would give an answer that counts.
    """

    leads: int
    covered: int
    answers: int
    missing: int
    error: Estimate | None
    decided: float | None

    @property
    def says(self) -> str:
        """In words."""
        if not self.leads:
            return ""
        leads = f"{self.leads:,} {'lead' if self.leads == 1 else 'leads'}"
        many = f"{leads} would be handed over in addition, without an answer of Sales."
        if not self.covered:
            return f"{many} None of them was in the frame of a blind audit about then, so nothing can be said of them."
        if self.error is None:
            counted = (
                "No audit of such leads has an answer"
                if not self.answers
                else f"{self.answers} {'audit' if self.answers == 1 else 'audits'} of such leads "
                f"{'has an answer, which is' if self.answers == 1 else 'have answers, which are'} too few (of {TOO_FEW})"
            )
            return f"{many} {counted}: nothing can be said of them."
        share = f"{_percent(self.error.value)} of them would be false"
        between = f"95% interval {_percent(self.error.low)} to {_percent(self.error.high)}"
        return f"{many} By {self.answers:,} blind audits of such leads about then, {share}, {between}."


@dataclass(frozen=True, slots=True)
class FirstError:
    """The first error of an agreement on history: of those with an answer, what audits say of the others, and both together.

    labelled: over hand-overs that Sales answered, Wilson. both: None where audits say too little. low_bound, high_bound: if all of
    the additional ones were good, and if all were false.
    """

    labelled: Estimate | None
    additional: Additional
    both: Estimate | None
    low_bound: float | None
    high_bound: float | None


@dataclass(frozen=True, slots=True)
class Left:
    """The second error under an agreement: good leads that it leaves with Marketing.

    sampled: the share of lead-weeks in the audits' frames, None where too few answers. a_week, a_week_low, a_week_high: how many
    good leads lie there in an average week. known: leads that Sales qualified and that the agreement never hands over; won: of
    those that were won, the ones never handed over or only later. Never added together.
    """

    sampled: Estimate | None
    answers: int
    frame: int
    a_week: float | None
    a_week_low: float | None
    a_week_high: float | None
    known: int
    won: int

    @property
    def says(self) -> str:
        """In words, of the sampled part."""
        if not self.frame:
            return "No blind audit has a frame that is old enough, so nothing can be said of what would wither."
        if self.sampled is None:
            return (
                f"{self.answers:,} blind audits of leads left with Marketing have an answer: too few to say anything."
            )
        share = f"{_percent(self.sampled.value)} of those left with Marketing would have been qualified"
        between = f"95% interval {_percent(self.sampled.low)} to {_percent(self.sampled.high)}"
        many = f"about {self.a_week:,.0f} {'lead' if round(self.a_week or 0) == 1 else 'leads'} in an average week"
        return f"By {self.answers:,} blind audits {share}, {between}: {many}."


def first_error(
    frames: Frames | None,
    *,
    handed: Ints,
    against: Ints,
    good: Bools,
    bad: Bools,
    answered: Bools,
    draws: int,
    seed: str = SEED,
) -> FirstError:
    """The first error of an agreement that hands leads over at `handed` (NEVER: not), beside one that does so at `against`.

    good, bad, answered: leads that Sales qualified, blamed the definition for, gave any final answer on (audits apart).
    """
    there = handed != NEVER
    right, wrong = int((there & good).sum()), int((there & bad).sum())
    gained = there & (against == NEVER) & ~answered
    cells: list[Cell] = []
    covered = 0
    if frames is not None and gained.any():
        codes = np.full(len(frames.said), -1, np.int8)
        codes[frames.said == GOOD], codes[frames.said == BAD] = 0, 1
        rows, seen = frames.rows(
            lambda place: gained & (handed < frames.frozen[place] + WEEK) & (handed >= frames.frozen[place] - AFTER),
            codes,
        )
        cells, covered = join(rows), int(seen.sum())
    answers, drawn = sum(cell.answered for cell in cells), sum(cell.drawn for cell in cells)
    many = int(gained.sum())
    total = right + wrong
    low_bound = wrong / (total + many) if total + many else None
    high_bound = (wrong + many) / (total + many) if total + many else None
    labelled = wilson(wrong, total)
    if answers < TOO_FEW:
        told = Additional(many, covered, answers, drawn - answers, None, None)
        return FirstError(labelled, told, labelled if not many else None, low_bound, high_bound)
    spread = _spread(cells, seed=seed, draws=draws)
    known = [cell for cell in cells if cell.answered]
    value = rate(known)
    low, high = _quantiles(spread)
    error = Estimate(value, min(low, value), max(high, value), answers, f"blind audits by cell, {draws:,} draws")
    decided = sum(cell.size * cell.answered / cell.drawn for cell in cells if cell.drawn) / sum(
        cell.size for cell in cells if cell.drawn
    )
    told = Additional(many, covered, answers, drawn - answers, error, decided)
    return FirstError(labelled, told, _both(right, wrong, told, spread, seed, draws), low_bound, high_bound)


def _spread(cells: list[Cell], *, seed: str, draws: int) -> NDArray[np.float64]:
    """Draws of the rate over all cells; where a stratum has no answer at all its rate may be anything."""
    known = [cell for cell in cells if cell.answered]
    size = sum(cell.size for cell in cells)
    total = rate_draws(known, seed=seed, draws=draws) * sum(cell.size for cell in known)
    chance = generator(seed, len(cells), "silent")
    for cell in cells:
        if not cell.answered:
            total = total + cell.size * chance.beta(PRIOR, PRIOR, size=draws)
    return total / size


def _both(good: int, bad: int, told: Additional, spread: NDArray[np.float64], seed: str, draws: int) -> Estimate:
    """Answers and estimate put together, each with as many hand-overs as would get an answer that counts."""
    assert told.error is not None
    assert told.decided is not None
    total = good + bad
    weight = told.leads * told.decided
    value = (bad + weight * told.error.value) / (total + weight)
    chance = generator(seed, total, "both")
    shares = chance.beta(told.answers + PRIOR, told.missing + PRIOR, size=draws) * told.leads
    measured = chance.beta(bad + PRIOR, good + PRIOR, size=draws) * total if total else np.zeros(draws)
    low, high = _quantiles((measured + shares * spread) / (total + shares))
    method = f"answers and blind audits' estimate, weighted by hand-overs, {draws:,} draws"
    return Estimate(value, min(low, value), max(high, value), total + told.answers, method)


def _quantiles(draws: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def left(
    frames: Frames | None,
    *,
    handed: Ints,
    with_sales: Callable[[int], Bools],
    good: Bools,
    bad: Bools,
    won: Ints,
    draws: int,
    seed: str = SEED,
) -> Left:
    """The second error of an agreement that hands leads over at `handed`, first, and has them with Sales as `with_sales` says.

    won: when each lead was won, NEVER where it was not. A drawn lead that the agreement hands over before its release was
    caught: nothing was left to wither. One that was handed over in fact, and would not have been, has Sales' answer to that.
    """
    known = int((good & (handed == NEVER)).sum())
    lost = int(((won != NEVER) & ((handed == NEVER) | (handed > won))).sum())
    if frames is None or not frames.matured.any():
        return Left(None, 0, 0, None, None, None, known, lost)
    codes = np.full(len(frames.said), -1, np.int8)
    codes[frames.said == GOOD] = 1
    codes[(frames.said == BAD) | (frames.said == TIMING)] = 0
    lead = frames.lead
    codes[frames.caught & good[lead]], codes[frames.caught & bad[lead]] = 1, 0
    frozen = frames.frozen[frames.frame]
    until = np.where(frames.released == NEVER, frozen + WEEK, frames.released)
    codes[(handed[lead] > frozen) & (handed[lead] <= until)] = 0
    rows, _ = frames.rows(lambda place: ~with_sales(int(frames.frozen[place])), codes)
    cells = join(rows)
    answers, size = sum(cell.answered for cell in cells), sum(cell.size for cell in cells)
    if answers < TOO_FEW or any(not cell.answered for cell in cells):
        return Left(None, answers, size, None, None, None, known, lost)
    value = rate(cells)
    low, high = interval(cells, seed=seed, draws=draws)
    weeks = int(frames.matured.sum())
    sampled = Estimate(value, low, high, answers, f"blind audits by cell, {draws:,} draws")
    a_week = size / weeks
    return Left(sampled, answers, size, value * a_week, low * a_week, high * a_week, known, lost)


def _percent(part: float) -> str:
    return f"{100 * part:.1f}%" if part < 0.1 else f"{100 * part:.0f}%"
