"""Propose a version, sign it for a department, withdraw it; put an earlier one in force again by new signatures."""

from __future__ import annotations

from django.db import transaction

from leadpact.agreement.actions.drafting import read
from leadpact.agreement.models import Effect, Signature, Version
from leadpact.agreement.permissions import may_sign
from leadpact.agreement.queries import in_force
from leadpact.agreement.rules import (
    Refused,
    check_instant,
    check_proposable,
    check_signable,
    check_withdrawable,
    is_complete,
)
from leadpact.agreement.rules.seal import seal
from leadpact.kit import queue
from leadpact.language.canonical import agreement_hash, canonical
from leadpact.language.fold import UNICODE_VERSION
from leadpact.team.models import User

LONGEST_WHY = 500


@transaction.atomic
def propose(*, number: int, by: User | None, at: int, wanted_at: int | None = None, why: str = "") -> Version:
    """Freeze a draft: its canonical form, with lists and holidays resolved, gets the hash that both will sign.

    wanted_at: the instant from which it shall be in force; None: from the second signature on. Raises Refused.
    """
    found = Version.objects.select_for_update().get(number=number)
    parsed = read(found.source)
    check_proposable(found.status, len(parsed.errors))
    check_instant(wanted_at, at)
    assert parsed.agreement is not None
    digest = agreement_hash(parsed.agreement)
    twin = Version.objects.filter(hash=digest).exclude(pk=found.pk).first()
    if twin is not None:
        current = in_force(at)
        todo = (
            "It is in force: there is nothing new to sign."
            if current is not None and current.hash == digest
            else f"Propose version {twin.number} again: both sign it anew."
        )
        raise Refused(f"This draft means the same as version {twin.number}. {todo}")
    found.canonical = canonical(parsed.agreement)
    found.hash = digest
    found.unicode = UNICODE_VERSION
    found.status = Version.Status.PROPOSED
    found.save(update_fields=["canonical", "hash", "unicode", "status"])
    _open(found, by=by, at=at, wanted_at=wanted_at, why=why)
    return found


@transaction.atomic
def propose_again(*, number: int, by: User, at: int, wanted_at: int | None = None, why: str = "") -> Version:
    """Propose a version that was frozen before, withdrawn or superseded: the same hash, signed anew. Raises Refused."""
    found = Version.objects.select_for_update().get(number=number)
    if found.status == Version.Status.DRAFT:
        raise Refused("This version is a draft. Propose it first.")
    check_instant(wanted_at, at)
    if found.effects.filter(status="proposed").exists():
        raise Refused("This version is proposed already and waits for signatures.")
    waiting = found.effects.filter(status="signed", effective_at__gt=at).first()
    if waiting is not None:
        raise Refused("This version is signed already and begins by itself.")
    current = in_force(at)
    if current is not None and current.hash == found.hash and wanted_at is None:
        raise Refused("This version is in force. There is nothing to sign.")
    if found.status == Version.Status.WITHDRAWN:
        found.status = Version.Status.PROPOSED
        found.save(update_fields=["status"])
    _open(found, by=by, at=at, wanted_at=wanted_at, why=why)
    return found


def _open(found: Version, *, by: User | None, at: int, wanted_at: int | None, why: str) -> None:
    if len(why) > LONGEST_WHY:
        raise Refused(f"The reason is longer than {LONGEST_WHY} characters; say the rest in a comment.")
    Effect.objects.create(version=found, proposed_by=by, proposed_at=at, wanted_at=wanted_at, why=why.strip())


@transaction.atomic
def sign(*, number: int, by: User, at: int) -> Effect:
    """Sign for the department of `by`. With the second signature the version takes effect, at once or at its instant.

    Whom it judges otherwise is found by the job `loop.rejudge`, set by set. Raises Refused.
    """
    found = Version.objects.select_for_update().get(number=number)
    effect = found.effects.select_for_update().filter(status="proposed").first()
    signed = tuple(effect.signatures.values_list("department", flat=True)) if effect else ()
    check_signable(effect.status if effect else "", by.department, signed)
    assert effect is not None
    assert found.hash is not None
    if not may_sign(by.role, by.department):
        raise Refused("Only the heads of Marketing and of Sales sign: managers with a department.")
    Signature.objects.create(
        effect=effect, department=by.department, user=by, signer=by.pk, hash=found.hash, at=at,
        seal=seal(
            effect=effect.pk, agreement_hash=found.hash, source=found.source, wanted_at=effect.wanted_at,
            department=by.department, signer=by.pk, at=at,
        ),
    )  # fmt: skip
    if is_complete((*signed, by.department)):
        effect.status = Effect.Status.SIGNED
        effect.effective_at = max(at, effect.wanted_at or at)
        effect.save(update_fields=["status", "effective_at"])
        found.status = Version.Status.SIGNED
        found.save(update_fields=["status"])
        queue.defer("loop.rejudge", at=effect.effective_at, agreement_hash=found.hash)
    return effect


@transaction.atomic
def withdraw(*, number: int, by: User, at: int) -> Version:
    """Take back a proposal that waits for signatures or, as the head of a department, one that has not begun yet.

    Raises Refused.
    """
    found = Version.objects.select_for_update().get(number=number)
    effect = found.effects.select_for_update().exclude(status="withdrawn").order_by("-pk").first()
    if effect is None:
        raise Refused("This version is not proposed; there is nothing to withdraw.")
    check_withdrawable(effect.status, effect.effective_at, at, head=may_sign(by.role, by.department))
    effect.status = Effect.Status.WITHDRAWN
    effect.withdrawn_by = by
    effect.withdrawn_at = at
    effect.save(update_fields=["status", "withdrawn_by", "withdrawn_at"])
    if not found.effects.filter(status="signed").exists():
        found.status = Version.Status.WITHDRAWN
        found.save(update_fields=["status"])
    return found
