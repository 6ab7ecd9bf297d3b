"""Recall of the definition: of the good leads there were, how many did it find?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from leadpact.lake.sampled.bounds import LEVEL
from leadpact.lake.sampled.cells import StratumWeek, join, matured
from leadpact.lake.sampled.stratified import DRAWS, rate, rate_draws
from leadpact.tuning.rules.estimates import Estimate, Json, caution, percent


def recall(
    rows: Iterable[StratumWeek],
    found: Mapping[int, int],
    *,
    as_of: int,
    seed: str,
    draws: int = DRAWS,
) -> Estimate:
    """H ÷ (H + M) over the matured weeks.

    found: week → H, hand-overs under the definition that week, later qualified (counted, so without an interval).
    M: good leads of the frame that did not become sales-ready that week, estimated as the second error is; its draws
    carry the interval. Weeks of `found` without a matured frame are left out, with their H.
    """
    every = list(rows)
    counted = matured(every, as_of)
    weeks = {row.week for row in counted}
    cells = join(counted, recall=True)
    hits = sum(n for week, n in found.items() if week in weeks)
    answered = sum(cell.answered for cell in cells)
    method = f"H ÷ (H + M), M from audits: Jeffreys by cell, weighted by N, {draws:,} draws, seed {seed}"
    detail: dict[str, Json] = {"found": hits, "weeks": len(weeks), "weeks_left_out": len(set(found) - weeks)}
    if not answered or any(cell.answered == 0 for cell in cells):
        says = "Too few audits have an answer to say how many good leads the definition missed."
        return Estimate(None, None, None, method, answered, says, detail)
    frame = sum(cell.size for cell in cells)
    missed = rate(cells) * frame
    m_low, m_high = (
        np.quantile(rate_draws(cells, seed=seed, draws=draws), [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) * frame
    ).tolist()
    m_low = 0.0 if sum(cell.good for cell in cells) == 0 else min(m_low, missed)
    m_high = max(m_high, missed)
    detail["missed"] = {"value": missed, "low": m_low, "high": m_high}
    if hits + missed == 0:
        says = "Neither the definition nor the audits found a good lead, so there is no recall to tell."
        return Estimate(None, 0.0, 1.0, method, answered, says, detail)
    value, low, high = hits / (hits + missed), hits / (hits + m_high), hits / (hits + m_low) if hits else 0.0
    each = max(1, len(weeks))
    says = (
        f"In an average week the definition found {hits / each:.1f} good leads and about {missed / each:.1f} lay unfound: "
        f"it found {percent(value)} of them, 95% interval {percent(low)} to {percent(high)}."
    )
    return Estimate(
        value, low, high, method, answered, " ".join(filter(None, [says, caution(answered, low, high)])), detail
    )
