"""Somebody leaves the team: everything they hold goes to colleagues and the account closes, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from leadpact.distribution.actions.passing import hand_over_everything
from leadpact.distribution.queries import leads_of
from leadpact.kit import clock, links
from leadpact.kit.formats import number
from leadpact.kit.pages import MANAGERS, page, refuse
from leadpact.team import queries as team
from leadpact.team.actions.members import close_account
from leadpact.team.permissions import manages

if TYPE_CHECKING:
    from leadpact.team.models import User


@page(roles=MANAGERS)
def leave(request: HttpRequest, user_id: int) -> HttpResponse:
    """What leaving means for what they hold; then it happens."""
    by = cast("User", request.user)
    someone = team.person(user_id, at=clock.now())
    if not manages(by, someone.role):
        return refuse(request, sentence="Only operations can close an account of operations.")
    if request.method == "POST":
        at = clock.now()
        with transaction.atomic():
            # First what they hold: routing must not choose them, and a refusal there must leave the account open.
            passed = hand_over_everything(user=someone, by=by, at=at, note="left the team")
            close_account(user=someone, by=by, at=at)
        leads = len({entry.lead_id for entry in passed})
        messages.success(
            request,
            f"{someone} has left. {number(leads)} lead{'' if leads == 1 else 's'} went to colleagues."
            if leads
            else f"{someone} has left; there was nothing to hand over.",
        )
        response = redirect(links.member(user_id))
        response.status_code = 303
        return response
    held = len(leads_of(user_id))
    return render(request, "leave.html", {"title": f"{someone} leaves", "someone": someone, "held": held})
