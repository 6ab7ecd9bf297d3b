"""Of two records that are one person: which stays, and what it learns from the other. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadpact.language.history import OWN_FIRST

# How far Sales has come with a lead: the further one stays, so that nobody in Sales loses work that is further on.
STAGES = ("prospecting", "offered", "accepted", "qualified", "opportunity")

Cells = Mapping[str, Any]
Overwritten = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two records. lead_id: of its open lead, None where it has none. since: of its state, microseconds."""

    person_id: int
    has_email: bool
    created_at: int
    lead_id: int | None = None
    holder: str = ""
    state: str = ""
    since: int = 0

    @property
    def stage(self) -> int:
        """How far Sales has come; -1 where Sales does not hold it."""
        return STAGES.index(self.state) if self.holder == "sales" else -1


def survivor(one: Side, other: Side) -> tuple[Side, Side, str]:
    """(who stays, who joins it, why in words): Sales' custody wins; else an open lead, an address, the older record."""
    rules = (
        (one.stage, other.stage, "Sales has come further with it"),
        (-one.since, -other.since, "Sales has held it longer") if one.stage >= 0 else (0, 0, ""),
        (one.lead_id is not None, other.lead_id is not None, "it has an open lead"),
        (one.has_email, other.has_email, "it has an e-mail address"),
        (-one.created_at, -other.created_at, "it is the older record"),
        (-one.person_id, -other.person_id, "it is the older record"),
    )
    for mine, theirs, because in rules:
        if mine != theirs:
            winner, loser = (one, other) if mine > theirs else (other, one)
            return winner, loser, "Sales holds it" if winner.stage >= 0 > loser.stage else because
    raise ValueError("a record cannot be merged with itself")


def learn(
    own: Cells, traits: Cells, theirs: Cells, their_traits: Cells
) -> tuple[dict[str, Any], dict[str, Any], Overwritten]:
    """What the survivor knows now: of each value the later. Returns cells, traits, and what was overwritten.

    Overwritten: field → [cell before, trait before], None where there was none.
    """
    cells, raw, overwritten = dict(own), dict(traits), {}
    for name, cell in theirs.items():
        mine = own.get(name)
        if mine is not None and (name in OWN_FIRST or _order(mine) >= _order(cell)):
            continue
        overwritten[name] = [mine, traits.get(name)]
        cells[name] = cell
        raw[name] = their_traits.get(name)
    return cells, raw, overwritten


def unlearn(
    now: Cells, traits: Cells, theirs: Cells, overwritten: Mapping[str, list[Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The survivor's cells and traits without what it learnt from the other; what it learnt since then stays."""
    cells, raw = dict(now), dict(traits)
    for name, (cell, said) in overwritten.items():
        if cells.get(name) != theirs.get(name):
            continue  # it was told anew in between: that was of the survivor
        if cell is None:
            cells.pop(name, None)
            raw.pop(name, None)
        else:
            cells[name], raw[name] = cell, said
    return cells, raw


def _order(cell: Mapping[str, Any]) -> tuple[int, str]:
    return int(cell.get("at", 0)), str(cell.get("t") or "")
