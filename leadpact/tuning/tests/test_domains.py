"""Audits' answers about a part of everybody, in simulated companies: do the intervals of a replay hold the truth?

As in `worlds`, what shows of a lead's interest stands in for a definition, and a lower bar for the agreement that is tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from leadpact.lake.sampled.domains import BAD, GOOD, MISSING, NEVER, WEEK, FirstError, Frames, Left, first_error, left
from leadpact.language.nodes import Audit
from leadpact.tuning.rules.draw import FAR, NEAR, REST_BETWEEN_AUDITS, Frame, draw
from leadpact.tuning.tests.worlds import CLOSE, LATER, READY, World

WEEKS, LEADS, LOWER = 40, 3_000, 0.33
CAPS = Audit(share=20_000, at_most_per_week=20, near_within=15_000, near_share=100_000)


@dataclass(frozen=True, slots=True)
class Tried:
    """One draw of a company's audits: what was estimated, and the truth."""

    first: FirstError
    stays: Left
    additional: float
    everybody: float
    missed: float


class Bars(World):
    """A company with two bars: the one that ran, and a lower one. base, tried: the week in which each lead passes them."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, LEADS, 0.0, WEEKS)
        crowd, firms = self.company.crowd, self.company.firms
        chance = np.random.default_rng([seed, LEADS])
        employees, industry = firms.employees[crowd.account], firms.industry[crowd.account]
        fits = (crowd.account >= 0) & (industry < 3) & (employees >= 200) & (employees <= 5_000)
        talks = np.minimum(1.4, 0.4 + 0.6 * crowd.loud)
        self.base, self.tried = np.full(LEADS, NEVER), np.full(LEADS, NEVER)
        gone = np.zeros(LEADS, bool)
        for number, week in enumerate(range(self.first, self.first + WEEKS)):
            here = np.flatnonzero((crowd.created < 7 * (week - self.company_week)) & ~gone)
            shown = self.company.truth.interest(here, week) * talks[here] + 0.05 * chance.normal(size=len(here))
            bar = np.where(fits[here], 0.0, 0.2)
            ready, lower = here[shown > READY + bar], here[shown > LOWER + bar]
            self.base[ready] = number
            self.tried[lower[self.tried[lower] == NEVER]] = number
            gone[ready] = True

    @property
    def company_week(self) -> int:
        from leadpact.simulation.truth import week_of

        return week_of(self.company.start)

    def instants(self, weeks: np.ndarray) -> np.ndarray:
        """Weeks as instants, in the middle of each."""
        return np.where(weeks == NEVER, NEVER, (self.first + weeks) * WEEK + self.monday(0) + WEEK // 2)

    def try_lower(self, seed: str) -> Tried:
        """Audit every week, and estimate both errors of the lower bar."""
        assert CLOSE < LOWER < READY
        strata, chance = (NEAR, FAR), np.random.default_rng(list(seed.encode()))
        member = np.zeros((WEEKS, LEADS), np.int8)
        rested = np.full(LEADS, -LATER)
        drawn: list[tuple[int, int, int]] = []
        for number, pool_ in enumerate(self.pools):
            at = self.monday(self.first + number)
            free = at - rested[pool_] >= REST_BETWEEN_AUDITS
            pool, near = pool_[free], self.near[number][free]
            member[number, pool] = np.where(near, 1, 2)
            frame = Frame(at, {NEAR: tuple(pool[near].tolist()), FAR: tuple(pool[~near].tolist())}, {})
            for one in draw(frame, CAPS, seed).drawn:
                rested[one.lead_id] = at
                drawn.append((one.lead_id, number, self._said(number, one.lead_id, chance)))
        lead, frame_of, said = (np.array(column, np.int64) for column in zip(*drawn, strict=True))
        frozen = np.array([self.monday(self.first + number) for number in range(WEEKS)])
        frames = Frames(
            strata, frozen, frozen, np.ones(WEEKS, bool), member, lead, frame_of, frozen[frame_of] + 1, said.astype(np.int8),
            np.zeros(len(lead), bool),
        )  # fmt: skip
        good, bad = self._answered(chance)
        tried, base = self.instants(self.tried), self.instants(self.base)
        first = first_error(frames, handed=tried, against=base, good=good, bad=bad, answered=good | bad, draws=2_000)
        stays = left(
            frames, handed=tried, with_sales=lambda at: (tried != NEVER) & (tried <= at), good=good, bad=bad,
            won=np.full(LEADS, NEVER), draws=2_000,
        )  # fmt: skip
        gained = (self.tried != NEVER) & (self.base == NEVER)
        additional = self._false(gained, self.tried)
        ran = self.tried != NEVER
        share = gained.sum() / ran.sum()
        everybody = share * additional + (1 - share) * self._false(ran & ~gained, self.base)
        return Tried(first, stays, additional, everybody, self._missed(member, tried, frozen))

    def _said(self, number: int, lead: int, chance: np.random.Generator) -> int:
        who = int(chance.integers(0, len(self.company.salespeople)))
        reached = self.company.truth.reached(np.array([lead]), np.array([self.first + number]), np.array([who]))[0]
        good = self.votes[number][who, np.searchsorted(self.pools[number], lead)]
        return MISSING if not reached else GOOD if good else BAD

    def _answered(self, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """What a salesperson said of whom the bar that ran handed over."""
        good, bad = np.zeros(LEADS, bool), np.zeros(LEADS, bool)
        for number in range(WEEKS):
            who = np.flatnonzero(self.base == number)
            one = int(chance.integers(0, len(self.company.salespeople)))
            said = self.company.truth.would_qualify(who, self.first + number, one)
            good[who], bad[who] = said, ~said
        return good, bad

    def _false(self, which: np.ndarray, weeks: np.ndarray) -> float:
        """The true share of false ones at the weeks in which these are handed over."""
        votes = [
            1 - self.company.truth.share_that_would(who, self.first + number)
            for number in range(WEEKS)
            if len(who := np.flatnonzero(which & (weeks == number)))
        ]
        return float(np.concatenate(votes).mean())

    def _missed(self, member: np.ndarray, tried: np.ndarray, frozen: np.ndarray) -> float:
        """The true share of good ones among lead-weeks that the lower bar leaves."""
        good = size = 0.0
        for number, at in enumerate(frozen):
            stays = (member[number, self.pools[number]] > 0) & ~((tried != NEVER) & (tried <= at))[self.pools[number]]
            good, size = good + self.share[number][stays].sum(), size + stays.sum()
        return good / size


@pytest.fixture(scope="module")
def trials() -> list[Tried]:
    worlds = [Bars(seed) for seed in range(8)]
    return [world.try_lower(f"{place}-{again}") for place, world in enumerate(worlds) for again in range(4)]


def test_the_estimate_of_additional_hand_overs_holds_the_truth(trials: list[Tried]) -> None:
    told = [(one.first.additional.error, one.additional) for one in trials]
    held = [error.low <= truth <= error.high for error, truth in told if error is not None]
    assert len(held) == len(trials), "enough audits in each"
    assert sum(held) >= 0.85 * len(held)
    assert abs(np.mean([error.value - truth for error, truth in told if error is not None])) < 0.04
    assert np.mean([one.first.additional.covered / one.first.additional.leads for one in trials]) > 0.85


def test_together_they_are_right_where_answers_alone_are_not(trials: list[Tried]) -> None:
    both = [one.first.both for one in trials]
    held = [b is not None and b.low <= one.everybody <= b.high for b, one in zip(both, trials, strict=True)]
    assert sum(held) >= 0.9 * len(held)
    off = {
        name: float(np.mean([getattr(one.first, name).value - one.everybody for one in trials]))
        for name in ("labelled", "both")
    }
    assert off["labelled"] < -0.02, "the leads with an answer are the better ones"
    assert abs(off["both"]) < abs(off["labelled"]) / 2
    for one in trials:
        assert one.first.both is not None
        assert one.first.low_bound <= one.first.both.value <= one.first.high_bound


def test_the_second_error_of_what_is_left_holds_the_truth(trials: list[Tried]) -> None:
    held = [
        one.stays.sampled is not None and one.stays.sampled.low <= one.missed <= one.stays.sampled.high
        for one in trials
    ]
    assert sum(held) >= 0.85 * len(held)


def none_of(leads: int) -> np.ndarray:
    return np.zeros(leads, bool)


def test_few_audits_say_nothing_and_say_so() -> None:
    """Nine answers on additional hand-overs are too few, ten are not; without a frame nothing can be said at all."""
    leads = 40
    handed, against = np.full(leads, 10 * WEEK), np.full(leads, NEVER)
    for audits in (0, 9, 10):
        frames = Frames(
            ("near",), np.array([10 * WEEK]), np.array([10 * WEEK]), np.array([True]), np.ones((1, leads), np.int8),
            np.arange(audits), np.zeros(audits, np.int64), np.full(audits, 10 * WEEK + 1),
            np.full(audits, BAD, np.int8), none_of(audits),
        )  # fmt: skip
        found = first_error(
            frames,
            handed=handed,
            against=against,
            good=none_of(leads),
            bad=none_of(leads),
            answered=none_of(leads),
            draws=500,
        )
        more = found.additional
        assert (more.leads, more.covered, more.answers) == (leads, leads, audits)
        if audits < 10:
            assert more.error is None
            assert found.both is None
            assert ("No audit" if not audits else "9 audits of such leads have answers, which are too few") in more.says
            assert (found.low_bound, found.high_bound) == (0, 1)
        else:
            assert more.error is not None
            assert more.error.low > 0.6
            assert "By 10 blind audits" in more.says
    nothing = first_error(
        None,
        handed=handed,
        against=against,
        good=none_of(leads),
        bad=none_of(leads),
        answered=none_of(leads),
        draws=500,
    )
    assert "None of them was in the frame of a blind audit" in nothing.additional.says


def test_audits_far_from_the_hand_over_do_not_count() -> None:
    """Frames of its week and of the two after it: earlier and later ones speak of another moment."""
    leads, weeks = 20, 9
    frozen = np.arange(weeks) * WEEK + 10 * WEEK
    frames = Frames(
        ("near",), frozen, frozen, np.ones(weeks, bool), np.ones((weeks, leads), np.int8),
        np.tile(np.arange(leads), weeks), np.repeat(np.arange(weeks), leads), np.repeat(frozen, leads) + 1,
        np.full(leads * weeks, BAD, np.int8), none_of(leads * weeks),
    )  # fmt: skip
    handed = np.full(leads, 14 * WEEK + WEEK // 2)
    found = first_error(
        frames, handed=handed, against=np.full(leads, NEVER), good=none_of(leads), bad=none_of(leads),
        answered=none_of(leads), draws=500,
    )  # fmt: skip
    assert found.additional.answers == 3 * leads


def test_the_same_answers_give_the_same_digits(trials: list[Tried]) -> None:
    assert Bars(0).try_lower("0-0").first == trials[0].first
