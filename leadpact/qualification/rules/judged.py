"""A verdict with everything that was computed beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct

HOUR = 3_600_000_000
DAY = 24 * HOUR


class Judged(Struct, frozen=True, gc=False):
    """A lead's verdict as of an instant. Scores, parts and distance in thousandths of a point.

    alternatives: bit n is set where the n-th alternative of sales_ready held. distance: None is far. changes_at: a lower
    bound of the next instant at which time alone could change anything; None: never. settled: time alone cannot change the
    verdict, the alternatives or `cools` (`language.drift`), only scores.
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
    settled: bool = False

    @property
    def next_tick(self) -> int | None:
        """When to look again: the first full hour (UTC) at which time alone could have changed the verdict (Meaning 13).

        Where only scores can change, the midnight at which they are brought up to date: nothing moves then, and a company's
        many prospects need not be looked at every hour.
        """
        if self.changes_at is None:
            return None
        step = DAY if self.settled else HOUR
        return -(-self.changes_at // step) * step


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
