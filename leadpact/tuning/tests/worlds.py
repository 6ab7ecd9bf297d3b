"""Simulated companies run through the pure functions: frames, draws, answers, estimates, and whether they hold the truth.

A year of audits in each. The definition is stood in for by what shows of a lead's interest, so that neither touches
nor a database are needed: `shown` above a bar hands a lead over, `shown` near the bar makes it near. The truth of a
frame is the mean, over its lead-weeks, of the share of salespeople who would qualify the lead in that week.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from leadpact.lake.sampled.stratified import exact_bound, interval, rate
from leadpact.language.nodes import Audit
from leadpact.simulation.company import Company
from leadpact.simulation.truth import MONDAY, WEEK, week_of
from leadpact.tuning.rules import Answers, Audited, StratumWeek, draw, first_error, join
from leadpact.tuning.rules.clusters import clustered
from leadpact.tuning.rules.draw import FAR, NEAR, REST_BETWEEN_AUDITS, Frame

START = datetime(2025, 1, 6, tzinfo=UTC)
FIRST_WEEK = 4
READY, CLOSE = 0.55, 0.30
DRAWS = 1_500
LATER = 1 << 60


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the grid: size of the company, what is added to the logit of qualifying, the agreement's audit node,
    and the weeks that the measure looks at."""

    leads: int
    appetite: float
    caps: Audit
    weeks: int

    def __str__(self) -> str:
        share, cap = self.caps.share / 10_000, self.caps.at_most_per_week
        return f"{self.leads:>6,} leads, appetite {self.appetite:+.1f}, {share:.0f}% at most {cap}, {self.weeks} weeks"


@dataclass(frozen=True, slots=True)
class Trial:
    """One draw of a year's audits. Whether each interval or bound held the truth; None where there was none to hold."""

    truth: float
    value: float
    answered: int
    good: int
    headline: bool
    exact: bool
    clustered: bool | None
    literal: bool | None


class World:
    """A company's weeks: who is in the pool, near or far, who was handed over, and everybody's potential answers."""

    def __init__(self, seed: int, leads: int, appetite: float, weeks: int) -> None:
        self.company = Company(seed, leads, START, days=7 * (FIRST_WEEK + weeks), appetite=appetite)
        crowd, firms = self.company.crowd, self.company.firms
        chance = np.random.default_rng([seed, leads])
        employees, industry = firms.employees[crowd.account], firms.industry[crowd.account]
        fits = (crowd.account >= 0) & (industry < 3) & (employees >= 200) & (employees <= 5_000)
        talks = np.minimum(1.4, 0.4 + 0.6 * crowd.loud)
        self.first = week_of(self.company.start) + FIRST_WEEK
        gone = np.zeros(leads, dtype=bool)
        self.pools: list[NDArray[np.int64]] = []
        self.near: list[NDArray[np.bool_]] = []
        self.votes: list[NDArray[np.bool_]] = []
        self.share: list[NDArray[np.float64]] = []
        for week in range(self.first, self.first + weeks):
            here = np.flatnonzero((crowd.created < 7 * (week - week_of(self.company.start))) & ~gone)
            shown = self.company.truth.interest(here, week) * talks[here] + 0.05 * chance.normal(size=len(here))
            ready = shown > np.where(fits[here], READY, READY + 0.2)
            gone[here[ready]] = True
            votes = np.stack(
                [self.company.truth.would_qualify(here, week, s) for s in range(len(self.company.salespeople))]
            )
            self.pools.append(here[~ready])
            self.near.append((shown > np.where(fits[here], CLOSE, CLOSE + 0.2))[~ready])
            self.votes.append(votes[:, ~ready])
            self.share.append(self.votes[-1].mean(axis=0))

    @staticmethod
    def monday(week: int) -> int:
        return week * WEEK + MONDAY

    def trial(self, caps: Audit, weeks: int, seed: str, *, beside: bool = True) -> Trial | None:
        """Audit the last `weeks` weeks once; None where nobody answered. beside: also what stands beside the headline."""
        rows, truth = self.audit(caps, weeks, seed)
        cells = join(rows)
        if not cells or any(cell.answered == 0 for cell in cells):
            return None
        low, high = interval(cells, seed=seed, draws=DRAWS)
        groups = clustered(rows, seed=seed, draws=DRAWS) if beside else None
        return Trial(
            truth=truth,
            value=rate(cells),
            answered=sum(cell.answered for cell in cells),
            good=sum(cell.good for cell in cells),
            headline=bool(low <= truth <= high),
            exact=bool(exact_bound(cells) >= truth),
            clustered=None if groups is None else bool(groups[0] <= truth <= groups[1]),
            literal=_literal(cells, truth, seed) if beside else None,
        )

    def audit(self, caps: Audit, weeks: int, seed: str) -> tuple[list[StratumWeek], float]:
        """The audited last `weeks` weeks, and the true rate of their frames. Each drawn lead goes to one of the
        salespeople, by a chance of the trial's own; whoever was drawn is left alone for 180 days."""
        truth = size = 0.0
        frames: list[Frame] = []
        picked: list[tuple[int, str, int]] = []  # place of the frame, stratum, lead
        where: list[int] = []
        rested = np.full(self.company.size, -LATER)
        for number in range(len(self.pools) - weeks, len(self.pools)):
            at = self.monday(self.first + number)
            free = np.flatnonzero(at - rested[self.pools[number]] >= REST_BETWEEN_AUDITS)
            pool, near = self.pools[number][free], self.near[number][free]
            truth, size = truth + self.share[number][free].sum(), size + len(pool)
            frame = Frame(at, {NEAR: tuple(pool[near].tolist()), FAR: tuple(pool[~near].tolist())}, {})
            for one in draw(frame, caps, seed).drawn:
                picked.append((len(frames), one.stratum, one.lead_id))
                where.append(number)
                rested[one.lead_id] = at
            frames.append(frame)
        chance = np.random.default_rng(list(seed.encode()))
        leads = np.array([lead for _frame, _stratum, lead in picked], dtype=np.int64)
        people = chance.integers(0, len(self.company.salespeople), size=len(leads))
        reached = self.company.truth.reached(leads, np.array(where, dtype=np.int64) + self.first, people)
        audits: dict[tuple[int, str], list[Audited]] = {}
        for i, (place, stratum, lead) in enumerate(picked):
            good = bool(self.votes[where[i]][people[i], np.searchsorted(self.pools[where[i]], lead)])
            audits.setdefault((place, stratum), []).append(
                Audited(
                    answer=int(good) if reached[i] else None,
                    released_at=frames[place].week,
                    salesperson=f"s{people[i]}",
                )
            )
        rows = [
            StratumWeek(name, frame.week, len(ids), tuple(audits.get((place, name), ())))
            for place, frame in enumerate(frames)
            for name, ids in frame.strata.items()
        ]
        return rows, float(truth / size)


def _literal(cells, truth: float, seed: str) -> bool:  # noqa: ANN001
    """Coverage of Jeffreys' prior given whole to every cell: what the shared prior is measured against."""
    chance = np.random.default_rng(list(seed.encode()))
    total = sum(c.size * chance.beta(c.good + 0.5, c.answered - c.good + 0.5, size=300) for c in cells)
    low, high = np.quantile(total / sum(c.size for c in cells), [0.025, 0.975])
    return bool(low <= truth <= high)


def first_error_trials(world: World, sizes: tuple[int, ...], repeats: int) -> list[tuple[int, bool]]:
    """(size, held) for cohorts of hand-offs drawn from a company's many: does Wilson's interval hold the whole's share?

    The hand-offs are leads at the weeks of their highest interest, each offered to one salesperson.
    """
    company = world.company
    chance = np.random.default_rng([company.seed, 1])
    weeks = np.arange(world.first, world.first + len(world.pools))
    everybody = np.arange(company.size)
    interest = np.stack([company.truth.interest(everybody, week) for week in weeks.tolist()])
    warm = np.argsort(-interest.max(axis=0), kind="stable")[: company.size // 3]
    best = weeks[interest.argmax(axis=0)]
    said = []
    for lead in warm.tolist()[:600]:
        answer = company.truth.answer(lead, int(best[lead]), int(chance.integers(0, len(company.salespeople))))
        said.append(answer.blames or "qualified")
    blamed, qualified = said.count("definition"), said.count("qualified")
    truth = blamed / (blamed + qualified)
    trials = []
    for size in sizes:
        for _ in range(repeats):
            cohort = chance.choice(said, size=size, replace=True).tolist()
            counts = {kind: cohort.count(kind) for kind in ("definition", "qualified", "timing", "data", "nobody")}
            found = first_error(Answers(**counts))
            if found.low is not None and found.high is not None:
                trials.append((size, found.low <= truth <= found.high))
    return trials
