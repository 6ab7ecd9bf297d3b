"""`leadpact tuning`: the regular review as a file, prepared for a range or read again."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from leadpact.kit.commands import needs_database
from leadpact.kit.failures import CannotDo

if TYPE_CHECKING:
    from leadpact.tuning.models import Review

# Rooms are imported inside the command: their tables need Django, which `needs_database` sets up.
ENDINGS = ("pdf", "html")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def tuning() -> None:
    """The regular review of what the agreement did.

    Example: leadpact tuning review --from 2026-11-16 --until 2026-11-22 --out review.pdf
    """


@tuning.command(epilog="Example: leadpact tuning review --from 2026-11-16 --until 2026-11-22 --out review.pdf")
@click.option(
    "--from", "first", metavar="DAY", help="First day, such as 2026-11-16. Default: six days before the last."
)
@click.option("--until", "last", metavar="DAY", help="Last day, which is in it. Default: yesterday.")
@click.option("--number", type=click.IntRange(1), help="Write this past review again instead of preparing one.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file that ends in .pdf or .html.")
@click.option("--blind", is_flag=True, help="The edition for those who take leads: no verdicts, lines or proposals.")
@click.option(
    "--seed", metavar="TEXT", help="Draw the disputed leads by this seed. Default: a fresh one, which is kept."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@needs_database
def review(
    first: str | None, last: str | None, number: int | None, out: Path | None, *, blind: bool, seed: str | None, as_json: bool
) -> None:  # fmt: skip
    """Prepare the review of a range of days (in the market's zone) on the server's data, keep it, and write it to a file.

    What is prepared is kept under a number, and --number writes it again to the digit. For a report on files without a
    server there is `leadpact review`.
    """
    if out is not None and out.suffix.lower().lstrip(".") not in ENDINGS:
        raise click.BadParameter("name a file that ends in .pdf or .html", param_hint="--out")
    if number is not None and (first or last or seed):
        raise click.UsageError("--number reads a review that exists: leave out --from, --until and --seed.")
    if seed is not None and not 0 < len(seed) <= 64:
        raise click.BadParameter("a seed has 1 to 64 characters", param_hint="--seed")
    found = _again(number) if number is not None else _prepared(first, last, seed)
    if out is not None:
        _write(found, out, blind=blind)
    if as_json:
        click.echo(json.dumps(_figures(found, blind=blind), ensure_ascii=False, indent=2))
    else:
        _tell(found, out, blind=blind)


def _again(number: int) -> Review:
    from leadpact.tuning import queries
    from leadpact.tuning.models import Review

    try:
        return queries.review(number)
    except Review.DoesNotExist as missing:
        raise CannotDo(f"There is no review {number}. The page Review lists those that are kept.") from missing


def _prepared(first: str | None, last: str | None, seed: str | None) -> Review:
    from leadpact.agreement.queries import in_force
    from leadpact.kit import clock, formats
    from leadpact.kit.instants import from_us, to_us
    from leadpact.site import meeting

    at = clock.now()
    version = in_force(at)
    zone = formats.zone_of(version.agreement.market.timezone if version else "UTC")
    ends = _day(last, "--until") if last else from_us(at).astimezone(zone).date() - timedelta(days=1)
    begins = _day(first, "--from") if first else ends - timedelta(days=6)
    since = to_us(datetime.combine(begins, time.min, zone))
    until = to_us(datetime.combine(ends + timedelta(days=1), time.min, zone))
    today = from_us(at).astimezone(zone).date()
    return meeting.prepare(since=since, until=min(until, at) if ends == today else until, by=None, at=at, seed=seed)


def _day(text: str, option: str) -> date:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError as wrong:
        raise click.BadParameter(f"{text!r} is no day; write it as 2026-11-16", param_hint=option) from wrong
    if not 2000 <= found.year <= 2100:
        raise click.BadParameter("give a day between 2000 and 2100", param_hint=option)
    return found


def _write(found: Review, out: Path, *, blind: bool) -> None:
    from leadpact.site import meeting_paper

    page = meeting_paper.html(found, blind=blind)
    try:
        if out.suffix.lower() == ".pdf":
            out.write_bytes(meeting_paper.pdf(page))
        else:
            out.write_text(page, encoding="utf-8")
    except OSError as problem:
        raise CannotDo(
            f"Cannot write {out}: {problem.strerror or problem}. Review {found.number} is kept: write it with --number"
            f" {found.number} and another file."
        ) from problem


def _figures(found: Review, *, blind: bool) -> dict[str, Any]:
    from leadpact.kit.formats import iso

    hidden = {"lines", "talk", "proposals", "disputed", "drift", "promises"} if blind else set[str]()
    content = found.content
    if blind:
        content = {**content, "errors": {**content["errors"], "first_here": None}}
    return {
        "number": found.number, "since": iso(found.since), "until": iso(found.until), "as_of": iso(found.as_of),
        "agreement": found.agreement_hash, "seed": found.seed, "digest": found.digest,
        **{name: part for name, part in content.items() if name not in hidden},
    }  # fmt: skip


def _tell(found: Review, out: Path | None, *, blind: bool) -> None:
    from leadpact.site import meeting_words
    from leadpact.site.meeting_shown import days_of

    click.echo(f"Review {found.number}, {days_of(found)}")
    for said in meeting_words.in_short(found.content, blind=blind):
        click.echo(f"  {said}")
    if out is not None:
        click.echo(f"Written to {out}.")
