"""The door of every page: who may come in, in whose zone it is written, and how a refusal is told.

    @page(roles=MANAGERS)
    def people(request: HttpRequest) -> HttpResponse: ...

`request.user` is a `leadpact.team` user; this floor knows only that it has a role and a zone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from leadpact.kit import formats, links
from leadpact.kit.failures import CannotDo

MARKETER, SALESPERSON, MANAGER, OPERATIONS = "marketer", "salesperson", "manager", "operations"
EVERYONE = frozenset({MARKETER, SALESPERSON, MANAGER, OPERATIONS})
MANAGERS = frozenset({MANAGER, OPERATIONS})
MARKETING = frozenset({MARKETER, MANAGER, OPERATIONS})

P = ParamSpec("P")


def page(
    *, roles: Collection[str] = EVERYONE, anonymous: bool = False, methods: Collection[str] = ("GET", "HEAD", "POST")
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Let in who is logged in with one of `roles` (anybody, where `anonymous`); others are sent to log in or told no.

    A `CannotDo` raised by a POST becomes a notice on the page it came from; so actions just raise. One raised by a GET,
    or by a POST that came from nowhere, becomes a page of its own with status 409.
    """
    allowed = frozenset(roles)
    unknown = allowed - EVERYONE
    if unknown:
        raise ValueError(f"no such role: {sorted(unknown)}")

    def wrap(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in methods:
                return HttpResponseNotAllowed(sorted(methods))
            user: Any = request.user
            with formats.reading(_reader(request)):
                if not anonymous:
                    if not user.is_authenticated:
                        return _to_log_in(request)
                    if user.role not in allowed:
                        return refuse(request, roles=allowed)
                try:
                    return view(request, *args, **kwargs)
                except CannotDo as refusal:
                    return _tell(request, str(refusal), default=request.path if "GET" in methods else "")

        return door

    return wrap


def refuse(request: HttpRequest, *, roles: Collection[str] = (), sentence: str = "") -> HttpResponse:
    """The page that says no, with status 403."""
    who = " or ".join(sorted(roles))
    said = sentence or f"This page is for the role {who}. Ask a manager if you need it."
    return render(request, "refused.html", {"title": "Not for your role", "sentence": said}, status=403)


def back(request: HttpRequest, default: str = "/") -> str:
    """Where a form wants to return to: its `next` field, else the page it was on, else `default`. Never another host."""
    for candidate in (request.POST.get("next", ""), request.GET.get("next", ""), _referer_path(request)):
        if candidate and url_has_allowed_host_and_scheme(candidate, allowed_hosts=None):
            return candidate
    return default


def whole_number(text: str, *, default: int, least: int = 0, most: int = 2_000_000_000) -> int:
    """A whole number from an address or a form, held within bounds; `default` where it is none."""
    try:
        return min(max(int(text), least), most)
    except (TypeError, ValueError):
        return default


def _reader(request: HttpRequest) -> formats.Reader:
    zone = getattr(request.user, "timezone", "UTC")
    return formats.Reader(formats.zone_of(zone), formats.language_of(request.headers.get("Accept-Language", "")))


def _to_log_in(request: HttpRequest) -> HttpResponse:
    here = request.get_full_path() if request.method in {"GET", "HEAD"} else _referer_path(request)
    target = links.log_in(here if here not in {"", "/"} else "")
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)


def _tell(request: HttpRequest, sentence: str, *, default: str) -> HttpResponse:
    target = back(request, default=default)
    if request.method in {"GET", "HEAD"} or not target:
        return render(request, "refused.html", {"title": "That cannot be done", "sentence": sentence}, status=409)
    messages.error(request, sentence)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    response = HttpResponseRedirect(target)
    response.status_code = 303
    return response


def _referer_path(request: HttpRequest) -> str:
    referer = urlsplit(request.headers.get("Referer", ""))
    if referer.netloc != request.get_host():
        return ""
    return referer.path + (f"?{referer.query}" if referer.query else "")
