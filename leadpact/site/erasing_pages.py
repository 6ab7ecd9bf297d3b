"""The same from the lead page: export, and erase after the address was typed again. For operations."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import OPERATIONS, page
from leadpact.leads.models import Lead
from leadpact.loop import erasing
from leadpact.site import held
from leadpact.site.erase import MENTION, erased, in_lake, said


@page(roles={OPERATIONS}, methods=("GET", "HEAD"))
def export(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Everything that is held about the person, as a file."""
    found = erasing.of_person(_person(lead_id))
    answer = HttpResponse(held.as_json(held.everything(found, at=clock.now())), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="lead-{lead_id}.json"'
    answer["Cache-Control"] = "no-store"
    return answer


@page(roles={OPERATIONS}, methods=("POST",))
def erase(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Forget the person, once one of their addresses (or, without any, the word "erase") was typed."""
    user: Any = request.user
    person = _person(lead_id)
    found = erasing.of_person(person)
    typed = request.POST.get("confirm", "").strip().casefold()[:320]
    if typed not in {name.casefold() for name in found.names} | (set() if found.names else {"erase"}):
        raise CannotDo("That was not one of their addresses; nothing was erased.")
    counts = erased(found, by=user, at=clock.now())
    messages.success(request, f"Erased: {said(counts)}.")
    left = in_lake()
    if left:
        messages.info(request, left)
    for name in found.waiting_files:
        messages.warning(request, f"The uploaded file {name} waits and holds the address: drop it under Imports.")
    for place in found.mentions:
        messages.warning(request, f"{MENTION} {place}.")
    return redirect("/")


def _person(lead_id: int) -> int:
    found = Lead.objects.filter(pk=lead_id).values_list("person_id", flat=True).first()
    if found is None:
        raise Http404("There is no such lead.")
    return int(found)
