"""The fast replay says what the reference says, lead by lead and instant by instant, over drawn agreements and histories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from leadpact.kit.failures import CannotDo
from leadpact.lake import one_lead, relations
from leadpact.lake.replay import lead_by_lead, replay
from leadpact.lake.store import Store
from leadpact.lake.tests.drawn import DAY, HOUR, Drawn, draw
from leadpact.language.needs import needs
from leadpact.language.nodes import Agreement, Each, Operator, Test, TouchQuery
from leadpact.language.parse import parse_or_raise
from leadpact.language.rows import lead_columns, lead_row, touch_columns, touch_row
from leadpact.language.to_sql import compile_sql

CASES = 44
Rows = list[tuple[Any, ...]]


def replayed(store: Store, case: Drawn, *, end: int | None = None, batch_leads: int = 100_000) -> Rows:
    replay(store, case.agreement, start=case.start, end=case.end if end is None else end, batch_leads=batch_leads)
    return sorted(store.execute("SELECT * FROM replayed").fetchall())


def reference(store: Store, case: Drawn) -> Rows:
    out: Rows = []
    for lead in case.leads:
        judged = (one.judgement for one in lead_by_lead(store, case.agreement, lead[0], start=case.start, end=case.end))
        out += [(c.lead_id, c.at, c.before, c.after, c.decided_by) for c in one_lead.changes(judged)]
    return sorted(out)


@pytest.mark.parametrize("seed", range(CASES))
def test_replay_equals_the_reference_instant_by_instant(seed: int, store: Store) -> None:
    case = draw(seed)
    case.fill(store)
    assert replayed(store, case, batch_leads=Random(seed).choice((1, 3, 100_000))) == reference(store, case)


def test_the_cases_are_of_every_sort(store: Store) -> None:
    """Changes brought about by time alone, by late facts, by colleagues, by withdrawals and by attributes: none is rare."""
    seen: Counter[str] = Counter()
    for seed in range(CASES):
        case = draw(seed)
        case.fill(store)
        for lead_id, at, before, _, _ in replayed(store, case):
            if not before:
                continue
            seen["moves"] += 1
            touches = [touch for touch in case.touches if at in touch[6:8]]
            seen["at an hour"] += at % HOUR == 0
            seen["late"] += any(touch[6] == at and touch[5] < at - HOUR for touch in touches)
            seen["withdrawn"] += any(touch[7] == at for touch in touches)
            seen["others"] += bool(touches) and all(touch[1] != lead_id for touch in touches)
            seen["attribute"] += any(fact[8] == at for fact in case.facts)
    assert seen["moves"] > 200
    few = {name: many for name, many in seen.items() if many < 10}
    assert not few
    assert len(seen) == 6


@pytest.mark.parametrize("seed", range(0, CASES, 4))
def test_the_compiled_query_judges_every_instant_alike(seed: int, store: Store) -> None:
    """The other oracle: one row of `leads` for each lead and judged instant, through the compiled query.

    (Who was known to be of its account late stands alone before: the compiled query is told so by its caller.)
    """
    case = replace(draw(seed), placed=[])
    case.fill(store)
    changes = replayed(store, case)
    needed = needs(case.agreement)
    for lead in case.leads:
        known = one_lead.read(store, case.agreement, lead[0])
        judged = list(one_lead.judgements(known, case.agreement, start=case.start, end=case.end))
        if not judged:
            continue
        rows = [lead_row(known.history(case.end).lead(lead[0]), needed, judgement.as_of) for judgement in judged]
        _register(store, "leads", lead_columns(needed), rows)
        _register(
            store, "touches", touch_columns(needed), [touch_row(t, needed) for t in known.history(case.end).touches]
        )
        with store.hollow_columns():
            sql = compile_sql(case.agreement, "duckdb", extras=False).sql
            said = {row[1]: row[2] for row in store.execute(sql).fetchall()}
        mine = [row for row in changes if row[0] == lead[0]]
        for judgement in judged:
            standing = [row[3] for row in mine if row[1] <= judgement.as_of][-1]
            assert said[judgement.as_of] == standing == judgement.verdict


def _register(store: Store, name: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> None:
    kinds = {"TEXT": pa.string(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}
    arrays = [pa.array([row[n] for row in rows], kinds[kind]) for n, (_, kind) in enumerate(columns)]
    store.connection.register(name, pa.table(arrays, names=[column for column, _ in columns]))


# --- what must not matter ---------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_changes_nothing(seed: int, store: Store) -> None:
    case = draw(seed)
    case.fill(store)
    found = replayed(store, case)
    chance = Random(seed)
    mixed = replace(
        case,
        **{
            name: chance.sample(getattr(case, name), k=len(getattr(case, name)))
            for name in ("leads", "facts", "touches")
        },
    )
    mixed.fill(store)
    assert replayed(store, mixed) == found


@pytest.mark.parametrize("seed", range(CASES, CASES + 8))
def test_what_is_learnt_later_changes_nothing_before(seed: int, store: Store) -> None:
    """A replay of what was known by an instant is the beginning of the replay of everything."""
    case = draw(seed)
    case.fill(store)
    everything = replayed(store, case)
    known = sorted(touch[6] for touch in case.touches)
    cut = known[len(known) // 2] + 17
    until = replace(
        case,
        facts=[fact for fact in case.facts if fact[8] <= cut],
        touches=[
            (*touch[:7], touch[7] if touch[7] is not None and touch[7] <= cut else None, touch[8])
            for touch in case.touches
            if touch[6] <= cut
        ],
    )
    if case.start is not None and case.start > cut:
        until = replace(until, start=None)
        case.fill(store)
        everything = replayed(store, replace(case, start=None))
    until.fill(store)
    assert replayed(store, until, end=cut) == [row for row in everything if row[1] <= cut]


@pytest.mark.parametrize("seed", range(CASES, CASES + 6))
def test_judging_at_an_instant_is_replaying_up_to_it(seed: int, store: Store) -> None:
    """At each tick and each fact's instant of a lead, the last row so far is the verdict as of that instant."""
    case = draw(seed)
    case.fill(store)
    lead_id = case.leads[0][0]
    known = one_lead.read(store, case.agreement, lead_id)
    judged = list(one_lead.judgements(known, case.agreement, start=case.start, end=case.end))
    for judgement in judged[:: max(1, len(judged) // 5)]:
        rows = [row for row in replayed(store, case, end=judgement.as_of) if row[0] == lead_id]
        assert rows[-1][3] == known.judge(case.agreement, judgement.as_of).verdict


# --- the period -------------------------------------------------------------------------

SEMINARS = """
leadpact: 1
name: Seminars
engagement:
  - {id: seminar, says: Came to a seminar, each: {touch: seminar.attended, within: 10 days}, points: 20, fades: true}
verdicts:
  sales_ready: {any: [{engagement: {at_least: 10}}]}
"""
T0 = 1_700_000_000_000_000 // HOUR * HOUR


def seminars() -> Agreement:
    return parse_or_raise(SEMINARS)


def one_seminar(store: Store, *, at: int, known_at: int | None = None) -> None:
    relations.create(store)
    store.execute("INSERT INTO hist_leads VALUES ('A', 'a', NULL, ?, NULL)", [T0])
    store.execute(
        "INSERT INTO hist_touches VALUES ('t', 'A', 'a', NULL, 'seminar.attended', ?, ?, NULL, '{}')",
        [at, at if known_at is None else known_at],
    )


def rows_of(store: Store) -> Rows:
    return store.execute('SELECT "at", before, after, decided_by FROM replayed ORDER BY "at"').fetchall()


def test_fading_ends_a_verdict_at_the_full_hour(store: Store) -> None:
    """Worth 20 points when it happens, 10 with five days left, 8 from the sixth day on: seen at the hour that follows."""
    one_seminar(store, at=T0 + 90)
    replay(store, seminars(), end=T0 + 30 * DAY)
    assert rows_of(store) == [
        (T0, "", "prospect", ""),
        (T0 + 90, "prospect", "sales_ready", "sales_ready.1"),
        (T0 + 6 * DAY + HOUR, "sales_ready", "prospect", ""),
    ]


def test_a_late_touch_counts_from_when_it_was_known(store: Store) -> None:
    one_seminar(store, at=T0 + 90, known_at=T0 + 2 * DAY + 5)
    replay(store, seminars(), end=T0 + 3 * DAY)
    assert [row[0] for row in rows_of(store)] == [T0, T0 + 2 * DAY + 5]


def test_a_fact_between_two_hours_shows_what_time_has_changed(store: Store) -> None:
    """Any touch of the lead's own has it judged, also one that no line reads."""
    one_seminar(store, at=T0 + 90)
    late = T0 + 6 * DAY + 600_000_000
    store.execute("INSERT INTO hist_touches VALUES ('m', 'A', 'a', NULL, 'email.sent', ?, ?, NULL, NULL)", [late, late])
    replay(store, seminars(), end=T0 + 30 * DAY)
    assert rows_of(store)[-1] == (late, "sales_ready", "prospect", "")


def test_the_first_row_stands_at_the_start(store: Store) -> None:
    one_seminar(store, at=T0 + 90)
    found = replay(store, seminars(), start=T0 + DAY, end=T0 + 2 * DAY)
    assert rows_of(store) == [(T0 + DAY, "", "sales_ready", "sales_ready.1")]
    assert (found.leads, found.changes) == (1, 1)


def test_a_lead_that_came_in_later_is_not_there(store: Store) -> None:
    one_seminar(store, at=T0 + 90)
    assert replay(store, seminars(), end=T0 - 1).leads == 0


def test_the_end_is_the_newest_instant_unless_told(store: Store) -> None:
    one_seminar(store, at=T0 + 90, known_at=T0 + 99)
    assert replay(store, seminars()).end == T0 + 99


def test_nothing_to_replay_is_said(store: Store) -> None:
    relations.create(store)
    with pytest.raises(CannotDo, match="no history"):
        replay(store, seminars())


def test_a_period_that_ends_before_it_begins_is_said(store: Store) -> None:
    one_seminar(store, at=T0 + 90)
    with pytest.raises(CannotDo, match="after it ends"):
        replay(store, seminars(), start=T0 + 10 * DAY, end=T0)


def test_an_unknown_lead_is_said(store: Store) -> None:
    one_seminar(store, at=T0 + 90)
    with pytest.raises(CannotDo, match="no lead Z"):
        list(lead_by_lead(store, seminars(), "Z"))


def test_names_of_properties_and_values_cannot_break_out(store: Store) -> None:
    """Quotes, slashes and tildes in names and values are names and values."""
    query = TouchQuery(("o'dd\"; drop",), (("a/b~c'\"", (Test(Operator.IS, "x'); --"),)),), 10 * DAY)
    line = replace(seminars().lines[0], rule=Each(query))
    relations.create(store)
    store.execute("INSERT INTO hist_leads VALUES ('A', 'a', NULL, ?, NULL)", [T0])
    store.execute(
        "INSERT INTO hist_touches VALUES ('t', 'A', 'a', NULL, ?, ?, ?, NULL, ?)",
        ["o'dd\"; drop", T0 + 1, T0 + 1, '{"a/b~c\'\\"": {"t": "x\'); --"}}'],
    )
    replay(store, replace(seminars(), lines=(line,)))
    assert [row[2] for row in rows_of(store)] == ["prospect", "sales_ready"]
