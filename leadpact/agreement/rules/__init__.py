"""In what state a version may be changed, proposed, signed, withdrawn; from when until when each was in force. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

DEPARTMENTS = ("marketing", "sales")
FURTHEST_US = 366 * 86_400_000_000
"""A version is signed for an instant at most a year ahead: what nobody remembers should not come about by itself."""


class Refused(Exception):
    """The step is not possible now; the message says why and what to do."""


def check_editable(status: str) -> None:
    """Only a draft can be edited."""
    if status != "draft":
        raise Refused("This version is no longer a draft. Make a new draft from it and change that.")


def check_proposable(status: str, errors: int) -> None:
    """A draft without errors can be proposed."""
    if status != "draft":
        raise Refused("Only a draft can be proposed; this version was proposed already.")
    if errors:
        raise Refused(f"The draft has {errors} error{'s' if errors > 1 else ''}. Mend them, then propose it.")


def check_instant(wanted_at: int | None, at: int) -> None:
    """An effect begins now, or within a year."""
    if wanted_at is None:
        return
    if wanted_at <= at:
        raise Refused("The instant lies in the past. Leave it empty to begin with the second signature.")
    if wanted_at > at + FURTHEST_US:
        raise Refused("The instant lies more than a year ahead. Propose it nearer to its time.")


def check_signable(status: str, department: str, signed: tuple[str, ...]) -> None:
    """A proposal is signed once by each department. `status`: of the effect, empty where there is none."""
    if department not in DEPARTMENTS:
        raise Refused("Only somebody of Marketing or of Sales can sign. Ask a manager to set your department.")
    if not status:
        raise Refused("Propose this version first; then both departments can sign it.")
    if department in signed:
        raise Refused(f"{department.capitalize()} has signed this version already.")


def check_withdrawable(status: str, effective_at: int | None, at: int, *, head: bool) -> None:
    """A proposal is withdrawn while it waits; once both signed, by a head, until it begins."""
    if status == "withdrawn":
        raise Refused("This proposal was withdrawn already.")
    if status == "signed":
        if effective_at is not None and effective_at <= at:
            raise Refused("This version has taken effect. Propose another one, or an earlier one again, to follow it.")
        if not head:
            raise Refused("Both departments have signed. Until it begins, the head of either can withdraw it.")


def is_complete(signed: tuple[str, ...]) -> bool:
    """Both departments have signed."""
    return set(DEPARTMENTS) <= set(signed)


@dataclass(frozen=True, slots=True)
class Begun:
    """A signed effect and its beginning."""

    effect: int
    hash: str
    effective_at: int


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch [start, end) in which a version is in force; `end` None: until something else is signed."""

    effect: int
    hash: str
    start: int
    end: int | None


def periods(signed: Iterable[Begun]) -> tuple[Period, ...]:
    """From signed effects to stretches without gap or overlap: each ends where the next one begins.

    Of two that begin at the same instant the later signed (the higher number) counts; the other has no stretch.
    """
    order = sorted(signed, key=lambda one: (one.effective_at, one.effect))
    found: list[Period] = []
    for one, after in zip_longest(order, order[1:]):
        end = after.effective_at if after is not None else None
        if end != one.effective_at:
            found.append(Period(one.effect, one.hash, one.effective_at, end))
    return tuple(found)
