"""The simulated company: people whose interest rises and falls, what they do, and what Sales would say of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadpact.simulation import population
from leadpact.simulation.calls import Event, Row, Teller, iso
from leadpact.simulation.chance import Stream, generator
from leadpact.simulation.happenings import Batch, Week
from leadpact.simulation.people import Account, Person, describe_accounts, describe_people
from leadpact.simulation.spend import spend_events
from leadpact.simulation.staff import DAY, Employee, staff
from leadpact.simulation.truth import PotentialAnswer, Truth, week_of

PEOPLE_AN_ACCOUNT = 3.0
HOUR = 3_600_000_000
_EPOCH_DAY_WEEKDAY = 3  # 1970-01-01 was a Thursday


class Company:
    """A company with `leads` people over `days` days from midnight (UTC) of `start`'s day.

    The same (seed, leads, start, days, appetite) is the same company on every machine, to the last byte of `events()`.
    appetite: added to the logit of "qualified" for every lead; the bench of the estimators uses it to vary rates.
    """

    def __init__(self, seed: int, leads: int, start: datetime, days: int = 365, *, appetite: float = 0.0) -> None:
        if seed < 0 or seed >= 1 << 64:
            raise ValueError("a seed lies between 0 and 2^64")
        if leads < 1:
            raise ValueError("a company has at least one lead")
        if days < 7:
            raise ValueError("a company lives for a week at least")
        if start.tzinfo is None:
            raise ValueError("the start needs a time zone")
        self.seed, self.size, self.days = seed, leads, days
        self.start = _microseconds(start) // DAY * DAY
        self.end = self.start + days * DAY
        self._weekday = (self.start // DAY + _EPOCH_DAY_WEEKDAY) % 7
        self.firms = population.accounts(seed, max(1, round(leads / PEOPLE_AN_ACCOUNT)), days)
        self.crowd = population.population(seed, leads, days, self.firms, self._weekday)
        self.salespeople, self.marketers = staff(seed, leads, self.start, days)
        self.truth = Truth(seed, self.crowd, self.firms, self.salespeople, self.start, appetite)

    @cached_property
    def accounts(self) -> list[Account]:
        """Accounts in words, by position."""
        return describe_accounts(self.seed, self.firms)

    @cached_property
    def people(self) -> list[Person]:
        """People in words, by position: each is a lead."""
        return describe_people(self.seed, self.crowd, self.accounts, self.start, self.days)

    def position(self, lead: str) -> int:
        """Position of a lead's key ("p000123" → 122). Raises KeyError for a key that nobody has."""
        number = int(lead[1:]) - 1 if lead[:1] == "p" and lead[1:].isdigit() else -1
        if not 0 <= number < self.size:
            raise KeyError(lead)
        return number

    def salesperson(self, key: str) -> Employee:
        """The salesperson of a key or an e-mail address. Raises KeyError for one that nobody has."""
        return self._by_key[key]

    @cached_property
    def _by_key(self) -> dict[str, Employee]:
        return {key: one for one in self.salespeople for key in (one.key, one.email)}

    def answer(self, lead: str, at: int, salesperson: str) -> PotentialAnswer:
        """What this salesperson would answer, were they offered this lead in the week of `at` (microseconds UTC)."""
        return self.truth.answer(self.position(lead), week_of(at), self._by_key[salesperson].index)

    def from_queue(self, lead: str, at: int, salesperson: str) -> int | None:
        """Business minutes until they would take the lead out of the catch-all queue, where it lies since `at`; None: never."""
        return self.truth.from_queue(self.position(lead), at // HOUR, self._by_key[salesperson].index)

    def guess(self, lead: str, at: int, salesperson: str) -> str:
        """What they say at `at`, asked whether this lead was a check (`truth.CHECK` and so on; "" for nothing)."""
        return self.truth.guess(self.position(lead), week_of(at), self._by_key[salesperson].index)

    def events(self) -> Iterator[Event]:
        """Everything the product learns of before Sales takes part, in order of time. A generator: a week at a time."""
        bills = spend_events(self.seed, self.size, self.start, self.days)
        bill = next(bills, None)
        for event in self._touches():
            while bill is not None and bill.at <= event.at:
                yield bill
                bill = next(bills, None)
            yield event
        if bill is not None:
            yield bill
        yield from bills

    def _touches(self) -> Iterator[Event]:
        teller = Teller(self.seed, self.people, {account.key: account for account in self.accounts})
        number = 0
        asked = np.full(self.size, -1e6)
        carried: NDArray[np.int64] = np.empty((0, len(Row._fields)), dtype=np.int64)
        for first in range(0, self.days, 7):
            last = min(first + 7, self.days)
            chance = generator(self.seed, Stream.TOUCHES, first // 7)
            weekday = (self._weekday + first) % 7
            week = Week(self.crowd, self.firms, chance, span=(first, last), weekday=weekday, asked=asked)
            rows = np.concatenate([carried, *(self._rows(batch) for batch in week.batches())])
            rows = rows[np.argsort(rows[:, 0], kind="stable")]
            now = int(np.searchsorted(rows[:, 0], self.start + last * DAY))
            rows, carried = rows[:now], rows[now:]
            for row, stamp in zip(rows.tolist(), iso(rows[:, 0]), strict=True):
                yield teller.tell(Row._make(row), number, stamp)
                number += 1

    def _rows(self, batch: Batch) -> NDArray[np.int64]:
        """The batch as rows of `Row`, cut to the company's time."""
        at = self.start + np.round(batch.at * DAY).astype(np.int64)
        rows = np.empty((len(at), len(Row._fields)), dtype=np.int64)
        columns: tuple[Any, ...] = (at, int(batch.code), batch.who, batch.detail, batch.channel, batch.device)
        for place, column in enumerate((*columns, int(batch.automated))):
            rows[:, place] = column
        return rows[(at >= self.start) & (at < self.end)]


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
