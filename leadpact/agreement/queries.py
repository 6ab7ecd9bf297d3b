"""Reads of the agreement room: what is in force, and every version with its signatures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from leadpact.agreement.models import Version
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.canonical import load
from leadpact.language.needs import Needs, needs
from leadpact.language.nodes import Agreement


@dataclass(frozen=True, slots=True)
class InForce:
    """The version that decides at some instant: read from what was signed, never from the file again."""

    hash: str
    number: int
    name: str
    effective_at: int
    agreement: Agreement
    needs: Needs


@lru_cache(maxsize=16)
def _loaded(agreement_hash: str) -> tuple[Agreement, Needs]:
    # By hash, so that a cached entry can never be another version's. A signed version does not change (trigger).
    with connection.cursor() as cursor:
        cursor.execute("SELECT canonical FROM agreement_version WHERE hash = %s", [agreement_hash])
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"no version of the agreement has the hash {agreement_hash}")
    agreement = load(bytes(row[0]))
    return agreement, needs(agreement)


def by_hash(agreement_hash: str) -> Agreement:
    """The agreement with this hash. Raises LookupError."""
    return _loaded(agreement_hash)[0]


def in_force(at: int) -> InForce | None:
    """The version in force at an instant, or None before the first one took effect. One statement."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT hash, number, name, effective_at FROM agreement_version"
            " WHERE status = 'signed' AND effective_at <= $1 ORDER BY effective_at DESC, number DESC LIMIT 1",
            (at,),
            prepare=True,
        )
        row: Any = cursor.fetchone()
    if row is None:
        return None
    agreement, needed = _loaded(row[0])
    return InForce(hash=row[0], number=row[1], name=row[2], effective_at=row[3], agreement=agreement, needs=needed)


def versions() -> QuerySet[Version]:
    """Every version, newest first, with its signatures."""
    return Version.objects.prefetch_related("signatures__user").order_by("-number")


def open_versions() -> QuerySet[Version]:
    """Drafts and proposals that wait for words or signatures."""
    return versions().filter(Q(status="draft") | Q(status="proposed"))


def version(number: int) -> Version:
    """One version. Raises Version.DoesNotExist."""
    return versions().get(number=number)
