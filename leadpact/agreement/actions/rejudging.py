"""How far a change of version has come, written with each set in the same transaction: what a kill leaves, the next run finds."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from leadpact.agreement.models import Effect, Rejudging


@transaction.atomic
def begin_rejudging(*, effect_id: int, count: Callable[[], int], at: int) -> tuple[int, bool]:
    """Note that everybody is being judged by this effect's version. Returns up to which lead that has come, and whether it ended.

    count: how many leads there are, asked only the first time. A second call goes on where the first one was stopped.
    """
    found = Rejudging.objects.select_for_update().filter(effect_id=effect_id).first()
    if found is None:
        Effect.objects.get(pk=effect_id, status="signed")
        found, _ = Rejudging.objects.get_or_create(
            effect_id=effect_id, defaults={"total": count(), "started_at": at, "updated_at": at}
        )
    return found.last_lead, found.finished_at is not None


def advance_rejudging(*, effect_id: int, last_lead: int, judged: int, changed: int, handed_over: int, at: int) -> None:
    """Add a set, inside the transaction that judged it."""
    found = Rejudging.objects.select_for_update().get(effect_id=effect_id)
    found.last_lead = max(found.last_lead, last_lead)
    found.done += judged
    found.changed += changed
    found.handed_over += handed_over
    found.total = max(found.total, found.done)
    found.updated_at = at
    found.save()


@transaction.atomic
def end_rejudging(*, effect_id: int, at: int, overtaken: bool = False) -> None:
    """Everybody was judged, or a later version took effect."""
    found = Rejudging.objects.select_for_update().get(effect_id=effect_id)
    if found.finished_at is None:
        found.finished_at, found.updated_at, found.overtaken = at, at, overtaken
        found.save(update_fields=["finished_at", "updated_at", "overtaken"])
