"""Histories in the relations, drawn by chance for a drawn agreement: what replay and preview are compared over.

`draw_case` of the language stands touches on the edges of windows; here a year of ordinary and late ones is added, withdrawn
ones, facts of persons and accounts, people who were known to be of their account late, leads that do not count all of their
touches, touches of no lead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pyarrow as pa

from leadpact.lake import relations
from leadpact.lake.store import Store
from leadpact.language.fold import Cell, cell_to_json
from leadpact.language.nodes import DAY, Agreement
from leadpact.language.tests.drawing_history import Case, draw_case

HOUR = DAY // 24
EVER = 2**62
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One agreement, one history as rows of the relations, a period."""

    agreement: Agreement
    leads: list[Row]
    facts: list[Row]
    touches: list[Row]
    labels: list[Row]
    placed: list[Row]
    start: int | None
    end: int
    returns: list[Row] = field(default_factory=list)

    def fill(self, store: Store) -> None:
        """Put the rows into the relations, in the order in which they stand."""
        relations.create(store)
        for name, rows in (
            (relations.LEADS, self.leads),
            (relations.FACTS, self.facts),
            (relations.TOUCHES, self.touches),
            (relations.LABELS, self.labels),
            (relations.PLACED, self.placed),
            (relations.RETURNS, self.returns),
        ):
            kinds = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}
            described = [part.split() for part in relations.COLUMNS[name].split(", ")]
            arrays = [pa.array([row[place] for row in rows], kinds[kind]) for place, (_, kind) in enumerate(described)]
            table = pa.table(arrays, names=[column.strip('"') for column, _ in described])
            store.connection.register("drawn_rows", table)
            store.execute(f"INSERT INTO {name} SELECT * FROM drawn_rows")
            store.connection.unregister("drawn_rows")


def draw(seed: int, *, leads: int = 7, touches: int = 8) -> Drawn:
    """The history of a seed."""
    chance = Random(seed)
    case = draw_case(chance, leads=leads, touches=touches)
    now = max(instant for _, instant in case.asks)
    rows = [
        (
            lead.lead_id,
            lead.person,
            lead.account,
            lead.created_at - chance.choice((0, 0, DAY, -30 * DAY)),
            chance.choice((now - 40 * DAY, now - 2)) if chance.random() < 0.15 else None,
        )
        for lead in case.history.leads
    ]
    touched = [_touch(chance, touch, now) for touch in case.history.touches]
    touched += [
        _ordinary(chance, touch, n, now) for n, touch in enumerate(case.history.touches * 2) if chance.random() < 0.7
    ]
    chance.shuffle(touched)
    start = chance.choice((None, now - 50 * DAY, now - 30 * DAY, now - 5))
    end = now + chance.choice((0, 1, 5 * DAY, 200 * DAY))
    facts, labels = _facts(chance, case, now), _labels(chance, case, now)
    placed = _placed(chance, case, now)
    return Drawn(case.agreement, rows, facts, touched, labels, placed, start, end, _returns(chance, case, now))


def _facts(chance: Random, case: Case, now: int) -> list[Row]:
    out: list[Row] = []
    for lead in case.history.leads:
        for fact in lead.facts:
            keys = {"lead": lead.lead_id, "person": lead.person, "account": lead.account}
            subject = chance.choice(("lead", "lead", fact.field.partition(".")[0]))
            if keys[subject] is None:
                subject = "lead"
            at, known_at = fact.at, fact.known_at
            if chance.random() < 0.3:
                at = now - chance.randint(0, 60 * DAY)
                known_at = at + chance.choice((0, 0, 3 * DAY, -HOUR))
            out.append((subject, keys[subject], fact.field, *_cell(fact.cell), at, known_at))
    return out


def _cell(cell: Cell) -> Row:
    return cell.text, cell.number, cell.truth, cell.words


def _touch(chance: Random, touch: Any, now: int) -> Row:
    cells = json.dumps({name: cell_to_json(cell) for name, cell in touch.properties.items()}, ensure_ascii=False)
    own = touch.lead_id if chance.random() < 0.95 else None
    return touch.touch_id, own, touch.person, touch.account, touch.kind, touch.at, touch.known_at, touch.void_at, cells


def _ordinary(chance: Random, like: Any, number: int, now: int) -> Row:
    """One more touch of a kind and with properties that were drawn, some time in the last months."""
    row = list(_touch(chance, like, now))
    at = now - chance.randint(0, chance.choice((HOUR, DAY, 60 * DAY, 60 * DAY)))
    known_at = at + chance.choice((0, 0, 0, 0, chance.randint(0, 2 * HOUR), chance.randint(0, 40 * DAY)))
    void_at = known_at + chance.randint(0, 10 * DAY) if chance.random() < 0.1 else None
    row[0], row[5], row[6], row[7] = f"more{number}", at, known_at, void_at
    return tuple(row)


def _labels(chance: Random, case: Case, now: int) -> list[Row]:
    out: list[Row] = []
    for lead in case.history.leads:
        for _ in range(chance.choice((0, 1, 1, 2))):
            answer = chance.choice(("qualified", "qualified", "rejected", "recycled"))
            blames = None if answer == "qualified" else chance.choice(("definition", "timing", None))
            handed_at = now - chance.randint(0, 30 * DAY)
            out.append((lead.lead_id, chance.choice((handed_at, None)), handed_at + DAY, answer, blames))
    return out


def _placed(chance: Random, case: Case, now: int) -> list[Row]:
    """Since when some people are known to be of their account, however many leads they have and whoever touched those."""
    people = {lead.person: lead.account for lead in case.history.leads if lead.person and lead.account}
    return [
        (who, firm, now - chance.randint(0, 60 * DAY), EVER) for who, firm in people.items() if chance.random() < 0.7
    ]


def _returns(chance: Random, case: Case, now: int) -> list[Row]:
    """When leads came back from Sales, and from when on they may go there again."""
    out: list[Row] = []
    for lead in case.history.leads:
        at = now - chance.randint(0, 60 * DAY)
        for _ in range(chance.choice((0, 1, 2, 3))):
            until = at + chance.choice((0, HOUR, 3 * DAY, chance.randint(0, 30 * DAY)))
            out.append((lead.lead_id, at, chance.choice((until, until, until, None)), chance.random() < 0.7))
            at = until + chance.randint(0, 10 * DAY)
    return out
