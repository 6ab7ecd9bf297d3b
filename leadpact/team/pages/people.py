"""People: the list, somebody, oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from leadpact.kit import clock, formats, links, lists
from leadpact.kit.pages import MANAGERS, back, page
from leadpact.team import queries
from leadpact.team.actions import entrance, members
from leadpact.team.forms import AbsenceForm, ProfileForm, WorkForm, write_hours
from leadpact.team.pages.common import asker, see, show_link
from leadpact.team.permissions import manages

if TYPE_CHECKING:
    from leadpact.team.models import User


def _state(person: Any) -> str:
    return "closed" if not person.is_active else "away" if person.away else "present"


COLUMNS = (
    lists.Column("name", "Person", str, sort="name,email"),
    lists.Column("email", "E-mail", lambda person: person.email, shown=False),
    lists.Column("role", "Role", lambda person: person.get_role_display(), sort="role"),
    lists.Column("department", "Speaks for", lambda person: person.get_department_display(), sort="department"),
    lists.Column(
        "leads", "Takes leads", lambda person: "yes" if person.takes_leads else "no", sort="takes_leads", falling=True
    ),
    lists.Column("weight", "Share", lambda person: person.weight, sort="weight", numeric=True, falling=True),
    lists.Column("cap", "Most in hand", lambda person: person.cap, sort="cap", numeric=True, falling=True),
    lists.Column("hours", "Hours", lambda person: write_hours(person.hours), shown=False),
    lists.Column("zone", "Time zone", lambda person: person.timezone, sort="timezone"),
    lists.Column("state", "Now", _state),
)
STATES = {
    "present": {"is_active": True, "away": False},
    "away": {"is_active": True, "away": True},
    "closed": {"is_active": False},
}
FILTERS = (
    lists.Filter("role", "Role", lambda rows, value: rows.filter(role=value), choices=tuple(queries.ROLES)),
    lists.Filter(
        "now",
        "Now",
        lambda rows, value: rows.filter(**STATES[value]),
        choices=(("present", "Present"), ("away", "Away"), ("closed", "Account closed")),
    ),
    lists.Filter("q", "Name or e-mail", queries.named, hint="Part of it"),
)


@page(methods=("GET", "HEAD"))
def people(request: HttpRequest) -> HttpResponse:
    """Everybody on the team."""
    now = clock.now()
    shown = lists.listing(
        request, queries.people(at=now), columns=COLUMNS, filters=FILTERS, sort="name", noun="person|people"
    )
    may = asker(request).role in MANAGERS
    return lists.answer(
        request,
        "team/people.html",
        shown,
        title="Team",
        tallies=queries.tallies(at=now),
        invitations=queries.open_invitations(at=now) if may else [],
        may_manage=may,
    )


@page(methods=("GET", "HEAD"))
def person(request: HttpRequest, user_id: int) -> HttpResponse:
    """Somebody: what they do, their hours, when they are away."""
    return _person(request, user_id)


@page(roles=MANAGERS, methods=("POST",))
def work(request: HttpRequest, user_id: int) -> HttpResponse:
    """Change what somebody does."""
    someone = queries.person(user_id, at=clock.now())
    form = WorkForm(request.POST)
    if not form.is_valid():
        return _person(request, user_id, work_form=form, status=422)
    members.change_work(user=someone, by=asker(request), **form.cleaned_data)
    messages.success(request, f"Saved. {someone} works as written below from now on.")
    return see(links.member(user_id))


@page(methods=("POST",))
def absences(request: HttpRequest, user_id: int) -> HttpResponse:
    """Enter an absence."""
    someone = queries.person(user_id, at=clock.now())
    form = AbsenceForm(request.POST)
    if not form.is_valid():
        return _person(request, user_id, absence_form=form, status=422)
    starts, ends = form.instants(someone.timezone)
    members.go_away(user=someone, by=asker(request), starts_at=starts, ends_at=ends, note=form.cleaned_data["note"])
    messages.success(request, "The absence is entered. No leads come in these days.")
    return see(back(request, links.member(user_id)))


@page(methods=("POST",))
def come_back(request: HttpRequest, absence_id: int) -> HttpResponse:
    """Remove an absence."""
    someone = members.come_back(absence_id=absence_id, by=asker(request))
    messages.success(request, "The absence is removed.")
    return see(back(request, links.member(someone.pk)))


@page(roles=MANAGERS, methods=("POST",))
def new_password(request: HttpRequest, user_id: int) -> HttpResponse:
    """A link for a new password, shown once."""
    someone = queries.person(user_id, at=clock.now())
    secret = entrance.offer_new_password(user=someone, by=asker(request), at=clock.now())
    return show_link(
        request,
        secret,
        title="A link for a new password",
        someone=str(someone),
        lasts="a day",
        again=links.member(user_id),
    )


@page(roles=MANAGERS, methods=("POST",))
def open_account(request: HttpRequest, user_id: int) -> HttpResponse:
    """Let somebody in again."""
    someone = queries.person(user_id, at=clock.now())
    members.open_account(user=someone, by=asker(request))
    messages.success(request, f"{someone} may log in again. Taking leads is switched on separately.")
    return see(links.member(user_id))


@page()
def me(request: HttpRequest) -> HttpResponse:
    """One's own profile."""
    user = asker(request)
    now = clock.now()
    form = ProfileForm(request.POST or None, initial={"name": user.name, "timezone": user.timezone})
    if request.method == "POST" and form.is_valid():
        members.change_profile(user=user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return see("/team/me/")
    return render(
        request,
        "team/me.html",
        {
            "title": str(user),
            "form": form,
            "facts": _facts(user),
            "password_href": reverse("account_change_password"),
            "factor_href": reverse("mfa_index"),
            "may_enter_absence": True,
            **_away(user, now=now),
        },
        status=422 if form.errors else 200,
    )


def _person(
    request: HttpRequest,
    user_id: int,
    *,
    work_form: WorkForm | None = None,
    absence_form: AbsenceForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    someone = queries.person(user_id, at=now)
    by = asker(request)
    may = by.role in MANAGERS and manages(by, someone.role)
    initial = {
        name: getattr(someone, name) for name in ("role", "department", "takes_leads", "weight", "cap", "is_catch_all")
    } | {"hours": write_hours(someone.hours)}
    return render(
        request,
        "team/person.html",
        {
            "title": str(someone),
            "someone": someone,
            "state": _state(someone),
            "may_manage": may,
            "may_enter_absence": may or someone.pk == by.pk,
            "is_me": someone.pk == by.pk,
            "form": work_form or WorkForm(initial=initial),
            "facts": _facts(someone),
            "about": [("E-mail", someone.email), ("Time zone", someone.timezone.replace("_", " "))],
            "work_href": f"{links.member(user_id)}work/",
            "leave_href": f"{links.member(user_id)}leave/",
            **_away(someone, now=now, form=absence_form),
        },
        status=status,
    )


def _away(someone: User, *, now: int, form: AbsenceForm | None = None) -> dict[str, object]:
    zone = formats.Reader(formats.zone_of(someone.timezone))
    with formats.reading(zone):
        entered = [
            {"pk": one.pk, "note": one.note, "words": formats.days(one.starts_at, one.ends_at - 1, now=now)}
            for one in queries.absences(someone, at=now)
        ]
    return {
        "absences": entered,
        "absence_form": form or AbsenceForm(),
        "absences_href": f"{links.member(someone.pk)}absences/",
    }


def _facts(someone: User) -> list[tuple[str, str]]:
    facts = [
        ("Role", queries.role_words(someone.role)),
        ("Speaks for", queries.department_words(someone.department) or "nobody"),
        ("E-mail", someone.email),
        ("Time zone", someone.timezone.replace("_", " ")),
    ]
    if someone.takes_leads:
        facts += [
            ("Takes leads", "yes"),
            ("Share", formats.number(someone.weight)),
            ("Most in hand", formats.number(someone.cap)),
            ("Working hours", write_hours(someone.hours) or "the market’s"),
        ]
    if someone.is_catch_all:
        facts.append(("Catch-all queue", "owns it"))
    return facts
