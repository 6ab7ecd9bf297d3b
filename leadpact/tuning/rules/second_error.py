"""The second error, sampled: how many leads in Marketing's custody Sales would have qualified.

Answers come from blind audits (`draw`), are sorted into cells (`cells`), and the rate, its interval and its bounds are
those of `stratified`; `clusters` adds what the salespeople who answered have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from leadpact.lake.sampled.cells import Cell, StratumWeek, join, matured
from leadpact.lake.sampled.stratified import DRAWS, exact_bound, interval, missing_bounds, rate
from leadpact.tuning.rules.clusters import clustered, spread
from leadpact.tuning.rules.estimates import Estimate, Json, caution, percent

METHOD = "Σ N·ȳ ÷ Σ N over strata and joined weeks; Jeffreys by cell, weighted by N, {draws:,} draws, seed {seed}"


def second_error(rows: Iterable[StratumWeek], *, as_of: int, seed: str, draws: int = DRAWS) -> Estimate:
    """The share of good leads among lead-weeks that Marketing held, from blind audits. Weeks that have not matured by
    `as_of` (microseconds) are left out and counted.

    detail: cells, missing (the rate if all missing answers were 0, or 1), exact_upper (one-sided 95%), good (lead-weeks,
    as estimated), clustered (interval by salesperson), spread (between salespeople), weeks left out, frame (lead-weeks covered).
    """
    every = list(rows)
    counted = matured(every, as_of)
    cells = join(counted)
    young = len({row.week for row in every} - {row.week for row in counted})
    answered = sum(cell.answered for cell in cells)
    method = METHOD.format(draws=draws, seed=seed)
    beside: dict[str, Json] = {"weeks": len({row.week for row in counted}), "weeks_not_matured": young}
    if not answered or any(cell.answered == 0 for cell in cells):
        silent = sorted({cell.stratum for cell in cells if not cell.answered})
        return Estimate(None, None, None, method, answered, _nothing(answered, silent, young), beside)
    low, high = interval(cells, seed=seed, draws=draws)
    value = rate(cells)
    frame = sum(cell.size for cell in cells)
    groups = clustered(counted, seed=seed, draws=draws)
    detail: dict[str, Json] = {
        **beside,
        "frame": frame,
        "drawn": sum(cell.drawn for cell in cells),
        "good": {"value": value * frame, "low": low * frame, "high": high * frame},
        "missing": {
            "n": sum(cell.drawn - cell.answered for cell in cells),
            "if_all_0": missing_bounds(cells)[0],
            "if_all_1": missing_bounds(cells)[1],
        },
        "exact_upper": exact_bound(cells),
        "exact_upper_if_missing_good": exact_bound(cells, missing_good=True),
        "clustered": {"low": groups[0], "high": groups[1]} if groups else None,
        "spread": spread(counted),
        "cells": [_shown(cell) for cell in cells],
    }
    return Estimate(value, low, high, method, answered, _words(cells, value, low, high, young), detail)


def _shown(cell: Cell) -> dict[str, Json]:
    return {
        "stratum": cell.stratum,
        "weeks": list(cell.weeks),
        "N": cell.size,
        "drawn": cell.drawn,
        "answered": cell.answered,
        "good": cell.good,
    }


def _nothing(answered: int, silent: list[str], young: int) -> str:
    why = (
        f"No audit of the leads {' and '.join(silent)} from the threshold has an answer, "
        "so nothing can be said of the whole."
        if answered
        else "No audit has a matured answer yet, so nothing can be said of what withers."
    )
    return why + (f" {_weeks(young)} too young to count." if young else "")


def _words(cells: Sequence[Cell], value: float, low: float, high: float, young: int) -> str:
    good, answered = sum(cell.good for cell in cells), sum(cell.answered for cell in cells)
    parts = [
        f"{good:,} of {answered:,} audited leads were good; weighted to everybody Marketing held,",
        f"{percent(value)} would have been qualified, 95% interval {percent(low)} to {percent(high)}.",
        caution(answered, low, high),
    ]
    if good == 0:
        parts.append(f"None was good: the rate is at most {percent(exact_bound(cells))}, with 95% certainty.")
    missing = sum(cell.drawn - cell.answered for cell in cells)
    if missing:
        none, every = missing_bounds(cells)
        parts.append(
            f"{missing:,} drawn {'lead' if missing == 1 else 'leads'} got no answer that counts; if all of them were bad "
            f"the rate would be {percent(none)}, "
            f"if all were good {percent(every)}."
        )
    if young:
        parts.append(f"{_weeks(young)} too young to count.")
    return " ".join(part for part in parts if part)


def _weeks(n: int) -> str:
    return "1 week is" if n == 1 else f"{n} weeks are"
