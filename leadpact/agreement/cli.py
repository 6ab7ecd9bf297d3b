"""`leadpact agreement`: check, explain, compare and compile agreement files. Needs no server and no database."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal

import click

from leadpact.language.canonical import agreement_hash
from leadpact.language.check import check as find_warnings
from leadpact.language.check_history import Seen, check_history, check_plays
from leadpact.language.diff import diff as find_changes
from leadpact.language.fold import UNICODE_VERSION
from leadpact.language.nodes import Agreement
from leadpact.language.parse import Parsed, parse
from leadpact.language.problems import Problem
from leadpact.language.schema import json_schema
from leadpact.language.words import say_agreement, sections

DIALECTS: Final = ("postgres", "duckdb", "spark")
FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def agreement() -> None:
    """Check, explain, compare and compile agreement files.

    Example: leadpact agreement check agreement.yaml
    """


@agreement.command()
@click.argument("file", type=FILE)
@click.option("--leads", type=FILE, help="Leads of the past: warn of what they tell of the agreement too.")
@click.option("--touches", type=FILE, help="Touches with them.")
@click.option(
    "--play", "plays", multiple=True, metavar="NAME", help="A play that there is; repeat it. Others are warned of."
)
@click.option(
    "--map", "maps", multiple=True, metavar="OURS=THEIRS", help="Which column is which, as for `leadpact judge`."
)
@click.option("--timezone", default="UTC", show_default=True, help="Time zone of times without an offset.")
@click.option("--date-order", metavar="dmy|mdy", help="Day or month first, where a column cannot tell.")
@click.option("--encoding", help="Encoding of the text files, where the guess is wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print problems, hash and counts as JSON.")
def check(
    file: Path,
    *,
    leads: Path | None,
    touches: Path | None,
    plays: tuple[str, ...],
    maps: tuple[str, ...],
    timezone: str,
    date_order: str | None,
    encoding: str | None,
    as_json: bool,
) -> None:
    """Print every error and warning of FILE with line and column.

    With files of the past it also warns of attributes that are unknown for most leads, of lines that nobody or everybody
    meets, or that score for the very same leads, and of thresholds and verdicts that no lead reached.

    The exit status is 0 when there is no error (warnings are allowed), else 1.

    \b
    Example: leadpact agreement check agreement.yaml
             leadpact agreement check agreement.yaml --leads leads.csv --touches touches.csv
    """
    if leads is None and (touches or maps):
        raise click.UsageError("--touches and --map say something of leads of the past: give these with --leads.")
    parsed = _parsed(file)
    warnings = parsed.warnings
    seen = None
    if parsed.agreement is not None:
        warnings = (*warnings, *find_warnings(parsed.agreement, parsed.positions))
        if plays:
            warnings = (*warnings, *check_plays(parsed.agreement, plays, parsed.positions))
        if leads is not None:
            seen = _look(
                parsed.agreement,
                leads,
                touches,
                maps,
                quiet=as_json,
                timezone=timezone,
                date_order=date_order,
                encoding=encoding,
            )
            warnings = (*warnings, *check_history(parsed.agreement, seen, parsed.positions))
    warnings = tuple(sorted(set(warnings)))
    if as_json:
        click.echo(_as_json(parsed, warnings, seen))
    else:
        for problem in sorted((*parsed.errors, *warnings)):
            _tell(file, problem)
        _sum_up(file, parsed, len(warnings))
    if parsed.agreement is None:
        raise SystemExit(1)


@agreement.command()
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print sections and sentences as JSON.")
def explain(file: Path, *, as_json: bool) -> None:
    """Read FILE aloud: the agreement in plain words.

    Example: leadpact agreement explain agreement.yaml
    """
    read = _sound(file)
    if as_json:
        told = {"name": read.name, "sections": [asdict(section) for section in sections(read)]}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        click.echo(say_agreement(read), nl=False)


@agreement.command()
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the sentences as JSON.")
def diff(before: Path, after: Path, *, as_json: bool) -> None:
    """Say what changed from one file to another.

    Example: leadpact agreement diff signed.yaml draft.yaml
    """
    changes = find_changes(_sound(before), _sound(after))
    if as_json:
        click.echo(json.dumps({"changes": changes}, ensure_ascii=False, indent=2))
    elif changes:
        for change in changes:
            click.echo(change)
    else:
        click.echo("Nothing that has a meaning changed.")


@agreement.command()
@click.argument("file", type=FILE)
@click.option("--dialect", type=click.Choice(DIALECTS), required=True, help="The engine that shall run the query.")
def sql(file: Path, *, dialect: Literal["postgres", "duckdb", "spark"]) -> None:
    """Print the query that judges by FILE.

    It reads the relations `leads` and `touches`, and gives a verdict a lead.

    Example: leadpact agreement sql agreement.yaml --dialect duckdb
    """
    read = _sound(file)
    from leadpact.language.to_sql import compile_sql  # sqlglot takes long to import, and only this needs it

    click.echo(compile_sql(read, dialect).sql)


@agreement.command()
def schema() -> None:
    """Print the JSON Schema of agreement files, for editors that complete and check as one types.

    Example: leadpact agreement schema > agreement.schema.json
    """
    click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))


# --- reading and telling -----------------------------------------------------------------


def _parsed(file: Path) -> Parsed:
    try:
        return parse(file.read_bytes(), name=str(file))
    except OSError as problem:
        raise click.ClickException(f"{file} cannot be read: {problem.strerror}.") from problem


def _sound(file: Path) -> Agreement:
    """The agreement of a file; its errors on stderr and exit status 1 where it is none."""
    parsed = _parsed(file)
    if parsed.agreement is None:
        for problem in parsed.errors:
            _tell(file, problem)
        _sum_up(file, parsed, 0)
        raise SystemExit(1)
    return parsed.agreement


def _look(
    read: Agreement,
    leads: Path,
    touches: Path | None,
    maps: tuple[str, ...],
    *,
    quiet: bool,
    timezone: str,
    date_order: str | None,
    encoding: str | None,
) -> Seen:
    """What leads of the past say of an agreement; what was guessed of their files is told."""
    # DuckDB and all that reads files take a second to import, which a check of the file alone need not wait for.
    from leadpact.lake.cli import Reading, sentences, working
    from leadpact.lake.columns import parse_map
    from leadpact.lake.facts import latest
    from leadpact.lake.instants import zone
    from leadpact.lake.problems import FileProblem
    from leadpact.lake.seen import look
    from leadpact.lake.store import Store
    from leadpact.language.needs import needs

    needed = needs(read)
    with sentences(), Store() as store:
        zone(timezone)
        reading = Reading(tuple(map(parse_map, maps)), timezone, date_order, encoding, quiet, None)
        fields = sorted({*(name for name, _ in needed.attributes), "person.email"})
        table = reading.table(store, leads, "leads", only=fields)
        properties = sorted({name.casefold() for name, _ in needed.properties})
        touched = reading.table(store, touches, "touches", only=properties) if touches is not None else None
        reading.check_maps()
        until = latest(store, reading.tables)
        if until is None:
            raise FileProblem(f"{leads} holds no instant at all: give it a column created_at.")
        with working("looking at leads of the past"):
            seen, facts = look(store, read, table, touched, until)
        for note in facts.notes:
            reading.say(f"  note: {note}")
        reading.say(f"Looked at {seen.leads:,} leads {seen.when}.")
    return seen


def _tell(file: Path, problem: Problem) -> None:
    """One problem on stderr as FILE:LINE:COLUMN: message, which editors and terminals can jump to."""
    mark = "" if problem.severity == "error" else "warning: "
    click.echo(f"{file}:{problem.line}:{problem.column}: {mark}{problem.sentence()}", err=True)


def _sum_up(file: Path, parsed: Parsed, warnings: int) -> None:
    """The last line: what it comes to."""
    said = "" if not warnings else f", {_count(warnings, 'warning')}"
    if parsed.agreement is None:
        click.echo(f"{file} is no agreement yet: {_count(len(parsed.errors), 'error')}{said}.", err=True)
        return
    read = parsed.agreement
    click.echo(
        f"{file} is sound: {read.name}, {_count(len(read.lines), 'line')}{said}, hash {agreement_hash(read)[:12]}."
    )


def _as_json(parsed: Parsed, warnings: tuple[Problem, ...], seen: Seen | None = None) -> str:
    read = parsed.agreement
    told: dict[str, object] = {
        "ok": read is not None,
        "name": None if read is None else read.name,
        "hash": None if read is None else agreement_hash(read),
        "unicode": UNICODE_VERSION,
        "lines": None if read is None else len(read.lines),
        "errors": [asdict(problem) for problem in parsed.errors],
        "warnings": [asdict(problem) for problem in warnings],
    }
    if seen is not None:
        told["history"] = asdict(seen)
    return json.dumps(told, ensure_ascii=False, indent=2)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
