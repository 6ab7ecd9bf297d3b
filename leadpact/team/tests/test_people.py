"""People: who may change what, absences, closing an account, the list and its CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import DAY, HOUR
from leadpact.team import queries
from leadpact.team.actions import keys, members
from leadpact.team.models import Absence, User

WORK = {
    "role": "salesperson",
    "department": "sales",
    "takes_leads": "on",
    "weight": "3",
    "cap": "12",
    "hours": "mon-fri 9:00-17:00",
}


def test_everybody_reads_the_team_and_managers_change_it(
    cast: dict[str, User], browser: Callable[[str], Client]
) -> None:
    bo = cast["bo"]
    for who in cast:
        page = browser(who).get(f"/team/{bo.pk}/")
        assert page.status_code == 200
        assert (b"Most in hand</label>" in page.content) == (who in {"ada", "dara"})
    assert browser("dara").post(f"/team/{bo.pk}/work/", WORK).status_code == 303
    bo.refresh_from_db()
    assert (bo.weight, bo.cap, bo.hours) == (3, 12, {"mon-fri": "9:00-17:00"})
    for who in ("bo", "cleo"):
        assert browser(who).post(f"/team/{bo.pk}/work/", WORK).status_code == 403


@pytest.mark.parametrize(
    ("hours", "says"),
    [
        ("mon-fri 17:00-09:00", b"no span of hours"),
        ("someday 09:00-17:00", b"names no days"),
        ("mon 09:00-17:00; mon 18:00-19:00", b"stands twice"),
        ("mon 09:00-12:00, 11:00-17:00", b"overlap"),
    ],
)
def test_hours_that_cannot_be_read_are_quoted(
    cast: dict[str, User], browser: Callable[[str], Client], hours: str, says: bytes
) -> None:
    answer = browser("dara").post(f"/team/{cast['bo'].pk}/work/", {**WORK, "hours": hours})
    assert answer.status_code == 422
    assert says in answer.content
    cast["bo"].refresh_from_db()
    assert cast["bo"].hours is None


def test_nobody_makes_themselves_operations(cast: dict[str, User], browser: Callable[[str], Client]) -> None:
    there = f"http://testserver/team/{cast['dara'].pk}/"
    answer = browser("dara").post(
        f"{there}work/", {**WORK, "role": "operations"}, follow=True, headers={"referer": there}
    )
    assert b"Only operations can change somebody of operations" in answer.content
    cast["dara"].refresh_from_db()
    assert cast["dara"].role == "manager"


def test_somebody_remains_in_operations(cast: dict[str, User]) -> None:
    ada = cast["ada"]
    with pytest.raises(CannotDo, match="must remain"):
        members.change_work(
            user=ada,
            by=ada,
            role="manager",
            department="sales",
            takes_leads=False,
            weight=1,
            cap=1,
            is_catch_all=False,
            hours=None,
        )


def test_the_catch_all_queue_has_one_owner(cast: dict[str, User], browser: Callable[[str], Client]) -> None:
    for who in ("bo", "dara"):
        role = cast[who].role
        browser("ada").post(f"/team/{cast[who].pk}/work/", {**WORK, "role": role, "is_catch_all": "on"})
        owner = queries.catch_all_owner()
        assert owner is not None
        assert owner.pk == cast[who].pk
    with pytest.raises(CannotDo, match="catch-all"):
        members.close_account(user=cast["dara"], by=cast["ada"], at=clock.now())


def test_an_absence_is_whole_days_in_the_zone_of_whoever_is_away(
    cast: dict[str, User], browser: Callable[[str], Client]
) -> None:
    bo = cast["bo"]
    bo.timezone = "America/New_York"
    bo.save()
    browser("bo").post(f"/team/{bo.pk}/absences/", {"first": "2026-12-24", "last": "2026-12-26"})
    absence = Absence.objects.get()
    assert absence.starts_at == 1_798_088_400_000_000  # 2026-12-24 05:00 UTC
    assert absence.ends_at - absence.starts_at == 3 * DAY
    assert b"24 \xe2\x80\x93 26 Dec" in browser("ada").get(f"/team/{bo.pk}/").content
    again = browser("bo").post(f"/team/{bo.pk}/absences/", {"first": "2026-12-26", "last": "2026-12-30"})
    assert b"stands in these days already" in again.content
    assert (
        browser("cleo").post(f"/team/{bo.pk}/absences/", {"first": "2027-01-04", "last": "2027-01-05"}).status_code
        == 409
    )
    assert Absence.objects.count() == 1
    browser("cleo").post(f"/team/absences/{absence.pk}/remove/")
    assert Absence.objects.count() == 1
    browser("dara").post(f"/team/absences/{absence.pk}/remove/")
    assert not Absence.objects.exists()


def test_who_is_away_now(cast: dict[str, User]) -> None:
    now = clock.now()
    Absence.objects.create(user=cast["bo"], starts_at=now - HOUR, ends_at=now + HOUR)
    Absence.objects.create(user=cast["cleo"], starts_at=now + HOUR, ends_at=now + DAY)
    away = {one.email for one in queries.people(at=now) if queries.is_away(one)}
    assert away == {"bo@northwind.example"}
    assert queries.tallies(at=now) == {"people": 4, "takers": 1, "away": 1}


def test_a_closed_account_is_out_at_once(cast: dict[str, User], browser: Callable[[str], Client]) -> None:
    bo = browser("bo")
    key = keys.create_key(name="export", scopes=["read"], user=cast["bo"], by=cast["ada"], at=clock.now())
    members.close_account(user=cast["bo"], by=cast["dara"], at=clock.now())
    assert bo.get("/team/me/").status_code == 302
    assert queries.working_key(key) is None
    with pytest.raises(CannotDo, match="your own account"):
        members.close_account(user=cast["dara"], by=cast["dara"], at=clock.now())
    browser("dara").post(f"/team/{cast['bo'].pk}/open/")
    cast["bo"].refresh_from_db()
    assert cast["bo"].is_active
    assert not cast["bo"].takes_leads
    assert queries.working_key(key) is None


def test_the_list_filters_sorts_and_becomes_a_file(browser: Callable[[str], Client]) -> None:
    dara = browser("dara")
    names = [one.name for one in dara.get("/team/?sort=-name&role=salesperson").context["list"].rows]
    assert names == ["Bo"]
    assert [one.name for one in dara.get("/team/?sort=-name").context["list"].rows] == ["Dara", "Cleo", "Bo", "Ada"]
    assert [one.name for one in dara.get("/team/?q=CLE&sort=nonsense&page=99").context["list"].rows] == ["Cleo"]
    assert [one.name for one in dara.get("/team/?now=away").context["list"].rows] == []
    answer = dara.get("/team/?format=csv&role=manager")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="people.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["Person"], row["E-mail"], row["Now"]) for row in rows] == [
        ("Dara", "dara@northwind.example", "present")
    ]


def test_the_list_asks_as_much_for_many_as_for_few(browser: Callable[[str], Client]) -> None:
    dara = browser("dara")

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries_made:
            assert dara.get("/team/").status_code == 200
        return len(queries_made)

    asked()
    few = asked()
    User.objects.bulk_create(
        User(email=f"{number}@ferro.example", name=f"Person {number}", role="salesperson", takes_leads=True)
        for number in range(40)
    )
    assert asked() == few


def test_ones_own_profile(cast: dict[str, User], browser: Callable[[str], Client]) -> None:
    bo = browser("bo")
    assert bo.post("/team/me/", {"name": "Bo B.", "timezone": "Asia/Tokyo"}).status_code == 303
    cast["bo"].refresh_from_db()
    assert (cast["bo"].name, cast["bo"].timezone) == ("Bo B.", "Asia/Tokyo")
    assert bo.post("/team/me/", {"name": "Bo", "timezone": "Mars/Olympus"}).status_code == 422
    assert bo.get("/team/999999/").status_code == 409
