"""A year of history in the relations that replay reads, of any size, made by DuckDB alone from `bench.judge_data`.

Leads come in over the year and their attributes are known from then on; one in twenty tells its industry or its size later.
Sales answered one lead in ten, and one in forty came back from Sales and rested. Each week's blind audits had in their frame
whoever had come in, drew twenty, and got an answer to most. Every value follows
from a hash of its row, so two runs replay the same.
"""

from __future__ import annotations

from pathlib import Path

from bench.judge_data import AS_OF, DAY, make
from leadpact.lake import relations
from leadpact.lake.store import Store

YEAR = 365 * DAY
START = AS_OF - YEAR
WEEK = 7 * DAY
MONDAY = (START - 4 * DAY) // WEEK * WEEK + 4 * DAY + WEEK

FIELDS = (
    ("account.industry", "t", "account.industry|t"),
    ("account.employees", "n", "account.employees|n"),
    ("person.email_domain", "t", "person.email_domain|t"),
    ("account.domain", "t", "account.domain|t"),
    ("person.opted_out", "b", "person.opted_out|b"),
    ("lead.timeline_months", "n", "lead.timeline_months|n"),
)


def load(store: Store, folder: Path, *, leads: int, touches: int) -> None:
    """Fill the relations of the store."""
    make(store.connection, folder, leads=leads, touches=touches)
    relations.create(store)
    store.execute(
        f"INSERT INTO hist_leads SELECT lead_id, person_key, account_key, "
        f"{START} + (hash(lead_id, 31) % {YEAR * 9 // 10})::BIGINT, NULL FROM '{folder}/leads.parquet'"
    )
    for field, form, column in FIELDS:
        cells = dict.fromkeys("tnb", "NULL") | {form: f'l."{column}"'}
        text = f'CAST(l."{column}" AS VARCHAR)' if form != "t" else cells["t"]
        store.execute(
            f"INSERT INTO hist_facts SELECT 'lead', l.lead_id, '{field}', {text}, {cells['n']}, {cells['b']}, "
            "NULL, since, since FROM ("
            f"SELECT l.*, h.created_at + CASE WHEN hash(lead_id, '{field}') % 20 = 0 "
            f"THEN (hash(lead_id, 33) % {20 * DAY})::BIGINT ELSE 0 END AS since FROM '{folder}/leads.parquet' l "
            f'JOIN hist_leads h USING (lead_id)) l WHERE l."{column}" IS NOT NULL'
        )
    store.execute(
        'INSERT INTO hist_touches SELECT touch_id, lead_id, person_key, account_key, kind, "at", known_at, void_at, '
        'CASE WHEN "path|t" IS NOT NULL THEN \'{"path":{"t":"\' || "path|t" || \'"}}\' ELSE \'{}\' END '
        f"FROM '{folder}/touches.parquet'"
    )
    store.execute(
        "INSERT INTO hist_labels SELECT lead_id, handed, handed + 3 * 86400000000, "
        "CASE WHEN n < 55 THEN 'qualified' WHEN n < 85 THEN 'rejected' ELSE 'recycled' END, "
        "CASE WHEN n < 55 THEN NULL WHEN n < 75 THEN 'definition' WHEN n < 85 THEN 'data' ELSE 'timing' END FROM ("
        "SELECT lead_id, created_at + (hash(lead_id, 35) % 2592000000000)::BIGINT AS handed, (hash(lead_id, 36) % 100) AS n "
        "FROM hist_leads WHERE hash(lead_id, 37) % 10 = 0)"
    )
    store.execute(
        f'INSERT INTO hist_returns SELECT lead_id, "at", "at" + (hash(lead_id, 38) % {90 * DAY})::BIGINT, TRUE '
        "FROM hist_labels "
        "WHERE answer = 'recycled' OR hash(lead_id, 39) % 8 = 0"
    )
    store.execute(
        f"INSERT INTO hist_framed SELECT lead_id, week, week, "
        f"CASE WHEN hash(lead_id, week // {8 * WEEK}) % 8 = 0 THEN 'near' ELSE 'far' END FROM hist_leads "
        f"JOIN (SELECT {MONDAY} + i * {WEEK} AS week FROM range(52) t(i)) ON created_at < week"
    )
    store.execute(
        f"INSERT INTO hist_audits SELECT lead_id, week, week + (hash(lead_id, 40) % {6 * DAY})::BIGINT, "
        "CASE WHEN n < 8 THEN 'qualified' WHEN n < 60 THEN 'definition' WHEN n < 85 THEN 'timing' END, n >= 97 FROM (SELECT *, "
        "hash(lead_id, week, 41) % 100 AS n FROM hist_framed "
        "QUALIFY row_number() OVER (PARTITION BY week, stratum ORDER BY hash(lead_id, week)) <= 10)"
    )
    store.execute(
        f"INSERT INTO hist_won SELECT lead_id, handed_at + {40 * DAY} FROM hist_labels "
        "WHERE answer = 'qualified' AND hash(lead_id) % 5 = 0"
    )
