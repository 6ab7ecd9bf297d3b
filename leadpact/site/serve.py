"""`leadpact serve`: database, web server and job worker under one roof, on one data directory, once."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psutil

from leadpact.kit.commands import data_option, django_ready
from leadpact.kit.failures import CannotDo
from leadpact.kit.locks import FileLock
from leadpact.kit.places import data_directory, private_directory
from leadpact.kit.postgres import Cluster, OwnServer
from leadpact.site.supervisor import Supervisor

LOOK_S = 0.2
READY_S = 120.0
POOL = 12


def _most_workers() -> int:
    return min(4, os.cpu_count() or 1)


@click.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 64), help="Web processes (default: one a core, at most 4).")
def serve(data: Path | None, host: str, port: int, workers: int | None) -> None:
    """Run the server until Ctrl+C or SIGTERM, for example: leadpact serve --port 8080

    The database is the embedded one of the data directory, or the server that DATABASE_URL names.
    """
    run(data_directory(data), host=host, port=port, workers=workers or _most_workers())


def run(
    data: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int | None = None,
    before: Callable[[], None] | None = None,
    ready: Callable[[str], None] | None = None,
    first: Callable[[], Iterator[None]] | None = None,
    until_first_is_over: bool = False,
) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP. Raises CannotDo where it cannot start.

    `before` runs with Django set up and migrated, before the first request can come; `ready` is told the address
    when it answers (else it is printed). `first` is work in small steps, done while pages are served already; the
    job worker starts after it, or nothing does, `until_first_is_over`.
    """
    port = _free(host, port)
    address = _address(host, port)
    over = threading.Event()
    with _once(data, address), _told_to_stop(over), django_ready(data) as server:
        from leadpact.site.collect import collect

        collect()
        if before is not None:
            before()
        if over.is_set():
            return
        supervisor = Supervisor(_environment(host))
        try:
            supervisor.add("web", host, str(port), str(workers or _most_workers()))
            if _answers(host, port, over, supervisor):
                (ready or _announce)(address)
                if first is not None:
                    _do(first(), supervisor, over)
                if not until_first_is_over:
                    supervisor.add("jobs")
                    _watch(server, supervisor, over)
        finally:
            supervisor.stop()


def _do(work: Iterator[None], supervisor: Supervisor, over: threading.Event) -> None:
    """Do all of `work`, unless told to stop."""
    for _ in work:
        supervisor.look()
        if over.is_set():
            return


def _announce(address: str) -> None:
    click.echo(f"leadpact serves at {address} (stop it with Ctrl+C)")


@contextmanager
def _once(data: Path, address: str) -> Iterator[None]:
    """One server a data directory: hold its lock, with who and where we are in it."""
    lock = FileLock(private_directory(data) / "serve.lock")
    if not lock.exclusive(wait=False):
        raise CannotDo(_occupied(data, lock.read()))
    try:
        lock.write(json.dumps({"pid": os.getpid(), "address": address}))
        yield
        lock.write("")
    finally:
        lock.release()


def _occupied(data: Path, written: str) -> str:
    try:
        holder = json.loads(written)
        who = f"at {holder['address']} (process {holder['pid']})"
    except (ValueError, KeyError):
        who = "in another process that is just starting"
    return f"leadpact already serves {data} {who}: use that one, stop it first, or name another directory with --data."


@contextmanager
def _told_to_stop(over: threading.Event) -> Iterator[None]:
    """Signals set `over`; a second one while stopping changes nothing."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: over.set()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _free(host: str, port: int) -> int:
    """The port, after seeing that nobody has it (0: one that is free). Raises CannotDo.

    The web server shares its port between processes and would share it with a stranger too.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotDo(
                f"{host} port {port} cannot be listened on ({error.strerror}): choose another with --port or --host."
            ) from error
        return int(probe.getsockname()[1])


def _address(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 -- compared
    return f"http://{shown}:{port}"


def _environment(host: str) -> dict[str, str]:
    """What the server's processes get: a pool of connections, their level of logging, and the names they answer to."""
    names = [os.environ.get("LEADPACT_HOSTS", "")]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 -- compared
        names.append(socket.gethostname())
        for addresses in psutil.net_if_addrs().values():
            names += [found.address for found in addresses if found.family == socket.AF_INET]
    elif host not in {"127.0.0.1", "::1"}:
        names.append(host)
    known = {"LEADPACT_POOL": str(POOL), "LEADPACT_LOG_LEVEL": "INFO"}
    return known | os.environ | {"LEADPACT_HOSTS": ",".join(name for name in names if name)}


def _answers(host: str, port: int, over: threading.Event, supervisor: Supervisor) -> bool:
    """Wait until the server answers; False where it was told to stop first. Raises CannotDo after READY_S."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared
    until = time.monotonic() + READY_S
    while not over.wait(LOOK_S):
        supervisor.look()
        asking = http.client.HTTPConnection(target, port, timeout=2)
        try:
            asking.request("GET", "/health/live", headers={"Host": "localhost"})
            if asking.getresponse().status == 200:
                return True
        except OSError:
            pass
        finally:
            asking.close()
        if time.monotonic() > until:
            raise CannotDo("The web server does not answer; its messages above say why.")
    return False


def _watch(server: Cluster | OwnServer, supervisor: Supervisor, over: threading.Event) -> None:
    """Until told to stop: restart what dies, the database included."""
    while not over.wait(LOOK_S):
        supervisor.look()
        if isinstance(server, Cluster) and not server.running:
            sys.stderr.write("The database has stopped; starting it again.\n")
            server.start()
