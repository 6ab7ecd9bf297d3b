"""Keys of the API: made, shown once, revoked."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from leadpact.kit import clock, formats, lists
from leadpact.kit.pages import OPERATIONS, page
from leadpact.team import queries
from leadpact.team.actions import keys as actions
from leadpact.team.forms import KeyForm
from leadpact.team.pages.common import asker, see

COLUMNS = (
    lists.Column("name", "Name", lambda key: key.name, sort="name"),
    lists.Column("prefix", "Begins with", lambda key: key.prefix),
    lists.Column("scopes", "May", lambda key: ", ".join(key.scopes)),
    lists.Column("user", "Acts as", lambda key: str(key.user or "operations"), sort="user__name"),
    lists.Column("created", "Made", lambda key: formats.iso(key.created_at), sort="created_at", falling=True),
    lists.Column(
        "revoked",
        "Revoked",
        lambda key: formats.iso(key.revoked_at) if key.revoked_at else "",
        sort="revoked_at",
        falling=True,
    ),
)


@page(roles={OPERATIONS})
def keys(request: HttpRequest) -> HttpResponse:
    """All keys, and a form for another."""
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = actions.create_key(**form.cleaned_data, user=None, by=asker(request), at=clock.now())
        context = {"title": "A new key", "key": made, "name": form.cleaned_data["name"]}
        response = render(request, "team/key.html", context)
        response["Cache-Control"] = "no-store"
        return response
    shown = lists.listing(request, queries.keys(), columns=COLUMNS, sort="-created", noun="key|keys")
    response = lists.answer(request, "team/keys.html", shown, title="Keys of the API", form=form)
    response.status_code = 422 if form.errors else 200
    return response


@page(roles={OPERATIONS}, methods=("POST",))
def revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    """End a key."""
    name = actions.revoke_key(key_id=key_id, by=asker(request), at=clock.now())
    messages.success(request, f"“{name}” is revoked; calls with it are refused from now on.")
    return see("/team/keys/")
