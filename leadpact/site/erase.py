"""`leadpact erase` and `leadpact export`: forget a person, or write down everything that is held about them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadpact.kit.commands import needs_database
from leadpact.kit.failures import CannotDo

if TYPE_CHECKING:
    from leadpact.loop.erasing import Whom
    from leadpact.team.models import User

MENTION = "A part of their name stands in words that others wrote; read them, and mend them if they mean this person:"

# Rooms are imported inside the commands: their tables need Django, which `needs_database` sets up.


@click.command(epilog="Example: leadpact erase vera@ferro.example --dry-run")
@click.argument("email")
@click.option("--dry-run", is_flag=True, help="Say what would be erased, and erase nothing.")
@click.option("--yes", is_flag=True, help="Do not ask: for scripts.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
@needs_database
def erase(email: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Forget a person: EMAIL is one of their addresses, or the user id of a caller.

    Names, addresses, traits, notes and what touches say are erased, with every record that was joined with theirs. The ledger
    keeps its shape, its counts and its chain. It cannot be undone. A later touch of the same address is a new person.
    """
    from leadpact.kit import clock
    from leadpact.site.held import OUTSIDE

    found = _found(email)
    if not dry_run and not yes:
        if not sys.stdin.isatty():
            raise CannotDo("There is nobody to ask here: look with --dry-run first, then say --yes.")
        click.echo(_would(found))
        typed = click.prompt("This cannot be undone. Type the address again to erase", default="", show_default=False)
        if typed.strip().casefold() != email.strip().casefold():
            raise CannotDo("That was not the address; nothing was erased.")
    counts, left = (found.counts, "") if dry_run else (erased(found, at=clock.now()), in_lake())
    if as_json:
        told = {
            "dry_run": dry_run,
            "counts": counts,
            "lake": left or None,
            "waiting_files": list(found.waiting_files),
            "mentions": list(found.mentions),
            "outside": OUTSIDE,
        }
        click.echo(json.dumps(told, indent=2))
        return
    click.echo(
        _would(found) if dry_run else f"Erased: {said(counts)}. The ledger still verifies: leadpact custody verify"
    )
    if left:
        click.echo(left, err=True)
    for name in found.waiting_files:
        click.echo(
            f"The uploaded file {name} waits for its import and holds the address: drop it, or it brings them back."
        )
    for place in found.mentions:
        click.echo(f"{MENTION} {place}.")
    click.echo(OUTSIDE)


@click.command(epilog="Example: leadpact export vera@ferro.example --out vera.json")
@click.argument("email")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path),
    help="Write here: JSON, or text for reading where the name ends in .txt. Without it JSON goes to the terminal.",
)  # fmt: skip
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
@needs_database
def export(email: str, *, out: Path | None, replace: bool) -> None:
    """Write down everything that is held about a person, for whoever asks: EMAIL is one of their addresses, or a user id.

    It tells what salespeople must not see (scores, blind checks): it is for the person, and for operations.
    """
    from leadpact.kit import clock
    from leadpact.kit.places import write_private
    from leadpact.site import held

    if out is not None and out.exists() and not replace:
        raise CannotDo(f"{out} is there already: name another file, or say --replace.")
    found = _found(email)
    told = held.everything(found, at=clock.now())
    if out is None:
        click.echo(held.as_json(told), nl=False)
        return
    try:
        write_private(out, held.as_text(told) if out.suffix == ".txt" else held.as_json(told))
    except OSError as error:
        raise CannotDo(f"{out} cannot be written: {error.strerror}.") from error
    click.echo(f"Wrote {out}: {said(found.counts)}.")


def erased(found: Whom, *, at: int, by: User | None = None) -> dict[str, int]:
    """Erase in the database; counts. The lake's files are written anew by a job of the same transaction."""
    from leadpact.loop import erasing

    return erasing.erase(person_id=found.person_ids[0], at=at, by=by)


def in_lake() -> str:
    """What becomes of exported history, in a sentence; nothing where there is none."""
    from leadpact.kit.places import data_directory
    from leadpact.lake.manifest import MANIFEST, lake_directory

    folder = lake_directory(data_directory(None))
    if not (folder / MANIFEST).is_file():
        return ""
    return (
        f"The lake in {folder} forgets them within a minute or two while leadpact serve runs; otherwise as soon as it"
        " runs again. An export that is under way is waited for."
    )


def _found(name: str) -> Whom:
    from leadpact.loop import erasing

    found = erasing.whom(name)
    if found is None:
        raise CannotDo(f"Nobody is known by {name!r}; give an e-mail address or a user id as it came in.")
    return found


def _would(found: Whom) -> str:
    return f"Would be erased: {said(found.counts)}."


def said(counts: dict[str, int]) -> str:
    """Counts in words; those of one lose their plural."""
    words = {
        "touches": "touch",
        "lists of rejected rows": "list of rejected rows",
        "answers of the API": "answer of the API",
        "notes of reviews": "note of a review",
    }
    return ", ".join(
        f"{n:,} {(words.get(word) or word.removesuffix('s')) if n == 1 else word}" for word, n in counts.items() if n
    )
