"""The one question of tuning: was this a check? It stands on the page where the answer was given, never on one of its own."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import EVERYONE, back, page
from leadpact.tuning import actions

SAID: dict[str, bool | None] = {"yes": True, "no": False, "skip": None}


@page(roles=EVERYONE, methods=("POST",))
def guess(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Yes, no, or passed over. With htmx the question is replaced where it stands."""
    user: Any = request.user
    said = request.POST.get("said", "")
    if said not in SAID:
        raise CannotDo("Say yes or no, or pass the question over.")
    kept = actions.guess(lead_id=lead_id, said=SAID[said], by=user, at=clock.now())
    if not kept:
        thanks = "That question is closed; nothing was kept."
    elif SAID[said] is None:
        thanks = "Passed over."
    else:
        thanks = "Thank you. Whether it was a check is told to nobody; the rate of right guesses is published with the figures."
    if request.headers.get("HX-Request"):
        return render(request, "tuning/question.html", {"thanks": thanks})
    messages.success(request, thanks)
    return redirect(back(request, "/distribution/"))
