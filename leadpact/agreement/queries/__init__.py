"""Reads of the agreement room: what is in force, and every version with its effects and signatures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Prefetch, Q, QuerySet

from leadpact.agreement.models import Effect, Rejudging, Version
from leadpact.agreement.rules import Begun, Period, periods
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.canonical import load
from leadpact.language.needs import Needs, needs
from leadpact.language.nodes import Agreement


class Tampered(LookupError):
    """What is stored is not what was signed: nothing is judged by it."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The version that decides at some instant: read from what was signed, never from the file again."""

    hash: str
    number: int
    name: str
    effective_at: int
    agreement: Agreement
    needs: Needs
    effect: int = 0


@lru_cache(maxsize=16)
def _loaded(agreement_hash: str) -> tuple[Agreement, Needs]:
    # By hash, so that a cached entry can never be another version's. A signed version does not change (trigger).
    with connection.cursor() as cursor:
        cursor.execute("SELECT canonical FROM agreement_version WHERE hash = %s", [agreement_hash])
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"no version of the agreement has the hash {agreement_hash}")
    stored = bytes(row[0])
    if hashlib.sha256(stored).hexdigest() != agreement_hash:
        raise Tampered(
            f"the canonical form stored as {agreement_hash[:16]} is not what was signed; `leadpact agreement verify` says more"
        )
    agreement = load(stored)
    return agreement, needs(agreement)


def by_hash(agreement_hash: str) -> Agreement:
    """The agreement with this hash. Raises LookupError, and Tampered where the stored form has another hash."""
    return _loaded(agreement_hash)[0]


_IN_FORCE = (
    "SELECT v.hash, v.number, v.name, e.effective_at, e.id FROM agreement_effect AS e JOIN agreement_version AS v"
    " ON v.id = e.version_id WHERE e.status = 'signed' AND e.effective_at <= $1 ORDER BY e.effective_at DESC, e.id DESC LIMIT 1"
)


_told: ContextVar[tuple[int, InForce | None] | None] = ContextVar("version_told", default=None)


def in_force(at: int) -> InForce | None:
    """The version in force at an instant, or None before the first one took effect. One statement.

    None within `one_version` of that instant. Raises Tampered where what is stored is not what was signed.
    """
    told = _told.get()
    if told is not None and told[0] == at:
        return told[1]
    with raw_cursor() as cursor:
        cursor.execute(_IN_FORCE.encode(), (at,), prepare=True)
        row: Any = cursor.fetchone()
    if row is None:
        return None
    digest, number, name, effective_at, effect = row
    agreement, needed = _loaded(digest)
    return InForce(digest, number, name, effective_at, agreement, needed, effect)


@contextmanager
def one_version(version: InForce | None, *, at: int) -> Iterator[None]:
    """Inside the block `in_force(at)` is `version`: what one transaction does of an instant, it does by one version."""
    token = _told.set((at, version))
    try:
        yield
    finally:
        _told.reset(token)


def in_force_periods() -> tuple[Period, ...]:
    """Every stretch in which a version was, is or will be in force, from the first on."""
    rows = Effect.objects.filter(status="signed").values_list("pk", "version__hash", "effective_at")
    return periods(Begun(pk, digest or "", at or 0) for pk, digest, at in rows)


def versions() -> QuerySet[Version]:
    """Every version, newest first, with its effects (newest first) and their signatures."""
    effects = Effect.objects.select_related("proposed_by", "withdrawn_by").prefetch_related("signatures__user")
    return (
        Version.objects.select_related("created_by")
        .prefetch_related(Prefetch("effects", queryset=effects.order_by("-pk")))
        .order_by("-number")
    )


def open_versions() -> QuerySet[Version]:
    """Drafts and proposals that wait for words or signatures."""
    open_ = Effect.objects.filter(status="proposed").values("version")
    return versions().filter(Q(status="draft") | Q(pk__in=open_))


def version(number: int) -> Version:
    """One version. Raises Version.DoesNotExist."""
    return versions().get(number=number)


def effects() -> Sequence[Effect]:
    """Every effect, newest first, with its version and signatures."""
    found = Effect.objects.select_related("version", "proposed_by", "withdrawn_by").prefetch_related("signatures__user")
    return list(found.order_by("-pk"))


def waiting_for(department: str) -> list[Effect]:
    """Proposals that this department has not signed, newest first, with version and proposer. One statement."""
    found = Effect.objects.filter(status="proposed").exclude(signatures__department=department)
    return list(found.select_related("version", "proposed_by").order_by("-pk"))


def signatures(effect_id: int) -> list[tuple[str, str, int]]:
    """Who signed an effect: (department, name, instant)."""
    found = Effect.objects.prefetch_related("signatures__user").filter(pk=effect_id).first()
    if found is None:
        return []
    return [(one.department, str(one.user or "somebody who left"), one.at) for one in found.signatures.all()]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a change of version has come. Instants in microseconds."""

    effect: int
    number: int
    total: int
    done: int
    changed: int
    handed_over: int
    started_at: int
    updated_at: int
    finished_at: int | None
    overtaken: bool

    @property
    def share(self) -> float:
        """Of everybody, between 0 and 1."""
        return 1.0 if self.finished_at is not None and not self.overtaken else min(1.0, self.done / max(1, self.total))


def rejudging(effect_id: int) -> Progress | None:
    """How far judging everybody by this effect's version has come; None before it began."""
    found = Rejudging.objects.select_related("effect__version").filter(effect_id=effect_id).first()
    if found is None:
        return None
    return Progress(
        effect_id, found.effect.version.number, found.total, found.done, found.changed, found.handed_over, found.started_at,
        found.updated_at, found.finished_at, found.overtaken,
    )  # fmt: skip
