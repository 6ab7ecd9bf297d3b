"""When was it so? Rows of leads that contradict what we know are news of today; the others tell of the lead's beginning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from leadpact.capture.rules.arrival import Arrival
from leadpact.leads.models import Identifier, Lead


def dated(arrivals: Sequence[Arrival], *, at: int) -> list[Arrival]:
    """The arrivals of a file of leads, each at its lead's creation, or at `at` where it changes a known value.

    Without this a corrected row would tell of the same instant as the row it corrects, and neither could win.
    Two statements, whatever the batch's size.
    """
    known = _known(arrivals)
    return [
        replace(arrival, at=at) if any(_contradicts(arrival, cells) for cells in _of(arrival, known)) else arrival
        for arrival in arrivals
    ]


def _known(arrivals: Sequence[Arrival]) -> dict[str, list[Mapping[str, Any]]]:
    """Current cells of people, accounts and open leads, by the name or the address that the file gives them."""
    names = {name for arrival in arrivals for name in (arrival.user_id, arrival.email) if name}
    rows = Identifier.objects.filter(
        kind__in=("user_id", "email"), value__in=names, visitor__person__isnull=False
    ).values_list("value", "visitor__person_id", "visitor__person__cells", "visitor__person__account__cells")
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    names_of: dict[int, list[str]] = defaultdict(list)
    for name, person, cells, account in rows:
        found[name] += [cells, account or {}]
        names_of[person].append(name)
    for person, cells in Lead.objects.filter(person_id__in=names_of, is_open=True).values_list("person_id", "cells"):
        for name in names_of[person]:
            found[name].append(cells)
    return found


def _of(arrival: Arrival, known: Mapping[str, list[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    return [cells for name in (arrival.user_id, arrival.email) if name for cells in known.get(name, ())]


def _contradicts(arrival: Arrival, cells: Mapping[str, Any]) -> bool:
    return any(
        name in cells and cells[name].get("t") != cell.text
        for traits in (arrival.person, arrival.account, arrival.lead)
        for name, cell in traits.cells.items()
    )
