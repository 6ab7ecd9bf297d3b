"""Records are part of others for a while, leads are not judged meanwhile, accounts come and go: fast and reference agree."""

from __future__ import annotations

from random import Random

import pytest

from leadpact.lake import one_lead, relations
from leadpact.lake.relations import ASKED, AWAY, JOINED, PLACED
from leadpact.lake.replay import replay
from leadpact.lake.store import Store
from leadpact.lake.tests.drawn import DAY, EVER, Drawn
from leadpact.lake.tests.test_placed import drawn, place
from leadpact.lake.tests.test_replay import T0, one_seminar, reference, replayed, rows_of, seminars
from leadpact.language.parse import parse_or_raise

CASES = 24


def join(store: Store, case: Drawn, seed: int) -> None:
    """Some records are part of others for a while or for good; some people come to accounts and leave them again."""
    chance = Random(f"joined {seed}")
    relations.create(store, JOINED, AWAY, ASKED)
    leads = [lead for lead in case.leads if lead[1] is not None]
    chance.shuffle(leads)
    for keeper, loser in zip(leads[::2], leads[1::2], strict=False):
        if keeper[1] == loser[1] or chance.random() < 0.2:
            continue
        since = case.end - chance.randint(0, 60 * DAY)
        until = chance.choice((EVER, *(since + chance.randint(1, 20 * DAY) for _ in range(3))))
        for subject, place_ in (("person", 1), ("lead", 0)):
            store.execute(
                f"INSERT INTO {JOINED} VALUES ($1, $2, $3, $4, $5)",
                [subject, keeper[place_], loser[place_], since, until],
            )
        store.execute(f"INSERT INTO {AWAY} VALUES ($1, $2, $3)", [loser[0], since, until])
        for lead in case.leads:
            for at in (since, until):
                if at < EVER and (lead in (keeper, loser) or lead[2] in (keeper[2], loser[2])):
                    store.execute(f"INSERT INTO {ASKED} VALUES ($1, $2)", [lead[0], at])
    stay(store, case, chance)


def stay(store: Store, case: Drawn, chance: Random) -> None:
    """Some people were of two or three accounts, or of one again, and alone in between."""
    firms = sorted({lead[2] for lead in case.leads if lead[2] is not None})
    for person in sorted({lead[1] for lead in case.leads if lead[1] is not None and lead[2] is not None}):
        if chance.random() < 0.4:
            continue
        store.execute(f"DELETE FROM {PLACED} WHERE person_key = $1", [person])
        since = case.end - chance.randint(10 * DAY, 50 * DAY)
        for _ in range(chance.choice((1, 2, 2, 3))):
            until = since + chance.randint(1, 15 * DAY)
            store.execute(f"INSERT INTO {PLACED} VALUES ($1, $2, $3, $4)", [person, chance.choice(firms), since, until])
            since = until + chance.choice((0, 1, chance.randint(1, 10 * DAY)))
        if chance.random() < 0.5:
            store.execute(f"INSERT INTO {PLACED} VALUES ($1, $2, $3, $4)", [person, chance.choice(firms), since, EVER])


@pytest.mark.parametrize("seed", range(CASES))
def test_replay_equals_the_reference(seed: int, store: Store) -> None:
    case = drawn(seed)
    case.fill(store)
    place(store, case, seed)
    join(store, case, seed)
    assert replayed(store, case, batch_leads=Random(seed).choice((1, 3, 100_000))) == reference(store, case)


FORGOTTEN = {
    "values that were lent": f"DELETE FROM {JOINED}",
    "who was away": f"DELETE FROM {AWAY}",
    "that accounts were left": f"UPDATE {PLACED} SET until = {EVER} WHERE since = (SELECT max(since) FROM {PLACED} p "
    f"WHERE p.person_key = {PLACED}.person_key)",
    "all accounts but the last": f"DELETE FROM {PLACED} WHERE since < (SELECT max(since) FROM {PLACED} p "
    f"WHERE p.person_key = {PLACED}.person_key)",
}


@pytest.mark.parametrize("what", FORGOTTEN)
def test_each_of_it_matters(what: str, store: Store) -> None:
    """Some verdict in the cases above is another because of it; else they would show nothing."""
    others = 0
    for seed in range(CASES):
        case = drawn(seed)
        case.fill(store)
        place(store, case, seed)
        join(store, case, seed)
        told = replayed(store, case)
        store.execute(FORGOTTEN[what])
        others += replayed(store, case) != told
    assert others > 1


def test_a_merger_beside_a_lead_shows_what_time_has_changed(store: Store) -> None:
    one_seminar(store, at=T0 + 90)
    asked = T0 + 6 * DAY + 600_000_000
    store.execute(f"INSERT INTO {ASKED} VALUES ('A', $1)", [asked])
    replay(store, seminars(), end=T0 + 30 * DAY)
    assert rows_of(store)[-1] == (asked, "sales_ready", "prospect", "")


TWO_FIRMS = """
leadpact: 1
name: Of two firms
market: {timezone: UTC}
fit:
  - {id: large, says: Large, if: {account.employees: {at_least: 100}}, points: 10}
engagement:
  - {id: group, says: Two people are active, if: {account.active_people: {at_least: 2, within: 300 days}}, points: 10}
verdicts:
  sales_ready: {all: [{fit: {at_least: 10}}, {engagement: {at_least: 10}}]}
  lead: {any: [{fit: {at_least: 10}}, {engagement: {at_least: 10}}]}
"""


def test_each_account_counts_while_it_was_the_persons(store: Store) -> None:
    """First of a large firm, then of nobody's, then of a small one in which somebody is active."""
    relations.create(store)
    day = [T0 + n * DAY for n in range(20)]
    for lead, person, account in (("own", "p", None), ("big", "b", "large"), ("small", "s", "small")):
        store.execute(
            f"INSERT INTO {relations.LEADS} VALUES ($1, $2, $3, $4, NULL)", [lead, person, account, day[0] + 1]
        )
        store.execute(
            f"INSERT INTO {relations.TOUCHES} VALUES ($1, $2, $3, $4, 'page.viewed', $5, $5, NULL, '{{}}')",
            [f"t {lead}", lead, person, account, day[0] + 2],
        )
    for firm, text, number in (("large", "500", 500_000_000), ("small", "5", 5_000_000)):
        store.execute(
            f"INSERT INTO {relations.FACTS} VALUES ('account', $1, 'account.employees', $2, $3, NULL, NULL, $4, $4)",
            [firm, text, number, day[0]],
        )
    for firm, since, until in (("large", day[3], day[6]), ("small", day[8], day[9]), ("large", day[12], EVER)):
        store.execute(f"INSERT INTO {PLACED} VALUES ('p', $1, $2, $3)", [firm, since, until])
    agreement = parse_or_raise(TWO_FIRMS, name="firms.yaml")
    replay(store, agreement, end=day[19])
    expected = {
        "own": [
            (day[0] + 1, "", "prospect"),
            (day[3], "prospect", "sales_ready"),
            (day[6], "sales_ready", "prospect"),
            (day[8], "prospect", "lead"),
            (day[9], "lead", "prospect"),
            (day[12], "prospect", "sales_ready"),
        ],
        "big": [
            (day[0] + 1, "", "lead"),
            (day[3], "lead", "sales_ready"),
            (day[6], "sales_ready", "lead"),
            (day[12], "lead", "sales_ready"),
        ],
        "small": [
            (day[0] + 1, "", "prospect"),
            (day[8], "prospect", "lead"),
            (day[9], "lead", "prospect"),
        ],
    }
    for lead, turns in expected.items():
        rows = store.execute(
            'SELECT "at", before, after FROM replayed WHERE lead_id = $1 ORDER BY 1', [lead]
        ).fetchall()
        assert rows == turns, lead
        judged = one_lead.judgements(one_lead.read(store, agreement, lead), agreement, start=None, end=day[19])
        assert [(one.at, one.before, one.after) for one in one_lead.changes(judged)] == turns, lead
