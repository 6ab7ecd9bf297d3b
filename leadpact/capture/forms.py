"""Forms of capture."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms

from leadpact.capture.rules.hand import BY_KEY, MOST_NOTE, OWN, WAYS, Card, Way

ROLE_CHOICES = (
    ("leads", "Leads: who they are, and since when"),
    ("touches", "Touches: what they did"),
    ("outcomes", "Outcomes: what Sales and the market said"),
    ("spend", "Spend: what each channel cost"),
)


class CardForm(forms.Form):
    """Somebody, in ten seconds. Everything but one of name, e-mail and telephone is optional."""

    way = forms.ChoiceField(label="How did they come in?", widget=forms.RadioSelect)
    name = forms.CharField(
        label="Name",
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    email = forms.CharField(
        label="E-mail",
        max_length=320,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off"}),
    )
    company = forms.CharField(
        label="Company or its website",
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    phone = forms.CharField(
        label="Telephone",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    title = forms.CharField(label="Job title", max_length=300, required=False)
    referred_by = forms.CharField(label="Who referred them", max_length=300, required=False)
    campaign = forms.CharField(label="Event or campaign", max_length=200, required=False)
    note = forms.CharField(
        label="What they said", max_length=MOST_NOTE, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    once = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, own: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ways = (*WAYS, OWN) if own else WAYS
        field = self.fields["way"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(way.key, way.says) for way in ways]
        self.initial.setdefault("once", uuid4().hex)

    @property
    def card(self) -> Card:
        """What was typed in."""
        said = self.cleaned_data
        return Card(**{name: said[name] for name in Card.__slots__})

    @property
    def chosen(self) -> Way:
        """The way in that was chosen."""
        key = self.cleaned_data["way"]
        return OWN if key == OWN.key else BY_KEY[key]


class UploadForm(forms.Form):
    """A file to look at."""

    role = forms.ChoiceField(label="What is in the file?", choices=ROLE_CHOICES)
    file = forms.FileField(label="The file", help_text="CSV, JSON Lines or Parquet, gzip is fine; up to 200 MB.")
    maps = forms.CharField(
        label="Which column is which",
        required=False,
        help_text="One a line, ours=theirs, such as created_at=First contact. What you leave out is guessed, and shown "
        "before anything is taken.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    timezone = forms.CharField(label="Zone of times without one", max_length=64)
    date_order = forms.ChoiceField(
        label="Dates like 01/02/2024",
        required=False,
        choices=(("", "Decide by the whole column"), ("dmy", "Day first"), ("mdy", "Month first")),
    )

    def clean_maps(self) -> tuple[str, ...]:
        """The lines, without blank ones and without `--map` where somebody copied it from a command."""
        lines = (line.strip().removeprefix("--map").strip() for line in self.cleaned_data["maps"].splitlines())
        return tuple(line for line in lines if line)[:200]


class KeyForm(forms.Form):
    """A new write key."""

    name = forms.CharField(label="Name", max_length=120, help_text="What uses it: the shop's server, the website.")
    public = forms.BooleanField(
        label="Public: it stands in web pages",
        required=False,
        help_text="Everybody can read it there, so it only claims what it says of a person, and has a rate limit.",
    )
    origins = forms.CharField(
        label="Pages that may use it",
        required=False,
        help_text="One a line, such as https://northwind.example; public keys only.",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )

    def clean_origins(self) -> tuple[str, ...]:
        """The lines, without blank ones."""
        return tuple(line.strip() for line in self.cleaned_data["origins"].splitlines() if line.strip())
