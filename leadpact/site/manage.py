"""`leadpact manage …`: Django's management commands on the database of the data directory."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import click

from leadpact.kit.commands import data_option, django_ready, orderly_end
from leadpact.kit.postgres import binaries

# Commands that change tables do so as their owner.
OWNERS = {"migrate", "sqlmigrate", "showmigrations", "dbshell", "sqlflush"}


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@data_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def manage(data: Path | None, arguments: tuple[str, ...]) -> None:
    """Run one of Django's commands, for example: leadpact manage showmigrations

    The database is started for it where none runs. Commands about tables work as their owner.
    """
    words = list(arguments)
    if words and words[0] in OWNERS and not any(word.startswith("--database") for word in words):
        words.insert(1, "--database=owner")
    # psql, for dbshell.
    os.environ["PATH"] = f"{binaries.programs()}{os.pathsep}{os.environ.get('PATH', '')}"
    with orderly_end(), django_ready(data, migrated=False) as server:
        from django.core.management import execute_from_command_line

        from leadpact.kit.migrations import migrating

        # What changes tables goes through the door that gives the server its rights on them.
        with migrating(server) if words[:1] == ["migrate"] else nullcontext():
            execute_from_command_line(["leadpact manage", *words])
