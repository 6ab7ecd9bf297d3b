"""What is counted over the past is what the reference says of each lead as of each instant."""

from __future__ import annotations

from collections import Counter

import pytest

from leadpact.lake import engines, seen
from leadpact.lake.engines import reference_needs
from leadpact.lake.facts import gather
from leadpact.lake.instants import instant, zone
from leadpact.lake.read import read_table
from leadpact.lake.seen import APART, INSTANTS, look
from leadpact.lake.store import Store
from leadpact.lake.tests.conftest import Read, Write
from leadpact.language.check_history import Seen
from leadpact.language.nodes import DIMENSIONS
from leadpact.language.parse import parse_or_raise

AGREEMENT = parse_or_raise(
    """
leadpact: 1
name: Small
fit:
  - {id: size, says: Large enough, if: {account.employees: {at_least: 200}}, points: 20}
  - {id: also_size, says: Rather large, if: {account.employees: {above: 180}}, points: 5}
  - {id: never, says: Of a trade that nobody has, if: {account.industry: mining}, points: 5}
engagement:
  - {id: demo, says: Asked for a demo, each: {touch: demo.requested, within: 7 days}, points: 30}
verdicts:
  sales_ready: {any: [{engagement: {at_least: 30}}, {fit: {at_least: 40}}]}
"""
)
UNTIL = instant("2024-06-30", tz=zone("UTC"))
LEADS = "lead_id,created_at,account.id,account.employees,account.industry\n" + "".join(
    f"l{n},2024-0{n % 6 + 1}-01,a{n},{('about 90', '250', '100', '')[n % 4]},retail\n" for n in range(40)
)
TOUCHES = "touch_id,lead_id,kind,at\nt1,l3,demo.requested,2024-04-29\nt2,l1,demo.requested,2024-06-29\n"


def looked(read: Read, store: Store, *, touches: bool = True) -> Seen:
    leads = read("leads", LEADS)
    touched = read("touches", TOUCHES) if touches else None
    return look(store, AGREEMENT, leads, touched, UNTIL)[0]


def test_figures_are_those_of_the_reference(write: Write, read: Read, store: Store) -> None:
    found = looked(read, store)
    instants = [UNTIL - n * APART for n in range(INSTANTS)]
    scored: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    reached: dict[str, list[int]] = {dimension: [] for dimension in DIMENSIONS}
    judgements = 0
    for as_of in instants:
        with Store() as one:
            leads = read_table(write("leads.csv", LEADS), "leads", store=one)
            touches = read_table(write("touches.csv", TOUCHES), "touches", store=one)
            facts = gather(one, reference_needs(AGREEMENT), leads, touches, as_of)
            engines.with_python(facts, AGREEMENT)
            known = "JOIN judged_leads l USING (lead_id) WHERE l.created_at <= l.as_of"
            rows = one.execute(f"SELECT v.* FROM {engines.VERDICTS} v {known}").fetchall()
        for row in rows:
            judgements += 1
            verdicts[row[2]] += 1
            for dimension, score in zip(DIMENSIONS, row[4:7], strict=True):
                reached[dimension].append(score)
            for line, points in zip(AGREEMENT.lines, row[7:], strict=True):
                scored[line.id] += bool(points)
                unknown[line.id] += points is None
    assert (found.leads, found.judgements) == (40, judgements)
    assert dict(found.verdicts) == dict(verdicts)
    assert {name: (line.scored, line.unknown) for name, line in found.lines.items()} == {
        line.id: (scored[line.id], unknown[line.id]) for line in AGREEMENT.lines
    }
    assert dict(found.reached) == {dimension: (min(all_), max(all_)) for dimension, all_ in reached.items()}
    assert found.lines["demo"].scored == 2, "one of them was asked for two months before the end"
    assert found.lines["size"].mark == found.lines["also_size"].mark != found.lines["demo"].mark


def test_gaps_are_told_with_what_cannot_be_read(read: Read, store: Store) -> None:
    gap = looked(read, store).gaps["account.employees"]
    assert (gap.unknown, gap.unreadable, gap.example) == (20, 10, "about 90")


def test_of_many_leads_one_instant_is_looked_at(read: Read, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "JUDGEMENTS", 50)
    found = looked(read, store)
    assert (found.judgements, found.when) == (40, "on 2024-06-30")
    assert found.lines["demo"].scored == 1


def test_without_touches(read: Read, store: Store) -> None:
    found = looked(read, store, touches=False)
    assert not found.touches
    assert found.lines["demo"].scored == 0
