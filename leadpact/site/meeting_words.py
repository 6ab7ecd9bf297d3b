"""What each side would have to change, in words. Pure: figures in, sentences out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from leadpact.language import hours
from leadpact.language.nodes import Agreement, Duration, Market
from leadpact.tuning.rules.estimates import percent

GOAL = 0.95
NEARLY_ALL = 0.9


def promised(agreement: Agreement | None, what: str) -> Duration | None:
    """The duration that a promise names; None where the agreement makes none."""
    if agreement is None:
        return None
    for side in (agreement.sales_promises, agreement.marketing_promises):
        found = getattr(side, what, None)
        if isinstance(found, Duration):
            return found
    return None


def nine_of_ten(spans: Sequence[tuple[int, int]], promise: Duration | None, market: Market) -> int | None:
    """The time within which nine of ten were done (microseconds), in business time where the promise is in it."""
    if not spans or promise is None:
        return None
    calendar = hours.calendar(market)
    lasted = sorted(calendar.between(a, b) if promise.business else b - a for a, b in spans)
    return lasted[math.ceil(NEARLY_ALL * len(lasted)) - 1]


def change(what: str, *, kept: int, tested: int, weeks: float) -> str:
    """What would have kept the promise: how many more in time, of how many."""
    if not tested:
        return "It did not come to the test."
    if kept == tested:
        return "Kept every time: nothing to change."
    missing = math.ceil(GOAL * tested - 1e-9) - kept
    if what == "touch_every":
        return f"{_leads(tested - kept)} waited too long for a touch of ours; each needs an owner or a play."
    if missing <= 0:
        return f"{tested - kept} of {tested:,} came late; that is within one in twenty."
    rate = missing / max(weeks, 1 / 7)
    often = f", about {rate:,.0f} a week" if weeks >= 1.5 and rate >= 1 else ""
    return f"To keep nineteen of twenty, {missing:,} more would have had to be in time{often}."


def lasting(us: int, promise: Duration) -> str:
    """A span in the units of its promise: `5 business hours 20 minutes`."""
    minutes = max(1, round(us / hours.MINUTE))
    whole, rest = divmod(minutes, 60)
    parts = []
    if whole:
        parts.append(f"{whole:,} {'hour' if whole == 1 else 'hours'}")
    if rest and whole < 24:
        parts.append(f"{rest} {'minute' if rest == 1 else 'minutes'}")
    return f"{' '.join(parts)}{' of business time' if promise.business else ''}"


def _leads(n: int) -> str:
    return "1 lead" if n == 1 else f"{n:,} leads"


UNTELLING = frozenset({"captured", "accept_within"})
"""Weekly figures that count blind checks too, or have nothing to do with them: those of the others who takes leads could
subtract what came to them, and be left with the checks.
"""


def drifts_for(content: dict[str, Any], *, blind: bool) -> list[dict[str, Any]]:
    """The weekly figures that a reader may see."""
    return [one for one in content["drift"] if not blind or one["id"] in UNTELLING]


def in_short(content: dict[str, Any], *, blind: bool) -> list[str]:
    """What to look at first, from a kept review: broken promises, errors, drift, disputes, proposals."""
    said: list[str] = []
    for side in ("sales", "marketing"):
        tested = [one for one in content["promises"]["rows"] if one["side"] == side and one["tested"]]
        worst = min(tested, key=lambda one: one["value"], default=None)
        if worst is None:
            said.append(f"{side.capitalize()}’s promises did not come to the test.")
        elif worst["value"] == 1:
            said.append(f"{side.capitalize()} kept every promise that came to the test.")
        else:
            said.append(
                f"{side.capitalize()}: “{worst['says']}” was kept {worst['kept']:,} of {worst['tested']:,} times"
                f" ({percent(worst['value'])})."
            )
    watched = drifts_for(content, blind=blind)
    alarms = [one["title"] for one in watched if one["alarm"]]
    if alarms:
        said.append(f"Left its interval: {'; '.join(alarms)}.")
    elif any(low is not None for one in watched for *_, low, _high in one["weeks"]):
        said.append("No weekly figure left the interval that its own past gives.")
    drawn, of = len(content["disputed"]["drawn"]), content["disputed"]["of"]
    if blind:
        answered = sum(one["answered"] for one in content["disputed"]["drawn"])
        said.append(f"{_leads(answered)} with a final answer {'is' if answered == 1 else 'are'} here to read together.")
    elif of:
        said.append(
            f"{_leads(of)} {'is' if of == 1 else 'are'} disputed; "
            + ("it is here to read together." if of == 1 else f"{drawn} are here to read together.")
        )
    else:
        said.append("Nothing was disputed.")
    waiting = len(content["proposals"])
    if waiting and not blind:
        said.append(f"{waiting} {'version waits' if waiting == 1 else 'versions wait'} for words or signatures.")
    return said
