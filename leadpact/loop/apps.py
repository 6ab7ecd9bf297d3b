"""Connects the three ports: what follows the ledger, the door that every way in leads to, and answers of the past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadpact.capture.actions import Turn
    from leadpact.capture.rules.answers import Answered, OutcomeRow, SpendRow
    from leadpact.capture.rules.arrival import Arrival, Ready, Taken
    from leadpact.custody.actions import Recorded


def _take(
    arrivals: Sequence[Arrival | Ready],
    *,
    known_at: int,
    historic: bool = False,
    turn: Turn | None = None,
) -> Taken:
    from leadpact.loop.intake import take

    return take(arrivals, known_at=known_at, historic=historic, turn=turn)


def _take_answers(rows: Sequence[OutcomeRow] | Sequence[SpendRow], *, at: int) -> Answered:
    from leadpact.loop.outcomes import take_answers

    return take_answers(rows, at=at)


def _follow(recorded: Sequence[Recorded], *, at: int) -> None:
    from leadpact.loop.follow import follow

    follow(recorded, at=at)


class LoopConfig(AppConfig):
    name = "leadpact.loop"
    label = "loop"

    def ready(self) -> None:
        """Called once by Django when every room is loaded."""
        from leadpact.capture.actions import connect_intake, connect_outcomes
        from leadpact.custody.actions import connect_follower

        connect_intake(_take)
        connect_outcomes(_take_answers)
        connect_follower(_follow)
