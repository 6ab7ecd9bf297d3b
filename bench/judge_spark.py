"""`judge` in Spark on a real cluster beside DuckDB: 1,000,000 leads, 20,000,000 touches, the whole example agreement.

    python -m bench.judge_spark [--leads N] [--touches N] [--memory AMOUNT] [--runs N]

Both read the same Parquet files, of `bench.judge_data`, and write Parquet. The cluster is a standalone master with two
workers of one core each, on loopback. Every column of every lead is compared; exit status 1 when one differs, 0 as well
where PySpark or Java is missing, with the reason. There is no limit: two cores are DuckDB's ground, a cluster is for
history that no machine of one's own can hold. Starting the cluster and the session is told apart.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import psutil

from bench.judge_data import AS_OF, make
from bench.judge_duckdb import EXAMPLE
from leadpact.lake.spark import Settings, missing, started
from leadpact.lake.tests.standalone import cluster
from leadpact.language.nodes import Agreement
from leadpact.language.parse import parse_or_raise
from leadpact.language.to_sql import compile_sql


def main(arguments: list[str] | None = None) -> int:
    """Make the data, judge it twice, compare the answers, print; the exit status."""
    options = _options(arguments)
    if why := missing():
        print(f"not run: {why}")
        return 0
    agreement = parse_or_raise(EXAMPLE.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="leadpact-bench-") as name:
        folder = Path(name)
        with duckdb.connect(
            config={"threads": "2", "memory_limit": "4GB", "temp_directory": str(folder)}
        ) as connection:
            make(connection, folder, leads=options.leads, touches=options.touches)
            size = sum(file.stat().st_size for file in folder.glob("*.parquet")) / 1e6
            print(f"{options.leads:,} leads and {options.touches:,} touches, {size:,.0f} MB of Parquet")
            duck = _in_duckdb(connection, agreement, folder)
        spark = _in_spark(agreement, folder, options)
        with duckdb.connect(
            config={"threads": "2", "memory_limit": "4GB", "temp_directory": str(folder)}
        ) as connection:
            wrong, compared = _differences(connection, folder)
            _print(connection, folder, duck, spark)
    print(f"leads compared on every column: {compared:,}; answers that differ: {wrong:,}")
    return 0 if not wrong and compared == options.leads else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--touches", type=int, default=20_000_000)
    parser.add_argument("--memory", default="2g", help="of each of the two workers")
    parser.add_argument("--runs", type=int, default=1)
    return parser.parse_args(arguments)


def _in_duckdb(connection: duckdb.DuckDBPyConnection, agreement: Agreement, folder: Path) -> float:
    for relation in ("leads", "touches"):
        connection.execute(f"CREATE VIEW {relation} AS SELECT * FROM '{folder}/{relation}.parquet'")
    sql = compile_sql(agreement, "duckdb", extras=False, as_of=AS_OF).sql
    begun = time.perf_counter()
    connection.execute(f"COPY ({sql}) TO '{folder}/duckdb-verdicts.parquet' (FORMAT parquet, COMPRESSION zstd)")
    return time.perf_counter() - begun


def _in_spark(agreement: Agreement, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Seconds of each step; of the processor and memory what all Java processes took together."""
    compiled = compile_sql(agreement, "spark", extras=False, as_of=AS_OF)
    relations = {relation: folder / f"{relation}.parquet" for relation in ("leads", "touches")}
    rows = options.leads + options.touches
    found: dict[str, float] = {"judge": float("inf")}
    begun = time.perf_counter()
    with cluster(memory=options.memory) as master:
        settings = Settings(master, memory=options.memory, folder=folder)
        with started(settings, rows=rows) as spark:
            found["start"] = time.perf_counter() - begun
            for run in range(options.runs):
                before, begun = _processor(), time.perf_counter()
                out = folder / f"spark-verdicts-{run}"
                spark.judge(compiled, relations=relations, rows=rows, out=out)
                wall = time.perf_counter() - begun
                if wall < found["judge"]:
                    found |= {"judge": wall, "processor": _processor() - before}
            found["memory"] = _memory()
    return found


def _javas() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.name() == "java"]


def _processor() -> float:
    return sum(sum(java.cpu_times()[:2]) for java in _javas())


def _memory() -> float:
    return sum(java.memory_info().rss for java in _javas()) / 1e9


def _differences(connection: duckdb.DuckDBPyConnection, folder: Path) -> tuple[int, int]:
    """Rows that only one of the two has, every column compared, and how many leads Spark's last run judged."""
    mine, theirs = f"'{folder}/duckdb-verdicts.parquet'", f"'{max(folder.glob('spark-verdicts-*'))}/*.parquet'"
    names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {mine}").fetchall()]
    assert names == [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {theirs}").fetchall()]
    same = " AND ".join(f'd."{name}" IS NOT DISTINCT FROM s."{name}"' for name in names)
    joined = f"{mine} d FULL JOIN {theirs} s ON d.lead_id = s.lead_id"
    ((wrong,),) = connection.execute(f"SELECT count(*) FROM {joined} WHERE NOT ({same})").fetchall()
    ((compared,),) = connection.execute(f"SELECT count(DISTINCT lead_id) FROM {theirs}").fetchall()
    return wrong, compared


def _print(connection: duckdb.DuckDBPyConnection, folder: Path, duck: float, spark: dict[str, float]) -> None:
    counts = f"SELECT verdict, count(*) FROM '{folder}/duckdb-verdicts.parquet' GROUP BY ALL ORDER BY ALL"
    print(", ".join(f"{name} {count:,}" for name, count in connection.execute(counts).fetchall()))
    print(f"DuckDB, two threads              {duck:.1f} s")
    print(f"Spark, two workers on loopback   {spark['judge']:.1f} s ({spark['processor']:.0f} s of processor)")
    print(f"  start of cluster and session   {spark['start']:.1f} s")
    print(f"  memory of its six Java processes afterwards {spark['memory']:.1f} GB")


if __name__ == "__main__":
    sys.exit(main())
