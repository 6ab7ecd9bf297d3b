"""kill -9 of the server and its database in the middle of 200 calls; the client repeats them all: each touch once."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from leadpact.kit.postgres import Cluster
from leadpact.kit.testing import ROOT
from tests.test_serve import command, start

CALLS, EVENTS, THREADS, KILL_AFTER = 200, 5, 8, 60
FURNISH = """
import sys
from pathlib import Path
from leadpact.kit import clock
from leadpact.kit.commands import django_ready
with django_ready(Path(sys.argv[1])):
    from leadpact.capture.actions.keys import create_key
    from tests.cast import make_cast, sign
    sign(make_cast())
    print(create_key(name="shop", at=clock.now()).secret)
"""
# One process instead of three commands: an agreement in force, the cast, and a key.
KINDS = ("Page Viewed", "Seminar Attended", "Paper Downloaded", "Demo Requested", "Email Sent")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "data"
    yield place
    end(place)


def processes(place: Path) -> list[psutil.Process]:
    """Every process that serves this directory: the server's, and those of its database."""
    found = [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get("LEADPACT_DATA") == str(place)
    ]
    file = place / "postgres" / "postmaster.pid"
    if file.exists():
        postmaster = psutil.Process(int(file.read_text(encoding="utf-8").split()[0]))
        found += [postmaster, *postmaster.children(recursive=True)]
    return list(dict.fromkeys(found))


def end(place: Path) -> None:
    """kill -9 of all of them, and wait until they are gone."""
    own = os.getpid()
    try:
        victims = [process for process in processes(place) if process.pid != own]
    except psutil.NoSuchProcess:
        victims = []
    for process in victims:
        process.kill()
    _, alive = psutil.wait_procs(victims, timeout=20)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def body(call: int) -> bytes:
    """A call of five events: forty people of ten companies, and every fourth call without a name."""
    who: dict[str, Any] = {"anonymousId": f"browser {call % 16}"}
    if call % 4:
        address = f"p{call % 40}@c{call % 10}.example"
        who |= {"context": {"traits": {"email": address}}}
    return json.dumps({
        "batch": [
            {"type": "track", "event": KINDS[(call + n) % len(KINDS)], "messageId": f"call {call} event {n}",
             "properties": {"n": call * EVENTS + n}, **who}
            for n in range(EVENTS)
        ]
    }).encode()  # fmt: skip


def send(address: str, key: str, call: int) -> bool:
    """Whether the server said that the call is on disk."""
    name = base64.b64encode(f"{key}:".encode()).decode()
    headers = {"Authorization": f"Basic {name}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/v1/batch", body(call), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read()) == {"success": True}
    except (OSError, urllib.error.URLError):
        return False


def test_each_touch_once_and_the_ledger_proven(data: Path) -> None:
    server, address = start(data)
    furnished = subprocess.run(
        [sys.executable, "-c", FURNISH, str(data)], cwd=ROOT, check=True, timeout=100, text=True, stdout=subprocess.PIPE
    )
    key = furnished.stdout.split()[-1]

    answered: set[int] = set()
    enough = threading.Event()

    def first(call: int) -> None:
        if not enough.is_set() and send(address, key, call):
            answered.add(call)
            if len(answered) >= KILL_AFTER:
                enough.set()

    with ThreadPoolExecutor(THREADS) as pool:
        sent = [pool.submit(first, call) for call in range(CALLS)]
        assert enough.wait(60)
        end(data)
        for one in sent:
            one.result()
    server.communicate()
    assert KILL_AFTER <= len(answered) < CALLS - THREADS, "the server was killed in the middle"

    server, address = start(data)
    with Cluster(data).connect("app", autocommit=True) as app:
        kept = {row[0] for row in app.execute("SELECT (properties->>'n')::int FROM leads_touch").fetchall()}
        promised = {call * EVENTS + n for call in answered for n in range(EVENTS)}
        assert promised <= kept, "what was answered is on disk"
        assert len(kept) % EVENTS == 0, "a call is taken as a whole or not at all"

        with ThreadPoolExecutor(THREADS) as pool:
            assert all(pool.map(lambda call: send(address, key, call), range(CALLS)))

        def number(query: str) -> int:
            row = app.execute(query).fetchone()  # type: ignore[arg-type]
            assert row is not None
            return row[0]

        assert number("SELECT count(*) FROM leads_touch") == CALLS * EVENTS
        assert number("SELECT count(DISTINCT (properties->>'n')::int) FROM leads_touch") == CALLS * EVENTS
        assert number("SELECT count(DISTINCT message) FROM capture_receipt") == CALLS * EVENTS
        assert number("SELECT count(*) FROM leads_lead") == number("SELECT count(*) FROM custody_holding") >= 30
        nobodys = (
            "SELECT count(*) FROM leads_lead l LEFT JOIN custody_holding h ON h.lead_id = l.id WHERE h.lead_id IS NULL"
        )
        assert number(nobodys) == 0
        assert number("SELECT count(*) FROM custody_entry WHERE move = 'handed_over'") > 0

    verified = command(data, "custody", "verify", "--json")
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["holds"] is True
    server.terminate()
    server.communicate(timeout=30)
    assert server.returncode == 0
