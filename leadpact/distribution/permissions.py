"""Who may answer for a lead, hand one over, or pass one on. Pure: asker and holder are arguments."""

from __future__ import annotations

from leadpact.team.permissions import MARKETING, OPERATIONS, SALES, Asker, leads_sales, speaks_for


def may_answer(asker: Asker, *, asker_id: int, holder_id: int | None) -> bool:
    """Accept, reject, follow up, qualify and so on: who holds the lead, a manager of Sales, or operations."""
    if not asker.is_active:
        return False
    own = asker_id == holder_id and speaks_for(asker) == SALES
    return own or leads_sales(asker) or speaks_for(asker) == OPERATIONS


def may_take(asker: Asker) -> bool:
    """Accept an offer out of the catch-all queue: everybody who takes leads."""
    return asker.is_active and asker.takes_leads and speaks_for(asker) == SALES


def may_reassign(asker: Asker) -> bool:
    """Pass a lead to a colleague: managers of Sales, operations, and the owner of the catch-all queue (by `may_answer`)."""
    return leads_sales(asker) or (asker.is_active and speaks_for(asker) == OPERATIONS)


def may_hand_over(asker: Asker) -> bool:
    """Hand a lead over by hand, with a reason: Marketing and operations."""
    return asker.is_active and speaks_for(asker) in {MARKETING, OPERATIONS}


def may_empty_hands(asker: Asker, *, asker_id: int, holder_id: int) -> bool:
    """Hand over everything that somebody holds: they themselves, a manager of Sales, operations."""
    return asker.is_active and (asker_id == holder_id or may_reassign(asker))
