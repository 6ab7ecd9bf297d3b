"""The one transaction: what comes in is tied, judged, handed over and offered; a repeat changes nothing."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace

from leadpact.capture.actions import intake
from leadpact.capture.actions.identify import Identified, identify
from leadpact.custody.models import Entry, Holding
from leadpact.distribution.models import Offer
from leadpact.kit import raw
from leadpact.leads.models import Account, AttributeFact, Lead, Person, Touch, Visitor
from leadpact.loop import intake as door
from leadpact.loop.judging import LockedLead, lock_leads
from leadpact.qualification.models import Judgement
from tests.cast import DAY, HOUR, T0, Cast, touch, traits

pytestmark = pytest.mark.django_db

FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})


def moves(lead: Lead) -> list[str]:
    return list(Entry.objects.filter(lead=lead).order_by("seq").values_list("move", flat=True))


def test_a_demo_request_is_offered_at_once(cast: Cast) -> None:
    taken = intake([touch("demo.requested", at=T0 + HOUR, email="vera@ferro.example", account=FIT)], known_at=T0 + HOUR)

    assert (taken.taken, taken.created, taken.judged, taken.handed_over) == (1, 1, 1, 1)
    lead = Lead.objects.get()
    assert moves(lead) == ["captured", "judged", "handed_over"]
    holding = Holding.objects.get(lead=lead)
    assert (holding.holder, holding.state, holding.due_what) == ("sales", "offered", "accept_within")
    offer = Offer.objects.get(lead=lead)
    assert offer.salesperson_id in {cast.cleo.pk, cast.dara.pk}
    judgement = Judgement.objects.get(lead=lead)
    assert (judgement.verdict, judgement.decided_by, judgement.fit) == ("sales_ready", "sales_ready.3", 40_000)
    assert Account.objects.get().domain == "ferro.example"


def test_the_same_message_counts_once(cast: Cast) -> None:
    arrival = touch("page.viewed", at=T0, email="vera@ferro.example", path="/pricing")
    intake([arrival, arrival], known_at=T0)
    again = intake([arrival], known_at=T0 + DAY)

    assert (again.taken, again.repeated) == (0, 1)
    assert Touch.objects.count() == 1


def test_an_anonymous_visitor_has_no_lead_until_known_and_then_brings_the_history(cast: Cast) -> None:
    pages = [touch("page.viewed", at=T0 + day * DAY, anonymous_id="a1", path="/pricing") for day in range(3)]
    for page in pages:
        intake([page], known_at=page.at)
    assert Lead.objects.count() == 0
    assert Visitor.objects.get().person_id is None

    known = T0 + 3 * DAY
    intake(
        [touch("paper.downloaded", at=known, anonymous_id="a1", email="vera@ferro.example", account=FIT)],
        known_at=known,
    )

    lead = Lead.objects.get()
    assert Visitor.objects.get().tied_known_at == known
    judgement = Judgement.objects.get(lead=lead)
    assert judgement.engagement == 15_000  # three days of the price page, capped at 15
    assert judgement.verdict == "lead"


def test_two_known_people_on_one_computer_stay_two(cast: Cast) -> None:
    intake([touch("page.viewed", at=T0, anonymous_id="shared", email="vera@ferro.example")], known_at=T0)
    intake([touch("page.viewed", at=T0 + 1, anonymous_id="shared", email="otto@halden.example")], known_at=T0 + 1)
    intake([touch("page.viewed", at=T0 + 2, anonymous_id="shared")], known_at=T0 + 2)

    assert Person.objects.count() == 2
    assert Lead.objects.count() == 2
    first = Person.objects.get(email="vera@ferro.example")
    assert Touch.objects.filter(visitor__person=first).count() == 2


def test_one_message_that_names_two_known_people_asks_a_person(cast: Cast) -> None:
    from leadpact.capture.models import Duplicate

    intake([touch("page.viewed", at=T0, email="vera@ferro.example")], known_at=T0)
    intake([touch("page.viewed", at=T0, user_id="u-7")], known_at=T0)
    intake([touch("page.viewed", at=T0, user_id="u-7", email="vera@ferro.example")], known_at=T0)

    assert Person.objects.count() == 2
    assert Duplicate.objects.count() == 1


def test_a_late_value_does_not_overwrite_a_newer_one(cast: Cast) -> None:
    def tell(value: int, at: int, known: int) -> None:
        intake(
            [touch("page.viewed", at=at, email="vera@ferro.example", account=traits(**{"account.employees": value}))],
            known_at=known,
        )

    tell(900, T0 + DAY, T0 + DAY)
    tell(50, T0, T0 + 2 * DAY)

    assert Account.objects.get().cells["account.employees"]["n"] == 900_000_000
    assert AttributeFact.objects.filter(field="account.employees").count() == 2


def test_a_competitor_is_closed_at_the_door(cast: Cast) -> None:
    intake([touch("demo.requested", at=T0, email="spy@initech.example")], known_at=T0)
    lead = Lead.objects.get()
    assert moves(lead) == ["captured", "judged", "disqualified"]
    assert not lead.is_open


def test_the_buying_group_moves_colleagues(cast: Cast) -> None:
    for number, name in enumerate(("vera", "otto", "ines")):
        at = T0 + number * HOUR
        intake([touch("page.viewed", at=at, email=f"{name}@ferro.example", account=FIT)], known_at=at)

    assert set(Judgement.objects.values_list("engagement", flat=True)) == {15_000}


def test_statements_do_not_grow_with_the_batch(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    for name in ("execute", "copy"):
        original = getattr(raw.RawCursor, name)

        def counting(self: Any, statement: Any, *args: Any, _original: Any = original, **named: Any) -> Any:
            sent.append(str(statement))
            return _original(self, statement, *args, **named)

        monkeypatch.setattr(psycopg.RawCursor, name, counting)

    def statements(size: int, first: int) -> int:
        arrivals = [
            touch("page.viewed", at=T0, email=f"p{n}@c{n}.example", path="/pricing", account=FIT)
            for n in range(first, first + size)
        ]
        del sent[:]
        with CaptureQueriesContext(connection) as context:
            intake(arrivals, known_at=T0 + HOUR)
        return len(sent) + len(context.captured_queries)

    statements(1, 0)  # loads the agreement
    small, large = statements(5, 10), statements(60, 1_000)
    assert small == large
    assert 15 < large < 35


def test_what_is_planned_while_tables_are_empty_reads_by_key(cast: Cast) -> None:
    """Plans are made once for a connection: one that was made on a new installation must do when it has grown."""
    on = connection.connection
    on.execute("DEALLOCATE ALL")
    on.prepare_threshold, on._prepared = 0, type(on._prepared)()
    for hour in range(2):
        at = T0 + hour * HOUR
        fit = traits(**{"account.industry": "Logistics", "account.employees": 900 + hour})
        intake(
            [
                touch("page.viewed", at=at, anonymous_id="a1", path="/pricing"),
                touch("paper.downloaded", at=at, email="vera@ferro.example", account=fit),
                touch("demo.requested", at=at, email="ines@ferro.example", account=fit),
            ],
            known_at=at,
        )
    plans = _plans(on)
    assert len(plans) > 8
    assert any("custody_holding" in statement and "merged_into_id" in statement for statement in plans)
    _read_by_key(plans)


def _plans(on: Any) -> dict[str, str]:
    plans: dict[str, str] = {}
    known = "SELECT name, statement, cardinality(parameter_types) FROM pg_prepared_statements"
    for name, statement, parameters in on.execute(known).fetchall():
        if statement.lstrip().startswith(("SELECT", "WITH", "UPDATE")) and "leads_" in statement:
            given = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
            rows = on.execute(f'EXPLAIN (COSTS OFF) EXECUTE "{name}"{given}').fetchall()
            plans[statement] = "\n".join(row[0] for row in rows)
    return plans


def _read_by_key(plans: dict[str, str]) -> None:
    for statement, plan in plans.items():
        assert "Seq Scan" not in plan, f"{statement}\n{plan}"
        lines = plan.splitlines()
        # An index entered with nothing but "is null" gives nearly the whole table.
        bare = [line for line in lines if "Index Cond" in line and "IS NULL" in line and "=" not in line]
        assert bare == [], f"{statement}\n{plan}"


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, set[int]]]:
    """For each time a batch is tied: whether everybody was locked, and who was not."""
    tries: list[tuple[bool, set[int]]] = []

    def watched(*args: Any, lock_all: bool, **named: Any) -> Identified:
        found = identify(*args, lock_all=lock_all, **named)
        tries.append((lock_all, set(found.unlocked)))
        return found

    monkeypatch.setattr(door, "identify", watched)
    return tries


def test_who_is_only_touched_is_locked_by_their_lead_alone(cast: Cast, locked: list[tuple[bool, set[int]]]) -> None:
    intake([touch("page.viewed", at=T0, email="vera@ferro.example", path="/")], known_at=T0)
    person = Person.objects.get()
    intake([touch("page.viewed", at=T0 + 1, email="vera@ferro.example", path="/pricing")], known_at=T0 + 1)
    told = touch("page.viewed", at=T0 + 2, email="vera@ferro.example", person=traits(**{"person.title": "Buyer"}))
    intake([told], known_at=T0 + 2)
    assert locked == [(False, set()), (False, {person.pk}), (False, set())]


@pytest.mark.parametrize("changed", ["ties_version = ties_version + 1", "account_id = NULL"])
def test_who_was_changed_meanwhile_is_read_again(
    changed: str, cast: Cast, locked: list[tuple[bool, set[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is merged, or placed, between the look at them and the lock of their lead: the batch starts afresh."""
    intake([touch("page.viewed", at=T0, email="vera@ferro.example", account=FIT)], known_at=T0)
    person = Person.objects.get()
    del locked[:]

    def late(**named: Any) -> dict[int, LockedLead]:
        if len(locked) == 1:
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE leads_person SET {changed}")
        return lock_leads(**named)

    monkeypatch.setattr(door, "lock_leads", late)
    taken = intake([touch("page.viewed", at=T0 + 1, email="vera@ferro.example", path="/pricing")], known_at=T0 + 1)
    assert (taken.taken, taken.repeated) == (1, 0)
    assert locked == [(False, {person.pk}), (True, set())]
    assert Touch.objects.count() == 2
    person.refresh_from_db()
    assert (person.ties_version, person.account_id is None) == (0, False), "what the lost attempt did is undone"


def test_a_customer_who_comes_back_gets_one_new_lead_under_a_lock(
    cast: Cast, locked: list[tuple[bool, set[int]]]
) -> None:
    intake([touch("page.viewed", at=T0, email="vera@ferro.example", path="/")], known_at=T0)
    Holding.objects.update(state="won", holder="closed")
    Lead.objects.update(is_open=False)
    del locked[:]
    intake([touch("page.viewed", at=T0 + HOUR, email="vera@ferro.example", path="/")], known_at=T0 + HOUR)
    assert Lead.objects.count() == 2
    assert [everybody for everybody, _ in locked] == [False, True]


@pytest.mark.parametrize(
    "text",
    ["tab\there", "two\nlines\r", "back\\slash \\t \\N", "\\N", "\\.", 'quote " and \u2028', "emoji \U0001f600", ""],
)
def test_awkward_texts_of_a_touch_come_back_as_they_were(cast: Cast, text: str) -> None:
    arrival = touch("page.viewed", at=T0, email="vera@ferro.example", title=text, **{f"key {text}": text})
    assert arrival.touch is not None
    arrival = replace(arrival, touch=replace(arrival.touch, channel=f"by {text}"[:60], campaign=text))
    intake([arrival, touch("page.viewed", at=T0, email="vera@ferro.example")], known_at=T0)

    first, second = Touch.objects.order_by("pk")
    assert first.properties == {"title": text, f"key {text}": text}
    assert (first.channel, first.campaign, first.user_id, first.void_at) == (f"by {text}", text, None, None)
    assert second.properties == {}
