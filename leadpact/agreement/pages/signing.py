"""Propose, sign, withdraw, and propose an earlier version again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from leadpact.agreement import actions
from leadpact.agreement.pages.common import found, moment, refusals
from leadpact.agreement.permissions import may_draft, may_sign, may_withdraw
from leadpact.kit import clock, formats
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import page


@page(methods=("POST",))
def propose(request: HttpRequest, number: int) -> HttpResponse:
    """Freeze a draft, or take a frozen version up again, so that both can sign it."""
    user: Any = request.user
    if not may_draft(user.role):
        raise CannotDo("Managers, marketers and operations propose; ask one of them.")
    one = found(number)
    wanted = moment(request.POST.get("wanted_at", ""))
    why = request.POST.get("why", "").strip()
    verb = actions.propose if one.status == "draft" else actions.propose_again
    with refusals():
        verb(number=number, by=user, at=clock.now(), wanted_at=wanted, why=why)
    messages.success(request, "Proposed. It is frozen; both heads can sign it now.")
    return redirect(f"/agreement/{number}/")


@page(methods=("POST",))
def sign(request: HttpRequest, number: int) -> HttpResponse:
    """Sign for my department. With the second signature the version takes effect."""
    user: Any = request.user
    if not may_sign(user.role, user.department):
        raise CannotDo("Only the heads of Marketing and of Sales sign: managers with a department.")
    found(number)
    at = clock.now()
    with refusals():
        effect = actions.sign(number=number, by=user, at=at)
    if effect.effective_at is None:
        messages.success(request, "Signed. It takes effect when the other department signs.")
    elif effect.effective_at > at:
        messages.success(request, f"Signed by both. It takes effect {formats.instant(effect.effective_at, now=at)}.")
    else:
        messages.success(request, "Signed by both. It is in force, and everybody is being judged by it.")
    return redirect(f"/agreement/{number}/")


@page(methods=("POST",))
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Take a proposal back, or one that both signed and that has not begun."""
    user: Any = request.user
    if not may_withdraw(user.role):
        raise CannotDo("Managers, marketers and operations withdraw proposals; ask one of them.")
    found(number)
    with refusals():
        actions.withdraw(number=number, by=user, at=clock.now())
    messages.success(request, "Withdrawn. The version stays readable and can be proposed again.")
    return redirect(f"/agreement/{number}/")
