"""Leads as the API lists them: one statement a page, keyset by id, only the filters that were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leadpact.kit.raw import cursor as raw_cursor
from leadpact.site.api.shapes import iso, iso_or_none

BIGGEST = 2**63 - 1

# For whoever is blind: since when Marketing holds it, whatever its state there. `since` would tell when the verdict changed.
_BLIND_SINCE = """
CASE WHEN h.holder <> 'marketing' THEN h.since ELSE COALESCE((
    SELECT min(e.at) FROM custody_entry AS e WHERE e.lead_id = h.lead_id AND e.seq > COALESCE((
        SELECT max(x.seq) FROM custody_entry AS x WHERE x.lead_id = h.lead_id AND x.holder <> 'marketing'
    ), 0)
), h.since) END
"""
_VERDICT = "COALESCE(NULLIF(h.verdict, ''), j.verdict)"
_LEADS = """
SELECT l.id, p.email, p.name, COALESCE(NULLIF(a.name, ''), a.domain), {verdict}, h.holder, h.state, {since}, h.due, h.due_what,
    u.email, j.fit, j.engagement, j.readiness
FROM leads_lead AS l JOIN leads_person AS p ON p.id = l.person_id JOIN custody_holding AS h ON h.lead_id = l.id
LEFT JOIN leads_account AS a ON a.id = p.account_id
LEFT JOIN team_user AS u ON u.id = h.salesperson_id AND h.holder = 'sales'
LEFT JOIN qualification_judgement AS j ON j.lead_id = l.id AND j.agreement_hash <> ''
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters of a list; None: all. `after`: only leads with a greater id."""

    email: str | None = None
    verdict: str | None = None
    holder: str | None = None
    after: int = 0
    limit: int = 50


def page(wanted: Wanted, *, blind: bool) -> tuple[list[dict[str, Any]], int | None]:
    """Leads by rising id, and the id to go on after where there are more."""
    conditions = ["l.id > $1"]
    values: list[Any] = [wanted.after, wanted.limit + 1]
    if wanted.email is not None:
        values.append(wanted.email)
        conditions.append(f"l.person_id IN (SELECT leads_whole_1(id) FROM leads_person WHERE email = ${len(values)})")
    for column, value in ((_VERDICT, wanted.verdict), ("h.holder", wanted.holder)):
        if value is not None:
            values.append(value)
            conditions.append(f"{column} = ${len(values)}")
    rows = _rows(f"WHERE {' AND '.join(conditions)} ORDER BY l.id LIMIT $2", values, blind=blind)
    shown = rows[: wanted.limit]
    return [_lead(row, blind=blind) for row in shown], (int(shown[-1][0]) if len(rows) > wanted.limit else None)


def one(lead_id: int, *, blind: bool) -> dict[str, Any] | None:
    """One lead; None where there is none."""
    if lead_id > BIGGEST:
        return None
    rows = _rows("WHERE l.id = $1", [lead_id], blind=blind)
    return _lead(rows[0], blind=blind) if rows else None


def _rows(rest: str, values: list[Any], *, blind: bool) -> list[Any]:
    query = _LEADS.format(verdict=_VERDICT, since=_BLIND_SINCE if blind else "h.since") + rest
    with raw_cursor() as cursor:
        cursor.execute(query.encode(), tuple(values))
        return cursor.fetchall()


def _lead(row: Any, *, blind: bool) -> dict[str, Any]:
    id_, email, name, account, verdict, holder, state, since, due, due_what, salesperson, fit, engagement, readiness = (
        row
    )
    # State, clock and their instants move with the verdict while Marketing holds a lead.
    hidden = blind and holder == "marketing"
    return {
        "id": id_,
        "email": email,
        "name": name,
        "account": account,
        "verdict": None if blind else verdict,
        "custody": {
            "holder": holder,
            "state": None if hidden else state,
            "since": iso(since),
            "due": None if hidden else iso_or_none(due),
            "due_what": "" if hidden else due_what,
            "salesperson": salesperson,
        },
        "scores": None if blind or fit is None else {"fit": fit, "engagement": engagement, "readiness": readiness},
    }
