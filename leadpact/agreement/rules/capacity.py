"""What Sales can take, week by week: as many as leave in a week when all hands are full (Little's law, L = λ·W). Pure.

A week in which somebody is away, or the market keeps a holiday, counts for the part of their working hours that is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leadpact.language import hours
from leadpact.language.nodes import Market

WEEK: Final = 7 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Seller:
    """Somebody who takes leads: how many they may hold at a time, the calendar they work by, when they are away (instants)."""

    cap: int
    calendar: Market
    absences: tuple[tuple[int, int], ...] = ()

    def present(self, start: int, end: int) -> float:
        """The share of an ordinary week's working hours that they work in [start, end), a week."""
        ordinary = hours.ordinary_week(self.calendar)
        worked, done = hours.between(start, end, self.calendar), start
        for leaves, back in sorted(self.absences):
            away, until = max(leaves, done), min(back, end)
            if away < until:
                worked -= hours.between(away, until, self.calendar)
                done = until
        return min(1.0, worked / ordinary)


@dataclass(frozen=True, slots=True)
class Capacity:
    """What Sales can take: in an ordinary week, and in each of some weeks. in_hand: what everybody may hold at a time."""

    in_hand: int
    ordinary: int
    weeks: tuple[int, ...]

    @property
    def least(self) -> int:
        """In the week in which most are away."""
        return min(self.weeks, default=self.ordinary)


def weekly_capacity(in_hand: float, stay: int | None) -> int | None:
    """What can be taken in a week by people who may hold so many at a time and keep one for `stay` microseconds.

    None where either is unknown.
    """
    if not in_hand or not stay or stay <= 0:
        return None
    return max(1, round(in_hand * WEEK / stay))


def capacity(sellers: Sequence[Seller], stay: int | None, weeks: Sequence[int]) -> Capacity | None:
    """What these people can take in the weeks that begin at these instants; None where nobody takes leads or `stay` is unknown."""
    in_hand = sum(one.cap for one in sellers)
    ordinary = weekly_capacity(in_hand, stay)
    if ordinary is None:
        return None
    present = (sum(one.cap * one.present(start, start + WEEK) for one in sellers) for start in weeks)
    return Capacity(in_hand, ordinary, tuple(weekly_capacity(held, stay) or 0 for held in present))
