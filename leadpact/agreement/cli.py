"""`leadpact agreement`: check, explain, compare and compile agreement files. Needs no server and no database."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal

import click

from leadpact.language.canonical import agreement_hash
from leadpact.language.check import check as find_warnings
from leadpact.language.diff import diff as find_changes
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
@click.option("--json", "as_json", is_flag=True, help="Print problems, hash and counts as JSON.")
def check(file: Path, *, as_json: bool) -> None:
    """Print every error and warning of FILE with line and column.

    The exit status is 0 when there is no error (warnings are allowed), else 1.

    Example: leadpact agreement check agreement.yaml
    """
    parsed = _parsed(file)
    warnings = parsed.warnings
    if parsed.agreement is not None:
        warnings = tuple(sorted({*warnings, *find_warnings(parsed.agreement, parsed.positions)}))
    if as_json:
        click.echo(_as_json(parsed, warnings))
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


def _as_json(parsed: Parsed, warnings: tuple[Problem, ...]) -> str:
    read = parsed.agreement
    told = {
        "ok": read is not None,
        "name": None if read is None else read.name,
        "hash": None if read is None else agreement_hash(read),
        "lines": None if read is None else len(read.lines),
        "errors": [asdict(problem) for problem in parsed.errors],
        "warnings": [asdict(problem) for problem in warnings],
    }
    return json.dumps(told, ensure_ascii=False, indent=2)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
