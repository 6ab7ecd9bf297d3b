"""What history is made of: the published views of other rooms, column by column, and how each goes into Parquet.

A *growing* relation has an `id` and its rows never change: it is exported once, row by row, into a partition for each month.
A *whole* relation is small and may change (whose a trail is, which version is in force): it is written anew each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TEXT, INTEGER, TRUTH = "VARCHAR", "BIGINT", "BOOLEAN"


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation. columns: name → type in Parquet. month_of: the column whose month names the partition; "" where whole."""

    name: str
    view: str
    columns: tuple[tuple[str, str], ...]
    month_of: str = ""
    casts: tuple[str, ...] = ()

    @property
    def grows(self) -> bool:
        """Whether rows are only ever added."""
        return bool(self.month_of)

    @property
    def select(self) -> str:
        """The columns as PostgreSQL gives them; JSON as its text."""
        return ", ".join(f'"{name}"::text' if name in self.casts else f'"{name}"' for name, _ in self.columns)


def _columns(*, text: str = "", integer: str = "", truth: str = "", order: str) -> tuple[tuple[str, str], ...]:
    kinds = dict.fromkeys(text.split(), TEXT) | dict.fromkeys(integer.split(), INTEGER)
    kinds |= dict.fromkeys(truth.split(), TRUTH)
    return tuple((name, kinds[name]) for name in order.split())


TOUCHES: Final = Relation(
    "touches",
    "leads_touch_v1",
    _columns(
        integer="id visitor_id at known_at void_at",
        text="kind channel campaign cells",
        order="id visitor_id kind at known_at void_at channel campaign cells",
    ),
    month_of="at",
    casts=("cells",),
)
VOIDS: Final = Relation(
    "voids",
    "leads_void_v1",
    _columns(integer="id touch_id known_at", text="cause", order="id touch_id cause known_at"),
    month_of="known_at",
)
FACTS: Final = Relation(
    "facts",
    "leads_fact_v1",
    _columns(
        integer="id subject_id n at known_at",
        text="subject field t w",
        truth="b",
        order="id subject subject_id field t n b w at known_at",
    ),
    month_of="at",
)
LEDGER: Final = Relation(
    "ledger",
    "custody_entry_v1",
    _columns(
        integer="id lead_id seq at user_id cause_touch cause_seq salesperson_id due not_before value alternatives",
        text="move holder state actor agreement reason verdict cause due_what hash",
        order="id lead_id seq at move holder state actor user_id agreement reason verdict cause cause_touch cause_seq"
        " salesperson_id due due_what not_before value alternatives hash",
    ),
    month_of="at",
)
FRAMES: Final = Relation(
    "frames",
    "tuning_stratum_v1",
    _columns(
        integer="id week frozen_at size drawn",
        text="stratum leads",
        order="id week frozen_at stratum size drawn leads",
    ),
    month_of="frozen_at",
)
LEADS: Final = Relation(
    "leads",
    "leads_lead_v1",
    _columns(
        integer="lead_id person_id created_at counts_from",
        text="sourced_by source campaign",
        order="lead_id person_id created_at counts_from sourced_by source campaign",
    ),
)
PEOPLE: Final = Relation(
    "people",
    "leads_person_v1",
    _columns(
        integer="person_id account_id account_known_at created_at",
        order="person_id account_id account_known_at created_at",
    ),
)
TIES: Final = Relation(
    "ties",
    "leads_tie_v1",
    _columns(integer="visitor_id person_id tied_at tied_known_at", order="visitor_id person_id tied_at tied_known_at"),
)
# Whole, though its rows are only added: what a trail's ties say must be as of the same moment as whose the trail is now.
TRAIL_MOVES: Final = Relation(
    "trail_moves",
    "leads_trail_move_v1",
    _columns(integer="id visitor_id person_id known_at", order="id visitor_id person_id known_at"),
)
MERGERS: Final = Relation(
    "mergers",
    "leads_merger_v1",
    _columns(
        integer="id survivor_id loser_id survivor_lead_id loser_lead_id at undone_at gave_account_id",
        order="id survivor_id loser_id survivor_lead_id loser_lead_id at undone_at gave_account_id",
    ),
)
HANDOFFS: Final = Relation(
    "handoffs",
    "custody_handoff_v1",
    _columns(
        integer="lead_id seq at salesperson_id accepted_at followed_up_at attempts recalled answered_at answered_by",
        text="cause agreement answer reason",
        order="lead_id seq at cause agreement salesperson_id accepted_at followed_up_at attempts recalled answer reason"
        " answered_at answered_by",
    ),
)
AUDITS: Final = Relation(
    "audits",
    "tuning_audit_v1",
    _columns(
        integer="lead_id week probability_n probability_of released_at answered_at answer",
        truth="caught",
        order="lead_id week probability_n probability_of released_at answered_at answer caught",
    ),
)
AGREEMENTS: Final = Relation(
    "agreements",
    "agreement_version_v1",
    _columns(
        integer="number effective_at superseded_at",
        text="hash name canonical",
        order="hash number name canonical effective_at superseded_at",
    ),
)

GROWING: Final = (TOUCHES, VOIDS, FACTS, LEDGER, FRAMES)
WHOLE: Final = (LEADS, PEOPLE, TIES, TRAIL_MOVES, MERGERS, HANDOFFS, AUDITS, AGREEMENTS)
BY_NAME: Final = {relation.name: relation for relation in (*GROWING, *WHOLE)}
