"""What migrations need beyond Django's own operations: which connection they use, and rights taken from the app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from psycopg import sql

from leadpact.kit.failures import CannotDo
from leadpact.kit.postgres import Cluster, OwnServer, grant_app

# Any number, as long as nothing else in this database takes an advisory lock on it.
MIGRATING = 7_423_015_201


def migrate_if_needed(server: Cluster | OwnServer) -> bool:
    """Bring the tables up to date, as their owner; whether there was anything to do. Two at once take turns.

    Raises CannotDo where the tables were made by a newer leadpact.
    """
    with _turn() as connection:
        executor = MigrationExecutor(connection)
        loader = executor.loader
        ours = {label for label in loader.migrated_apps if label in {app for app, _ in loader.disk_migrations}}
        unknown = sorted(
            f"{app}.{name}"
            for app, name in loader.applied_migrations
            if app in ours and (app, name) not in loader.disk_migrations and (app, name) not in loader.replacements
        )
        if unknown:
            raise CannotDo(f"The database was used by a newer leadpact (it has {unknown[-1]}): install that one.")
        needed = bool(executor.migration_plan(loader.graph.leaf_nodes()))
        if needed or not _app_reads(server, connection):
            _give_rights(server, connection)
        if needed:
            call_command("migrate", database="owner", verbosity=0, interactive=False)
    connection.close()
    return needed


@contextmanager
def migrating(server: Cluster | OwnServer) -> Iterator[None]:
    """For a block that changes tables: nobody else does meanwhile, and the application's role has its rights on them.

    A table that is made outside such a block is one that the server cannot read.
    """
    with _turn() as connection:
        _give_rights(server, connection)
        yield


@contextmanager
def _turn() -> Iterator[BaseDatabaseWrapper]:
    """The owner's connection, with the lock of whoever migrates."""
    connection = connections["owner"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
    try:
        yield connection
    finally:
        # Django's commands close every connection at their end, and the lock went with it.
        if connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])


def _app_reads(server: Cluster | OwnServer, connection: BaseDatabaseWrapper) -> bool:
    """Whether the application's role was given its rights; asked of a table that every migrated database has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(%s, 'django_migrations', 'SELECT')", [server.parameters("app")["user"]]
        )
        return bool(cursor.fetchone()[0])


def _give_rights(server: Cluster | OwnServer, connection: BaseDatabaseWrapper) -> None:
    """Rights on tables to come, and on those that were made without; from these is taken what their migrations take."""
    app = server.parameters("app")["user"]
    with server.connect("owner") as owner, owner.transaction():
        late = set(grant_app(owner, app=app))
        if not late:
            return
        loader = MigrationLoader(connection)
        for key in loader.applied_migrations:
            for step in loader.disk_migrations[key].operations if key in loader.disk_migrations else ():
                if isinstance(step, KeepFromApp) and step.table in late:
                    owner.execute(
                        sql.SQL("REVOKE {rights} ON {table} FROM {app}").format(
                            rights=sql.SQL(step.rights),  # pyright: ignore[reportArgumentType] -- checked when it was made
                            table=sql.Identifier(step.table),
                            app=sql.Identifier(app),
                        )
                    )


class OwnerMigrates:
    """Database router: tables are made and changed over the connection "owner" only."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Whether migrations may run over `db`."""
        return db == "owner"

    def allow_relation(self, first: object, second: object, **hints: Any) -> bool:
        """Both connections reach one database."""
        return True


class KeepFromApp(Operation):
    """Take rights on a table from the application's role: `KeepFromApp("custody_entry", "UPDATE, DELETE")`.

    Without it the app may SELECT, INSERT, UPDATE and DELETE. With one role for both (an own server without
    DATABASE_OWNER_URL) nothing can be taken from the owner of a table: then triggers alone stand guard.
    """

    reduces_to_sql = True
    reversible = True
    RIGHTS: ClassVar[set[str]] = {"SELECT", "INSERT", "UPDATE", "DELETE"}

    def __init__(self, table: str, rights: str) -> None:
        unknown = {right.strip() for right in rights.split(",")} - self.RIGHTS
        if unknown:
            raise ValueError(f"the app is never given {', '.join(sorted(unknown))}")
        self.table = table
        self.rights = rights

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Rights are no part of the models."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """REVOKE."""
        self._say(schema_editor, "REVOKE {rights} ON {table} FROM {app}")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """GRANT again."""
        self._say(schema_editor, "GRANT {rights} ON {table} TO {app}")

    def describe(self) -> str:
        """For `migrate` and `showmigrations`."""
        return f"Keep {self.rights} on {self.table} from the application"

    def _say(self, schema_editor: BaseDatabaseSchemaEditor, statement: str) -> None:
        app = settings.DATABASES["default"]["USER"]
        if app and app != settings.DATABASES["owner"]["USER"]:
            quote = schema_editor.quote_name
            schema_editor.execute(statement.format(rights=self.rights, table=quote(self.table), app=quote(app)))
