"""The pool: what is growing, what is withering, what rests until when, what waits to be mended."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from leadpact.kit import clock, formats, lists
from leadpact.kit.pages import MARKETING, page
from leadpact.nurturing import queries
from leadpact.team.permissions import sees_scores

VIEWS = (
    ("growing", "Growing"),
    ("late", "Withering"),
    ("resting", "Resting"),
    ("repair", "To mend"),
    ("waiting", "Sales-ready, waiting"),
)


def _name(lead: Any) -> str:
    return lead.person.name or lead.person.email or "Somebody"


COLUMNS = (
    lists.Column("name", "Lead", _name, sort="person__name,id"),
    lists.Column("email", "E-mail", lambda lead: lead.person.email or "", shown=False),
    lists.Column("state", "State", lambda lead: lead.holding.state, sort="holding__state,id"),
    lists.Column("near", "Points missing", lambda lead: lead.near, sort="near", numeric=True),
    lists.Column("source", "Source", lambda lead: lead.source, sort="source,id"),
    lists.Column("since", "Since", lambda lead: formats.iso(lead.holding.since), sort="holding__since", falling=True),
    lists.Column(
        "due", "Clock", lambda lead: formats.iso(lead.holding.due) if lead.holding.due else "", sort="holding__due"
    ),
)
# For whoever is blind: state, closeness and clock of what Marketing holds move with the verdict, and so does since when it holds
# somebody in a state. Neither shown, nor sorted by, nor narrowed by, nor counted, nor in the CSV.
BLIND = (
    *(one for one in COLUMNS if one.key in {"name", "email", "source"}),
    lists.Column("since", "Captured", lambda lead: formats.iso(lead.created_at), sort="created_at", falling=True),
)


def _named(rows: Any, text: str) -> Any:
    return rows.filter(person__email__startswith=text.lower()) | rows.filter(person__name__icontains=text)


def _narrow(rows: Any, view: str, at: int) -> Any:
    match view:
        case "late":
            return rows.filter(holding__due_what="touch_every", holding__due__lt=at)
        case "resting":
            return rows.filter(holding__state="resting")
        case "repair":
            return rows.filter(holding__state="repair")
        case "waiting":
            return rows.filter(holding__verdict="sales_ready", holding__state__in=("prospect", "lead"))
        case _:
            return rows.filter(holding__state__in=("prospect", "lead"))


@page(roles=MARKETING, methods=("GET", "HEAD"))
def pool(request: HttpRequest) -> HttpResponse:
    """The page. A manager who takes leads sees whom Marketing holds, and nothing that tells a verdict."""
    blind = not sees_scores(request.user)  # type: ignore[arg-type]
    return _blind(request) if blind else _open(request)


SEARCH = lists.Filter("q", "Name or e-mail", _named, hint="the beginning")


def _open(request: HttpRequest) -> HttpResponse:
    at = clock.now()
    counts = queries.counts(at)
    view = request.GET.get("view", "growing")
    view = view if view in dict(VIEWS) else "growing"
    filters = (
        SEARCH,
        lists.Filter(
            "state",
            "State",
            lambda rows, value: rows.filter(holding__state=value),
            choices=[("prospect", "Prospects"), ("lead", "Leads")],
        ),
    )
    shown = lists.listing(
        request,
        _narrow(queries.pool(), view, at),
        columns=COLUMNS,
        filters=filters,
        sort={"growing": "near", "waiting": "since"}.get(view, "due"),
        noun="lead|leads",
        keep=("view",),
    )
    tabs = [{"text": says, "href": f"?view={key}", "current": key == view, "count": counts[key]} for key, says in VIEWS]
    return lists.answer(
        request,
        "nurturing/pool.html",
        shown,
        title="Pool",
        counts=counts,
        tabs=tabs,
        view=view,
        blind=False,
        far=queries.FAR,
    )


def _blind(request: HttpRequest) -> HttpResponse:
    if request.GET.get("view") or request.GET.get("state"):
        raise PermissionDenied
    shown = lists.listing(request, queries.pool(), columns=BLIND, filters=(SEARCH,), sort="-since", noun="lead|leads")
    held = queries.counts(clock.now())["held"]
    return lists.answer(request, "nurturing/pool.html", shown, title="Pool", held=held, view="", blind=True)
