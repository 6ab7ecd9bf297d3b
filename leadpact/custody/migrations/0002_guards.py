"""The database guards the ledger itself: it only grows, in sequence, chained, and by allowed moves only.

The table `custody_move` is filled from entries.py as it was when this migration was written (MOVES names that
state of it). Who changes the table of moves writes another migration that fills it again; a test insists.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

from leadpact.custody import entries
from leadpact.kit.migrations import KeepFromApp

MOVES = "aba2365480435501"

TABLE = """
CREATE TABLE custody_move (
    before varchar(12) NOT NULL,
    move varchar(20) NOT NULL,
    actor varchar(10) NOT NULL,
    verdict varchar(16) NOT NULL,
    holder varchar(9) NOT NULL,
    state varchar(12) NOT NULL,
    PRIMARY KEY (before, move, actor, verdict, holder, state)
);
COMMENT ON TABLE custody_move IS 'Allowed moves of the ledger, filled from custody/entries.py by migrations; nobody else writes here.';
"""

# Planned once per session, perhaps while the ledger is still empty: without the settings a plan that scans the whole
# ledger for each batch could stay in use while it grows.
CHECK = """
CREATE FUNCTION custody_entry_follows_1() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    genesis CONSTANT bytea := decode(repeat('00', 32), 'hex');
    bad record;
BEGIN
    SELECT n.lead_id, n.seq,
        CASE
            WHEN n.seq < 1 OR (n.seq > 1 AND p.seq IS NULL) THEN 'follows no entry'
            WHEN n.previous <> coalesce(p.hash, genesis) THEN 'does not name the hash of the entry before it'
            WHEN octet_length(n.hash) <> 32 THEN 'has no hash'
            WHEN n.at < p.at THEN 'goes back in time'
            WHEN n.seq = 1 AND l.id IS NULL THEN 'belongs to no lead'
            ELSE format('is not an allowed move: %s by %s from %s to %s/%s',
                        n.move, n.actor, coalesce(p.state, 'nothing'), n.holder, n.state)
        END AS what
    INTO bad
    FROM added n
    LEFT JOIN custody_entry p ON p.lead_id = n.lead_id AND p.seq = n.seq - 1
    LEFT JOIN custody_move m ON m.before = coalesce(p.state, '') AND m.move = n.move AND m.actor = n.actor
        AND m.verdict = n.verdict AND m.holder = n.holder AND m.state = n.state
    LEFT JOIN leads_lead l ON l.id = n.lead_id AND n.seq = 1
    WHERE m.state IS NULL OR (n.seq = 1 AND l.id IS NULL) OR n.seq < 1 OR (n.seq > 1 AND p.seq IS NULL) OR n.previous <> coalesce(p.hash, genesis)
        OR octet_length(n.hash) <> 32 OR n.at < p.at
    ORDER BY n.lead_id, n.seq
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % of lead % %', bad.seq, bad.lead_id, bad.what USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER custody_entry_follows AFTER INSERT ON custody_entry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION custody_entry_follows_1();
"""
WITHOUT_CHECK = "DROP TRIGGER custody_entry_follows ON custody_entry; DROP FUNCTION custody_entry_follows_1();"

GROWS = """
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON custody_entry FOR EACH ROW EXECUTE FUNCTION only_grows_1();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON custody_entry FOR EACH STATEMENT EXECUTE FUNCTION never_emptied_1();
"""
WITHOUT_GROWS = "DROP TRIGGER only_grows ON custody_entry; DROP TRIGGER never_emptied ON custody_entry;"


def fill_moves(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make `custody_move` say what entries.py says."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DELETE FROM custody_move")
        cursor.executemany("INSERT INTO custody_move VALUES (%s, %s, %s, %s, %s, %s)", entries.rows())


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("custody", "0001_initial"), ("leads", "0002_only_grows")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(TABLE, "DROP TABLE custody_move"),
        migrations.RunPython(fill_moves, migrations.RunPython.noop),
        migrations.RunSQL(CHECK, WITHOUT_CHECK),
        migrations.RunSQL(GROWS, WITHOUT_GROWS),
        # Holdings are overwritten at every move: room on the page keeps that away from the indexes where the state stays.
        migrations.RunSQL(
            "ALTER TABLE custody_holding SET (fillfactor = 70)", "ALTER TABLE custody_holding RESET (fillfactor)"
        ),
        KeepFromApp("custody_entry", "UPDATE, DELETE"),
        KeepFromApp("custody_move", "INSERT, UPDATE, DELETE"),
    ]
