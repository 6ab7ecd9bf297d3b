"""The truth: what each salesperson would answer about each lead in each week, asked or not.

A pure function of (seed, lead, week, salesperson): asking in another order, twice, or never changes nothing. Weeks
start on Mondays, 00:00 UTC. The interest that counts is that of the middle of the week, lowered for a slow salesperson
(interest decays while one waits).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leadpact.simulation.chance import Floats, Ints, Stream, normal, uniform
from leadpact.simulation.population import Accounts, Flags, Population
from leadpact.simulation.sources import SOURCES
from leadpact.simulation.staff import DAY, Employee

WEEK = 7 * DAY
MONDAY = 4 * DAY  # 1970-01-05
REASONS = ("no_fit", "no_interest", "not_now", "no_budget", "sponsor_left", "wrong_data", "unreachable")
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
HURDLE, PULL, FIT = -9.0, 7.2, 6.0
UNREACHABLE = REASONS.index("unreachable")
WRONG_DATA = REASONS.index("wrong_data")


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
        day = ((np.asarray(week) * WEEK + MONDAY - self._start) / DAY + 3.5).astype(np.float64)
        return self._people.waves.interest(leads, np.broadcast_to(day, leads.shape).copy())

    def probability(self, leads: Ints, week: Ints | int, salespeople: Ints) -> Floats:
        """Chance of "qualified" before it is drawn."""
        delay = self._slow[salespeople] - 1
        interest = self.interest(leads, week) * (1 - 0.06 * delay)
        mood = 0.25 * normal(self._seed, Stream.MOOD, salespeople, week)
        logit = HURDLE + PULL * interest + FIT * self._people.good[leads] + self._lenient[salespeople] + mood
        return np.asarray(1 / (1 + np.exp(-logit - self._appetite)), dtype=np.float64)

    def would_qualify(self, leads: Ints, week: Ints | int, salespeople: Ints) -> Flags:
        """Whether this salesperson would qualify this lead in this week: the same answer as `answer` gives."""
        human = self._human(leads)
        drawn = uniform(self._seed, Stream.KIND, human, week, salespeople)
        willing = drawn < self.probability(leads, week, salespeople)
        return np.asarray(willing & self._reached(leads, week, salespeople) & ~self._people.wrong_data[leads])

    def share_that_would(self, leads: Ints, week: Ints | int) -> Floats:
        """The share of salespeople, each counted once, that would qualify the lead in this week."""
        votes = [self.would_qualify(leads, week, np.full(len(leads), s)) for s in range(len(self._lenient))]
        return np.mean(votes, axis=0)

    def answer(self, lead: int, week: int, salesperson: int) -> PotentialAnswer:
        """The whole potential answer."""
        who, s = np.array([lead]), np.array([salesperson])
        qualified = bool(self.would_qualify(who, week, s)[0])
        slow = float(self._slow[salesperson])
        response = 26.0 * slow * float(np.exp(1.15 * self._normal(Stream.DELAY, lead, week, salesperson)))
        follow_up = 7.0 * slow * float(np.exp(1.0 * self._normal(Stream.FOLLOW_UP, lead, week, salesperson)))
        reached = bool(self._reached(who, week, s)[0])
        tries = self._uniform(Stream.ATTEMPTS, lead, week, salesperson)
        attempts = 1 + int(np.log(tries) / np.log(0.45)) if reached else (6 if tries < 0.8 else int(1 + 5 * tries))
        decision = 1.5 + 5.0 * float(np.exp(0.7 * self._normal(Stream.DECISION, lead, week, salesperson)))
        opportunity, outcome, lost_reason, close, value = self._market(lead, week, salesperson) if qualified else _NOTHING
        return PotentialAnswer(
            kind="qualified" if qualified else "rejected",
            reason="" if qualified else self._reason(lead, week, salesperson, reached=reached),
            picked_up=self._uniform(Stream.PICKED_UP, lead, week, salesperson) < 0.97,
            response_minutes=1 + int(response),
            follow_up_minutes=1 + int(follow_up),
            reached=reached,
            attempts=min(attempts, 8),
            decision_days=min(decision, 20.0) if reached else 10.0,
            opportunity_days=opportunity,
            outcome=outcome,
            lost_reason=lost_reason,
            close_days=close,
            value=value,
        )

    def _reached(self, leads: Ints, week: Ints | int, salespeople: Ints) -> Flags:
        odds = 1.5 + 2.4 * self.interest(leads, week) - 0.5 * (self._slow[salespeople] - 1)
        drawn = uniform(self._seed, Stream.REACHED, self._human(leads), week, salespeople)
        return np.asarray(drawn < 1 / (1 + np.exp(-odds)))

    def _reason(self, lead: int, week: int, salesperson: int, *, reached: bool) -> str:
        if not reached:
            return REASONS[UNREACHABLE]
        if self._people.wrong_data[lead]:
            return REASONS[WRONG_DATA]
        good, interest = float(self._people.good[lead]), float(self.interest(np.array([lead]), week)[0])
        weights = np.array([2.4 * (1 - good) ** 1.5, 1.3 * (1 - interest) ** 2, 0.9 + 0.6 * interest, 0.7, 0.25])
        position = np.searchsorted(
            np.cumsum(weights / weights.sum()), self._uniform(Stream.REASON, lead, week, salesperson)
        )
        return REASONS[min(int(position), len(weights) - 1)]

    def _market(self, lead: int, week: int, salesperson: int) -> tuple[float | None, str, str, float | None, int]:
        """(days to opportunity, outcome, why lost, days to its close, value in cents) of a qualified lead."""
        if self._uniform(Stream.OPPORTUNITY, lead, week, salesperson) > 0.92:
            return _NOTHING
        opens = 14.0 * float(np.exp(0.8 * self._normal(Stream.OPPORTUNITY_TIME, lead, week, salesperson)))
        closes = 30.0 * float(np.exp(0.6 * self._normal(Stream.CLOSE_TIME, lead, week, salesperson)))
        won = self._uniform(Stream.WON, lead, week, salesperson) < WINS_SCALE * float(self._close[lead])
        why = LOST_REASONS[int(len(LOST_REASONS) * self._uniform(Stream.LOST_REASON, lead, week, salesperson))]
        account = int(self._people.account[lead])
        size = float(self._firms.employees[account]) if account >= 0 else 30.0
        value = 9_000.0 * (size / 100) ** 0.35 * float(np.exp(0.6 * self._normal(Stream.VALUE, lead, week, salesperson)))
        cents = round(value / 100) * 10_000
        return opens, "won" if won else "lost", "" if won else why, closes, cents

    def _human(self, leads: Ints) -> Ints:
        """The person behind a lead: a duplicate gets the answer of the one it doubles."""
        real = self._people.duplicate_of[leads]
        return np.where(real >= 0, real, leads)

    def _uniform(self, stream: Stream, lead: int, week: int, salesperson: int) -> float:
        return float(uniform(self._seed, stream, lead, week, salesperson)[0])

    def _normal(self, stream: Stream, lead: int, week: int, salesperson: int) -> float:
        return float(normal(self._seed, stream, lead, week, salesperson)[0])


WINS_SCALE = 10.0
_NOTHING: tuple[float | None, str, str, float | None, int] = (None, "", "", None, 0)
