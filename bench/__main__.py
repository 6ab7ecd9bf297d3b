"""`make bench`: every speed, each beside its limit or its rival in the same run."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bench import compile as compiling
from bench import judge_duckdb, judge_postgres, judge_spark, replay, tracking, workshop

PARTS: tuple[tuple[str, Callable[[list[str]], int | None], list[str]], ...] = (
    ("The tracking API through the whole loop", tracking.main, []),
    ("judge in DuckDB, 1M leads and 20M touches, beside a query written by hand", judge_duckdb.main, []),
    ("judge and hours that pass in PostgreSQL, 1M leads", judge_postgres.main, []),
    ("The largest ordinary agreement, from the file to the query", compiling.main, []),
    ("A year replayed, and previews of changes to the agreement", replay.main, ["--growth"]),
    ("The workshop: figures that follow a moved number, through HTTP", workshop.main, []),
    ("judge in Spark, on a cluster of two workers", judge_spark.main, []),
)


def main() -> int:
    """Run the benchmarks one after another; the exit status of the worst."""
    worst = 0
    for number, (says, part, arguments) in enumerate(PARTS, 1):
        print(f"{number}. {says}\n", flush=True)
        worst = max(worst, part(arguments) or 0)
        print(flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
