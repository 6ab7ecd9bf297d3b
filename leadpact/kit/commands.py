"""What commands of every room share: `@needs_database`.

A command that needs no database must not pay for it: nothing here imports Django before the command runs.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from leadpact.kit.failures import CannotDo
from leadpact.kit.places import VARIABLE, data_directory, ensure_secret_key
from leadpact.kit.postgres import Cluster, OwnServer, database

P = ParamSpec("P")
R = TypeVar("R")

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar=VARIABLE,
    help="Data directory (default: leadpact in the XDG data home).",
)


@contextmanager
def django_ready(data: Path | None = None, *, migrated: bool = True) -> Iterator[Cluster | OwnServer]:
    """The database started or attached to, Django set up and (unless told not to) migrated, for the length of the block.

    The data directory goes into the environment, where Django's settings look for it; a second call in the same
    process must name the same one. Raises CannotDo.
    """
    place = data_directory(data)
    os.environ[VARIABLE] = str(place)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadpact.site.settings")
    ensure_secret_key(place)
    server = database(place)
    with server:
        import django
        from django.db import OperationalError, connections

        django.setup()
        try:
            if migrated:
                from leadpact.kit.migrations import migrate_if_needed

                migrate_if_needed(server)
            yield server
        except OperationalError as error:
            raise CannotDo(f"The database did not answer: {str(error).strip().splitlines()[0]}") from error
        finally:
            for connection in connections.all(initialized_only=True):
                connection.close()


def needs_database(function: Callable[P, R]) -> Callable[..., R]:
    """For a click command: adds --data, and runs the command with Django on the database of that directory.

    Put it directly above the function. Import rooms inside the function: their models need Django set up.

        @team.command("list")
        @needs_database
        def list_() -> None:
            from leadpact.team import queries
    """

    @data_option
    @functools.wraps(function)
    def command(*args: Any, data: Path | None = None, **kwargs: Any) -> R:
        with orderly_end(), django_ready(data):
            return function(*args, **kwargs)

    return command


@contextmanager
def orderly_end() -> Iterator[None]:
    """SIGTERM ends the block as an exit does, so that what it holds is let go of."""

    def leave(_number: int, _frame: object) -> None:
        sys.exit(128 + signal.SIGTERM)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # Not the main thread: then nobody sends us signals.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
