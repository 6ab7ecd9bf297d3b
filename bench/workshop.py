"""How fast the workshop's figures follow a moved number, through HTTP, at 100,000 leads and a year.

    python -m bench.workshop [--leads 100000] [--touches 2000000] [--moves 60]

A server of its own (embedded database, one web worker). The history is made by DuckDB (`bench.replay_data`) and made ready as
the job does it; the leads of that history are in the database too, since the page names those who would move. Then somebody who
is logged in moves points, caps and thresholds by chance, one after another. Limit: p95 under one second, from request to the
last byte. `figures` is what a slider asks for; `page` the whole page, as without scripts. Exit status 1 when the limit is broken.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.tracking import percentile

LIMIT = 1.0
BATCH = 5_000
LEADS_OF = ("hist_leads", "hist_touches", "hist_labels", "hist_returns", "hist_framed", "hist_audits", "hist_won")


def main(arguments: list[str] | None = None) -> int:
    """Run it and print the figures."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--leads", type=int, default=100_000)
    asked.add_argument("--touches", type=int, default=2_000_000)
    asked.add_argument("--moves", type=int, default=60)
    options = asked.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="leadpact-bench-") as place:
        os.environ["LEADPACT_DATA"] = place
        server = subprocess.Popen(
            [sys.executable, "-m", "leadpact", "serve", "--data", place, "--port", "0", "--workers", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            found = re.search(r"http://([\d.]+):(\d+)", line)
            if found is None:
                raise SystemExit(f"the server did not start: {line}")
            return _measure((found[1], int(found[2])), options, Path(place))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def _measure(address: tuple[str, int], options: argparse.Namespace, place: Path) -> int:
    from leadpact.kit.commands import django_ready

    with django_ready(place):
        cookie, seconds = _furnish(place, options.leads, options.touches)
        print(f"made ready in {seconds:.1f} s: {options.leads:,} leads, {options.touches:,} touches")
        ways = {
            "figures": _ask(address, cookie, "/agreement/1/workshop/figures/", options.moves, htmx=True),
            "page": _ask(address, cookie, "/agreement/1/workshop/", max(10, options.moves // 4), htmx=False),
        }
    worst = 0.0
    for name, took in ways.items():
        high = percentile(took, 0.95)
        worst = max(worst, high)
        print(
            f"workshop, {name:8} over HTTP, {options.leads:,} leads   p50 {percentile(took, 0.5) * 1e3:,.0f} ms,"
            f" p95 {high * 1e3:,.0f} ms   {high / LIMIT:.2f} of the limit"
        )
    return 0 if worst < LIMIT else 1


def _furnish(place: Path, leads: int, touches: int) -> tuple[str, float]:
    """The signed example, a ready bench, the leads' names, and the cookie of the head of Marketing."""
    from django.conf import settings
    from django.test import Client

    from bench.replay_data import load
    from leadpact.agreement.actions import ask_bench, bench_ready
    from leadpact.agreement.queries import in_force
    from leadpact.kit import clock
    from leadpact.lake.preview import open_bench, prepare
    from leadpact.lake.store import Store
    from tests.cast import make_cast, sign

    at = clock.now()
    cast = make_cast()
    sign(cast, at=at)
    version = in_force(at)
    assert version is not None
    _leads(leads, at)
    folder = f"benches/{version.hash[:16]}-{at}"
    with Store(threads=2) as store, tempfile.TemporaryDirectory(prefix="leadpact-bench-") as files:
        load(store, Path(files), leads=leads, touches=touches)
        # The lake names leads by their numbers in the database; the generator by a text that ends in one.
        for relation in LEADS_OF:
            store.execute(f"UPDATE {relation} SET lead_id = CAST(CAST(right(lead_id, 8) AS BIGINT) + 1 AS VARCHAR)")
        store.execute(
            "UPDATE hist_facts SET key = CAST(CAST(right(key, 8) AS BIGINT) + 1 AS VARCHAR) WHERE subject = 'lead'"
        )
        began = time.perf_counter()
        prepare(store, version.agreement, out=place / folder)
        seconds = time.perf_counter() - began
    ask_bench(agreement=version.agreement, by=cast.ada, at=at)
    made = open_bench(place / folder)
    bench_ready(
        agreement_hash=version.hash,
        folder=folder,
        start=int(made.first.min()),
        end=made.end,
        stay=86_400_000_000,
        at=at,
    )
    client = Client()
    client.force_login(cast.ada, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value, seconds


def _leads(count: int, at: int) -> None:
    from leadpact.leads.models import Account, Lead, Person

    firm = Account.objects.create(domain="firm.example", name="Firm", created_at=at)
    for low in range(1, count + 1, BATCH):
        numbers = range(low, min(low + BATCH, count + 1))
        Person.objects.bulk_create(
            Person(pk=n, email=f"p{n}@firm.example", name=f"Person {n}", account=firm, created_at=at) for n in numbers
        )
        Lead.objects.bulk_create(Lead(pk=n, person_id=n, created_at=at, source="website") for n in numbers)


def _ask(address: tuple[str, int], cookie: str, path: str, moves: int, *, htmx: bool) -> list[float]:
    """Seconds of each request, after two that warm the process."""
    from leadpact.agreement.queries import in_force
    from leadpact.kit import clock
    from leadpact.language.knobs import knobs

    version = in_force(clock.now())
    assert version is not None
    chance = random.Random(1)
    connection = http.client.HTTPConnection(*address, timeout=60)
    headers = {"Cookie": f"sessionid={cookie}"} | ({"HX-Request": "true"} if htmx else {})
    took: list[float] = []
    turning: list[Any] = list(knobs(version.agreement))
    for number in range(moves + 2):
        moved = {one.name: chance.randint(max(one.low, one.least), one.high) for one in chance.sample(turning, 3)}
        began = time.perf_counter()
        connection.request("GET", f"{path}?{urlencode(moved)}", headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        seconds = time.perf_counter() - began
        if answer.status != 200 or "Handed over" not in body:
            raise SystemExit(f"{path} answered {answer.status}: {re.sub('<[^>]+>', ' ', body)[:300]}")
        if number >= 2:
            took.append(seconds)
    return took


if __name__ == "__main__":
    sys.exit(main())
