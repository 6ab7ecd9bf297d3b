"""What the dialogs of answers send."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms

from leadpact.kit.failures import CannotDo
from leadpact.kit.formats import reader_zone
from leadpact.kit.instants import to_us
from leadpact.team.models import User

MOST_VALUE = 10**13


class AnswerForm(forms.Form):
    """Every field that some answer has; each verb reads its own."""

    reason = forms.CharField(max_length=40, required=False)
    outcome = forms.ChoiceField(
        choices=[("attempt", "Nobody reached"), ("conversation", "Spoke with them")], required=False
    )
    note = forms.CharField(max_length=4_000, required=False)
    value = forms.DecimalField(min_value=0, max_digits=15, decimal_places=2, required=False)
    next_step = forms.DateField(required=False)
    to = forms.ModelChoiceField(User.objects.filter(is_active=True), required=False)

    def told(self) -> dict[str, Any]:
        """The answers, ready for the actions. Raises CannotDo with the first thing that is wrong."""
        if not self.is_valid():
            name, problems = next(iter(self.errors.as_data().items()))
            raise CannotDo(f"{name.replace('_', ' ').capitalize()}: {problems[0].messages[0]}")
        told = dict(self.cleaned_data)
        told["value"] = int((told["value"] or 0) * 100)
        day = told.pop("next_step")
        told["next_step_at"] = None
        if day is not None:
            told["next_step_at"] = to_us(datetime(day.year, day.month, day.day, 9, tzinfo=reader_zone()))
        return told
