"""POST: Sales' answers on a lead. Each is the action behind the inbox's button, with the rights of the key's user.

With an Idempotency-Key, the same call gets the first answer again for a day (with `Idempotency-Replayed: true`); the key
with another call gets 422. Answers 200, 403 and 409 are kept; after any other the call can be sent again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Router

from leadpact.distribution import actions
from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import to_us
from leadpact.site.api import reads, shapes
from leadpact.site.api.keys import WriteKey, caller_of
from leadpact.site.api.problems import CONTENT_TYPE, no_such_lead, refused, wrong
from leadpact.team import queries as team
from leadpact.team.actions import calls
from leadpact.team.actions.calls import Answered

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_HEADER = {
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[\\x21-\\x7e]+$"},
            "description": "The same key with the same call gets the first answer again, for 24 hours.",
        }
    ]
}
router = Router(auth=WriteKey(), tags=["answers"])
Act = Callable[[Any, int], object]


def _verb(name: str) -> Any:
    return router.post(f"/leads/{{int:lead_id}}/{name}", response=shapes.Lead, openapi_extra=_HEADER)


@_verb("accept")
def accept(request: HttpRequest, lead_id: int, said: shapes.Said | None = None) -> HttpResponse:
    """Take an offered lead to work on. 409 with code lost_race where somebody was faster."""
    note = said.note if said else ""
    return _do(request, lead_id, lambda by, at: actions.accept(lead_id=lead_id, by=by, at=at, note=note))


@_verb("reject")
def reject(request: HttpRequest, lead_id: int, said: shapes.WithReason) -> HttpResponse:
    """Give a handed-over lead back; the agreement says where it goes for this reason."""
    return _do(
        request,
        lead_id,
        lambda by, at: actions.reject(lead_id=lead_id, by=by, at=at, reason=said.reason, note=said.note),
    )


@_verb("follow-up")
def follow_up(request: HttpRequest, lead_id: int, said: shapes.FollowUp) -> HttpResponse:
    """Log a call."""
    return _do(
        request,
        lead_id,
        lambda by, at: actions.follow_up(
            lead_id=lead_id, by=by, at=at, outcome=said.outcome, next_step_at=_us(said.next_step_at), note=said.note
        ),
    )


@_verb("qualify")
def qualify(request: HttpRequest, lead_id: int, said: shapes.WithNextStep | None = None) -> HttpResponse:
    """Confirm need, authority and timing."""
    told = said or shapes.WithNextStep()
    return _do(
        request,
        lead_id,
        lambda by, at: actions.qualify(
            lead_id=lead_id, by=by, at=at, next_step_at=_us(told.next_step_at), note=told.note
        ),
    )


@_verb("opportunity")
def opportunity(request: HttpRequest, lead_id: int, said: shapes.Opportunity) -> HttpResponse:
    """A qualified lead becomes an opportunity with a value."""
    return _do(
        request,
        lead_id,
        lambda by, at: actions.open_opportunity(
            lead_id=lead_id, by=by, at=at, value=said.value, next_step_at=_us(said.next_step_at), note=said.note
        ),
    )


@_verb("recycle")
def recycle(request: HttpRequest, lead_id: int, said: shapes.Recycling) -> HttpResponse:
    """Give a lead back to rest, with one of the agreement's reasons."""
    return _do(
        request,
        lead_id,
        lambda by, at: actions.recycle(
            lead_id=lead_id, by=by, at=at, reason=said.reason, not_before=_us(said.not_before), note=said.note
        ),
    )


@_verb("return")
def give_back(request: HttpRequest, lead_id: int, said: shapes.WithReason) -> HttpResponse:
    """Give one's own prospect to Marketing, or a qualified lead with wrong data to be mended."""
    return _do(
        request,
        lead_id,
        lambda by, at: actions.give_back(lead_id=lead_id, by=by, at=at, reason=said.reason, note=said.note),
    )


@_verb("reassign")
def reassign(request: HttpRequest, lead_id: int, said: shapes.Reassigning) -> HttpResponse:
    """Pass a lead in Sales' hands to a colleague."""
    to = team.by_email(said.to)
    if to is None:
        raise wrong("body.to", "Nobody on the team has this e-mail address.")
    return _do(request, lead_id, lambda by, at: actions.reassign(lead_id=lead_id, by=by, at=at, to=to, note=said.note))


@_verb("disqualify")
def disqualify(request: HttpRequest, lead_id: int, said: shapes.WithReason) -> HttpResponse:
    """Take a lead out of the loop for good reason."""
    return _do(
        request,
        lead_id,
        lambda by, at: actions.disqualify(lead_id=lead_id, by=by, at=at, reason=said.reason, note=said.note),
    )


@_verb("won")
def won(request: HttpRequest, lead_id: int, said: shapes.Won) -> HttpResponse:
    """The lead became a sale."""
    return _do(
        request, lead_id, lambda by, at: actions.won(lead_id=lead_id, by=by, at=at, value=said.value, note=said.note)
    )


@_verb("lost")
def lost(request: HttpRequest, lead_id: int, said: shapes.WithReason) -> HttpResponse:
    """The need is gone or went elsewhere."""
    return _do(
        request, lead_id, lambda by, at: actions.lost(lead_id=lead_id, by=by, at=at, reason=said.reason, note=said.note)
    )


@_verb("correct")
def correct(request: HttpRequest, lead_id: int, said: shapes.Said | None = None) -> HttpResponse:
    """Undo the last answer, within ten minutes."""
    note = said.note if said else ""
    return _do(request, lead_id, lambda by, at: actions.correct(lead_id=lead_id, by=by, at=at, note=note))


def _us(moment: datetime | None) -> int | None:
    return to_us(moment) if moment is not None else None


def _do(request: HttpRequest, lead_id: int, act: Act) -> HttpResponse:
    """Act as the key's user, once for each Idempotency-Key, and answer with the lead as it stands then."""
    caller = caller_of(request)
    at = clock.now()

    def work() -> Answered:
        if reads.one(lead_id, blind=caller.blind) is None:
            raise no_such_lead(lead_id)
        try:
            act(caller.user, at)
        except CannotDo as error:
            problem = refused(error)
            return Answered(problem.status, problem.body())
        return Answered(HTTPStatus.OK, msgspec.json.encode(reads.one(lead_id, blind=caller.blind)))

    asked = request.headers.get("Idempotency-Key")
    if asked is None:
        answered = work()
    else:
        if not _IDEMPOTENCY_KEY.fullmatch(asked):
            raise wrong("header.Idempotency-Key", "It is made of 1 to 200 visible ASCII characters.")
        answered = _once(request, asked, caller.key_id, lead_id, at, work)
    response = HttpResponse(
        answered.body,
        status=answered.status,
        content_type="application/json" if answered.status == HTTPStatus.OK else CONTENT_TYPE,
    )
    if answered.again:
        response["Idempotency-Replayed"] = "true"
    return response


def _once(
    request: HttpRequest, asked: str, key_id: int, lead_id: int, at: int, work: Callable[[], Answered]
) -> Answered:
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.body).hexdigest()
    if lead_id > reads.BIGGEST:
        raise no_such_lead(lead_id)
    try:
        return calls.once(key_id=key_id, idempotency_key=asked, digest=digest, lead_id=lead_id, at=at, work=work)
    except calls.OtherCall as error:
        raise wrong("header.Idempotency-Key", error.message) from error
