"""`leadpact backup` and `leadpact restore`."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import click

from leadpact.kit.commands import data_option, django_ready, orderly_end
from leadpact.kit.environment import secret
from leadpact.kit.failures import CannotDo
from leadpact.kit.places import VARIABLE, data_directory, private_directory
from leadpact.kit.postgres import Cluster
from leadpact.site import archive

# The tables whose rows people ask about.
SHOWN = {"leads_lead": "leads", "leads_touch": "touches", "custody_entry": "ledger entries", "team_user": "users"}


@click.command()
@data_option
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def backup(data: Path | None, file: Path, replace: bool, as_json: bool) -> None:
    """Write everything into one file, for example: leadpact backup monday.leadpact

    The server may run meanwhile: the file holds one moment. It holds the secret key too: keep it safe.
    """
    if file.exists() and not replace:
        raise CannotDo(f"{file} is there already: name another file, or say --replace.")
    place = data_directory(data)
    _must_exist(place)
    with orderly_end(), django_ready(place) as server:
        manifest = archive.write(file, place, server)
    size = file.stat().st_size
    if as_json:
        click.echo(json.dumps({"file": str(file), "bytes": size, "made_at": manifest.made_at, "rows": manifest.rows}))
    else:
        click.echo(f"Wrote {file} ({_bytes(size)}): {_shown(manifest.rows)}.")


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar=VARIABLE,
    help="Data directory to restore into: a new or an empty one.",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def restore(data: Path | None, file: Path, as_json: bool) -> None:
    """Bring a backup back, for example: leadpact restore monday.leadpact --data ./restored

    Rows are compared with what was backed up, and the ledger is proved.
    """
    place = data_directory(data)
    if secret("DATABASE_URL"):
        raise CannotDo(
            "restore fills an embedded database: leave DATABASE_URL out, or unpack the file with tar and give its "
            "database.dump to pg_restore for a server of your own."
        )
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise CannotDo(f"{place} is not empty, and a restore never writes over data: name a new directory with --data.")
    manifest = archive.read_manifest(file)
    was_there = place.exists()
    try:
        with orderly_end():
            with Cluster(private_directory(place)) as cluster:
                archive.unpack(file, manifest, place, cluster)
            # Tables of an older version are brought up to date, and the ledger is proved by today's code.
            with django_ready(place):
                proof = _prove()
    except BaseException:
        _undo(place, was_there=was_there)
        raise
    if as_json:
        click.echo(
            json.dumps(
                {"data": str(place), "made_at": manifest.made_at, "rows": manifest.rows, "ledger_holds": proof.holds}
            )
        )
    else:
        click.echo(f"Restored the backup of {manifest.made_at} into {place}: {_shown(manifest.rows)}.")
    if not proof.holds:
        raise CannotDo(
            f"The ledger was restored as it was, and does not hold: {proof.problems[0]}; see leadpact custody verify --data {place}"
        )
    if not as_json:
        click.echo("Every table has the rows it had, and the ledger holds.")


def _prove() -> Any:
    from leadpact.custody.actions.proof import verify

    return verify()


def _must_exist(place: Path) -> None:
    """Without this a misspelt --data would make a new, empty installation and back that up."""
    if not secret("DATABASE_URL") and not (place / "postgres").exists():
        raise CannotDo(f"There is no leadpact in {place}; name its data directory with --data or {VARIABLE}.")


def _undo(place: Path, *, was_there: bool) -> None:
    """Leave an empty directory empty, so that the restore can be tried again."""
    if Cluster(place).running:
        return
    for entry in list(place.iterdir()) if place.exists() else []:
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    if not was_there and place.exists():
        os.rmdir(place)  # noqa: PTH106 -- only where it is empty


def _shown(rows: dict[str, int]) -> str:
    return ", ".join(f"{rows[table]:,} {says}" for table, says in SHOWN.items() if table in rows)


def _bytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB" if size >= 1_000_000 else f"{size / 1_000:,.0f} kB"
