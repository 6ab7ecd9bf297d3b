"""The workshop's benches: history made ready, and previews on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from leadpact.agreement.models import Bench
from leadpact.agreement.rules.capacity import Capacity, Seller, capacity
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import WEEK
from leadpact.kit.places import data_directory
from leadpact.lake import preview as engine
from leadpact.language.check_history import EVERYBODY, Seen, by_place
from leadpact.language.nodes import DIMENSIONS, Agreement, Market
from leadpact.language.problems import Problem
from leadpact.leads.models import Lead
from leadpact.team.models import Absence, User
from leadpact.team.rules import calendar_of

FOLDER = "benches"
OPTED_OUT = "person.opted_out"
"""Recorded here when somebody says it: that it is unknown for most is as it should be, and nothing to be warned of."""


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
    """What history warns of, by what it is about: a line's id, a clause (`sales_ready.2`), `cools`, or `verdicts.NAME`.

    ready: whether any history could be looked at. unseen: what those lines say of which nothing was counted, since they read
    otherwise in every history that is made ready; scores: those whose reach is not known for that reason; verdicts: whether
    it was seen which verdicts are given.
    """

    by_line: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    ready: bool = False
    unseen: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    verdicts: bool = True
    waits: bool = False

    @property
    def count(self) -> int:
        """How many warnings there are."""
        return sum(map(len, self.by_line.values()))


def warned(meant: Agreement, *, bases: Sequence[str]) -> Warned:
    """What the past says of lines, scores, verdicts and attributes, each by the first history made ready that tells it.

    Never raises. Lines were counted when history was made ready; how far scores reach and which verdicts are given is worked
    out for these numbers.
    """
    told: dict[str, dict[str, None]] = defaultdict(dict)
    lines: set[str] = set()
    scores: set[str] = set()
    fields: set[str] = set()
    verdicts = ready = waits = False
    for digest in dict.fromkeys(bases):
        found = bench(digest)
        path = place(found) if found is not None else None
        if found is None or path is None:
            waits = waits or (found is not None and found.status not in {"ready", "failed"})
            continue
        try:
            seen, at_end = _seen(path, meant)
        except CannotDo:
            continue
        ready = True
        # What an earlier history has told is not asked of a later one.
        new = replace(
            seen,
            lines={name: one for name, one in seen.lines.items() if name not in lines},
            reached={name: one for name, one in seen.reached.items() if name not in scores},
            gaps={name: one for name, one in seen.gaps.items() if name not in fields and name != OPTED_OUT},
            verdicts={} if verdicts else seen.verdicts,
        )
        # A value that is learnt a minute late would keep a line from being met by everybody all the time: that is asked at the end.
        at_end = replace(at_end, lines={name: one for name, one in at_end.lines.items() if name in new.lines})
        for asked, of_everybody in ((new, False), (at_end, True)):
            for about, problem in _about(meant, asked):
                if (problem.code == EVERYBODY) is of_everybody:
                    told[about][problem.message] = None
        lines |= seen.lines.keys()
        scores |= seen.reached.keys()
        fields |= seen.gaps.keys()
        verdicts = verdicts or bool(seen.verdicts)
    return Warned(
        {about: tuple(messages) for about, messages in told.items()},
        ready,
        tuple(one.says or one.id for one in meant.lines if one.id not in lines),
        tuple(name for name in DIMENSIONS if meant.lines_of(name) and name not in scores),
        verdicts,
        waits,
    )


@lru_cache(maxsize=64)
def _seen(path: Path, meant: Agreement) -> tuple[Seen, Seen]:
    opened = _opened(path)
    return opened.seen(meant), opened.at_end(meant)


def _about(meant: Agreement, seen: Seen) -> Iterator[tuple[str, Problem]]:
    """Warnings by the ids that sentences have; what is said of a whole verdict keeps the name of its section."""
    clauses = {verdict.clause(index) for verdict in meant.verdicts for index in range(len(verdict.alternatives))}
    for path, problems in by_place(meant, seen).items():
        kind, _, name = path.partition(".")
        about = name if kind == "lines" or name in clauses else path
        for problem in problems:
            yield about, problem


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
