"""When did it happen? Timestamps of callers whose clocks are wrong, corrected and bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SECOND: Final = 1_000_000
EARLIEST: Final = 946_684_800 * SECOND
"""2000-01-01. What claims to be older is a missing date (1970, 1900) or a typing error."""
AHEAD: Final = 5 * 60 * SECOND
"""How far a clock may run ahead: up to here the touch is taken as happening now."""
SKEW: Final = 10 * SECOND
"""A difference between the caller's clock and ours up to here is the network's, and is not corrected."""
_MILLISECONDS_FROM: Final = 100_000_000_000


class BadInstant(ValueError):
    """A timestamp that cannot be read or believed; the message is a sentence for the caller."""


def read_instant(value: str | float, name: str) -> int:
    """Microseconds since 1970 UTC of an ISO 8601 text (without a zone: UTC) or of Unix seconds or milliseconds.

    Raises BadInstant; `name` is what the caller calls the field.
    """
    if isinstance(value, str):
        text = value.strip()
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise BadInstant(
                f"{name} {text[:40]!r} cannot be read: write it as ISO 8601, such as 2026-03-01T09:30:00.000Z"
            ) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - EPOCH) // timedelta(microseconds=1)
    if not abs(value) < 1e15:
        raise BadInstant(f"{name} {value} cannot be read: write it as ISO 8601, such as 2026-03-01T09:30:00.000Z")
    return round(value * (1_000 if abs(value) >= _MILLISECONDS_FROM else SECOND))


def happened_at(original: int | None, sent: int | None, received: int) -> int:
    """When it happened by our clock, in microseconds.

    As Segment documents: received − (sent − original), so that what counts of the caller's clock is only the stretch
    between the event and its sending. A caller whose clock agrees with ours within ten seconds is believed as it is.
    Without `original` it happens now. Never after `received`. Raises BadInstant for what cannot be believed.
    """
    if original is None:
        return received
    at = original
    if sent is not None and abs(received - sent) > SKEW:
        at = received - (sent - original)
    if at > received + AHEAD:
        raise BadInstant(
            f"the timestamp {_spoken(at)} lies in the future (it is {_spoken(received)} here): "
            "set the sender's clock, or send sentAt so that it can be corrected"
        )
    if at < EARLIEST:
        raise BadInstant(
            f"the timestamp {_spoken(at)} lies before the year 2000, which usually means a missing date: "
            "leave the timestamp out where it is not known"
        )
    return min(at, received)


def _spoken(us: int) -> str:
    try:
        return (EPOCH + timedelta(microseconds=us)).strftime("%Y-%m-%d %H:%M:%S UTC")
    except OverflowError:
        return f"{us // SECOND} s after 1970"
