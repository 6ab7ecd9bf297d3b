"""An estimate with its interval, a plain share, and what a reader must be told of a small sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from leadpact.lake.sampled.bounds import wilson

TOO_FEW = 10
TOO_WIDE = 0.30

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share that was estimated, never a bare number.

    value, low, high: shares between 0 and 1; None where nothing can be said. n: answers it rests on.
    method: how value and interval were got. says: the same for a reader who knows no statistics.
    detail: counts, bounds and parts, JSON-able.
    """

    value: float | None
    low: float | None
    high: float | None
    method: str
    n: int
    says: str
    detail: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        return asdict(self)


def share(successes: int, n: int, of: str = "answers") -> Estimate:
    """A plain share with its Wilson interval, for promises kept, right guesses, sources. `of` names what was counted."""
    low, high = wilson(successes, n)
    if n == 0:
        return Estimate(None, None, None, "share, Wilson 95%", 0, f"There are no {of} yet, so nothing can be said.")
    says = f"{successes:,} of {n:,} {of}: {percent(successes / n)}, 95% interval {percent(low)} to {percent(high)}."
    warning = f" {n} are too few to say anything." if n < TOO_FEW else ""
    return Estimate(successes / n, low, high, "share, Wilson 95%", n, says + warning)


def percent(part: float) -> str:
    """A share as people read it: 0.0234 → "2.3%", 0.34 → "34%", 0.0004 → "0.04%"."""
    points = part * 100
    if points == 0 or points >= 10:
        return f"{points:.0f}%"
    return f"{points:.1f}%" if points >= 0.95 else f"{points:.2g}%"


def caution(n: int, low: float, high: float) -> str:
    """What a reader must be told of a small sample; empty when there is nothing to warn of."""
    if n == 0:
        return "There is no answer yet, so nothing can be said."
    if n < TOO_FEW:
        return f"{n} {'answer' if n == 1 else 'answers'}: too few to say anything."
    if high - low > TOO_WIDE:
        return f"{n:,} answers are few: the truth may lie anywhere in this wide interval."
    return ""
