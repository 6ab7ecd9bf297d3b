"""The messages of Segment's HTTP API as they stand in a body: which members, of which type, within which limits.

Members that we do not read are not listed and cost nothing. A wrong type refuses one event, never its batch: a batch
is first cut into its raw events, and each is decoded on its own.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

MOST_BYTES: Final = 500 * 1024
"""A body, unpacked."""
MOST_EVENT_BYTES: Final = 32 * 1024
MOST_EVENTS: Final = 2_500

Id = str | int | float | None
When = str | int | float | None


class Event(msgspec.Struct, rename="camel"):
    """One call of a client: identify, track, page, screen, group or alias."""

    type: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    user_id: Id = None
    anonymous_id: Id = None
    previous_id: Id = None
    group_id: Id = None
    message_id: Id = None
    timestamp: When = None
    original_timestamp: When = None
    sent_at: When = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


class Batch(msgspec.Struct, rename="camel"):
    """The envelope of a batch; its `context` stands for events that have none of their own."""

    batch: list[msgspec.Raw] | None = None
    sent_at: When = None
    context: dict[str, Any] | None = None


class _KeyInBody(msgspec.Struct, rename="camel"):
    write_key: str | None = None


class Junk(ValueError):
    """A body that cannot be read at all; `code` is for programs, the message is a sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


_batch = msgspec.json.Decoder(Batch)
_event = msgspec.json.Decoder(Event)
_key = msgspec.json.Decoder(_KeyInBody)
S = TypeVar("S")


def read_batch(body: bytes) -> Batch:
    """The envelope and its raw events. Raises Junk."""
    found = _read(_batch, body)
    if found.batch is None:
        raise Junk(
            "no_batch",
            "The body needs a list `batch` of events; send a single event to /v1/track, /v1/identify or the like.",
        )
    if len(found.batch) > MOST_EVENTS:
        raise Junk(
            "too_many_events", f"The batch holds {len(found.batch):,} events; send at most {MOST_EVENTS:,} at a time."
        )
    return found


def read_event(body: bytes | msgspec.Raw) -> Event:
    """One event. Raises Junk."""
    if len(body) > MOST_EVENT_BYTES:
        raise Junk("event_too_large", f"The event has {len(body):,} bytes; an event may have {MOST_EVENT_BYTES:,}.")
    return _read(_event, body)


def key_in_body(body: bytes) -> str | None:
    """The `writeKey` that browser clients put into the body; None where there is none. Raises Junk."""
    return _read(_key, body).write_key


def message_id_of(raw: msgspec.Raw) -> str | None:
    """The message id of an event that was refused, as far as it can be told."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    return str(found["messageId"])[:100] if isinstance(found, dict) and found.get("messageId") else None


def _read(decoder: msgspec.json.Decoder[S], body: bytes | msgspec.Raw) -> S:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as problem:
        raise Junk("wrong_type", f"The body does not fit: {_plain(str(problem))}.") from None
    except msgspec.DecodeError as problem:
        raise Junk("not_json", f"The body is not JSON: {_plain(str(problem))}.") from None
    except RecursionError:
        raise Junk("too_deep", "The body is nested too deeply.") from None
    except UnicodeError:
        raise Junk("not_utf8", "The body is not UTF-8.") from None


def _plain(said: str) -> str:
    """The decoder's message in ordinary words: "`$.traits` should be an object or null, not text"."""
    said = said.removeprefix("JSON is malformed: ").rstrip(".")
    expected, found, where = said.partition(", got ")
    if not found or not expected.startswith("Expected "):
        return said[:1].lower() + said[1:]
    got, at, path = where.partition(" - at ")
    name = path.strip("`").removeprefix("$.") if at else ""
    wanted = _types(expected.removeprefix("Expected "))
    subject = f"`{name}`" if name and name != "$" else "it"
    return f"{subject} should be {wanted}, not {_types(got)}"


def _types(said: str) -> str:
    words = {
        "object": "an object",
        "array": "a list",
        "str": "text",
        "int": "a number",
        "float": "a number",
        "bool": "a boolean",
    }
    parts = [words.get(part.strip(), part.strip()) for part in said.strip("`").split("|")]
    kept = [part for part in dict.fromkeys(parts) if part != "null"] or ["null"]
    return " or ".join(kept)
