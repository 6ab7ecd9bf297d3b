"""What migrations need beyond Django's own operations: which connection they use, and rights taken from the app."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from leadpact.kit.failures import CannotDo
from leadpact.kit.postgres import Cluster, OwnServer, grant_app

# Any number, as long as nothing else in this database takes an advisory lock on it.
MIGRATING = 7_423_015_201


def migrate_if_needed(server: Cluster | OwnServer) -> bool:
    """Bring the tables up to date, as their owner; whether there was anything to do. Two at once take turns.

    Raises CannotDo where the tables were made by a newer leadpact.
    """
    connection = connections["owner"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
        try:
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
            if needed:
                with server.connect("owner") as owner:
                    grant_app(owner, app=server.parameters("app")["user"])
                call_command("migrate", database="owner", verbosity=0, interactive=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])
    connection.close()
    return needed


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
