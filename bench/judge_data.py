"""A history as Parquet, of any size, made by DuckDB alone: what `judge_duckdb` judges.

A year of touches in the order in which they were learnt, as a log would hold them: mostly page views and our own
mails, few seminars, fewer demo requests; two in a hundred are void, three in a hundred were learnt late. Seven leads in ten
belong to accounts of four people on average. Every value follows from hash(row, seed), so two runs judge the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

AS_OF = 1_790_000_000_123_456
DAY = 86_400_000_000

_LEADS = """
COPY (
  SELECT
    'lead-' || lpad(i::VARCHAR, 8, '0') AS lead_id,
    'person-' || i AS person_key,
    CASE WHEN r(i, 1) < 700 THEN 'account-' || (h(i, 2, ({leads} * 7 // 40 + 1))) END AS account_key,
    ['manufacturing', 'logistics', 'wholesale', 'retail', 'software', 'banking', NULL][1 + h(i, 3, 7)]
      AS "account.industry|t",
    CASE WHEN r(i, 4) < 800 THEN (10 + h(i, 5, 8000))::BIGINT * 1000000 END AS "account.employees|n",
    CASE WHEN r(i, 6) < 40 THEN 'mail.uni-' || i || '.edu' WHEN r(i, 6) < 60 THEN 'cs.ox.ac.uk'
         ELSE 'c' || hash(i, 2) || '.example' END AS "person.email_domain|t",
    CASE WHEN r(i, 7) < 10 THEN 'shop.initech.example' WHEN r(i, 7) < 900 THEN 'c' || hash(i, 2) || '.example' END
      AS "account.domain|t",
    CASE WHEN r(i, 8) < 30 THEN true WHEN r(i, 8) < 500 THEN false END AS "person.opted_out|b",
    CASE WHEN r(i, 9) < 200 THEN h(i, 10, 24) * 1000000 END AS "lead.timeline_months|n"
  FROM range({leads}) t(i)
) TO '{folder}/leads.parquet' (FORMAT parquet)
"""

_TOUCHES = """
COPY (
  SELECT
    'touch-' || lpad(i::VARCHAR, 9, '0') AS touch_id,
    'lead-' || lpad(who::VARCHAR, 8, '0') AS lead_id,
    'person-' || who AS person_key,
    CASE WHEN r(who, 1) < 700 THEN 'account-' || (h(who, 2, ({leads} * 7 // 40 + 1))) END AS account_key,
    kinds[1 + h(i, 12, 100)] AS kind,
    {as_of} - age AS "at",
    {as_of} - age + CASE WHEN r(i, 13) < 30 THEN h(i, 14, (3 * {day})) ELSE 0 END AS known_at,
    CASE WHEN r(i, 15) < 20 THEN {as_of} - age + h(i, 16, {day}) END AS void_at,
    ['/', '/pricing', '/pricing/eu', '/product', '/blog/' || (h(i, 17, 400)), NULL][1 + h(i, 18, 6)] AS "path|t"
  FROM (
    SELECT
      i,
      floor({leads} * power(h(i, 11, 1000000007) / 1000000007.0, 1.7))::BIGINT AS who,
      ((({touches} - i)::HUGEINT * 365 * {day}) // {touches})::BIGINT - h(i, 19, 60000000) AS age
    FROM range({touches}) t(i)
  ), (SELECT list_resize(['demo.requested', 'seminar.attended', 'seminar.attended', 'seminar.attended',
        'paper.downloaded', 'paper.downloaded', 'paper.downloaded', 'call.made', 'call.made', 'chat.started'], 30, 'email.sent')
      || list_resize(['page.viewed'], 70, 'page.viewed') AS kinds)
) TO '{folder}/touches.parquet' (FORMAT parquet)
"""


def make(connection: duckdb.DuckDBPyConnection, folder: Path, *, leads: int, touches: int) -> None:
    """Write leads.parquet and touches.parquet into the folder."""
    connection.execute("CREATE OR REPLACE MACRO h(i, salt, n) AS (hash(i, salt) % n)::BIGINT")
    connection.execute("CREATE OR REPLACE MACRO r(i, salt) AS h(i, salt, 1000)")
    values = {"leads": leads, "touches": touches, "folder": folder, "as_of": AS_OF, "day": DAY}
    connection.execute(_LEADS.format(**values))
    connection.execute(_TOUCHES.format(**values))
