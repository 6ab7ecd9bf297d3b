"""Jobs of the loop: what runs by itself. Deferred by name through `kit.queue`; the worker imports this module."""

from __future__ import annotations

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from leadpact.kit import clock

# The verbs are imported when a job runs: Django imports this module in every command, most of which need none of them.


@app.periodic(cron="* * * * *")
@app.task(name="loop.fire_clocks", lock="loop.clocks", queueing_lock="loop.fire_clocks")
def fire_clocks(timestamp: int = 0) -> None:
    """Every minute: recall what nobody accepted, end rests, note broken promises."""
    from leadpact.loop import audits, clocks

    clocks.fire_clocks(at=clock.now())
    clocks.judge_waiting(at=clock.now())
    audits.release(at=clock.now())


@app.periodic(cron="0 * * * *")
@app.task(name="loop.let_time_pass", lock="loop.ticks", queueing_lock="loop.let_time_pass")
def let_time_pass(timestamp: int = 0) -> None:
    """Every full hour: judge whom only time changed."""
    from leadpact.loop import clocks

    clocks.let_time_pass(at=clock.now())


@app.periodic(cron="5 0 * * 1")
@app.task(name="loop.draw_audits", lock="loop.audits", queueing_lock="loop.draw_audits")
def draw_audits(timestamp: int = 0) -> None:
    """Every Monday: judge last week's audits in shadow, freeze the pool, and draw the week's blind audits."""
    from leadpact.loop import audits

    audits.settle(at=clock.now())
    audits.draw_week(at=clock.now())


@app.task(name="loop.judge_waiting", lock="loop.waiting", queueing_lock="loop.judge_waiting")
def judge_waiting() -> None:
    """At the end of an import: judge what it brought."""
    from leadpact.loop import clocks

    clocks.judge_waiting(at=clock.now())


@app.task(name="loop.rejudge", lock="loop.rejudge")
def rejudge(agreement_hash: str) -> None:
    """A version took effect: judge everybody by it, unless a later one has taken its place meanwhile.

    May be killed and run again: it goes on after the last set that was written.
    """
    from leadpact.agreement.queries import in_force
    from leadpact.loop import clocks

    version = in_force(clock.now())
    if version is not None and version.hash == agreement_hash:
        clocks.rejudge_everybody(version=version, at=clock.now)


@app.periodic(cron="20 2 * * *")
@app.task(name="loop.export_history", lock="loop.export_history", queueing_lock="loop.export_history")
def export_history(timestamp: int = 0) -> None:
    """Every night: what is new leaves for the lake. Deferred by name after a workshop asked for fresh history, too."""
    from typing import Any

    import psycopg
    from django.db import connection

    from leadpact.kit.places import data_directory
    from leadpact.lake.export import export
    from leadpact.lake.manifest import lake_directory

    # A connection of its own: an export must not run inside the worker's transaction.
    found: dict[str, Any] = connection.get_connection_params() | {"autocommit": True}
    with psycopg.connect(**found) as own:
        export(own, lake_directory(data_directory()), at=clock.now())


# Somebody may be exporting by hand, or the folder may be broken: tried every minute until it has been done.
@app.task(name="loop.forget_in_lake", lock="loop.export_history", retry=RetryStrategy(wait=60))
def forget_in_lake(person_ids: list[int], visitor_ids: list[int]) -> None:
    """People were erased: their rows go from the lake."""
    from leadpact.kit.places import data_directory
    from leadpact.lake.manifest import lake_directory
    from leadpact.lake.rewrite import forget

    forget(lake_directory(data_directory()), person_ids, visitor_ids=visitor_ids)
