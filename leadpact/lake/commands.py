"""`leadpact lake`: history out of the database into Parquet, and what is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import click

from leadpact.kit.commands import data_option, django_ready, orderly_end
from leadpact.kit.instants import from_us
from leadpact.kit.places import data_directory
from leadpact.lake.exported import GROWING
from leadpact.lake.problems import counted

WORDS = {
    "touches": "touches",
    "voids": "withdrawals",
    "facts": "values",
    "ledger": "entries of the ledger",
    "frames": "frames of audits",
}
a_folder = click.Path(file_okay=False, path_type=Path)
lake_option = click.option(
    "--lake",
    "folder",
    type=a_folder,
    help="The lake's folder (default: LEADPACT_LAKE, else lake in the data directory).",
)


@click.group()
def lake() -> None:
    """History as Parquet files, by month: for replays, previews, and whatever else reads Parquet."""


@lake.command(epilog="Example: leadpact lake export")
@data_option
@lake_option
@click.option(
    "--patience",
    type=click.FloatRange(0, 3600),
    default=60,
    show_default=True,
    help="Seconds to wait for transactions that are under way; then what was settled earlier is exported.",
)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def export(data: Path | None, folder: Path | None, patience: float, as_json: bool) -> None:
    """Bring the lake up to date: what is new since the last export. The server may run meanwhile; it does so every night."""
    from leadpact.kit import clock
    from leadpact.lake.cli import working
    from leadpact.lake.export import export as run
    from leadpact.lake.manifest import lake_directory

    place = data_directory(data)
    with (
        orderly_end(),
        django_ready(place) as server,
        server.connect("app", autocommit=True) as connection,
        working("exporting history") as told,
    ):
        done = run(connection, folder or lake_directory(place), at=clock.now(), patience=patience, told=told)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "folder": str(done.folder),
                    "exported_at": done.at,
                    "rows": done.rows,
                    "files": done.files,
                    "behind": done.behind,
                }
            )
        )
        return
    new = ", ".join(f"{done.rows[one.name]:,} {WORDS[one.name]}" for one in GROWING if done.rows.get(one.name))
    click.echo(f"{done.folder}, as of {from_us(done.at):%Y-%m-%d %H:%M:%S} UTC: {new or 'nothing'} new.")
    if done.behind:
        click.echo("A transaction has been open since; what came after that instant is exported next time.", err=True)


@lake.command(epilog="Example: leadpact lake status --json")
@data_option
@lake_option
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def status(data: Path | None, folder: Path | None, as_json: bool) -> None:
    """What is in the lake, and as of when. Needs no database."""
    from leadpact.lake.history import figures
    from leadpact.lake.manifest import lake_directory

    found = figures(folder or lake_directory(data_directory(data)))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{found['folder']}, as of {from_us(cast('int', found['exported_at'])):%Y-%m-%d %H:%M:%S} UTC")
    for name, one in cast("Mapping[str, Mapping[str, Any]]", found["relations"]).items():
        months = one["months"]
        span = f", {months[0]} to {months[-1]}" if len(months) > 1 else f", {months[0]}" if months else ""
        click.echo(
            f"  {name:<11}{one['rows']:>12,} rows {_bytes(one['bytes']):>10}  {counted(one['files'], 'file')}{span}"
        )


def _bytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB" if size >= 1_000_000 else f"{size / 1_000:,.0f} kB"
