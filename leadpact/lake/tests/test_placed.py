"""Somebody is found to be of an account later than it was known: until then it stands alone, and nobody there sees it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from leadpact.lake import one_lead, relations
from leadpact.lake.replay import replay
from leadpact.lake.store import Store
from leadpact.lake.tests.drawn import DAY, EVER, Drawn, draw
from leadpact.lake.tests.test_replay import reference, replayed
from leadpact.language.parse import parse_or_raise

CASES = 24
AGREEMENT = """
leadpact: 1
name: Three of a firm
market: {timezone: UTC}
fit:
  - {id: large, says: Large, if: {account.employees: {at_least: 100}}, points: 10}
engagement:
  - {id: group, says: Three people are active, if: {account.active_people: {at_least: 3, within: 30 days}}, points: 10}
verdicts:
  sales_ready: {all: [{fit: {at_least: 10}}, {engagement: {at_least: 10}}]}
  lead: {any: [{fit: {at_least: 10}}, {engagement: {at_least: 10}}]}
"""


def drawn(seed: int) -> Drawn:
    """A case in which every other time one person has two leads, and touches that were made for one are the other's."""
    case = draw(seed)
    chance = Random(f"two leads {seed}")
    at_accounts = [n for n, lead in enumerate(case.leads) if lead[1] is not None and lead[2] is not None]
    if seed % 2 or len(at_accounts) < 2:
        return case
    one, two = (case.leads[n] for n in at_accounts[:2])
    leads = list(case.leads)
    leads[at_accounts[1]] = (two[0], *one[1:3], two[3], chance.choice((None, case.end - 30 * DAY)))
    touches = [
        (touch[0], chance.choice((one[0], two[0])), *one[1:3], *touch[4:]) if touch[1] in (one[0], two[0]) else touch
        for touch in case.touches
    ]
    return replace(case, leads=leads, touches=touches)


def place(store: Store, case: Drawn, seed: int) -> int:
    """Some people come to their account at some time or other; how many."""
    chance = Random(f"placed {seed}")
    relations.create(store, relations.PLACED)
    people = sorted({(lead[1], lead[3], lead[2]) for lead in case.leads if lead[1] is not None and lead[2] is not None})
    placed = {
        person: (firm, max(created, case.end - chance.randint(0, 40 * DAY)) + 1)
        for person, created, firm in people
        if chance.random() < 0.6
    }
    for person, (firm, since) in placed.items():
        store.execute(f"INSERT INTO {relations.PLACED} VALUES ($1, $2, $3, $4)", [person, firm, since, EVER])
    return len(placed)


@pytest.mark.parametrize("seed", range(CASES))
def test_replay_equals_the_reference(seed: int, store: Store) -> None:
    case = drawn(seed)
    case.fill(store)
    place(store, case, seed)
    assert replayed(store, case, batch_leads=Random(seed).choice((1, 3, 100_000))) == reference(store, case)


def test_it_matters(store: Store) -> None:
    """Some verdict in the cases above is another because of it; else they would show nothing."""
    others = placed = 0
    for seed in range(CASES):
        case = drawn(seed)
        case.fill(store)
        relations.create(store, relations.PLACED)
        before = replayed(store, case)
        placed += place(store, case, seed)
        others += replayed(store, case) != before
    assert placed > CASES
    assert others > 4


def test_it_sees_the_account_and_is_seen_from_then_on(store: Store) -> None:
    relations.create(store)
    start = 1_780_000_000_000_000
    placed = start + 5 * DAY
    for n in (1, 2, 3):
        store.execute(f"INSERT INTO {relations.LEADS} VALUES ($1, $2, 'f', $3, NULL)", [f"l{n}", f"p{n}", start + n])
        store.execute(
            f"INSERT INTO {relations.TOUCHES} VALUES ($1, $2, $3, 'f', 'page.viewed', $4, $4, NULL, '{{}}')",
            [f"t{n}", f"l{n}", f"p{n}", start + n],
        )
    store.execute(
        f"INSERT INTO {relations.FACTS} VALUES ('account', 'f', 'account.employees', '500', 500000000, NULL, ' 500 ', $1, $1)",
        [start],
    )
    store.execute(f"INSERT INTO {relations.PLACED} VALUES ('p3', 'f', $1, $2)", [placed, EVER])
    agreement = parse_or_raise(AGREEMENT, name="placed.yaml")
    replay(store, agreement, end=start + 20 * DAY)
    found = store.execute('SELECT lead_id, "at", before, after FROM replayed ORDER BY 1, 2').fetchall()
    assert found == [
        ("l1", start + 1, "", "lead"),
        ("l1", placed, "lead", "sales_ready"),
        ("l2", start + 2, "", "lead"),
        ("l2", placed, "lead", "sales_ready"),
        ("l3", start + 3, "", "prospect"),
        ("l3", placed, "prospect", "sales_ready"),
    ]
    alone = one_lead.read(store, agreement, "l3")
    assert [alone.history(at).lead("l3").account for at in (placed - 1, placed)] == [None, "f"]
    assert [alone.judge(agreement, at).verdict for at in (placed - 1, placed)] == ["prospect", "sales_ready"]
