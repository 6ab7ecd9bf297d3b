"""`leadpact team …`: the first administrator, links, people, keys of the API."""

from __future__ import annotations

import json
import sys

import click

from leadpact.kit import clock
from leadpact.kit.commands import needs_database
from leadpact.kit.failures import CannotDo

# Rooms with tables are imported inside the commands: their models need Django set up.


@click.group()
def team() -> None:
    """People, invitations and keys of the API.

    \b
    Example:
      leadpact team create-admin ada@northwind.example
    """


@team.command("create-admin")
@click.argument("email")
@click.option("--name", default="", help="How pages call them.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of printing a link."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@needs_database
def create_admin(email: str, name: str, password_stdin: bool, as_json: bool) -> None:
    """Make an account of operations, or make the account of that address one.

    Prints a link that sets the password, once, within a day.

    \b
    Example:
      leadpact team create-admin ada@northwind.example --name Ada
      pass show leadpact | leadpact team create-admin ada@northwind.example --password-stdin
    """
    from leadpact.team.actions import entrance

    _check_address(email)
    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    user = entrance.create_administrator(email=email, name=name, password=password)
    if password_stdin:
        click.echo(json.dumps({"email": user.email}) if as_json else f"{user.email} can log in, and runs everything.")
        return
    _print_link(entrance.offer_new_password(user=user, by=None, at=clock.now()), user.email, as_json=as_json)


@team.command("link")
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@needs_database
def link(email: str, as_json: bool) -> None:
    """Print a link with which this person sets a new password, once, within a day.

    \b
    Example:
      leadpact team link ada@northwind.example
    """
    from leadpact.team import queries
    from leadpact.team.actions import entrance

    user = queries.by_email(email)
    if user is None:
        raise CannotDo(f"Nobody has the address {email}; `leadpact team list` shows who is there.")
    _print_link(entrance.offer_new_password(user=user, by=None, at=clock.now()), user.email, as_json=as_json)


@team.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@needs_database
def list_people(as_json: bool) -> None:
    """Everybody, with role and whether they are here.

    \b
    Example:
      leadpact team list --json
    """
    from leadpact.team import queries

    people = list(queries.people(at=clock.now()).order_by("name", "email"))
    if as_json:
        rows = [
            {
                "id": one.pk, "email": one.email, "name": one.name, "role": one.role, "department": one.department,
                "active": one.is_active, "away": queries.is_away(one), "takes_leads": one.takes_leads,
            }
            for one in people
        ]  # fmt: skip
        click.echo(json.dumps(rows, indent=2))
        return
    if not people:
        click.echo("Nobody yet. Open the address of the server, or: leadpact team create-admin YOU@COMPANY")
    for one in people:
        state = "closed" if not one.is_active else "away" if queries.is_away(one) else "present"
        click.echo(
            f"{one.email:<40} {queries.role_words(one.role):<12} {state:<8} {'takes leads' if one.takes_leads else ''}".rstrip()
        )


@team.group()
def key() -> None:
    """Keys of the REST API.

    \b
    Example:
      leadpact team key create warehouse --scopes read --json
    """


@key.command("create")
@click.argument("name")
@click.option("--scopes", default="read", show_default=True, help="Out of read and write, with a comma.")
@click.option("--as", "email", help="Whose eyes it has (default: those of operations).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@needs_database
def create_key(name: str, scopes: str, email: str | None, as_json: bool) -> None:
    """Make a key. It is shown once and kept nowhere.

    \b
    Example:
      leadpact team key create warehouse --scopes read,write --json
    """
    from leadpact.team import queries
    from leadpact.team.actions import keys

    user = queries.by_email(email) if email else None
    if email and user is None:
        raise CannotDo(f"Nobody has the address {email}; `leadpact team list` shows who is there.")
    asked = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    if not asked or set(asked) - set(keys.SCOPES):
        raise click.BadParameter(f"scopes are {' and '.join(keys.SCOPES)}, with a comma between", param_hint="--scopes")
    made = keys.create_key(name=name, scopes=asked, user=user, by=None, at=clock.now())
    click.echo(json.dumps({"api_key": made}) if as_json else f"{made}\nKeep it: it is shown this once.")


@key.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@needs_database
def list_keys(as_json: bool) -> None:
    """Keys, without their secrets.

    \b
    Example:
      leadpact team key list
    """
    from leadpact.team import queries

    found = list(queries.keys().order_by("pk"))
    if as_json:
        rows = [
            {
                "id": one.pk,
                "name": one.name,
                "prefix": one.prefix,
                "scopes": one.scopes,
                "revoked": one.revoked_at is not None,
            }
            for one in found
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    if not found:
        click.echo("No keys yet: leadpact team key create NAME")
    for one in found:
        state = "revoked" if one.revoked_at else "works"
        click.echo(f"{one.pk:>5}  {one.prefix}…  {','.join(one.scopes):<11} {state:<8} {one.name}")


@key.command("revoke")
@click.argument("key_id", type=int)
@needs_database
def revoke_key(key_id: int) -> None:
    """End a key at once; its number is in `leadpact team key list`.

    \b
    Example:
      leadpact team key revoke 3
    """
    from leadpact.team.actions import keys

    click.echo(f"“{keys.revoke_key(key_id=key_id, by=None, at=clock.now())}” is revoked.")


def _print_link(secret: str, email: str, *, as_json: bool) -> None:
    from django.conf import settings

    path = f"/team/join/{secret}/"
    address = f"{settings.PUBLIC_URL or 'http://127.0.0.1:8000'}{path}"
    if as_json:
        click.echo(json.dumps({"email": email, "link": address}))
        return
    click.echo(f"{email} sets a password here, once, within a day:\n{address}")
    if not settings.PUBLIC_URL:
        click.echo("(Change host and port to those of your server, or set LEADPACT_URL.)", err=True)


def _check_address(email: str) -> None:
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    try:
        validate_email(email)
    except ValidationError:
        raise click.BadParameter(f"{email!r} is no e-mail address", param_hint="EMAIL") from None
