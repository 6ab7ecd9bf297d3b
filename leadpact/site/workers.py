"""What `leadpact serve` runs as processes of their own: `python -m leadpact.site.workers web|jobs …`.

Each watches a pipe that only the supervisor holds open: should the supervisor be killed, its end of the pipe
closes, and the process ends itself. So a killed server leaves nothing behind that holds the port or works on.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from leadpact.kit.environment import secret

GRACE_S = 6


def web(host: str, port: int, workers: int) -> None:
    """Serve HTTP until SIGTERM. A worker process that dies is replaced."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    Server(
        "leadpact.site.asgi:application",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        # Streams to browsers stay open for hours: they are cut, everything else is answered first.
        workers_kill_timeout=GRACE_S - 2,
    ).serve()


def jobs() -> None:
    """Run deferred jobs and clocks until SIGTERM; what runs then gets some seconds to end."""
    import asyncio

    import django

    django.setup()
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.django_connector import DjangoConnector

    if not isinstance(app.connector, DjangoConnector):
        raise TypeError("procrastinate is not connected through Django")

    from leadpact.site.revive import SILENT_S, keep_reviving

    # On an embedded database we are the only worker: whatever is still "doing" was left by one that was killed.
    silent = SILENT_S if secret("DATABASE_URL") else 0

    async def work() -> None:
        async with working.open_async():
            reviving = asyncio.create_task(keep_reviving(working, silent=silent))
            try:
                await working.run_worker_async(
                    concurrency=4, shutdown_graceful_timeout=GRACE_S - 2, delete_jobs="successful"
                )
            finally:
                reviving.cancel()

    with app.replace_connector(app.connector.get_worker_connector()) as working:
        asyncio.run(work())


def _end_with(lifeline: int) -> None:
    """Wait for the supervisor's end, then end as if asked to, then for certain."""
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S + 2)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """`web LIFELINE HOST PORT WORKERS` or `jobs LIFELINE`."""
    kind, lifeline, *rest = sys.argv[1:]
    threading.Thread(target=_end_with, args=[int(lifeline)], daemon=True).start()
    if kind == "web":
        host, port, workers = rest
        web(host, int(port), int(workers))
    else:
        jobs()


if __name__ == "__main__":
    main()
