"""A year of a company, run through the loop itself under a virtual clock.

Nothing is inserted into tables: touches come in by the intake, verdicts by the agreement, offers by the routing, and what
Sales answers goes through the same actions that the pages call. The simulation only decides what people do: which touch
comes when, and what a salesperson would say of a lead if asked.

Time goes in steps of an hour. Within a step, people act first, each at an instant of their own; then what came in during the hour
is taken as one batch known at its end; then clocks fire and the hour's tick passes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import msgspec

from leadpact.agreement.queries import in_force
from leadpact.capture.rules.arrival import Arrival
from leadpact.capture.rules.segment import Caller, parse_batch
from leadpact.custody.entries import MoveRefused
from leadpact.distribution import actions as sales
from leadpact.distribution.actions import LostRace, Refused
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language import hours
from leadpact.language.nodes import Market
from leadpact.loop import audits, clocks
from leadpact.loop.intake import take
from leadpact.nurturing import actions as marketing
from leadpact.simulation.company import Company
from leadpact.simulation.staff import Employee
from leadpact.simulation.truth import PotentialAnswer
from leadpact.team.models import User
from leadpact.tracking.actions import add_spend
from leadpact.tuning.rules import week_start

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
BATCH = 400
WORKDAY = 9 * HOUR
MENDS_AFTER = 5 * HOUR
COLD_AFTER = 45 * DAY


@dataclass(slots=True)
class Counts:
    """What went through the loop so far."""

    touches: int = 0
    refused: int = 0
    leads: int = 0
    judged: int = 0
    handed_over: int = 0
    answers: int = 0
    too_late: int = 0


@dataclass(order=True, slots=True)
class _Deed:
    """Something that somebody will do at an instant."""

    at: int
    number: int
    do: Callable[[int], None] = field(compare=False)


class Rehearsal:
    """Runs a company through the loop. users: e-mail of each employee → the user who acts for them."""

    def __init__(self, company: Company, users: Mapping[str, User]) -> None:
        self.company = company
        self.users = {one.email: users[one.email] for one in (*company.salespeople, *company.marketers)}
        self.employees = {self.users[one.email].pk: one for one in company.salespeople}
        self.marketer = self.users[company.marketers[0].email]
        self.counts = Counts()
        self._deeds: list[_Deed] = []
        self._numbers = count()
        self._last_offer = self._last_repair = 0
        self._markets: dict[int, Market] = {}

    def run(self) -> Iterator[tuple[int, Counts]]:
        """Live the company's days; yields (instant, counts) at each midnight, so that a caller can show progress."""
        events = self.company.events()
        waiting = next(events, None)
        now = self.company.start
        self._plan_leaving()
        while now < self.company.end:
            until = now + HOUR
            self._act(until)
            batch = []
            while waiting is not None and waiting.at < until:
                if waiting.kind == "spend":
                    self._spend(waiting.payload)
                else:
                    batch.append(waiting)
                waiting = next(events, None)
            for first in range(0, len(batch), BATCH):
                self._take(batch[first : first + BATCH], until)
            self._time_passes(until)
            self._see_offers()
            self._see_repairs(until)
            if until % DAY == 0:
                yield until, self.counts
            now = until

    # --- the world ---------------------------------------------------------------------------

    def _take(self, batch: list[Any], until: int) -> None:
        body = msgspec.json.encode({"batch": [event.payload for event in batch]})
        parsed = parse_batch(body, caller=Caller(0), received_at=until)
        self.counts.refused += len(parsed.refused)
        taken = take([self._sourced(arrival) for arrival in parsed.arrivals], known_at=until)
        self.counts.touches += taken.taken
        self.counts.leads += taken.created
        self.counts.judged += taken.judged
        self.counts.handed_over += taken.handed_over

    def _sourced(self, arrival: Arrival) -> Arrival:
        """What the simulation knows of where a lead comes from; own prospects get one of the salespeople."""
        if arrival.user_id is None:
            return arrival
        person = self.company.people[self.company.position(arrival.user_id)]
        owner = None
        if person.sourced_by == "sales":
            sellers = [one for one in self.company.salespeople if one.present(arrival.at)] or list(self.company.salespeople)
            seller = sellers[self.company.position(arrival.user_id) % len(sellers)]
            owner = self.users[seller.email].pk
        return replace(arrival, source=person.source, campaign=person.campaign, sourced_by=person.sourced_by, owner_id=owner)

    def _spend(self, payload: Mapping[str, Any]) -> None:
        bill = payload["properties"]
        cents = round(float(bill["amount"]) * 100)
        add_spend(
            rows=[(bill["channel"], bill.get("campaign", ""), bill["day"], cents, bill["currency"], payload["messageId"])]
        )

    def _time_passes(self, until: int) -> None:
        fired = clocks.fire_clocks(at=until)
        passed = clocks.let_time_pass(at=until)
        self.counts.judged += passed.judged
        self.counts.handed_over += passed.handed_over + fired.handed_over
        if until == week_start(until):
            audits.draw_week(at=until, seed=f"rehearsal {self.company.seed} {until}")
        self.counts.handed_over += audits.release(at=until)

    # --- people ------------------------------------------------------------------------------

    def _later(self, at: int, do: Callable[[int], None]) -> None:
        heapq.heappush(self._deeds, _Deed(at, next(self._numbers), do))

    def _act(self, until: int) -> None:
        while self._deeds and self._deeds[0].at <= until:
            deed = heapq.heappop(self._deeds)
            try:
                deed.do(deed.at)
            except (Refused, LostRace, MoveRefused):
                # The world moved on: recalled, reassigned, cooled, opted out. An ordinary day in Sales.
                self.counts.too_late += 1

    def _see_offers(self) -> None:
        """Salespeople notice new offers, each by its own hours and mood."""
        with raw_cursor() as cursor:
            cursor.execute(
                "SELECT o.id, o.lead_id, o.salesperson_id, o.offered_at, o.due, i.value FROM distribution_offer AS o"
                " JOIN leads_lead AS l ON l.id = o.lead_id JOIN leads_visitor AS v ON v.person_id = l.person_id"
                " JOIN leads_identifier AS i ON i.visitor_id = v.id AND i.kind = 'user_id' WHERE o.id > $1 ORDER BY o.id",
                (self._last_offer,),
                prepare=True,
            )
            offers: list[Any] = cursor.fetchall()
        for offer, lead, who, at, due, key in offers:
            self._last_offer = max(self._last_offer, offer)
            if who in self.employees:
                self._notice(lead, key, who, at, due)

    def _notice(self, lead: int, key: str, who: int, at: int, due: int | None) -> None:
        seller = self.employees[who]
        answer = self.company.answer(key, at, seller.email)
        accepts = hours.add(at, answer.response_minutes * MINUTE, self._market(who))
        if answer.picked_up and (due is None or accepts <= due):
            self._later(accepts, lambda now: self._accept(now, lead, seller, answer))

    def _accept(self, now: int, lead: int, seller: Employee, answer: PotentialAnswer) -> None:
        user = self.users[seller.email]
        sales.accept(lead_id=lead, by=user, at=now)
        market = self._market(user.pk)
        tries = answer.attempts if answer.reached else max(answer.attempts, 6)
        at = hours.add(now, answer.follow_up_minutes * MINUTE, market)
        for number in range(1, tries + 1):
            outcome = "conversation" if answer.reached and number == tries else "attempt"
            self._later(at, lambda t, outcome=outcome: sales.follow_up(lead_id=lead, by=user, at=t, outcome=outcome))
            at = hours.add(at, WORKDAY, market)
        decides = max(hours.add(now, int(answer.decision_days * WORKDAY), market), at)
        self._later(decides, lambda t: self._answer(t, lead, user, answer))

    def _answer(self, now: int, lead: int, user: User, answer: PotentialAnswer) -> None:
        self.counts.answers += 1
        if answer.kind != "qualified":
            sales.reject(lead_id=lead, by=user, at=now, reason=answer.reason)
            return
        sales.qualify(lead_id=lead, by=user, at=now)
        if answer.opportunity_days is None:
            self._later(now + COLD_AFTER, lambda t: sales.recycle(lead_id=lead, by=user, at=t, reason="no_budget"))
            return
        self._later(now + int(answer.opportunity_days * DAY), lambda t: self._open(t, lead, user, answer))

    def _open(self, now: int, lead: int, user: User, answer: PotentialAnswer) -> None:
        sales.open_opportunity(lead_id=lead, by=user, at=now, value=answer.value)
        if answer.close_days is None or not answer.outcome:
            return
        closes = now + int(answer.close_days * DAY)
        if answer.outcome == "won":
            self._later(closes, lambda t: sales.won(lead_id=lead, by=user, at=t, value=answer.value))
        else:
            self._later(closes, lambda t: sales.lost(lead_id=lead, by=user, at=t, reason=answer.lost_reason))

    def _see_repairs(self, now: int) -> None:
        """Marketing mends wrong data within the day, and salespeople work on prospects of their own."""
        with raw_cursor() as cursor:
            cursor.execute(
                "SELECT e.id, e.lead_id, e.state, e.salesperson_id, i.value FROM custody_entry AS e"
                " JOIN leads_lead AS l ON l.id = e.lead_id JOIN leads_visitor AS v ON v.person_id = l.person_id"
                " JOIN leads_identifier AS i ON i.visitor_id = v.id AND i.kind = 'user_id'"
                " WHERE e.id > $1 AND e.move IN ('returned', 'captured') AND e.state IN ('repair', 'prospecting') ORDER BY e.id",
                (self._last_repair,),
                prepare=True,
            )
            found: list[Any] = cursor.fetchall()
        for entry, lead, state, who, key in found:
            self._last_repair = max(self._last_repair, entry)
            if state == "repair":
                self._later(now + MENDS_AFTER, lambda t, lead=lead: marketing.mend(lead_id=lead, by=self.marketer, at=t))
            elif who in self.employees:
                self._prospect(now, lead, key, who)

    def _prospect(self, now: int, lead: int, key: str, who: int) -> None:
        seller, user = self.employees[who], self.users[self.employees[who].email]
        answer = self.company.answer(key, now, seller.email)
        at = hours.add(now, answer.response_minutes * MINUTE, self._market(who))
        for _ in range(min(answer.attempts, 3)):
            outcome = "conversation" if answer.reached else "attempt"
            self._later(at, lambda t, outcome=outcome: sales.follow_up(lead_id=lead, by=user, at=t, outcome=outcome))
            at = hours.add(at, 2 * WORKDAY, self._market(who))
        if answer.kind == "qualified":
            self._later(at, lambda t: self._answer(t, lead, user, answer))
        else:
            self._later(at, lambda t: sales.give_back(lead_id=lead, by=user, at=t, reason="not_now"))

    def _plan_leaving(self) -> None:
        for one in self.company.salespeople:
            if one.leaves_at is not None and one.leaves_at < self.company.end:
                user = self.users[one.email]
                self._later(one.leaves_at, lambda t, user=user: self._leave(t, user))

    def _leave(self, now: int, user: User) -> None:
        sales.hand_over_everything(user=user, by=self.marketer, at=now)

    def _market(self, who: int) -> Market:
        """The market's calendar in the salesperson's own hours."""
        if who not in self._markets:
            version = in_force(self.company.start)
            market = version.agreement.market if version else Market()
            own = self.employees[who].hours
            self._markets[who] = replace(market, hours=own) if own else market
        return self._markets[who]
