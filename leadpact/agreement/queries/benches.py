"""The workshop's benches: history made ready, and previews on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from leadpact.agreement.models import Bench
from leadpact.agreement.rules.capacity import Capacity, Seller, capacity
from leadpact.kit.failures import CannotDo
from leadpact.kit.formats import iso
from leadpact.kit.instants import WEEK
from leadpact.kit.places import data_directory
from leadpact.lake import preview as engine
from leadpact.language.check_history import LineSeen, Seen, check_lines
from leadpact.language.nodes import Agreement, Market
from leadpact.leads.models import Lead
from leadpact.team.models import Absence, User
from leadpact.team.rules import calendar_of

FOLDER = "benches"


def bench(digest: str) -> Bench | None:
    """The bench of a meaning, in whatever state; None where nobody asked for one."""
    return Bench.objects.filter(hash=digest).first()


def place(found: Bench) -> Path | None:
    """Where its files lie; None where it has none, or they are gone."""
    if not found.folder:
        return None
    there = data_directory() / found.folder
    return there if there.exists() else None


@lru_cache(maxsize=4)
def _opened(path: Path) -> engine.Bench:
    # By folder: each preparation has a folder of its own, and files in it never change.
    return engine.open_bench(path)


@dataclass(frozen=True, slots=True)
class Tried:
    """What a meaning would have done on history, or why that cannot be said. `base`: the hash that it is held against.

    capacity: what Sales can take in each of the preview's weeks, as far as the system can tell: by the caps and hours that its
    people have now, and the absences that were entered for those weeks.
    """

    preview: engine.Preview | None
    bench: Bench | None
    base: str = ""
    capacity: Capacity | None = None
    why_not: str = ""


def on_history(changed: Agreement, *, bases: Sequence[str]) -> Tried:
    """Try a meaning on the first bench that can, in the order of these bases, each the hash of the meaning it was made for.

    A bench can show what differs from its base in points, caps and thresholds only.
    """
    why = ""
    known: Bench | None = None
    for digest in dict.fromkeys(bases):
        found = bench(digest)
        path = place(found) if found is not None else None
        known = found or known
        if found is None or path is None:
            continue
        try:
            shown = _opened(path).preview(changed)
        except engine.CannotPreview as cannot:
            why = why or cannot.message
            continue
        except CannotDo as cannot:
            why = cannot.message
            continue
        weeks = [week.start for week in shown.weeks]
        return Tried(shown, found, digest, capacity(_sellers(changed.market, weeks), found.stay, weeks))
    return Tried(None, known, why_not=why)


@dataclass(frozen=True, slots=True)
class Warned:
    """What history warns of, by the id of the line. ready: whether any history could be looked at.

    unseen: lines that nothing was counted for, since they read otherwise in every history that is made ready.
    """

    by_line: Mapping[str, str] = field(default_factory=dict[str, str])
    ready: bool = False
    unseen: tuple[str, ...] = ()
    waits: bool = False


def warned(meant: Agreement, *, bases: Sequence[str]) -> Warned:
    """Lines that nobody or everybody met in the past, by the first history made ready that has them. Never raises.

    Counts were made when history was made ready: nothing is judged here, so that a page can ask.
    """
    counted: dict[str, tuple[engine.LineEvidence, int]] = {}
    ready = waits = False
    for digest in dict.fromkeys(bases):
        found = bench(digest)
        path = place(found) if found is not None else None
        if found is None or path is None:
            waits = waits or (found is not None and found.status not in {"ready", "failed"})
            continue
        try:
            opened = _opened(path)
        except CannotDo:
            continue
        ready = True
        for one in opened.evidence_of(meant):
            counted.setdefault(one.line_id, (one, opened.end))
    told: dict[str, str] = {}
    for line, (one, end) in counted.items():
        leads = one.met + one.not_met + one.unknown
        seen = Seen(
            leads, leads, f"on {iso(end)[:10]}", touches=True, lines={line: LineSeen(one.met, one.unknown, mark=0)}
        )
        for problem in check_lines(meant, seen):
            told[line] = problem.message
    return Warned(told, ready, tuple(one.id for one in meant.lines if one.id not in counted), waits)


def _sellers(market: Market, weeks: Sequence[int]) -> list[Seller]:
    """Who takes leads now, with their absences in these weeks. Two statements."""
    if not weeks:
        return []
    away: dict[int, list[tuple[int, int]]] = {}
    rows = Absence.objects.filter(ends_at__gt=weeks[0], starts_at__lt=weeks[-1] + WEEK, user__takes_leads=True)
    for user, starts, ends in rows.values_list("user_id", "starts_at", "ends_at"):
        away.setdefault(user, []).append((starts, ends))
    people = User.objects.filter(takes_leads=True, is_active=True)
    return [
        Seller(one.cap, calendar_of(one.hours, one.timezone, market), tuple(away.get(one.pk, ())))
        for one in people.only("cap", "hours", "timezone")
    ]


@dataclass(frozen=True, slots=True)
class Named:
    """A lead by its name."""

    lead_id: int
    name: str
    account: str


def named(lead_ids: Sequence[str]) -> list[Named]:
    """Leads by name, in the order given; those that are gone are left out. One statement."""
    numbers = [int(one) for one in lead_ids if one.isdigit()]
    found = {
        lead.pk: lead
        for lead in Lead.objects.filter(pk__in=numbers)
        .select_related("person__account")
        .only("pk", "person__name", "person__email", "person__account__name", "person__account__domain")
    }
    told: list[Named] = []
    for number in numbers:
        lead = found.get(number)
        if lead is not None:
            person = lead.person
            account = person.account
            told.append(
                Named(
                    number,
                    person.name or person.email or "Somebody",
                    (account.name or account.domain or "") if account else "",
                )
            )
    return told
