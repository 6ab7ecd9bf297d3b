"""Forms of the team, and how working hours are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from allauth.account.forms import LoginForm
from django import forms

from leadpact.kit.instants import to_us
from leadpact.team import queries
from leadpact.team.rules import parse_hours

_NO_PLACES = ("Etc/", "SystemV/", "posix/", "right/")
_LONGEST_ABSENCE = timedelta(days=732)


def zones() -> list[tuple[str, str]]:
    """Time zones by name, those without a place left out."""
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in _places())]


@cache
def _places() -> list[str]:
    # Looks through the files of the time-zone database: 50 ms that a page should not pay for each time.
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(_NO_PLACES))


def read_hours(text: str) -> dict[str, object]:
    """'mon-fri 9:00-12:00, 13:00-17:00; sat 10:00-12:00' → {'mon-fri': ['9:00-12:00', '13:00-17:00'], 'sat': '10:00-12:00'}.

    Raises ValidationError with a sentence that quotes what cannot be read.
    """
    hours: dict[str, object] = {}
    for part in filter(None, (piece.strip() for piece in re.split(r"[;\n]", text.lower().replace("–", "-")))):
        days, _, spans = part.partition(" ")
        if days in hours:
            raise forms.ValidationError(f"“{days}” stands twice; write its hours as {days} 09:00-12:00, 13:00-17:00.")
        texts = [span.strip() for span in spans.split(",")]
        hours[days] = texts if len(texts) > 1 else texts[0]
    try:
        parse_hours(hours)
    except ValueError as error:
        raise forms.ValidationError(str(error)) from error
    return hours


def write_hours(hours: Mapping[str, object] | None) -> str:
    """The text that `read_hours` reads."""
    return "; ".join(
        f"{days} {', '.join(map(str, spans)) if isinstance(spans, list) else spans}"
        for days, spans in (hours or {}).items()
    )


class LogInForm(LoginForm):
    """allauth's, in this product's words: labels stand above the fields, and nothing in them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "E-mail"
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class FirstForm(forms.Form):
    """The first account of an installation."""

    email = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    name = forms.CharField(label="Name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label="Password",
        help_text="Ten characters or more.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    timezone = forms.ChoiceField(
        label="Time zone", choices=zones, initial="UTC", widget=forms.Select(attrs={"data-zone": ""})
    )


class JoinForm(FirstForm):
    """An account from an invitation: its address stands in the link."""

    email = None


class NewPasswordForm(forms.Form):
    """A new password from a link."""

    password = FirstForm.base_fields["password"]


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autofocus": True}))
    name = forms.CharField(label="Name", max_length=120, required=False)
    role = forms.ChoiceField(label="Role", choices=lambda: list(queries.ROLES), initial="salesperson")
    department = forms.ChoiceField(
        label="Speaks for",
        choices=lambda: [("", "Follows from the role"), *queries.DEPARTMENTS],
        required=False,
        help_text="A manager signs the agreement for this department.",
    )

    def clean(self) -> dict[str, Any]:
        """A manager speaks for somebody."""
        cleaned = super().clean() or {}
        if cleaned.get("role") == "manager" and not cleaned.get("department"):
            self.add_error("department", "Say which department this manager speaks for.")
        return cleaned


class WorkForm(InviteForm):
    """What somebody does, and how many leads they take."""

    email = None
    name = None
    takes_leads = forms.BooleanField(label="Takes leads", required=False, help_text="Routing may choose this person.")
    weight = forms.IntegerField(
        label="Share", min_value=1, max_value=100, initial=1, help_text="2 gets twice as many as a colleague with 1."
    )
    cap = forms.IntegerField(
        label="Most in hand", min_value=0, max_value=10_000, initial=40, help_text="Above it no leads come."
    )
    is_catch_all = forms.BooleanField(
        label="Owns the catch-all queue", required=False, help_text="Gets what nobody else can take. One person has it."
    )
    hours = forms.CharField(
        label="Working hours",
        required=False,
        max_length=400,
        help_text="For example mon-fri 09:00-17:00; sat 10:00-12:00. Empty: the market’s hours.",
    )

    def clean_hours(self) -> dict[str, object]:
        """Read what was written."""
        return read_hours(self.cleaned_data["hours"])


class ProfileForm(forms.Form):
    """One's own name and zone."""

    name = forms.CharField(label="Name", max_length=120)
    timezone = forms.ChoiceField(label="Time zone", choices=zones, help_text="Every time on every page is told in it.")


class AbsenceForm(forms.Form):
    """Whole days, in the zone of whoever is away."""

    first = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}))
    note = forms.CharField(label="Note", max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        """The days in order, and not for ever."""
        cleaned = super().clean() or {}
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and last < first:
            self.add_error("last", "The last day comes before the first.")
        elif first and last and last - first > _LONGEST_ABSENCE:
            self.add_error("last", "That is more than two years; close the account instead.")
        return cleaned

    def instants(self, zone: str) -> tuple[int, int]:
        """From the midnight before the first day to the midnight after the last."""
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        return _midnight(first, zone), _midnight(last + timedelta(days=1), zone)


class KeyForm(forms.Form):
    """A key of the API."""

    name = forms.CharField(label="Name", max_length=120, help_text="What will use it: “warehouse export”.")
    scopes = forms.MultipleChoiceField(
        label="May",
        choices=[("read", "read"), ("write", "write")],
        initial=["read"],
        widget=forms.CheckboxSelectMultiple,
    )


def _midnight(day: date, zone: str) -> int:
    return to_us(datetime.combine(day, time(), ZoneInfo(zone)))
