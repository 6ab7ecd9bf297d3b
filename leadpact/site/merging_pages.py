"""One person, or two? The answer merges records or parts them, which is the loop's to do: so the door stands up here."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from leadpact.capture.actions.duplicates import DECISIONS, decide_different
from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import MARKETING, back, page
from leadpact.leads.models import Merge, Person
from leadpact.loop import merging

LIST = "/capture/duplicates/"


@page(roles=MARKETING, methods=("POST",))
def decide(request: HttpRequest, question_id: int) -> HttpResponse:
    """One person, or two."""
    user: Any = request.user
    decision, at = request.POST.get("decision", ""), clock.now()
    if decision not in DECISIONS:
        raise CannotDo("Say whether they are the same person or two different people.")
    if decision == "same":
        said = _joined(merging.decide_same(question_id=question_id, by=user, at=at))
    else:
        pair = decide_different(question_id=question_id, by_id=user.pk, at=at)
        said = f"Noted: {_called(pair.first)} and {_called(pair.second)} are two people."
    messages.success(request, said)
    return redirect(back(request, LIST))


@page(roles=MARKETING, methods=("POST",))
def part(request: HttpRequest, merge_id: int) -> HttpResponse:
    """Undo a merger."""
    user: Any = request.user
    merge = merging.part(merge_id=merge_id, by=user, at=clock.now())
    messages.success(
        request, f"{_called(merge.survivor)} and {_called(merge.loser)} are two records again, as they were."
    )
    return redirect(back(request, LIST))


def _joined(merge: Merge) -> str:
    said = f"{_called(merge.loser)} joined {_called(merge.survivor)}: one record, judged afresh."
    return said + (" The other lead is closed as merged." if merge.loser_lead_id else "")


def _called(person: Person) -> str:
    return person.name or person.email or "A record without a name"
