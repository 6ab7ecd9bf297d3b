"""`leadpact capture key …` and `leadpact import`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click

from leadpact.capture.actions.read_file import Asked, Imported, look_at_file
from leadpact.kit import clock
from leadpact.kit.commands import data_option, django_ready, needs_database, orderly_end
from leadpact.kit.instants import from_us
from leadpact.lake.cli import a_file, sentences, working
from leadpact.lake.names import ROLES, Role
from leadpact.lake.problems import counted

# Rooms with tables are imported inside the commands: their models need Django, which a dry run does without.


@click.group()
def capture() -> None:
    """Keys of the tracking API.

    \b
    Example:
      leadpact capture key create website --public --origin https://northwind.example --json
    """


@capture.group()
def key() -> None:
    """Write keys: who may send touches.

    \b
    A server key is trusted; keep it secret. A public key may be seen by everybody who opens the page that uses it:
    it appends touches and only claims what it says of a person.

    \b
    Example:
      leadpact capture key create shop-server
    """


@key.command("create", short_help="Make a key; its secret is shown once.")
@click.argument("name")
@click.option("--public", is_flag=True, help="For web pages: it only claims, has a rate limit, and needs an --origin.")
@click.option(
    "--origin", "origins", multiple=True, metavar="URL", help="A page's origin, https://northwind.example; repeat it."
)
@click.option(
    "--per-minute", type=click.IntRange(1, 10_000_000), help="Events a minute of a public key (default: 3,000)."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@needs_database
def create(name: str, public: bool, origins: tuple[str, ...], per_minute: int | None, as_json: bool) -> None:
    """Make a write key. Its secret is shown once and kept nowhere.

    \b
    Example:
      leadpact capture key create website --public --origin https://northwind.example --json
    """
    from leadpact.capture.actions.keys import create_key
    from leadpact.capture.rules.keys import BadKey, checked_name, checked_origins

    try:
        checked_name(name)
        checked_origins(origins, public=public)
    except BadKey as problem:
        raise click.UsageError(str(problem)) from None
    made = create_key(name=name, public=public, origins=origins, per_minute=per_minute, at=clock.now())
    if as_json:
        said = {
            "write_key": made.secret,
            "id": made.key_id,
            "name": made.name,
            "public": made.public,
            "origins": list(made.origins),
        }
        click.echo(json.dumps(said, ensure_ascii=False))
        return
    click.echo(made.secret)
    kind = f"a public key for pages of {', '.join(made.origins)}" if made.public else "a server key: keep it secret"
    click.echo(f"This is {kind}. It is shown this once. Its number is {made.key_id}.", err=True)


@key.command("list", short_help="All keys, without their secrets.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@needs_database
def list_(as_json: bool) -> None:
    """List all keys, newest first.

    \b
    Example:
      leadpact capture key list --json
    """
    from leadpact.capture.queries import keys

    found = list(keys())
    if as_json:
        said = [
            {
                "id": one.pk, "name": one.name, "prefix": one.prefix, "public": one.is_public, "origins": one.origins,
                "per_minute": one.per_minute if one.is_public else None, "created_at": _iso(one.created_at),
                "last_used_at": _iso(one.last_used_at), "revoked_at": _iso(one.revoked_at),
            }
            for one in found
        ]  # fmt: skip
        click.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo("There is no key yet: make one with `leadpact capture key create NAME`.")
    for one in found:
        kind = f"public, {', '.join(one.origins)}" if one.is_public else "server"
        state = (
            f"revoked {_iso(one.revoked_at)}" if one.revoked_at else f"last used {_iso(one.last_used_at) or 'never'}"
        )
        click.echo(f"{one.pk:>4}  {one.prefix}…  {one.name}  ({kind}; {state})")


@key.command("revoke", short_help="From now on the key opens nothing.")
@click.argument("number", type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@needs_database
def revoke(number: int, as_json: bool) -> None:
    """Revoke the key of this NUMBER (see `list`). Running servers forget it within five seconds.

    \b
    Example:
      leadpact capture key revoke 3
    """
    from leadpact.capture.actions.keys import revoke_key

    one = revoke_key(key_id=number, at=clock.now())
    said = {"id": one.pk, "name": one.name, "revoked_at": _iso(one.revoked_at)}
    click.echo(json.dumps(said, ensure_ascii=False) if as_json else f"{one.name} opens nothing any more.")


@click.command("import", short_help="Import leads, touches, outcomes or spend from a file.")
@click.argument("file", type=a_file)
@click.option("--as", "role", type=click.Choice(ROLES), required=True, help="What the file holds.")
@click.option(
    "--map", "maps", multiple=True, metavar="OURS=THEIRS",
    help="Which column is which; repeat it. THEIRS may be a place (#3) or a value for all rows (==web).",
)  # fmt: skip
@click.option("--timezone", default="UTC", show_default=True, help="Time zone of times without an offset.")
@click.option("--date-order", metavar="dmy|mdy", help="Day or month first, where a column cannot tell.")
@click.option("--encoding", help="Encoding of a text file, where the guess is wrong.")
@click.option("--dry-run", is_flag=True, help="Read everything, write nothing.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write rows that cannot be taken, as CSV.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@data_option
def import_(
    file: Path,
    role: Role,
    maps: tuple[str, ...],
    timezone: str,
    date_order: str | None,
    encoding: str | None,
    dry_run: bool,
    rejects: Path | None,
    as_json: bool,
    data: Path | None,
) -> None:
    """Import a FILE of leads, touches, outcomes or spend: CSV, JSON Lines or Parquet; gzip is fine.

    Importing a file twice is harmless. Rows that cannot be taken go to the file that --rejects names (without it, to
    FILE.rejected.csv in this folder), with line and reason.

    \b
    Example:
      leadpact import leads.csv --as leads --map created_at="First contact" --dry-run
    """
    asked = Asked(role, maps, timezone, date_order, encoding)
    rejects = rejects or Path(f"{file.name.partition('.')[0] or file.name}.rejected-{role}.csv")
    with sentences(), working(f"{'reading' if dry_run else 'importing'} {file.name}") as told:
        if dry_run:
            found, _ = look_at_file(path=file, asked=asked, at=clock.now(), rejects_to=rejects, told=told)
        else:
            found = _take(file, asked, rejects, data, told)
    _say(found, rejects, as_json=as_json)


def _take(file: Path, asked: Asked, rejects: Path, data: Path | None, told: Callable[[float], None]) -> Imported:
    with orderly_end(), django_ready(data):
        from leadpact.capture.actions.import_file import import_file

        return import_file(path=file, asked=asked, now=clock.now, rejects_to=rejects, told=told)


def _say(found: Imported, rejects: Path, *, as_json: bool) -> None:
    if as_json:
        said = found.as_json() | {"rejects": str(rejects) if found.refused else None}
        click.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    for line in found.report:
        click.echo(line)
    if found.refused:
        click.echo(f"{counted(found.refused, 'row')} of {found.file} cannot be taken: see {rejects}")
    if found.dry_run:
        click.echo(f"Dry run: nothing was written; {counted(found.taken, 'row')} would be taken.")
        return
    parts = [f"{counted(found.taken, 'row')} taken"]
    if found.repeated:
        parts.append(f"{found.repeated:,} were taken before and passed over")
    if found.created:
        parts.append(f"{counted(found.created, 'lead')} made")
    click.echo(f"{'; '.join(parts)}.")
    if found.taken and found.role != "spend":
        click.echo("The leads concerned are judged within a minute by the running server.")


def _iso(us: int | None) -> str | None:
    return None if us is None else from_us(us).isoformat(timespec="seconds").replace("+00:00", "Z")
