"""Comments on a line, from both departments."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from leadpact.agreement import actions
from leadpact.agreement.pages.common import found, open_only, refusals
from leadpact.kit import clock
from leadpact.kit.pages import back, page, whole_number


@page(methods=("POST",))
def talk(request: HttpRequest, number: int) -> HttpResponse:
    """Write about a line, answer, or settle a thread."""
    user: Any = request.user
    open_only(user)
    found(number)
    at = clock.now()
    thread = whole_number(request.POST.get("thread", ""), default=0)
    text = request.POST.get("text", "").replace("\r\n", "\n")
    with refusals():
        if request.POST.get("settles") and thread:
            actions.resolve(thread_id=thread, by=user, at=at)
            messages.success(request, "Settled. It stays readable, and an answer opens it again.")
        elif thread:
            actions.answer(thread_id=thread, number=number, text=text, by=user, at=at)
            messages.success(request, "Your answer stands beside the line.")
        else:
            key = request.POST.get("key", "")
            actions.comment(number=number, key=key, text=text, by=user, at=at)
            where = "beside the line" if key else "with the version"
            messages.success(request, f"Your comment stands {where}.")
    return redirect(back(request, f"/agreement/{number}/"))
