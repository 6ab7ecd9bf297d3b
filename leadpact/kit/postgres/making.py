"""Making a new cluster: all of it beside its final place, then one rename. A crash leaves nothing half made."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path

from leadpact.kit.failures import CannotDo
from leadpact.kit.places import write_private
from leadpact.kit.postgres import binaries
from leadpact.kit.postgres.roles import DATABASE, ROLES

ACCESS = """\
# Written by leadpact. Every connection gives a password; nothing comes in over the network.
local  all          all  scram-sha-256
local  replication  all  reject
"""


def passwords_file(data: Path) -> Path:
    """The file of the roles' passwords, for our own processes."""
    return data / "postgres.passwords"


def read_passwords(data: Path) -> dict[str, str]:
    """Passwords by role name; empty where no cluster was made yet."""
    try:
        return dict(json.loads(passwords_file(data).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


def check_version(folder: Path) -> None:
    """Raise CannotDo where the cluster was made by another major version than the one installed."""
    made_by = (folder / "PG_VERSION").read_text(encoding="ascii").strip()
    if made_by != str(binaries.MAJOR):
        raise CannotDo(
            f"The database in {folder} was made by PostgreSQL {made_by}, and this leadpact brings {binaries.MAJOR}: "
            "make a backup with the leadpact that made it, and restore it with this one into a new directory."
        )


def make(data: Path, folder: Path, *, durable: bool) -> None:
    """Make the cluster `folder` inside the data directory, with its roles, passwords and empty database."""
    if folder.exists() and any(folder.iterdir()):
        raise CannotDo(f"{folder} holds something that is no database; name another data directory with --data.")
    binaries.check_reach([binaries.programs(), data])
    draft = folder.with_name(folder.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    binaries.guise().own(draft)
    binaries.run(
        "initdb",
        f"--pgdata={draft}",
        f"--username={ROLES['superuser']}",
        "--encoding=UTF8",
        # The built-in locale sorts and folds alike on every machine, whatever the system's libraries are.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--auth=reject",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    )
    passwords = {role: secrets.token_urlsafe(24) for role in ROLES.values()}
    # Single-user mode: roles get their passwords before anything can connect.
    _single_user(draft, "postgres", _roles(passwords))
    _single_user(draft, DATABASE, _schema())
    access = draft / "pg_hba.conf"
    access.write_text(ACCESS, encoding="ascii")
    write_private(passwords_file(data), json.dumps(passwords, indent=1) + "\n")
    if folder.exists():
        folder.rmdir()
    draft.rename(folder)


def _single_user(folder: Path, database: str, statements: list[str]) -> None:
    """Run statements on a cluster that does not run, one a line. A failing one ends it (and is reported)."""
    binaries.run(
        "postgres",
        "--single",
        "-c",
        "exit_on_error=on",
        "-D",
        str(folder),
        database,
        stdin="\n".join(statements) + "\n",
    )


def _roles(passwords: dict[str, str]) -> list[str]:
    superuser, owner, app = ROLES["superuser"], ROLES["owner"], ROLES["app"]
    return [
        f"ALTER ROLE {superuser} PASSWORD '{passwords[superuser]}'",
        f"CREATE ROLE {owner} LOGIN PASSWORD '{passwords[owner]}'",
        f"CREATE ROLE {app} LOGIN PASSWORD '{passwords[app]}'",
        f"CREATE DATABASE {DATABASE} OWNER {owner}",
        f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {app}",
    ]


def _schema() -> list[str]:
    owner, app = ROLES["owner"], ROLES["app"]
    return [
        f"ALTER SCHEMA public OWNER TO {owner}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {app}",
    ]
