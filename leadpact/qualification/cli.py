"""`leadpact judge` and `leadpact replay`: a verdict for each lead of a file, now or all through last year, without a server."""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from leadpact.kit import clock
from leadpact.kit.environment import secret
from leadpact.kit.postgres import Cluster, OwnServer
from leadpact.lake import engines, history
from leadpact.lake.cli import Reading, a_file, read_agreement, read_as_of, reading_options, spark_options, working
from leadpact.lake.engines import VERDICTS
from leadpact.lake.facts import LEADS, Facts, gather, latest
from leadpact.lake.history_files import Loaded, load_files
from leadpact.lake.instants import iso
from leadpact.lake.problems import FileProblem, WrongCall, counted
from leadpact.lake.read import Table
from leadpact.lake.replay import Replayed, lead_by_lead
from leadpact.lake.replay import replay as run_replay
from leadpact.lake.replay_figures import (
    MOVED,
    difference,
    figures,
    in_words,
    judged_json,
    moved_name,
    story_in_words,
)
from leadpact.lake.spark import Settings, started
from leadpact.lake.spark import require as require_spark
from leadpact.lake.store import Store, quoted
from leadpact.lake.write import check_ending, check_folder, write_query
from leadpact.language.canonical import agreement_hash
from leadpact.language.fold import UNICODE_VERSION
from leadpact.language.needs import Needs, needs
from leadpact.language.nodes import VERDICT_NAMES, Agreement

NO_OLD_VALUES = (
    "{file} has no known_at, so it has no old values: attributes are judged as the file has them now, not as they were as of"
    " {then}. To judge the past, give a lead one row for each change, with known_at: when you learnt it."
)


@click.command(short_help="Judge a file of leads by an agreement.")
@click.option("--agreement", "agreement_file", type=a_file, required=True, help="The agreement (YAML).")
@click.option(
    "--leads", "leads_file", type=a_file, required=True, help="Leads: CSV, JSON Lines or Parquet; gzip is fine."
)
@click.option("--touches", "touches_file", type=a_file, help="Touches with them.")
@click.option(
    "--as-of", metavar="T", help="The instant to judge at (default: the newest in the files). A date is its midnight."
)
@click.option("--engine", type=click.Choice(engines.ENGINES), default="duckdb", show_default=True, help="What judges.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Verdicts: .csv, .jsonl or .parquet."
)
@spark_options
@reading_options
def judge(
    agreement_file: Path,
    leads_file: Path,
    touches_file: Path | None,
    as_of: str | None,
    engine: str,
    out: Path,
    reading: Reading,
    spark: Settings,
    as_json: bool,
) -> None:
    """Judge every lead of a file: its verdict, its scores, and what each line added.

    \b
    Example:
      leadpact judge --agreement agreement.yaml --leads leads.csv --touches touches.csv \\
                     --as-of 2024-06-30 --out verdicts.csv
      leadpact judge --agreement agreement.yaml --leads leads.parquet --touches touches.parquet \\
                     --engine spark --spark-master spark://10.0.0.5:7077 --out verdicts.parquet
    """
    if engine == "spark":
        require_spark()
    check_ending(out)
    check_folder(out, agreement_file, leads_file, touches_file)
    agreement = read_agreement(agreement_file)
    moment = read_as_of(as_of, reading.timezone)
    needed = engines.reference_needs(agreement) if engine == "python" else needs(agreement)
    started = time.monotonic()
    with Store() as store:
        leads = reading.table(store, leads_file, "leads", only=lead_columns(needed))
        touches = reading.table(store, touches_file, "touches", only=touch_columns(needed)) if touches_file else None
        reading.check_maps()
        if moment is None:
            moment = latest(store, reading.tables)
            if moment is None:
                raise FileProblem("the files hold no instant at all: say when to judge with --as-of.")
        with working("gathering facts"):
            facts = gather(store, needed, leads, touches, moment)
        if as_of is not None and moment < clock.now() and needed.attributes and not leads.column("known_at"):
            facts.notes.append(NO_OLD_VALUES.format(file=leads_file.name, then=iso(moment)))
        if engine == "spark":
            _with_spark(facts, agreement, spark)
        else:
            with working(f"judging {counted(facts.leads, 'lead')}") as told:
                _judge(facts, agreement, engine, told)
        columns = list(engines.columns(agreement))
        order = f"FROM {VERDICTS} JOIN (SELECT lead_id, line FROM {LEADS}) USING (lead_id) ORDER BY line"
        write_query(store, columns, order, out, instants=frozenset({"as_of"}))
        rejected = reading.finish(out)
        summary = summarise(facts, agreement, touches)
        summary |= {
            "engine": engine,
            "out": str(out),
            "reject_files": rejected,
            "seconds": round(time.monotonic() - started, 2),
        }
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, indent=2))
    else:
        for line in told_in_words(summary, facts, as_of_given=as_of is not None):
            click.echo(line)


@click.command(short_help="What an agreement would have done last year.")
@click.option(
    "--agreement", "agreement_file", type=a_file, help="The agreement (YAML); with --lake, by default the one in force."
)
@click.option("--against", "against_file", type=a_file, help="Another agreement to compare it with: the one that runs.")
@click.option("--leads", "leads_file", type=a_file, help="Leads: CSV, JSON Lines or Parquet; gzip is fine.")
@click.option("--touches", "touches_file", type=a_file, help="Touches with them.")
@click.option("--outcomes", "outcomes_file", type=a_file, help="What Sales answered: for the first error.")
@click.option(
    "--lake",
    type=click.Path(file_okay=False, path_type=Path),
    help="Instead of files: the history of a running leadpact, as leadpact lake export wrote it.",
)
@click.option("--from", "begin", metavar="T", help="Where the period begins (default: with each lead).")
@click.option(
    "--until", metavar="T", help="Where it ends (default: the newest instant in the files, the export of a lake)."
)
@click.option("--capacity", type=click.IntRange(min=0), metavar="N", help="Leads a week that Sales can take.")
@click.option(
    "--lead", "lead_id", metavar="ID", help="Tell every judged instant of this lead, with its scores and why."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Changes of verdict: .csv, .jsonl or .parquet.",
)
@reading_options
def replay(  # noqa: PLR0913, PLR0917 - one argument for each option
    agreement_file: Path | None,
    against_file: Path | None,
    leads_file: Path | None,
    touches_file: Path | None,
    outcomes_file: Path | None,
    lake: Path | None,
    begin: str | None,
    until: str | None,
    capacity: int | None,
    lead_id: str | None,
    out: Path,
    reading: Reading,
    as_json: bool,
) -> None:
    """Run an agreement over last year, as of each instant at which a verdict is taken, never with knowledge from later.

    Writes a row for each change of verdict (lead_id, at, before, after, decided_by), and with --against a second file of the
    leads that one of the two agreements would have handed over and the other not, or at another time.

    \b
    Example:
      leadpact replay --agreement proposal.yaml --against agreement.yaml --leads leads.csv --touches touches.csv \\
                      --outcomes outcomes.csv --from 2024-01-01 --capacity 40 --out replay.csv
      leadpact replay --lake ~/.local/share/leadpact/lake --agreement proposal.yaml --out replay.csv
    """
    _one_source(agreement_file, leads_file, touches_file, outcomes_file, lake)
    check_ending(out)
    beside = out.with_name(moved_name(out.name))
    files = (agreement_file, against_file, leads_file, touches_file, outcomes_file)
    for written in (out, beside):
        check_folder(written, *files)
    agreement = read_agreement(agreement_file) if agreement_file else _in_force(lake)
    other = read_agreement(against_file) if against_file else None
    start = read_as_of(begin, reading.timezone, "--from")
    end = read_as_of(until, reading.timezone, "--until")
    started = time.monotonic()
    with Store() as store:
        versions = [agreement, *([other] if other else [])]
        if lake is not None:
            loaded, end = _load_lake(store, lake, end)
        else:
            assert leads_file is not None
            loaded = _load_files(store, reading, versions, leads_file, touches_file, outcomes_file)
        replays: list[Replayed] = []
        for place, version in enumerate(versions):
            with working(f"replaying “{version.name}” over {counted(loaded.leads, 'lead')}") as told:
                one = run_replay(store, version, start=start, end=end, into=f"replayed_{place}", told=told)
                replays.append(one)
        ran = replays[1] if other else _as_it_ran(store, lake, agreement, replays[0])
        found = [(one, figures(store, one, against=ran)) for one in replays]
        compared = difference(store, found[0][0], found[1][0]) if other else None
        _write_replay(store, found[0][0], out, beside if other else None)
        story = list(lead_by_lead(store, agreement, lead_id, start=start, end=end)) if lead_id else None
        rejected = reading.finish(out)
    summary: dict[str, Any] = {
        **provenance(agreement),
        "from": None if start is None else iso(start),
        "until": iso(found[0][0].end),
        **found[0][1].json(),
        "capacity": capacity,
        "notes": loaded.notes,
        "out": str(out),
        "reject_files": rejected,
        "seconds": round(time.monotonic() - started, 2),
    }
    if other and compared:
        summary["against"] = {
            **provenance(other),
            **found[1][1].json(),
            "difference": asdict(compared),
            "out": str(beside),
        }
    if story is not None:
        summary["lead"] = [judged_json(one) for one in story]
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, indent=2))
        return
    for note in loaded.notes:
        click.echo(f"note: {note}")
    against = (other.name, found[1][1], compared) if other and compared else None
    lines = in_words(agreement.name, *found[0], capacity=capacity, against=against)
    for line in [*lines, *(story_in_words(story) if story is not None else [])]:
        click.echo(line)
    also = f" and {beside}" if other else ""
    click.echo(
        f"{counted(found[0][1].changes, 'change')} of verdict written to {out}{also} in {summary['seconds']:.1f} s."
    )


def _one_source(
    agreement: Path | None, leads: Path | None, touches: Path | None, outcomes: Path | None, lake: Path | None
) -> None:
    """Raise WrongCall where history comes from nowhere, or from files and a lake at once."""
    if lake is None and (leads is None or agreement is None):
        raise WrongCall("Give --agreement and --leads, or --lake for the history of a running leadpact.")
    if lake is not None and any(file is not None for file in (leads, touches, outcomes)):
        raise WrongCall("--lake has leads, touches and answers in it: leave out --leads, --touches and --outcomes.")


def _as_it_ran(store: Store, lake: Path | None, agreement: Agreement, found: Replayed) -> Replayed | None:
    """A replay of the version in force at the end of a lake's period: whom it hands over is no additional hand-over.

    None for files, where nobody was audited; the replay itself where it is the version in force.
    """
    if lake is None:
        return None
    running = history.agreement_of(lake, at=found.end)
    if agreement_hash(running) == agreement_hash(agreement):
        return found
    with working(f"replaying “{running.name}”, which is in force"):
        return run_replay(store, running, start=found.start, end=found.end, into="replayed_in_force")


def _in_force(lake: Path | None) -> Agreement:
    assert lake is not None
    return history.agreement_of(lake)


def _load_lake(store: Store, lake: Path, end: int | None) -> tuple[Loaded, int]:
    """The history in a lake, and where the period ends: nothing is whole after the export."""
    exported = history.exported_at(lake)
    if end is not None and end > exported:
        raise WrongCall(f"--until lies after the last export ({iso(exported)}): run leadpact lake export first.")
    with working("gathering history"):
        history.load(store, lake, until=end)
        store.execute(
            f"CREATE TABLE {LEADS} AS SELECT lead_id, row_number() OVER (ORDER BY created_at, lead_id) AS line FROM hist_leads"
        )
        leads, touches, labels = (
            int(store.one(f"SELECT count(*) FROM hist_{name}")) for name in ("leads", "touches", "labels")
        )
    return Loaded(leads, touches, labels, notes=history.folded_otherwise(lake)), end if end is not None else exported


def _load_files(
    store: Store,
    reading: Reading,
    versions: list[Agreement],
    leads_file: Path,
    touches_file: Path | None,
    outcomes_file: Path | None,
) -> Loaded:
    """The history in files, with what these agreements read."""
    needed = [needs(version) for version in versions]
    leads = reading.table(store, leads_file, "leads", only=sorted({n for one in needed for n in lead_columns(one)}))
    touches = outcomes = None
    if touches_file:
        kept = sorted({name for one in needed for name in touch_columns(one)})
        touches = reading.table(store, touches_file, "touches", only=kept)
    if outcomes_file:
        outcomes = reading.table(store, outcomes_file, "outcomes", only=["reason"])
    reading.check_maps()
    with working("gathering history"):
        return load_files(store, *versions, leads=leads, touches=touches, outcomes=outcomes)


def _write_replay(store: Store, found: Replayed, out: Path, beside: Path | None) -> None:
    order = f'FROM {found.relation} JOIN (SELECT lead_id, line FROM {LEADS}) USING (lead_id) ORDER BY line, "at"'
    write_query(store, ["lead_id", "at", "before", "after", "decided_by"], order, out, instants=frozenset({"at"}))
    if beside is not None:
        order = (
            f"FROM {MOVED} JOIN (SELECT lead_id, line FROM {LEADS}) USING (lead_id) WHERE moves <> 'same' ORDER BY line"
        )
        instants = frozenset({"at", "against_at"})
        write_query(store, ["lead_id", "moves", "at", "against_at"], order, beside, instants=instants)


def _judge(facts: Facts, agreement: Agreement, engine: str, told: Any) -> None:
    if engine == "duckdb":
        engines.with_duckdb(facts, agreement)
    elif engine == "python":
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            told(done / facts.leads)

        engines.with_python(facts, agreement, count)
    else:
        _with_postgres(facts, agreement)


def _with_postgres(facts: Facts, agreement: Agreement) -> None:
    """In the server of DATABASE_URL, in temporary tables; else in an embedded one that lives as long as the command."""
    url = secret("DATABASE_URL")
    with tempfile.TemporaryDirectory(prefix="leadpact-judge-") as folder:
        server = OwnServer(url) if url else Cluster(Path(folder) / "data", durable=False)
        with server, server.connect("app" if url else "owner") as connection:
            engines.with_postgres(facts, agreement, connection)


def _with_spark(facts: Facts, agreement: Agreement, settings: Settings) -> None:
    """In a session that lives as long as the command."""
    with ExitStack() as stack:
        with working(f"starting Spark on {settings.master}"):
            spark = stack.enter_context(started(settings, rows=facts.leads + facts.touches))
        with working(f"judging {counted(facts.leads, 'lead')} in Spark"):
            engines.with_spark(facts, agreement, spark)


def lead_columns(needed: Needs) -> list[str]:
    """Columns of a file of leads that a judgement reads."""
    fields = {name for name, _ in needed.attributes}
    return sorted({*fields, "person.email"})


def touch_columns(needed: Needs) -> list[str]:
    """Columns of a file of touches that a judgement reads."""
    return sorted({name.casefold() for name, _ in needed.properties})


def provenance(agreement: Agreement) -> dict[str, str]:
    """What a verdict depends on besides the facts: the meaning that judged, and the tables that text was folded by."""
    return {"agreement": agreement.name, "hash": agreement_hash(agreement), "unicode": UNICODE_VERSION}


def summarise(facts: Facts, agreement: Agreement, touches: Table | None) -> dict[str, Any]:
    """The figures of a run: verdicts, unknown shares, lines that could not be judged."""
    store = facts.store
    counts = dict(store.execute(f"SELECT verdict, count(*) FROM {VERDICTS} GROUP BY verdict").fetchall())
    lines: dict[str, int] = {}
    for line in agreement.lines:
        name = quoted(f"points.{line.id}")
        unknown = int(store.one(f"SELECT count(*) FROM {VERDICTS} WHERE {name} IS NULL"))
        if unknown:
            lines[line.id] = unknown
    clauses = store.execute(
        f"SELECT decided_by, count(*) FROM {VERDICTS} WHERE decided_by <> '' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return {
        **provenance(agreement),
        "as_of": iso(facts.as_of),
        "leads": facts.leads,
        "touches": facts.touches if touches is not None else None,
        "strangers": facts.strangers,
        "verdicts": {name: int(counts.get(name, 0)) for name in VERDICT_NAMES},
        "decided_by": {str(clause): int(count) for clause, count in clauses},
        "unknown": [
            {
                "attribute": entry.field,
                "form": entry.form.name.lower(),
                "leads": entry.unknown,
                "unreadable": entry.unreadable,
            }
            for entry in facts.unknown
        ],
        "lines_not_judged": lines,
        "notes": facts.notes,
    }


def told_in_words(summary: dict[str, Any], facts: Facts, *, as_of_given: bool) -> list[str]:
    """The summary for people."""
    when = "" if as_of_given else " (the newest instant in the files; --as-of names another)"
    out = [f"Judged by “{summary['agreement']}” as of {summary['as_of']}{when}:"]
    made = f"hash {summary['hash'][:12]}, text folded by Unicode {summary['unicode']}"
    total = summary["leads"] or 1
    for name, count in summary["verdicts"].items():
        out.append(f"  {name.replace('_', '-'):<13}{count:>11,}  {100 * count / total:5.1f}%")
    out.extend(f"  note: {note}" for note in facts.notes)
    out.extend(f"  {entry}" for entry in facts.unknown)
    if summary["lines_not_judged"]:
        told = ", ".join(f"{line} ({count:,})" for line, count in summary["lines_not_judged"].items())
        out.append(f"  lines that could not be judged for want of a value, and for how many leads: {told}")
    out.append(f"  made with: {made}")
    out.append(f"{counted(summary['leads'], 'verdict')} written to {summary['out']} in {summary['seconds']:.1f} s.")
    return out
