"""What must hold of an engine's answers whatever the agreement says: the metamorphic properties of the Meaning.

Each property asks an engine about all leads of a drawn case at once, changes what must not matter (or must matter in one
direction only), and asks again. `PROPERTIES` names them in the words of the README's table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

from leadpact.language.history import History
from leadpact.language.nodes import DAY, DIMENSIONS, THOUSANDTHS, Agreement, Each
from leadpact.language.rows import Value
from leadpact.language.tests import changes, generated
from leadpact.language.tests.engines import Ask, Engine, Row
from leadpact.language.to_sql import compile_sql, points_column

HOUR = DAY // 24
AHEAD = ("changes_at", "steps_at")
"""Columns that are instants ahead of the judgement."""
Named = dict[str, Value]
Property = Callable[[Engine, int], None]


def order_changes_nothing(engine: Engine, seed: int) -> None:
    """Facts may arrive in any order, and leads be asked for in any order."""
    case = generated.case(seed)
    rows = engine.rows(case.agreement, case.history, case.asks)
    asks = tuple(reversed(case.asks))
    assert engine.rows(case.agreement, changes.shuffled(case.history, seed), asks) == rows


def later_knowledge_changes_nothing(engine: Engine, seed: int) -> None:
    """Touches, values and withdrawals with a later `known_at` are not there, whenever they happened."""
    case = generated.case(seed)
    for now, asks in _by_instant(seed).items():
        rows = engine.rows(case.agreement, case.history, asks)
        assert engine.rows(case.agreement, changes.learnt_later(case.history, now), asks) == rows


def touches_to_come_change_no_verdict(engine: Engine, seed: int) -> None:
    """What is known and has not happened yet only says when something will change."""
    case = generated.case(seed)
    for now, asks in _by_instant(seed).items():
        found = _named(engine, case.agreement, changes.still_to_come(case.history, now), asks)
        rows = _named(engine, case.agreement, case.history, asks)
        assert [_without(row, *AHEAD) for row in found] == [_without(row, *AHEAD) for row in rows]


def an_instant_is_the_history_up_to_it(engine: Engine, seed: int) -> None:
    """Many instants in one query, ticks and instants of facts among them, are what each says of what was there then."""
    case = generated.case(seed)
    now = max(instant for _, instant in case.asks)
    known = sorted({touch.known_at for touch in case.history.touches if touch.known_at < now})
    instants = sorted({now // HOUR * HOUR, now - 1, *known[:: max(1, len(known) // 3)], *_by_instant(seed)})
    leads = [lead.lead_id for lead in case.history.leads]
    together = engine.rows(case.agreement, case.history, [(lead, at) for lead in leads for at in instants])
    apart: list[Row] = []
    for instant in instants:
        asks = [(lead, instant) for lead in leads]
        apart += engine.rows(case.agreement, changes.up_to(case.history, instant), asks, as_of=instant)
    assert together == sorted(apart, key=lambda row: (row[0], row[1]))


def until_it_changes_time_changes_nothing(engine: Engine, seed: int) -> None:
    """With nothing new to know, every row from `as_of` to just before `changes_at` is the same: no tick is missed."""
    case = generated.case(seed)
    for now, asks in _by_instant(seed).items():
        history = changes.up_to(case.history, now)
        rows = {str(row["lead_id"]): row for row in _named(engine, case.agreement, history, asks)}
        later: list[Ask] = []
        for lead, row in rows.items():
            end = row["changes_at"] if isinstance(row["changes_at"], int) else now + 4_000 * DAY
            assert end > now
            between = {end - 1, (now + end) // 2, now // HOUR * HOUR + HOUR}
            later += [(lead, instant) for instant in sorted(between) if now < instant < end]
        for row in _named(engine, case.agreement, history, later):
            assert _without(row, "as_of") == _without(rows[str(row["lead_id"])], "as_of")


def a_positive_line_never_lowers_a_score(engine: Engine, seed: int) -> None:
    """It raises its own dimension or leaves it, and touches no other."""
    case = generated.case(seed)
    agreement, raised = changes.with_a_positive_line(case.agreement, seed)
    before = _named(engine, case.agreement, case.history, case.asks)
    after = _named(engine, agreement, case.history, case.asks)
    for old, new in zip(before, after, strict=True):
        for dimension in DIMENSIONS:
            more = _whole(new[dimension]) - _whole(old[dimension])
            assert more >= 0 if dimension == raised else more == 0


def who_else_is_asked_changes_nothing(engine: Engine, seed: int) -> None:
    """A lead is judged alone as it is among others, and from its own touches and its account's alone."""
    case = generated.case(seed)
    rows = engine.rows(case.agreement, case.history, case.asks)
    some = case.asks[seed % 5 :: 5]
    leads = [case.history.lead(lead) for lead, _ in some]
    own, accounts = {lead.lead_id for lead in leads}, {lead.account for lead in leads} - {None}
    touches = [touch for touch in case.history.touches if touch.lead_id in own or touch.account in accounts]
    assert len(touches) < len(case.history.touches)
    assert engine.rows(case.agreement, History(leads, touches), some) == [
        row for row in rows if (row[0], row[1]) in some
    ]


def whole_days_earlier_or_later_is_the_same(engine: Engine, seed: int) -> None:
    """The calendar has no say, neither far ahead nor before 1970, where days are counted below zero."""
    case = generated.case(seed)
    rows = _named(engine, case.agreement, case.history, case.asks)
    for days in (-25_000, 40_000):
        asks = tuple((lead, instant + days * DAY) for lead, instant in case.asks)
        moved = _named(engine, case.agreement, changes.days_later(case.history, days), asks)
        for row in moved:
            row["as_of"] = _whole(row["as_of"]) - days * DAY
            for name in AHEAD:
                row[name] = None if row[name] is None else _whole(row[name]) - days * DAY
        assert moved == rows


def a_row_adds_up(engine: Engine, seed: int) -> None:
    """Lines to scores, within their caps; the clause that decided is the verdict's; no distance where an alternative holds."""
    case = generated.case(seed)
    for row in _named(engine, case.agreement, case.history, case.asks):
        for dimension in DIMENSIONS:
            points = [row[points_column(line.id)] for line in case.agreement.lines_of(dimension)]
            assert sum(_whole(p) for p in points if p is not None) == row[dimension]
        for line in case.agreement.lines:
            points_of, rule = row[points_column(line.id)], line.rule
            if isinstance(rule, Each):
                assert points_of is not None
                assert rule.at_most is None or abs(_whole(points_of)) <= rule.at_most * THOUSANDTHS
        clauses = {v.clause(n): v.name for v in case.agreement.verdicts for n in range(len(v.alternatives))}
        assert row["verdict"] == clauses.get(str(row["decided_by"]), "prospect")
        assert (row["distance"] == 0) is bool(row["alternatives"])
        assert row["distance"] is None or _whole(row["distance"]) >= 0


PROPERTIES: Mapping[str, Property] = {
    "the order of arrival changes nothing": order_changes_nothing,
    "what is learnt later changes nothing": later_knowledge_changes_nothing,
    "a touch that is still to come changes no verdict": touches_to_come_change_no_verdict,
    "judging at an instant is replaying up to it": an_instant_is_the_history_up_to_it,
    "until it changes, time changes nothing": until_it_changes_time_changes_nothing,
    "a positive line never lowers a score": a_positive_line_never_lowers_a_score,
    "who else is asked changes nothing": who_else_is_asked_changes_nothing,
    "whole days earlier or later is the same": whole_days_earlier_or_later_is_the_same,
    "lines, scores, clauses and distances add up": a_row_adds_up,
}


# --- rows -------------------------------------------------------------------------------


def _by_instant(seed: int) -> dict[int, list[Ask]]:
    found: dict[int, list[Ask]] = defaultdict(list)
    for ask in generated.case(seed).asks:
        found[ask[1]].append(ask)
    return dict(found)


def _named(engine: Engine, agreement: Agreement, history: History, asks: object) -> list[Named]:
    columns = compile_sql(agreement, "duckdb").columns
    return [dict(zip(columns, row, strict=True)) for row in engine.rows(agreement, history, asks)]  # type: ignore[arg-type]


def _without(row: Named, *names: str) -> Named:
    return {column: value for column, value in row.items() if column not in names}


def _whole(value: Value) -> int:
    assert type(value) is int
    return value
