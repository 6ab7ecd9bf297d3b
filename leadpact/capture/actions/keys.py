"""Make and revoke write keys."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import transaction

from leadpact.capture.models import WriteKey
from leadpact.capture.rules.keys import (
    PUBLIC_PREFIX,
    SERVER_PREFIX,
    SHOWN,
    BadKey,
    checked_name,
    checked_origins,
    secret_hash,
)
from leadpact.kit.failures import CannotDo


@dataclass(frozen=True, slots=True)
class Made:
    """A new key. `secret` is shown once and kept nowhere."""

    key_id: int
    name: str
    secret: str
    public: bool
    origins: tuple[str, ...]


def create_key(
    *,
    name: str,
    public: bool = False,
    origins: tuple[str, ...] | list[str] = (),
    per_minute: int | None = None,
    by_id: int | None = None,
    at: int,
) -> Made:
    """Make a key. A server key unless `public`; then it needs at least one origin. Raises CannotDo."""
    try:
        plain, allowed = checked_name(name), checked_origins(tuple(origins), public=public)
    except BadKey as problem:
        raise CannotDo(str(problem)) from None
    secret = (PUBLIC_PREFIX if public else SERVER_PREFIX) + secrets.token_urlsafe(32)
    key = WriteKey(
        name=plain,
        prefix=secret[:SHOWN],
        secret_hash=secret_hash(secret),
        is_public=public,
        origins=allowed,
        by_id=by_id,
        created_at=at,
    )
    if per_minute is not None:
        key.per_minute = max(1, min(per_minute, 10_000_000))
    key.save()
    return Made(key.pk, plain, secret, public, tuple(allowed))


def revoke_key(*, key_id: int, at: int) -> WriteKey:
    """From now on the key opens nothing (processes that knew it forget it within five seconds). Raises CannotDo."""
    with transaction.atomic():
        key = WriteKey.objects.select_for_update().filter(pk=key_id).first()
        if key is None:
            raise CannotDo("There is no such key; see the list of keys.")
        if key.revoked_at is None:
            key.revoked_at = at
            key.save(update_fields=["revoked_at"])
    return key
