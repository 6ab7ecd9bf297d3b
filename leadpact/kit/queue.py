"""Jobs by name: rooms defer work without importing who does it.

A deferred job is a row of the caller's own transaction (procrastinate keeps its queue in the same PostgreSQL), so a crash
loses both or neither. `lock` lets only one job with it run at a time; `queueing_lock` lets only one wait.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from leadpact.kit.instants import from_us


def defer(
    name: str,
    *,
    at: int | None = None,
    queue: str = "default",
    lock: str | None = None,
    waits_once: str | None = None,
    **args: Any,
) -> bool:
    """Defer the task `name` ("room.verb") to run once, not before `at`. Returns False where `waits_once` waits already.

    Written as one guarded INSERT: a queueing lock that is taken must not abort the caller's transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at, status)"
            " VALUES (%s, %s, 0, %s, %s, %s::jsonb, %s, 'todo')"
            " ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING",
            [queue, name, lock, waits_once, json.dumps(args), from_us(at) if at is not None else None],
        )
        return cursor.rowcount == 1
