"""Records are part of others for a while, leads are not judged meanwhile, accounts come and go: fast and reference agree."""

from __future__ import annotations

from random import Random

import pytest

from leadpact.lake import relations
from leadpact.lake.relations import ASKED, AWAY, JOINED, LEFT, PLACED
from leadpact.lake.replay import replay
from leadpact.lake.store import Store
from leadpact.lake.tests.drawn import DAY, Drawn
from leadpact.lake.tests.test_placed import drawn, place
from leadpact.lake.tests.test_replay import T0, one_seminar, reference, replayed, rows_of, seminars

CASES = 24
EVER = 2**62


def join(store: Store, case: Drawn, seed: int) -> None:
    """Some records are part of others for a while or for good; who had an account from it leaves that again."""
    chance = Random(f"joined {seed}")
    relations.create(store, LEFT, JOINED, AWAY, ASKED)
    leads = [lead for lead in case.leads if lead[1] is not None]
    chance.shuffle(leads)
    for keeper, loser in zip(leads[::2], leads[1::2], strict=False):
        if keeper[1] == loser[1] or chance.random() < 0.2:
            continue
        since = case.end - chance.randint(0, 60 * DAY)
        until = chance.choice((EVER, since + chance.randint(1, 20 * DAY)))
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
        if until < EVER and keeper[2] is not None and chance.random() < 0.5:
            store.execute(f"DELETE FROM {PLACED} WHERE person_key = $1", [keeper[1]])
            store.execute(f"INSERT INTO {PLACED} VALUES ($1, $2)", [keeper[1], since])
            store.execute(f"INSERT INTO {LEFT} VALUES ($1, $2)", [keeper[1], until])


@pytest.mark.parametrize("seed", range(CASES))
def test_replay_equals_the_reference(seed: int, store: Store) -> None:
    case = drawn(seed)
    case.fill(store)
    place(store, case, seed)
    join(store, case, seed)
    assert replayed(store, case, batch_leads=Random(seed).choice((1, 3, 100_000))) == reference(store, case)


@pytest.mark.parametrize("without", [LEFT, JOINED, AWAY])
def test_each_of_it_matters(without: str, store: Store) -> None:
    """Some verdict in the cases above is another because of it; else they would show nothing."""
    others = 0
    for seed in range(CASES):
        case = drawn(seed)
        case.fill(store)
        place(store, case, seed)
        join(store, case, seed)
        told = replayed(store, case)
        relations.create(store, without)
        others += replayed(store, case) != told
    assert others > 1


def test_a_merger_beside_a_lead_shows_what_time_has_changed(store: Store) -> None:
    one_seminar(store, at=T0 + 90)
    asked = T0 + 6 * DAY + 600_000_000
    store.execute(f"INSERT INTO {ASKED} VALUES ('A', $1)", [asked])
    replay(store, seminars(), end=T0 + 30 * DAY)
    assert rows_of(store)[-1] == (asked, "sales_ready", "prospect", "")
