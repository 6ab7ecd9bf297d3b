"""`leadpact demo`: a simulated company's year, run through the loop itself, with users of each role, and the server.

The pages are up within seconds; the year is lived while they are looked at, and the job worker, which knows only the real clock,
starts when the virtual one has caught up with it.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadpact.kit.failures import CannotDo
from leadpact.kit.garbage import leave_alone
from leadpact.kit.locks import FileLock
from leadpact.kit.places import data_directory
from leadpact.site.serve import run

if TYPE_CHECKING:
    from leadpact.loop.rehearsal import Rehearsal
    from leadpact.simulation.company import Company
    from leadpact.team.models import User

DAYS = 365
MARKER = "demo.json"
EVERY_DAYS = 15


@dataclass(frozen=True, slots=True)
class Marker:
    """What the demo's data directory says of itself."""

    leads: int
    seed: int
    start: str
    password: str
    finished: bool

    def write(self, data: Path) -> None:
        """Keep it beside the data, readable by its owner only."""
        file = data / MARKER
        file.touch(mode=0o600)
        file.write_text(json.dumps({name: getattr(self, name) for name in self.__slots__}), encoding="utf-8")


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data directory (default: leadpact-demo in the XDG data home).",
)
@click.option(
    "--leads", default=20_000, show_default=True, type=click.IntRange(50, 200_000), help="Size of the company."
)
@click.option("--seed", default=7, show_default=True, type=click.IntRange(0), help="The same seed is the same company.")
@click.option(
    "--days", default=DAYS, show_default=True, type=click.IntRange(28, 730), help="How long it lives, up to today."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--no-serve", is_flag=True, help="Live the year, print the figures, and stop.")
def demo(data: Path | None, leads: int, seed: int, days: int, host: str, port: int, no_serve: bool) -> None:
    """Show the product with a simulated company's year, for example: leadpact demo --leads 2000

    The data stay: a second call serves them again.
    """
    place = data_directory(data) if data else data_directory(None).with_name("leadpact-demo")
    marker = _read(place)
    if marker is not None and not marker.finished:
        _clear(place)
        click.echo("The last demo was stopped before its year was over; it starts afresh.", err=True)
        marker = None
    if marker is None:
        if place.exists() and any(place.iterdir()):
            raise CannotDo(f"{place} holds data that are no demo: name another directory with --data.")
        start = (datetime.now(UTC) - timedelta(days=days)).date().isoformat()
        marker = Marker(leads, seed, start, secrets.token_urlsafe(9), finished=False)
    living = None if marker.finished else _Living(place, marker, days)

    def ready(address: str) -> None:
        _announce(address, marker)

    run(
        place, host=host, port=port,
        before=living.prepare if living else None,
        first=living.live if living else None,
        ready=ready, until_first_is_over=no_serve,
    )  # fmt: skip


class _Living:
    """The company, its users, and its year."""

    def __init__(self, place: Path, marker: Marker, days: int) -> None:
        self.place, self.marker, self.days = place, marker, days
        self._began = time.monotonic()

    def prepare(self) -> None:
        """Make the company and its users, and have both heads sign the example agreement."""
        self.marker.write(self.place)
        from leadpact.simulation.company import Company

        start = datetime.fromisoformat(self.marker.start).replace(tzinfo=UTC)
        self.company = Company(self.marker.seed, self.marker.leads, start, self.days)
        self.users = make_users(self.company, self.marker.password)
        sign_example(self.users, self.company.start)

    def live(self) -> Iterator[None]:
        """Live the year, a day at a time, showing how far it is; then print what came of it."""
        from django.db import connection

        from leadpact.loop.rehearsal import Rehearsal

        with connection.cursor() as cursor:
            # A crash of the demo may lose its last moments: it starts afresh then anyway. Nobody else's commits are touched.
            cursor.execute("SET synchronous_commit = off")
        rehearsal = Rehearsal(self.company, self.users)
        # The company stays as it is for the whole year: a collector that walks through it again and again finds nothing.
        leave_alone()
        with click.progressbar(length=self.days, label="Living the year", file=sys.stderr) as bar:
            for number, (_, counts) in enumerate(rehearsal.run(), start=1):
                bar.update(1)
                if not sys.stderr.isatty() and number % EVERY_DAYS == 0:
                    click.echo(
                        f"day {number} of {self.days}: {counts.touches:,} touches, {counts.handed_over:,} hand-overs,"
                        f" {time.monotonic() - self._began:,.0f} s",
                        err=True,
                    )
                yield
        with connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")
        Marker(self.marker.leads, self.marker.seed, self.marker.start, self.marker.password, finished=True).write(
            self.place
        )
        from leadpact.site.demo_report import report

        click.echo(report(rehearsal, seconds=time.monotonic() - self._began))


def make_users(company: Company, password: str) -> dict[str, User]:
    """A user for each employee of the company, two heads of department and one of operations."""
    from django.contrib.auth.hashers import make_password

    from leadpact.team.models import Absence, User

    hashed = make_password(password)
    rows = [
        User(
            email=f"{name}@northwind.example",
            name=says,
            role=role,
            department=department,
            password=hashed,
            is_catch_all=catches,
        )
        for name, says, role, department, catches in (
            ("operations", "Revenue Operations", "operations", "", False),
            ("marketing", "Head of Marketing", "manager", "marketing", False),
            ("sales", "Head of Sales", "manager", "sales", True),
        )
    ]
    rows += [
        User(email=one.email, name=one.name, role="marketer", department="marketing", password=hashed)
        for one in company.marketers
    ]
    rows += [
        User(
            email=one.email,
            name=one.name,
            role="salesperson",
            department="sales",
            password=hashed,
            takes_leads=True,
            weight=one.weight,
            cap=max(10, one.capacity * 3),
            timezone="America/Chicago",
        )
        for one in company.salespeople
    ]
    users = {user.email: user for user in User.objects.bulk_create(rows)}
    Absence.objects.bulk_create(
        Absence(user=users[one.email], starts_at=away.starts_at, ends_at=away.ends_at, note=away.why)
        for one in company.salespeople
        for away in one.absences
    )
    return users


def sign_example(users: dict[str, User], at: int) -> None:
    """Draft the example file, propose it, and have both heads sign it, in force from `at`."""
    from importlib.resources import files

    from leadpact.agreement import actions

    source = files("leadpact.language").joinpath("example.yaml").read_text(encoding="utf-8")
    marketing, sales = users["marketing@northwind.example"], users["sales@northwind.example"]
    version = actions.draft(source=source, by=marketing, at=at)
    actions.propose(number=version.number, by=marketing, at=at)
    actions.sign(number=version.number, by=marketing, at=at)
    actions.sign(number=version.number, by=sales, at=at)


def _announce(address: str, marker: Marker) -> None:
    click.echo(f"\nleadpact serves at {address}  (stop it with Ctrl+C)")
    click.echo(f"Log in with the password {marker.password} as one of")
    for name, says in (
        ("marketing", "head of Marketing"), ("sales", "head of Sales"), ("operations", "revenue operations"),
        ("m01", "a marketer"), ("s01", "a salesperson"),
    ):  # fmt: skip
        click.echo(f"  {name}@northwind.example".ljust(34) + says)
    click.echo("")


def _read(place: Path) -> Marker | None:
    file = place / MARKER
    return Marker(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


def _clear(place: Path) -> None:
    """Remove a demo that was stopped half-way. Only ever called on a directory that a demo made. Raises CannotDo."""
    from leadpact.kit.postgres import Cluster

    lock = FileLock(place / "serve.lock")
    if not lock.exclusive(wait=False):
        raise CannotDo(f"A demo runs on {place} already: stop it first, or name another directory with --data.")
    lock.release()
    cluster = Cluster(place)
    if cluster.running:
        cluster.stop()
    shutil.rmtree(place)


if TYPE_CHECKING:
    _ = Rehearsal
