"""The command `leadpact`: a table of names. A command's module is imported when the command is run, not before.

A room that brings no command module yet is not listed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

import click


class Place(NamedTuple):
    """Where a command lives, and its line in the list of commands."""

    module: str
    name: str
    says: str


COMMANDS: dict[str, Place] = {
    "serve": Place("leadpact.site.serve", "serve", "Run the server: pages, tracking API, clocks."),
    "demo": Place("leadpact.site.demo", "demo", "Load a simulated company's year, then serve."),
    "agreement": Place(
        "leadpact.site.agreement_proof", "agreement", "Check, explain, compare, compile and verify agreements."
    ),
    "judge": Place("leadpact.qualification.cli", "judge", "Judge a file of leads by an agreement."),
    "replay": Place("leadpact.qualification.cli", "replay", "What an agreement would have done last year."),
    "review": Place("leadpact.site.review", "review", "A report on last year, from files."),
    "tuning": Place("leadpact.site.meeting_cli", "tuning", "The regular review, from the server's data."),
    "simulate": Place("leadpact.simulation.cli", "simulate", "Write a simulated company's year as files."),
    "import": Place("leadpact.capture.cli", "import_", "Import leads, touches, outcomes and spend."),
    "capture": Place("leadpact.capture.cli", "capture", "Keys of the tracking API."),
    "custody": Place("leadpact.custody.cli", "custody", "Verify the ledger."),
    "lake": Place("leadpact.lake.commands", "lake", "History out of the database into Parquet files."),
    "team": Place("leadpact.team.cli", "team", "People, invitations and API keys."),
    "backup": Place("leadpact.site.backup", "backup", "Write everything into one file."),
    "restore": Place("leadpact.site.backup", "restore", "Bring a backup back into an empty directory."),
    "export": Place("leadpact.site.erase", "export", "Everything that is held about a person."),
    "erase": Place("leadpact.site.erase", "erase", "Forget a person."),
    "manage": Place("leadpact.site.manage", "manage", "Django's own commands, on this database."),
}


class ByName(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names whose modules are there, in the table's order."""
        return [name for name, place in COMMANDS.items() if _there(place.module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        place = COMMANDS.get(cmd_name)
        if place is None or not _there(place.module):
            return None
        return getattr(import_module(place.module), place.name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list for --help, from the table: importing every room would take seconds."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].says) for name in self.list_commands(ctx)])


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@click.group(cls=ByName, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="leadpact", message="leadpact %(version)s")
def leadpact() -> None:
    """The agreement between Marketing and Sales, kept by a program.

    \b
    Try it:                leadpact demo
    Without a server:      leadpact review --leads leads.csv --out report.html
    For the house:         leadpact serve
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0, 1 (could not be done) or 2 (wrong call)."""
    try:
        status = leadpact.main(args=arguments, prog_name="leadpact", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`). Python would complain once more while exiting.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
