"""The largest ordinary agreement: 200 lines, 10,000 list entries. Read, checked and compiled within a second of one core.

    python -m bench.compile [--runs N] [--leads N]

The seconds are the processor's, the best of some runs, once everything is imported. Then the reference, DuckDB and an
embedded PostgreSQL judge a drawn history by it, and their answers are compared to the last bit. Exit status 1 when the
limit is broken for a dialect, or when an answer differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from leadpact.kit.postgres import Cluster
from leadpact.language.check import check
from leadpact.language.nodes import Agreement
from leadpact.language.parse import parse
from leadpact.language.sql_expr import DIALECTS
from leadpact.language.tests.drawing_history import NOW, draw_history
from leadpact.language.tests.engines import DuckDB, Engine, PostgreSQL, Reference, Row
from leadpact.language.tests.large import ENTRIES, LINES, large
from leadpact.language.to_sql import compile_sql

LIMIT = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Take the times, compare the answers, print; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--leads", type=int, default=100)
    options = parser.parse_args(arguments)
    text = large()
    print(f"{LINES} lines, {ENTRIES:,} list entries, a file of {len(text) / 1000:,.0f} kB")
    worst = max(_compiled(text, dialect, options.runs) for dialect in DIALECTS)
    print(f"ratio {worst / LIMIT:.2f} of its limit of {LIMIT:.0f} s")
    agreement = _read(text)
    wrong = _judged(agreement, options.leads)
    print(f"answers that differ: {wrong:,}")
    return 0 if worst <= LIMIT and not wrong else 1


def _read(text: str) -> Agreement:
    parsed = parse(text)
    if parsed.agreement is None:
        raise SystemExit(f"the agreement of the benchmark is none: {parsed.errors[0].sentence()}")
    check(parsed.agreement, parsed.positions)
    return parsed.agreement


def _compiled(text: str, dialect: str, runs: int) -> float:
    """Seconds from the file to the query; the first run, which imports, does not count."""
    best = (float("inf"), 0.0, 0)
    for run in range(runs + 1):
        begun = time.process_time()
        agreement = _read(text)
        read = time.process_time() - begun
        sql = compile_sql(agreement, dialect).sql  # type: ignore[arg-type]
        if run:
            best = min(best, (time.process_time() - begun, read, len(sql)))
    whole, read, size = best
    print(
        f"{dialect:<9}{whole:.2f} s of processor, {read:.2f} of them to read and check; a query of {size / 1000:,.0f} kB"
    )
    return whole


def _judged(agreement: Agreement, leads: int) -> int:
    """Rows on which an engine and the reference do not say the same."""
    history = draw_history(Random(7), agreement, NOW, leads=leads, touches=12)
    asks = [(lead.lead_id, NOW) for lead in history.leads]

    def rows(name: str, engine: Engine) -> list[Row]:
        begun = time.perf_counter()
        found = engine.rows(agreement, history, asks)
        print(f"{name:<11}{leads:,} leads, {len(history.touches):,} touches in {time.perf_counter() - begun:.1f} s")
        return found

    expected = rows("reference", Reference())
    found = [rows("duckdb", DuckDB())]
    with (
        tempfile.TemporaryDirectory(prefix="leadpact-bench-") as folder,
        Cluster(Path(folder) / "postgres", durable=False) as cluster,
        cluster.connect("superuser", "postgres", autocommit=True) as connection,
    ):
        found.append(rows("postgres", PostgreSQL(connection)))
    return sum(one != other for answers in found for one, other in zip(expected, answers, strict=True))


if __name__ == "__main__":
    sys.exit(main())
