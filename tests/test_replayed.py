"""What the running system decided is what a replay of its exported history finds: lead by lead, instant by instant."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from click.testing import CliRunner
from django.db import connection

from leadpact.lake import one_lead
from leadpact.lake.export import export
from leadpact.lake.history import agreement_of, judged, load
from leadpact.lake.replay import replay
from leadpact.lake.store import Store
from leadpact.loop import intake
from leadpact.simulation.company import Company
from leadpact.site.cli import leadpact
from leadpact.site.demo import make_users, sign_example
from tests.unruly import HOUR, Late, Unruly

pytestmark = pytest.mark.django_db(transaction=True)

LEADS, DAYS = 120, 120
ROW = 'lead_id, "at", before, after, decided_by'


@pytest.fixture(autouse=True)
def always_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many are active is counted at every account, not only where many are: it must not show in any verdict."""
    monkeypatch.setattr(intake, "MANY", 0)


class Change(NamedTuple):
    at: int
    before: str
    after: str
    decided_by: str


Changes = dict[str, list[Change]]


def changes(store: Store, relation: str, order: str = '"at"') -> Changes:
    found: Changes = defaultdict(list)
    for lead, *one in store.execute(f"SELECT {ROW} FROM {relation} ORDER BY lead_id, {order}").fetchall():
        found[lead].append(Change(*one))
    return found


def by_the_reference(store: Store, agreement: object, *, end: int) -> Changes:
    found: Changes = {}
    for (lead,) in store.execute("SELECT lead_id FROM hist_leads").fetchall():
        known = one_lead.read(store, agreement, lead)  # type: ignore[arg-type]
        judgements = one_lead.judgements(known, agreement, start=None, end=end)  # type: ignore[arg-type]
        found[lead] = [Change(c.at, c.before, c.after, c.decided_by) for c in one_lead.changes(judgements)]
    return found


def until_won(found: Changes, won: dict[str, int]) -> Changes:
    """A lead that is won is judged no more; a replay, which does not know of wins, goes on."""
    return {lead: [one for one in told if one.at <= won.get(lead, one.at)] for lead, told in found.items()}


def in_time(ran: Change, found: Change, late: list[Late]) -> bool:
    """Whether a change was written at its instant, or by the end of the time for which verdicts were known to be late."""
    return ran.at == found.at or any(one.since < found.at < ran.at <= one.until for one in late)


def test_what_ran_is_what_a_replay_finds(transactional_db: None, tmp_path: Path) -> None:
    company = Company(23, LEADS, datetime(2026, 1, 5, tzinfo=UTC), DAYS)
    users = make_users(company, "Slow-paper-mills-1")
    sign_example(users, company.start)
    world = Unruly(company, users, 5)
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
        placed = store.one("SELECT count(*) FROM hist_placed")
        tied_late = store.one('SELECT count(*) FROM hist_touches WHERE known_at > "at" + $1', [HOUR])

    assert found == reference
    assert set(ran) == set(found)
    wrong = {
        lead: (ran[lead], found[lead])
        for lead in ran
        if [one[1:] for one in ran[lead]] != [one[1:] for one in found[lead]]
        or not all(in_time(*pair, world.late) for pair in zip(ran[lead], found[lead], strict=True))
    }
    assert wrong == {}

    # It would say nothing of a company in which everything went as it should.
    told = [pair for lead in ran for pair in zip(ran[lead], found[lead], strict=True)]
    assert len(told) > 2 * LEADS
    assert sum(one.at % HOUR != 0 for one, _ in told) > LEADS, "batches at odd minutes"
    assert sum(one.at % HOUR == 0 for _, one in told) > 5, "hours that alone changed a verdict"
    assert sum(one.at != two.at for one, two in told) > 0, "hours that came late"
    assert {one.after for one, _ in told} >= {"prospect", "lead", "sales_ready"}
    assert all(number > 3 for number in world.done.values()), world.done
    assert tied_late > 50
    assert placed > 0


def test_the_command_replays_a_lake(transactional_db: None, tmp_path: Path) -> None:
    company = Company(3, 60, datetime(2026, 4, 6, tzinfo=UTC), 28)
    users = make_users(company, "Slow-paper-mills-1")
    sign_example(users, company.start)
    list(Unruly(company, users, 1).run())
    lake, out = tmp_path / "lake", tmp_path / "replay.csv"
    run = CliRunner().invoke
    nowhere = run(leadpact, ["replay", "--lake", str(lake), "--out", str(out)])
    assert nowhere.exit_code == 1
    assert "run leadpact lake export" in nowhere.output
    with psycopg.connect(**connection.get_connection_params() | {"autocommit": True}) as own:
        export(own, lake, at=company.end)

    told = run(leadpact, ["replay", "--lake", str(lake), "--out", str(out), "--json"])
    assert told.exit_code == 0, told.output
    figures = json.loads(told.stdout)
    with Store() as store:
        judged(store, lake)
        handed = store.one("SELECT count(DISTINCT lead_id) FROM hist_judged WHERE after = 'sales_ready'")
        assert figures["handed"] == handed > 0
        rows = store.one("SELECT count(*) FROM hist_judged")
    assert len(out.read_text(encoding="utf-8").splitlines()) == rows + 1
    assert figures["until"] == "2026-05-04T00:00:00Z"
    answered = figures["qualified"] + figures["definition"] + figures["other"]
    assert answered > 0

    for wrong, says in (
        (["--lake", str(lake), "--leads", "leads.csv"], "leave out --leads"),
        (["--out", str(out)], "--lake for the history"),
        (["--lake", str(lake), "--until", "2026-06-01"], "after the last export"),
    ):
        refused = run(leadpact, ["replay", "--out", str(out), *wrong])
        assert refused.exit_code == 2, refused.output
        assert says in refused.output
