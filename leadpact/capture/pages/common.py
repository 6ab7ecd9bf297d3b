"""What pages of capture share: who asks, the tabs, where to look afterwards."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect

from leadpact.capture.permissions import MAY_MANAGE

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


def frame(request: HttpRequest, current: str, **counts: int) -> dict[str, Any]:
    """Tabs for the template; none for who may only enter by hand. `counts` by the tab's first word."""
    if asker(request).role not in MAY_MANAGE:
        return {"tabs": []}
    return {
        "tabs": [
            {
                "text": text,
                "href": href,
                "current": href == current,
                "count": counts.get(text.split()[0].lower()) or None,
            }
            for text, href in TABS
        ]
    }


def see(path: str) -> HttpResponseRedirect:
    """After a POST: go and look there (303), so that going back does not send it again."""
    response = cast("HttpResponseRedirect", redirect(path))
    response.status_code = 303
    return response
