"""Calls of Segment's HTTP API become arrivals: identity, instant, touch and traits, parsed, bounded and folded.

    identify  traits of the person, of the company (`traits.company`) and of the need (`traits.lead`); no touch
    track     a touch; its kind from the event's name (`names.kind_of`)
    page      a touch `page.viewed`; `path`, `url`, `title`, `referrer` also from `context.page`
    screen    a touch `screen.viewed`
    group     traits of the account
    alias     ties `previousId` to `userId`

Nothing here raises for what a caller sent inside an event: an event that cannot be taken becomes a `Refused` with a
sentence, and its neighbours are taken. What personal data we do not need (`context.ip`, device ids, location) is not
read at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from leadpact.capture.rules import bots, channels
from leadpact.capture.rules.address import BadAddress, company_domain, domain_of_email, email, email_or_none, identifier
from leadpact.capture.rules.arrival import Arrival, TouchData
from leadpact.capture.rules.messages import Event, Junk, message_id_of, read_batch, read_event
from leadpact.capture.rules.names import LONGEST_KIND, OPT_IN, OPT_OUT, field_of, kind_of, snake
from leadpact.capture.rules.timing import BadInstant, happened_at, read_instant
from leadpact.capture.rules.traits import complete, domain_in, fit, parted
from leadpact.capture.rules.values import Unbounded, cell_of, flatten
from leadpact.language.fold import Cell, fold, truth
from leadpact.language.kinds import KINDS, OURS

CALLS: Final = ("identify", "track", "page", "screen", "group", "alias")
LONGEST_CAMPAIGN: Final = 200
_PAGE: Final = ("path", "url", "title", "referrer")
_PLACE: Final = ("path", "url")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends: the key's number, and whether it sits in a web page, where it may only claim."""

    key_id: int
    public: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that was not taken. `index`: its place in the batch; `code` for programs, `reason` for people."""

    index: int
    message_id: str | None
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a body held, in its order."""

    arrivals: tuple[Arrival, ...]
    refused: tuple[Refused, ...]


class _Base(NamedTuple):
    """What every arrival of a call has."""

    message: bytes
    at: int
    email: str | None
    user_id: str | None
    anonymous_id: str | None
    trusted: bool


class _Cannot(ValueError):
    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def parse_call(call: str, body: bytes, *, caller: Caller, received_at: int) -> Parsed:
    """One call, `call` being its name from the address. received_at: microseconds. Raises Junk for a body that is none."""
    event = read_event(body)
    try:
        return Parsed((_arrival(call, event, body, None, caller, received_at),), ())
    except _Cannot as problem:
        return Parsed((), (Refused(0, _spoken_id(event), problem.code, str(problem)),))


def parse_batch(body: bytes, *, caller: Caller, received_at: int) -> Parsed:
    """A batch; good events are taken and bad ones refused one by one. Raises Junk for a body that is none."""
    batch = read_batch(body)
    try:
        sent = None if batch.sent_at is None else read_instant(batch.sent_at, "sentAt")
    except BadInstant as problem:
        raise Junk("bad_timestamp", _sentence(problem)) from None
    arrivals: list[Arrival] = []
    refused: list[Refused] = []
    for index, raw in enumerate(batch.batch or ()):
        try:
            event = read_event(raw)
        except Junk as problem:
            refused.append(Refused(index, message_id_of(raw), problem.code, str(problem)))
            continue
        if batch.context:
            event.context = batch.context if event.context is None else {**batch.context, **event.context}
        try:
            arrivals.append(_arrival(event.type, event, raw, sent, caller, received_at, index=index))
        except _Cannot as problem:
            refused.append(Refused(index, _spoken_id(event), problem.code, str(problem)))
    return Parsed(tuple(_without_bursts(arrivals)), tuple(refused))


def message_key(scope: str, message: str) -> bytes:
    """16 bytes that are this message's alone: BLAKE2b over the scope (a key, an import) and its id."""
    return blake2b(f"{scope}\0{message}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _arrival(
    call: str | None,
    event: Event,
    raw: bytes | Any,
    batch_sent: int | None,
    caller: Caller,
    received: int,
    *,
    index: int = 0,
) -> Arrival:
    try:
        return _read(call, event, raw, batch_sent, caller, received, index)
    except BadInstant as problem:
        raise _Cannot("bad_timestamp", _sentence(problem)) from None
    except Unbounded as problem:
        raise _Cannot("too_much", _sentence(problem)) from None
    except _Cannot:
        raise
    except ValueError as problem:
        raise _Cannot("bad_value", _sentence(problem)) from None


def _read(
    call: str | None, event: Event, raw: bytes | Any, batch_sent: int | None, caller: Caller, received: int, index: int
) -> Arrival:
    if call not in CALLS:
        raise _Cannot(
            "unknown_type", f"The event's type is {str(call)[:40]!r}; it should be one of {', '.join(CALLS)}."
        )
    context = event.context or {}
    traits = event.traits or {}
    at = _instant(event, batch_sent, received)
    user_id, anonymous_id = identifier(event.user_id), identifier(event.anonymous_id)
    if call == "alias":
        user_id, anonymous_id = _alias(event, user_id)
    address = _address(call, traits, context, user_id)
    if address is None and user_id is None and anonymous_id is None:
        raise _Cannot(
            "no_identity", "The event names nobody: give userId, anonymousId or, with identify, traits.email."
        )
    base = _Base(_message(event, raw, caller, received, index), at, address, user_id, anonymous_id, not caller.public)
    if call == "identify":
        return _with_traits(base, "person", traits, context)
    if call == "group":
        return _group(base, event, traits, context)
    if call == "alias":
        return Arrival(base.message, at, None, user_id, anonymous_id, trusted=base.trusted)
    return _with_touch(base, call, event, context)


def _instant(event: Event, batch_sent: int | None, received: int) -> int:
    said = event.original_timestamp if event.original_timestamp is not None else event.timestamp
    name = "timestamp" if event.original_timestamp is None else "originalTimestamp"
    original = None if said is None else read_instant(said, name)
    sent = batch_sent if event.sent_at is None else read_instant(event.sent_at, "sentAt")
    return happened_at(original, sent, received)


def _message(event: Event, raw: bytes | Any, caller: Caller, received: int, index: int) -> bytes:
    """The message's key. Without a messageId the content stands for it, as long as a timestamp tells twins apart."""
    scope = f"key {caller.key_id}"
    said = event.message_id
    if said is not None and str(said).strip():
        return message_key(scope, str(said).strip())
    moment = event.original_timestamp if event.original_timestamp is not None else event.timestamp
    apart = "" if moment is not None else f"{received} {index}"
    content = blake2b(bytes(raw), digest_size=32, person=b"no message id").hexdigest()
    return message_key(scope, f"\0derived {content} {apart}")


def _alias(event: Event, user_id: str | None) -> tuple[str, str]:
    previous = identifier(event.previous_id) or identifier(event.anonymous_id)
    if previous is None or user_id is None:
        raise _Cannot("no_identity", "An alias needs previousId, who they were, and userId, who they are.")
    return user_id, previous


def _address(call: str, traits: Mapping[str, Any], context: Mapping[str, Any], user_id: str | None) -> str | None:
    said = traits.get("email") if call == "identify" else None
    if said is None:
        carried = context.get("traits")
        said = carried.get("email") if isinstance(carried, dict) else None
    if isinstance(said, str) and said.strip():
        try:
            return email(said)
        except BadAddress as problem:
            if user_id is None and call == "identify":
                raise _Cannot("bad_email", f"The trait email is not an e-mail address: {problem}.") from None
    return email_or_none(user_id)


def _campaign(context: Mapping[str, Any]) -> tuple[str, str, dict[str, str]]:
    """The reporting channel, the campaign's name, and its parts as properties utm_source, utm_medium, …"""
    said = context.get("campaign")
    if not isinstance(said, dict):
        return "", "", {}
    parts = {key: value.strip() for key, value in said.items() if isinstance(value, str) and value.strip()}
    channel = channels.of_campaign(parts.get("source", "")[:200], parts.get("medium", "")[:200])
    origin = {
        f"utm_{key}": value[:LONGEST_CAMPAIGN]
        for key, value in parts.items()
        if key in {"source", "medium", "term", "content"}
    }
    return channel, fit(parts.get("name", ""), LONGEST_CAMPAIGN), origin


def _with_traits(base: _Base, scope: str, traits: Mapping[str, Any], context: Mapping[str, Any]) -> Arrival:
    """The arrival of a call that tells traits, sorted by whose they are."""
    raw: dict[str, Any] = {}
    cells: dict[str, Cell] = {}
    opted_out: bool | None = None
    plain: dict[str, Any] = {}
    for key, value in traits.items():
        name = snake(key)
        if name in OPT_OUT or name in OPT_IN:
            said = truth(fold(str(value))) if isinstance(value, str | bool | int) else None
            opted_out = opted_out if said is None else said if name in OPT_OUT else not said
        elif name == "company" and scope == "person":
            _company(value, raw, cells)
        elif name in {"lead", "account", "person"} and isinstance(value, dict):
            flatten(value, lambda path, of=name: field_of(of, path), what="traits", raw=raw, cells=cells)
        elif value is not None and name != "email":
            plain[key] = value
    flatten(plain, lambda path: field_of(scope, path), what="traits", raw=raw, cells=cells)
    complete(raw, cells)
    channel, campaign, _ = _campaign(context)
    source = raw.get("lead.source")
    domain = domain_of_email(base.email) if base.email else None
    if domain is None or base.trusted:
        domain = domain_in(raw) or domain
    person, account, lead = parted(raw, cells)
    return Arrival(
        *base[:5],
        person=person,
        account=account,
        lead=lead,
        account_domain=domain,
        trusted=base.trusted,
        source=fit(source, channels.LONGEST_CHANNEL) if isinstance(source, str) and source.strip() else channel,
        campaign=campaign,
        opted_out=opted_out,
    )


def _company(value: object, raw: dict[str, Any], cells: dict[str, Cell]) -> None:
    if isinstance(value, dict):
        flatten(value, lambda path: field_of("account", path), what="traits", raw=raw, cells=cells)
    elif isinstance(value, str) and value.strip():
        flatten({"name": value}, lambda path: field_of("account", path), what="traits", raw=raw, cells=cells)


def _group(base: _Base, event: Event, traits: Mapping[str, Any], context: Mapping[str, Any]) -> Arrival:
    group = identifier(event.group_id)
    if group is None:
        raise _Cannot("no_identity", "A group call needs groupId: which account it is.")
    done = _with_traits(base, "account", {"group_id": group, **traits}, context)
    said = domain_in(done.account.raw)
    return (
        done
        if said is not None or "." not in group
        else replace(done, account_domain=company_domain(group) or done.account_domain)
    )


def _with_touch(base: _Base, call: str, event: Event, context: Mapping[str, Any]) -> Arrival:
    kind = _kind(call, event)
    if not base.trusted and kind in OURS:
        raise _Cannot(
            "not_public", f"{kind} is something we do; a public key cannot say so. Send it with a server key."
        )
    of_campaign, campaign, origin = _campaign(context)
    properties: dict[str, Any] = {**_page_of(call, context), **origin, **(event.properties or {})}
    if call != "track":
        if event.name:
            properties["name"] = event.name
        if event.category:
            properties["category"] = event.category
    raw: dict[str, Any] = {}
    cells: dict[str, Cell] = {}
    flatten(properties, what="properties", raw=raw, cells=cells)
    if "path" not in raw and "url" in raw:
        _path_from_url(raw, cells)
    channel = _channel(raw, of_campaign, kind)
    agent = context.get("userAgent")
    machine = bots.machine(agent[:1_000]) if isinstance(agent, str) else ""
    if machine:
        raw["automated"] = machine
    known = KINDS.get(kind)
    by_kind = known.channel if known else ""
    touch = TouchData(
        kind, channel or by_kind, campaign or fit(raw.get("campaign"), LONGEST_CAMPAIGN), raw, cells, bool(machine)
    )
    return Arrival(
        *base[:5],
        touch=touch,
        account_domain=domain_of_email(base.email) if base.email else None,
        trusted=base.trusted,
        # A lead that begins on our own pages, from nowhere we know of.
        source=channel or ("website" if by_kind == "web" else by_kind),
        campaign=touch.campaign,
        opted_out=True if kind == "email.unsubscribed" else None,
    )


def _kind(call: str, event: Event) -> str:
    if call != "track":
        return f"{call}.viewed"
    if not event.event or not event.event.strip():
        raise _Cannot("no_event", "A track call needs `event`: what happened, such as Demo Requested.")
    kind = kind_of(event.event[:1_000])
    if not kind:
        raise _Cannot("no_event", "The event's name has neither letters nor digits.")
    if len(kind) > LONGEST_KIND:
        raise _Cannot("no_event", f"The event's name is longer than {LONGEST_KIND} characters.")
    return kind


def _page_of(call: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """Where it happened: of a page view all we know, of anything else the path and address of the page around it."""
    page = context.get("page")
    if not isinstance(page, dict) or call == "screen":
        return {}
    return {
        key: page[key] for key in (_PAGE if call == "page" else _PLACE) if isinstance(page.get(key), str) and page[key]
    }


def _path_from_url(raw: dict[str, Any], cells: dict[str, Cell]) -> None:
    url = raw["url"]
    if not isinstance(url, str) or "://" not in url:
        return
    rest = url.partition("://")[2].partition("#")[0].partition("?")[0]
    path = "/" + rest.partition("/")[2]
    raw["path"] = path
    found = cell_of(path)
    if found is not None:
        cells["path"] = found


def _channel(raw: Mapping[str, Any], of_campaign: str, kind: str) -> str:
    """What the touch says itself, else its campaign, else for a page view the page that led to it."""
    said = raw.get("channel")
    if isinstance(said, str) and said.strip():
        return fit(fold(said), channels.LONGEST_CHANNEL)
    referrer = raw.get("referrer")
    if not of_campaign and kind == "page.viewed" and isinstance(referrer, str):
        url = raw.get("url")
        return channels.of_referrer(referrer[:2_000], url[:2_000] if isinstance(url, str) else "")
    return of_campaign


def _without_bursts(arrivals: list[Arrival]) -> list[Arrival]:
    clicks = [
        (arrival.anonymous_id or arrival.user_id or arrival.email or "", arrival.at, index)
        for index, arrival in enumerate(arrivals)
        if arrival.touch is not None and arrival.touch.kind in bots.CLICKS
    ]
    if len(clicks) < bots.BURST:
        return arrivals
    for index in bots.bursts(clicks):
        touch = arrivals[index].touch
        if touch is not None and not touch.automated:
            why = "three or more clicks of one visitor within a second"
            marked = replace(touch, automated=True, properties={**touch.properties, "automated": why})
            arrivals[index] = replace(arrivals[index], touch=marked)
    return arrivals


def _spoken_id(event: Event) -> str | None:
    return None if event.message_id is None else str(event.message_id)[:100]


def _sentence(problem: Exception) -> str:
    text = str(problem)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
