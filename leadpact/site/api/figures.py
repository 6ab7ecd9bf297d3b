"""GET: the agreement in force, and both errors."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, time
from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, BeforeValidator, Field

from leadpact.agreement import pages as agreement_pages
from leadpact.agreement import queries as agreement
from leadpact.kit import clock
from leadpact.kit.instants import to_us
from leadpact.language import words
from leadpact.site.api import shapes
from leadpact.site.api.keys import ReadKey, caller_of, closed
from leadpact.site.api.leads import only
from leadpact.site.api.problems import Problem, wrong
from leadpact.site.api.shapes import iso
from leadpact.tuning import queries as tuning

router = Router(auth=ReadKey(), tags=["agreement and errors"])


@router.get("/agreement", response=shapes.Agreement)
def show_agreement(request: HttpRequest) -> dict[str, Any]:
    """The version in force, read aloud."""
    caller = caller_of(request)
    found = agreement.in_force(clock.now())
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no_agreement", "No agreement is in force yet; both heads sign one first.")
    sections = agreement_pages.shown(words.sections(found.agreement), caller.user)
    return {
        "hash": found.hash,
        "number": found.number,
        "name": found.name,
        "effective_at": iso(found.effective_at),
        "sections": [
            {
                "key": one.key,
                "title": one.title,
                "intro": "" if caller.blind else one.intro,
                "sentences": [
                    {"id": said.id, "text": said.text, "points": "" if caller.blind else said.points,
                     "detail": "" if caller.blind else said.detail}
                    for said in one.sentences
                ],
            }
            for one in sections
        ],
        "sentences": [said.text for one in sections for said in one.sentences],
        "source": None if caller.blind else agreement.version(found.number).source,
    }  # fmt: skip


def _only_a_day(value: object) -> object:
    """Without this an instant at midnight is taken for a day, and its missing zone for UTC."""
    if isinstance(value, str) and len(value) != len("2026-05-28"):
        raise ValueError("a day is written 2026-05-28, an instant with its zone")
    return value


Moment = AwareDatetime | Annotated[date, BeforeValidator(_only_a_day)]


class Range(Schema):
    """[from, to): instants, or days in UTC. Without them the last 13 weeks."""

    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")


@router.get("/tuning/errors", response=shapes.Errors, by_alias=True)
def show_errors(request: HttpRequest, asked: Query[Range]) -> dict[str, Any]:
    """Both errors of the loop, each with its interval and how it was got. 403 for blind keys.

    Whoever answers for a lead and sees the next moment whether the count of the first error moved knows whether that
    lead was a check.
    """
    if caller_of(request).blind:
        raise closed("Figures that move with every answer are")
    only(request, "from", "to")
    at = clock.now()
    since, until = _us(asked.since), _us(asked.until)
    if since is not None and since >= (until if until is not None else at):
        raise wrong("query.from", "It must lie before `to`, which is the present where it is not given.")
    found = tuning.errors(at=at, since=since, until=until)
    return {
        "since": iso(found.since),
        "until": iso(found.until),
        "first": found.first.to_json(),
        "second": found.second.to_json(),
        "recall": found.caught.to_json(),
        "withering": asdict(found.withering),
        "guesses": asdict(found.guesses),
        "pool": found.pool,
    }


def _us(moment: datetime | date | None) -> int | None:
    if moment is None:
        return None
    return to_us(moment if isinstance(moment, datetime) else datetime.combine(moment, time(), UTC))
