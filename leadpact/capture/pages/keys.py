"""Write keys: made, shown once, revoked."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from leadpact.capture import queries
from leadpact.capture.actions.admit import forget
from leadpact.capture.actions.keys import create_key, revoke_key
from leadpact.capture.forms import KeyForm
from leadpact.capture.pages.common import asker, frame, see
from leadpact.capture.permissions import MAY_MANAGE
from leadpact.kit import clock, formats, lists
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import DAY
from leadpact.kit.pages import page


def _day(us: int | None) -> str:
    return formats.iso(us) if us is not None else ""


COLUMNS = (
    lists.Column("name", "Name", lambda key: key.name, sort="name"),
    lists.Column("prefix", "Begins with", lambda key: key.prefix, shown=False),
    lists.Column("kind", "Kind", lambda key: "public" if key.is_public else "server", sort="is_public"),
    lists.Column("origins", "Pages", lambda key: " ".join(key.origins), shown=False),
    lists.Column("created", "Made", lambda key: formats.iso(key.created_at), sort="created_at", falling=True),
    lists.Column("used", "Last used", lambda key: _day(key.last_used_at), sort="last_used_at", falling=True),
    lists.Column("revoked", "Revoked", lambda key: _day(key.revoked_at), sort="revoked_at", falling=True, shown=False),
)
CODES = {
    "bad_timestamp": "a timestamp that cannot be",
    "no_identity": "it names nobody",
    "no_event": "no name of the event",
    "unknown_type": "an unknown type",
    "wrong_type": "a value of the wrong type",
    "not_json": "not JSON",
    "not_utf8": "not UTF-8",
    "too_much": "beyond the bounds",
    "event_too_large": "over 32 kB",
    "bad_value": "a value that cannot be kept",
    "bad_email": "a bad e-mail address",
    "not_public": "not for a public key",
}


@page(roles=MAY_MANAGE)
def keys(request: HttpRequest) -> HttpResponse:
    """All keys, a form for another, and what was refused of late."""
    at = clock.now()
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_key(**form.cleaned_data, by_id=asker(request).pk, at=at)
        except CannotDo as problem:
            form.add_error(
                "origins", str(problem).replace(", such as --origin", ": write").replace("add --public", "tick Public")
            )
        else:
            address = request.build_absolute_uri("/").rstrip("/")
            response = render(request, "capture/key.html", {"title": "A new key", "made": made, "address": address})
            response["Cache-Control"] = "no-store"
            return response
    shown = lists.listing(request, queries.keys(), columns=COLUMNS, sort="-created", noun="key|keys")
    refused = [
        (row["key__name"], CODES.get(str(row["code"]), row["code"]), row["total"])
        for row in queries.refusals(since=at - 7 * DAY)[:12]
    ]
    response = lists.answer(
        request,
        "capture/keys.html",
        shown,
        title="Keys",
        form=form,
        refused=refused,
        **frame(request, "/capture/keys/"),
    )
    response.status_code = 422 if form.errors else 200
    return response


@page(roles=MAY_MANAGE, methods=("POST",))
def revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    """End a key."""
    key = revoke_key(key_id=key_id, at=clock.now())
    forget()
    messages.success(request, f"“{key.name}” is revoked; within five seconds every call with it is refused.")
    return see("/capture/keys/")
