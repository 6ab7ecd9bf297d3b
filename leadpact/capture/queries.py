"""Reads of capture: keys, imports, what was refused, what machines did, and who may be one person."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable

from django.db.models import Count, Max, Q, QuerySet, Sum

from leadpact.capture.models import Duplicate, ImportRun, Refusal, WriteKey
from leadpact.capture.rules.merging import Side
from leadpact.custody import queries as custody
from leadpact.custody.rules.projection import Held
from leadpact.kit.instants import DAY, HOUR
from leadpact.leads.models import Lead, Merge, Person, Touch


def keys() -> QuerySet[WriteKey]:
    """All write keys, newest first, with who made them."""
    return WriteKey.objects.select_related("by").order_by("-created_at", "-id")


def imports() -> QuerySet[ImportRun]:
    """All imports, newest first; without their rejects, which can be long."""
    return ImportRun.objects.select_related("by").defer("rejects").order_by("-started_at", "-id")


def refusals(*, since: int) -> QuerySet[Refusal, dict[str, object]]:
    """How many events of each key were refused since an instant, by reason, the most first."""
    return (
        Refusal.objects.filter(hour__gte=since // HOUR)
        .values("key_id", "key__name", "code")
        .annotate(total=Sum("events"))
        .order_by("-total", "key_id", "code")
    )


def quarantine(*, since: int | None = None) -> QuerySet[Touch]:
    """Touches that were seen to be a machine's, at arrival or later; they are kept and do not count."""
    found = Touch.objects.filter(Q(void_at__isnull=False) | Q(void__cause="automated"))
    if since is not None:
        found = found.filter(known_at__gte=since)
    return found.select_related("visitor__person__account", "void").order_by("-known_at", "-id")


def questions() -> QuerySet[Duplicate]:
    """Pairs of known people of whom nobody has said yet whether they are one, oldest first."""
    pairs = Duplicate.objects.filter(decided_at=None)
    return pairs.select_related("first__account", "second__account").order_by("found_at", "id")


def open_questions() -> int:
    """How many pairs wait for an answer."""
    return Duplicate.objects.filter(decided_at=None).count()


def answered_questions() -> QuerySet[Duplicate]:
    """Pairs that were decided, newest first."""
    pairs = Duplicate.objects.exclude(decided_at=None)
    return pairs.select_related("first__account", "second__account", "by").order_by("-decided_at", "-id")


def merger_of(one_id: int, other_id: int) -> Merge | None:
    """The merger in force between two people, whichever stayed; None where they are two records."""
    pair = (one_id, other_id)
    return Merge.objects.filter(survivor_id__in=pair, loser_id__in=pair, undone_at=None).first()


def question_of(one_id: int, other_id: int) -> Duplicate | None:
    """The question about two people, if one was asked."""
    pair = (one_id, other_id)
    return Duplicate.objects.filter(first_id__in=pair, second_id__in=pair).first()


def sides(people: Iterable[Person]) -> dict[int, Side]:
    """People as the rule of mergers looks at them: with their open lead, and who holds it. Two statements."""
    found = {person.pk: person for person in people}
    leads = dict(Lead.objects.filter(person_id__in=found, is_open=True).values_list("person_id", "pk"))
    held = custody.holdings(list(leads.values()))
    return {id_: side_of(person, held.get(leads.get(id_, 0))) for id_, person in found.items()}


def side_of(person: Person, held: Held | None) -> Side:
    """A person with how their open lead is held."""
    if held is None:
        return Side(person.pk, person.email is not None, person.created_at)
    return Side(
        person.pk, person.email is not None, person.created_at, held.lead_id, held.holder, held.state, held.since
    )


def counts(*, at: int) -> dict[str, int]:
    """What the room's front page says in numbers."""
    week = at - 7 * DAY
    return {
        "keys": WriteKey.objects.filter(revoked_at=None).count(),
        "touches": Touch.objects.filter(known_at__gte=week).count(),
        "automated": quarantine(since=week).count(),
        "questions": open_questions(),
        "refused": int(Refusal.objects.filter(hour__gte=week // HOUR).aggregate(total=Sum("events"))["total"] or 0),
    }


def sources(*, since: int) -> QuerySet[Lead, dict[str, object]]:
    """Where the leads of the time since an instant came from, the most first: channel, how many, the last one."""
    return (
        Lead.objects.filter(created_at__gte=since)
        .values("source")
        .annotate(total=Count("id"), last=Max("created_at"))
        .order_by("-total", "source")
    )


def import_run(run_id: int) -> ImportRun | None:
    """One import with its rejects."""
    return ImportRun.objects.select_related("by").filter(pk=run_id).first()


def first_rejects(run: ImportRun, most: int = 50) -> list[list[str]]:
    """(line, reason, row) of the first rejects."""
    rows = csv.reader(io.StringIO(run.rejects))
    next(rows, None)
    return [row for row in itertools.islice(rows, most) if len(row) == 3]
