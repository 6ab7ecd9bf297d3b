"""The file world: how a company without leadpact would have worked the year, for the files of `simulate`.

The policy. A lead is handed over at the touch or the word that makes it sales-ready under the example agreement
(`scorer`). It goes to the salesperson present with the fewest leads this week for their weight and room under their
capacity, never to the one who refused it last; if none has room, to the least loaded. An offer not accepted within
four business hours goes to the next, twice; the third takes it. The final answer is the potential one of the week of
the offer. A rejected lead rests as the example's reasons say; while it rests only a new alternative wakes it; after the
rest it is judged afresh. Nothing is audited, and the salesperson's own prospects are worked like the others.
Business time is that of the market of the example (Chicago, 08:00 to 18:00, Monday to Friday), without holidays.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from leadpact.language import hours
from leadpact.language.nodes import Market
from leadpact.simulation.calls import Event
from leadpact.simulation.company import Company
from leadpact.simulation.scorer import Scorer
from leadpact.simulation.staff import DAY, Employee
from leadpact.simulation.truth import PotentialAnswer, week_of

MARKET = Market("America/Chicago", tuple((weekday, ((480, 1_080),)) for weekday in range(5)))
MINUTE = 60_000_000
ACCEPT_WITHIN = 240
BUSINESS_DAY = 600
RESTS = {"not_now": 90, "no_budget": 180, "sponsor_left": 30, "no_interest": 120, "unreachable": 60, "wrong_data": 14}
NO_REST = "no_fit"


@dataclass(frozen=True, slots=True, order=True)
class Outcome:
    """A row of outcomes.csv. value in cents, of opportunity and won."""

    at: int
    lead: str
    outcome: str
    reason: str = ""
    value: int | None = None
    salesperson: str = ""


@dataclass(slots=True)
class _Custody:
    """Who has a lead: marketing, sales, resting or closed; which alternatives held when it was refused, by whom, and
    until when it rests (a rest that was broken by a new alternative ends with it).
    """

    state: str = "marketing"
    held: tuple[bool, ...] = (False, False, False)
    refused_by: str = ""
    rests_until: int = 0


@dataclass(slots=True)
class Practice:
    """Plays the year. After `play`, `handed_over` has each lead's first hand-over and `late_accepts` the broken offers."""

    company: Company
    handed_over: dict[str, int] = field(default_factory=dict)
    hand_overs: int = 0
    recalls: int = 0
    _scorer: Scorer = field(default_factory=Scorer)
    _custody: dict[str, _Custody] = field(default_factory=dict)
    _due: list[tuple[int, int, str, str, Outcome | None]] = field(default_factory=list)
    _load: Counter[tuple[str, int]] = field(default_factory=Counter)
    _number: int = 0

    def play(self, events: Iterable[Event] | None = None) -> Iterator[Outcome]:
        """Outcomes in order of time, none after the company's end."""
        for event in self.company.events() if events is None else events:
            yield from self._until(event.at)
            who = self._scorer.take(event)
            if who is None:
                continue
            self._look(who, event.at)
            for other in self._scorer.lifted():
                self._look(other, event.at)
        yield from self._until(self.company.end - 1)

    def _until(self, at: int) -> Iterator[Outcome]:
        while self._due and self._due[0][0] <= at:
            when, _number, lead, state, outcome = heapq.heappop(self._due)
            if outcome is not None:
                yield outcome
            if state:
                self._move(lead, when, state, outcome)

    def _move(self, lead: str, at: int, state: str, outcome: Outcome | None) -> None:
        custody = self._custody[lead]
        if state == "marketing" and (custody.state != "resting" or custody.rests_until != at):
            return
        custody.state = state
        if state == "resting" and outcome is not None:
            custody.rests_until = at + RESTS[outcome.reason] * DAY
            custody.refused_by = outcome.salesperson
            custody.held = self._scorer.judge(lead, at).alternatives
            self._later(custody.rests_until, lead, "marketing", None)
        elif state == "marketing":
            custody.held = (False, False, False)
            self._look(lead, at)

    def _look(self, lead: str, at: int) -> None:
        """Hand the lead over if it is sales-ready and Marketing's to give."""
        custody = self._custody.setdefault(lead, _Custody())
        if custody.state not in {"marketing", "resting"}:
            return
        standing = self._scorer.judge(lead, at)
        if not standing.sales_ready:
            return
        if any(now and not before for now, before in zip(standing.alternatives, custody.held, strict=True)):
            self._hand_over(lead, at, custody)

    def _hand_over(self, lead: str, at: int, custody: _Custody) -> None:
        custody.state = "sales"
        self.handed_over.setdefault(lead, at)
        self.hand_overs += 1
        passed = {custody.refused_by} if custody.refused_by else set()
        for last in (False, False, True):
            who = self._route(at, passed)
            answer = self.company.answer(lead, at, who.key)
            if last or (answer.picked_up and answer.response_minutes <= ACCEPT_WITHIN):
                self._work(lead, at, who, answer)
                return
            self.recalls += 1
            passed.add(who.key)
            at = hours.add(at, ACCEPT_WITHIN * MINUTE, MARKET)

    def _work(self, lead: str, at: int, who: Employee, answer: PotentialAnswer) -> None:
        accepted = hours.add(at, answer.response_minutes * MINUTE, MARKET)
        self._later(accepted, lead, "", Outcome(accepted, lead, "accepted", salesperson=who.key))
        decided = hours.add(accepted, int(answer.decision_days * BUSINESS_DAY) * MINUTE, MARKET)
        if answer.kind == "rejected":
            state = "closed" if answer.reason == NO_REST else "resting"
            self._later(decided, lead, state, Outcome(decided, lead, "rejected", answer.reason, salesperson=who.key))
            return
        self._later(decided, lead, "", Outcome(decided, lead, "qualified", salesperson=who.key))
        if answer.opportunity_days is None or answer.close_days is None:
            return
        opened = decided + int(answer.opportunity_days * DAY)
        self._later(opened, lead, "", Outcome(opened, lead, "opportunity", value=answer.value, salesperson=who.key))
        closed = opened + int(answer.close_days * DAY)
        value = answer.value if answer.outcome == "won" else None
        ended = Outcome(closed, lead, answer.outcome, answer.lost_reason, value, who.key)
        self._later(closed, lead, "closed", ended)

    def _route(self, at: int, passed: set[str]) -> Employee:
        week = week_of(at)
        here = [one for one in self.company.salespeople if one.present(at) and one.key not in passed]
        here = here or list(self.company.salespeople)
        room = [one for one in here if self._load[one.key, week] < one.capacity] or here
        chosen = min(room, key=lambda one: (self._load[one.key, week] / one.weight, one.key))
        self._load[chosen.key, week] += 1
        return chosen

    def _later(self, at: int, lead: str, state: str, outcome: Outcome | None) -> None:
        if at < self.company.end:
            self._number += 1
            heapq.heappush(self._due, (at, self._number, lead, state, outcome))
