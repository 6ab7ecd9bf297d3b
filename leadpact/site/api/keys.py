"""Who calls: bearer keys with scopes, each with the eyes and the rights of its user."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from leadpact.site.api.problems import Problem
from leadpact.team import queries as team
from leadpact.team.permissions import sees_scores


@dataclass(frozen=True, slots=True)
class Caller:
    """A key at work. `user` acts (operations as such, without a `pk`, for a key of nobody). `blind`: scores stay closed."""

    key_id: int
    user: Any
    blind: bool


class _Key(HttpBearer):
    scope = ""

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """The caller. Raises Problem (403) for a key without the scope; None for one that does not work."""
        key = team.working_key(token.strip()) if token else None
        if key is None:
            return None
        if self.scope not in key.scopes:
            sentence = f"This key has no scope {self.scope!r}; make one that has it."
            raise Problem(HTTPStatus.FORBIDDEN, "wrong_scope", sentence)
        user = team.acting(key)
        return Caller(key.pk, user, blind=not sees_scores(user))


class ReadKey(_Key):
    """A key with the scope `read`."""

    scope = "read"


class WriteKey(_Key):
    """A key with the scope `write`."""

    scope = "write"


def caller_of(request: HttpRequest) -> Caller:
    """Who was let in."""
    found: Any = request
    return found.auth


def closed(what: str) -> Problem:
    """403 for what a blind key may not know."""
    sentence = f"{what} closed for keys of whoever takes leads, so that blind checks stay blind."
    return Problem(HTTPStatus.FORBIDDEN, "blind", sentence)
