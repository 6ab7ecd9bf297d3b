"""The regular review: past ones, one of them with its notes, and the same on paper."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from leadpact.agreement.queries import in_force
from leadpact.kit import clock, formats, lists
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import to_us
from leadpact.kit.pages import MANAGERS, MARKETER, page
from leadpact.language import meetings
from leadpact.site import meeting, meeting_paper
from leadpact.site.meeting_shown import days_of, drawn_for, view
from leadpact.team.permissions import sees_scores
from leadpact.tuning import actions
from leadpact.tuning import queries as tuning
from leadpact.tuning.models import Review

READERS = MANAGERS | {MARKETER}
COLUMNS = (
    lists.Column("number", "Review", lambda one: one.number, sort="number", falling=True),
    lists.Column("days", "Days", days_of, sort="since", falling=True),
    lists.Column("prepared", "Prepared", lambda one: formats.iso(one.prepared_at), sort="prepared_at", falling=True),
    lists.Column("by", "For", lambda one: str(one.prepared_by or "") if one.meeting_at is None else "the meeting"),
    lists.Column("notes", "Notes", lambda one: one.said, sort="said", falling=True),
)


@page(roles=READERS, methods=("GET", "HEAD", "POST"))
def overview(request: HttpRequest) -> HttpResponse:
    """Past reviews, when the next meeting is, and a form to ask for a review of any range."""
    user: Any = request.user
    at = clock.now()
    if request.method == "POST":
        return _prepare(request, user, at)
    shown = lists.listing(request, tuning.reviews(), columns=COLUMNS, sort="-number", noun="review|reviews")
    version = in_force(at)
    plan = version.agreement.review if version else None
    last_day = formats.local(at).date() - timedelta(days=1)
    return lists.answer(
        request,
        "site/meetings.html",
        shown,
        title="Review",
        version=version,
        coming=meetings.after(plan, version.agreement.market, at) if version and plan else None,
        asks=_asks(user),
        first_day=(last_day - timedelta(days=6)).isoformat(),
        last_day=last_day.isoformat(),
    )


def _prepare(request: HttpRequest, user: Any, at: int) -> HttpResponse:
    if not _asks(user):
        raise CannotDo("A manager who takes no leads, or operations, prepares a review; ask one of them.")
    first, last = (_day(request.POST.get(name, "")) for name in ("from", "until"))
    zone = formats.reader_zone()
    since = to_us(datetime.combine(first, datetime.min.time(), zone))
    # A range that ends today is reviewed up to now.
    until = min(to_us(datetime.combine(last + timedelta(days=1), datetime.min.time(), zone)), at)
    if not cache.add(f"review.preparing.{user.pk}", 1, timeout=30):
        raise CannotDo("A review is being prepared for you already: it will be in the list in a moment.")
    try:
        found = meeting.prepare(since=since, until=until, by=user, at=at)
    finally:
        cache.delete(f"review.preparing.{user.pk}")
    messages.success(request, f"Review {found.number} is ready, and stays as it is.")
    return redirect(f"/tuning/reviews/{found.number}/")


def _asks(user: Any) -> bool:
    """Not whoever takes leads: a first error asked for before and after an answer would tell whether it was a check."""
    return user.role in MANAGERS and sees_scores(user)


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError as wrong:
        raise CannotDo("Give both days as dates, such as 2026-11-16.") from wrong
    if not 2000 <= found.year <= 2100:
        raise CannotDo("Give days between 2000 and 2100.")
    return found


@page(roles=READERS, methods=("GET", "HEAD"))
def show(request: HttpRequest, number: int) -> HttpResponse:
    """One review, as it was prepared, with what was written down since."""
    found = _found(number)
    blind = not sees_scores(request.user)  # type: ignore[arg-type]
    return render(
        request,
        "site/meeting.html",
        {"title": f"Review {number}", "limit": actions.MOST_WORDS, **view(found, blind=blind)},
    )


@page(roles=READERS, methods=("GET", "HEAD"))
def paper(request: HttpRequest, number: int, ending: str) -> HttpResponse:
    """The review as a file to print or to keep: PDF, or HTML that opens without a network."""
    found = _found(number)
    text = meeting_paper.html(found, blind=not sees_scores(request.user))  # type: ignore[arg-type]
    if ending == "pdf":
        response = HttpResponse(meeting_paper.pdf(text), content_type="application/pdf")
    else:
        response = HttpResponse(text, content_type="text/html; charset=utf-8")
    # A file, never a page of ours: its styles stand in it, which our policy for pages forbids.
    response["Content-Disposition"] = f'attachment; filename="{meeting_paper.file_name(found, ending)}"'
    return response


@page(roles=READERS, methods=("POST",))
def note(request: HttpRequest, number: int) -> HttpResponse:
    """Write down what the meeting said, on a lead or on the whole."""
    user: Any = request.user
    found = _found(number)
    lead = request.POST.get("lead", "")
    if lead and not (lead.isdecimal() and len(lead) < 19):
        raise CannotDo("That is no lead of this review.")
    read = {one["lead"] for one in drawn_for(found, blind=not sees_scores(user))}
    kept = actions.note(
        review=found, read=read, lead_id=int(lead) if lead else None, text=request.POST.get("text", ""),
        decided=request.POST.get("decided") == "on", by=user, at=clock.now(),
    )  # fmt: skip
    messages.success(request, "Decision written down." if kept.decided else "Written down.")
    return redirect(f"/tuning/reviews/{number}/#{f'lead-{lead}' if lead else 'notes'}")


def _found(number: int) -> Review:
    try:
        return tuning.review(number)
    except Review.DoesNotExist as missing:
        raise Http404("There is no such review.") from missing
