"""A company in which little comes when it should, run through the real loop; for tests of history and replays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

import msgspec

from leadpact.capture.rules.segment import Caller, parse_batch
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.loop import clocks
from leadpact.loop.intake import take
from leadpact.loop.rehearsal import Counts, Rehearsal
from leadpact.loop.withdraw import withdraw
from leadpact.simulation.company import Company
from leadpact.team.models import User

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000


class Late(NamedTuple):
    """Instants in (since, until] at which a verdict should have been taken; it was, by `until` at the latest."""

    since: int
    until: int


class Unruly(Rehearsal):
    """Batches come at odd minutes and shuffled, some facts days late, some by an import that is judged at its end; touches are
    withdrawn; clocks are looked at in between; and now and then the sweep stands still for hours.

    late: when verdicts were late, and how long.
    """

    def __init__(self, company: Company, users: Mapping[str, User], seed: int) -> None:
        super().__init__(company, users)
        self.chance = Random(seed)
        self.held_back: list[tuple[int, Any]] = []
        self.filed: list[Any] = []
        self.late: list[Late] = []
        self.moment = 0
        self.stands_still = 0
        self.since = 0
        self.done = {"withdrawn": 0, "imported": 0, "still": 0, "late": 0}

    def _live(self) -> Iterator[tuple[int, Counts]]:
        """A sweep that stands still at the end goes on then: a replay up to the end asks for its hours, too."""
        yield from super()._live()
        if self.since:
            self.stands_still = 0
            self._time_passes(self.company.end)

    def _act(self, until: int) -> None:
        """People act before the hour's batch, or after it: the ledger's instants would not be true otherwise."""
        self.moment = until - self.chance.randrange(3, 55) * MINUTE - self.chance.randrange(MINUTE)
        super()._act(self.moment)

    def _take(self, batch: list[Any], until: int) -> None:
        now = self.moment
        self.held_back += [(event.at, event) for event in batch if event.at > now]
        kept = []
        for event in batch:
            lot = self.chance.random()
            if event.at > now:
                continue
            if lot < (0.3 if event.kind == "identify" else 0.08):  # who somebody is, we often learn last
                self.held_back.append((now + self.chance.randrange(20 * DAY), event))
                self.done["late"] += 1
            elif lot < 0.12:
                self.filed.append(event)
            else:
                kept.append(event)
        due = [event for at, event in self.held_back if at <= now]
        self.held_back = [(at, event) for at, event in self.held_back if at > now]
        self.chance.shuffle(kept)
        for part in (due, kept):
            if part:
                super()._take(part, now)
                now += self.chance.randrange(1, MINUTE)
        if len(self.filed) > 5:
            now = self._import(now)
        if self.chance.random() < 0.03:
            self._withdraw(now)
        if self.chance.random() < 0.3:
            clocks.fire_clocks(at=now)

    def _import(self, now: int) -> int:
        """What somebody kept in a file comes in, and is judged at the end."""
        body = msgspec.json.encode({"batch": [event.payload for event in self.filed]})
        parsed = parse_batch(body, caller=Caller(0), received_at=now)
        taken = take([self._sourced(one) for one in parsed.arrivals], known_at=now, historic=True)
        self.counts.touches += taken.taken
        self.counts.leads += taken.created
        self.done["imported"] += taken.taken
        self.filed = []
        ended = now + self.chance.randrange(1, MINUTE)
        clocks.judge_waiting(at=ended)
        # A lead that was judged a moment ago is judged a moment later.
        self.late.append(Late(now - 1, ended + MINUTE))
        return ended + 1

    def _withdraw(self, now: int) -> None:
        with raw_cursor() as cursor:
            cursor.execute(
                "SELECT t.id FROM leads_touch AS t JOIN leads_visitor AS v ON v.id = t.visitor_id AND v.person_id IS NOT NULL"
                " WHERE t.void_at IS NULL AND t.known_at > $1 AND t.kind <> 'page.viewed' AND NOT EXISTS (SELECT FROM"
                " leads_touchvoid AS x WHERE x.touch_id = t.id) ORDER BY t.id DESC LIMIT 1",
                (now - 30 * DAY,),
            )
            row: Any = cursor.fetchone()
        if row is not None:
            withdraw(touch_id=row[0], cause="withdrawn", by=self.marketer, at=now)
            self.done["withdrawn"] += 1

    def _time_passes(self, until: int) -> None:
        super()._act(until)
        if until < self.stands_still:
            return
        if self.since:
            self.late.append(Late(self.since, until))
            self.since = 0
        elif self.chance.random() < 0.01:
            self.stands_still = until + self.chance.randrange(2, 12) * HOUR
            self.since = until - 1
            self.done["still"] += 1
            return
        super()._time_passes(until)
