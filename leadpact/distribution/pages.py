"""The inbox: offers with their clocks, why this lead and why me, and every answer of Sales in a key or two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from leadpact.agreement.queries import in_force
from leadpact.custody.entries import allowed
from leadpact.distribution import actions, queries
from leadpact.distribution.actions.passing import HAND_OVER_REASONS
from leadpact.distribution.forms import AnswerForm
from leadpact.distribution.permissions import may_reassign
from leadpact.distribution.rules.answers import LOST_REASONS
from leadpact.kit import clock
from leadpact.kit.links import lead as lead_href
from leadpact.kit.pages import EVERYONE, MANAGERS, SALESPERSON, back, page
from leadpact.team import queries as team
from leadpact.team.permissions import speaks_for

ANSWERERS = MANAGERS | {SALESPERSON}


@dataclass(frozen=True, slots=True)
class Row:
    """A lead of the inbox with its evidence and the answers that its state allows."""

    lead: queries.InHand
    evidence: queries.Evidence
    moves: frozenset[str]

    @property
    def last(self) -> queries.TouchSeen | None:
        """The latest touch."""
        return self.evidence.touches[0] if self.evidence.touches else None


@page(roles=ANSWERERS, methods=("GET", "HEAD"))
def inbox(request: HttpRequest) -> HttpResponse:
    """Offers and work in hand, the most urgent first. Managers and operations see everybody's, or one person's (?who=)."""
    user: Any = request.user
    at = clock.now()
    overseer = may_reassign(user)
    asked = request.GET.get("who", "")
    who = int(asked) if asked.isdigit() else (None if overseer and not user.takes_leads else user.pk)
    if not overseer:
        who = user.pk
    own = who == user.pk
    offers = queries.in_hand(at=at, states=queries.OFFERED, user_id=who, and_catch_all=own and user.takes_leads)
    working = queries.in_hand(at=at, states=queries.IN_WORK, user_id=who)
    version = in_force(at)
    seen = queries.evidence(
        [one.lead_id for one in (*offers, *working)], agreement=version.agreement if version else None
    )
    kind = speaks_for(user)

    def rows(leads: list[queries.InHand]) -> list[Row]:
        return [Row(one, seen[one.lead_id], frozenset(allowed(one.state, kind))) for one in leads]

    return render(
        request,
        "distribution/inbox.html",
        {
            "title": "Inbox",
            "offers": rows(offers),
            "working": rows(working),
            "late": sum(one.late for one in (*offers, *working)),
            "own": own,
            "overseer": overseer,
            "everybody": who is None,
            "who": who,
            "people": team.people(at=at).filter(department="sales", is_active=True).order_by("name", "email")
            if overseer
            else (),
            "takes": user.takes_leads,
            **choices(at),
        },
    )


def choices(at: int) -> dict[str, Any]:
    """What the dialogs of answers offer: the agreement's reasons, why a need is lost, colleagues to pass a lead to."""
    version = in_force(at)
    return {
        "reasons": [(one.id, one.id.replace("_", " "), _leads_to(one)) for one in version.agreement.recycle]
        if version
        else [],
        "hand_over_reasons": [(one, says) for one, says in HAND_OVER_REASONS.items()],
        "lost_reasons": [(one, one.replace("_", " ")) for one in LOST_REASONS],
        "colleagues": team.people(at=at)
        .filter(department="sales", is_active=True, takes_leads=True)
        .order_by("name", "email"),
    }


def _leads_to(reason: Any) -> str:
    if reason.then == "disqualified":
        return "closes the lead"
    if reason.then == "repair":
        return "Marketing mends the data"
    if reason.rest:
        return f"rests {reason.rest // 86_400_000_000} days with Marketing"
    return "goes back to Marketing"


@page(roles=EVERYONE, methods=("POST",))
def answer(request: HttpRequest, lead_id: int, verb: str) -> HttpResponse:
    """One answer on a lead: the form of every button and dialog of the inbox and of the lead page."""
    user: Any = request.user
    form = AnswerForm(request.POST)
    told = form.told()
    VERBS[verb](lead_id, user, clock.now(), told)
    messages.success(request, SAID[verb])
    return redirect(back(request, lead_href(lead_id)))


Told = dict[str, Any]
VERBS: dict[str, Callable[[int, Any, int, Told], object]] = {
    "accept": lambda lead, by, at, told: actions.accept(lead_id=lead, by=by, at=at, note=told["note"]),
    "reject": lambda lead, by, at, told: actions.reject(
        lead_id=lead, by=by, at=at, reason=told["reason"], note=told["note"]
    ),
    "follow-up": lambda lead, by, at, told: actions.follow_up(
        lead_id=lead, by=by, at=at, outcome=told["outcome"], next_step_at=told["next_step_at"], note=told["note"]
    ),
    "qualify": lambda lead, by, at, told: actions.qualify(
        lead_id=lead, by=by, at=at, next_step_at=told["next_step_at"], note=told["note"]
    ),
    "opportunity": lambda lead, by, at, told: actions.open_opportunity(
        lead_id=lead, by=by, at=at, value=told["value"], next_step_at=told["next_step_at"], note=told["note"]
    ),
    "recycle": lambda lead, by, at, told: actions.recycle(
        lead_id=lead, by=by, at=at, reason=told["reason"], note=told["note"]
    ),
    "return": lambda lead, by, at, told: actions.give_back(
        lead_id=lead, by=by, at=at, reason=told["reason"], note=told["note"]
    ),
    "disqualify": lambda lead, by, at, told: actions.disqualify(
        lead_id=lead, by=by, at=at, reason=told["reason"], note=told["note"]
    ),
    "won": lambda lead, by, at, told: actions.won(lead_id=lead, by=by, at=at, value=told["value"], note=told["note"]),
    "lost": lambda lead, by, at, told: actions.lost(
        lead_id=lead, by=by, at=at, reason=told["reason"], note=told["note"]
    ),
    "correct": lambda lead, by, at, told: actions.correct(lead_id=lead, by=by, at=at, note=told["note"]),
    "reassign": lambda lead, by, at, told: actions.reassign(
        lead_id=lead, by=by, at=at, to=told["to"], note=told["note"]
    ),
    "hand-over": lambda lead, by, at, told: actions.hand_over(
        lead_id=lead, by=by, at=at, reason=told["reason"], note=told["note"]
    ),
}
SAID = {
    "accept": "Accepted. The clock for the first follow-up runs.",
    "reject": "Rejected. Within ten minutes you can correct this on the lead’s page.",
    "follow-up": "Logged.",
    "qualify": "Qualified.",
    "opportunity": "The opportunity is open.",
    "recycle": "Given back to Marketing.",
    "return": "Given back to Marketing.",
    "disqualify": "Disqualified.",
    "won": "Won. Well done.",
    "lost": "Closed as lost.",
    "correct": "Corrected: the lead stands where it stood before that answer.",
    "reassign": "Passed on.",
    "hand-over": "Handed over to Sales.",
}
