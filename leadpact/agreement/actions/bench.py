"""Ask for the workshop's bench, and say how far making it has come. Jobs do the work (`jobs.py`)."""

from __future__ import annotations

from django.db import transaction

from leadpact.agreement.models import Bench
from leadpact.kit import queue
from leadpact.language.canonical import agreement_hash, canonical
from leadpact.language.nodes import Agreement
from leadpact.team.models import User

PATIENCE_US = 3 * 3_600_000_000
"""A bench that has not come further for so long was left by a job that will not come back; it can be asked for again."""
UNDER_WAY = frozenset({"asked", "exporting", "preparing"})


@transaction.atomic
def ask_bench(*, agreement: Agreement, by: User | None, at: int) -> bool:
    """Have history exported and made ready for previews around this meaning. False where that is under way already."""
    digest = agreement_hash(agreement)
    found = Bench.objects.select_for_update().filter(hash=digest).first()
    if found is None:
        found, _ = Bench.objects.get_or_create(
            hash=digest, defaults={"canonical": canonical(agreement), "asked_at": at, "asked_by": by}
        )
    elif found.status in UNDER_WAY and at - found.asked_at < PATIENCE_US:
        return False
    found.status, found.asked_by, found.asked_at, found.problem = Bench.Status.ASKED, by, at, ""
    found.save(update_fields=["status", "asked_by", "asked_at", "problem"])
    queue.defer("agreement.prepare_bench", agreement_hash=digest, waits_once=f"bench {digest}")
    return True


@transaction.atomic
def bench_goes_on(*, agreement_hash: str, status: str) -> bytes | None:
    """The job has come to another step: exporting, preparing. Returns the canonical form; None where nobody asked."""
    found = Bench.objects.select_for_update().filter(hash=agreement_hash).first()
    if found is None:
        return None
    found.status = status
    found.save(update_fields=["status"])
    return bytes(found.canonical)


@transaction.atomic
def bench_ready(*, agreement_hash: str, folder: str, start: int, end: int, stay: int | None, at: int) -> str:
    """The files are there. Returns the folder of the bench before, which nobody opens from now on; empty where there was none."""
    found = Bench.objects.select_for_update().get(hash=agreement_hash)
    before = found.folder
    found.status, found.folder, found.problem = Bench.Status.READY, folder, ""
    found.start, found.end, found.stay, found.ready_at = start, end, stay, at
    found.save()
    return before if before != folder else ""


@transaction.atomic
def bench_failed(*, agreement_hash: str, problem: str) -> None:
    """It could not be made: why, in words for the page. A bench that was there before stays in use."""
    Bench.objects.filter(hash=agreement_hash).update(status=Bench.Status.FAILED, problem=problem[:2_000])
