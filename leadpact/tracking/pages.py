"""The leads behind the figures: one list, narrowed by the address, as a page or as CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from leadpact.kit import clock, formats, lists
from leadpact.kit.pages import EVERYONE, page
from leadpact.team.permissions import sees_scores
from leadpact.tracking import queries

WEEK = 7 * 86_400_000_000
CLOCKS = (
    "accept_within",
    "first_follow_up_within",
    "attempts",
    "next_step",
    "prospect_plan",
    "touch_every",
    "answer_rejection_within",
)


def _name(lead: Any) -> str:
    return lead.person.name or lead.person.email or "Somebody"


def _account(lead: Any) -> str:
    account = lead.person.account
    return (account.name or account.domain or "") if account else ""


def _where(lead: Any, *, blind: bool = False) -> str:
    held = lead.holding
    return str(held.holder) if blind and held.holder == "marketing" else f"{held.holder} · {held.state}"


def _sales_clock(lead: Any) -> str:
    held = lead.holding
    return formats.iso(held.due) if held.due and held.holder != "marketing" else ""


COLUMNS = (
    lists.Column("name", "Lead", _name, sort="person__name,id"),
    lists.Column("email", "E-mail", lambda lead: lead.person.email or "", shown=False),
    lists.Column("account", "Account", _account, sort="person__account__name,id"),
    lists.Column("state", "Where", _where, sort="holding__state,id"),
    lists.Column(
        "salesperson",
        "Salesperson",
        lambda lead: str(lead.holding.salesperson or ""),
        sort="holding__salesperson__name,id",
    ),
    lists.Column("source", "Source", lambda lead: lead.source, sort="source,id"),
    lists.Column("since", "Since", lambda lead: formats.iso(lead.holding.since), sort="holding__since", falling=True),
    lists.Column(
        "due", "Clock", lambda lead: formats.iso(lead.holding.due) if lead.holding.due else "", sort="holding__due"
    ),
    lists.Column("id", "Id", lambda lead: lead.pk, shown=False),
)
# For whoever is blind: while Marketing holds a lead, its state, since when, and the clock move with the verdict. Neither shown,
# nor sorted by, nor narrowed by, nor in the CSV.
BLIND = {
    "state": lists.Column("state", "Where", lambda lead: _where(lead, blind=True), sort="holding__holder,id"),
    "since": lists.Column(
        "since", "Captured", lambda lead: formats.iso(lead.created_at), sort="created_at", falling=True
    ),
    "due": lists.Column("due", "Clock", _sales_clock),
}
HIDDEN = {"state": {"prospect", "lead", "resting", "repair"}, "late": {"touch_every", "answer_rejection_within"}}
STATES = (
    "prospect", "lead", "resting", "repair",
    "offered", "accepted", "qualified", "opportunity", "prospecting",
    "won", "lost", "disqualified",
)  # fmt: skip
MOVED = [("handed_over", "handed over"), ("came_back", "came back"), ("won", "won")]


def _moved(now: int) -> Callable[[Any, str], Any]:
    def apply(rows: Any, value: str) -> Any:
        return rows.filter(pk__in=queries.moved(value, since=now - WEEK, until=now)) if value in queries.MOVED else rows

    return apply


@page(roles=EVERYONE, methods=("GET", "HEAD"))
def leads(request: HttpRequest) -> HttpResponse:
    """Leads by where they are, where they came from, what moved them lately, and which clock is late."""
    now = clock.now()
    blind = not sees_scores(request.user)  # type: ignore[arg-type]
    if blind and any(request.GET.get(key, "") in hidden for key, hidden in HIDDEN.items()):
        raise PermissionDenied
    states = [(one, one.capitalize()) for one in STATES if not (blind and one in HIDDEN["state"])]
    filters = (
        lists.Filter("q", "Name or e-mail", queries.named, hint="the beginning"),
        lists.Filter(
            "state",
            "Where",
            lambda rows, value: (
                rows.filter(holding__holder=value) if value == "marketing" else rows.filter(holding__state=value)
            ),
            choices=[("marketing", "With Marketing"), *states],
        ),
        lists.Filter(
            "source",
            "Source",
            lambda rows, value: rows.filter(source=value),
            choices=[(one, one.replace("_", " ")) for one in queries.source_names()],
        ),
        lists.Filter("moved", "In the last 7 days", _moved(now), choices=MOVED),
        lists.Filter(
            "late",
            "Late clock",
            lambda rows, value: rows.filter(holding__due_what=value, holding__due__lt=now),
            choices=[(one, one.replace("_", " ")) for one in CLOCKS if not (blind and one in HIDDEN["late"])],
        ),
    )
    columns = tuple(BLIND.get(one.key, one) for one in COLUMNS) if blind else COLUMNS
    shown = lists.listing(request, queries.leads(), columns=columns, filters=filters, sort="-since", noun="lead|leads")
    return lists.answer(request, "tracking/leads.html", shown, title="Leads", blind=blind)
