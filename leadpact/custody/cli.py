"""`leadpact custody`: prove the ledger, take a root of it, read one lead's line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadpact.kit.commands import needs_database
from leadpact.kit.failures import CannotDo

if TYPE_CHECKING:
    from leadpact.custody.actions.proof import Root
    from leadpact.custody.queries import Line

# Rooms are imported inside the commands: their tables need Django, which `needs_database` sets up.


@click.group()
def custody() -> None:
    """The ledger of who holds each lead: prove it, export its root, read it."""


@custody.command(epilog="Example: leadpact custody verify --against roots/2026-01-31.json")
@click.option(
    "--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A root exported earlier."
)
@click.option("--json", "as_json", is_flag=True, help="Print figures and problems as JSON.")
@needs_database
def verify(against: Path | None, *, as_json: bool) -> None:
    """Prove the whole ledger in one pass: chains, sequence, moves, clocks, holders. Exit status 1 where it does not hold."""
    from leadpact.custody.actions.proof import verify as prove

    root = read_root(against) if against else None
    counter = _Counter(shown=sys.stderr.isatty() and not as_json)
    proof = prove(against=root, progress=counter)
    counter.end()
    if as_json:
        figures = {"holds": proof.holds, "leads": proof.leads, "entries": proof.entries, "found": proof.found}
        click.echo(json.dumps({**figures, "problems": proof.problems, "root": proof.against or None}, indent=2))
    else:
        for problem in proof.problems:
            click.echo(problem)
        if proof.holds:
            click.echo(
                f"The ledger holds: {proof.entries:,} entries of {proof.leads:,} leads, each chained and accounted for."
            )
            if root is not None:
                click.echo(f"And the {root.leads:,} heads of that root are still what they were.")
    if not proof.holds:
        more = f" (the first {len(proof.problems)} are printed)" if proof.found > len(proof.problems) else ""
        raise CannotDo(
            f"The ledger does not hold: {proof.found:,} problems in {proof.entries:,} entries of {proof.leads:,} leads{more}."
        )


@custody.command("root", epilog="Example: leadpact custody root --out roots/2026-01-31.json")
@click.option(
    "--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=True, help="Where to write it."
)
@needs_database
def root_(out: Path) -> None:
    """Export one hash over the heads of all leads. Keep it elsewhere: `verify --against` proves that nothing changed since."""
    from leadpact.custody.actions.proof import take_root
    from leadpact.kit import clock

    root = take_root(at=clock.now())
    try:
        out.write_text(json.dumps(asdict(root), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise CannotDo(f"{out} cannot be written ({error.strerror}); name another file with --out.") from error
    click.echo(f"{root.root} over {root.leads:,} leads and {root.entries:,} entries, written to {out}")


@custody.command(epilog="Example: leadpact custody history 4711")
@click.argument("lead_id", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print the entries as JSON.")
@needs_database
def history(lead_id: int, *, as_json: bool) -> None:
    """Every entry of one lead, oldest first."""
    from leadpact.custody import queries

    lines = queries.history(lead_id, blind=False)
    if not lines:
        raise CannotDo(f"Lead {lead_id} is not in the ledger; `leadpact custody history` takes the number of a lead.")
    if as_json:
        click.echo(json.dumps([asdict(line) for line in lines], indent=2))
        return
    for line in lines:
        click.echo(_told(line))


def read_root(path: Path) -> Root:
    """A root from its file. Raises CannotDo where it is none."""
    from leadpact.custody.actions.proof import FORM, Root

    try:
        found = Root(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, OSError) as error:
        raise CannotDo(f"{path} is no root of a ledger; name a file that `leadpact custody root` wrote.") from error
    if found.form != FORM:
        raise CannotDo(
            f"{path} was written by another version of leadpact (form {found.form}); this one reads form {FORM}."
        )
    return found


def _told(line: Line) -> str:
    from leadpact.kit.instants import from_us

    who = line.user_name or line.actor
    parts = [
        f"{line.seq:>4}  {from_us(line.at):%Y-%m-%d %H:%M:%S}  {line.move:<18} {line.holder}/{line.state:<12} by {who}"
    ]
    for name, value in (
        ("verdict", line.verdict),
        ("cause", line.cause),
        ("reason", line.reason),
        ("for", line.salesperson_name),
    ):
        if value:
            parts.append(f"{name} {value}")
    if line.due is not None:
        parts.append(f"{line.due_what} until {from_us(line.due):%Y-%m-%d %H:%M}")
    if line.note:
        parts.append(f'"{line.note}"')
    return ", ".join(parts)


class _Counter:
    """Entries read so far, on a terminal."""

    def __init__(self, *, shown: bool) -> None:
        self.shown = shown
        self.written = False

    def __call__(self, entries: int) -> None:
        if self.shown:
            self.written = True
            click.echo(f"\r{entries:,} entries read", nl=False, err=True)

    def end(self) -> None:
        if self.written:
            click.echo(err=True)
