"""How often do the intervals hold the truth? A thousand simulated companies through the pure functions.

    python -m bench.coverage                     the whole grid, some minutes of two cores
    python -m bench.coverage --companies 100     a taste
    python -m bench.coverage --keep FILE         goes on where an earlier run with the same file stopped

Grid: size of the company, rate (the appetite of Sales, which moves it), the agreement's audit shares, weeks measured.
Every company is audited several times over at each point, by draws of their own. Exits with 1 where a limit is missed:
headline intervals must hold the truth in 93 to 97% on average and nowhere below 90%, exact bounds in 95%.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple
from io import StringIO
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from leadpact.language.nodes import Audit
from leadpact.tuning.tests.worlds import Point, Trial, World, first_error_trials

LEADS = (500, 2_000, 8_000)
APPETITES = (-1.5, 0.0, 1.0)
CAPS = (Audit(10_000, 5, 15_000, 50_000), Audit(20_000, 10, 15_000, 100_000), Audit(50_000, 30, 15_000, 200_000))
WEEKS = (13, 48)
YEAR = max(WEEKS)
HAND_OFFS = (20, 60, 200)

Results = tuple[int, list[tuple[str, Trial]], list[tuple[int, bool]]]


def company(task: tuple[int, int, float, int]) -> Results:
    """Every audit share and horizon of one company, `draws` times each; and its first errors."""
    seed, leads, appetite, draws = task
    world = World(seed, leads, appetite, YEAR)
    trials = []
    for place, caps in enumerate(CAPS):
        for weeks in WEEKS:
            for number in range(draws):
                trial = world.trial(caps, weeks, f"{seed} {place} {weeks} {number}", beside=number == 0)
                if trial is not None:
                    trials.append((str(Point(leads, appetite, caps, weeks)), trial))
    return seed, trials, first_error_trials(world, HAND_OFFS, 5) if seed % 5 == 0 else []


def main() -> int:
    """Run, print a table by point and the summary, and say whether the limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--companies", type=int, default=1_000)
    parser.add_argument("--draws", type=int, default=2, help="draws for each company at each point")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1_000, help="seed of the first company")
    parser.add_argument("--keep", type=Path, help="file that results are added to, and read back from")
    asked = parser.parse_args()
    kinds = [(leads, appetite) for leads in LEADS for appetite in APPETITES]
    results = list(_kept(asked.keep))
    done = {seed for seed, _trials, _errors in results}
    tasks = [(asked.seed + n, *kinds[n % len(kinds)], asked.draws) for n in range(asked.companies)]
    tasks = [task for task in tasks if task[0] not in done]
    began = time.perf_counter()
    with Pool(asked.jobs) as pool, asked.keep.open("a") if asked.keep else StringIO() as keep:
        for found in pool.imap_unordered(company, tasks):
            results.append(found)
            keep.write(json.dumps((found[0], [(name, astuple(trial)) for name, trial in found[1]], found[2])) + "\n")
            keep.flush()
            if sys.stderr.isatty() or len(results) % 100 == 0:
                print(f"\r{len(results):,} of {asked.companies:,} companies", end="", file=sys.stderr)
    points: dict[str, list[Trial]] = defaultdict(list)
    first: list[tuple[int, bool]] = []
    for _seed, trials, errors in results:
        for name, trial in trials:
            points[name].append(trial)
        first.extend(errors)
    print(file=sys.stderr)
    kept = table(points)
    for size in HAND_OFFS:
        held = [ok for n, ok in first if n == size]
        if held:
            print(f"First error, Wilson, {size} hand-offs: held in {np.mean(held):.1%} of {len(held):,}")
    print(f"{len(results):,} companies, {sum(map(len, points.values())):,} draws, {time.perf_counter() - began:.0f} s")
    return 0 if kept else 1


def _kept(file: Path | None) -> Iterator[Results]:
    """Results of earlier runs; a last line that was cut off is left out."""
    for line in file.read_text().splitlines() if file is not None and file.exists() else ():
        if line.endswith(("]]]", "[]]")):
            seed, trials, errors = json.loads(line)
            yield seed, [(name, Trial(*trial)) for name, trial in trials], [(n, ok) for n, ok in errors]


def table(points: dict[str, list[Trial]]) -> bool:
    """Print coverage by point; whether the limits are kept."""
    print(
        f"{'point':<56}{'draws':>6}{'truth':>7}{'mean':>7}{'n':>6}{'good':>6}"
        f"{'headline':>10}{'exact':>8}{'clustered':>10}{'literal':>8}"
    )
    headline, exact = [], []
    for name in sorted(points):
        trials = points[name]
        headline.append(np.mean([t.headline for t in trials]))
        exact.append(np.mean([t.exact for t in trials]))
        print(
            f"{name:<56}{len(trials):>6}{np.mean([t.truth for t in trials]):>7.2%}{np.mean([t.value for t in trials]):>7.2%}"
            f"{np.mean([t.answered for t in trials]):>6.0f}{np.mean([t.good for t in trials]):>6.1f}"
            f"{headline[-1]:>10.1%}{exact[-1]:>8.1%}"
            f"{np.mean([t.clustered for t in trials if t.clustered is not None]):>10.1%}"
            f"{np.mean([t.literal for t in trials if t.literal is not None]):>8.1%}"
        )
    for name, held in (("headline", headline), ("exact", exact)):
        print(f"{name}: mean {np.mean(held):.1%}, least {min(held):.1%}")
    return 0.93 <= np.mean(headline) <= 0.97 and min(headline) >= 0.90 and min(exact) >= 0.95


if __name__ == "__main__":
    sys.exit(main())
