"""What pages of the team share: who asks, where to look afterwards, a link that is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render

if TYPE_CHECKING:
    from leadpact.team.models import User


def asker(request: HttpRequest) -> User:
    """Whoever asks; behind `@page` they are logged in."""
    return cast("User", request.user)


def see(path: str) -> HttpResponseRedirect:
    """After a POST: go and look there (303), so that going back does not send it again."""
    response = cast("HttpResponseRedirect", redirect(path))
    response.status_code = 303
    return response


def show_link(request: HttpRequest, secret: str, *, title: str, someone: str, lasts: str, again: str) -> HttpResponse:
    """The page with a link that is shown this once."""
    address = request.build_absolute_uri(f"/team/join/{secret}/")
    response = render(
        request,
        "team/link.html",
        {"title": title, "address": address, "someone": someone, "lasts": lasts, "again": again},
    )
    response["Cache-Control"] = "no-store"
    return response
