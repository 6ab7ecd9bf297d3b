"""Names that come in, and what we call them: event names become kinds of touch, trait names become fields.

What breaks if a mapping changes: agreements in force name kinds and fields, so a synonym may be added, but what a
name maps to today must not be taken away.
"""

from __future__ import annotations

import re
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from leadpact.language.fold import fold
from leadpact.language.kinds import KINDS

LONGEST_KIND: Final = 60
LONGEST_NAME: Final = 100

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_BETWEEN_PARTS = re.compile(r"(?:[^\w.]|_)+")
_DOTS = re.compile(r"_*\.[_.]*")

SYNONYMS: Final = MappingProxyType(
    {
        synonym: kind
        for kind, synonyms in {
            "page.viewed": ("viewed page", "page view", "page visited", "visited page", "loaded a page", "pageview"),
            "form.submitted": (
                "submitted form",
                "form submission",
                "form filled",
                "form completed",
                "form sent",
                "form submit",
            ),
            "paper.downloaded": (
                "downloaded paper",
                "white paper downloaded",
                "whitepaper downloaded",
                "downloaded whitepaper",
                "downloaded white paper",
                "ebook downloaded",
                "e book downloaded",
                "downloaded ebook",
                "content downloaded",
                "guide downloaded",
                "report downloaded",
                "resource downloaded",
                "asset downloaded",
                "brochure downloaded",
            ),
            "demo.requested": (
                "requested demo",
                "requested a demo",
                "request demo",
                "request a demo",
                "demo request",
                "demo booked",
                "booked demo",
                "booked a demo",
                "book a demo",
                "demo scheduled",
                "scheduled demo",
                "contact sales",
                "contacted sales",
                "sales contacted",
                "sales contact requested",
            ),
            "price.requested": (
                "requested price",
                "price request",
                "pricing requested",
                "requested pricing",
                "quote requested",
                "requested quote",
                "requested a quote",
                "request a quote",
                "quote request",
                "offer requested",
            ),
            "product.tried": (
                "trial started",
                "started trial",
                "free trial started",
                "started a trial",
                "tried product",
            ),
            "chat.started": (
                "started chat",
                "live chat started",
                "live chat conversation started",
                "chat conversation started",
            ),
            "newsletter.subscribed": (
                "newsletter signup",
                "newsletter sign up",
                "subscribed",
                "subscribed to newsletter",
            ),
            "seminar.registered": ("registered for seminar",),
            "seminar.attended": ("attended seminar",),
            "webinar.registered": ("registered for webinar", "webinar registration", "webinar signup"),
            "webinar.attended": ("attended webinar", "joined webinar", "webinar joined"),
            "event.visited": ("booth visited", "visited booth", "event attended", "attended event"),
            "email.sent": ("email delivered", "sent email", "e mail sent"),
            "email.opened": ("opened email", "email open", "e mail opened"),
            "email.clicked": (
                "email link clicked",
                "clicked email",
                "clicked link in email",
                "email click",
                "email clicked link",
                "e mail clicked",
                "e mail link clicked",
            ),
            "email.replied": ("replied to email", "email reply", "e mail replied"),
            "email.bounced": ("bounced email", "email bounce", "e mail bounced"),
            "email.unsubscribed": (
                "unsubscribed",
                "unsubscribed from email",
                "email unsubscribe",
                "newsletter unsubscribed",
                "e mail unsubscribed",
            ),
            "call.answered": ("answered call", "phone call answered"),
            "call.received": ("received call", "inbound call", "phone call received"),
            "call.made": ("made call", "outbound call"),
            "meeting.held": ("held meeting", "meeting attended", "meeting completed"),
            "ad.clicked": ("clicked ad", "ad click", "advertisement clicked"),
            "referral.received": ("received referral", "referred"),
            "product.viewed": ("viewed product",),
        }.items()
        for synonym in synonyms
    }
)
"""Words of an event's name (small letters, blanks between) → kind. Registered kinds need no entry of their own."""

_PLAIN = {kind.replace(".", " ").replace("_", " "): kind for kind in KINDS}

# Our field for a trait of `identify`, where it is not simply person.NAME.
PERSON_FIELDS: Final = MappingProxyType(
    {
        "firstname": "person.first_name", "given_name": "person.first_name",
        "lastname": "person.last_name", "surname": "person.last_name", "family_name": "person.last_name",
        "full_name": "person.name", "fullname": "person.name",
        "job_title": "person.title", "jobtitle": "person.title", "position": "person.title",
        "phone_number": "person.phone", "telephone": "person.phone", "mobile": "person.phone", "mobile_phone": "person.phone",
        "locale": "person.language", "preferred_language": "person.language",
        "company_name": "account.name", "organization": "account.name", "organisation": "account.name",
        "company_domain": "account.domain", "industry": "account.industry", "company_industry": "account.industry",
        "employees": "account.employees", "company_size": "account.employees", "number_of_employees": "account.employees",
        "employee_count": "account.employees", "num_employees": "account.employees",
        "annual_revenue": "account.annual_revenue", "company_country": "account.country",
        "timeline_months": "lead.timeline_months", "timeline": "lead.timeline", "budget": "lead.budget",
        "has_budget": "lead.has_budget", "authority": "lead.authority", "need": "lead.need",
        "product_of_interest": "lead.product", "lead_source": "lead.source",
    }
)  # fmt: skip
# Our field for a trait of a company, where it is not simply account.NAME.
ACCOUNT_FIELDS: Final = MappingProxyType(
    {
        "company_name": "account.name", "company": "account.name", "organization": "account.name",
        "website": "account.website", "url": "account.website",
        "company_size": "account.employees", "size": "account.employees", "number_of_employees": "account.employees",
        "employee_count": "account.employees", "num_employees": "account.employees", "headcount": "account.employees",
        "sector": "account.industry", "plan": "account.plan",
    }
)  # fmt: skip
OPT_OUT: Final = frozenset({"opted_out", "unsubscribed", "email_opt_out", "do_not_contact", "person.opted_out"})
OPT_IN: Final = frozenset({"subscribed", "opted_in"})
SCOPES: Final = frozenset({"person", "account", "lead"})


@lru_cache(maxsize=16_384)
def snake(name: str) -> str:
    """A name in the one form that fields and properties have: `planName`, `Plan Name`, `plan-name` → `plan_name`.

    Dots stay, so that `account.industry` is what it says. Empty where nothing is left. Raises ValueError as `fold`.
    """
    split = name if name.islower() else _CAMEL.sub("_", name)
    plain = _BETWEEN_PARTS.sub("_", fold(split))
    return _DOTS.sub(".", plain).strip("._")


@lru_cache(maxsize=16_384)
def kind_of(event: str) -> str:
    """The kind of touch of an event's name.

    A known synonym becomes the registered kind; a name with a dot in it is a kind already; every other name is
    written in small letters with a dot between words: `Trial Plan Started` → `trial.plan.started`. Empty where the
    name has no letters or digits. Raises ValueError as `fold`.
    """
    folded = fold(event)
    if folded in KINDS:
        return folded
    split = event if event.islower() else _CAMEL.sub(" ", event)
    spoken = " ".join(word for word in _BETWEEN_WORDS.split(fold(split)) if word)
    known = _PLAIN.get(spoken) or SYNONYMS.get(spoken)
    if known is not None:
        return known
    if "." in folded and not folded.startswith(".") and not folded.endswith(".") and " " not in folded:
        return folded
    return spoken.replace(" ", ".")


@lru_cache(maxsize=16_384)
def field_of(scope: str, name: str) -> str:
    """The full name of the field for a trait: ("person", "jobTitle") → "person.title". Empty where nothing is left.

    A name that says its scope itself, such as `lead.budget`, is taken at its word.
    """
    plain = snake(name)
    if not plain:
        return ""
    head, dot, rest = plain.partition(".")
    if dot and rest and head in SCOPES:
        return plain
    if scope == "person":
        return PERSON_FIELDS.get(plain) or f"person.{plain}"
    if scope == "account":
        return ACCOUNT_FIELDS.get(plain) or f"account.{plain}"
    return f"{scope}.{plain}"
