"""What is known of leads beside their verdicts, by the number that a replay gives them: audits, returns, wins.

Read after `hindsight.gathered` has numbered the leads (`hs_leads`).
"""

from __future__ import annotations

import numpy as np

from leadpact.lake.hindsight.gathered import EVER
from leadpact.lake.hindsight.handed import NEVER, Returns
from leadpact.lake.relations import AUDITS, FRAMED, RETURNS, WON, ensure
from leadpact.lake.sampled.cells import Audited, StratumWeek, matured
from leadpact.lake.sampled.domains import BAD, GOOD, MISSING, TIMING, Frames, Ints
from leadpact.lake.store import Store, literal

SAYS = f"CASE answer WHEN 'qualified' THEN {GOOD} WHEN 'definition' THEN {BAD} WHEN 'timing' THEN {TIMING} ELSE {MISSING} END"


def frames(store: Store, *, start: int | None, end: int) -> Frames | None:
    """The frames of audits that were frozen in the period; None where there is none. Which have matured, is asked as of its end."""
    ensure(store, FRAMED, AUDITS)
    within = f"frozen_at <= {end}" + ("" if start is None else f" AND frozen_at >= {start}")
    weeks = store.execute(
        f"SELECT week, min(frozen_at) AS frozen FROM {FRAMED} WHERE {within} GROUP BY week ORDER BY week"
    ).fetchall()
    if not weeks:
        return None
    place = {week: number for number, (week, _) in enumerate(weeks)}
    strata = tuple(
        name for (name,) in store.execute(f"SELECT DISTINCT stratum FROM {FRAMED} ORDER BY stratum").fetchall()
    )
    member = np.zeros((len(weeks), int(store.one("SELECT count(*) FROM hs_leads"))), np.int8)
    codes = " ".join(f"WHEN {literal(name)} THEN {code + 1}" for code, name in enumerate(strata))
    for week, number in place.items():
        found = store.execute(
            f"SELECT ix, CASE stratum {codes} END AS code FROM {FRAMED} JOIN hs_leads USING (lead_id) WHERE week = $1",
            [week],
        ).fetchnumpy()
        member[number, found["ix"]] = found["code"]
    drawn = store.execute(
        f"SELECT l.ix, a.week, coalesce(a.released_at, {NEVER}) AS released, {SAYS} AS said, a.caught FROM {AUDITS} a "
        "JOIN hs_leads l USING (lead_id) ORDER BY a.week, l.ix"
    ).fetchall()
    drawn = [one for one in drawn if one[1] in place]
    rows = [
        StratumWeek("all", week, member.shape[1] + len(drawn), tuple(
            Audited(None, None if released == NEVER else released, caught)
            for _, of, released, _, caught in drawn if of == week
        ))
        for week in place
    ]  # fmt: skip
    old = {row.week for row in matured(rows, end)}
    columns: list[tuple[int, ...]] = list(zip(*drawn, strict=True)) or [(), (), (), (), ()]
    return Frames(
        strata,
        np.array(list(place), np.int64),
        np.array([frozen for _, frozen in weeks], np.int64),
        np.array([week in old for week in place]),
        member,
        np.array(columns[0], np.int64),
        np.array([place[week] for week in columns[1]], np.int64),
        np.array(columns[2], np.int64),
        np.array(columns[3], np.int8),
        np.array(columns[4], bool),
    )


def returns(store: Store) -> Returns:
    """When leads came back from Sales, in order."""
    ensure(store, RETURNS)
    found = store.execute(
        f'SELECT ix, r."at", coalesce(r.until, {EVER}) AS until, r.asleep FROM {RETURNS} r JOIN hs_leads USING (lead_id) '
        f'ORDER BY ix, r."at", coalesce(r.until, {EVER})'
    ).fetchnumpy()
    return Returns(
        *(np.ascontiguousarray(found[name], np.int64) for name in ("ix", "at", "until")),
        asleep=np.ascontiguousarray(found["asleep"], bool),
    )


def won(store: Store) -> Ints:
    """When each lead was won; NEVER where it was not."""
    ensure(store, WON)
    out = np.full(int(store.one("SELECT count(*) FROM hs_leads")), NEVER, np.int64)
    found = store.execute(
        f'SELECT ix, min(w."at") AS "at" FROM {WON} w JOIN hs_leads USING (lead_id) GROUP BY ix'
    ).fetchnumpy()
    out[found["ix"]] = found["at"]
    return out
