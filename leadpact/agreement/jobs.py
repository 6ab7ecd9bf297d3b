"""Jobs of the agreement room, deferred by name."""

from __future__ import annotations

from typing import Any

from procrastinate.contrib.django import app

from leadpact.kit import clock

# Verbs are imported when a job runs: Django imports this module in every command, most of which need none of them.


@app.task(name="agreement.prepare_bench", lock="agreement.prepare_bench")
def prepare_bench(agreement_hash: str) -> None:
    """Export what is new, and make a year of history ready for previews around one meaning of the agreement.

    May be killed and run again: the export goes on where it was, and files are used only when all of them are there.
    """
    import shutil

    import psycopg
    from django.db import connection

    from leadpact.agreement.actions import bench_failed, bench_goes_on, bench_ready
    from leadpact.agreement.queries.benches import FOLDER
    from leadpact.custody.queries import mean_stay
    from leadpact.kit.failures import CannotDo
    from leadpact.kit.instants import WEEK
    from leadpact.kit.places import data_directory, private_directory
    from leadpact.lake import history
    from leadpact.lake.export import export
    from leadpact.lake.manifest import lake_directory
    from leadpact.lake.preview import open_bench, prepare
    from leadpact.lake.store import Store
    from leadpact.language.canonical import load

    home = data_directory()
    try:
        if bench_goes_on(agreement_hash=agreement_hash, status="exporting") is None:
            return
        lake = lake_directory(home)
        # A connection of its own: an export must not run inside the worker's transaction.
        reached: dict[str, Any] = connection.get_connection_params() | {"autocommit": True}
        with psycopg.connect(**reached) as own:
            export(own, lake, at=clock.now())
        meaning = bench_goes_on(agreement_hash=agreement_hash, status="preparing")
        assert meaning is not None
        at = clock.now()
        folder = f"{FOLDER}/{agreement_hash[:16]}-{at}"
        private_directory(home / FOLDER)
        with Store() as store:
            history.load(store, lake, until=at)
            first = store.one("SELECT min(created_at) FROM hist_leads")
            # A younger history begins with its first lead; a year of it would begin with weeks in which nobody was there.
            start = at - 52 * WEEK if first is None or first < at - 52 * WEEK else None
            prepare(store, load(meaning), start=start, end=None, out=home / folder)
        made = open_bench(home / folder)
        before = bench_ready(
            agreement_hash=agreement_hash, folder=folder, start=start or first or at, end=made.end,
            stay=mean_stay(since=at - 26 * WEEK, until=at), at=clock.now(),
        )  # fmt: skip
    except CannotDo as cannot:
        bench_failed(agreement_hash=agreement_hash, problem=cannot.message)
        return
    except Exception:
        bench_failed(agreement_hash=agreement_hash, problem="It stopped with an error; the server's log says which.")
        raise
    if before:
        shutil.rmtree(home / before, ignore_errors=True)
