"""The registry of kinds of touch: what each is called, and whether it is theirs or ours.

A touch that is *ours* (a mail we sent, a call we made) never makes a person active. A kind that the registry does
not know is theirs: events of one's own products come in under names of their own. Kinds are stored and compared
folded (`fold.fold`), so `Demo.Requested` and `demo.requested` are one kind.

What breaks if a kind changes sides: `account.active_people` of every agreement, so moving a kind is a new version
of the language, never an edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of touch. `says` is a phrase in the past tense that stands after "they" (or "we" for ours)."""

    id: str
    says: str
    theirs: bool
    channel: str


def _theirs(kind: str, says: str, channel: str) -> Kind:
    return Kind(kind, says, theirs=True, channel=channel)


def _ours(kind: str, says: str, channel: str) -> Kind:
    return Kind(kind, says, theirs=False, channel=channel)


_ALL: Final = (
    _theirs("page.viewed", "viewed a page", "web"),
    _theirs("form.submitted", "filled in a form", "web"),
    _theirs("paper.downloaded", "downloaded a paper", "web"),
    _theirs("demo.requested", "asked for a demo", "web"),
    _theirs("price.requested", "asked for a price", "web"),
    _theirs("product.tried", "tried the product", "product"),
    _theirs("chat.started", "started a chat", "chat"),
    _theirs("newsletter.subscribed", "subscribed to the newsletter", "email"),
    _ours("seminar.invited", "invited them to a seminar", "event"),
    _theirs("seminar.registered", "registered for a seminar", "event"),
    _theirs("seminar.attended", "came to a seminar", "event"),
    _ours("webinar.invited", "invited them to a webinar", "event"),
    _theirs("webinar.registered", "registered for a webinar", "event"),
    _theirs("webinar.attended", "came to a webinar", "event"),
    _theirs("event.visited", "visited us at an event", "event"),
    _theirs("card.received", "gave us a business card", "event"),
    _ours("email.sent", "sent them an e-mail", "email"),
    _ours("email.bounced", "had an e-mail to them come back", "email"),
    _theirs("email.opened", "opened an e-mail", "email"),
    _theirs("email.clicked", "clicked a link in an e-mail", "email"),
    _theirs("email.replied", "replied to an e-mail", "email"),
    _theirs("email.unsubscribed", "unsubscribed from e-mail", "email"),
    _ours("call.made", "called them", "phone"),
    _ours("call.attempted", "tried to call them", "phone"),
    _theirs("call.answered", "answered a call", "phone"),
    _theirs("call.received", "called us", "phone"),
    _theirs("meeting.held", "met with us", "meeting"),
    _theirs("referral.received", "were referred to us", "referral"),
    _ours("list.imported", "imported them from a list", "list"),
    _theirs("ad.clicked", "clicked an advertisement", "ads"),
    _theirs("social.engaged", "engaged with us on social media", "social"),
    _ours("mail.sent", "sent them a letter", "post"),
    _ours("linkedin.sent", "wrote to them on LinkedIn", "social"),
)

KINDS: Final = MappingProxyType({kind.id: kind for kind in _ALL})
"""Kind id → Kind, in the order of a path from first sight to meeting."""

OURS: Final = frozenset(kind.id for kind in _ALL if not kind.theirs)
"""Kinds that we make. Everything else, known or not, is theirs."""


def is_theirs(kind: str) -> bool:
    """Whether a touch of this kind is made by the person (kinds that nobody registered are)."""
    return kind not in OURS
