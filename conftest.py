"""The database that tests get: a copy of a migrated template, on an embedded cluster without fsync.

The template is named by a hash of all migrations, so a changed one makes a new template. Each test process has
a copy of its own (`-n 2` works, and so do two runs at once); tests connect as the application's role, as the
product does. A test in a transaction is rolled back; after one without (`transactional_db`) the copy is made
anew, because the application may not TRUNCATE.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
from psycopg import sql

from leadpact.kit.locks import FileLock
from leadpact.kit.postgres import ROLES, Cluster, grant_app
from leadpact.kit.testing import DATA, ROOT

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

# What migrations are made of beside their own files, and the packages that bring migrations.
USED = ("kit/migrations.py", "kit/instants.py", "kit/postgres/roles.py", "custody/entries.py")
BROUGHT = ("django", "django-allauth", "django-axes", "procrastinate")


def pytest_configure(config: pytest.Config) -> None:
    """Settings that only tests have."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def template_name() -> str:
    """The template's name: it changes with every migration, ours or brought by a package."""
    digest = hashlib.sha256(",".join(f"{name} {version(name)}" for name in BROUGHT).encode())
    files = [*ROOT.glob("leadpact/*/migrations/*.*"), *(ROOT / "leadpact" / name for name in USED)]
    for file in sorted(files):
        digest.update(file.name.encode() + file.read_bytes())
    return f"template_{digest.hexdigest()[:16]}"


def _copy(server: psycopg.Connection[Any], template: str, name: str) -> None:
    """Make database `name` a fresh copy of `template`."""
    names = {
        "name": sql.Identifier(name),
        "template": sql.Identifier(template),
        "owner": sql.Identifier(ROLES["owner"]),
    }
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**names))
    server.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template} OWNER {owner}").format(**names))


def _make_template(cluster: Cluster, server: psycopg.Connection[Any], name: str) -> None:
    """Migrate an empty database and give it its final name last, so that a broken attempt is never used."""
    from django.core.management import call_command
    from django.db import connections

    draft = f"{name}_draft"
    owner, app = sql.Identifier(ROLES["owner"]), sql.Identifier(ROLES["app"])
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(draft)))
    server.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(sql.Identifier(draft), owner))
    with cluster.connect("superuser", draft, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
        # Only in tests: a test inside the application's transaction can do what the owner could (`as_owner`).
        connection.execute(sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(owner, app))
    with cluster.connect("owner", draft) as connection:
        grant_app(connection)
    connections["owner"].settings_dict["NAME"] = draft
    call_command("migrate", database="owner", verbosity=0, interactive=False)
    connections["owner"].close()
    server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name)))


def _tidy(server: psycopg.Connection[Any], keep: str) -> None:
    """Drop copies whose process is gone, and templates a day old: a younger one may be in use by another run."""
    old = """
        SELECT datname, (pg_stat_file('base/' || oid || '/PG_VERSION')).modification < now() - interval '1 day'
        FROM pg_database WHERE datname ~ '^(test|template)_'
    """
    for name, aged in server.execute(old).fetchall():
        kind, _, of = name.partition("_")
        if name != keep and (aged if kind == "template" else not psutil.pid_exists(int(of.partition("_")[0]))):
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The embedded cluster of this checkout's tests, running."""
    with Cluster(DATA, durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def django_db_setup(cluster: Cluster, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Point Django at this process's own copy of the template."""
    from django.db import connections
    from django.test import TransactionTestCase

    template, name = template_name(), f"test_{os.getpid()}"
    for alias, role in (("default", "app"), ("owner", "owner")):
        found = cluster.parameters(role)  # pyright: ignore[reportArgumentType]
        connections[alias].settings_dict.update(
            {
                "HOST": found["host"],
                "PORT": found["port"],
                "USER": found["user"],
                "PASSWORD": found["password"],
                "NAME": name,
            }
        )
    with cluster.connect("superuser", "postgres", autocommit=True) as server:
        with django_db_blocker.unblock(), FileLock(DATA / "template.lock"):
            if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template]).fetchone():
                _make_template(cluster, server, template)
            _tidy(server, keep=template)
            _copy(server, template, name)
        connections["owner"].settings_dict["NAME"] = name

        def renew(_test: TransactionTestCase) -> None:
            for connection in connections.all(initialized_only=True):
                connection.close()
            _copy(server, template, name)

        # Django offers no other hook for this; see the module's first lines.
        setattr(TransactionTestCase, "_fixture_teardown", renew)  # noqa: B010
        yield
        with django_db_blocker.unblock():
            for connection in connections.all(initialized_only=True):
                connection.close()
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def as_owner(db: None) -> Callable[[], AbstractContextManager[None]]:
    """Gives a block that does, in the test's transaction, what only the owner of the tables may."""
    from django.db import connection

    @contextmanager
    def block() -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {ROLES['owner']}")
            try:
                yield
            finally:
                cursor.execute("RESET ROLE")

    return block
