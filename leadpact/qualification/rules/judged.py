"""A verdict with everything that was computed beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct

HOUR = 3_600_000_000
DAY = 24 * HOUR


class Judged(Struct, frozen=True, gc=False):
    """A lead's verdict as of an instant. Scores, parts and distance in thousandths of a point.

    alternatives: bit n is set where the n-th alternative of sales_ready held. distance: None is far. Lower bounds of the next
    instant at which time alone could, None: never: changes_at, change anything; turns_at, change the verdict, the
    alternatives or `cools`; stale_at, have moved a score by a whole point (`language.drift`).
    """

    lead_id: int
    as_of: int
    verdict: str
    decided_by: str
    fit: int
    engagement: int
    readiness: int
    parts: Mapping[str, int | None]
    alternatives: int
    cools: bool
    distance: int | None
    changes_at: int | None
    turns_at: int | None = None
    stale_at: int | None = None

    @property
    def next_tick(self) -> int | None:
        """When to look again: the first full hour (UTC) at which time alone could have changed the verdict (Meaning 13).

        Or the midnight, if that is earlier, at which scores are brought up to date that may have moved by a point: nothing
        changes hands then, and a company's many leads need not be looked at with every step that fades.
        """
        turns = None if self.turns_at is None else -(-self.turns_at // HOUR) * HOUR
        stale = None if self.stale_at is None else -(-self.stale_at // DAY) * DAY
        return stale if turns is None else turns if stale is None else min(turns, stale)


@dataclass(frozen=True, slots=True)
class Met:
    """What a lead was as of an instant of its own. Scores and parts in thousandths of a point; a part is None where unknown."""

    lead_id: int
    as_of: int
    verdict: str
    decided_by: str
    fit: int
    engagement: int
    readiness: int
    parts: Mapping[str, int | None]
