"""Coming in: log-in, the first account, invitations, links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.views import login as allauth_log_in
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import MANAGERS, page
from leadpact.team import queries
from leadpact.team.actions import entrance
from leadpact.team.forms import FirstForm, InviteForm, JoinForm, NewPasswordForm
from leadpact.team.pages.common import asker, see, show_link

if TYPE_CHECKING:
    from django.forms import Form

    from leadpact.team.models import User

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def log_in(request: HttpRequest) -> HttpResponseBase:
    """Log in; an installation without any account makes its first one instead."""
    if request.method == "GET" and queries.nobody_yet():
        return HttpResponseRedirect("/team/first/")
    return allauth_log_in(request)


@never_cache
@sensitive_post_parameters("password")
@page(anonymous=True)
def first(request: HttpRequest) -> HttpResponse:
    """The first account, which is one of operations; only while there is none."""
    if not queries.nobody_yet():
        return HttpResponseRedirect("/")
    form = FirstForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = entrance.create_first_administrator(**form.cleaned_data)
        except CannotDo as refusal:
            form.add_error("password" if queries.nobody_yet() else None, str(refusal))
        else:
            return _enter(request, user, "Welcome. Next: invite your colleagues, and write the agreement.")
    return _ask(request, "Make the first account", form, "team/first.html")


@never_cache
@sensitive_post_parameters("password")
@page(anonymous=True)
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Use a link: make one's account, or set a new password."""
    link = queries.invitation(secret, at=clock.now())
    if link is None:
        return render(request, "team/link_gone.html", {"title": "This link does not work any more"}, status=410)
    new = link.purpose == "invite"
    form: Form = (
        JoinForm(request.POST or None, initial={"name": link.name}) if new else NewPasswordForm(request.POST or None)
    )
    if request.method == "POST" and form.is_valid():
        try:
            user = entrance.redeem(
                secret=secret,
                name=form.cleaned_data.get("name", ""),
                password=form.cleaned_data["password"],
                timezone=form.cleaned_data.get("timezone", "UTC"),
                at=clock.now(),
            )
        except CannotDo as refusal:
            form.add_error("password", str(refusal))
        else:
            return _enter(request, user, f"Welcome, {user}." if new else "Your new password works.")
    title = "Make your account" if new else "Set a new password"
    return _ask(request, title, form, "team/join.html", link=link)


@page(roles=MANAGERS)
def invite(request: HttpRequest) -> HttpResponse:
    """Invite somebody: the link is shown, to be sent by whatever means."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            secret = entrance.invite(**form.cleaned_data, by=asker(request), at=clock.now())
        except CannotDo as refusal:
            form.add_error(None, str(refusal))
        else:
            someone = form.cleaned_data["name"] or form.cleaned_data["email"]
            return show_link(request, secret, title="An invitation", someone=someone, lasts="a week", again="/team/")
    return render(
        request, "team/invite.html", {"title": "Invite somebody", "form": form}, status=422 if form.errors else 200
    )


@page(roles=MANAGERS, methods=("POST",))
def withdraw(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """A link works no more."""
    entrance.withdraw_invitation(invitation_id=invitation_id, by=asker(request), at=clock.now())
    messages.success(request, "The invitation is withdrawn; its link works no more.")
    return see("/team/")


def _enter(request: HttpRequest, user: User, greeting: str) -> HttpResponse:
    # Whoever was logged in on this browser is logged out: two people's sessions must not mix.
    request.session.flush()
    login(request, user, backend=BACKEND)
    messages.success(request, greeting)
    return see("/")


def _ask(request: HttpRequest, title: str, form: Form, template: str, **context: object) -> HttpResponse:
    return render(request, template, {"title": title, "form": form, **context}, status=422 if form.errors else 200)
