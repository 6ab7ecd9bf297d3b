"""What leads of the past say of an agreement: counted in DuckDB, for the warnings that need history.

Every lead is judged as of several instants, a month apart, for a line with a window of a week may have scored for many
whom it does not score for today. Attributes are taken as they are known at the last of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from leadpact.lake.engines import columns
from leadpact.lake.facts import LEADS, TOUCHES, Facts, gather
from leadpact.lake.instants import iso
from leadpact.lake.read import Table
from leadpact.lake.store import Store, quoted
from leadpact.language.check_history import Gap, LineSeen, Seen
from leadpact.language.needs import needs
from leadpact.language.nodes import DAY, DIMENSIONS, Agreement
from leadpact.language.to_sql import compile_sql

SEEN_LEADS: Final = "seen_leads"
SEEN: Final = "seen"
INSTANTS: Final = 12
APART: Final = 30 * DAY
JUDGEMENTS: Final = 200_000
"""Of many leads fewer instants are looked at, so that the whole takes seconds; the last one always is."""


def look(store: Store, agreement: Agreement, leads: Table, touches: Table | None, until: int) -> tuple[Seen, Facts]:
    """Judge the leads of a file as of instants up to `until`, and count."""
    # Earlier instants look further back than the last one does.
    needed = replace(needs(agreement), horizon=None)
    facts = gather(store, needed, leads, touches, until)
    most = max(1, min(INSTANTS, JUDGEMENTS // max(1, facts.leads)))
    asked = ", ".join(f"({until - n * APART})" for n in range(most))
    store.execute(
        f"CREATE TABLE {SEEN_LEADS} AS SELECT l.* REPLACE (i.as_of AS as_of) FROM {LEADS} l "
        f"JOIN (VALUES {asked}) i(as_of) ON l.created_at <= i.as_of"
    )
    compiled = compile_sql(agreement, "duckdb", leads=SEEN_LEADS, touches=TOUCHES, extras=False)
    names = ", ".join(map(quoted, columns(agreement)))
    # DuckDB 2.0 folds `split_part(column) = constant` wrongly where its statistics say that a column is all NULL.
    store.execute("SET disabled_optimizers = 'statistics_propagation'")
    try:
        store.execute(f"CREATE TABLE {SEEN}({names}) AS {compiled.sql}")
    finally:
        store.execute("SET disabled_optimizers = ''")
    return _count(facts, agreement, touches is not None), facts


def _count(facts: Facts, agreement: Agreement, touches: bool) -> Seen:
    store = facts.store
    rows = int(store.one(f"SELECT count(*) FROM {SEEN}"))
    gaps: dict[str, Gap] = {}
    for one in facts.unknown:
        worst = gaps.get(one.field)
        if worst is None or one.unknown > worst.unknown:
            gaps[one.field] = Gap(one.unknown, one.unreadable, (one.example or "")[:40])
    counted: list[str] = ["NULL"]
    for line in agreement.lines:
        name = quoted(f"points.{line.id}")
        counted += [f"count(*) FILTER ({name} <> 0)", f"count(*) FILTER ({name} IS NULL)"]
        counted.append(f"coalesce(bit_xor(hash(lead_id, as_of)) FILTER ({name} <> 0), 0)")
    _, *found = store.execute(f"SELECT {', '.join(counted)} FROM {SEEN}").fetchall()[0]
    figures = zip(found[0::3], found[1::3], found[2::3], strict=True)
    lines = {line.id: LineSeen(*map(int, three)) for line, three in zip(agreement.lines, figures, strict=True)}
    reached: dict[str, tuple[int, int]] = {}
    if rows:
        for dimension in DIMENSIONS:
            low, high = store.execute(f"SELECT min({dimension}), max({dimension}) FROM {SEEN}").fetchall()[0]
            reached[dimension] = (int(low), int(high))
    verdicts = dict(store.execute(f"SELECT verdict, count(*) FROM {SEEN} GROUP BY verdict").fetchall())
    return Seen(facts.leads, rows, _when(facts), touches, gaps, lines, reached, verdicts)


def _when(facts: Facts) -> str:
    """The instants in words."""
    count = int(facts.store.one(f"SELECT count(DISTINCT as_of) FROM {SEEN}"))
    last = iso(facts.as_of)[:10]
    return f"on {last}" if count < 2 else f"at {count} instants, 30 days apart, up to {last}"
