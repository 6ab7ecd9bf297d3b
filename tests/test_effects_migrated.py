"""Versions as the release before effects wrote them, brought forward by agreement/0004_effects on a database of their own."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, cast

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql
from pytest_django import DjangoDbBlocker

from leadpact.agreement import actions, queries
from leadpact.agreement.models import Effect, Revision, Signature, Version
from leadpact.agreement.rules.seal import seal
from leadpact.custody.actions import SYSTEM, NewEntry, record
from leadpact.kit import clock
from leadpact.kit.postgres import Cluster, grant_app
from leadpact.language.canonical import agreement_hash, canonical
from leadpact.language.parse import parse
from leadpact.leads.models import Lead, Person
from leadpact.site.agreement_proof import verify as command
from leadpact.team.models import User
from tests.cast import DAY, EXAMPLE, HOUR, T0

BEFORE, AFTER = ("agreement", "0003_version_view"), ("agreement", "0004_effects")
EXAMPLE_SOURCE = EXAMPLE.read_text(encoding="utf-8")
COPY = "CREATE DATABASE {name} TEMPLATE {template} OWNER leadpact_owner"
# The question that the release before asked, once for each judgement.
RAN = """
    SELECT hash FROM agreement_version WHERE status = 'signed' AND effective_at <= %s
    ORDER BY effective_at DESC, number DESC LIMIT 1
"""
ROWS = "SELECT number, name, source, canonical, hash, status, created_by_id, created_at FROM agreement_version ORDER BY number"
OLD_ROWS = """
    SELECT v.number, v.status, v.effective_at, v.superseded_at, s.department, s.user_id, s.hash, s.at
    FROM agreement_version AS v LEFT JOIN agreement_signature AS s ON s.version_id = v.id ORDER BY 1, 5
"""


def source(points: int, name: str = "Northwind qualified lead") -> str:
    """The example with another worth of its first line; another number is another meaning."""
    written = EXAMPLE_SOURCE.replace("points: 20", f"points: {points}", 1)
    return written.replace("name: Northwind qualified lead", f"name: {name}", 1)


class Earlier:
    """The verbs of the release before, on its tables: each writes the rows that it wrote."""

    def __init__(self) -> None:
        self.ada = User.objects.create_user(
            "ada@northwind.example", "Ada", name="Ada", role="manager", department="marketing"
        )
        self.bo = User.objects.create_user("bo@northwind.example", "Bo", name="Bo", role="manager", department="sales")

    def draft(self, number: int, text: str, *, at: int) -> None:
        parsed = parse(text).agreement
        run(
            "INSERT INTO agreement_version (number, name, source, status, created_by_id, created_at)"
            " VALUES (%s, %s, %s, 'draft', %s, %s)",
            number, parsed.name if parsed else f"Draft {number}", text, self.ada.pk, at,
        )  # fmt: skip

    def propose(self, number: int) -> None:
        parsed = parse(run("SELECT source FROM agreement_version WHERE number = %s", number)[0][0]).agreement
        assert parsed is not None
        run(
            "UPDATE agreement_version SET canonical = %s, hash = %s, status = 'proposed' WHERE number = %s",
            canonical(parsed), agreement_hash(parsed), number,
        )  # fmt: skip

    def sign(self, number: int, by: User, *, at: int, effective_at: int | None = None) -> None:
        run(
            "INSERT INTO agreement_signature (version_id, department, user_id, hash, at)"
            " SELECT id, %s, %s, hash, %s FROM agreement_version WHERE number = %s",
            by.department, by.pk, at, number,
        )  # fmt: skip
        both = "SELECT count(*) FROM agreement_signature AS s JOIN agreement_version AS v ON v.id = version_id WHERE number = %s"
        if run(both, number)[0][0] == 2:
            begins = max(at, effective_at or at)
            run("UPDATE agreement_version SET status = 'signed', effective_at = %s WHERE number = %s", begins, number)
            run(
                "UPDATE agreement_version SET superseded_at = %s"
                " WHERE status = 'signed' AND superseded_at IS NULL AND number <> %s",
                begins, number,
            )  # fmt: skip

    def in_force(self, number: int, text: str, *, at: int, effective_at: int | None = None) -> None:
        """Drafted, proposed and signed by both, Sales a minute after Marketing."""
        self.draft(number, text, at=at - HOUR)
        self.propose(number)
        self.sign(number, self.ada, at=at - HOUR // 60)
        self.sign(number, self.bo, at=at, effective_at=effective_at)


def run(statement: str, *values: object) -> list[tuple[Any, ...]]:
    """A statement as the application's role."""
    with connections["default"].cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def before(cluster: Cluster, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A template with every migration but those that come after the release before."""
    name = f"test_{os.getpid()}_before"
    with cluster.connect("superuser", "postgres", autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        server.execute(
            sql.SQL("CREATE DATABASE {} OWNER leadpact_owner TEMPLATE template0").format(sql.Identifier(name))
        )
        with cluster.connect("superuser", name, autocommit=True) as fresh:
            fresh.execute("ALTER SCHEMA public OWNER TO leadpact_owner")
        with cluster.connect("owner", name) as owner:
            grant_app(owner)
        with django_db_blocker.unblock(), named(name):
            executor = MigrationExecutor(connections["owner"])
            graph = executor.loader.graph
            executor.migrate([BEFORE, *(leaf for leaf in graph.leaf_nodes() if AFTER not in graph.forwards_plan(leaf))])
        yield name
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def named(name: str) -> Iterator[None]:
    """Both connections reach the database `name` inside the block."""
    former = {alias: connections[alias].settings_dict["NAME"] for alias in ("default", "owner")}
    try:
        for alias in former:
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = name
        yield
    finally:
        for alias, was in former.items():
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = was


@pytest.fixture
def earlier(before: str, cluster: Cluster, django_db_blocker: DjangoDbBlocker) -> Iterator[Earlier]:
    """A database of the release before, for this test alone."""
    name = f"test_{os.getpid()}_earlier"
    names = {"name": sql.Identifier(name), "template": sql.Identifier(before)}
    with cluster.connect("superuser", "postgres", autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**names))
        server.execute(sql.SQL(COPY).format(**names))
        try:
            with django_db_blocker.unblock(), named(name):
                yield Earlier()
        finally:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**names))


def forward() -> None:
    """As `leadpact serve` does when a newer release starts on old data."""
    call_command("migrate", database="owner", verbosity=0, interactive=False)
    connections["owner"].close()


def verified(at: int) -> str:
    """What `leadpact agreement verify` prints at that instant; it must hold."""
    body = cast("Any", command.callback).__wrapped__
    out = io.StringIO()
    with redirect_stdout(out), clock.at(at):
        body(leads=50, as_json=False)
    return out.getvalue()


def history(earlier: Earlier) -> None:
    """Months of the release before: seven versions in every state it knew, and a ledger that names those in force."""
    earlier.in_force(1, source(20), at=T0)
    earlier.in_force(2, source(25), at=T0 + 10 * DAY, effective_at=T0 + 12 * DAY)
    # Back to what version 1 said: that took a copy with another hash, here by its name.
    earlier.in_force(3, source(20, "Northwind again"), at=T0 + 20 * DAY)
    # Signed for a later instant than one that was signed after it: the later beginning decides from its beginning on.
    earlier.in_force(4, source(31), at=T0 + 30 * DAY, effective_at=T0 + 60 * DAY)
    earlier.in_force(5, source(32), at=T0 + 31 * DAY, effective_at=T0 + 32 * DAY)
    # Two that begin at one instant: the higher number decided.
    earlier.in_force(6, source(33), at=T0 + 33 * DAY, effective_at=T0 + 60 * DAY)
    earlier.draft(7, source(40), at=T0 + 34 * DAY)
    earlier.propose(7)
    earlier.sign(7, earlier.bo, at=T0 + 35 * DAY)
    earlier.draft(8, source(41), at=T0 + 34 * DAY)
    earlier.propose(8)
    earlier.draft(9, "leadpact: 1\nname: half a file\n", at=T0 + 36 * DAY)
    person = Person.objects.create(secret=b"s" * 32, created_at=T0)
    lead = Lead.objects.create(person=person, created_at=T0)
    with transaction.atomic():
        record([NewEntry(lead.pk, "captured", SYSTEM)], at=T0 + 1)
        for after, verdict in ((1, "lead"), (13 * DAY, "prospect"), (21 * DAY, "lead"), (33 * DAY, "prospect")):
            (digest,) = run(RAN, T0 + after)[0]
            judged = NewEntry(
                lead.pk, "judged", SYSTEM, verdict=verdict, agreement=digest, due=T0 + 90 * DAY, due_what="touch_every"
            )
            record([judged], at=T0 + after)


INSTANTS = sorted(
    T0 + day * DAY + off for day in (0, 5, 10, 12, 15, 20, 25, 30, 31, 32, 33, 45, 60, 80) for off in (-1, 0, 1)
)


def test_what_was_signed_runs_on_unchanged(earlier: Earlier) -> None:
    history(earlier)
    rows = run(ROWS)
    ran = {at: [row[0] for row in run(RAN, at)] for at in INSTANTS}
    signed = [row[4:] for row in run(OLD_ROWS) if row[4] is not None]
    forward()

    assert run(ROWS) == rows
    now = {at: [found.hash] if (found := queries.in_force(at)) else [] for at in INSTANTS}
    assert now == ran
    assert len({tuple(hashes) for hashes in ran.values()}) == 6  # before, and five of the six: one never began

    effects = [
        (one.version.number, one.status, one.wanted_at, one.effective_at, one.proposed_at)
        for one in Effect.objects.select_related("version").order_by("pk")
    ]
    minute = HOUR // 60
    assert effects == [
        (1, "signed", None, T0, T0 - minute),
        (2, "signed", T0 + 12 * DAY, T0 + 12 * DAY, T0 + 10 * DAY - minute),
        (3, "signed", None, T0 + 20 * DAY, T0 + 20 * DAY - minute),
        (5, "signed", T0 + 32 * DAY, T0 + 32 * DAY, T0 + 31 * DAY - minute),
        (4, "signed", T0 + 60 * DAY, T0 + 60 * DAY, T0 + 30 * DAY - minute),
        (6, "signed", T0 + 60 * DAY, T0 + 60 * DAY, T0 + 33 * DAY - minute),
        (7, "proposed", None, None, T0 + 35 * DAY),
        (8, "proposed", None, None, T0 + 34 * DAY),
    ]
    found = Signature.objects.select_related("effect__version").order_by("effect__version__number", "department")
    assert [(one.department, one.user_id, one.hash, one.at) for one in found] == signed
    for one in found:
        assert one.signer == one.user_id
        assert one.seal == seal(
            effect=one.effect_id, agreement_hash=one.hash, source=one.effect.version.source, wanted_at=one.effect.wanted_at,
            department=one.department, signer=one.signer, at=one.at,
        )  # fmt: skip
    revisions = Revision.objects.select_related("version").order_by("version__number")
    assert [(one.version.number, one.number, one.source, one.at) for one in revisions] == [
        (number, 1, text, at) for number, _, text, _, _, _, _, at in rows
    ]

    said = verified(T0 + 45 * DAY)
    assert "Version 5 runs" in said
    assert "8 versions, 8 proposals, 13 signatures, 4 entries of the ledger" in said


def test_the_work_goes_on(earlier: Earlier) -> None:
    """The other department signs what waited, and an early version is gone back to, under the hash that it always had."""
    history(earlier)
    forward()
    at = T0 + 61 * DAY
    actions.sign(number=7, by=earlier.ada, at=at)
    found = queries.in_force(at)
    assert found is not None
    assert found.number == 7
    first = Version.objects.get(number=1)
    actions.propose_again(number=1, by=earlier.ada, at=at + HOUR)
    actions.sign(number=1, by=earlier.ada, at=at + HOUR)
    actions.sign(number=1, by=earlier.bo, at=at + 2 * HOUR)
    back = queries.in_force(at + 2 * HOUR)
    assert back is not None
    assert (back.number, back.hash) == (1, first.hash)
    actions.edit(number=9, source=source(50), base=1, by=earlier.ada, at=at)
    assert Revision.objects.filter(version__number=9).count() == 2
    assert "Version 1 runs" in verified(at + 3 * HOUR)


def refused(statement: str, *values: object) -> str:
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        run(statement, *values)
    return str(error.value)


def test_what_came_forward_is_guarded(earlier: Earlier) -> None:
    history(earlier)
    forward()
    assert "propose another" in refused("UPDATE agreement_effect SET effective_at = 1 WHERE status = 'signed'")
    assert "cannot be changed" in refused("UPDATE agreement_signature SET at = 1")
    assert "permission denied" in refused("DELETE FROM agreement_revision")
    assert "its text cannot change" in refused("UPDATE agreement_version SET source = 'x' WHERE number = 1")


def test_again_and_all_or_nothing(earlier: Earlier) -> None:
    """A row that it cannot bring forward leaves everything as it was, under its guards; once mended, it runs, and only once."""
    history(earlier)
    # No release wrote this; somebody's hand could.
    run("UPDATE agreement_version SET effective_at = NULL WHERE number = 2")
    old, rows = run(OLD_ROWS), run(ROWS)
    with pytest.raises(IntegrityError, match="signed_has_an_instant"):
        forward()
    connections["owner"].close()
    assert (run(OLD_ROWS), run(ROWS)) == (old, rows)
    assert run("SELECT to_regclass('agreement_effect'), to_regclass('agreement_revision')") == [(None, None)]
    assert run("SELECT count(*) FROM django_migrations WHERE (app, name) = (%s, %s)", *AFTER) == [(0,)]
    assert "cannot be changed or taken back" in refused("UPDATE agreement_signature SET at = 1")

    run("UPDATE agreement_version SET effective_at = %s WHERE number = 2", T0 + 12 * DAY)
    forward()
    made = Effect.objects.count(), Signature.objects.count(), Revision.objects.count()
    forward()
    assert (Effect.objects.count(), Signature.objects.count(), Revision.objects.count()) == made == (8, 13, 9)
    assert "Version 5 runs" in verified(T0 + 45 * DAY)


def test_a_database_without_versions(earlier: Earlier) -> None:
    forward()
    assert queries.in_force(T0) is None
    version = actions.draft(source=EXAMPLE_SOURCE, by=earlier.ada, at=T0)
    assert Revision.objects.get(version=version).number == 1
