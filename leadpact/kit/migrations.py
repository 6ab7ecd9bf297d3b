"""What migrations need beyond Django's own operations: which connection they use, and rights taken from the app."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


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
