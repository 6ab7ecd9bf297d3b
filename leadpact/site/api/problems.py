"""Errors as problem+json (RFC 9457): a code for programs, a sentence for people, nothing from the inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from leadpact.distribution.actions import LostRace, NotYours
from leadpact.kit.failures import CannotDo

CONTENT_TYPE = "application/problem+json"
log = structlog.get_logger(__name__)

NO_KEY = (
    "The key is missing, unknown or revoked. Send it as `Authorization: Bearer lpk_…`; "
    "operations makes one with `leadpact team key create NAME --scopes read,write`."
)


class Problem(Exception):
    """An answer that is an error. `errors`: the places of the request that are wrong, each with `at` and `says`."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, *, headers: dict[str, str] | None = None,
        errors: Sequence[dict[str, str]] = (),
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.headers, self.errors = headers or {}, list(errors)

    def body(self) -> bytes:
        """The JSON of it."""
        said: dict[str, Any] = {
            "type": f"urn:leadpact:problem:{self.code}",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            "code": self.code,
        }
        if self.errors:
            said["errors"] = self.errors
        return msgspec.json.encode(said)

    def response(self) -> HttpResponse:
        """The answer."""
        return HttpResponse(self.body(), status=self.status, content_type=CONTENT_TYPE, headers=self.headers)


def no_such_lead(lead_id: int) -> Problem:
    """404 for a lead."""
    return Problem(HTTPStatus.NOT_FOUND, "no_such_lead", f"There is no lead {lead_id}.")


def wrong(at: str, says: str) -> Problem:
    """422 for one place of the request, "query.cursor"."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid",
        f"{at.rsplit('.', 1)[-1]}: {says}",
        errors=[{"at": at, "says": says}],
    )


def refused(error: CannotDo) -> Problem:
    """What an action would not do, with its sentence: 403 for whoever may not, 409 for what cannot be now."""
    if isinstance(error, NotYours):
        return Problem(HTTPStatus.FORBIDDEN, "not_yours", error.message)
    return Problem(HTTPStatus.CONFLICT, "lost_race" if isinstance(error, LostRace) else "refused", error.message)


def connect(api: NinjaAPI) -> None:
    """Answer everything that can be raised in the API as a problem."""
    told: dict[type[Exception], Callable[[Any], Problem]] = {
        Problem: lambda problem: problem,
        AuthenticationError: lambda _: _no_key(),
        ValidationError: _invalid,
        HttpError: _http,
        CannotDo: refused,
        OperationalError: _busy,
        InterfaceError: _busy,
        Http404: lambda _: nowhere(),
        Exception: _broken,
    }
    for kind, tell in told.items():
        api.add_exception_handler(kind, _handler(tell))


def _handler(tell: Callable[[Any], Problem]) -> Callable[[HttpRequest, Any], HttpResponse]:
    return lambda _request, error: tell(error).response()


def nowhere() -> Problem:
    """404 for an address that the API does not have."""
    return Problem(
        HTTPStatus.NOT_FOUND, "no_such_address", "The API has no such address; /api/v1/openapi.json lists all."
    )


def _no_key() -> Problem:
    return Problem(
        HTTPStatus.UNAUTHORIZED, "wrong_key", NO_KEY, headers={"WWW-Authenticate": 'Bearer realm="leadpact"'}
    )


def _invalid(error: ValidationError) -> Problem:
    """The first place as the detail, all of them beside it. What was sent is not repeated: it may be personal."""
    errors = [{"at": _place(one.get("loc", ())), "says": str(one.get("msg", ""))} for one in error.errors]
    first = errors[0] if errors else {"at": "", "says": "The request does not fit the schema."}
    name = first["at"].rsplit(".", 1)[-1]
    detail = f"{name}: {first['says']}" if name else first["says"]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors)


def _place(location: Sequence[Any]) -> str:
    # Ninja puts the parameter's Python name ("body", "asked") between "body" or "query" and the field.
    kind, *rest = [str(part) for part in location] or [""]
    return ".".join([kind, *(rest[1:] if len(rest) > 1 and rest[0] in {"said", "asked"} else rest)])


def _http(error: HttpError) -> Problem:
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.BAD_REQUEST:
        return Problem(status, "not_json", "The body is no JSON object that could be read.")
    return Problem(status, "refused", status.description or status.phrase)


def _busy(error: Exception) -> Problem:
    log.warning("api_busy", problem=type(error).__name__)
    sentence = "The database is busy or away; nothing of this call was done. Send it again."
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy", sentence, headers={"Retry-After": "1"})


def _broken(error: Exception) -> Problem:
    log.error("api_failed", exc_info=error)
    sentence = "Something went wrong inside; nothing of this call was done. The server's log has the place."
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", sentence)
