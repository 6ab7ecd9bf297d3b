"""A new need after a win is a new lead: it counts what its person does from there on, and its account what everybody did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from leadpact.agreement.queries import in_force
from leadpact.capture.actions import intake
from leadpact.custody.models import Holding
from leadpact.distribution import actions as sales
from leadpact.lake.export import export
from leadpact.lake.history import agreement_of, judged, load
from leadpact.lake.replay import replay
from leadpact.lake.store import Store
from leadpact.language.tests.engines import DuckDB, Reference
from leadpact.leads.models import Lead
from leadpact.loop import clocks
from leadpact.qualification.actions import compare, judge, judge_each
from leadpact.qualification.queries import history
from leadpact.team.models import User
from tests.cast import HOUR, T0, make_cast, sign, touch
from tests.test_replayed import Change, by_the_reference, changes, until_won

pytestmark = pytest.mark.django_db(transaction=True)

SIGNED = """
leadpact: 1
name: Whole accounts
market: {timezone: America/Chicago, business_hours: {mon-fri: "08:00-18:00"}}
engagement:
  - {id: seminar, says: Somebody came, each: {touch: seminar.attended, by: account, within: 60 days}, points: 5}
  - {id: pages, says: Reads, each: {touch: page.viewed, within: 60 days}, points: 1}
  - {id: group, says: Two are active, if: {account.active_people: {at_least: 2, within: 30 days}}, points: 15}
verdicts:
  sales_ready: {any: [{touch: demo.requested, within: 7 days}]}
  lead: {any: [{engagement: {at_least: 20}}]}
"""
VERA, OTTO = "vera@ferro.example", "otto@ferro.example"
NOW = T0 + 9 * HOUR


def lead_of(email: str) -> int:
    return int(Lead.objects.filter(person__email=email).latest("pk").pk)


def win(lead: int) -> None:
    """Accepted, qualified, an opportunity, and won three hours after T0, by whoever it was offered to."""
    by = User.objects.get(pk=Holding.objects.get(lead_id=lead).salesperson_id)
    sales.accept(lead_id=lead, by=by, at=T0 + 2 * HOUR)
    sales.qualify(lead_id=lead, by=by, at=T0 + 2 * HOUR + 1)
    sales.open_opportunity(lead_id=lead, value=100_000, by=by, at=T0 + 2 * HOUR + 2)
    sales.won(lead_id=lead, value=100_000, by=by, at=T0 + 3 * HOUR)


def live() -> tuple[int, int, int]:
    """Vera is won; Otto, her colleague, comes; Vera comes again, in one batch with him. Returns both of hers, and his."""
    cast = make_cast()
    sign(cast, source=SIGNED)
    came = T0 + HOUR
    intake([touch(kind, at=came, email=VERA) for kind in ("seminar.attended", "demo.requested")], known_at=came)
    intake([touch("seminar.attended", at=came, email=VERA)], known_at=came + 1)
    first = lead_of(VERA)
    win(first)
    intake([touch("page.viewed", at=T0 + 4 * HOUR, email=OTTO)], known_at=T0 + 4 * HOUR)
    again = T0 + 5 * HOUR
    clocks.let_time_pass(at=again)
    intake([touch("page.viewed", at=again + 1, email=who) for who in (VERA, OTTO)], known_at=again + 1)
    clocks.let_time_pass(at=NOW)
    return first, lead_of(VERA), lead_of(OTTO)


def told(found: Any) -> tuple[str, dict[str, int | None]]:
    return found.verdict, dict(found.parts)


def test_an_account_counts_everybody_and_a_second_lead_its_own_from_the_win_on() -> None:
    first, second, colleague = live()
    version = in_force(NOW)
    assert version is not None
    assert Lead.objects.get(pk=second).counts_from == T0 + 3 * HOUR

    wanted = {
        second: ("lead", {"seminar": 10_000, "pages": 1_000, "group": 15_000}),
        colleague: ("lead", {"seminar": 10_000, "pages": 2_000, "group": 15_000}),
    }
    for past in (False, True):
        for asked in ([second], [colleague], [second, colleague], [first, colleague], [first, second, colleague]):
            found = {one.lead_id: told(one) for one in judge(lead_ids=asked, as_of=NOW, version=version, history=past)}
            assert {lead: found[lead] for lead in asked if lead != first} == {
                lead: wanted[lead] for lead in asked if lead != first
            }
            each = judge_each(moments=[(lead, NOW) for lead in asked], agreement_hash=version.hash)
            assert {one.lead_id: told(one) for one in each} == found
    assert not compare(version=version, as_of=NOW, size=10).problems

    duck = DuckDB()
    for lead in (second, colleague):
        known, asks = history(lead, as_of=NOW), [(str(lead), NOW)]
        rows = Reference().rows(version.agreement, known, asks)
        assert duck.rows(version.agreement, known, asks) == rows
        assert (rows[0][2], rows[0][7:10]) == (wanted[lead][0], tuple(wanted[lead][1].values()))
    duck.close()


def test_the_ledger_of_second_leads_is_what_a_replay_finds(tmp_path: Path) -> None:
    first, second, colleague = live()
    lake = tmp_path / "lake"
    with psycopg.connect(**connection.get_connection_params() | {"autocommit": True}) as own:
        export(own, lake, at=NOW)
    with Store() as store:
        load(store, lake)
        judged(store, lake)
        agreement = agreement_of(lake)
        replay(store, agreement, end=NOW)
        won = {str(first): T0 + 3 * HOUR}
        ran = changes(store, "hist_judged", "seq")
        found = until_won(changes(store, "replayed"), won)
        reference = until_won(by_the_reference(store, agreement, end=NOW), won)
    assert ran == found == reference
    again = T0 + 5 * HOUR + 1
    assert ran[str(second)] == [Change(again, "", "lead", "lead.1")]
    assert ran[str(colleague)] == [Change(T0 + 4 * HOUR, "", "lead", "lead.1")], (
        "nothing that Vera begins anew turns him"
    )


def test_who_is_alone_becomes_active_anew_after_a_win() -> None:
    """What a second lead's person did before is nobody's: the first touch after it may be what makes the lead."""
    cast, lone = make_cast(), "lone@gmail.com"
    sign(cast, source=SIGNED.replace("at_least: 2,", "at_least: 1,").replace("at_least: 20", "at_least: 15"))
    came = T0 + HOUR
    intake([touch(kind, at=came, email=lone) for kind in ("paper.downloaded", "demo.requested")], known_at=came)
    win(lead_of(lone))
    # What brings the second lead about happened before the win, and came late: so it does not count.
    late = T0 + 4 * HOUR
    intake([touch("paper.downloaded", at=came + 1, email=lone)], known_at=late)
    second = lead_of(lone)
    assert Holding.objects.get(lead_id=second).verdict == "prospect"

    intake([touch("paper.downloaded", at=late + 1, email=lone)], known_at=late + 1)

    version = in_force(late + 1)
    assert version is not None
    (afresh,) = judge(lead_ids=[second], as_of=late + 1, version=version)
    assert (afresh.verdict, Holding.objects.get(lead_id=second).verdict) == ("lead", "lead")
    again = intake([touch("paper.downloaded", at=late + 2, email=lone)], known_at=late + 2)
    assert again.judged == 0, "active already"
