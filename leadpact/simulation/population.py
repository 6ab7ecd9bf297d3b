"""Who there is: accounts with buying groups, people, and the interest of each over time. Numbers only; words are in `people`.

Interest is the latent truth. Each person has three waves: a flicker around the day they become known, at most one
buying interest of their own, and one shared by the buying group of their account. A wave rises in a line, holds, and
decays; the interest of a moment is the highest wave over a small base, between 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadpact.simulation import names
from leadpact.simulation.chance import Floats, Ints, Stream, generator
from leadpact.simulation.sources import NAMES, SOURCES

Flags = NDArray[np.bool_]
FREE_MAIL_SHARE = 0.13
STUDENT_SHARE = 0.03
COMPETITOR_SHARE = 0.004
DUPLICATE_SHARE = 0.03
BASE = 0.02


@dataclass(frozen=True, slots=True)
class Accounts:
    """Arrays by account. good: whether they could really use what the company sells. wave: start, height (0: none)."""

    industry: Ints
    employees: Ints
    good: Floats
    scanner: Flags
    industry_known: Flags
    employees_known: Flags
    wave_start: Floats
    wave_height: Floats

    def __len__(self) -> int:
        return len(self.industry)


@dataclass(frozen=True, slots=True)
class Waves:
    """Arrays (people, 3): day of start, days of rise, days of hold, days of decay, height."""

    start: Floats
    rise: Floats
    hold: Floats
    fall: Floats
    height: Floats

    def interest(self, who: Ints, day: Floats | float) -> Floats:
        """Interest in [0, 1] of people `who` (shape (n,)) on `day` (days since the start; scalar, (n,) or (n, k))."""
        days = np.asarray(day, dtype=np.float64)
        flat = days if days.ndim == 2 else np.broadcast_to(days, (len(who),))[:, None]
        level = np.full(flat.shape, BASE)
        for wave in range(self.start.shape[1]):
            since = flat - self.start[who, wave, None]
            rise, hold = self.rise[who, wave, None], self.hold[who, wave, None]
            over = since - rise - hold
            shape = np.where(
                over > 0, np.exp(-np.maximum(over, 0) / self.fall[who, wave, None]), np.minimum(1, since / rise)
            )
            level = np.maximum(level, self.height[who, wave, None] * np.maximum(shape, 0))
        return np.minimum(level, 1.0) if days.ndim == 2 else np.minimum(level[:, 0], 1.0)


@dataclass(frozen=True, slots=True)
class Population:
    """Arrays by person. Days are counted from the company's start.

    account: index or −1. created: day they become known; appears: day of their first (perhaps anonymous) touch.
    good: 0 to 1, how far they are the customer that Sales wants. loud: how much of their interest shows.
    duplicate_of: the person they really are, or −1. timeline_told: whether they ever say when they want to buy.
    """

    account: Ints
    source: Ints
    campaign: Ints
    created: Floats
    appears: Floats
    seniority: Ints
    good: Floats
    loud: Floats
    waves: Waves
    duplicate_of: Ints
    wrong_data: Flags
    student: Flags
    competitor: Flags
    timeline_told: Flags
    told_after: Floats
    second_device: Flags
    opts_out: Floats
    phase: Ints

    def __len__(self) -> int:
        return len(self.account)


def accounts(seed: int, count: int, days: int) -> Accounts:
    """`count` accounts; about a quarter has a wave of its own in the year."""
    chance = generator(seed, Stream.ACCOUNTS)
    weights = np.array([weight for _name, _word, weight in names.INDUSTRIES])
    industry = chance.choice(len(weights), size=count, p=weights / weights.sum()).astype(np.int64)
    employees = np.exp(chance.normal(6.4, 1.3, size=count)).clip(3, 60_000).astype(np.int64)
    fits = (industry < names.SERVED).astype(int) + ((employees >= 200) & (employees <= 5_000))
    good = chance.beta(np.array([1.0, 2.2, 6.0])[fits], np.array([6.0, 3.2, 1.5])[fits])
    awake = chance.random(count) < 0.10 + 0.36 * good
    return Accounts(
        industry=industry,
        employees=employees,
        good=good,
        scanner=chance.random(count) < 0.05,
        industry_known=chance.random(count) < 0.95,
        employees_known=chance.random(count) < 0.93,
        wave_start=chance.uniform(-20, days, size=count),
        wave_height=np.where(awake, chance.beta(4, 3, size=count), 0.0),
    )


def population(seed: int, leads: int, days: int, firms: Accounts, first_weekday: int) -> Population:
    """`leads` people in the accounts' buying groups and without one, known at some day of the year.

    first_weekday: weekday of day 0 (Monday is 0).
    """
    chance = generator(seed, Stream.PEOPLE)
    shares = np.array([source.share for source in SOURCES])
    source = chance.choice(len(SOURCES), size=leads, p=shares / shares.sum()).astype(np.int64)
    campaigns = np.array([len(each.campaigns) for each in SOURCES])[source]
    account = _buying_groups(chance, leads, len(firms))
    free = chance.random(leads) < FREE_MAIL_SHARE
    student = free & (chance.random(leads) < STUDENT_SHARE / FREE_MAIL_SHARE)
    competitor = chance.random(leads) < COMPETITOR_SHARE
    account[free | competitor] = -1
    seniority = chance.choice(4, size=leads, p=[0.3, 0.36, 0.22, 0.12]).astype(np.int64)
    created = _created(chance, source, days, first_weekday)
    at_home = account >= 0
    good = np.where(at_home, firms.good[account], chance.beta(1.6, 4.0, size=leads))
    good = np.clip(good + np.array([-0.12, 0.0, 0.05, 0.04])[seniority], 0, 1)
    good[student | competitor] = 0.0
    visits = np.array([each.visits for each in SOURCES])[source]
    quiet = chance.normal(0.0, 0.75, size=leads)
    waves = _waves(chance, source, created, good, account, firms)
    people = Population(
        account=account,
        source=source,
        campaign=(chance.random(leads) * campaigns).astype(np.int64),
        created=created,
        appears=np.where(visits, created - chance.exponential(9.0, size=leads), created),
        seniority=seniority,
        good=good,
        loud=np.exp(quiet - 0.28),
        waves=waves,
        duplicate_of=np.full(leads, -1, dtype=np.int64),
        wrong_data=chance.random(leads) < 0.04,
        student=student,
        competitor=competitor,
        timeline_told=chance.random(leads) < np.where(waves.height[:, 1] > 0, 0.6, 0.15),
        told_after=_told_after(chance, created, waves),
        second_device=chance.random(leads) < 0.25,
        opts_out=created + chance.exponential(9_000.0, size=leads),
        phase=chance.integers(0, 4, size=leads),
    )
    _double(chance, people, days)
    return people


def _buying_groups(chance: np.random.Generator, leads: int, firms: int) -> Ints:
    """Account of each person. Group sizes are skewed: most have one or two people, some have eight."""
    pull = chance.gamma(0.7, 1.0, size=firms) + 0.03
    return chance.choice(firms, size=leads, p=pull / pull.sum()).astype(np.int64)


def _created(chance: np.random.Generator, source: Ints, days: int, first_weekday: int) -> Floats:
    """A quarter is known in the first month (what the company brought along), the rest over the year, in working hours."""
    count = len(source)
    early = chance.random(count) < 0.25
    day = np.where(early, chance.uniform(0, min(30, days), size=count), chance.uniform(0, max(1, days - 3), size=count))
    listed = source == NAMES.index("list")
    day[listed] = chance.choice([2.0, 9.0, 120.0], size=count, p=[0.5, 0.3, 0.2])[listed] % max(1, days - 3)
    day = np.floor(day)
    weekday = (day.astype(np.int64) + first_weekday) % 7
    day = np.where(weekday < 5, day, np.where(day >= 2, day - 2, day + 2))
    return day + np.clip(chance.normal(0.72, 0.12, size=count), 0.55, 0.95)


def _waves(
    chance: np.random.Generator, source: Ints, created: Floats, good: Floats, account: Ints, firms: Accounts
) -> Waves:
    count = len(source)
    interest = np.array([each.interest for each in SOURCES])[source]
    at_once = chance.random(count) < np.array([each.at_once for each in SOURCES])[source]
    own = chance.random(count) < np.clip(interest * (0.22 + 0.60 * good), 0, 0.95)
    own_start = created + np.where(at_once, -chance.uniform(2, 15, size=count), chance.gamma(1.3, 55.0, size=count))
    shared = (account >= 0) & (chance.random(count) < 0.7)
    shared_height = np.where(shared, firms.wave_height[account] * chance.beta(8, 2, size=count), 0.0)
    start = np.stack([created - 3, own_start, firms.wave_start[account] + chance.exponential(10.0, size=count)], axis=1)
    height = np.stack(
        [chance.beta(2, 6, size=count), np.where(own, chance.beta(5, 2.5, size=count), 0.0), shared_height], axis=1
    )
    return Waves(
        start=start,
        rise=np.stack([np.full(count, 3.0), chance.gamma(4, 4.0, size=count), chance.gamma(4, 4.0, size=count)], axis=1)
        + 1,
        hold=np.stack(
            [np.full(count, 1.0), chance.gamma(2, 13.0, size=count), chance.gamma(2, 13.0, size=count)], axis=1
        ),
        fall=np.stack([np.full(count, 5.0), chance.gamma(3, 9.0, size=count), chance.gamma(3, 9.0, size=count)], axis=1)
        + 2,
        height=height,
    )


def _told_after(chance: np.random.Generator, created: Floats, waves: Waves) -> Floats:
    """Days from becoming known to saying when they will buy: as their own interest rises, or some day."""
    own = np.maximum(waves.start[:, 1] + waves.rise[:, 1] * chance.uniform(0.3, 1.5, size=len(created)) - created, 0.01)
    some_day = chance.exponential(30.0, size=len(created))
    return np.where((waves.height[:, 1] > 0) & (own < 300), own + chance.exponential(4.0, size=len(created)), some_day)


def _double(chance: np.random.Generator, people: Population, days: int) -> None:
    """Make a few people second entries of others: the same human, other spelling, later, and less to be seen."""
    count = int(len(people) * DUPLICATE_SHARE)
    picked = chance.permutation(len(people))[: 2 * count]
    again, real = picked[:count], picked[count:]
    people.duplicate_of[again] = real
    for column in (people.account, people.seniority, people.good, people.student, people.competitor):
        column[again] = column[real]
    for column in (people.waves.start, people.waves.rise, people.waves.hold, people.waves.fall, people.waves.height):
        column[again] = column[real]
    later = np.minimum(people.created[real] + chance.integers(3, 120, size=count), days - 1.3)
    people.created[again] = np.maximum(later, people.created[real] + 0.01)
    people.appears[again] = people.created[again]
    people.loud[again] *= 0.6
