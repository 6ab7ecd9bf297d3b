"""`leadpact serve` as people run it: up, asked twice, killed, up again, stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from leadpact.kit.postgres import Cluster

START_S = 120


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "data"
    yield place
    # Whatever a failing test left running.
    for process in psutil.process_iter(["cmdline", "environ"]):
        if (process.info["environ"] or {}).get("LEADPACT_DATA") == str(place):
            process.kill()
    if place.exists():
        cluster = Cluster(place)
        cluster.start()
        cluster.stop()


def start(data: Path) -> tuple[subprocess.Popen[str], str]:
    """A server on a free port; returns it with its address once it answers."""
    server = subprocess.Popen(
        [sys.executable, "-m", "leadpact", "serve", "--port", "0", "--workers", "1"],
        env=os.environ | {"LEADPACT_DATA": str(data)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    found = re.search(r"http://\S+", server.stdout.readline())
    assert found, f"the server ended with status {server.wait(30)} before it answered"
    return server, found.group()


def command(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "leadpact", *arguments],
        env=os.environ | {"LEADPACT_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=START_S,
    )


def answer(address: str) -> dict[str, str]:
    with urllib.request.urlopen(address, timeout=10) as response:
        return json.loads(response.read())


def eventually(what: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.1)


def children(server: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    """The server's processes by what they do."""
    found: dict[str, psutil.Process] = {}
    for process in psutil.Process(server.pid).children(recursive=True):
        try:
            kind = process.cmdline()[3:4]
        except psutil.NoSuchProcess:  # a zombie is one too; another died while we looked
            continue
        found |= {name: process for name in ("web", "jobs") if kind == [name]}
    return found


def test_a_servers_life(data: Path) -> None:
    server, address = start(data)
    assert answer(f"{address}/health/live") == {"status": "live"}
    assert answer(f"{address}/health/ready") == {"status": "ready"}

    second = command(data, "serve", "--port", "0")
    assert second.returncode == 1
    assert second.stderr.startswith(f"Error: leadpact already serves {data} at {address} (process {server.pid})")
    assert second.stderr.count("\n") == 1

    # Another command works on the same data while it runs.
    verified = command(data, "custody", "verify", "--json")
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["holds"] is True
    assert Cluster(data).running

    # A part that dies is replaced.
    eventually(lambda: "jobs" in children(server))
    jobs = children(server)["jobs"]
    jobs.kill()
    eventually(lambda: children(server).get("jobs", jobs).pid != jobs.pid)

    # Killed: its processes end with it, the database lives on, and the next server takes it over.
    parts = psutil.Process(server.pid).children(recursive=True)
    own = [part for part in parts if part.name() != "postgres"]
    server.kill()
    server.communicate()
    _, alive = psutil.wait_procs(own, timeout=20)
    assert not alive
    assert Cluster(data).running

    server, address = start(data)
    assert answer(f"{address}/health/ready") == {"status": "ready"}
    # The database killed under it is started again.
    postmaster = int((data / "postgres" / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    os.kill(postmaster, signal.SIGKILL)

    def ready() -> bool:
        try:
            return answer(f"{address}/health/ready") == {"status": "ready"}
        except OSError:
            return False

    time.sleep(0.5)
    eventually(ready)

    begun = time.monotonic()
    server.terminate()
    server.communicate(timeout=30)
    assert server.returncode == 0
    assert time.monotonic() - begun < 10
    assert not Cluster(data).running


def test_a_port_that_is_taken(data: Path) -> None:
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        ended = command(data, "serve", "--port", str(holder.getsockname()[1]))
    assert ended.returncode == 1
    assert "choose another with --port or --host" in ended.stderr
    assert not data.exists()
