"""The truth: what each salesperson would answer about each lead in each week, asked or not.

A pure function of (seed, lead, week, salesperson): asking in another order, twice, or never changes nothing. Weeks
start on Mondays, 00:00 UTC. The interest that counts is that of the middle of the week, lowered for a slow salesperson
(interest decays while one waits).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from leadpact.simulation.chance import Floats, Ints, Stream, uniform, uniform_one
from leadpact.simulation.population import Accounts, Flags, Population
from leadpact.simulation.sources import SOURCES
from leadpact.simulation.staff import DAY, Employee

WEEK = 7 * DAY
MONDAY = 4 * DAY  # 1970-01-05
SPOKEN_REASONS = ("no_fit", "no_interest", "not_now", "no_budget", "sponsor_left")
REASONS = (*SPOKEN_REASONS, "wrong_data", "unreachable")
BLAMES = {
    "not_now": "timing",
    "no_budget": "timing",
    "sponsor_left": "timing",
    "no_fit": "definition",
    "no_interest": "definition",
    "wrong_data": "data",
    "unreachable": "nobody",
}
LOST_REASONS = ("competitor", "no_decision", "price", "went_silent")
# Logit of "qualified": constant, per unit of interest, per unit of fit.
HURDLE, PULL, FIT = -9.4, 9.0, 6.0
REACH, REACH_BY_INTEREST = 1.9, 0.4  # logit of ever answering
STALE = 0.6
WINS_SCALE = 10.0  # wins per qualified lead, over the source's rate of lead to deal
# The share of salespeople who look into the catch-all queue while an offer lies there, and after how many minutes (median).
LOOKS_AT_QUEUE, QUEUE_MINUTES = 0.5, 60.0
# Asked "was this a check?": the share that says something, and the share that passes it over; the others leave it standing.
# Nobody can tell a check, so what is said depends on nothing: this share is taken for one, whatever it was.
GUESSES, PASSES_OVER, TAKEN_FOR_CHECK = 0.6, 0.15, 0.3
CHECK, ORDINARY, PASSED_OVER = "check", "ordinary", "passed_over"


@dataclass(frozen=True, slots=True)
class PotentialAnswer:
    """What would happen if this salesperson were offered this lead in this week.

    kind: qualified or rejected. reason: of a rejection, from the example agreement's list; "" otherwise.
    picked_up: whether the offer would be accepted at all (if not it is recalled, and the rest never happens).
    response_minutes: business minutes from offer to acceptance. follow_up_minutes: from acceptance to the first try.
    reached: whether the lead ever answers. attempts: tries until reached, or in all. decision_days: business days from
    acceptance to the final answer. opportunity_days: calendar days from qualified to opportunity, None when there is
    none. outcome: won, lost or "" after an opportunity; close_days from opportunity; value in cents.
    """

    kind: str
    reason: str
    picked_up: bool
    response_minutes: int
    follow_up_minutes: int
    reached: bool
    attempts: int
    decision_days: float
    opportunity_days: float | None
    outcome: str
    lost_reason: str
    close_days: float | None
    value: int

    @property
    def blames(self) -> str:
        """What the reason blames in the example agreement; "" when qualified."""
        return BLAMES.get(self.reason, "")


def week_of(at: int) -> int:
    """Number of the week of an instant (microseconds UTC), since the Monday of 1970-01-05."""
    return (at - MONDAY) // WEEK


class Truth:
    """Potential answers, one by one or by array. `appetite` moves the logit of qualifying for everybody."""

    def __init__(
        self,
        seed: int,
        people: Population,
        firms: Accounts,
        salespeople: tuple[Employee, ...],
        start: int,
        appetite: float = 0.0,
    ) -> None:
        self._seed, self._people, self._firms, self._start = seed, people, firms, start
        self._lenient = np.array([one.lenient for one in salespeople])
        self._slow = np.array([one.slow for one in salespeople])
        self._appetite = appetite
        source = people.source
        self._close = np.array([each.wins * each.close for each in SOURCES])[source]

    def interest(self, leads: Ints, week: Ints | int) -> Floats:
        """Interest of the people behind `leads` (positions) in the middle of the week."""
        day = (np.asarray(week, dtype=np.float64) * WEEK + MONDAY - self._start) / DAY + 3.5
        return self._people.waves.interest(leads, day)

    def probability(self, leads: Ints, week: int, salesperson: int) -> Floats:
        """Chance that this salesperson finds each of the leads worth qualifying in this week, before it is drawn."""
        return self._chance(self.interest(leads, week), self._people.good[leads], week, salesperson)

    def would_qualify(self, leads: Ints, week: int, salesperson: int) -> Flags:
        """Whether this salesperson would qualify each of the leads in this week, once they spoke.

        Whether the lead could have been reached is another question: one that nobody reached is as good as it was.
        """
        chance = self.probability(leads, week, salesperson)
        return np.asarray(uniform(self._seed, Stream.KIND, self._human(leads), week, salesperson) < chance)

    def reached(self, leads: Ints, weeks: Ints | int, salespeople: Ints | int) -> Flags:
        """Whether each of the leads would ever answer this salesperson's calls in this week, and its data be right."""
        odds = REACH + REACH_BY_INTEREST * self.interest(leads, weeks)
        answers = uniform(self._seed, Stream.REACHED, leads, weeks, salespeople) < 1 / (1 + np.exp(-odds))
        stale = uniform(self._seed, Stream.WRONG, leads, np.asarray(weeks) // 3) < STALE
        return np.asarray(answers & ~(self._people.wrong_data[leads] & stale))

    def share_that_would(self, leads: Ints, week: int) -> Floats:
        """The share of salespeople, each counted once, that would qualify each of the leads in this week."""
        interest, good, human = self.interest(leads, week), self._people.good[leads], self._human(leads)
        votes = np.zeros(len(leads))
        for salesperson in range(len(self._lenient)):
            chance = self._chance(interest, good, week, salesperson)
            votes += uniform(self._seed, Stream.KIND, human, week, salesperson) < chance
        return votes / len(self._lenient)

    def _chance(self, interest: Floats, good: Floats, week: int, salesperson: int) -> Floats:
        mood = 0.25 * self._normal(Stream.MOOD, salesperson, week)
        waited = 1 - 0.06 * (self._slow[salesperson] - 1)
        logit = HURDLE + PULL * interest * waited + FIT * good + self._lenient[salesperson] + mood + self._appetite
        return np.asarray(1 / (1 + np.exp(-logit)), dtype=np.float64)

    def answer(self, lead: int, week: int, salesperson: int) -> PotentialAnswer:
        """The whole potential answer."""
        who = np.array([lead])
        felt = self.interest(who, week)
        interest = float(felt[0])
        odds = REACH + REACH_BY_INTEREST * interest
        slow = float(self._slow[salesperson])
        response = 26.0 * slow * math.exp(1.15 * self._normal(Stream.DELAY, lead, week, salesperson))
        follow_up = 7.0 * slow * math.exp(1.0 * self._normal(Stream.FOLLOW_UP, lead, week, salesperson))
        reached = self._uniform(Stream.REACHED, lead, week, salesperson) < 1 / (1 + math.exp(-odds))
        wrong = self._wrong(lead, week)
        chance = float(self._chance(felt, self._people.good[who], week, salesperson)[0])
        human = int(self._human(who)[0])
        qualified = reached and not wrong and self._uniform(Stream.KIND, human, week, salesperson) < chance
        tries = self._uniform(Stream.ATTEMPTS, lead, week, salesperson)
        attempts = 1 + int(math.log(tries) / math.log(0.45)) if reached else (6 if tries < 0.8 else int(1 + 5 * tries))
        decision = 1.5 + 5.0 * math.exp(0.7 * self._normal(Stream.DECISION, lead, week, salesperson))
        opportunity, outcome, lost_reason, close, value = (
            self._market(lead, week, salesperson) if qualified else _NOTHING
        )
        return PotentialAnswer(
            kind="qualified" if qualified else "rejected",
            reason="" if qualified else self._reason(lead, week, salesperson, interest) if reached else "unreachable",
            picked_up=self._uniform(Stream.PICKED_UP, lead, week, salesperson) < 0.97,
            response_minutes=1 + int(response),
            follow_up_minutes=1 + int(follow_up),
            reached=reached,
            attempts=min(attempts, 8),
            decision_days=min(decision, 14.0) if reached else 10.0,
            opportunity_days=opportunity,
            outcome=outcome,
            lost_reason=lost_reason,
            close_days=close,
            value=value,
        )

    def from_queue(self, lead: int, occasion: int, salesperson: int) -> int | None:
        """Business minutes until this salesperson would take the lead out of the catch-all queue; None: never looks there.

        occasion: a number for each offer of the lead to the queue; another time they may look.
        """
        if self._uniform(Stream.QUEUE, lead, occasion, salesperson, 0) >= LOOKS_AT_QUEUE:
            return None
        slow = float(self._slow[salesperson])
        return 1 + int(
            QUEUE_MINUTES * slow * math.exp(float(ndtri(self._uniform(Stream.QUEUE, lead, occasion, salesperson, 1))))
        )

    def guess(self, lead: int, week: int, salesperson: int) -> str:
        """What they say, asked whether the lead they answered on was a check: CHECK, ORDINARY, PASSED_OVER, or "" for nothing.

        What it was is no argument: whoever is asked knows no more of it.
        """
        answers = self._uniform(Stream.GUESS, lead, week, salesperson, 0)
        if answers >= GUESSES:
            return PASSED_OVER if answers < GUESSES + PASSES_OVER else ""
        return CHECK if self._uniform(Stream.GUESS, lead, week, salesperson, 1) < TAKEN_FOR_CHECK else ORDINARY

    def _wrong(self, lead: int, week: int) -> bool:
        """Whether the data is wrong in this week: some is mended, some goes stale, three weeks at a time."""
        return bool(self._people.wrong_data[lead]) and self._uniform(Stream.WRONG, lead, week // 3) < STALE

    def _reason(self, lead: int, week: int, salesperson: int, interest: float) -> str:
        if self._wrong(lead, week):
            return "wrong_data"
        good = float(self._people.good[lead])
        weights = np.array([2.1 * (1 - good) ** 1.5, 1.2 * (1 - interest) ** 2, 0.9 + 0.6 * interest, 0.7, 0.25])
        drawn = self._uniform(Stream.REASON, lead, week, salesperson)
        return SPOKEN_REASONS[int((drawn * weights.sum() >= np.cumsum(weights)[:-1]).sum())]

    def _market(self, lead: int, week: int, salesperson: int) -> tuple[float | None, str, str, float | None, int]:
        """(days to opportunity, outcome, why lost, days to its close, value in cents) of a qualified lead."""
        if self._uniform(Stream.OPPORTUNITY, lead, week, salesperson) > 0.92:
            return _NOTHING
        opens = 14.0 * math.exp(0.8 * self._normal(Stream.OPPORTUNITY_TIME, lead, week, salesperson))
        closes = 30.0 * math.exp(0.6 * self._normal(Stream.CLOSE_TIME, lead, week, salesperson))
        won = self._uniform(Stream.WON, lead, week, salesperson) < WINS_SCALE * float(self._close[lead])
        why = LOST_REASONS[int(len(LOST_REASONS) * self._uniform(Stream.LOST_REASON, lead, week, salesperson))]
        account = int(self._people.account[lead])
        size = float(self._firms.employees[account]) if account >= 0 else 30.0
        value = 9_000.0 * (size / 100) ** 0.35 * math.exp(0.6 * self._normal(Stream.VALUE, lead, week, salesperson))
        cents = round(value / 100) * 10_000
        return opens, "won" if won else "lost", "" if won else why, closes, cents

    def _human(self, leads: Ints) -> Ints:
        """The person behind a lead: a duplicate gets the answer of the one it doubles."""
        real = self._people.duplicate_of[leads]
        return np.where(real >= 0, real, leads)

    def _uniform(self, stream: Stream, *numbers: int) -> float:
        return uniform_one(self._seed, stream, *numbers)

    def _normal(self, stream: Stream, *numbers: int) -> float:
        return float(ndtri(self._uniform(stream, *numbers)))


_NOTHING: tuple[float | None, str, str, float | None, int] = (None, "", "", None, 0)
