"""Histories drawn for an agreement, with chance weighted towards trouble.

Touches like to stand on the edge of a window, values like to be the constants that tests look for, and instants like
to be the instant of judgement, or beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from leadpact.language.fold import Cell, cell
from leadpact.language.history import ALWAYS, Fact, History, Lead, Touch
from leadpact.language.kinds import OURS
from leadpact.language.needs import leaves as leaves_of
from leadpact.language.needs import needs, queries
from leadpact.language.nodes import (
    DAY,
    NUMBER_SCALE,
    ActivePeople,
    Agreement,
    Attribute,
    ListRef,
    Scaled,
    Test,
    TouchQuery,
)
from leadpact.language.tests.drawing import (
    DOMAIN_FIELDS,
    DOMAIN_PROPERTIES,
    HOUR,
    KINDS,
    NUMBER_FIELDS,
    NUMBER_PROPERTIES,
    NUMBERS,
    TEXTS,
    TRUTH_FIELDS,
    TRUTH_PROPERTIES,
    draw_agreement,
)
from leadpact.language.tests.engines import Ask

NOW = 1_790_000_000_123_457
"""An instant of 2026; some batches judge in January 1970 instead, where days are counted from below zero."""
DOMAINS = (
    "northwind.example",
    "mail.ferro.example",
    "ferro.example",
    "x.ac.uk",
    "ac.uk",
    "uk",
    "halden.example",
    "bücher.example",
    ".",
    "a..b",
)
UNREADABLE = ("about 200", "1,200", "n/a", "", " ")


@dataclass(frozen=True, slots=True)
class Case:
    """One agreement, one history, and of whom it is asked as of when. Each ask is one agreement-and-history pair."""

    agreement: Agreement
    history: History
    asks: tuple[Ask, ...]


def draw_case(chance: Random, *, leads: int = 16, lines: int = 6, touches: int = 9) -> Case:
    """A case of so many leads at most; each has up to so many touches."""
    agreement = draw_agreement(chance, lines=lines)
    now = chance.choice((NOW, NOW, NOW, 3 * DAY + 5))
    instants = tuple(dict.fromkeys((now, now + chance.choice((1, HOUR, DAY)), now - chance.choice((0, 1, DAY)))))
    history = draw_history(chance, agreement, now, leads=leads, touches=touches)
    people = history.leads
    asks = {(lead.lead_id, now if chance.random() < 0.8 else chance.choice(instants)) for lead in people}
    if chance.random() < 0.3:
        asks.add((people[0].lead_id, instants[-1]))
    return Case(agreement, history, tuple(sorted(asks)))


def draw_history(chance: Random, agreement: Agreement, now: int, *, leads: int, touches: int) -> History:
    """So many leads, each with up to so many touches, around an instant."""
    accounts = (None, None, "a1", "a1", *(f"a{n}" for n in range(2, 3 + leads // 7)))
    people = [_draw_lead(chance, agreement, accounts, number, now) for number in range(1, leads + 1)]
    found: list[Touch] = []
    for lead in people:
        for _ in range(chance.randint(0, touches)):
            found.append(_draw_touch(chance, agreement, people, lead, f"t{len(found)}", now))
    chance.shuffle(found)
    return History(people, found)


# --- histories --------------------------------------------------------------------------


def _draw_lead(chance: Random, agreement: Agreement, accounts: Sequence[str | None], number: int, now: int) -> Lead:
    account = chance.choice(accounts)
    person = chance.choice((f"p{number}", f"p{number}", f"p{number}", "p1", None))
    facts: list[Fact] = []
    for name in sorted({name for name, _ in needs(agreement).attributes}):
        for _ in range(chance.choice((0, 1, 1, 1, 2))):
            at, known_at = chance.choice(
                ((ALWAYS, ALWAYS), (ALWAYS, ALWAYS), _learnt(chance, now - DAY, now), (now, now), (now + 1, now))
            )
            facts.append(Fact(name, _value(chance, agreement, name), at, known_at))
    return Lead(f"lead{number}", person, account, now - 90 * DAY, tuple(facts))


def _draw_touch(chance: Random, agreement: Agreement, people: list[Lead], lead: Lead, touch_id: str, now: int) -> Touch:
    asked = list(queries(agreement))
    query = chance.choice(asked) if asked and chance.random() < 0.85 else None
    kind = chance.choice(query.kinds if query else (*KINDS, *sorted(OURS)[:2], "never.heard_of"))
    at = _instant(chance, agreement, query, now)
    known_at = _learnt(chance, at, now)[1]
    names = sorted({name for name, _ in needs(agreement).properties})
    properties = {name: _value(chance, agreement, name, query) for name in names if chance.random() < 0.8}
    void_at = chance.choice((now - 1, now, now + 1)) if chance.random() < 0.08 else None
    account = lead.account if chance.random() < 0.95 else chance.choice((None, "a1", "a9"))
    person = lead.person if chance.random() < 0.95 else chance.choice([None, *(other.person for other in people)])
    return Touch(touch_id, lead.lead_id, person, account, kind, at, known_at, properties, void_at)


def _instant(chance: Random, agreement: Agreement, query: TouchQuery | None, now: int) -> int:
    windows = (
        [query.within] if query else [leaf.within for leaf in leaves_of(agreement) if isinstance(leaf, ActivePeople)]
    )
    within = chance.choice(windows) if windows else None
    roll = chance.random()
    nudge = chance.choice((-1, 0, 1))
    if now < NOW and roll > 0.8:
        return chance.randint(-DAY, DAY)
    if within is not None and roll < 0.3:
        return now - within + nudge
    if within is not None and roll < 0.5 and within >= DAY:
        return now - chance.randint(0, within // DAY) * DAY + nudge
    if roll < 0.6:
        return now + chance.choice((-1, 0, 0, 1, DAY))
    span = within if within is not None else 60 * DAY
    return now - chance.randint(0, min(span, 400 * DAY))


def _learnt(chance: Random, at: int, now: int) -> tuple[int, int]:
    """An instant, and when it was learnt: mostly at once, sometimes late, sometimes too late."""
    roll = chance.random()
    if roll < 0.75:
        return at, min(at, now)
    if roll < 0.9:
        return at, now
    return at, now + 1


def _value(chance: Random, agreement: Agreement, name: str, query: TouchQuery | None = None) -> Cell:
    """A value for an attribute or property: often one of the constants that it is compared with."""
    roll = chance.random()
    if roll < 0.5:
        tests = [
            test
            for leaf in leaves_of(agreement)
            if isinstance(leaf, Attribute) and leaf.field == name
            for test in leaf.tests
        ]
        tests += [test for property_, found in (query.where if query else ()) if property_ == name for test in found]
        if tests:
            return _near(chance, agreement, chance.choice(tests))
    if roll < 0.6:
        return cell(chance.choice(UNREADABLE))
    pools: tuple[tuple[Sequence[str], Sequence[object]], ...] = (
        ((*DOMAIN_FIELDS, *DOMAIN_PROPERTIES), DOMAINS),
        ((*NUMBER_FIELDS, *NUMBER_PROPERTIES), NUMBERS),
        ((*TRUTH_FIELDS, *TRUTH_PROPERTIES), (True, False, "yes", "No", 1, 0)),
    )
    pool = next((values for names, values in pools if name in names), TEXTS)
    return cell(chance.choice(pool))


def _near(chance: Random, agreement: Agreement, test: Test) -> Cell:
    """A value at the edge of what a test lets through."""
    operand = test.operand
    if isinstance(operand, ListRef):
        operand = agreement.list_entries(operand.name)
    constant = chance.choice(operand) if isinstance(operand, tuple) and operand else operand
    if isinstance(constant, bool):
        return cell(constant)
    if isinstance(constant, Scaled):
        nudged = constant.value + chance.choice((-1, 0, 0, 1))
        sign = "-" if nudged < 0 else ""
        return cell(f"{sign}{abs(nudged) // NUMBER_SCALE}.{abs(nudged) % NUMBER_SCALE:06d}")
    if not isinstance(constant, str):
        return cell("nowhere")
    around = ("{}", "{}", "{} gmbh", "the {}", "sub.{}", "x{}", "{}x", "-{}-")
    return cell(chance.choice(around).format(constant))
