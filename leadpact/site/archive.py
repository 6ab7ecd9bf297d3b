"""What a backup is: one tar file, and how the database goes into it and comes out again.

    manifest.json   who made it and when, the rows of every table, the digest of the dump
    secret.key      the key that signs sessions and links
    roots/…         exported roots of the ledger
    database.dump   PostgreSQL's custom format; `pg_restore` reads it without leadpact

Rows are counted and dumped in one snapshot, so that a restore can prove itself complete.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from leadpact.kit.failures import CannotDo
from leadpact.kit.places import secret_key_file
from leadpact.kit.postgres import Cluster, OwnServer, binaries

FORM = 1
MANIFEST, KEY, DUMP, ROOTS = "manifest.json", "secret.key", "database.dump", "roots"
TABLES = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `rows`: by table. `roles`: the names of owner and app in the dump."""

    leadpact: str
    postgres: int
    made_at: str
    rows: dict[str, int]
    roles: dict[str, str]
    digest: str
    form: int = FORM


def count_rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """The number of rows of every table, exactly."""
    counted: dict[str, int] = {}
    for (table,) in connection.execute(TABLES).fetchall():
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", table))).fetchone()
        counted[table] = row[0] if row else 0
    return counted


def write(file: Path, data: Path, server: Cluster | OwnServer) -> Manifest:
    """Back up the running database and the keys of `data` into `file`. Raises CannotDo; nothing half-written is left."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    dump = draft.with_suffix(".dump")
    try:
        with server.connect("owner") as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()
            rows = count_rows(connection)
            _private(dump)
            parameters = server.parameters("owner")
            _run(
                "pg_dump", parameters, "--format=custom", "--compress=gzip:3", f"--snapshot={snapshot[0] if snapshot else ''}",
                f"--file={dump}",
            )  # fmt: skip
            manifest = Manifest(
                leadpact=version("leadpact"),
                postgres=connection.info.server_version // 10_000,
                made_at=datetime.now(UTC).isoformat(timespec="seconds"),
                rows=rows,
                roles={role: server.parameters(role)["user"] for role in ("owner", "app")},
                digest=_digest(dump.open("rb")),
            )
        _private(draft)
        with tarfile.open(draft, "w") as archive:
            text = json.dumps(asdict(manifest), indent=1).encode()
            entry = tarfile.TarInfo(MANIFEST)
            entry.size, entry.mode, entry.mtime = len(text), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(text))
            archive.add(secret_key_file(data), KEY)
            for root in sorted((data / ROOTS).glob("*.json")):
                archive.add(root, f"{ROOTS}/{root.name}")
            archive.add(dump, DUMP)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(file)
    except OSError as error:
        raise CannotDo(f"{file} cannot be written ({error.strerror}); name another file.") from error
    finally:
        draft.unlink(missing_ok=True)
        dump.unlink(missing_ok=True)
    return manifest


def read_manifest(file: Path) -> Manifest:
    """What a backup says of itself. Raises CannotDo where it is none, or one of another form."""
    try:
        with tarfile.open(file) as archive:
            found = json.loads(_member(archive, MANIFEST).read())
        form = found["form"]
    except OSError as error:
        raise CannotDo(f"{file} cannot be read ({error.strerror}); name a file that leadpact backup wrote.") from error
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise CannotDo(
            f"{file} is no backup of leadpact, or was cut off; name a file that leadpact backup wrote."
        ) from error
    if form != FORM:
        raise CannotDo(f"{file} is of form {form}, and this leadpact reads form {FORM}: install the one that wrote it.")
    return Manifest(**found)


def unpack(file: Path, manifest: Manifest, data: Path, cluster: Cluster) -> None:
    """Bring keys and rows into the empty, running cluster of `data`, and compare the rows. Raises CannotDo."""
    dump = data / DUMP
    _private(dump)
    try:
        with tarfile.open(file) as archive:
            for member in archive.getmembers():
                if member.name.startswith(f"{ROOTS}/") and member.isfile():
                    _keep(archive, member.name, data / ROOTS / Path(member.name).name)
            _keep(archive, KEY, secret_key_file(data))
            with _member(archive, DUMP) as source, dump.open("wb") as target:
                for block in iter(lambda: source.read(1 << 20), b""):
                    target.write(block)
        if _digest(dump.open("rb")) != manifest.digest:
            raise CannotDo(f"{file} is damaged: its database does not have the digest that was written beside it.")
        _under_names(
            cluster,
            manifest.roles,
            lambda owner: _run("pg_restore", owner, "--exit-on-error", "--single-transaction", str(dump)),
        )
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise CannotDo(f"{file} was cut off: something of it is missing.") from error
    finally:
        dump.unlink(missing_ok=True)
    with cluster.connect("owner", autocommit=True) as connection:
        connection.execute("ANALYZE")
        found = count_rows(connection)
    wrong = sorted(
        table for table in found.keys() | manifest.rows.keys() if found.get(table) != manifest.rows.get(table)
    )
    if wrong:
        table = wrong[0]
        raise CannotDo(
            f"The restored database is not the one that was backed up: {table} has {found.get(table, 0):,} rows "
            f"and had {manifest.rows.get(table, 0):,}."
        )


def _under_names(cluster: Cluster, names: dict[str, str], work: Callable[[dict[str, str]], None]) -> None:
    """Do `work` while our roles bear the names they have in the dump, so that its grants reach them.

    In a dump of somebody's own server they may be called anything. Where one role was both, ours of the
    application gets its rights from the next migration instead.
    """
    ours = {role: cluster.parameters(role)["user"] for role in ("owner", "app")}
    renamed = {ours[role]: name for role, name in names.items() if name != ours[role]}
    if names["owner"] == names["app"]:
        renamed.pop(ours["app"], None)
    owner = cluster.parameters("owner")

    def rename(pairs: dict[str, str]) -> None:
        with cluster.connect("superuser", autocommit=True) as connection:
            for old, new in pairs.items():
                connection.execute(
                    sql.SQL("ALTER ROLE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
                )

    rename(renamed)
    try:
        work(owner | {"user": renamed.get(owner["user"], owner["user"])})
    finally:
        rename({new: old for old, new in renamed.items()})


def _run(name: str, parameters: dict[str, str], *arguments: str) -> None:
    """Run pg_dump or pg_restore with connection parameters in its environment, where no other account sees them."""
    named = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "sslmode": "PGSSLMODE"}
    environment = binaries.plain_environment() | {named[key]: parameters[key] for key in named if key in parameters}
    database = f"--dbname={parameters['dbname']}"
    ended = subprocess.run(
        [binaries.program(name), database, "--no-password", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode != 0:
        raise CannotDo(f"PostgreSQL's {name} failed: {(ended.stderr.strip() or 'it said nothing').splitlines()[0]}")


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise KeyError(name)
    return found


def _keep(archive: tarfile.TarFile, name: str, path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    _private(path)
    with _member(archive, name) as source:
        path.write_bytes(source.read())


def _private(path: Path) -> None:
    """An empty file that only we can read, in place of whatever was there."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _digest(file: IO[bytes]) -> str:
    with file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # pyright: ignore[reportArgumentType] -- a buffered reader
