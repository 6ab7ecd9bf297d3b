"""A year of a company, run through the loop itself under a virtual clock.

Nothing is inserted into tables: touches come in by the intake, verdicts by the agreement, offers by the routing, and what
Sales answers goes through the same actions that the pages call. The simulation only decides what people do: which touch
comes when, and what a salesperson would say of a lead if asked.

Time goes in steps of an hour. Within a step, people act first, each at an instant of their own; then what came in during the hour
(outside the market's hours: during three) is taken as one batch known at its end; then clocks fire and the hour's tick passes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import msgspec
from msgspec import structs

from leadpact.agreement.queries import in_force
from leadpact.capture.rules.arrival import Arrival
from leadpact.capture.rules.segment import Caller, parse_batch
from leadpact.custody.actions import Recorded, connect_follower
from leadpact.custody.entries import MoveRefused
from leadpact.distribution import actions as sales
from leadpact.distribution.actions import LostRace, Refused
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language import hours
from leadpact.language.nodes import Market
from leadpact.loop import audits, clocks
from leadpact.loop.follow import follow
from leadpact.loop.intake import take
from leadpact.nurturing import actions as marketing
from leadpact.simulation.company import Company
from leadpact.simulation.staff import Employee
from leadpact.simulation.truth import CHECK, ORDINARY, PASSED_OVER, PotentialAnswer
from leadpact.team.models import User
from leadpact.tracking.actions import add_spend
from leadpact.tuning import actions as tuning
from leadpact.tuning.rules import is_asked, week_start

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
BATCH = 400
NIGHT_STEP = 3 * HOUR
WORKDAY = 9 * HOUR
MENDS_AFTER = 5 * HOUR
COLD_AFTER = 45 * DAY
CALLS_EVERY = 12 * DAY
LOST = {"competitor": "competitor", "no_decision": "no_decision", "price": "price", "went_silent": "no_decision"}
NOTICED = frozenset({"handed_over", "recalled", "reassigned", "returned", "captured"})
IN_WORK = frozenset({"accepted", "qualified", "opportunity"})
GUESSES_AFTER = 20 * SECOND
GUESSED: Mapping[str, bool | None] = {CHECK: True, ORDINARY: False, PASSED_OVER: None}


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
    from_queue: int = 0
    guesses: int = 0


@dataclass(order=True, slots=True)
class _Deed:
    """Something that somebody will do at an instant."""

    at: int
    number: int
    do: Callable[[int], object] = field(compare=False)


class Rehearsal:
    """Runs a company through the loop. users: e-mail of each employee → the user who acts for them."""

    def __init__(self, company: Company, users: Mapping[str, User]) -> None:
        self.company = company
        self.users = {one.email: users[one.email] for one in (*company.salespeople, *company.marketers)}
        self.employees = {self.users[one.email].pk: one for one in company.salespeople}
        self.marketer = self.users[company.marketers[0].email]
        self.head_of_sales = next(
            user for user in users.values() if user.role == "manager" and user.department == "sales"
        )
        self.queue_owners = {user.pk: user for user in users.values() if user.is_catch_all}
        self.counts = Counts()
        self._deeds: list[_Deed] = []
        self._numbers, self._turns = count(), count()
        self._keys: dict[int, str] = {}
        self._news: list[Recorded] = []
        self._said_no: set[tuple[int, int]] = set()
        self._markets: dict[int, Market] = {}
        self._market_of_all = Market()

    def run(self) -> Iterator[tuple[int, Counts]]:
        """Live the company's days; yields (instant, counts) at each midnight, so that a caller can show progress."""
        connect_follower(self._follow)
        try:
            yield from self._live()
        finally:
            connect_follower(follow)

    def _live(self) -> Iterator[tuple[int, Counts]]:
        events = self.company.events()
        waiting = next(events, None)
        now = self.company.start
        self._plan_leaving()
        version = in_force(self.company.start)
        self._market_of_all = version.agreement.market if version else Market()
        batch: list[Any] = []
        while now < self.company.end:
            until = now + HOUR
            self._act(until)
            bills = []
            while waiting is not None and waiting.at < until:
                (bills if waiting.kind == "spend" else batch).append(waiting)
                waiting = next(events, None)
            self._spend(bills)
            if until % NIGHT_STEP == 0 or hours.is_open(now, self._market_of_all):
                for first in range(0, len(batch), BATCH):
                    self._take(batch[first : first + BATCH], until)
                batch = []
            self._time_passes(until)
            self._see(until)
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
            sellers = [one for one in self.company.salespeople if one.present(arrival.at)] or list(
                self.company.salespeople
            )
            seller = sellers[self.company.position(arrival.user_id) % len(sellers)]
            owner = self.users[seller.email].pk
        return structs.replace(
            arrival, source=person.source, campaign=person.campaign, sourced_by=person.sourced_by, owner_id=owner
        )

    def _spend(self, bills: list[Any]) -> None:
        rows = []
        for event in bills:
            bill, key = event.payload["properties"], event.payload["messageId"]
            cents = round(float(bill["amount"]) * 100)
            rows.append((bill["channel"], bill.get("campaign", ""), bill["day"], cents, bill["currency"], key))
        add_spend(rows=rows)

    def _time_passes(self, until: int) -> None:
        fired = clocks.fire_clocks(at=until)
        passed = clocks.let_time_pass(at=until)
        self.counts.judged += passed.judged
        self.counts.handed_over += passed.handed_over + fired.handed_over
        if until == week_start(until):
            audits.settle(at=until)
            audits.draw_week(at=until, seed=f"rehearsal {self.company.seed} {until}")
        self.counts.handed_over += audits.release(at=until)

    # --- people ------------------------------------------------------------------------------

    def _later(self, at: int, do: Callable[[int], object]) -> None:
        heapq.heappush(self._deeds, _Deed(at, next(self._numbers), do))

    def _act(self, until: int) -> None:
        while self._deeds and self._deeds[0].at <= until:
            deed = heapq.heappop(self._deeds)
            try:
                deed.do(deed.at)
            except (Refused, LostRace, MoveRefused):
                # The world moved on: recalled, reassigned, cooled, opted out. An ordinary day in Sales.
                self.counts.too_late += 1

    def _follow(self, recorded: Sequence[Recorded], *, at: int) -> None:
        """The ledger's follower while the rehearsal lasts: the loop's own, and an eye on what people will notice."""
        follow(recorded, at=at)
        self._news += [
            r
            for r in recorded
            if r.move in NOTICED and (r.state in {"offered", "repair", "prospecting"} or r.state in IN_WORK)
        ]

    def _see(self, until: int) -> None:
        """Salespeople notice offers, each by their own hours and mood; Marketing wrong data; and prospects are worked on."""
        news, self._news = self._news, []
        unknown = sorted({r.lead_id for r in news} - set(self._keys))
        if unknown:
            with raw_cursor() as cursor:
                cursor.execute(
                    "SELECT l.id, i.value FROM unnest($1::bigint[]) AS n (id) JOIN leads_lead AS l ON l.id = n.id"
                    " CROSS JOIN LATERAL (SELECT id FROM leads_visitor WHERE person_id = l.person_id OFFSET 0) AS v"
                    " CROSS JOIN LATERAL (SELECT value FROM leads_identifier WHERE visitor_id = v.id AND kind = 'user_id'"
                    " OFFSET 0) AS i",
                    (unknown,),
                    prepare=True,
                )
                self._keys.update({int(lead): str(key) for lead, key in cursor.fetchall()})  # type: ignore[call-overload]
        for r in news:
            key, who = self._keys.get(r.lead_id), r.salesperson_id
            if r.state == "repair":
                self._later(
                    until + MENDS_AFTER, lambda t, lead=r.lead_id: marketing.mend(lead_id=lead, by=self.marketer, at=t)
                )
            elif key is None or who is None:
                continue
            elif r.state == "offered" and who in self.queue_owners:
                self._look_into_queue(r.lead_id, key, r.at, r.due)
            elif who in self.queue_owners and r.state in IN_WORK:
                self._later(until + HOUR, lambda t, lead=r.lead_id, owner=who: self._pass_on(t, lead, owner))
            elif who not in self.employees:
                continue
            elif r.state == "offered":
                self._notice(r.lead_id, key, who, r.at, r.due)
            elif r.state in IN_WORK:
                self._carry_on(until, r.lead_id, key, who, r.state)
            else:
                self._prospect(until, r.lead_id, key, who)

    def _notice(self, lead: int, key: str, who: int, at: int, due: int | None) -> None:
        seller = self.employees[who]
        answer = self.company.answer(key, at, seller.email)
        accepts = hours.add(at, answer.response_minutes * MINUTE, self._market(who))
        if answer.picked_up and (due is None or accepts <= due):
            self._later(accepts, lambda now: self._accept(now, lead, seller, answer))

    def _look_into_queue(self, lead: int, key: str, at: int, due: int | None) -> None:
        """The catch-all queue: of those at work the first to look there takes the lead, unless they said no to it before.

        Where nobody looks in time the offer runs out, and lies there again.
        """
        first: tuple[int, Employee] | None = None
        for who, seller in self.employees.items():
            minutes = self.company.from_queue(key, at, seller.email)
            if minutes is None or not seller.present(at) or (lead, who) in self._said_no:
                continue
            takes = hours.add(at, minutes * MINUTE, self._market(who))
            if (due is None or takes < due) and (first is None or takes < first[0]):
                first = takes, seller
        if first is not None:
            takes, seller = first
            answer = self.company.answer(key, at, seller.email)
            self._later(takes, lambda now: self._accept(now, lead, seller, answer, from_queue=True))

    def _accept(
        self, now: int, lead: int, seller: Employee, answer: PotentialAnswer, *, from_queue: bool = False
    ) -> None:
        sales.accept(lead_id=lead, by=self.users[seller.email], at=now)
        self.counts.from_queue += from_queue
        self._work(now, lead, seller, answer)

    def _work(self, now: int, lead: int, seller: Employee, answer: PotentialAnswer) -> None:
        user = self.users[seller.email]
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
            recorded = sales.reject(lead_id=lead, by=user, at=now, reason=answer.reason)
            self._said_no.add((lead, user.pk))
        else:
            recorded = sales.qualify(lead_id=lead, by=user, at=now)
            self._qualified(now, lead, user, answer)
        said = self.company.guess(self._keys[lead], now, user.email)
        if said and is_asked(lead, recorded.seq):
            self._later(now + GUESSES_AFTER, lambda t: self._guess(t, lead, user, GUESSED[said]))

    def _guess(self, now: int, lead: int, user: User, said: bool | None) -> None:
        """Asked on the page whether it was a check, they say something, or pass it over."""
        self.counts.guesses += tuning.guess(lead_id=lead, said=said, by=user, at=now)

    def _qualified(self, now: int, lead: int, user: User, answer: PotentialAnswer) -> None:
        if answer.opportunity_days is None:
            self._keep_warm(now, now + COLD_AFTER, lead, user)
            self._later(now + COLD_AFTER, lambda t: sales.recycle(lead_id=lead, by=user, at=t, reason="no_budget"))
            return
        self._keep_warm(now, now + int(answer.opportunity_days * DAY), lead, user)
        self._later(now + int(answer.opportunity_days * DAY), lambda t: self._open(t, lead, user, answer))

    def _open(self, now: int, lead: int, user: User, answer: PotentialAnswer) -> None:
        sales.open_opportunity(lead_id=lead, by=user, at=now, value=answer.value)
        self._close(now, lead, user, answer)

    def _close(self, now: int, lead: int, user: User, answer: PotentialAnswer) -> None:
        if answer.close_days is None or not answer.outcome:
            return
        closes = now + int(answer.close_days * DAY)
        self._keep_warm(now, closes, lead, user)
        if answer.outcome == "won":
            self._later(closes, lambda t: sales.won(lead_id=lead, by=user, at=t, value=answer.value))
        else:
            self._later(closes, lambda t: sales.lost(lead_id=lead, by=user, at=t, reason=LOST[answer.lost_reason]))

    def _keep_warm(self, now: int, until: int, lead: int, user: User) -> None:
        """A call every other week or so while a need ripens: the next step that the page asks for."""
        market, at = self._market(user.pk), now + CALLS_EVERY
        while at < min(until, self.company.end):
            at = hours.add(at, HOUR, market)
            self._later(at, lambda t: sales.follow_up(lead_id=lead, by=user, at=t, outcome="conversation"))
            at += CALLS_EVERY

    def _carry_on(self, now: int, lead: int, key: str, who: int, state: str) -> None:
        """Work of somebody who left: whoever got it goes on, with an answer of their own. What came to nothing is lost."""
        seller, user = self.employees[who], self.users[self.employees[who].email]
        answer = self.company.answer(key, now, seller.email)
        at = hours.add(now, answer.response_minutes * MINUTE, self._market(who))
        if state == "accepted":
            self._work(at, lead, seller, answer)
        elif state == "qualified":
            self._qualified(at, lead, user, answer)
        elif answer.outcome:
            self._close(at, lead, user, answer)
        else:
            self._later(at + COLD_AFTER, lambda t: sales.lost(lead_id=lead, by=user, at=t, reason="no_decision"))

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

    def _pass_on(self, now: int, lead: int, owner: int) -> None:
        """Work of somebody who left came to the owner of the catch-all queue: they give it to a salesperson, turn by turn."""
        here = [who for who, seller in self.employees.items() if seller.present(now)] or list(self.employees)
        to = here[next(self._turns) % len(here)]
        sales.reassign(lead_id=lead, to=self.users[self.employees[to].email], by=self.queue_owners[owner], at=now)

    def _plan_leaving(self) -> None:
        for one in self.company.salespeople:
            if one.leaves_at is not None and one.leaves_at < self.company.end:
                user = self.users[one.email]
                self._later(one.leaves_at, lambda t, user=user: self._leave(t, user))

    def _leave(self, now: int, user: User) -> None:
        """Somebody leaves the company: no new leads, and everything in hand goes to colleagues."""
        user.is_active = user.takes_leads = False
        user.save(update_fields=["is_active", "takes_leads"])
        sales.hand_over_everything(user=user, by=self.head_of_sales, at=now)

    def _market(self, who: int) -> Market:
        """The market's calendar in the salesperson's own hours."""
        if who not in self._markets:
            version = in_force(self.company.start)
            market = version.agreement.market if version else Market()
            own = self.employees[who].hours
            self._markets[who] = replace(market, hours=own) if own else market
        return self._markets[who]
