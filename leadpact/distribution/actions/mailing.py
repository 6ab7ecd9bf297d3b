"""A mail to whoever got a new offer, where SMTP is set: what waits and by when. As blind as the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage

from leadpact.distribution import queries
from leadpact.distribution.queries import InHand
from leadpact.kit.formats import zone_of
from leadpact.kit.instants import from_us
from leadpact.team.models import User


def mail_offers(*, user_id: int, at: int) -> bool:
    """Mail the offers that wait for somebody now; returns whether there was anything to send, and anybody to send it to.

    Offers that were answered before the mail went out are not in it. A failed delivery raises and the job is tried again.
    """
    user = User.objects.filter(pk=user_id, is_active=True).first()
    offers = queries.in_hand(at=at, states=queries.OFFERED, user_id=user_id) if user else []
    if user is None or not offers:
        return False
    EmailMessage(subject=subject(offers), body=body(offers, timezone=user.timezone), to=[user.email]).send()
    return True


def subject(offers: Sequence[InHand]) -> str:
    """One line: who, or how many."""
    if len(offers) > 1:
        return f"{len(offers)} leads are offered to you"
    # A name comes from outside: line ends in it must not become headers.
    return " ".join(f"A lead is offered to you: {_who(offers[0])}".split())


def body(offers: Sequence[InHand], *, timezone: str) -> str:
    """Plain text: each offer with its clock in the reader's zone and why it came to them."""
    lines = [f"{_who(offer)}\n  Answer by {_until(offer, timezone)}. {offer.why_you}".rstrip() for offer in offers]
    inbox = f"{settings.PUBLIC_URL}/distribution/" if settings.PUBLIC_URL else "your inbox in leadpact"
    return "\n\n".join([*lines, f"Accept or reject: {inbox}"]) + "\n"


def _who(offer: InHand) -> str:
    return ", ".join(part for part in (offer.name or offer.email, offer.account) if part) or f"lead {offer.lead_id}"


def _until(offer: InHand, timezone: str) -> str:
    if offer.due is None:
        return "today"
    local: datetime = from_us(offer.due).astimezone(zone_of(timezone))
    return f"{local:%a %d %b, %H:%M} ({timezone})"
