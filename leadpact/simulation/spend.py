"""Money spent: a row a day for each channel and campaign that costs any."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from leadpact.simulation.calls import Event, iso
from leadpact.simulation.chance import Stream, generator
from leadpact.simulation.sources import SOURCES
from leadpact.simulation.staff import DAY

CURRENCY = "USD"
HOUR_OF_BILLS = 6


def daily(seed: int, leads: int, day: int) -> list[tuple[str, str, int]]:
    """(channel, campaign, cents) of a day: the channel's budget, shared by its campaigns, moved by up to a third."""
    chance = generator(seed, Stream.SPEND, day)
    rows = []
    for source in SOURCES:
        for campaign in source.campaigns:
            factor = float(chance.uniform(0.67, 1.33))
            cents = round(source.daily * leads / 1_000 * 100 * factor / len(source.campaigns))
            if cents:
                rows.append((source.name, campaign, cents))
    return rows


def spend_events(seed: int, leads: int, start: int, days: int) -> Iterator[Event]:
    """The bills of each day, early on the next; the last day's come within the company's time."""
    for day in range(days):
        at = min(start + (day + 1) * DAY + HOUR_OF_BILLS * 3_600_000_000, start + days * DAY - 1)
        date = (datetime.fromtimestamp(start // 1_000_000, UTC) + timedelta(days=day)).date().isoformat()
        (stamp,) = iso([at])
        for number, (channel, campaign, cents) in enumerate(daily(seed, leads, day)):
            payload = {
                "type": "track",
                "event": "spend.recorded",
                "messageId": f"sim-{seed:x}-spend-{day:04d}-{number:02d}",
                "timestamp": stamp,
                "properties": {
                    "channel": channel,
                    "campaign": campaign,
                    "day": date,
                    "amount": f"{cents / 100:.2f}",
                    "currency": CURRENCY,
                },
            }
            yield Event(at, "spend", "", payload)
