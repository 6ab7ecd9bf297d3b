"""A directory whose tables `leadpact manage migrate` made is as good as one that the first start made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from leadpact.kit.postgres import Cluster

RIGHTS = """
    SELECT c.relname, c.relkind::text, array(
        SELECT r FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS r
        WHERE c.relkind <> 'S' AND has_table_privilege('leadpact_app', c.oid, r)
    ), c.relkind = 'S' AND has_sequence_privilege('leadpact_app', c.oid, 'USAGE')
    FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S') ORDER BY 1
"""
# As a directory stood that was made before `manage migrate` gave rights.
WITHOUT = """
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM leadpact_app;
    REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM leadpact_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM leadpact_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM leadpact_app;
"""


def command(data: Path, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "leadpact", *arguments],
        env=os.environ | {"LEADPACT_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def rights(data: Path) -> list[tuple[Any, ...]]:
    with Cluster(data) as cluster, cluster.connect("owner") as owner:
        return owner.execute(RIGHTS).fetchall()


def test_a_directory_made_by_manage_migrate(tmp_path: Path) -> None:
    first, migrated = tmp_path / "first", tmp_path / "migrated"
    assert json.loads(command(first, "custody", "verify", "--json"))["holds"] is True
    meant = rights(first)
    kept = {name: given for name, _, given, _ in meant}
    assert kept["custody_entry"] == ["SELECT", "INSERT"]
    assert kept["leads_person"] == ["SELECT", "INSERT", "UPDATE", "DELETE"]

    assert "agreement.0004_effects" in command(migrated, "manage", "migrate")
    assert rights(migrated) == meant
    assert json.loads(command(migrated, "custody", "verify", "--json"))["holds"] is True
    # The lock of whoever migrates was given back, also to a command that finds nothing to do.
    assert "No migrations to apply" in command(migrated, "manage", "migrate")

    with Cluster(migrated) as cluster, cluster.connect("owner") as owner:
        owner.execute(WITHOUT)
        assert not owner.execute("SELECT has_table_privilege('leadpact_app', 'custody_entry', 'SELECT')").fetchone()[0]
    assert json.loads(command(migrated, "custody", "verify", "--json"))["holds"] is True
    assert rights(migrated) == meant
