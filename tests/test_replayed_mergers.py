"""Records are joined and parted, and a replay of the exported history finds what the running system wrote at each instant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from leadpact.kit.failures import CannotDo
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.lake.export import export
from leadpact.lake.history import agreement_of, judged, load
from leadpact.lake.replay import replay
from leadpact.lake.store import Store
from leadpact.leads.models import Merge
from leadpact.loop import intake, merging
from leadpact.simulation.company import Company
from leadpact.site.demo import make_users, sign_example
from tests.test_replayed import by_the_reference, changes, in_time, until_won
from tests.unruly import MINUTE, Unruly

pytestmark = pytest.mark.django_db(transaction=True)

LEADS, DAYS = 90, 75
OwnerBlock = Callable[[], AbstractContextManager[None]]


class Mingled(Unruly):
    """As unruly as that, and now and then somebody joins two records, or parts two that were joined."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.done |= {"joined": 0, "parted": 0}
        self.joined: list[int] = []

    def _take(self, batch: list[Any], until: int) -> None:
        super()._take(batch, until)
        # Late in the hour, when nobody else is judged any more: the ledger's instants are the merger's own.
        now = until - 1 - self.chance.randrange(MINUTE)
        if self.moment > until - 6 * MINUTE:
            return
        lot = self.chance.random()
        if lot < 0.12:
            self._join(now)
        elif lot < 0.17 and self.joined:
            self._part(now)

    def _join(self, now: int) -> None:
        with raw_cursor() as cursor:
            cursor.execute(
                "SELECT p.id FROM leads_person AS p JOIN leads_lead AS l ON l.person_id = p.id AND l.is_open"
                " WHERE p.merged_into_id IS NULL AND p.created_at < $1 ORDER BY p.id",
                (now,),
            )
            people: list[Any] = [row[0] for row in cursor.fetchall()]  # type: ignore[call-overload]
        if len(people) < 2:
            return
        one, other = self.chance.sample(people, 2)
        merge = merging.merge_people(first_id=one, second_id=other, by=self.marketer, at=now)
        self.joined.append(merge.pk)
        self.done["joined"] += 1

    def _part(self, now: int) -> None:
        merge = self.chance.choice(self.joined)
        try:
            merging.part(merge_id=merge, by=self.marketer, at=now)
        except CannotDo:
            return  # another was joined with it since
        self.joined.remove(merge)
        self.done["parted"] += 1


@pytest.fixture(autouse=True)
def always_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many are active is counted at every account, not only where many are: it must not show in any verdict."""
    monkeypatch.setattr(intake, "MANY", 0)


@pytest.mark.parametrize("seed", [13, 23])
def test_what_ran_beside_mergers_is_what_a_replay_finds(
    transactional_db: None, as_owner: OwnerBlock, tmp_path: Path, seed: int
) -> None:
    # Whom the audits draw hangs on the numbers of leads, and whom else on others': all begin where they always do, whatever ran
    # before.
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(format('%I', sequencename)::regclass, 1000000) FROM pg_sequences WHERE schemaname = 'public'"
        )
    company = Company(20 + seed, LEADS, datetime(2026, 1, 5, tzinfo=UTC), DAYS)
    users = make_users(company, "Slow-paper-mills-1")
    sign_example(users, company.start)
    world = Mingled(company, users, seed)
    list(world.run())
    lake = tmp_path / "lake"
    with psycopg.connect(**connection.get_connection_params() | {"autocommit": True}) as own:
        export(own, lake, at=company.end)

    with Store() as store:
        load(store, lake)
        judged(store, lake)
        agreement = agreement_of(lake)
        replay(store, agreement, end=company.end)
        won = dict(
            store.execute(
                "SELECT lead_id, min(\"at\") FROM hist_outcomes WHERE outcome = 'won' GROUP BY lead_id"
            ).fetchall()
        )
        ran = changes(store, "hist_judged", "seq")
        found = until_won(changes(store, "replayed"), won)
        reference = until_won(by_the_reference(store, agreement, end=company.end), won)
        merged = {at for row in Merge.objects.values_list("at", "undone_at") for at in row}
        ends = {one for one in store.execute('SELECT lead_id, "at" FROM hist_asked').fetchall() if one[1] in merged}
        given = store.one("SELECT count(*) FROM hist_placed WHERE until < $1", [2**62])
        several = store.one("SELECT count(*) - count(DISTINCT person_key) FROM hist_placed")
        lent = store.one(
            "SELECT count(*) FROM hist_joined j JOIN hist_facts f ON f.subject = j.subject AND f.key = j.part"
        )
        # What the lake said before it told of mergers: whose each trail is now.
        for name in ("hist_joined", "hist_away", "hist_asked"):
            store.execute(f"DELETE FROM {name}")
        store.execute("DELETE FROM hist_placed WHERE until < $1", [2**62])
        replay(store, agreement, end=company.end, into="forgetful")
        forgetful = until_won(changes(store, "forgetful"), won)

    assert found == reference
    assert set(ran) == set(found)
    wrong = {
        lead: (ran[lead], found[lead])
        for lead in ran
        if [one[1:] for one in ran[lead]] != [one[1:] for one in found[lead]]
        or not all(in_time(*pair, world.late) for pair in zip(ran[lead], found[lead], strict=True))
    }
    assert wrong == {}

    # It would say nothing of a company in which mergers change nothing.
    assert world.done["joined"] > 20, world.done
    assert world.done["parted"] > 5, world.done
    turned = sum((lead, one.at) in ends for lead, told in found.items() for one in told)
    assert turned > 5, "verdicts that turned at a merger or a parting"
    assert lent > 20
    assert given > 0, "accounts that went again with a parting"
    assert several > 0 or seed != 13, "people who lost an account with a parting, and were of one again later"
    assert forgetful != found
