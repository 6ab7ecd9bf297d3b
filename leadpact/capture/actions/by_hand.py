"""Enter somebody by hand; a salesperson's own prospect."""

from __future__ import annotations

from dataclasses import dataclass

from leadpact.capture.actions import intake
from leadpact.capture.rules.hand import OWN, Card, Way, arrival_of
from leadpact.kit.failures import CannotDo


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of a card. `known`: the person was with us before, and the lead stays where it is."""

    lead_id: int | None
    known: bool
    repeated: bool = False


def enter_by_hand(*, card: Card, way: Way, by_id: int, at: int) -> Entered:
    """Take a card through the loop like any other touch. Raises BadCard."""
    if way is OWN:
        raise CannotDo("A prospect of one's own is entered by its salesperson.")
    return _take(card, way, by_id, at)


def own_prospect(*, card: Card, by_id: int, at: int) -> Entered:
    """A prospect that a salesperson found (M17): it starts in Sales' custody, with them.

    Somebody who is known already, and whose lead is open, is not taken away from who holds them. Raises BadCard.
    """
    return _take(card, OWN, by_id, at)


def _take(card: Card, way: Way, by_id: int, at: int) -> Entered:
    taken = intake([arrival_of(card, way, user_id=by_id, at=at)], known_at=at)
    if taken.repeated:
        return Entered(None, known=True, repeated=True)
    return Entered(taken.lead_ids[0] if taken.lead_ids else None, known=not taken.created)
