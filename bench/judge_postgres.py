"""A batch of 1,000 leads judged in PostgreSQL, and hours that pass, with a million leads in the tables.

    python -m bench.judge_postgres [--leads 1000000] [--touches 5000000]

A server of its own. The tables are filled by set-based SQL (the bench is about judging, not about arriving): leads of a quarter
as many accounts, touches of the last 200 days, every lead a prospect with its clock. Then
  - 1,000 leads drawn at random are judged by the example agreement, again and again: the limit is 100 ms a batch;
  - everybody is judged once, as after a new version;
  - three full hours pass: only those are looked at whose verdict that hour could change. The rival is judging everybody.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.tracking import percentile

LIMIT_MS = 100.0
BATCH = 1_000
ROUNDS = 30
HOURS = 3
HOUR = 3_600_000_000
DAY = 24 * HOUR

FILL = (
    """INSERT INTO leads_account (id, domain, name, traits, cells, created_at)
       SELECT i, 'firm' || i || '.example', 'Firm ' || i, '{}', jsonb_build_object(
           'account.domain', jsonb_build_object('t', 'firm' || i || '.example'),
           'account.industry', jsonb_build_object('t',
               (ARRAY['manufacturing', 'logistics', 'wholesale', 'retail', 'health'])[1 + i %% 5]),
           'account.employees', jsonb_build_object('t', (i %% 9000)::text, 'n', (i %% 9000)::bigint * 1000000)), %(start)s
       FROM generate_series(1, %(accounts)s) AS i""",
    """INSERT INTO leads_person (id, account_id, email, email_verified, name, title, phone, traits, cells, opted_out, secret,
           created_at)
       SELECT i, 1 + (i * 7919::bigint) %% %(accounts)s, 'p' || i || '@firm.example', TRUE, '', '', '', '{}', jsonb_build_object(
           'person.email_domain', jsonb_build_object('t', 'firm.example')), FALSE, sha256(int8send(i)), %(start)s
       FROM generate_series(1::bigint, %(leads)s) AS i""",
    """INSERT INTO leads_visitor (id, person_id, tied_at, tied_known_at, created_at)
       SELECT i, i, %(start)s, %(start)s, %(start)s FROM generate_series(1::bigint, %(leads)s) AS i""",
    """INSERT INTO leads_lead (id, person_id, created_at, counts_from, is_open, sourced_by, source, campaign, traits, cells)
       SELECT i, i, %(start)s, NULL, TRUE, 'marketing', 'website', '', '{}', CASE WHEN i %% 10 = 0 THEN jsonb_build_object(
           'lead.timeline_months', jsonb_build_object('t', (i %% 24)::text, 'n', (i %% 24) * 1000000)) ELSE '{}' END
       FROM generate_series(1::bigint, %(leads)s) AS i""",
    """INSERT INTO leads_touch (visitor_id, kind, at, known_at, channel, campaign, properties, cells)
       SELECT v, (ARRAY['page.viewed', 'page.viewed', 'page.viewed', 'page.viewed', 'email.opened', 'email.sent',
                        'paper.downloaded', 'seminar.attended'])[1 + (r * 8)::int %% 8], a, a, 'web', '', '{}',
              jsonb_build_object('path', jsonb_build_object('t', CASE WHEN s < 0.2 THEN '/pricing' ELSE '/blog' END))
       FROM (SELECT 1 + floor(random() * random() * %(leads)s)::bigint AS v, random() AS r, random() AS s,
                    %(now)s - floor(random() * %(span)s)::bigint AS a FROM generate_series(1, %(touches)s)) AS t""",
    """INSERT INTO custody_entry (lead_id, seq, at, move, holder, state, actor, user_id, agreement, reason, verdict, cause,
           cause_touch, cause_seq, salesperson_id, due, due_what, not_before, value, alternatives, commitment, previous, hash)
       SELECT i, 1, %(start)s, 'captured', 'marketing', 'new', 'system', NULL, '', '', '', '', NULL, NULL, NULL, NULL, '', NULL,
           NULL, NULL, NULL, decode(repeat('00', 32), 'hex'), sha256(int8send(i))
       FROM generate_series(1::bigint, %(leads)s) AS i""",
    """INSERT INTO custody_holding (lead_id, seq, at, hash, holder, state, since, verdict, cause, due, due_what, lapsed, attempts,
           offers, reason, refused_by, alternatives)
       SELECT i, 1, %(start)s, sha256(int8send(i)), 'marketing', 'new', %(start)s, '', '', NULL, '', FALSE, 0, 0, '', '[]', 0
       FROM generate_series(1::bigint, %(leads)s) AS i""",
    "ANALYZE",
)


def fill(server: Any, *, leads: int, touches: int, now: int) -> None:
    """Fill the tables as the superuser, without the triggers that guard rows which arrive one by one."""
    values = {
        "leads": leads, "touches": touches, "accounts": max(1, leads // 4), "now": now, "start": now - 200 * DAY,
        "span": 200 * DAY,
    }  # fmt: skip
    with server.connect("superuser", autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in FILL:
            began = time.perf_counter()
            connection.execute(statement, values if "%(" in statement else None)
            print(f"  {' '.join(statement.split()[:3]):<44} {time.perf_counter() - began:6.1f} s", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run it and print the figures; 1 where the limit is not kept."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--leads", type=int, default=1_000_000)
    asked.add_argument("--touches", type=int, default=5_000_000)
    options = asked.parse_args(arguments)
    from leadpact.kit.commands import django_ready

    with tempfile.TemporaryDirectory(prefix="leadpact-bench-") as place, django_ready(Path(place)) as server:
        return _measure(server, options)


def _measure(server: Any, options: argparse.Namespace) -> int:
    from django.db import transaction

    from bench.tracking import prepare
    from leadpact.agreement.queries import in_force
    from leadpact.kit import clock
    from leadpact.kit.raw import by_index
    from leadpact.loop import clocks
    from leadpact.qualification.actions import judge

    prepare()
    now = clock.now()
    fill(server, leads=options.leads, touches=options.touches, now=now)
    version = in_force(now)
    assert version is not None
    chance = random.Random(1)
    took = []
    for _ in range(ROUNDS):
        drawn = sorted(chance.sample(range(1, options.leads + 1), min(BATCH, options.leads)))
        with transaction.atomic():
            by_index()
            began = time.perf_counter()
            found = judge(lead_ids=drawn, as_of=now, version=version)
            took.append((time.perf_counter() - began) * 1e3)
            assert len(found) == len(drawn)
    middle = statistics.median(took)
    print(
        f"{BATCH:,} leads judged, {options.leads:,} in the table      p50 {middle:,.0f} ms, p95 {percentile(took, 0.95):,.0f} ms"
        f"   {middle / LIMIT_MS:.2f} of the {LIMIT_MS:.0f} ms that it may take"
    )
    began = time.perf_counter()
    everybody = clocks.rejudge_everybody(version=version, at=lambda: now)
    whole = time.perf_counter() - began
    print(
        f"everybody judged, moved and routed, set by set         {whole:,.0f} s, {everybody.judged / whole:,.0f} leads/s,"
        f" {everybody.handed_over:,} handed over"
    )
    clocks.let_time_pass(at=now)
    for number in range(1, HOURS + 1):
        hour = (now // HOUR + number) * HOUR
        began = time.perf_counter()
        passed = clocks.let_time_pass(at=hour)
        seconds = time.perf_counter() - began
        print(
            f"a full hour passes{' (midnight: scores too)' if hour % DAY == 0 else ''}                                    "
            f" {seconds:,.2f} s for {passed.judged:,} leads   {seconds / whole:.4f} of judging everybody"
        )
    return int(middle > LIMIT_MS)


if __name__ == "__main__":
    raise SystemExit(main())
