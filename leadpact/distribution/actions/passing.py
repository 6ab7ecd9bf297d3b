"""Leads change hands inside Sales, or go over by hand: reassign, hand over, hand over everything somebody holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction

from leadpact.agreement.queries import in_force
from leadpact.custody.actions import Actor, NewEntry, Recorded, lock, record
from leadpact.custody.rules.projection import Held
from leadpact.distribution import queries
from leadpact.distribution.actions.asking import NotYours, Refused, asking, readable, sentences
from leadpact.distribution.actions.choosing import choose_salespeople
from leadpact.distribution.actions.offers import count_shares, open_offers
from leadpact.distribution.permissions import may_answer, may_empty_hands, may_hand_over, may_reassign
from leadpact.distribution.rules.routing import BY_HAND, Choice
from leadpact.language import hours
from leadpact.language.nodes import DAY, Agreement
from leadpact.team.models import User
from leadpact.team.permissions import speaks_for

# Code in the ledger → label on the page.
HAND_OVER_REASONS = {
    "asked_for_a_call": "They asked for a call",
    "met_in_person": "Somebody met them in person",
    "known_need": "We know of a need that the agreement cannot see",
    "other": "Another reason",
}


def accept_by(agreement: Agreement | None, at: int) -> int:
    """When an offer made now runs out: the promise, in the market's business time; a day where none was given."""
    if agreement is None or agreement.sales_promises is None:
        return at + DAY
    return hours.due(at, agreement.sales_promises.accept_within, agreement.market)


def reassign(*, lead_id: int, to: User, by: User, at: int, note: str = "") -> Recorded:
    """Pass a lead in Sales' hands to a colleague. An offer starts its clock again; work in progress keeps its own."""
    with asking(lead_id=lead_id, by=by, at=at, note=note) as asked:
        held = asked.held
        owner = queries.owns_catch_all(by.pk) and may_answer(by, asker_id=by.pk, holder_id=held.salesperson_id)
        if not (may_reassign(by) or owner):
            raise NotYours("A manager of Sales or operations can pass a lead on; ask one of them.")
        asked.check_move("reassigned")
        if to.pk == held.salesperson_id:
            raise Refused("This lead is in their hands already.")
        if not to.is_active or not (to.takes_leads or to.is_catch_all):
            raise Refused("They do not take leads; choose somebody who does.")
        choice = Choice(lead_id, to.pk, BY_HAND, "It was passed on to you by hand.", to.weight, (to.pk,))
        entry = asked.entry("reassigned", salesperson_id=to.pk, **_accept_clock(held, accept_by(asked.agreement, at)))
        recorded = record([entry], at=at)
        _offer(recorded, {lead_id: choice}, {})
        return recorded[0]


def hand_over(*, lead_id: int, reason: str, by: User, at: int, to: User | None = None, note: str = "") -> Recorded:
    """Hand a lead over by hand, with a reason (HAND_OVER_REASONS). It is routed like any other.

    To whoever gets it, it looks like any other hand-over: reason and note are not theirs to see. Naming somebody (`to`) is
    refused: a "why you" that is unlike the others would tell it from an audit. A manager of Sales can pass it on afterwards.
    """
    if to is not None:
        raise Refused(
            "A lead that is handed over is routed like any other; a manager of Sales can pass it on afterwards."
        )
    if reason not in HAND_OVER_REASONS:
        raise Refused(f"A hand-over by hand has a reason: one of {', '.join(HAND_OVER_REASONS)}.")
    with asking(lead_id=lead_id, by=by, at=at, note=note) as asked:
        if not may_hand_over(by):
            raise NotYours("Marketing or operations can hand a lead over.")
        asked.check_move("handed_over")
        choices = choose_salespeople(lead_ids=[lead_id], at=at)
        if lead_id not in choices:
            raise Refused(
                "Nobody can take leads now; let somebody take leads, or name an owner of the catch-all queue."
            )
        entry = asked.entry(
            "handed_over", reason=reason, cause="by_hand", salesperson_id=choices[lead_id].salesperson_id,
            due=accept_by(asked.agreement, at), due_what="accept_within",
        )  # fmt: skip
        recorded = record([entry], at=at)
        open_offers(recorded=recorded, choices=choices)
        return recorded[0]


@transaction.atomic
def hand_over_everything(*, user: User, by: User, at: int, note: str = "") -> list[Recorded]:
    """Everything that somebody holds goes to colleagues, routed like new leads, in one action; returns the entries.

    Offers start their clocks again; work in progress keeps its state and clock. All of it or nothing: raises Refused
    where nobody can take a lead.
    """
    if not may_empty_hands(by, asker_id=by.pk, holder_id=user.pk):
        raise NotYours("They themselves, a manager of Sales or operations can hand everything over.")
    with sentences():
        held = {lead: one for lead, one in lock(queries.leads_of(user.pk)).items() if _is_theirs(one, user)}
        if not held:
            return []
        choices = choose_salespeople(lead_ids=sorted(held), at=at, without=user.pk)
        left = sorted(set(held) - set(choices))
        if left:
            raise Refused(
                f"Nobody can take {len(left)} of {len(held)} leads; let somebody take leads, or name another owner of the "
                "catch-all queue, and try again."
            )
        version = in_force(at)
        due = accept_by(version.agreement if version else None, at)
        actor, text = Actor(speaks_for(by), by.pk), readable(note)

        def entry(lead_id: int, **more: object) -> NewEntry:
            return NewEntry(lead_id, "reassigned", actor, agreement=version.hash if version else "", note=text, **more)  # type: ignore[arg-type]

        entries = [
            entry(lead, salesperson_id=choices[lead].salesperson_id, **_accept_clock(one, due))
            for lead, one in sorted(held.items())
        ]
        recorded = record(entries, at=at)
        _offer(recorded, choices, choices.levels)
        return recorded


def _is_theirs(held: Held, user: User) -> bool:
    return held.holder == "sales" and held.salesperson_id == user.pk


def _accept_clock(held: Held, due: int) -> dict[str, object]:
    return {"due": due, "due_what": "accept_within"} if held.state == "offered" else {}


def _offer(recorded: Sequence[Recorded], choices: Mapping[int, Choice], levels: Mapping[int, int]) -> None:
    """Open offers for those that are offered; work in progress counts in the shares all the same."""
    open_offers(recorded=recorded, choices=choices)
    working = [choices[entry.lead_id] for entry in recorded if entry.state != "offered"]
    if working:
        count_shares(working, levels)
