"""Connects the two ports: what follows the ledger, and the door that every way in leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from leadpact.capture.rules.arrival import Arrival, Taken
    from leadpact.custody.actions import Recorded


def _take(arrivals: Sequence[Arrival], *, known_at: int, historic: bool = False) -> Taken:
    from leadpact.loop.intake import take

    return take(arrivals, known_at=known_at, historic=historic)


def _follow(recorded: Sequence[Recorded], *, at: int) -> None:
    from leadpact.loop.follow import follow

    follow(recorded, at=at)


class LoopConfig(AppConfig):
    name = "leadpact.loop"
    label = "loop"

    def ready(self) -> None:
        """Called once by Django when every room is loaded."""
        from leadpact.capture.actions import connect_intake
        from leadpact.custody.actions import connect_follower

        connect_intake(_take)
        connect_follower(_follow)
