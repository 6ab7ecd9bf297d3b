"""The frame around every page: which rooms somebody sees, and how many offers wait for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from leadpact.distribution.queries import offers_waiting
from leadpact.kit.pages import EVERYONE, MANAGERS, MARKETER, SALESPERSON


@dataclass(frozen=True, slots=True)
class Place:
    """An item of the navigation. `key` follows `g` on the keyboard."""

    label: str
    href: str
    icon: str
    key: str
    roles: Collection[str] = EVERYONE
    counted: bool = False


PLACES = (
    Place("Home", "/", "house", "h"),
    Place("Inbox", "/distribution/", "inbox", "i", MANAGERS | {SALESPERSON}, counted=True),
    Place("Pool", "/nurturing/", "sprout", "p", MANAGERS | {MARKETER}),
    Place("Agreement", "/agreement/", "handshake", "a"),
    Place("Review", "/tuning/reviews/", "messages-square", "r", MANAGERS | {MARKETER}),
    Place("Tracking", "/tracking/", "chart-line", "t"),
    Place("Capture", "/capture/", "magnet", "c"),
    Place("Team", "/team/", "users-round", "m"),
)
QUICK = 4


def shell(request: HttpRequest) -> dict[str, object]:
    """What `navigation.html` draws for whoever asks."""
    user: Any = request.user
    here = request.path
    on_profile = here.startswith("/team/me/")
    waiting = offers_waiting(user.pk) if user.is_authenticated else 0
    items: list[dict[str, object]] = [
        {
            "label": place.label,
            "href": place.href,
            "icon": place.icon,
            "key": place.key,
            "counted": place.counted,
            "count": waiting if place.counted else 0,
            "current": here == place.href or (place.href != "/" and here.startswith(place.href) and not on_profile),
        }
        for place in PLACES
        if user.is_authenticated and user.role in place.roles
    ]
    return {
        "items": items,
        "quick": items[:QUICK],
        "user": user,
        "initials": _initials(str(user)) if user.is_authenticated else "",
        "on_profile": on_profile,
    }


def _initials(name: str) -> str:
    words = [word for word in name.partition("@")[0].replace(".", " ").split() if word]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
