"""The lead page and the account page: one timeline, the score opened to its lines, what happens next, what I can do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from leadpact.agreement.queries import InForce, in_force
from leadpact.custody.entries import allowed
from leadpact.distribution import queries as distribution
from leadpact.distribution.pages import choices
from leadpact.distribution.permissions import may_answer, may_hand_over
from leadpact.kit import clock, formats, links
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import EVERYONE, MARKETING, OPERATIONS, back, page
from leadpact.language.check import points
from leadpact.language.explain import Explanation
from leadpact.leads.models import Account
from leadpact.loop.judging import as_it_stands
from leadpact.loop.merging import may_merge
from leadpact.loop.withdraw import withdraw
from leadpact.nurturing import actions as nurturing
from leadpact.nurturing.permissions import may_nurture
from leadpact.qualification import queries as qualification
from leadpact.site import lead_queries
from leadpact.site.lead_queries import Card
from leadpact.team.models import User
from leadpact.team.permissions import sees_scores, speaks_for

CORRECTABLE_US = 10 * 60_000_000
SHOWN_TRAITS = 14


@page(methods=("GET", "HEAD"))
def lead(request: HttpRequest, lead_id: int) -> HttpResponse:
    """The lead page."""
    user: Any = request.user
    at = clock.now()
    found = lead_queries.card(lead_id)
    if found is None:
        raise Http404("There is no such lead.")
    blind = not sees_scores(user)
    if blind and found.holder == "marketing":
        # Marketing's clock starts again with some verdicts: it would tell them.
        found = replace(found, due=None, due_what="")
    version = in_force(at)
    judged = qualification.current(lead_id)
    explanation = _told(qualification.explained(judged)[0]) if judged and not blind else None
    mine = may_answer(user, asker_id=user.pk, holder_id=found.salesperson_id) if found.holder == "sales" else False
    moves = frozenset(allowed(found.state, speaks_for(user))) if mine or found.holder != "sales" else frozenset()
    offers = distribution.offers_of(lead_id)
    joined, joined_to = lead_queries.joined(found.person_id)
    group = (
        [one for one in lead_queries.people_at(found.account_id) if one.person_id != found.person_id]
        if found.account_id
        else []
    )
    return render(
        request,
        "site/lead.html",
        {
            "title": found.name or found.email or ("Erased" if found.state == "erased" else "Somebody"),
            "lead": found,
            "blind": blind,
            "moments": lead_queries.timeline(found, blind=blind, with_joined=True),
            "joined": joined,
            "joined_to": joined_to,
            "erases": user.role == OPERATIONS and found.state != "erased",
            "parts": user.role in MARKETING and may_merge(user),
            "evidence": distribution.evidence([lead_id], agreement=version.agreement if version else None)[lead_id],
            "explanation": explanation,
            "judged": judged,
            "group": group[:12],
            "group_more": max(0, len(group) - 12),
            "facts": _facts(found),
            "next": _next(found, version),
            "moves": moves & SALES_MOVES if found.holder == "sales" else frozenset(),
            "offer": offers[-1] if offers else None,
            "correctable": _correctable(found, offers, at),
            "nurtures": may_nurture(user.role, user.department) and found.holder == "marketing",
            "wakes": may_nurture(user.role, user.department) and found.state in {"resting", "lost", "disqualified"},
            "hands_over": may_hand_over(user) and found.holder == "marketing" and found.state not in {"new", "repair"},
            **choices(at),
        },
    )  # fmt: skip


def _correctable(found: Card, offers: list[Any], at: int) -> bool:
    """Whether an answer of the last ten minutes may still be taken back. What was merged or erased is past that."""
    if found.state in {"merged", "erased"}:
        return False
    lately = any(one.ended_at and at - one.ended_at < CORRECTABLE_US for one in offers)
    return lately or (found.holder != "marketing" and at - found.since < CORRECTABLE_US)


SALES_MOVES = frozenset({
    "accepted", "rejected", "followed_up", "qualified", "opportunity_opened", "recycled", "returned", "won", "lost", "reassigned",
})  # fmt: skip


def _told(found: Explanation) -> dict[str, Any]:
    """The explanation as the page shows it: points instead of thousandths, a dash for what could not be judged."""
    name, _, why = found.headline.partition(", because ")
    name = name.partition(" as of ")[0]
    return {
        "headline": f"{name} as of {formats.instant(found.as_of, now=clock.now())}, because {why}",
        "as_of": found.as_of,
        "unknown": found.unknown,
        "dimensions": [
            {
                "title": told.title,
                "score": told.score,
                "points": points(told.score),
                "lines": [
                    {"says": line.says, "why": line.why, "state": line.state, "points": line.points,
                     "shown": "?" if line.points is None else points(line.points)}
                    for line in told.lines
                ],
            }
            for told in found.dimensions
        ],
        "clauses": [
            {"verdict_says": one.verdict.replace("_", " ").capitalize(), "says": one.says,
             "state": one.state, "decided": one.decided}
            for one in found.clauses
        ],
    }  # fmt: skip


def _facts(found: Card) -> list[tuple[str, str]]:
    """Names and values that people look for first, then the rest of what we were told."""
    facts = [
        ("E-mail", found.email + ("" if found.email_verified or not found.email else " (claimed, not verified)")),
        ("Telephone", found.phone),
        ("Job title", found.title),
        ("Came from", f"{found.source.replace('_', ' ')}{', ' + found.campaign if found.campaign else ''}"),
        ("Sourced by", found.sourced_by),
        ("Since", formats.instant(found.created_at, now=clock.now())),
    ]
    shown = {
        "person.email",
        "person.email_domain",
        "person.name",
        "person.first_name",
        "person.last_name",
        "person.title",
        "person.phone",
        "account.name",
        "account.id",
        "account.group_id",
        "lead.source",
        "lead.campaign",
        "lead.sourced_by",
        "person.opted_out",
    }
    for traits in (found.account_traits, found.lead_traits, found.person_traits):
        for name, value in traits.items():
            if (
                name in shown
                or name.split(".", 1)[-1] in SAID_ABOVE
                or value in (None, "")
                or len(facts) >= SHOWN_TRAITS
            ):
                continue
            facts.append(trait(name, value))
    return [(name, value) for name, value in facts if value]


SAID_ABOVE = frozenset({"source", "campaign", "sourced_by"})
COUNTS = frozenset({"employees", "revenue", "annual_revenue"})


def trait(name: str, value: object) -> tuple[str, str]:
    """A trait as its name and value are read; counts with the reader's digits (a year or a code is no count)."""
    short = name.split(".", 1)[-1]
    counted = short in COUNTS and isinstance(value, int | float) and not isinstance(value, bool)
    return short.replace("_", " ").capitalize(), formats.number(value) if counted else str(value)  # type: ignore[arg-type]


ENDED = {
    "won": "It is won. A new need of the same person starts a new lead.",
    "merged": "It was merged into another lead of the same person; everything goes on there.",
    "erased": "It was erased on request. That it was here, and what moved, stays; who it was is gone.",
    "": "It is closed. A new fact that makes it sales-ready in another way opens it again.",
}


def _next(found: Card, version: InForce | None) -> str:
    """What happens next, in words."""
    if found.holder == "marketing" and found.due is None and found.state != "new":
        return "Marketing keeps in touch; when it meets the agreement it comes to Sales."
    after = f"by {formats.instant(found.due, now=clock.now())}" if found.due else ""
    match found.state:
        case "offered":
            said = (
                f"If nobody accepts {after}, it goes to the next salesperson in turn."
                " If it is rejected, the reason decides where it goes."
            )
        case "accepted":
            promise = {
                "first_follow_up_within": "the first follow-up is due",
                "attempts": "the promised attempts are due",
            }
            said = (
                f"With {found.salesperson}: {promise.get(found.due_what, 'the next step is due')} {after}."
                " Then it is qualified, or given back with a reason."
            )
        case "qualified" | "opportunity":
            said = f"With {found.salesperson}: the next step is due {after}. It ends won, lost, or back with Marketing."
        case "prospecting":
            said = f"{found.salesperson}’s own prospect; a word on it is due {after}."
        case "resting":
            said = (
                f"It rests until {formats.instant(found.not_before, now=clock.now())}."
                " A new fact that makes it sales-ready in another way wakes it sooner."
            )
        case "repair":
            said = f"Marketing mends its data {after}; then it is judged afresh."
        case "prospect" | "lead":
            said = (
                f"Marketing keeps in touch; the next touch of ours is due {after}."
                " When it meets the agreement it is handed over at once."
            )
        case "new":
            said = (
                "It waits for an agreement to be signed; then it is judged."
                if version is None
                else "It is judged at the end of the import."
            )
        case _:
            said = ENDED.get(found.state, ENDED[""])
    return said


@page(roles=MARKETING, methods=("POST",))
def nurture(request: HttpRequest, lead_id: int, verb: str) -> HttpResponse:
    """What Marketing does by hand: mend data, wake, disqualify."""
    user: Any = request.user
    note = request.POST.get("note", "")[:4_000]
    at = clock.now()
    try:
        if verb == "mend":
            nurturing.mend(lead_id=lead_id, by=user, at=at, note=note)
        elif verb == "wake":
            nurturing.wake(lead_id=lead_id, by=user, at=at, note=note)
        else:
            reason = request.POST.get("reason", "").strip()[:40].replace(" ", "_").lower()
            if not reason:
                raise CannotDo("Give a reason for closing the lead.")
            nurturing.disqualify(lead_id=lead_id, by=user, at=at, reason=reason, note=note)
    except PermissionError as refused:
        raise CannotDo(str(refused)) from refused
    _judge_afresh(lead_id, at)
    messages.success(
        request,
        {"mend": "Mended and judged afresh.", "wake": "Awake again, and judged afresh.", "disqualify": "Closed."}[verb],
    )
    return redirect(back(request, links.lead(lead_id)))


@page(roles=MARKETING, methods=("POST",))
def void_touch(request: HttpRequest, touch_id: int) -> HttpResponse:
    """Withdraw a touch, or mark it as a machine's."""
    user: Any = request.user
    cause = request.POST.get("cause", "")
    if cause not in {"withdrawn", "automated"}:
        raise CannotDo("Say whether the touch is withdrawn or a machine’s.")
    at = clock.now()
    lead_id = withdraw(touch_id=touch_id, cause=cause, by=user, at=at)
    messages.success(request, "The touch counts no more; the lead was judged afresh.")
    return redirect(back(request, links.lead(lead_id) if lead_id else "/"))


def _judge_afresh(lead_id: int, at: int) -> None:
    version = in_force(at)
    if version is not None:
        as_it_stands([lead_id], version=version, at=at)


@page(roles=EVERYONE)
def account(request: HttpRequest, account_id: int) -> HttpResponse:
    """The account page: its buying group, what they do, and who owns it."""
    user: Any = request.user
    found = Account.objects.select_related("owner").filter(pk=account_id).first()
    if found is None:
        raise Http404("There is no such account.")
    may_set = user.role in {"manager", "operations"}
    if request.method == "POST":
        if not may_set:
            raise CannotDo("A manager or operations sets who owns an account.")
        chosen = request.POST.get("owner", "")
        owner = (
            User.objects.filter(pk=int(chosen), department="sales", is_active=True).first()
            if chosen.isdigit()
            else None
        )
        if chosen and owner is None:
            raise CannotDo("That colleague cannot own accounts: choose somebody active in Sales.")
        found.owner = owner
        found.save(update_fields=["owner"])
        messages.success(request, f"{owner} owns this account now." if owner else "Nobody owns this account now.")
        return redirect(links.account(account_id))
    blind = not sees_scores(user)
    people = lead_queries.people_at(account_id)
    if blind:  # since when Marketing holds somebody in a state moves with the verdict: no order by it
        people.sort(key=lambda one: (one.holder != "sales", one.holder == "closed", one.name or one.email))
    facts = [("Domain", found.domain or "")]
    facts += [
        trait(name, value)
        for name, value in found.traits.items()
        if name not in {"account.name", "account.domain", "account.group_id"}
    ]
    return render(
        request,
        "site/account.html",
        {
            "title": found.name or found.domain or "An account",
            "account": found,
            "people": people,
            "with_sales": sum(one.holder == "sales" for one in people),
            "with_marketing": sum(one.holder == "marketing" for one in people),
            "facts": [(name, value) for name, value in facts if value],
            "moments": lead_queries.touches_at(account_id),
            "blind": blind,
            "may_set": may_set,
            "sellers": User.objects.filter(department="sales", is_active=True).order_by("name", "email")
            if may_set
            else (),
        },
    )
