"""Writes that may be sent twice: the same Idempotency-Key gets the first answer again, for a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import DAY
from leadpact.team.models import ApiCall

KEPT_FOR = DAY

# Rows that another call is deleting are left to it: nobody waits for old rows.
_FORGET = """
DELETE FROM team_apicall WHERE id IN (
    SELECT id FROM team_apicall WHERE created_at < %s ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
)
"""
# A second call with the same key waits here until the first has ended: then there is a row, or there is none.
_CLAIM = """
INSERT INTO team_apicall (key_id, idempotency_key, digest, lead_id, status, body, created_at)
VALUES (%s, %s, %s, %s, 0, '', %s) ON CONFLICT (key_id, idempotency_key) DO NOTHING RETURNING id
"""


class OtherCall(CannotDo):
    """The key was used for another call."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer of a call. `again`: it was given before, and nothing was done now."""

    status: int
    body: bytes
    again: bool = False


@transaction.atomic
def once(
    *, key_id: int, idempotency_key: str, digest: str, lead_id: int, at: int, work: Callable[[], Answered]
) -> Answered:
    """Do `work` and keep its answer, in one transaction; or give the answer that was kept under this key.

    What `work` raises undoes the claim as well, so that the call can be sent again. Raises OtherCall where `digest`
    is another than that of the first call.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [at - KEPT_FOR])
        cursor.execute(_CLAIM, [key_id, idempotency_key, digest, lead_id, at])
        claimed = cursor.fetchone()
    if claimed is None:
        found = ApiCall.objects.get(key_id=key_id, idempotency_key=idempotency_key)
        if found.digest != digest:
            raise OtherCall("This Idempotency-Key was used for another call; take a new one for every new call.")
        return Answered(found.status, bytes(found.body), again=True)
    answered = work()
    ApiCall.objects.filter(pk=claimed[0]).update(status=answered.status, body=answered.body)
    return answered


def forget_calls(*, lead_ids: Sequence[int]) -> int:
    """Throw away kept answers that speak of these leads; how many there were."""
    gone, _ = ApiCall.objects.filter(lead_id__in=lead_ids).delete()
    return gone
