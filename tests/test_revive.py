"""A job whose worker was killed runs again; its lock does not stop the others for good."""

from __future__ import annotations

import asyncio

import pytest
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from leadpact.site.revive import revive

pytestmark = pytest.mark.django_db(transaction=True)

ABANDONED = """
    WITH worker AS (
        INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '40 seconds') RETURNING id
    )
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, status, worker_id)
    SELECT 'default', 'loop.fire_clocks', 'loop.clocks', 'loop.fire_clocks', '{}', 'doing', id FROM worker RETURNING id
"""
WAITING = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, status)
    VALUES ('default', 'loop.fire_clocks', 'loop.clocks', 'loop.fire_clocks', '{}', 'todo') RETURNING id
"""


def insert(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def status(job: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text FROM procrastinate_jobs WHERE id = %s", [job])
        return cursor.fetchone()[0]


def run() -> int:
    assert isinstance(app.connector, DjangoConnector)

    async def work() -> int:
        with app.replace_connector(app.connector.get_worker_connector()) as working:
            async with working.open_async():
                return await revive(working)

    return asyncio.run(work())


def test_an_abandoned_job_goes_back_into_the_queue() -> None:
    job = insert(ABANDONED)
    assert run() == 1
    assert status(job) == "todo"
    assert run() == 0


def test_its_successor_takes_its_place() -> None:
    job, successor = insert(ABANDONED), insert(WAITING)
    assert run() == 1
    assert (status(job), status(successor)) == ("failed", "todo")


def test_a_job_of_a_worker_that_lives_is_left_alone() -> None:
    job = insert(ABANDONED.replace("40 seconds", "10 seconds"))
    assert run() == 0
    assert status(job) == "doing"
