"""What needs a look: touches that machines made, and people who may be one person."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from leadpact.capture import queries
from leadpact.capture.pages.common import frame
from leadpact.capture.permissions import MAY_MANAGE
from leadpact.capture.rules.merging import survivor
from leadpact.kit import formats, lists
from leadpact.kit.pages import page
from leadpact.team.permissions import sees_scores


def _who(touch: Any) -> str:
    person = touch.visitor.person
    return "" if person is None else person.name or person.email or "a person without a name"


def _why(touch: Any) -> str:
    said = touch.properties.get("automated")
    return said if isinstance(said, str) else "found to be a machine's later"


MACHINES = (
    lists.Column("known", "Came in", lambda touch: formats.iso(touch.known_at), sort="known_at", falling=True),
    lists.Column("kind", "What", lambda touch: touch.kind, sort="kind"),
    lists.Column("who", "Who", _who, sort="visitor__person__name"),
    lists.Column("why", "Why it does not count", _why),
    lists.Column("channel", "Channel", lambda touch: touch.channel, sort="channel"),
)
MACHINE_FILTERS = (
    lists.Filter("kind", "What", lambda rows, value: rows.filter(kind__startswith=value), hint="email."),
)
ANSWERS = (
    lists.Column("first", "One", lambda pair: pair.first.email or pair.first.name),
    lists.Column("second", "The other", lambda pair: pair.second.email or pair.second.name),
    lists.Column("why", "Why asked", lambda pair: pair.why),
    lists.Column("found", "Found", lambda pair: formats.iso(pair.found_at), sort="found_at", falling=True),
)


@page(roles=MAY_MANAGE)
def machines(request: HttpRequest) -> HttpResponse:
    """Touches that were seen to be a machine's."""
    shown = lists.listing(
        request, queries.quarantine(), columns=MACHINES, filters=MACHINE_FILTERS, sort="-known", noun="touch|touches"
    )
    for touch in shown.rows:
        touch.who, touch.why = _who(touch), _why(touch)
    return lists.answer(
        request,
        "capture/machines.html",
        shown,
        title="Machines",
        filename="machines",
        **frame(request, "/capture/machines/"),
    )


@page(roles=MAY_MANAGE)
def duplicates(request: HttpRequest) -> HttpResponse:
    """Questions that only a person can answer."""
    shown = lists.listing(
        request, queries.questions(), columns=ANSWERS, sort="found", noun="question|questions", size=20
    )
    sides = queries.sides(one for pair in shown.rows for one in (pair.first, pair.second))
    for pair in shown.rows:
        pair.people = ((pair.first, sides[pair.first_id]), (pair.second, sides[pair.second_id]))
        stays, _, because = survivor(sides[pair.first_id], sides[pair.second_id])
        pair.stays, pair.because = (pair.first if stays.person_id == pair.first_id else pair.second), because
    return lists.answer(
        request,
        "capture/duplicates.html",
        shown,
        title="Duplicates",
        filename="duplicates",
        answered=_answered(),
        blind=not sees_scores(request.user),  # type: ignore[arg-type]
        **frame(request, "/capture/duplicates/"),
    )


def _answered() -> list[Any]:
    """The last answers, each with the merger in force."""
    pairs: list[Any] = list(queries.answered_questions()[:20])
    for pair in pairs:
        pair.people = (pair.first, pair.second)
        pair.merger = queries.merger_of(pair.first_id, pair.second_id)
    return pairs
