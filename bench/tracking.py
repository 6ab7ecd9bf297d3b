"""How fast the tracking API takes touches through the whole loop, beside bare COPY of the same events.

    python -m bench.tracking [--events 60000]

A server of its own (embedded database, two web workers) on this machine; calls of 100 events each from another process;
every event is tied, judged by the example agreement, and moved where the agreement says. Beside it, in the same run and the
same server: the rows of the same touches by bare COPY into a table without index or constraint, and single calls one by one.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Thread
from typing import Any

LIMIT = 6_000
AIM = 12_000
PER_CALL = 100
SENDERS = 8
SINGLES = 600
PEOPLE = 20_000
FIRMS = 8_000
KINDS = (
    ("page", None, 62), ("track", "email.opened", 14), ("track", "email.clicked", 6), ("track", "paper.downloaded", 5),
    ("track", "seminar.attended", 2), ("track", "demo.requested", 1), ("identify", None, 6), ("group", None, 4),
)  # fmt: skip
PATHS = ("/", "/product", "/pricing", "/pricing/plans", "/blog/throughput", "/cases", "/about", "/docs/start")
INDUSTRIES = ("Manufacturing", "Logistics", "Wholesale", "Retail", "Education", "Health")


def make_events(count: int, seed: int) -> list[dict[str, Any]]:
    """Events as a website and a mail system would send them: people, firms and anonymous visitors in ordinary shares."""
    chance = random.Random(seed)
    weights = [weight for _, _, weight in KINDS]
    events = []
    for number in range(count):
        call, name, _ = chance.choices(KINDS, weights)[0]
        who = chance.randrange(PEOPLE)
        event: dict[str, Any] = {"type": call, "messageId": f"bench-{seed}-{number}"}
        if call == "page" and chance.random() < 0.3:
            event["anonymousId"] = f"visitor-{chance.randrange(PEOPLE)}"
        else:
            event["userId"] = f"user-{who}"
        if call == "page":
            event["properties"] = {"path": chance.choice(PATHS), "title": "A page"}
        elif call == "track":
            event["event"] = name
            event["properties"] = {"campaign": "spring"}
        elif call == "identify":
            event["traits"] = {
                "email": f"user{who}@firm{who % FIRMS}.example",
                "title": "Plant manager",
                "timeline_months": chance.randrange(24),
            }
        else:
            event["groupId"] = f"firm-{who % FIRMS}"
            event["traits"] = {
                "domain": f"firm{who % FIRMS}.example",
                "industry": chance.choice(INDUSTRIES),
                "employees": chance.randrange(10, 9000),
            }
        events.append(event)
    return events


def _send(address: tuple[str, int], key: str, bodies: list[bytes], path: str, times: Any) -> None:
    headers = {
        "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(),
        "Content-Type": "application/json",
    }
    connection = http.client.HTTPConnection(*address, timeout=60)
    took = []
    for body in bodies:
        began = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200 or b"rejected" in said:
            raise SystemExit(f"{answer.status}: {said[:300]!r}")
        took.append(time.perf_counter() - began)
    times.put(took)


def send_all(
    address: tuple[str, int], key: str, bodies: list[bytes], path: str, senders: int
) -> tuple[float, list[float]]:
    """Send the bodies from `senders` threads of one other process; seconds in all, and of each call."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_sender, args=(address, key, bodies, path, senders, queue))
    process.start()
    seconds, took = queue.get()
    process.join()
    if seconds < 0:
        raise SystemExit("a call was not answered with 200")
    return seconds, took


def _sender(address: tuple[str, int], key: str, bodies: list[bytes], path: str, senders: int, queue: Any) -> None:
    import queue as queues

    times: queues.Queue[list[float]] = queues.Queue()
    threads = [Thread(target=_send, args=(address, key, bodies[i::senders], path, times)) for i in range(senders)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    took = [one for _ in range(times.qsize()) for one in times.get()]
    queue.put((seconds, took) if len(took) == len(bodies) else (-1.0, took))


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def prepare() -> str:
    """Salespeople and the signed example agreement; returns a server key. Django is set up."""
    from leadpact.capture.actions.keys import create_key
    from leadpact.kit import clock
    from leadpact.team.models import User
    from tests.cast import make_cast, sign

    at = clock.now()
    cast = make_cast()
    sign(cast, at=at)
    for number in range(30):
        User.objects.create_user(
            f"s{number}@northwind.example", role="salesperson", department="sales", takes_leads=True, cap=1000
        )
    return create_key(name="bench", per_minute=10_000_000, at=at).secret


def until_settled() -> None:
    """Wait for the server's last process, the one of the jobs: until then it takes a processor for its own start."""
    from django.db import connection

    end = time.monotonic() + 60
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM procrastinate_workers")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.2)
    raise SystemExit("the server's jobs did not start within a minute")


def bare_copy(count: int) -> float:
    """Seconds to COPY the rows of as many touches into a table without index or constraint."""
    from leadpact.kit.raw import cursor

    with cursor() as raw:
        raw.execute(
            "SELECT visitor_id, kind, at, known_at, channel, campaign, properties::text, cells::text FROM leads_touch LIMIT $1",
            (count,),
        )
        rows = raw.fetchall()
        raw.execute(
            "CREATE TEMP TABLE bare (visitor_id bigint, kind text, at bigint, known_at bigint, channel text, campaign text,"
            " properties jsonb, cells jsonb)"
        )
        rows = (rows * (count // max(len(rows), 1) + 1))[:count]
        began = time.perf_counter()
        with raw.copy("COPY bare FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return time.perf_counter() - began


def main(arguments: list[str] | None = None) -> None:
    """Run it and print the figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--events", type=int, default=60_000)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--warm-up", type=int, default=20_000)
    options = asked.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="leadpact-bench-") as place:
        os.environ["LEADPACT_DATA"] = place
        server = subprocess.Popen(
            [sys.executable, "-m", "leadpact", "serve", "--data", place, "--port", "0", "--workers", str(options.workers)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            found = re.search(r"http://([\d.]+):(\d+)", line)
            if found is None:
                raise SystemExit(f"the server did not start: {line}")
            _measure((found[1], int(found[2])), options, Path(place))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def _measure(address: tuple[str, int], options: argparse.Namespace, place: Path) -> None:
    from leadpact.kit.commands import django_ready

    with django_ready(place):
        key = prepare()
        until_settled()
        warm = make_events(options.warm_up, seed=1)
        events = make_events(options.events, seed=2)
        bodies = [
            [json.dumps({"batch": chunk[i : i + PER_CALL]}).encode() for i in range(0, len(chunk), PER_CALL)]
            for chunk in (warm, events)
        ]
        send_all(address, key, bodies[0], "/v1/batch", SENDERS)
        seconds, took = send_all(address, key, bodies[1], "/v1/batch", SENDERS)
        rate = options.events / seconds
        again = make_events(options.events, seed=4)
        known = [json.dumps({"batch": again[i : i + PER_CALL]}).encode() for i in range(0, len(again), PER_CALL)]
        known_seconds, known_took = send_all(address, key, known, "/v1/batch", SENDERS)
        known_rate = options.events / known_seconds
        copied = options.events / bare_copy(options.events)
        singles = [json.dumps(event).encode() for event in make_events(SINGLES * 3, seed=3) if event["type"] == "page"][
            :SINGLES
        ]
        _, alone = send_all(address, key, singles, "/v1/page", 1)
    print(
        f"tracking API, {PER_CALL} events a call, whole loop   {rate:>10,.0f} events/s   {rate / LIMIT:.2f} of the"
        f" {LIMIT:,} to reach, {rate / AIM:.2f} of the {AIM:,} to aim at"
    )
    print(
        f"  a call of {PER_CALL}                              p50 {percentile(took, 0.5) * 1e3:,.0f} ms, p99"
        f" {percentile(took, 0.99) * 1e3:,.0f} ms"
    )
    print(
        f"  the same again, most people known by then    {known_rate:>10,.0f} events/s   {known_rate / LIMIT:.2f} of the"
        f" {LIMIT:,} to reach; a call p50 {percentile(known_took, 0.5) * 1e3:,.0f} ms,"
        f" p99 {percentile(known_took, 0.99) * 1e3:,.0f} ms"
    )
    print(
        f"bare COPY of the same touches                  {copied:>10,.0f} rows/s     the loop runs at {rate / copied:.3f} of it"
    )
    print(
        f"single calls, one after another                p50 {percentile(alone, 0.5) * 1e3:.1f} ms, p99"
        f" {percentile(alone, 0.99) * 1e3:.1f} ms"
    )


if __name__ == "__main__":
    main()
