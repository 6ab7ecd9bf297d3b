"""`judge` in DuckDB beside a query written by hand: 1,000,000 leads, 20,000,000 touches, the whole example agreement.

    python -m bench.judge_duckdb [--leads N] [--touches N] [--runs N] [--threads N]

Both read the same Parquet files and fill a table; runs take turns, so that both meet the same machine. The answers are
compared: verdict, scores and the points of each line, lead by lead. The limit is twice the rival's time. Exit status 1 when the
limit is broken or an answer differs. The rival is `rival_judge.sql`, its plan is printed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from bench.judge_data import AS_OF, make
from leadpact.language.kinds import OURS
from leadpact.language.nodes import Agreement
from leadpact.language.parse import parse_or_raise
from leadpact.language.to_sql import compile_sql

LIMIT = 2.0
HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "leadpact" / "language" / "example.yaml"
COMPARED = ("verdict", "fit", "engagement", "readiness")


def main(arguments: list[str] | None = None) -> int:
    """Make the data, take the times, compare the answers, print; the exit status."""
    options = _options(arguments)
    agreement = parse_or_raise(EXAMPLE.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="leadpact-bench-") as folder:
        connection = duckdb.connect(config={"threads": str(options.threads)})
        begun = time.perf_counter()
        make(connection, Path(folder), leads=options.leads, touches=options.touches)
        print(f"made {options.leads:,} leads and {options.touches:,} touches in {time.perf_counter() - begun:.0f} s")
        _attach(connection, Path(folder), agreement)
        queries = {"ours": _ours(agreement), "rival": _rival()}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in queries}
        for _ in range(options.runs):
            for name, query in queries.items():
                times[name].append(_run(connection, name, query))
        wrong = _differences(connection, agreement)
        ratio = _print(connection, times, queries["rival"])
        connection.close()
    print(f"answers that differ: {wrong:,}")
    return 0 if ratio <= LIMIT and not wrong else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--touches", type=int, default=20_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args(arguments)


def _attach(connection: duckdb.DuckDBPyConnection, folder: Path, agreement: Agreement) -> None:
    """Both queries see the same two relations; the rival also gets the list of universities as a table."""
    connection.execute(f"CREATE VIEW leads AS SELECT * FROM '{folder}/leads.parquet'")
    connection.execute(f"CREATE VIEW touches AS SELECT * FROM '{folder}/touches.parquet'")
    connection.execute("CREATE TABLE academic (domain VARCHAR)")
    domains = [[domain] for domain in agreement.list_entries("builtin.academic")]
    connection.executemany("INSERT INTO academic VALUES (?)", domains)


def _ours(agreement: Agreement) -> str:
    return compile_sql(agreement, "duckdb", extras=False, as_of=AS_OF).sql


def _rival() -> str:
    ours = ", ".join(f"'{kind}'" for kind in sorted(OURS))
    return (HERE / "rival_judge.sql").read_text(encoding="utf-8").format(as_of=AS_OF, ours=ours)


def _run(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> tuple[float, float]:
    """Seconds of the wall and of the processor for one run."""
    wall, processor = time.perf_counter(), time.process_time()
    connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {name} AS {query}")
    return time.perf_counter() - wall, time.process_time() - processor


def _differences(connection: duckdb.DuckDBPyConnection, agreement: Agreement) -> int:
    """Leads on which the two do not say the same; a line that is unknown adds nothing, and so does the rival's."""
    same = [f"o.{name} = r.{name}" for name in COMPARED]
    same += [f'coalesce(o."points.{line.id}", 0) = r.{line.id}' for line in agreement.lines]
    condition = " AND ".join(same)
    statement = f"SELECT count(*) FROM ours o FULL JOIN rival r USING (lead_id) WHERE ({condition}) IS NOT TRUE"
    ((count,),) = connection.execute(statement).fetchall()
    return count


def _print(connection: duckdb.DuckDBPyConnection, times: dict[str, list[tuple[float, float]]], rival: str) -> float:
    best = {name: min(wall for wall, _ in found) for name, found in times.items()}
    work = {name: min(processor for _, processor in found) for name, found in times.items()}
    verdicts = connection.execute("SELECT verdict, count(*) FROM ours GROUP BY ALL ORDER BY ALL").fetchall()
    ((plan,),) = [row[1:] for row in connection.execute(f"EXPLAIN {rival}").fetchall()]
    print("the rival's plan\n" + "\n".join(line[:200] for line in plan.splitlines()))
    print(", ".join(f"{name} {count:,}" for name, count in verdicts))
    print(f"ours  {best['ours']:.2f} s ({work['ours']:.2f} s of processor)")
    print(f"rival {best['rival']:.2f} s ({work['rival']:.2f} s of processor)")
    ratio = best["ours"] / best["rival"]
    print(f"ratio {ratio:.2f} of {LIMIT:.0f} at most; of processor {work['ours'] / work['rival']:.2f}")
    return ratio


if __name__ == "__main__":
    sys.exit(main())
