"""What commands on files share: their options, the reading of the files, and one sentence when something is wrong.

No command of its own: `leadpact judge` and `leadpact review` are built from this.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from leadpact.kit.failures import CannotDo
from leadpact.lake.columns import GIVEN, Named, parse_map
from leadpact.lake.instants import instant, zone
from leadpact.lake.names import Role
from leadpact.lake.problems import WrongCall, counted
from leadpact.lake.read import Table, read_table
from leadpact.lake.spark import LOCAL, MEMORY, Settings
from leadpact.lake.store import Store
from leadpact.language.nodes import Agreement
from leadpact.language.parse import AgreementErrors, parse_or_raise

R = TypeVar("R")

a_file = click.Path(dir_okay=False, path_type=Path)


@dataclass
class Reading:
    """How files are to be read, from the options that all such commands share, and what was read so far."""

    maps: tuple[Named, ...]
    timezone: str
    date_order: str | None
    encoding: str | None
    quiet: bool
    rejects: Path | None
    tables: list[Table] = field(default_factory=list)

    def table(self, store: Store, path: Path, role: Role, **options: Any) -> Table:
        """Read one file and print what was guessed. Rejects are written by `finish`."""
        with working(f"reading {path.name}") as told:
            table = read_table(
                path,
                role,
                maps=self.maps,
                store=store,
                timezone=self.timezone,
                date_order=self.date_order,
                encoding=self.encoding,
                told=told,
                **options,
            )
        self.tables.append(table)
        for line in table.report():
            self.say(line)
        return table

    def say(self, text: str) -> None:
        """To people: on standard output, or on standard error where the output is for programs."""
        click.echo(text, err=self.quiet)

    def check_maps(self) -> None:
        """Raise WrongCall for a `--map` that no file could use."""
        ours = {
            column.ours.removeprefix("outcome:")
            for table in self.tables
            for column in table.columns
            if column.why == GIVEN
        }
        for entry in self.maps:
            if entry.ours.removeprefix("outcome:") not in ours:
                files = ", ".join(table.path.name for table in self.tables)
                raise WrongCall(f"--map {entry.ours}={entry.theirs}: no file has such a column ({files}).")

    def finish(self, beside: Path) -> dict[str, str]:
        """Write the reject files beside the output; role → path of those that there are."""
        written: dict[str, str] = {}
        for table in self.tables:
            folder = self.rejects or beside.parent
            path = folder / f"{_stem(beside)}.rejected-{table.role}.csv"
            if table.write_rejects(path):
                written[table.role] = str(path)
                self.say(f"{counted(table.rejected, 'row')} of {table.path.name} could not be used: see {path}")
        return written


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rsplit(".", 1)[0]


def reading_options(function: Callable[..., R]) -> Callable[..., R]:
    """Add the options that say how files are read; the command gets them as `reading: Reading`."""

    @click.option(
        "--map",
        "maps",
        multiple=True,
        metavar="OURS=THEIRS",
        help="Which column is which; repeat it. "
        "OURS may name its file (touches:at=Time); THEIRS may be a place (#3) or a value for all rows (==web).",
    )
    @click.option("--timezone", default="UTC", show_default=True, help="Time zone of times without an offset.")
    @click.option("--date-order", metavar="dmy|mdy", help="Day or month first, where a column cannot tell.")
    @click.option("--encoding", help="Encoding of the text files, where the guess is wrong.")
    @click.option(
        "--rejects",
        type=click.Path(file_okay=False, exists=True, path_type=Path),
        metavar="FOLDER",
        help="Where to write rows that cannot be read (default: beside --out).",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
    @functools.wraps(function)
    def command(
        *args: Any,
        maps: Sequence[str],
        timezone: str,
        date_order: str | None,
        encoding: str | None,
        rejects: Path | None,
        as_json: bool,
        **kwargs: Any,
    ) -> R:
        with sentences():
            zone(timezone)
            reading = Reading(tuple(map(parse_map, maps)), timezone, date_order, encoding, as_json, rejects)
            return function(*args, reading=reading, as_json=as_json, **kwargs)

    return command


def spark_options(function: Callable[..., R]) -> Callable[..., R]:
    """Add the options that say where Spark runs; the command gets them as `spark: Settings`. For `--engine spark` only."""

    @click.option(
        "--spark-master",
        metavar="MASTER",
        envvar="LEADPACT_SPARK_MASTER",
        default=LOCAL,
        show_default=True,
        help="local[N] for N cores of this machine, or spark://HOST:PORT for a standalone cluster.",
    )
    @click.option(
        "--spark-memory",
        metavar="AMOUNT",
        envvar="LEADPACT_SPARK_MEMORY",
        default=MEMORY,
        show_default=True,
        help="Memory of Spark here, or of each worker of a cluster.",
    )
    @click.option(
        "--spark-folder",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        envvar="LEADPACT_SPARK_FOLDER",
        help="A folder that every machine of the cluster sees (default: the system's temporary one).",
    )
    @click.option("--spark-log", type=a_file, metavar="FILE", help="Keep what Spark says (default: thrown away).")
    @functools.wraps(function)
    def command(
        *args: Any,
        spark_master: str,
        spark_memory: str,
        spark_folder: Path | None,
        spark_log: Path | None,
        **kwargs: Any,
    ) -> R:
        if kwargs.get("engine") != "spark":
            _not_for_nothing()
            return function(*args, spark=Settings(), **kwargs)
        with sentences():
            settings = Settings(spark_master, spark_memory, spark_folder, spark_log)
            return function(*args, spark=settings, **kwargs)

    return command


def _not_for_nothing() -> None:
    """Raise UsageError when Spark's options are given to another engine; what the environment says may stand there."""
    context = click.get_current_context()
    for name in ("spark_master", "spark_memory", "spark_folder", "spark_log"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --engine spark: add that, or leave this out.")


@contextmanager
def sentences() -> Iterator[None]:
    """Expected failures become one sentence on standard error: exit 2 for a wrong call, 1 for what could not be done."""
    try:
        yield
    except AgreementErrors as errors:
        for problem in errors.problems:
            click.echo(f"{errors.name}:{problem.line}:{problem.column}: {problem.sentence()}", err=True)
        raise click.ClickException(
            f"{errors.name} has {counted(len(errors.problems), 'error')}: mend it first."
        ) from errors
    except WrongCall as error:
        raise click.UsageError(str(error)) from error
    except CannotDo as error:
        raise click.ClickException(str(error)) from error


def read_agreement(path: Path) -> Agreement:
    """The agreement in a file. Raises AgreementErrors with every error, FileProblem when there is no file."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise CannotDo(f"{path} cannot be read: {error.strerror}.") from error
    return parse_or_raise(text, name=str(path))


def read_as_of(text: str | None, timezone: str, option: str = "--as-of") -> int | None:
    """The instant of `--as-of`, or of another option. Raises WrongCall when it is none."""
    if text is None:
        return None
    try:
        return instant(text, tz=zone(timezone))
    except ValueError as error:
        raise WrongCall(f"{option} {text}: {error}; write it as 2024-06-30 or 2024-06-30T18:00:00Z.") from error


@contextmanager
def working(says: str) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal while something runs; what is yielded moves it, from 0 to 1."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(says, total=None)
        yield lambda share: progress.update(task, total=1.0, completed=share)
