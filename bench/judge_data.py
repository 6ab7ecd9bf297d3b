"""A history as Parquet, of any size, made by DuckDB alone: what `bench.judge_duckdb` judges.

A year of touches in the order in which they happened, as a log would hold them: mostly page views and our own mails,
few seminars, fewer demo requests; two in a hundred are void, three in a hundred were learnt late. Seven leads in ten
belong to accounts, of four people on average; few people have very many touches. Every value follows from a hash of
its row, so two runs judge the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

AS_OF = 1_790_000_000_123_456
DAY = 86_400_000_000

MACROS = """
CREATE OR REPLACE MACRO h(i, salt, n) AS (hash(i, salt) % n)::BIGINT;
CREATE OR REPLACE MACRO r(i, salt) AS h(i, salt, 1000);
CREATE OR REPLACE MACRO account(i, leads) AS h(i, 2, leads * 7 // 40 + 1);
CREATE OR REPLACE MACRO kind(n) AS CASE
  WHEN n < 700 THEN 'page.viewed' WHEN n < 900 THEN 'email.sent' WHEN n < 930 THEN 'seminar.attended'
  WHEN n < 960 THEN 'paper.downloaded' WHEN n < 980 THEN 'call.made' WHEN n < 990 THEN 'chat.started'
  ELSE 'demo.requested' END;
"""

LEADS = """
COPY (
  SELECT
    'lead-' || lpad(i::VARCHAR, 8, '0') AS lead_id,
    'person-' || i AS person_key,
    CASE WHEN r(i, 1) < 700 THEN 'account-' || account(i, {leads}) END AS account_key,
    ['manufacturing', 'logistics', 'wholesale', 'retail', 'software', 'banking', NULL][1 + h(i, 3, 7)]
      AS "account.industry|t",
    CASE WHEN r(i, 4) < 800 THEN (10 + h(i, 5, 8000)) * 1000000 END AS "account.employees|n",
    CASE WHEN r(i, 6) < 40 THEN 'mail.uni-' || i || '.edu' WHEN r(i, 6) < 60 THEN 'cs.ox.ac.uk'
         ELSE 'c' || account(i, {leads}) || '.example' END AS "person.email_domain|t",
    CASE WHEN r(i, 7) < 10 THEN 'shop.initech.example'
         WHEN r(i, 7) < 900 THEN 'c' || account(i, {leads}) || '.example' END AS "account.domain|t",
    CASE WHEN r(i, 8) < 30 THEN true WHEN r(i, 8) < 500 THEN false END AS "person.opted_out|b",
    CASE WHEN r(i, 9) < 200 THEN h(i, 10, 24) * 1000000 END AS "lead.timeline_months|n"
  FROM range({leads}) t(i)
) TO '{folder}/leads.parquet' (FORMAT parquet)
"""

TOUCHES = """
COPY (
  SELECT
    'touch-' || lpad(i::VARCHAR, 9, '0') AS touch_id,
    'lead-' || lpad(who::VARCHAR, 8, '0') AS lead_id,
    'person-' || who AS person_key,
    CASE WHEN r(who, 1) < 700 THEN 'account-' || account(who, {leads}) END AS account_key,
    kind(r(i, 12)) AS kind,
    {as_of} - age AS "at",
    {as_of} - age + CASE WHEN r(i, 13) < 30 THEN h(i, 14, 3 * {day}) ELSE 0 END AS known_at,
    CASE WHEN r(i, 15) < 20 THEN {as_of} - age + h(i, 16, {day}) END AS void_at,
    ['/', '/pricing', '/pricing/eu', '/product', '/blog/' || h(i, 17, 400), NULL][1 + h(i, 18, 6)] AS "path|t"
  FROM (
    SELECT
      i,
      floor({leads} * power(h(i, 11, 1000000007) / 1000000007.0, 1.7))::BIGINT AS who,
      ({touches} - i) * (365 * {day} // {touches}) - h(i, 19, 60000000) AS age
    FROM range({touches}) t(i)
  )
) TO '{folder}/touches.parquet' (FORMAT parquet)
"""


def make(connection: duckdb.DuckDBPyConnection, folder: Path, *, leads: int, touches: int) -> None:
    """Write leads.parquet and touches.parquet into the folder."""
    connection.execute(MACROS)
    for statement in (LEADS, TOUCHES):
        connection.execute(statement.format(leads=leads, touches=touches, folder=folder, as_of=AS_OF, day=DAY))
