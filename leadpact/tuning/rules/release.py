"""When drawn leads are released: at times that ordinary hand-overs have, so that the hour gives nothing away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leadpact.lake.sampled.chance import generator

WEEK = 7 * 86_400_000_000
MONDAY = 4 * 86_400_000_000  # 1970-01-05, the first Monday of the epoch
JITTER = 20 * 60_000_000
_WORKDAY = (13 * 3_600_000_000, 22 * 3_600_000_000)


def week_start(at: int) -> int:
    """The Monday, 00:00 UTC, of the week that holds this instant (microseconds)."""
    return (at - MONDAY) // WEEK * WEEK + MONDAY


def release_times(n: int, ordinary: Sequence[int], week: int, seed: str, *, not_before: int | None = None) -> list[int]:
    """`n` instants of the week that starts at `week`, ascending: the time of week of ordinary hand-overs drawn by
    the seed (with replacement), moved by up to 20 minutes so that none repeats an ordinary one to the microsecond.

    ordinary: instants of hand-overs under the definition, of any weeks. Without any, working hours of Monday to Friday
    stand in. not_before: releases keep to the rest of the week, times of week before it being passed over while the
    ordinary ones leave a choice.
    """
    if n < 0:
        raise ValueError("a number of releases is never negative")
    if week_start(week) != week:
        raise ValueError("the week is named by its Monday, 00:00 UTC")
    earliest = max(0, (not_before or week) - week)
    if earliest >= WEEK:
        raise ValueError("the week is over")
    chance = generator(seed, week, "release")
    offsets = np.array([(at - MONDAY) % WEEK for at in ordinary], dtype=np.int64)
    if offsets.size == 0:
        days = chance.integers(0, 5, size=512) * (WEEK // 7)
        offsets = days + chance.integers(*_WORKDAY, size=512)
    ahead = offsets[offsets >= earliest]
    chosen = chance.choice(ahead if ahead.size else np.array([earliest]), size=n)
    moved = np.clip(chosen + chance.integers(-JITTER, JITTER + 1, size=n), earliest, WEEK - 1)
    return sorted((week + moved).tolist())
