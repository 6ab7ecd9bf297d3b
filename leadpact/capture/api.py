"""The tracking API: Segment's HTTP calls, taken through the whole loop before they are answered.

    POST /v1/identify  /v1/track  /v1/page  /v1/screen  /v1/group  /v1/alias
    POST /v1/batch  (also /v1/import, and the short names that browser clients use: /v1/i /v1/t /v1/p /v1/s /v1/g /v1/a /v1/b)

Basic authentication with the write key as the name, or `writeKey` in the body. `Content-Encoding: gzip` is fine.
200 means: all of it is on disk. A batch of which some events cannot be taken is answered 200 with the list `rejected`,
since the clients drop a whole batch at 4xx; where none can be taken the answer is 422 with the same list.
Errors are problem+json (RFC 9457), with `code` and `message` beside, which Segment's clients put into their logs.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import DataError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt

from leadpact.capture.actions import intake
from leadpact.capture.actions.admit import TooFast, admit, note_refused, pace, public_origins
from leadpact.capture.actions.identify import IdentityRace
from leadpact.capture.actions.together import intake_together, wait_for_disk
from leadpact.capture.rules.arrival import Arrival
from leadpact.capture.rules.keys import Admitted
from leadpact.capture.rules.messages import MOST_BYTES, Junk, key_in_body
from leadpact.capture.rules.segment import CALLS, Caller, Parsed, Refused, parse_batch, parse_call
from leadpact.kit import clock

SHORT: Final = {
    "i": "identify",
    "t": "track",
    "p": "page",
    "s": "screen",
    "g": "group",
    "a": "alias",
    "b": "batch",
    "import": "batch",
}
_NAMES: Final = "|".join((*CALLS, "batch", *SHORT))
_SUCCESS: Final = b'{"success":true}'
_TOO_LARGE: Final = f"The body is larger than {MOST_BYTES // 1024} kB, unpacked: send smaller batches."
log = structlog.get_logger(__name__)


@dataclass(eq=False)
class _Problem(Exception):
    """An answer that is an error; `detail` is one sentence that says what to do."""

    status: HTTPStatus
    code: str
    detail: str
    headers: dict[str, str] = field(default_factory=dict)
    rejected: Sequence[Refused] = ()


def tracking_urls() -> list[URLPattern]:
    """The addresses, without their prefix `v1/`."""
    return [
        re_path(rf"^(?P<name>{_NAMES})/?$", tracking, name="tracking"),
        re_path(r"^(?P<name>.*)$", no_such_call, name="no_such_call"),
    ]


@csrf_exempt
def no_such_call(request: HttpRequest, name: str) -> HttpResponse:
    """Programs come here, so whatever has no call behind it is answered in their form as well."""
    there = f"There is no call {name[:40]!r} here; there are {', '.join(sorted((*CALLS, 'batch')))}."
    return _answer(_Problem(HTTPStatus.NOT_FOUND, "no_such_call", there))


@csrf_exempt
def tracking(request: HttpRequest, name: str) -> HttpResponse:
    """One call. See the module."""
    origin = request.headers.get("Origin", "")
    if request.method == "OPTIONS":
        return _preflight(origin)
    try:
        response = _take(request, SHORT.get(name, name), origin)
    except _Problem as problem:
        response = _answer(problem)
        # A browser may read why it was refused, if its page is one of ours.
        if origin and origin in public_origins():
            _allow(response, origin)
        return response
    if origin:
        _allow(response, origin)
    return response


def _take(request: HttpRequest, call: str, origin: str) -> HttpResponse:
    if request.method != "POST":
        raise _Problem(
            HTTPStatus.METHOD_NOT_ALLOWED, "wrong_method", "Calls are sent with POST.", {"Allow": "POST, OPTIONS"}
        )
    at = clock.now()
    try:
        key = _by_header(request, at)
        body = _body(request)
        key = key or _by_body(body, at, origin)
        _from_here(key, origin)
        caller = Caller(key.key_id, key.public)
        parsed = _parse(call, body, caller, key, at)
        if parsed.arrivals:
            pace(key, events=len(parsed.arrivals), at=at)
            parsed = _through(parsed, at)
    except TooFast as problem:
        raise _Problem(
            HTTPStatus.TOO_MANY_REQUESTS, "too_fast", str(problem), {"Retry-After": str(problem.wait)}
        ) from None
    except (OperationalError, IdentityRace) as problem:
        log.warning("tracking_busy", problem=type(problem).__name__)
        sentence = (
            "The database is busy or away. Send the call again: what has a messageId or a timestamp is not taken twice."
        )
        raise _Problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy", sentence, {"Retry-After": "1"}) from None
    if not parsed.refused:
        return HttpResponse(_SUCCESS, content_type="application/json")
    note_refused(key.key_id, parsed.refused, at=at)
    log.info(
        "tracking_refused",
        key=key.key_id,
        events=len(parsed.refused),
        codes=sorted({one.code for one in parsed.refused}),
    )
    if not parsed.arrivals:
        raise _all_refused(parsed.refused)
    said = {"success": True, "rejected": [_spoken(one) for one in parsed.refused]}
    return HttpResponse(msgspec.json.encode(said), content_type="application/json")


def _by_header(request: HttpRequest, at: int) -> Admitted | None:
    """The key of the Authorization header; None without one. A wrong one is refused before the body is read."""
    said = request.headers.get("Authorization", "")
    if not said:
        return None
    scheme, _, rest = said.partition(" ")
    secret = ""
    if scheme.lower() == "basic":
        try:
            secret = base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            secret = ""
    elif scheme.lower() == "bearer":
        secret = rest.strip()
    key = admit(secret, at=at)
    if key is None:
        raise _wrong_key(request.headers.get("Origin", ""))
    return key


def _by_body(body: bytes, at: int, origin: str) -> Admitted:
    try:
        secret = key_in_body(body) or ""
    except Junk as problem:
        raise _junk(problem) from None
    key = admit(secret, at=at)
    if key is None:
        raise _wrong_key(origin)
    return key


def _wrong_key(origin: str) -> _Problem:
    # A browser that is challenged would ask its user for a password.
    headers = {} if origin else {"WWW-Authenticate": 'Basic realm="leadpact tracking", charset="UTF-8"'}
    sentence = (
        "The write key is missing, unknown or revoked. Send it as the name of Basic authentication, with an empty password; "
        "a new one is made with `leadpact capture key create NAME`."
    )
    return _Problem(HTTPStatus.UNAUTHORIZED, "wrong_key", sentence, headers)


def _from_here(key: Admitted, origin: str) -> None:
    if not key.allows(origin):
        sentence = f"This key may not be used by pages of {origin[:200]}: make a key that has this origin, or use the page's own."
        raise _Problem(HTTPStatus.FORBIDDEN, "wrong_origin", sentence)


def _body(request: HttpRequest) -> bytes:
    """The body, unpacked, within its bound whatever it claims of itself."""
    too_large = _Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", _TOO_LARGE)
    length = request.headers.get("Content-Length") or "0"
    if length.isdigit() and int(length) > MOST_BYTES:
        raise too_large
    try:
        packed = request.read(MOST_BYTES + 1)
    except RequestDataTooBig:
        raise too_large from None
    except UnreadablePostError:
        raise _Problem(
            HTTPStatus.BAD_REQUEST, "cut_off", "The body was cut off on its way; send the call again."
        ) from None
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding in {"", "identity"}:
        body = packed
    elif coding in {"gzip", "x-gzip"}:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            body = unpacker.decompress(packed, MOST_BYTES + 1)
        except zlib.error:
            raise _Problem(HTTPStatus.BAD_REQUEST, "not_gzip", "The body says it is gzip and is not.") from None
        if len(body) <= MOST_BYTES and not unpacker.eof:
            raise _Problem(HTTPStatus.BAD_REQUEST, "not_gzip", "The gzip body was cut off; send the call again.")
    else:
        sentence = f"The content encoding {coding[:40]!r} is not read here: send gzip or plain JSON."
        raise _Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong_encoding", sentence, {"Accept-Encoding": "gzip"})
    if len(body) > MOST_BYTES:
        raise too_large
    return body


def _parse(call: str, body: bytes, caller: Caller, key: Admitted, at: int) -> Parsed:
    try:
        if call == "batch":
            return parse_batch(body, caller=caller, received_at=at)
        return parse_call(call, body, caller=caller, received_at=at)
    except Junk as problem:
        note_refused(key.key_id, [problem.code], at=at)
        raise _junk(problem) from None


def _junk(problem: Junk) -> _Problem:
    too_large = problem.code in {"event_too_large", "too_many_events"}
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_large else HTTPStatus.BAD_REQUEST
    return _Problem(status, problem.code, str(problem))


def _through(parsed: Parsed, at: int) -> Parsed:
    """Take the batch. Should the database refuse a value, the events are taken one by one, and that one is refused."""
    try:
        intake_together(parsed.arrivals, known_at=at)
    except DataError:
        return _one_by_one(parsed, at)
    return parsed


def _one_by_one(parsed: Parsed, at: int) -> Parsed:
    taken: list[Arrival] = []
    refused = list(parsed.refused)
    before = {one.index for one in refused}
    places = [place for place in range(len(parsed.arrivals) + len(before)) if place not in before]
    for place, arrival in zip(places, parsed.arrivals, strict=True):
        try:
            intake([arrival], known_at=at)
        except DataError:
            refused.append(Refused(place, None, "not_kept", "The event holds a value that the database cannot keep."))
        else:
            taken.append(arrival)
    # For what was taken before as well: that may have been a moment ago, by another process.
    wait_for_disk([one.message for one in taken])
    return Parsed(tuple(taken), tuple(refused))


def _all_refused(refused: Sequence[Refused]) -> _Problem:
    first = refused[0]
    more = f" {len(refused) - 1} more events of the batch were refused as well." if len(refused) > 1 else ""
    return _Problem(HTTPStatus.UNPROCESSABLE_ENTITY, first.code, first.reason + more, rejected=refused)


def _spoken(one: Refused) -> dict[str, Any]:
    return {"index": one.index, "messageId": one.message_id, "code": one.code, "reason": one.reason}


def _answer(problem: _Problem) -> HttpResponse:
    said: dict[str, Any] = {
        "type": f"urn:leadpact:problem:{problem.code}",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "code": problem.code,
        "message": problem.detail,
    }
    if problem.rejected:
        said["rejected"] = [_spoken(one) for one in problem.rejected]
    return HttpResponse(
        msgspec.json.encode(said),
        status=problem.status.value,
        content_type="application/problem+json",
        headers=problem.headers,
    )


def _preflight(origin: str) -> HttpResponse:
    response = HttpResponse(status=204)
    if origin and origin in public_origins():
        _allow(response, origin)
        response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response["Access-Control-Allow-Headers"] = "authorization, content-type, content-encoding"
        response["Access-Control-Max-Age"] = "600"
    return response


def _allow(response: HttpResponse, origin: str) -> None:
    response["Access-Control-Allow-Origin"] = origin
    response["Vary"] = "Origin"
