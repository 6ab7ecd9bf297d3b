"""Jobs whose worker was killed while it ran them: back into the queue.

Such a job stays "doing" and keeps its lock, so that no other job with that lock would ever run again: one
kill -9 in the wrong second would stop the clocks for good. A worker that lives sends a heartbeat every ten
seconds; jobs of one that has not for half a minute are taken from it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import structlog
from procrastinate import App
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

SILENT_S = 30.0
EVERY_S = 15.0

log = structlog.stdlib.get_logger("leadpact.jobs")


async def keep_reviving(app: App, *, silent: float) -> None:
    """Look for abandoned jobs for ever: the first time those whose worker was `silent` seconds, later SILENT_S."""
    while True:
        await revive(app, silent=silent)
        silent = SILENT_S
        await asyncio.sleep(EVERY_S)


async def revive(app: App, *, silent: float = SILENT_S) -> int:
    """Put abandoned jobs back; how many there were.

    Every job of ours may run twice, so running it again is safe. One whose successor waits already (it has the
    same queueing lock) is ended instead: the successor does its work.
    """
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=silent))
    for job in stalled:
        try:
            await app.job_manager.retry_job(job, retry_at=datetime.now(UTC))
        except UniqueViolation:
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)
        log.warning("job was abandoned by its worker", job=job.id, task=job.task_name)
    return len(stalled)
