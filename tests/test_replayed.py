"""What the running system decided is what a replay of its exported history finds: lead by lead, instant by instant.

A company lives for months through the real loop, and unrulily: batches arrive at odd minutes, some facts days late and out of
order, some by an import, some are withdrawn; trails are tied late; the server is down for hours, so that ticks run late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import psycopg
import pytest
from django.db import connection

from leadpact.agreement.queries import in_force
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.lake import one_lead
from leadpact.lake.export import export
from leadpact.lake.history import agreement_of, judged, load
from leadpact.lake.store import Store
from leadpact.loop import clocks
from leadpact.loop.intake import take
from leadpact.loop.rehearsal import Rehearsal
from leadpact.loop.withdraw import withdraw
from leadpact.simulation.company import Company
from leadpact.site.demo import make_users, sign_example

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000


class Unruly(Rehearsal):
    """A rehearsal in which little comes when it should. late: tick → when it ran."""

    def __init__(self, company: Company, users: Any, seed: int) -> None:
        super().__init__(company, users)
        self.chance = Random(seed)
        self.held_back: list[tuple[int, Any]] = []
        self.down_until = 0
        self.ran: list[tuple[int, int]] = []
        self.imports = self.voids = 0

    def _take(self, batch: list[Any], until: int) -> None:
        """Some events come days later, in a later batch; batches come at odd minutes."""
        now = until - self.chance.randrange(50) * MINUTE - self.chance.randrange(MINUTE)
        self.held_back += [(event.at, event) for event in batch if event.at > now]
        batch = [event for event in batch if event.at <= now]
        due = [event for at, event in self.held_back if at <= now]
        self.held_back = [(at, event) for at, event in self.held_back if at > now]
        kept = []
        for event in batch:
            if self.chance.random() < 0.08:
                self.held_back.append((now + self.chance.randrange(20 * DAY), event))
            else:
                kept.append(event)
        self.chance.shuffle(kept)
        for part in (due, kept):
            if part:
                super()._take(part, now)
                now += self.chance.randrange(1, MINUTE)
        if self.chance.random() < 0.02:
            self._withdraw(now)

    def _withdraw(self, now: int) -> None:
        with raw_cursor() as cursor:
            cursor.execute(
                "SELECT t.id FROM leads_touch AS t JOIN leads_visitor AS v ON v.id = t.visitor_id AND v.person_id IS NOT NULL"
                " WHERE t.void_at IS NULL AND t.known_at > $1 AND NOT EXISTS (SELECT FROM leads_touchvoid AS x WHERE x.touch_id"
                " = t.id) ORDER BY t.id DESC LIMIT 1",
                (now - 30 * DAY,),
            )
            row: Any = cursor.fetchone()
        if row is not None:
            withdraw(touch_id=row[0], cause="withdrawn", by=self.marketer, at=now)
            self.voids += 1

    def _time_passes(self, until: int) -> None:
        if until < self.down_until:
            return
        self.ran.append((until, until))
        super()._time_passes(until)


class Found(NamedTuple):
    at: int
    before: str
    after: str
    decided_by: str


def replayed(store: Store, agreement: Any, *, end: int) -> dict[str, list[Found]]:
    found: dict[str, list[Found]] = {}
    for (lead_id,) in store.execute("SELECT lead_id FROM hist_leads").fetchall():
        known = one_lead.read(store, agreement, lead_id)
        judgements = one_lead.judgements(known, agreement, start=None, end=end)
        found[lead_id] = [Found(c.at, c.before, c.after, c.decided_by) for c in one_lead.changes(judgements)]
    return found


def decided(store: Store, folder: Path) -> dict[str, list[Found]]:
    judged(store, folder)
    found: dict[str, list[Found]] = defaultdict(list)
    for lead_id, at, before, after, by in store.execute(
        'SELECT lead_id, "at", before, after, decided_by FROM hist_judged ORDER BY lead_id, seq'
    ).fetchall():
        found[lead_id].append(Found(at, before, after, by))
    return found


def closed(store: Store) -> dict[str, int]:
    """Lead → when it was won: from then on nobody judges it any more."""
    return dict(store.execute("SELECT lead_id, min(\"at\") FROM hist_labels WHERE answer = 'won' GROUP BY lead_id").fetchall())


def test_what_ran_is_what_a_replay_finds(transactional_db: None, tmp_path: Path) -> None:
    import time
    company = Company(23, 150, datetime(2026, 1, 5, tzinfo=UTC), 120)
    users = make_users(company, "Slow-paper-mills-1")
    sign_example(users, company.start)
    t = time.time()
    rehearsal = Unruly(company, users, 5)
    list(rehearsal.run())
    print("lived", time.time() - t, rehearsal.counts)
    with psycopg.connect(**connection.get_connection_params() | {"autocommit": True}) as own:
        export(own, tmp_path / "lake", at=company.end)
    t = time.time()
    with Store() as store:
        load(store, tmp_path / "lake")
        agreement = agreement_of(tmp_path / "lake")
        ran = decided(store, tmp_path / "lake")
        over = closed(store)
        again = replayed(store, agreement, end=company.end)
        print("replayed", time.time() - t, len(again), sum(map(len, again.values())))
        bad = 0
        for lead in sorted(again, key=int):
            a, b = ran.get(lead, []), again[lead]
            if lead in over:
                b = [x for x in b if x.at <= over[lead]]
            if a != b:
                bad += 1
                if bad < 12:
                    first = next(i for i in range(max(len(a), len(b))) if a[i:i+1] != b[i:i+1])
                    print(lead, over.get(lead), "RAN", [(x.at-company.start, x.before, x.after, x.decided_by) for x in a[first:first+2]], "REPLAY", [(x.at-company.start, x.before, x.after, x.decided_by) for x in b[first:first+2]])
        print("bad", bad)
        if bad:
            import shutil; shutil.rmtree("/tmp/lakex/lake", ignore_errors=True); shutil.copytree(tmp_path / "lake", "/tmp/lakex/lake")
    assert bad == 0
