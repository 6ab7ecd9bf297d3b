"""`make bench`: every speed, each beside its limit or its rival in the same run."""

from __future__ import annotations

import sys

from bench import compile as compiling
from bench import judge_duckdb, judge_postgres, replay, tracking, workshop


def main() -> int:
    """Run the benchmarks one after another; the exit status of the worst."""
    print("1. The tracking API through the whole loop\n")
    tracking.main([])
    print("\n2. judge in DuckDB, 1M leads and 20M touches, beside a query written by hand\n")
    worst = judge_duckdb.main([])
    print("\n3. The largest ordinary agreement, from the file to the query\n")
    worst = max(worst, compiling.main([]))
    print("\n4. A year replayed, and previews of changes to the agreement\n")
    worst = max(worst, replay.main(["--growth"]))
    print("\n5. The workshop: figures that follow a moved number, through HTTP\n")
    return max(worst, workshop.main([]))


if __name__ == "__main__":
    sys.exit(main())
