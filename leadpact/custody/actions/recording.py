"""Write to the ledger: any number of entries in a constant number of statements, chained, projected, followed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from django.db import connection
from msgspec import Struct

from leadpact.custody.actions import store
from leadpact.custody.entries import NEEDS_REASON, SALES, SALES_ACTOR, UNBORN, MoveRefused, after
from leadpact.custody.rules import chain, words
from leadpact.custody.rules.projection import Held, Step, advance, clock_after
from leadpact.kit.ports import Port
from leadpact.kit.raw import land


class Keep(Enum):
    """Leaves a value as it is, where None means nobody."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True)
class Actor:
    """Who moves: the system, or a user who speaks for a department. kind: system, marketing, sales, operations."""

    kind: str
    user_id: int | None = None


SYSTEM = Actor("system")


class NewEntry(Struct, frozen=True, gc=False):
    """An entry to be written. Instants in microseconds; `value` in minor units of money.

    agreement: hash of the version that caused it. reason: a code from a closed list (`entries.NEEDS_REASON` says
    where it must be given). note: words of a person, sealed. cause: of a hand-over. cause_touch: the touch that made
    it. cause_seq: the entry it answers or corrects.
    salesperson_id: who holds it in Sales afterwards. due, due_what: the clock it starts (`entries.CLOCKS`).
    not_before: the end of a rest. verdict: of a judgement. alternatives: bits of `sales_ready`'s alternatives that held.
    to: the state that a correction or an unmerging returns to.
    """

    lead_id: int
    move: str
    actor: Actor
    agreement: str = ""
    reason: str = ""
    note: str = ""
    cause: str = ""
    cause_touch: int | None = None
    cause_seq: int | None = None
    salesperson_id: int | Keep | None = KEEP
    due: int | None = None
    due_what: str = ""
    not_before: int | None = None
    value: int | None = None
    verdict: str = ""
    alternatives: int | None = None
    to: str = ""


class Recorded(NamedTuple):
    """An entry as it stands in the ledger, and where the lead was before it.

    salesperson_id: who holds the lead now or, where it left Sales, who held it until then. due, due_what: the clock
    now. offers, attempts, hand_over_cause: of the present hand-over, after this entry.
    """

    lead_id: int
    seq: int
    at: int
    move: str
    holder: str
    state: str
    previous_holder: str
    previous_state: str
    actor: Actor
    agreement: str
    reason: str
    verdict: str
    cause: str
    cause_touch: int | None
    cause_seq: int | None
    salesperson_id: int | None
    previous_salesperson_id: int | None
    due: int | None
    due_what: str
    not_before: int | None
    value: int | None
    alternatives: int | None
    offers: int
    attempts: int
    hand_over_cause: str


_follower: Port[..., None] = Port("custody.actions.followers")
_follows: ContextVar[bool] = ContextVar("custody_follows", default=True)


def connect_follower(function: Callable[..., None]) -> None:
    """Provide the one follower: function(recorded, *, at), called in the same transaction with the whole batch."""
    _follower.connect(function)


@contextmanager
def without_follower() -> Iterator[None]:
    """Inside the block nothing follows an entry: for a room's own tests and for loading a history."""
    token = _follows.set(False)
    try:
        yield
    finally:
        _follows.reset(token)


def lock(lead_ids: Iterable[int]) -> dict[int, Held]:
    """Lock leads in the ledger until the transaction ends, in their order; returns how each is held. One statement.

    Raises RuntimeError outside a transaction. A lead that is not in the ledger is missing from the answer.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("leads are locked inside a transaction only")
    return store.lock_holdings(sorted(set(lead_ids)), with_secrets=False)[0]


def record(
    entries: Sequence[NewEntry], *, at: int, follow: bool = True, locked: Mapping[int, Held] | None = None
) -> list[Recorded]:
    """Write entries into the ledger, in order, inside the caller's transaction; returns them as they stand.

    At most four statements whatever their number: lock and read the holdings (in the order of leads, so that two
    batches never wait for each other in a ring), keys of new leads with words, entries with holdings, words. Several
    entries of one lead are chained in the order given. Time never goes back within a lead: an entry is at `at` or at
    the instant of the entry before, whichever is later. Afterwards the follower is called once with all of them.

    locked: the entries' leads as `lock` told them, nothing having been recorded since; they are not read again, what was
    told of them changes with the entries, and one of whom nothing was told is new to the ledger.

    Raises MoveRefused (a sentence) where the table of moves does not know a move, ClockMissing where a lead would wait
    without a clock, ValueError for an entry that lacks its reason, RuntimeError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("the ledger is written inside a transaction only")
    if not entries:
        return []
    with_words = any(entry.note for entry in entries)
    leads = sorted({entry.lead_id for entry in entries})
    if locked is not None and not with_words:
        held, secrets = {lead: locked[lead] for lead in leads if lead in locked}, {}
    else:
        held, secrets = store.lock_holdings(leads, with_secrets=with_words)
    recorded: list[Recorded] = []
    rows: list[store.EntryRow] = []
    sealed: list[tuple[int, int, bytes]] = []
    for entry in entries:
        holding = held.setdefault(entry.lead_id, Held(entry.lead_id))
        done, row, note = _step(holding, entry, max(at, holding.at), secrets.get(entry.lead_id, b""))
        recorded.append(done)
        rows.append(row)
        if note is not None:
            sealed.append((entry.lead_id, done.seq, note))
    store.write(rows, held.values())
    if sealed:
        store.add_words(sealed)
    land()
    if follow and _follows.get():
        _follower(recorded, at=at)
    return recorded


def _salesperson(holding: Held, entry: NewEntry) -> int | None:
    if entry.salesperson_id is not KEEP:
        return entry.salesperson_id
    if holding.salesperson_id is None and entry.actor.kind == SALES_ACTOR:
        return entry.actor.user_id  # own prospects; an answer of Sales names who gave it
    return holding.salesperson_id


def _step(holding: Held, entry: NewEntry, at: int, secret: bytes) -> tuple[Recorded, store.EntryRow, bytes | None]:
    """One entry: checked against the table, projected, hashed. Returns it, its row and its sealed words."""
    kind = entry.actor.kind
    holder, state = after(holding.state, entry.move, kind, verdict=entry.verdict, to=entry.to)
    if entry.move in NEEDS_REASON and not entry.reason:
        raise ValueError(f"the entry {entry.move} of lead {entry.lead_id} needs a reason")
    due, due_what = clock_after(holding, entry.move, state, entry.due, entry.due_what)
    salesperson = _salesperson(holding, entry)
    if holder == SALES and salesperson is None:
        raise ValueError(
            f"lead {entry.lead_id} would be in Sales' hands and in nobody's: {entry.move} needs salesperson_id"
        )
    was_holder, was_state, was_salesperson, previous = (
        holding.holder,
        holding.state,
        holding.salesperson_id,
        holding.hash,
    )
    advance(
        holding,
        Step(
            at, entry.move, holder, state, salesperson, entry.reason, entry.verdict, entry.cause,
            due, due_what, entry.not_before, entry.alternatives,
        ),
    )  # fmt: skip
    codes: tuple[chain.Code, ...] = (
        entry.lead_id, holding.seq, at, entry.move, holder, state, kind, entry.actor.user_id, entry.agreement, entry.reason,
        entry.verdict, entry.cause, entry.cause_touch, entry.cause_seq, salesperson, due, due_what, entry.not_before,
        entry.value, entry.alternatives,
    )  # fmt: skip
    commitment = note = None
    if entry.note:
        if not secret:
            raise MoveRefused("This person's data was erased; nothing can be written beside the entry.")
        commitment, note = words.seal(
            entry.note, secret=secret, lead_id=entry.lead_id, seq=holding.seq, chance=os.urandom(words.CHANCE)
        )
    previous = previous if was_state != UNBORN else chain.GENESIS
    holding.hash = chain.link(codes, commitment, previous)
    recorded = Recorded(
        entry.lead_id, holding.seq, at, entry.move, holder, state, was_holder, was_state, entry.actor, entry.agreement,
        entry.reason, entry.verdict, entry.cause, entry.cause_touch, entry.cause_seq, salesperson, was_salesperson,
        due, due_what, entry.not_before, entry.value, entry.alternatives, holding.offers, holding.attempts, holding.cause,
    )  # fmt: skip
    return recorded, (*codes, commitment, previous, holding.hash), note
