"""What pages of capture share: who asks, the tabs, where to look afterwards."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect

from leadpact.capture.permissions import MAY_MANAGE
from leadpact.capture.queries import open_questions

TABS = (
    ("Enter by hand", "/capture/"),
    ("Imports", "/capture/imports/"),
    ("Keys", "/capture/keys/"),
    ("Machines", "/capture/machines/"),
    ("Duplicates", "/capture/duplicates/"),
)


def asker(request: HttpRequest) -> Any:
    """Whoever asks; behind `@page` a user of the team."""
    return request.user


def frame(request: HttpRequest, current: str) -> dict[str, Any]:
    """Tabs for the template, with how many duplicates wait; none for who may only enter by hand."""
    if asker(request).role not in MAY_MANAGE:
        return {"tabs": []}
    waiting = {"/capture/duplicates/": open_questions()}
    return {
        "tabs": [
            {"text": text, "href": href, "current": href == current, "count": waiting.get(href) or None}
            for text, href in TABS
        ]
    }


def see(path: str) -> HttpResponseRedirect:
    """After a POST: go and look there (303), so that going back does not send it again."""
    response = cast("HttpResponseRedirect", redirect(path))
    response.status_code = 303
    return response
