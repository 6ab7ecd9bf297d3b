"""The room's front page: enter somebody by hand; for those who run capture, what came in and from where."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html

from leadpact.capture import queries
from leadpact.capture.actions.by_hand import Entered, enter_by_hand, own_prospect
from leadpact.capture.forms import CardForm
from leadpact.capture.pages.common import asker, frame, see
from leadpact.capture.permissions import MAY_ENTER, MAY_MANAGE, may_keep_prospects
from leadpact.capture.rules.hand import OWN, BadCard, Card
from leadpact.kit import clock, links
from leadpact.kit.instants import DAY
from leadpact.kit.pages import page

SOURCES_DAYS = 90


@page(roles=MAY_ENTER)
def enter(request: HttpRequest) -> HttpResponse:
    """Enter somebody; another one follows at once, the same way."""
    user, at = asker(request), clock.now()
    own = may_keep_prospects(user.role, takes_leads=user.takes_leads)
    start = {"way": request.GET.get("way", "call"), "campaign": request.GET.get("campaign", "")[:200]}
    form = CardForm(request.POST or None, own=own, initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            if form.chosen is OWN:
                entered = own_prospect(card=form.card, by_id=user.pk, at=at)
            else:
                entered = enter_by_hand(card=form.card, way=form.chosen, by_id=user.pk, at=at)
        except BadCard as problem:
            form.add_error(problem.field, str(problem))
        else:
            _tell(request, form.card, entered, own=form.chosen is OWN)
            kept = {"way": form.cleaned_data["way"], "campaign": form.cleaned_data["campaign"]}
            return see(f"/capture/?{urlencode({key: value for key, value in kept.items() if value})}")
    manages = user.role in MAY_MANAGE
    context: dict[str, object] = {"title": "Capture", "form": form, "own": own, "manages": manages}
    if manages:
        context |= {
            "counts": queries.counts(at=at),
            "sources": _sources(at),
            **frame(request, "/capture/"),
        }
    return render(request, "capture/enter.html", context, status=422 if form.errors else 200)


def _sources(at: int) -> list[dict[str, object]]:
    """The channels that most of the latest leads came by, as people say them."""
    found = queries.sources(since=at - SOURCES_DAYS * DAY)[:8]
    return [{**one, "spoken": (str(one["source"]) or "unknown").replace("_", " ")} for one in found]


def _tell(request: HttpRequest, card: Card, entered: Entered, *, own: bool) -> None:
    who = card.name.strip() or card.email.strip() or card.phone.strip()
    if entered.repeated:
        messages.info(request, f"{who} was entered a moment ago already; nothing was added.")
        return
    link = format_html('<a href="{}">See the lead</a>', links.lead(entered.lead_id)) if entered.lead_id else ""
    if entered.known and own:
        messages.warning(request, format_html("{} is known already and stays with who holds the lead. {}", who, link))
    elif entered.known:
        messages.success(request, format_html("Added to {}, who is known already. {}", who, link))
    else:
        messages.success(request, format_html("{} is in{}. {}", who, ", and yours" if own else "", link))
