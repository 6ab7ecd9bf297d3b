"""Verbs on versions: draft, edit, propose, sign. Each is one transaction and says who and when."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import Max

from leadpact.agreement.models import Signature, Version
from leadpact.agreement.rules import Refused, check_editable, check_proposable, check_signable, is_complete
from leadpact.kit import queue
from leadpact.language.canonical import agreement_hash, canonical
from leadpact.language.parse import Parsed, parse
from leadpact.team.models import User

MAX_SOURCE = 1_000_000


def _parse(source: str) -> Parsed:
    if len(source) > MAX_SOURCE:
        raise Refused("The file is larger than 1 MB. An agreement of 200 lines takes a tenth of that.")
    return parse(source)


@transaction.atomic
def draft(*, source: str, by: User | None, at: int) -> Version:
    """Keep a new draft, also one with errors: nothing that was written is lost. Raises Refused when it is too large."""
    parsed = _parse(source)
    _one_at_a_time()
    number = (Version.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    name = parsed.agreement.name if parsed.agreement else f"Draft {number}"
    return Version.objects.create(number=number, name=name[:200], source=source, created_by=by, created_at=at)


@transaction.atomic
def edit(*, number: int, source: str, by: User, at: int) -> Version:
    """Replace a draft's text. Raises Refused once it was proposed."""
    found = Version.objects.select_for_update().get(number=number)
    check_editable(found.status)
    parsed = _parse(source)
    found.source = source
    found.name = (parsed.agreement.name if parsed.agreement else found.name)[:200]
    found.save(update_fields=["source", "name"])
    return found


@transaction.atomic
def propose(*, number: int, by: User | None, at: int) -> Version:
    """Freeze a draft: its canonical form, with lists and holidays resolved, gets the hash that both will sign."""
    found = Version.objects.select_for_update().get(number=number)
    parsed = _parse(found.source)
    check_proposable(found.status, len(parsed.errors))
    assert parsed.agreement is not None
    digest = agreement_hash(parsed.agreement)
    twin = Version.objects.filter(hash=digest).exclude(pk=found.pk).first()
    if twin is not None:
        raise Refused(f"This draft means the same as version {twin.number}. There is nothing new to sign.")
    found.canonical = canonical(parsed.agreement)
    found.hash = digest
    found.status = Version.Status.PROPOSED
    found.save(update_fields=["canonical", "hash", "status"])
    return found


@transaction.atomic
def sign(*, number: int, by: User, at: int, effective_at: int | None = None) -> Version:
    """Sign for the department of `by`. With the second signature the version takes effect (at once, or at `effective_at`).

    Whom the new version judges otherwise is found by the job `loop.rejudge`, set by set. Raises Refused.
    """
    found = Version.objects.select_for_update().get(number=number)
    signed = tuple(found.signatures.values_list("department", flat=True))
    check_signable(found.status, by.department, signed)
    Signature.objects.create(version=found, department=by.department, user=by, hash=found.hash or "", at=at)
    if is_complete((*signed, by.department)):
        found.status = Version.Status.SIGNED
        found.effective_at = max(at, effective_at or at)
        found.save(update_fields=["status", "effective_at"])
        Version.objects.filter(status="signed", superseded_at__isnull=True).exclude(pk=found.pk).update(
            superseded_at=found.effective_at
        )
        queue.defer("loop.rejudge", at=found.effective_at, agreement_hash=found.hash)
    return found


def _one_at_a_time() -> None:
    # Numbers are given in order without gaps; two drafts at the same moment must not draw the same one.
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE agreement_version IN SHARE ROW EXCLUSIVE MODE")
