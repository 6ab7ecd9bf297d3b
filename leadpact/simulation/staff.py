"""Who works there: salespeople with capacity, hours, absences and leaving days, and marketers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from leadpact.simulation import names
from leadpact.simulation.chance import Stream, generator

DAY = 86_400_000_000
LEADS_A_SALESPERSON = 1_600
LEADS_A_MARKETER = 8_000
HANDED_OVER_SHARE = 0.33
SPARE = 1.5


@dataclass(frozen=True, slots=True)
class Absence:
    """A stretch without leads, in microseconds UTC. why: holiday, ill."""

    starts_at: int
    ends_at: int
    why: str


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody of Sales or Marketing.

    key: "s01" or "m01". capacity: leads a week. weight: share against colleagues. hours: weekday (Monday is 0) →
    (opens, closes) in minutes of local wall time; language of `Agreement.market.hours`. leaves_at: microseconds UTC.
    lenient: added to the logit of qualifying. slow: factor on every delay.
    """

    key: str
    name: str
    email: str
    department: str
    capacity: int = 0
    weight: int = 1
    hours: tuple[tuple[int, tuple[tuple[int, int], ...]], ...] = ()
    absences: tuple[Absence, ...] = ()
    leaves_at: int | None = None
    lenient: float = 0.0
    slow: float = 1.0

    @property
    def index(self) -> int:
        """Position among the colleagues of the department, from 0."""
        return int(self.key[1:]) - 1

    def present(self, at: int) -> bool:
        """Whether they work for the company on that day, ill or on holiday not counted as working."""
        gone = self.leaves_at is not None and at >= self.leaves_at
        return not gone and not any(absence.starts_at <= at < absence.ends_at for absence in self.absences)


def staff(seed: int, leads: int, start: int, days: int) -> tuple[tuple[Employee, ...], tuple[Employee, ...]]:
    """(salespeople, marketers): enough salespeople for a third of the leads, with some room."""
    chance = generator(seed, Stream.STAFF)
    people = max(3, math.ceil(leads / LEADS_A_SALESPERSON))
    each = math.ceil(leads * HANDED_OVER_SHARE * SPARE / (days / 7) / people) + 2
    sellers = []
    lenient = chance.normal(0, 0.45, size=people)
    lenient -= lenient.mean()  # else a small team by luck makes a company where everything, or nothing, is qualified
    for number in range(people):
        part_time = number % 6 == 4
        leaves = number % 8 == 5
        opens = int(chance.choice([450, 480, 510]))
        workdays = range(4) if part_time else range(5)
        first, last = str(chance.choice(names.FIRST)), str(chance.choice(names.LAST))
        sellers.append(
            Employee(
                key=f"s{number + 1:02d}",
                name=f"{first} {last}",
                email=f"s{number + 1:02d}@{names.HOME}",
                department="sales",
                capacity=math.ceil(each * (0.6 if part_time else 1.0)),
                weight=3 if part_time else 5,
                hours=tuple((weekday, ((opens, opens + 540),)) for weekday in workdays),
                absences=_absences(chance.integers(0, max(1, days - 14), size=4).tolist(), start),
                leaves_at=start + int(days * (0.45 + 0.4 * chance.random())) * DAY if leaves else None,
                lenient=float(lenient[number]),
                slow=float(math.exp(chance.normal(0, 0.3))),
            )
        )
    marketers = [
        Employee(
            key=f"m{number + 1:02d}",
            name=f"{chance.choice(names.FIRST)} {chance.choice(names.LAST)}",
            email=f"m{number + 1:02d}@{names.HOME}",
            department="marketing",
        )
        for number in range(max(2, math.ceil(leads / LEADS_A_MARKETER)))
    ]
    return tuple(sellers), tuple(marketers)


def _absences(first_days: list[int], start: int) -> tuple[Absence, ...]:
    """Two holidays of ten days and two illnesses of two, where they do not overlap."""
    found: list[Absence] = []
    for day, length, why in zip(first_days, (10, 10, 2, 2), ("holiday", "holiday", "ill", "ill"), strict=True):
        one = Absence(start + day * DAY, start + (day + length) * DAY, why)
        if all(one.ends_at <= other.starts_at or one.starts_at >= other.ends_at for other in found):
            found.append(one)
    return tuple(sorted(found, key=lambda absence: absence.starts_at))
