"""`leadpact simulate`: a company with a known truth, as files."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from leadpact.simulation.files import Written

START = "2025-01-06"


@click.command()
@click.option(
    "--leads", required=True, type=click.IntRange(1, 2_000_000), help="How many people the company gets to know."
)
@click.option("--seed", required=True, type=click.IntRange(0, 2**63), help="The same seed makes the same company.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Directory for the files.")
@click.option("--days", default=365, show_default=True, type=click.IntRange(7, 3_650), help="How long it lives.")
@click.option(
    "--start", default=START, show_default=True, type=click.DateTime(["%Y-%m-%d"]), help="Its first day, UTC."
)
@click.option("--format", "form", default="csv", show_default=True, type=click.Choice(["csv", "parquet"]))
@click.option("--force", is_flag=True, help="Write over files of an earlier simulation.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def simulate(
    leads: int,
    seed: int,
    out: Path,
    days: int,
    start: datetime,
    form: Literal["csv", "parquet"],
    force: bool,
    as_json: bool,
) -> None:
    """Write a simulated company's year: leads, touches, outcomes, spend, the truth, and an agreement to judge it by.

    \b
    Example:  leadpact simulate --leads 2000 --seed 7 --out company
    Then:     leadpact judge --agreement company/agreement.yaml --leads company/leads.csv \\
                --touches company/touches.csv --out verdicts.csv
    """
    from leadpact.simulation.company import Company
    from leadpact.simulation.files import AGREEMENT, write

    there = sorted(path.name for path in out.glob("*.*") if path.name == AGREEMENT or path.suffix == f".{form}")
    if there and not force:
        raise click.ClickException(
            f"{out} holds {there[0]} already: name another directory, or write over it with --force."
        )
    company = Company(seed, leads, start.replace(tzinfo=UTC), days)
    try:
        with click.progressbar(length=days, label="Simulating", file=sys.stderr) as bar:
            written = write(company, out, form, each_day=lambda day: bar.update(day - bar.pos))
    except OSError as error:
        raise click.ClickException(
            f"{out} could not be written ({error.strerror}): name a directory that can."
        ) from error
    click.echo(json.dumps(asdict(written)) if as_json else _summary(written, out))


def _summary(written: Written, out: Path) -> str:
    first = "not known" if written.first_error is None else f"{written.first_error:.1%}"
    return "\n".join(
        (
            f"{out}: {written.leads:,} leads of {written.accounts:,} accounts,",
            f"  {written.touches:,} touches ({written.automated:,} by machines), {written.outcomes:,} outcomes,",
            f"  {written.spend:,} rows of spend.",
            f"Of all leads {written.handed_over:.1%} were handed over, {written.opportunities:.1%} became opportunities,",
            f"  {written.won:.1%} were won.",
            f"First error by the answers: {first}.",
            f"Second error by the truth: {written.pool_truth:.1%} of lead-weeks before a first hand-over.",
            "Files: " + ", ".join(written.files),
        )
    )
