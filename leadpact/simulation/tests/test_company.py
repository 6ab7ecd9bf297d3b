from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from leadpact.language.kinds import KINDS
from leadpact.simulation.calls import Event
from leadpact.simulation.company import Company
from leadpact.simulation.staff import DAY

START = datetime(2025, 1, 6, tzinfo=UTC)
DIGEST = """
import hashlib, json
from datetime import UTC, datetime
from leadpact.simulation.company import Company
company = Company({seed}, {leads}, datetime(2025, 1, 6, tzinfo=UTC), {days})
told = hashlib.sha256()
for event in company.events():
    told.update(json.dumps([event.at, event.kind, event.who, event.payload, event.automated], sort_keys=True).encode())
for lead in range(1, 40):
    told.update(repr(company.answer(f"p{{lead:06d}}", company.start + lead * 86_400_000_000, "s02")).encode())
print(told.hexdigest())
"""


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(7, 1_500, START)


@pytest.fixture(scope="module")
def events(company: Company) -> list[Event]:
    return list(company.events())


def test_another_process_with_another_hash_seed_makes_the_same_company() -> None:
    code = DIGEST.format(seed=3, leads=120, days=60)
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": salt}, capture_output=True, check=True, text=True
        ).stdout
        for salt in ("1", "2")
    }
    assert len(digests) == 1


def test_other_seeds_make_other_companies() -> None:
    first, second = (next(iter(Company(seed, 50, START, 14).events())) for seed in (1, 2))
    assert first != second


def test_events_come_in_order_of_time_and_within_the_company_s_time(company: Company, events: list[Event]) -> None:
    instants = [event.at for event in events]
    assert instants == sorted(instants)
    assert company.start <= instants[0]
    assert instants[-1] < company.end


def test_every_call_has_its_own_message_id_and_tells_its_own_instant(events: list[Event]) -> None:
    assert len({event.payload["messageId"] for event in events}) == len(events)
    for event in events[::97]:
        told = datetime.fromisoformat(event.payload["timestamp"])
        assert told == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event.at)


def test_nobody_is_named_before_they_are_known(company: Company, events: list[Event]) -> None:
    known: set[str] = set()
    anonymous_first = 0
    ties = {}
    for event in events:
        who = event.payload.get("userId")
        if event.kind == "identify":
            known.add(str(who))
            if "anonymousId" in event.payload:
                ties[event.payload["anonymousId"]] = who
        elif who is not None:
            assert who in known
            assert event.who == who
        elif event.kind == "touch":
            assert event.who == event.payload["anonymousId"]
            anonymous_first += event.who not in ties
    assert len(known) == company.size
    assert anonymous_first > 100


def test_an_anonymous_trail_is_tied_by_the_identify_of_the_same_device(company: Company, events: list[Event]) -> None:
    person = next(p for p in company.people if p.visitor is not None and p.source == "website")
    tied = [e for e in events if e.kind == "identify" and e.who == person.key]
    assert [e.payload["anonymousId"] for e in tied] == [person.visitor]
    assert tied[0].at == person.created
    assert tied[0].payload["traits"]["email"] == person.email


def test_kinds_are_those_the_product_knows_and_about_twenty_a_lead(company: Company, events: list[Event]) -> None:
    touches = [event for event in events if event.kind == "touch"]
    kinds = Counter(event.payload.get("event", "page.viewed") for event in touches)
    assert set(kinds) <= set(KINDS)
    for kind in (
        "page.viewed",
        "paper.downloaded",
        "seminar.attended",
        "email.opened",
        "demo.requested",
        "call.answered",
    ):
        assert kinds[kind] > 0
    assert 15 < len(touches) / company.size < 28


def test_interest_shows_who_asks_for_a_demo_is_more_interested_than_others(
    company: Company, events: list[Event]
) -> None:
    asked = [e for e in events if e.payload.get("event") == "demo.requested"]
    who = np.array([company.position(e.who) for e in asked])
    when = [(e.at - company.start) / DAY for e in asked]
    then = np.array([company.crowd.waves.interest(who[i : i + 1], when[i])[0] for i in range(len(asked))])
    assert then.mean() > 4 * company.crowd.waves.interest(np.arange(company.size), 180.0).mean()


def test_machines_come_in_bursts_and_only_the_truth_knows_them(events: list[Event]) -> None:
    machines = [event for event in events if event.automated]
    assert 0.01 < len(machines) / len(events) < 0.15
    assert "automated" not in json.dumps([event.payload for event in machines])
    scanned = [e for e in machines if e.payload.get("event") == "email.clicked"]
    mails = {
        (e.who, e.payload["properties"]["campaign"]): e.at for e in events if e.payload.get("event") == "email.sent"
    }
    for click in scanned:
        assert 0 < click.at - mails[click.who, click.payload["properties"]["campaign"]] < 30_000_000


def test_duplicates_are_the_same_human_under_another_address(company: Company) -> None:
    people = {person.key: person for person in company.people}
    doubles = [person for person in company.people if person.duplicate_of]
    assert 0.02 < len(doubles) / company.size < 0.04
    for one in doubles:
        real = people[str(one.duplicate_of)]
        assert one.email != real.email
        assert one.created > real.created
        assert real.duplicate_of is None
    again, real = company.position(doubles[0].key), company.position(str(doubles[0].duplicate_of))
    assert np.array_equal(company.crowd.waves.start[again], company.crowd.waves.start[real])


def test_addresses_are_unique_and_company_mail_can_reach_nobody(company: Company) -> None:
    addresses = [person.email for person in company.people]
    assert len(set(addresses)) == len(addresses)
    for person in company.people:
        domain = person.email.partition("@")[2]
        assert domain.endswith((".example", ".example.edu")) or ".simulated-" in person.email
    assert len({account.domain for account in company.accounts}) == len(company.accounts)


def test_accounts_have_buying_groups_and_some_people_have_no_account(company: Company) -> None:
    groups = Counter(person.account for person in company.people if person.account)
    assert sum(1 for size in groups.values() if size >= 3) > 100
    assert 0.08 < sum(person.account is None for person in company.people) / company.size < 0.25


def test_spend_is_told_each_day_for_each_channel_that_costs(company: Company, events: list[Event]) -> None:
    bills = [event.payload["properties"] for event in events if event.kind == "spend"]
    days = {bill["day"] for bill in bills}
    assert len(days) == company.days
    assert min(days) == "2025-01-06"
    assert {"paid_search", "social", "event"} <= {bill["channel"] for bill in bills}
    assert all(float(bill["amount"]) > 0 and bill["currency"] == "USD" for bill in bills)


def test_salespeople_have_limits_and_are_away_and_leave() -> None:
    company = Company(7, 20_000, START)
    sellers = company.salespeople
    assert len({one.email for one in sellers}) == len(sellers) == 13
    assert any(one.leaves_at for one in sellers)
    assert any(len(one.hours) == 4 for one in sellers)
    away = sellers[0].absences[0]
    assert not sellers[0].present(away.starts_at)
    assert sellers[0].present(away.ends_at) or len(sellers[0].absences) > 1
    assert sum(one.capacity for one in sellers) > 20_000 * 0.3 / 52


def test_a_year_of_a_larger_company_streams() -> None:
    assert sum(1 for _ in Company(11, 3_000, START).events()) > 50_000


def test_a_call_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one lead"):
        Company(1, 0, START)
    with pytest.raises(ValueError, match="a week at least"):
        Company(1, 10, START, 6)
    with pytest.raises(ValueError, match="time zone"):
        Company(1, 10, START.replace(tzinfo=None))
    with pytest.raises(KeyError):
        Company(1, 10, START, 7).position("p000011")


def test_the_start_is_an_instant_not_a_wall_time() -> None:
    there = Company(1, 10, datetime(2025, 1, 6, 6, tzinfo=timezone(timedelta(hours=9))), 7)
    assert there.start == Company(1, 10, datetime(2025, 1, 5, tzinfo=UTC), 7).start
