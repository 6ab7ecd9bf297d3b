"""Who may do what in the database.

`owner` owns the schema: it creates and changes tables, and runs only while migrating. `app` is what the
server and the commands work as: it reads and writes rows, makes temporary tables, and has no DDL. A mistake
or an injection in the application can therefore not drop a table, nor switch off the trigger that keeps
the ledger append-only. `superuser` exists in the embedded cluster only, for making and dropping databases.
"""

from __future__ import annotations

from typing import Literal, cast

from psycopg import Connection, sql

Role = Literal["app", "owner", "superuser"]
ROLES: dict[Role, str] = {"app": "leadpact_app", "owner": "leadpact_owner", "superuser": "postgres"}
DATABASE = "leadpact"

_ROWS = sql.SQL("SELECT, INSERT, UPDATE, DELETE")

# Tables that the app cannot even read were never granted: an own server's, from before it had two roles.
# What a migration took away (UPDATE and DELETE on the ledger) is not given back.
_NEVER_GRANTED = """
    SELECT c.relname
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
      AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
      AND NOT has_table_privilege(%s, c.oid, 'SELECT')
    ORDER BY c.relname
"""


def grant_app(owner: Connection[tuple[object, ...]], *, app: str = ROLES["app"]) -> list[str]:
    """Let the role `app` work with the rows of every table that the connected owner makes, now and later.

    Call it before migrating: tables get these rights as they are made, and what a migration revokes stays
    revoked. Harmless to repeat; does nothing where one role is both. Returns the tables that were there and had no
    rights yet: from these, whoever calls takes away again what their migrations took.
    """
    role = sql.Identifier(app)
    with owner.transaction(), owner.cursor() as cursor:
        if cursor.execute("SELECT current_user::text").fetchone() == (app,):
            return []
        for statement in (
            sql.SQL("GRANT USAGE ON SCHEMA public TO {role}"),
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rows} ON TABLES TO {role}"),
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}"),
        ):
            cursor.execute(statement.format(role=role, rows=_ROWS))
        late = [cast("str", table) for (table,) in cursor.execute(_NEVER_GRANTED, [app]).fetchall()]
        for table in late:
            name = sql.Identifier("public", table)
            cursor.execute(sql.SQL("GRANT {rows} ON {name} TO {role}").format(rows=_ROWS, name=name, role=role))
        if late:
            cursor.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}").format(role=role))
        return late
