"""Keys of the REST API. A key acts as its user, or as operations; it is shown once."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from leadpact.kit import tokens
from leadpact.kit.failures import CannotDo
from leadpact.team.models import ApiKey, User
from leadpact.team.permissions import handles_keys

SCOPES = ("read", "write")
PREFIX = "lpk_"


@transaction.atomic
def create_key(*, name: str, scopes: Collection[str], user: User | None, by: User | None, at: int) -> str:
    """Make a key; returns the whole of it, 'lpk_…'. `by` None: the command line.

    Raises CannotDo for an empty name, no or unknown scopes, or an asker who may not.
    """
    if by is not None and not handles_keys(by):
        raise CannotDo("Only operations can make keys.")
    if not name.strip():
        raise CannotDo("Name the key after what will use it.")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise CannotDo(
            f"A key needs scopes out of {', '.join(SCOPES)}{f'; {unknown[0]!r} is none' if unknown else ''}."
        )
    key = tokens.make(PREFIX)
    ApiKey.objects.create(
        name=name.strip(),
        prefix=key[: len(PREFIX) + 6],
        secret_hash=tokens.digest(key),
        scopes=sorted(set(scopes)),
        user=user,
        created_at=at,
    )
    return key


@transaction.atomic
def revoke_key(*, key_id: int, by: User | None, at: int) -> str:
    """End a key at once. Returns its name."""
    if by is not None and not handles_keys(by):
        raise CannotDo("Only operations can revoke keys.")
    key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise CannotDo("There is no such key.")
    if key.revoked_at is not None:
        raise CannotDo("This key has been revoked already.")
    key.revoked_at = at
    key.save(update_fields=["revoked_at"])
    return key.name
