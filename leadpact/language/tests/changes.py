"""Histories and agreements changed in ways that must not matter, or must matter in one direction only."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from leadpact.language.fold import cell
from leadpact.language.history import ALWAYS, Fact, History, Lead, Touch
from leadpact.language.nodes import DAY, Agreement, All, Each, If, Line
from leadpact.language.tests.drawing import KINDS, draw_agreement


def shuffled(history: History, seed: int) -> History:
    """The same facts in another order, of touches, of leads and of each lead's values."""
    chance = Random(seed)
    touches = chance.sample(history.touches, len(history.touches))
    leads = [replace(lead, facts=tuple(chance.sample(lead.facts, len(lead.facts)))) for lead in history.leads]
    return History(chance.sample(leads, len(leads)), touches)


def learnt_later(history: History, now: int) -> History:
    """With touches, values and withdrawals that are known a microsecond too late, whenever they happened."""
    later = [
        Touch(f"later{n}", lead.lead_id, lead.person, lead.account, kind, now - n * DAY, now + 1)
        for lead in history.leads
        for n, kind in enumerate(KINDS)
    ]
    leads = [
        replace(lead, facts=(*lead.facts, *(Fact(fact.field, cell("it"), now - 1, now + 1) for fact in lead.facts)))
        for lead in history.leads
    ]
    touches = [t if t.void_at is not None else replace(t, void_at=now + 1) for t in history.touches]
    return History(leads, [*touches, *later])


def still_to_come(history: History, now: int) -> History:
    """With touches that are known and have not happened yet."""
    coming = [
        Touch(f"coming{n}", lead.lead_id, lead.person, lead.account, kind, now + 1 + n, now)
        for lead in history.leads
        for n, kind in enumerate(KINDS)
    ]
    return History(history.leads, [*history.touches, *coming])


def up_to(history: History, instant: int) -> History:
    """What was known at the instant and stood; touches that were known to come are part of that, `changes_at` speaks of them."""
    touches = [replace(t, void_at=None) for t in history.touches if t.learnt_by(instant)]
    return History([_lead_up_to(lead, instant) for lead in history.leads], touches)


def _lead_up_to(lead: Lead, instant: int) -> Lead:
    return replace(lead, facts=tuple(f for f in lead.facts if f.at <= instant and f.known_at <= instant))


def days_later(history: History, days: int) -> History:
    """The same history so many whole days later, or earlier; what always was stays so."""

    def moved(instant: int) -> int:
        return instant if instant == ALWAYS else instant + days * DAY

    leads = [
        replace(
            lead,
            created_at=moved(lead.created_at),
            facts=tuple(replace(fact, at=moved(fact.at), known_at=moved(fact.known_at)) for fact in lead.facts),
        )
        for lead in history.leads
    ]
    touches = [
        replace(t, at=moved(t.at), known_at=moved(t.known_at), void_at=None if t.void_at is None else moved(t.void_at))
        for t in history.touches
    ]
    return History(leads, touches)


def with_a_positive_line(agreement: Agreement, seed: int) -> tuple[Agreement, str]:
    """The agreement with one more line that gives points, and the dimension of that line."""
    chance = Random(seed)
    line = chance.choice(draw_agreement(chance).lines)
    rule = line.rule if isinstance(line.rule, Each) or chance.random() < 0.7 else If(All(()))
    more = Line("one_more", "", line.dimension, abs(line.points) + 1, rule)
    return replace(agreement, lines=(*agreement.lines, more)), line.dimension
