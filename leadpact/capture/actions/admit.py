"""Let a caller of the tracking API in: whose key is it, from where, how fast; and count what was refused.

On the hot path: a key that was seen in the last seconds costs no statement.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from leadpact.capture.models import Pace, WriteKey
from leadpact.capture.rules.keys import Admitted, secret_hash
from leadpact.capture.rules.segment import Refused
from leadpact.kit.instants import HOUR, MINUTE
from leadpact.kit.raw import cursor as raw_cursor

REMEMBERED = 5.0
"""Seconds a key is believed without asking: so long may a revoked one still open."""
_MOST = 10_000
_KEPT_MINUTES = 10

_known: dict[str, tuple[float, Admitted]] = {}
_origins: tuple[float, frozenset[str]] = (0.0, frozenset())
_spent: dict[int, int] = {}
_used: dict[int, int] = {}


class TooFast(Exception):
    """The key has sent its share of this minute; `wait` is in whole seconds."""

    def __init__(self, wait: int, per_minute: int) -> None:
        super().__init__(
            f"This key has sent its {per_minute:,} events of this minute: wait {wait} seconds, or ask for a higher limit."
        )
        self.wait = wait


def admit(secret: str, *, at: int) -> Admitted | None:
    """The key of this secret; None where there is none or it was revoked."""
    if not secret:
        return None
    kept = secret_hash(secret)
    moment = time.monotonic()
    remembered = _known.get(kept)
    if remembered is not None and remembered[0] > moment:
        return remembered[1]
    found = (
        WriteKey.objects.filter(secret_hash=kept, revoked_at=None)
        .values("id", "is_public", "origins", "per_minute")
        .first()
    )
    if found is None:
        _known.pop(kept, None)
        return None
    if len(_known) >= _MOST:
        _known.clear()
    key = Admitted(found["id"], found["is_public"], frozenset(found["origins"]), found["per_minute"])
    _known[kept] = (moment + REMEMBERED, key)
    _note_use(key.key_id, at)
    return key


def forget() -> None:
    """Ask again for every key. For whoever made or revoked one in this process."""
    global _origins  # noqa: PLW0603 - one cache a process
    _known.clear()
    _spent.clear()
    _used.clear()
    _origins = (0.0, frozenset())


def public_origins() -> frozenset[str]:
    """Origins of all public keys: a browser asks before it shows its key."""
    global _origins  # noqa: PLW0603 - one cache a process
    moment = time.monotonic()
    if _origins[0] <= moment:
        lists = WriteKey.objects.filter(is_public=True, revoked_at=None).values_list("origins", flat=True)
        _origins = (moment + REMEMBERED, frozenset(origin for origins in lists for origin in origins))
    return _origins[1]


def pace(key: Admitted, *, events: int, at: int) -> None:
    """Count a public key's events. Raises TooFast where its minute was spent before these.

    The count is shared by all processes; one that has seen a minute spent asks no more until it is over.
    """
    if not key.public:
        return
    minute = at // MINUTE
    wait = max(1, int(((minute + 1) * MINUTE - at) // 1_000_000))
    if _spent.get(key.key_id) == minute:
        raise TooFast(wait, key.per_minute)
    with raw_cursor() as cursor:
        cursor.execute(
            "INSERT INTO capture_pace AS p (key_id, minute, events) VALUES ($1, $2, $3)"
            " ON CONFLICT (key_id, minute) DO UPDATE SET events = p.events + EXCLUDED.events RETURNING events",
            (key.key_id, minute, events),
            prepare=True,
        )
        row = cursor.fetchone()
    total = int(row[0]) if row else events  # type: ignore[call-overload]
    if total - events >= key.per_minute:
        _spent[key.key_id] = minute
        raise TooFast(wait, key.per_minute)
    if total == events:
        # The first of a minute tidies up.
        Pace.objects.filter(minute__lt=minute - _KEPT_MINUTES).delete()


def note_refused(key_id: int | None, refused: Iterable[Refused | str], *, at: int) -> None:
    """Count what was refused, by reason and hour. Nothing of its content is kept."""
    counts = Counter(one if isinstance(one, str) else one.code for one in refused)
    if not counts:
        return
    codes = sorted(counts)
    with raw_cursor() as cursor:
        cursor.execute(
            "INSERT INTO capture_refusal AS r (key_id, hour, code, events) SELECT $1, $2, c, n"
            " FROM unnest($3::text[], $4::int[]) AS x (c, n)"
            " ON CONFLICT (key_id, hour, code) DO UPDATE SET events = r.events + EXCLUDED.events",
            (key_id, at // HOUR, codes, [counts[code] for code in codes]),
            prepare=True,
        )


def _note_use(key_id: int, at: int) -> None:
    """To the minute, and once a minute a process at most."""
    minute = at // MINUTE
    if _used.get(key_id) != minute:
        _used[key_id] = minute
        WriteKey.objects.filter(pk=key_id).exclude(last_used_at__gte=minute * MINUTE).update(
            last_used_at=minute * MINUTE
        )
