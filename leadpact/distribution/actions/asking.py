"""What every answer of Sales goes through: lock the lead, see who asks, record one entry, end the offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from leadpact.agreement.queries import InForce, in_force, one_version
from leadpact.custody.actions import Actor, NewEntry, Recorded, lock, record
from leadpact.custody.entries import MoveRefused, after
from leadpact.custody.rules.projection import Held
from leadpact.distribution.actions.offers import end_offers
from leadpact.distribution.permissions import may_answer
from leadpact.distribution.rules.answers import AnswerRefused
from leadpact.kit.failures import CannotDo
from leadpact.language.nodes import Agreement, Market
from leadpact.team.models import User
from leadpact.team.permissions import speaks_for
from leadpact.team.rules import calendar_of

LONGEST_NOTE = 4_000


class Refused(CannotDo):
    """The answer cannot be given: the lead's state, the reason or the agreement stand against it. One sentence."""


class NotYours(Refused):
    """Whoever asks may not answer for this lead."""


class LostRace(Refused):
    """Somebody else was faster. An ordinary outcome; the sentence says so and names nobody."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A locked lead, and who asks what of it, when, under which agreement."""

    held: Held
    by: User
    at: int
    version: InForce | None
    note: str

    @property
    def agreement(self) -> Agreement | None:
        """The agreement in force, if there is one."""
        return self.version.agreement if self.version else None

    @property
    def market(self) -> Market:
        """The market of the agreement; always open where there is none."""
        return self.version.agreement.market if self.version else Market()

    @property
    def actor(self) -> Actor:
        """For the ledger."""
        return Actor(speaks_for(self.by), self.by.pk)

    def calendar(self) -> Market:
        """The calendar of whoever holds the lead: own hours and zone, else the market's."""
        holder = (
            self.by if self.held.salesperson_id in {None, self.by.pk} else User.objects.get(pk=self.held.salesperson_id)
        )
        return calendar_of(holder.hours, holder.timezone, self.market)

    def check_move(self, move: str) -> None:
        """Raise MoveRefused where this state does not know the move: before anything is said about reasons."""
        after(self.held.state, move, self.actor.kind)

    def entry(self, move: str, **more: object) -> NewEntry:
        """An entry of this lead by whoever asks."""
        return NewEntry(
            self.held.lead_id,
            move,
            self.actor,
            agreement=self.version.hash if self.version else "",
            note=self.note,
            **more,  # type: ignore[arg-type]
        )


@contextmanager
def sentences() -> Iterator[None]:
    """What the rules and the ledger refuse, as Refused: one kind of exception for doors to catch."""
    try:
        yield
    except (MoveRefused, AnswerRefused) as refused:
        raise Refused(str(refused)) from refused


@contextmanager
def asking(*, lead_id: int, by: User, at: int, note: str = "") -> Iterator[Asked]:
    """A transaction in which the lead is locked. Raises Refused where it is not in the ledger or the note is too long."""
    with transaction.atomic(), sentences():
        held = lock([lead_id]).get(lead_id)
        if held is None:
            raise Refused(f"There is no lead {lead_id}.")
        version = in_force(at)
        with one_version(version, at=at):
            yield Asked(held, by, at, version, readable(note))


def readable(note: str) -> str:
    """The note as it is kept. Raises Refused where it is too long to be one, or holds what no text holds."""
    text = note.strip()
    if len(text) > LONGEST_NOTE:
        raise Refused(f"The note is {len(text):,} characters long; keep it below {LONGEST_NOTE:,}.")
    if "\x00" in text:
        raise Refused("The note holds a character that is no text; write it again.")
    return text


def check_yours(asked: Asked) -> None:
    """Raise NotYours where whoever asks may not answer for this lead."""
    if not may_answer(asked.by, asker_id=asked.by.pk, holder_id=asked.held.salesperson_id):
        raise NotYours("This lead is in a colleague's hands; they, their manager or operations can answer for it.")


def answer(*, lead_id: int, by: User, at: int, note: str, build: Callable[[Asked], NewEntry]) -> Recorded:
    """One answer: `build` makes the entry from the locked lead. The offer, if one was open, ends with it."""
    with asking(lead_id=lead_id, by=by, at=at, note=note) as asked:
        if asked.held.holder == "sales":
            check_yours(asked)
        return put(asked, build(asked))


def put(asked: Asked, entry: NewEntry) -> Recorded:
    """Record one entry of the lead that is locked, and end the offer that it answers."""
    recorded = record([entry], at=asked.at, locked={asked.held.lead_id: asked.held})
    end_offers(recorded=recorded)
    return recorded[0]
