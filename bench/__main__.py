"""`make bench`: every speed, each beside its limit or its rival in the same run."""

from __future__ import annotations

import subprocess
import sys

PARTS: tuple[tuple[str, list[str]], ...] = (
    ("The tracking API through the whole loop", ["bench.tracking"]),
    ("judge in DuckDB, 1M leads and 20M touches, beside a query written by hand", ["bench.judge_duckdb"]),
    ("judge and hours that pass in PostgreSQL, 1M leads", ["bench.judge_postgres"]),
    ("The largest ordinary agreement, from the file to the query", ["bench.compile"]),
    ("A year replayed, and previews of changes to the agreement", ["bench.replay", "--growth"]),
    ("The workshop: figures that follow a moved number, through HTTP", ["bench.workshop"]),
    ("judge in Spark, on a cluster of two workers", ["bench.judge_spark"]),
)


def main() -> int:
    """Run the benchmarks one after another, each in a process and with a database of its own; the exit status of the worst."""
    worst = 0
    for number, (says, command) in enumerate(PARTS, 1):
        print(f"{number}. {says}\n", flush=True)
        worst = max(worst, abs(subprocess.run([sys.executable, "-m", *command], check=False).returncode))
        print(flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
