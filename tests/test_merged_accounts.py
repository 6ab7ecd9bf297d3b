"""A merger gives an account, its undoing takes it back, another comes: what is judged as of then knows which it was."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from django.db import connection

from leadpact.agreement.queries import in_force
from leadpact.capture.actions import intake
from leadpact.custody.models import Entry
from leadpact.language.evaluate import evaluate
from leadpact.leads.models import Lead, Merge, Person
from leadpact.loop import merging
from leadpact.qualification import actions as qualification
from leadpact.qualification import queries
from leadpact.team.models import User
from tests.cast import DAY, HOUR, T0, Cast, touch, traits

HOME, LARGE, SMALL = "vera@gmail.com", "v.novak@ferro.example", "vera@alba.example"
THERE = "buyer@ferro.example"
FILL = importlib.import_module("leadpact.leads.migrations.0007_accounts_that_went").FILL
Told = dict[int, tuple[Any, ...]]


def came(email: str, kind: str, *, at: int, **more: Any) -> Lead:
    intake([touch(kind, at=at, email=email, **more)], known_at=at)
    return Lead.objects.get(person__email=email)


def join(one: str, other: str, *, by: User, at: int) -> Merge:
    people = [Person.objects.get(email=email).pk for email in (one, other)]
    return merging.merge_people(first_id=people[0], second_id=people[1], by=by, at=at)


def as_of(leads: list[int], at: int) -> Told:
    """The statement's verdicts as of an instant, which are the reference's."""
    version = in_force(at)
    assert version is not None
    told: Told = {}
    for one in qualification.judge(lead_ids=leads, as_of=at, version=version, history=True):
        told[one.lead_id] = (one.verdict, one.fit, one.engagement, one.readiness)
        known = queries.history(one.lead_id, as_of=at)
        right = evaluate(version.agreement, known.lead(str(one.lead_id)), known, at)
        names = ("fit", "engagement", "readiness")
        assert told[one.lead_id] == (right.verdict, *(right.scores[name] for name in names))
    return told


def now(leads: list[int], at: int) -> Told:
    """What the running system says, which reads what is beside each record now."""
    version = in_force(at)
    assert version is not None
    judged = qualification.judge(lead_ids=leads, as_of=at, version=version)
    return {one.lead_id: (one.verdict, one.fit, one.engagement, one.readiness) for one in judged}


@pytest.mark.django_db
def test_each_account_that_somebody_had_counts_as_of_then(cast: Cast) -> None:
    large = traits(**{"account.industry": "Logistics", "account.employees": 900})
    mine = came(HOME, "paper.downloaded", at=T0 + HOUR)
    came(LARGE, "page.viewed", at=T0 + 2 * HOUR, account=large)
    colleague = came(THERE, "page.viewed", at=T0 + 3 * HOUR)
    came("second." + THERE, "page.viewed", at=T0 + 4 * HOUR)
    small = traits(**{"account.industry": "Logistics", "account.employees": 5})
    came(SMALL, "page.viewed", at=T0 + 5 * HOUR, account=small)
    leads = [mine.pk, colleague.pk]
    seen: dict[int, Told] = {}

    def look(at: int) -> None:
        seen[at] = now(leads, at)

    look(T0 + DAY)
    first = join(HOME, LARGE, by=cast.ada, at=T0 + 2 * DAY)
    look(T0 + 3 * DAY)
    merging.part(merge_id=first.pk, by=cast.ada, at=T0 + 4 * DAY)
    look(T0 + 5 * DAY)
    second = join(HOME, SMALL, by=cast.ada, at=T0 + 6 * DAY)
    look(T0 + 7 * DAY)
    merging.part(merge_id=second.pk, by=cast.ada, at=T0 + 8 * DAY)
    look(T0 + 9 * DAY)
    intake([touch("page.viewed", at=T0 + 10 * DAY, email=HOME, user_id="7")], known_at=T0 + 10 * DAY)
    again = join(HOME, LARGE, by=cast.ada, at=T0 + 11 * DAY)
    look(T0 + 12 * DAY)

    assert [merge.gave_account_id for merge in (first, second)] == [
        Person.objects.get(email=email).account_id for email in (LARGE, SMALL)
    ]
    assert again.gave_account_id == first.gave_account_id
    assert [told[mine.pk][1] for told in seen.values()] == [0, 40_000, 0, 20_000, 0, 40_000]
    engaged = [told[colleague.pk][2] for told in seen.values()]
    assert engaged[0] == engaged[1] == 15_000, "three are active there: the record that joined, or the one it joined"
    for at, told in seen.items():
        assert as_of(leads, at) == told, (at - T0) // DAY

    moments = [(lead, at) for at in seen for lead in leads]
    version = in_force(T0)
    assert version is not None
    met = qualification.judge_each(moments=moments, agreement_hash=version.hash)
    assert len(met) == len(moments)
    for one in met:
        assert (one.verdict, one.fit, one.engagement, one.readiness) == seen[one.as_of][one.lead_id]


@pytest.mark.django_db
def test_what_a_parting_took_before_that_was_written_down_is_told_where_it_is_certain(cast: Cast) -> None:
    mine = came(HOME, "paper.downloaded", at=T0 + HOUR)
    came(LARGE, "page.viewed", at=T0 + 2 * HOUR)
    came(SMALL, "page.viewed", at=T0 + 3 * HOUR)
    gave = join(HOME, LARGE, by=cast.ada, at=T0 + DAY)
    inside = join(HOME, SMALL, by=cast.ada, at=T0 + 2 * DAY)
    merging.part(merge_id=inside.pk, by=cast.ada, at=T0 + 3 * DAY)
    merging.part(merge_id=gave.pk, by=cast.ada, at=T0 + 4 * DAY)
    had_one = join(LARGE, SMALL, by=cast.ada, at=T0 + 5 * DAY)
    merging.part(merge_id=had_one.pk, by=cast.ada, at=T0 + 6 * DAY)
    truth = list(Merge.objects.order_by("pk").values_list("pk", "gave_account_id"))
    assert [bool(account) for _, account in truth] == [True, False, False]
    assert Person.objects.get(pk=mine.person_id).account_id is None
    Merge.objects.update(gave_account=None)
    with connection.cursor() as cursor:
        cursor.execute(FILL)
    assert list(Merge.objects.order_by("pk").values_list("pk", "gave_account_id")) == truth


@pytest.mark.django_db
def test_hours_that_a_late_sweep_has_not_come_to_are_judged_before_a_record_goes(cast: Cast) -> None:
    came(LARGE, "seminar.attended", at=T0 + HOUR)
    other = came(SMALL, "seminar.attended", at=T0 + 2 * HOUR)
    done = join(LARGE, SMALL, by=cast.ada, at=T0 + 60 * DAY)
    assert done.loser_lead_id == other.pk
    entries = list(Entry.objects.filter(lead=other).order_by("seq").values_list("move", "verdict", "at"))
    assert entries[-2:] == [("judged", "prospect", T0 + 60 * DAY), ("merged_into", entries[-1][1], T0 + 60 * DAY)]
    current = queries.current(other.pk)
    assert current is not None
    assert current.as_of % HOUR == 0
    # 20 points that fade over 180 days are below 15 after 46 days; the hour that says so is long over.
    assert T0 + 46 * DAY < current.as_of < done.at
