"""Touches, withdrawals and attribute facts only grow: the database refuses to change or delete them."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from leadpact.kit.migrations import KeepFromApp

GROWING = ("leads_touch", "leads_touchvoid", "leads_attributefact")

# TRUNCATE, and only that, is allowed where the database is a test's own.
FUNCTIONS = """
CREATE FUNCTION only_grows_1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation', HINT = 'Write another row that says what changed.';
END $$;

CREATE FUNCTION never_emptied_1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_database() NOT LIKE 'test\\_%' THEN
        RAISE EXCEPTION '% only grows: TRUNCATE is refused', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
"""
WITHOUT_FUNCTIONS = "DROP FUNCTION only_grows_1(); DROP FUNCTION never_emptied_1();"


def guard(table: str) -> migrations.RunSQL:
    """The two triggers of a table that only grows."""
    return migrations.RunSQL(
        f"CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION only_grows_1();"
        f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION never_emptied_1();",
        f"DROP TRIGGER only_grows ON {table}; DROP TRIGGER never_emptied ON {table};",
    )


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("leads", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(FUNCTIONS, WITHOUT_FUNCTIONS),
        *[guard(table) for table in GROWING],
        *[KeepFromApp(table, "UPDATE, DELETE") for table in GROWING],
    ]
