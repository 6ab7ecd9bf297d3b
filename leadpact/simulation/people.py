"""The people and accounts of a company in words: names, addresses, titles, what they tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leadpact.simulation import names
from leadpact.simulation.chance import Stream, generator
from leadpact.simulation.population import Accounts, Population
from leadpact.simulation.sources import SOURCES


@dataclass(frozen=True, slots=True)
class Account:
    """A company. industry and employees are None where nobody ever learns them."""

    key: str
    name: str
    domain: str
    industry: str | None
    employees: int | None


@dataclass(frozen=True, slots=True)
class Person:
    """A lead and the human behind it. created: microseconds UTC at which they become known.

    account: key or None. timeline_months: what they say, once, at told_at; None if never. duplicate_of: key of the
    person they are a second entry of. sourced_by: marketing, referral or sales. visitor: their anonymous id.
    """

    key: str
    account: str | None
    first_name: str
    last_name: str
    email: str
    title: str
    phone: str
    source: str
    campaign: str
    sourced_by: str
    created: int
    timeline_months: int | None
    told_at: int | None
    opts_out_at: int | None
    duplicate_of: str | None
    visitor: str | None


DAY = 86_400_000_000


def key_of(position: int) -> str:
    """0 → "p000001"."""
    return f"p{position + 1:06d}"


def account_key(position: int) -> str:
    return f"a{position + 1:06d}"


def describe_accounts(seed: int, firms: Accounts) -> list[Account]:
    """Each with a name and a domain of its own under .example."""
    chance = generator(seed, Stream.NAMES)
    count = len(firms)
    stems, tails = (
        chance.integers(0, len(names.STEM), count).tolist(),
        chance.integers(0, len(names.TAIL), count).tolist(),
    )
    taken: dict[str, int] = {}
    found = []
    for position, (stem, tail) in enumerate(zip(stems, tails, strict=True)):
        word = names.STEM[stem] + names.TAIL[tail]
        industry, suffix, _weight = names.INDUSTRIES[int(firms.industry[position])]
        base = f"{word}-{suffix.split()[0].lower()}"
        taken[base] = number = taken.get(base, 0) + 1
        domain = f"{base}{number if number > 1 else ''}.example"
        name = f"{word.capitalize()} {suffix}" + (f" {number}" if number > 1 else "")
        found.append(
            Account(
                key=account_key(position),
                name=name,
                domain=domain,
                industry=industry if firms.industry_known[position] else None,
                employees=int(firms.employees[position]) if firms.employees_known[position] else None,
            )
        )
    return found


def describe_people(seed: int, people: Population, firms: list[Account], start: int, days: int) -> list[Person]:
    """Everybody, by position. A duplicate has the other's name, spelt another way, and another address."""
    chance = generator(seed, Stream.NAMES, 1)
    count = len(people)
    firsts = chance.integers(0, len(names.FIRST), count).tolist()
    lasts = chance.integers(0, len(names.LAST), count).tolist()
    phones = chance.integers(0, 10_000, count).tolist()
    titles = chance.integers(0, 4, count).tolist()
    mailboxes = chance.integers(0, 60, count).tolist()
    months = _months(people, chance)
    taken: set[str] = set()
    found: list[Person] = []
    for position in range(count):
        real = int(people.duplicate_of[position])
        human = real if real >= 0 else position
        first, last = names.FIRST[firsts[human]], names.LAST[lasts[human]]
        source = SOURCES[int(people.source[position])]
        account = int(people.account[position])
        if real >= 0:
            first, last = _respelt(first, last, position)
        told_at = float(people.created[position] + people.told_after[position])
        opts_out = float(people.opts_out[position])
        domain = firms[account].domain if account >= 0 else _homeless(people, position, mailboxes[human])
        found.append(
            Person(
                key=key_of(position),
                account=firms[account].key if account >= 0 else None,
                first_name=first,
                last_name=last,
                email=_address(first, last, domain, position, taken, again=real >= 0),
                title=names.TITLES[int(people.seniority[position])][titles[human]],
                phone=f"+1312555{phones[human]:04d}" if not people.wrong_data[position] else "0000",
                source=source.name,
                campaign=source.campaigns[int(people.campaign[position])],
                sourced_by={"sales": "sales", "referral": "referral"}.get(source.name, "marketing"),
                created=start + int(float(people.created[position]) * DAY),
                timeline_months=months[position] if people.timeline_told[position] and told_at < days else None,
                told_at=start + int(told_at * DAY) if people.timeline_told[position] and told_at < days else None,
                opts_out_at=start + int(opts_out * DAY) if opts_out < days else None,
                duplicate_of=key_of(real) if real >= 0 else None,
                visitor=f"v{seed:x}-{position:06x}" if source.visits else None,
            )
        )
    return found


def _months(people: Population, chance: np.random.Generator) -> list[int]:
    """When they say they will buy: soon while their interest is high, else some day; some are wrong."""
    everybody = np.arange(len(people))
    ahead = people.waves.interest(everybody, people.created + people.told_after + 20.0)
    guess = 16 * (1 - ahead) ** 1.6 + 1 + chance.normal(0, 3.0, size=len(people))
    return np.clip(np.round(guess), 1, 36).astype(int).tolist()


def _homeless(people: Population, position: int, mailbox: int) -> str:
    if people.student[position]:
        return names.ACADEMIC[mailbox % len(names.ACADEMIC)]
    if people.competitor[position]:
        return names.COMPETITORS[mailbox % len(names.COMPETITORS)]
    return names.FREE_MAIL[mailbox % len(names.FREE_MAIL)]


def _respelt(first: str, last: str, position: int) -> tuple[str, str]:
    way = position % 3
    if way == 0:
        return first[0] + ".", last
    if way == 1 and len(last) > 3:
        return first, last[:2] + last[3] + last[2] + last[4:]
    return first, last.replace("ü", "ue").replace("ö", "oe").replace("č", "c").upper()


def _address(first: str, last: str, domain: str, position: int, taken: set[str], *, again: bool) -> str:
    """Unique. Free-mail addresses carry a number that no human mailbox is likely to have: nobody should get mail."""
    plain = f"{first.rstrip('.')}.{last}".lower().translate(_PLAIN)
    if domain in names.FREE_MAIL:
        plain = f"{plain}.simulated-{position:06d}"
    elif again:
        plain = f"{first[0]}{last}".lower().translate(_PLAIN)
    address = f"{plain}@{domain}"
    if address in taken:
        address = f"{plain}{position}@{domain}"
    taken.add(address)
    return address


_PLAIN = str.maketrans({"ü": "ue", "ö": "oe", "ä": "ae", "ø": "o", "č": "c", "í": "i", "ë": "e", "'": "", " ": ""})
