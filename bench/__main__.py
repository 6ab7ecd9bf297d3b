"""`make bench`: every speed, each beside its limit or its rival in the same run."""

from __future__ import annotations

import sys

from bench import compile as compiling
from bench import judge_duckdb, judge_postgres, replay, tracking


def main() -> int:
    """Run the benchmarks one after another; the exit status of the worst."""
    print("1. The tracking API through the whole loop\n")
    tracking.main([])
    print("\n2. judge in DuckDB, 1M leads and 20M touches, beside a query written by hand\n")
    worst = judge_duckdb.main([])
    print("\n3. judge and hours that pass in PostgreSQL, 1M leads\n")
    worst = max(worst, judge_postgres.main([]))
    print("\n4. The largest ordinary agreement, from the file to the query\n")
    worst = max(worst, compiling.main([]))
    print("\n5. A year replayed, and previews of changes to the agreement\n")
    return max(worst, replay.main(["--growth"]))


if __name__ == "__main__":
    sys.exit(main())
