"""A year replayed with the example agreement, and previews of changes to it.

    python -m bench.replay [--leads N] [--touches-per-lead N] [--growth] [--large] [--previews N] [--threads N]

History lies in the store's relations when the clock starts; it stops when every change of verdict is written. The limit at
100,000 leads and 2,000,000 touches is 8 s. `--growth` also replays 10,000 leads, `--large` 1,000,000. Then a bench is
prepared and the agreement tried with other points, caps and thresholds; the limit of the slowest twentieth is 1 s. Seconds of
the processor stand beside those of the wall: on a busy machine only the former compare. Exit status 1 when a limit is broken.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np

from bench.judge_duckdb import EXAMPLE
from bench.replay_data import load
from leadpact.lake.preview import open_bench, prepare
from leadpact.lake.replay import replay
from leadpact.lake.store import Store
from leadpact.language.nodes import Agreement, All, Condition, Each, Score
from leadpact.language.parse import parse_or_raise

LIMIT = 8.0
LIMIT_LEADS = 100_000
PREVIEW_LIMIT = 1.0
MEGABYTE = 1 << 20


def main(arguments: list[str] | None = None) -> int:
    """Take the times and print them; the exit status."""
    options = _options(arguments)
    agreement = parse_or_raise(EXAMPLE.read_text(encoding="utf-8"))
    sizes = [*([options.leads // 10] if options.growth else []), options.leads, *([1_000_000] if options.large else [])]
    good = True
    for leads in sizes:
        with Store(threads=options.threads) as store, tempfile.TemporaryDirectory(prefix="leadpact-bench-") as folder:
            touches = leads * options.touches_per_lead
            load(store, Path(folder), leads=leads, touches=touches)
            good &= _replay(store, agreement, leads, touches)
            if leads == options.leads:
                good &= _previews(store, agreement, Path(folder), options.previews)
    return 0 if good else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--leads", type=int, default=LIMIT_LEADS)
    parser.add_argument("--touches-per-lead", type=int, default=20)
    parser.add_argument("--growth", action="store_true", help="also a tenth of the leads")
    parser.add_argument("--large", action="store_true", help="also 1,000,000 leads")
    parser.add_argument("--previews", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args(arguments)


def _replay(store: Store, agreement: Agreement, leads: int, touches: int) -> bool:
    wall, processor = time.perf_counter(), time.process_time()
    found = replay(store, agreement)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // MEGABYTE
    print(
        f"replay of a year, {leads:,} leads, {touches:,} touches: {wall:.2f} s ({processor:.2f} s of processor), "
        f"{found.changes:,} changes of verdict, process at most {peak:,} MB so far"
    )
    if leads != LIMIT_LEADS:
        return True
    print(f"  {wall / LIMIT:.2f} of the limit of {LIMIT:.0f} s")
    return wall <= LIMIT


def _previews(store: Store, agreement: Agreement, folder: Path, count: int) -> bool:
    begun, processor = time.perf_counter(), time.process_time()
    prepare(store, agreement, out=folder / "bench")
    size = sum(file.stat().st_size for file in (folder / "bench").rglob("*") if file.is_file())
    print(
        f"prepared a bench in {time.perf_counter() - begun:.2f} s ({time.process_time() - processor:.2f} s of processor), "
        f"{size / MEGABYTE:.0f} MB of files"
    )
    bench, chance = open_bench(folder / "bench"), Random(1)
    walls: list[float] = []
    processors: list[float] = []
    moved: list[int] = []
    for _ in range(count):
        changed = _changed(chance, agreement)
        begun, processor = time.perf_counter(), time.process_time()
        found = bench.preview(changed)
        walls.append(time.perf_counter() - begun)
        processors.append(time.process_time() - processor)
        moved.append(found.gained_count + found.lost_count + found.earlier + found.later)
    (half, most), (half_processor, most_processor) = (
        np.quantile(walls, (0.5, 0.95)),
        np.quantile(processors, (0.5, 0.95)),
    )
    print(
        f"preview of a change: p50 {1000 * half:.0f} ms, p95 {1000 * most:.0f} ms "
        f"(of processor {1000 * half_processor:.0f} and {1000 * most_processor:.0f} ms), "
        f"over {count} changes that moved {min(moved):,} to {max(moved):,} leads"
    )
    print(f"  p95 {most / PREVIEW_LIMIT:.2f} of the limit of {PREVIEW_LIMIT:.0f} s")
    return bool(most <= PREVIEW_LIMIT)


def _changed(chance: Random, agreement: Agreement) -> Agreement:
    """The agreement with one line's points and cap, and the thresholds, moved."""
    place = chance.randrange(len(agreement.lines))
    line = agreement.lines[place]
    rule = replace(line.rule, at_most=chance.choice((None, 15, 30, 60))) if isinstance(line.rule, Each) else line.rule
    line = replace(line, points=line.points + chance.choice((-15, -5, 5, 15)), rule=rule)
    by = {dimension: 1_000 * chance.choice((-10, -5, 0, 5, 10)) for dimension in ("fit", "engagement", "readiness")}
    return replace(
        agreement,
        lines=(*agreement.lines[:place], line, *agreement.lines[place + 1 :]),
        verdicts=tuple(
            replace(verdict, alternatives=tuple(_moved(part, by) for part in verdict.alternatives))
            for verdict in agreement.verdicts
        ),
    )


def _moved(condition: Condition, by: dict[str, int]) -> Condition:
    if isinstance(condition, All):
        return All(tuple(_moved(part, by) for part in condition.parts))
    if isinstance(condition, Score) and condition.at_least is not None:
        return replace(condition, at_least=condition.at_least + by[condition.dimension])
    return condition


if __name__ == "__main__":
    sys.exit(main())
