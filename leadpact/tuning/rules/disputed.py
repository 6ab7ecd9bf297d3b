"""Which leads both departments read together: those they differ about, drawn by chance, so that nobody chooses.

A draw over the disputed ones only: it shows what disputes are about, and measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leadpact.lake.sampled.chance import generator

MOST = 10
GENERATOR = "numpy Philox4x64, key = BLAKE2b-128(seed, since, “disputed”), choice without replacement from ids in order"

WHY = {
    "definition": "Sales gave it back and blamed the definition",
    "again": "handed over again after Sales had blamed the definition",
    "corrected": "Sales took an answer back",
    "recalled": "two offers or more ran out",
    "repair": "Marketing has not answered the rejection yet",
}
"""Why a lead is disputed, in the order in which it is said."""


@dataclass(frozen=True, slots=True)
class Disputed:
    """A hand-over about which the departments differ. seq: of the ledger entry. answered: Sales' last word on it was given."""

    lead_id: int
    seq: int
    at: int
    cause: str
    agreement: str
    answer: str
    reason: str
    answered: bool
    why: tuple[str, ...]


def draw_disputed(found: Sequence[Disputed], *, seed: str, since: int, most: int = MOST) -> list[Disputed]:
    """At most `most` of them in the order drawn: each lead once (its latest hand-over), each with the same chance."""
    by_lead = {one.lead_id: one for one in sorted(found, key=lambda one: (one.lead_id, one.seq))}
    ids = sorted(by_lead)
    picked = generator(seed, since, "disputed").choice(len(ids), size=min(most, len(ids)), replace=False) if ids else ()
    return [by_lead[ids[int(i)]] for i in picked]
