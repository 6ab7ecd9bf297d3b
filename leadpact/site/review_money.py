"""Spend against leads: cost per lead and per sale by channel, over leads of one period followed for the same time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadpact.lake.read import Table
from leadpact.language.fold import fold
from leadpact.site.review_figures import Rate, rate
from leadpact.site.review_history import DAY, History


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel. Amounts are millionths. `per_sale_low/high`: spend ÷ (leads × bounds of the share won); None is no bound."""

    name: str
    spend: int
    leads: int
    won: Rate
    per_lead: float | None
    per_sale: float | None
    per_sale_low: float | None
    per_sale_high: float | None


@dataclass(frozen=True, slots=True)
class Money:
    """Channels by spend. `since` and `until` bound the days of spend and of coming in; `window` days each lead was followed."""

    rows: list[ChannelRow]
    whole: ChannelRow
    currency: str
    others: list[tuple[str, int]]
    since: int
    until: int
    window: int
    without_leads: list[str]
    without_spend: list[str]


def money(
    history: History, spend: Table, goal: NDArray[np.bool_], times: NDArray[np.int64], window: int
) -> Money | None:
    """None where spend and leads share no day. Currencies are never added up: the one with most rows is shown."""
    store = spend.store
    currency = "upper(trim(CAST(currency AS VARCHAR)))" if spend.column("currency") else "''"
    used = store.execute(
        f"SELECT coalesce({currency}, '') AS c, count(*) FROM {spend.name} GROUP BY c ORDER BY 2 DESC, 1"
    ).fetchall()
    chosen = str(used[0][0])
    rows = store.execute(
        f"SELECT channel, day, amount FROM {spend.name} WHERE coalesce({currency}, '') = $1", [chosen]
    ).fetchall()
    since = max(min(row[1] for row in rows), int(history.created.min()) // DAY * DAY)
    until = min(max(row[1] for row in rows) + DAY, history.until - window * DAY)
    if until <= since:
        return None
    spent: dict[str, int] = {}
    names: dict[str, str] = {}
    for channel, day, amount in rows:
        if since <= day < until:
            key = fold(str(channel))
            spent[key] = spent.get(key, 0) + int(amount)
            names.setdefault(key, str(channel))
    inside = (history.created >= since) & (history.created < until)
    quick = goal & (times - history.created < window * DAY) & inside
    of_source = {fold(name): place for place, name in enumerate(history.sources) if name}
    out: list[ChannelRow] = []
    for key, amount in sorted(spent.items(), key=lambda item: -item[1]):
        mine = inside & (history.source == of_source.get(key, -1))
        out.append(_row(names[key], amount, int(mine.sum()), int((quick & mine).sum())))
    met = inside & np.isin(history.source, [of_source[key] for key in spent if key in of_source])
    whole = _row("All of these", sum(spent.values()), int(met.sum()), int((quick & met).sum()))
    counts = {name: int((inside & (history.source == place)).sum()) for place, name in enumerate(history.sources)}
    return Money(
        out,
        whole,
        chosen,
        [(str(name), int(many)) for name, many in used[1:]],
        since,
        until,
        window,
        [row.name for row in out if not row.leads],
        [
            name
            for name, many in sorted(counts.items(), key=lambda item: -item[1])
            if name and many and fold(name) not in spent
        ],
    )


def _row(name: str, spend: int, leads: int, won: int) -> ChannelRow:
    found = rate(won, leads)
    each = spend / leads if leads else None
    return ChannelRow(
        name,
        spend,
        leads,
        found,
        each,
        spend / won if won else None,
        each / found.high if each is not None and found.high else None,
        each / found.low if each is not None and found.low else None,
    )
