"""A happening as the tracking call that a website, a mail system or an employee would send.

The shapes are those of Segment's HTTP API: identify, group, page and track, with messageId and timestamp. Everything
that a reader of the payload could not know (who an anonymous visitor is, that a click was a machine's) stays outside
it. Each payload is a fresh mapping, so that a consumer may change it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from leadpact.simulation import names
from leadpact.simulation.chance import Ints
from leadpact.simulation.happenings import CHANNELS, DEVICE, OTHER_DEVICE, Code
from leadpact.simulation.people import Account, Person

SITE = f"https://www.{names.HOME}"
_CODES = tuple(Code)
_MEDIUM = {"paid_search": "cpc", "social": "paid", "email": "email", "organic": "organic"}
_BOUND = {"paid_search": "price-guide", "social": "spring-papers"}


class Event(NamedTuple):
    """Something that the product learns of, at `at` (microseconds UTC).

    kind: touch, identify, attribute or spend. who: key of the person where the sender knows it, else the visitor's
    anonymous id; "" for spend. payload: the tracking call. automated: the truth, whether a machine did it.
    """

    at: int
    kind: str
    who: str
    payload: dict[str, Any]
    automated: bool = False


Payload = dict[str, Any]
_TRACKED = {
    Code.PAPER: "paper.downloaded",
    Code.DEMO: "demo.requested",
    Code.PRICE: "price.requested",
    Code.CHAT: "chat.started",
    Code.EMAIL_SENT: "email.sent",
    Code.EMAIL_OPENED: "email.opened",
    Code.EMAIL_CLICKED: "email.clicked",
    Code.EMAIL_BOUNCED: "email.bounced",
    Code.UNSUBSCRIBED: "email.unsubscribed",
    Code.SEMINAR_INVITED: "seminar.invited",
    Code.SEMINAR_REGISTERED: "seminar.registered",
    Code.SEMINAR_ATTENDED: "seminar.attended",
    Code.CALL_ATTEMPTED: "call.attempted",
    Code.CALL_ANSWERED: "call.answered",
    Code.CALL_RECEIVED: "call.received",
}
_MAILS = {Code.EMAIL_SENT, Code.EMAIL_OPENED, Code.EMAIL_CLICKED, Code.EMAIL_BOUNCED, Code.UNSUBSCRIBED}
_SEMINARS = {Code.SEMINAR_INVITED, Code.SEMINAR_REGISTERED, Code.SEMINAR_ATTENDED}


class Row(NamedTuple):
    """One happening. at: microseconds UTC; the rest as in `happenings.Batch`. The columns of a week's matrix."""

    at: int
    code: int
    who: int
    detail: int
    channel: int
    device: int
    automated: int


def iso(instants: Sequence[int] | Ints) -> list[str]:
    """Instants as the clients write them: "2025-03-03T15:04:05.123456Z". Together, because one by one is slow."""
    stamps: list[str] = np.datetime_as_string(np.asarray(instants, dtype=np.int64).view("datetime64[us]")).tolist()
    return [stamp + "Z" for stamp in stamps]


@dataclass(frozen=True, slots=True)
class Teller:
    """Turns rows into events. created: instants at which people become known, by position."""

    seed: int
    people: Sequence[Person]
    accounts: dict[str, Account]

    def tell(self, row: Row, number: int, stamp: str) -> Event:
        """The event of a row; `number` makes its messageId, `stamp` is its instant as text."""
        code = _CODES[row.code]
        head: Payload = {"type": "track", "messageId": f"sim-{self.seed:x}-{number:08d}", "timestamp": stamp}
        return _TELLERS[row.code](self, head, code, row)

    def _stranger(self, head: Payload, code: Code, row: Row) -> Event:
        crawler = code is Code.CRAWLER_PAGE
        visitor = f"{'c' if crawler else 'w'}{self.seed:x}-{row.who:x}"
        browser = names.CRAWLER if crawler else names.BROWSERS[row.who % len(names.BROWSERS)]
        head |= {"type": "page", "anonymousId": visitor, **_page(row, browser)}
        return Event(row.at, "touch", visitor, head, bool(row.automated))

    def _page(self, head: Payload, _code: Code, row: Row) -> Event:
        person = self.people[row.who]
        head |= {"type": "page", **_page(row, names.BROWSERS[row.who % len(names.BROWSERS)])}
        return self._by(head, person, row)

    def _track(self, head: Payload, code: Code, row: Row) -> Event:
        person = self.people[row.who]
        head["event"] = _TRACKED[code]
        head["properties"] = {"channel": CHANNELS[row.channel], **_detail(code, row.detail)}
        if row.device:
            head["context"] = _context(row, names.BROWSERS[row.who % len(names.BROWSERS)])
        elif row.automated:
            head["context"] = {"userAgent": names.SCANNER}
        return self._by(head, person, row)

    def _first(self, head: Payload, _code: Code, row: Row) -> Event:
        person = self.people[row.who]
        source = person.source
        kind = _FIRST_KIND[source]
        head["event"] = kind
        head["properties"] = {"channel": CHANNELS[row.channel]}
        if person.campaign:
            head["properties"]["campaign"] = person.campaign
        if kind == "paper.downloaded":
            head["properties"]["paper"] = names.PAPERS[row.detail]
        if row.device:
            context = _context(row, names.BROWSERS[row.who % len(names.BROWSERS)])
            if person.campaign:
                context["campaign"]["name"] = person.campaign
            head["context"] = context
        return self._by(head, person, row)

    def _identify(self, head: Payload, _code: Code, row: Row) -> Event:
        person = self.people[row.who]
        traits: Payload = {
            "email": person.email,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "title": person.title,
            "phone": person.phone,
            "source": person.source,
            "sourced_by": person.sourced_by,
        }
        if person.campaign:
            traits["campaign"] = person.campaign
        if person.account is not None:
            traits["company"] = {"id": person.account, "name": self.accounts[person.account].name}
        head |= {"type": "identify", "userId": person.key, "traits": traits}
        if row.device:
            head["anonymousId"] = person.visitor
            head["context"] = _context(row, names.BROWSERS[row.who % len(names.BROWSERS)])
        return Event(row.at, "identify", person.key, head)

    def _group(self, head: Payload, _code: Code, row: Row) -> Event:
        person = self.people[row.who]
        account = self.accounts[str(person.account)]
        traits: Payload = {"name": account.name, "domain": account.domain}
        if account.industry is not None:
            traits["industry"] = account.industry
        if account.employees is not None:
            traits["employees"] = account.employees
        head |= {"type": "group", "userId": person.key, "groupId": account.key, "traits": traits}
        return Event(row.at, "attribute", person.key, head)

    def _timeline(self, head: Payload, _code: Code, row: Row) -> Event:
        person = self.people[row.who]
        head |= {"type": "identify", "userId": person.key, "traits": {"timeline_months": person.timeline_months}}
        return Event(row.at, "attribute", person.key, head)

    def _opted_out(self, head: Payload, _code: Code, row: Row) -> Event:
        person = self.people[row.who]
        head |= {"type": "identify", "userId": person.key, "traits": {"opted_out": True}}
        return Event(row.at, "attribute", person.key, head)

    def _by(self, head: Payload, person: Person, row: Row) -> Event:
        """Whom the sender names: our key from the server or once known on the device, else the anonymous id."""
        if row.device == DEVICE:
            visitor = person.visitor or f"v{self.seed:x}-{row.who:06x}"
            head["anonymousId"] = visitor
            if row.at < person.created:
                return Event(row.at, "touch", visitor, head, bool(row.automated))
        elif row.device == OTHER_DEVICE:
            visitor = f"o{self.seed:x}-{row.who:06x}"
            head["anonymousId"] = visitor
            return Event(row.at, "touch", visitor, head, bool(row.automated))
        head["userId"] = person.key
        return Event(row.at, "touch", person.key, head, bool(row.automated))


_FIRST_KIND = {
    "website": "paper.downloaded",
    "paid_search": "paper.downloaded",
    "social": "form.submitted",
    "event": "card.received",
    "list": "list.imported",
    "referral": "referral.received",
    "call": "call.received",
}


def _detail(code: Code, detail: int) -> Payload:
    if code is Code.PAPER:
        return {"paper": names.PAPERS[detail]}
    if code in _MAILS:
        return {"campaign": f"newsletter-{detail + 1:02d}"}
    if code in _SEMINARS:
        return {"campaign": f"seminar-{detail + 1:02d}"}
    return {}


def _page(row: Row, browser: str) -> Payload:
    path, title, _base, _more = names.PATHS[row.detail]
    context = _context(row, browser)
    return {
        "name": title,
        "properties": {"path": path, "title": title, "url": SITE + path, "channel": CHANNELS[row.channel]},
        "context": context,
    }


def _context(row: Row, browser: str) -> Payload:
    channel = CHANNELS[row.channel]
    context: Payload = {"userAgent": browser, "locale": "en-US"}
    if channel != "direct":
        context["campaign"] = {"source": channel, "medium": _MEDIUM.get(channel, channel)}
        if channel in _BOUND:
            context["campaign"]["name"] = _BOUND[channel]
    return context


_TELLERS: dict[int, Callable[[Teller, Payload, Code, Row], Event]] = {
    Code.PAGE: Teller._page,  # noqa: SLF001 - a table of this module's own methods
    Code.FIRST_TOUCH: Teller._first,  # noqa: SLF001
    Code.IDENTIFY: Teller._identify,  # noqa: SLF001
    Code.GROUP: Teller._group,  # noqa: SLF001
    Code.TIMELINE: Teller._timeline,  # noqa: SLF001
    Code.OPTED_OUT: Teller._opted_out,  # noqa: SLF001
    Code.STRANGER_PAGE: Teller._stranger,  # noqa: SLF001
    Code.CRAWLER_PAGE: Teller._stranger,  # noqa: SLF001
    **dict.fromkeys(_TRACKED, Teller._track),  # noqa: SLF001
}
