"""`leadpact review`: a report on last year from files alone, as one HTML file that opens without a network."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from leadpact.lake import engines, facts
from leadpact.lake.cli import Reading, a_file, read_agreement, reading_options, working
from leadpact.lake.problems import FileProblem, WrongCall, counted
from leadpact.lake.read import Table
from leadpact.lake.store import Store
from leadpact.lake.write import check_folder
from leadpact.language.needs import needs
from leadpact.language.nodes import VERDICT_NAMES, Agreement
from leadpact.site import review_figures as figures
from leadpact.site import review_findings as findings
from leadpact.site import review_gaps, review_history, review_json, review_money, review_report
from leadpact.site.review_history import History
from leadpact.site.review_sections import Waiting
from leadpact.site.review_words import percent


@click.command(short_help="A report on last year, from files.")
@click.option(
    "--leads", "leads_file", type=a_file, required=True, help="Leads: CSV, JSON Lines or Parquet; gzip is fine."
)
@click.option("--touches", "touches_file", type=a_file, help="Touches with them.")
@click.option(
    "--outcomes",
    "outcomes_file",
    type=a_file,
    help="What came of them: a row an outcome, or deals with a date a column.",
)
@click.option("--spend", "spend_file", type=a_file, help="Money spent, by channel and day.")
@click.option("--agreement", "agreement_file", type=a_file, help="An agreement to judge the same leads by.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The report: a name ending with .html.",
)
@reading_options
def review(
    leads_file: Path,
    touches_file: Path | None,
    outcomes_file: Path | None,
    spend_file: Path | None,
    agreement_file: Path | None,
    out: Path,
    reading: Reading,
    as_json: bool,
) -> None:
    """Report on last year: both funnels, sources, speed, both errors, money, and what the files cannot say.

    \b
    Example:
      leadpact review --leads leads.csv --outcomes deals.csv --out report.html
    """
    if out.suffix.lower() not in {".html", ".htm"}:
        raise WrongCall(f"--out {out}: the report is one HTML file; end its name with .html.")
    check_folder(out, leads_file, touches_file, outcomes_file, spend_file, agreement_file)
    agreement = read_agreement(agreement_file) if agreement_file else None
    started = time.monotonic()
    with Store() as store:
        leads = reading.table(store, leads_file, "leads")
        touches = reading.table(store, touches_file, "touches") if touches_file else None
        outcomes = reading.table(store, outcomes_file, "outcomes") if outcomes_file else None
        spend = reading.table(store, spend_file, "spend") if spend_file else None
        reading.check_maps()
        with working("counting"):
            history = review_history.gather(store, leads, touches, outcomes)
            first = figures.first(history, agreement)
            found = findings.find(history)
            paid = review_money.money(history, spend, found.hit, found.times, found.window) if spend and found else None
            gaps = review_gaps.gaps(history, leads, touches, outcomes, spend)
            waiting = _waiting(store, history, agreement, leads, touches) if agreement else None
        shown = review_report.context(history, found, first, gaps, paid, waiting, reading.tables)
        page = review_report.render(shown)
        try:
            out.write_text(page, encoding="utf-8")
        except OSError as error:
            raise FileProblem(f"--out {out} cannot be written: {error.strerror}.") from error
        rejected = reading.finish(out)
        if as_json:
            told = review_json.figures_json(history, found, first, gaps, paid)
            click.echo(json.dumps({**told, "out": str(out), "reject_files": rejected}, ensure_ascii=False, indent=2))
            return
        click.echo("")
        click.echo(shown["lede"])
        for line in shown["notable"]:
            click.echo(f"- {line}")
        if first and first.estimate.value is not None:
            click.echo(f"- First error: {percent(first.estimate.value)}. {first.estimate.says}")
        click.echo(f"What the files cannot say: {counted(len(gaps), 'question')}, in the report with what to record.")
        click.echo(f"Written to {out} in {time.monotonic() - started:.1f} s: open it in a browser.")


def _waiting(store: Store, history: History, agreement: Agreement, leads: Table, touches: Table | None) -> Waiting:
    """Judge the leads as of the end of the files."""
    gathered = facts.gather(store, needs(agreement), leads, touches, history.until)
    engines.with_duckdb(gathered, agreement)
    counts = dict(store.execute(f"SELECT verdict, count(*) FROM {engines.VERDICTS} GROUP BY verdict").fetchall())
    silent = " AND ".join(
        f"{outcome}_at IS NULL" for outcome in ("accepted", "rejected", "qualified", "opportunity", "won", "lost")
    )
    unanswered = store.one(
        f"SELECT count(*) FROM {engines.VERDICTS} JOIN reviewed USING (lead_id) WHERE verdict = 'sales_ready' AND {silent}"
    )
    return Waiting(agreement.name, {name: int(counts.get(name, 0)) for name in VERDICT_NAMES}, int(unanswered))
