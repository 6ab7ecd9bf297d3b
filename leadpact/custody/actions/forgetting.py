"""Throw away what people wrote beside entries. The key is destroyed by whoever erases the person; the entries stay."""

from __future__ import annotations

from collections.abc import Sequence

from leadpact.custody.models import Words
from leadpact.kit.raw import one_transaction


def forget_words(lead_ids: Sequence[int]) -> int:
    """Delete the sealed words beside these leads' entries; how many there were. The chain covers a commitment only."""
    one_transaction()
    gone, _ = Words.objects.filter(entry__lead_id__in=lead_ids).delete()
    return gone
