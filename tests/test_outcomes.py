"""Answers of the past, from a file: each becomes the ledger entries that lead to it, once."""

from __future__ import annotations

from datetime import date
from hashlib import blake2b

import pytest

from leadpact.capture.actions import answers, intake
from leadpact.capture.rules.answers import OutcomeRow, SpendRow
from leadpact.custody.models import Entry, Holding
from leadpact.leads.models import Lead
from leadpact.loop.clocks import judge_waiting
from leadpact.tracking.models import Opportunity, Spend
from tests.cast import DAY, T0, Cast, touch

pytestmark = pytest.mark.django_db


def row(email: str, outcome: str, day: int, **more: object) -> OutcomeRow:
    message = blake2b(f"{email} {outcome} {day}".encode(), digest_size=16).digest()
    return OutcomeRow(message, ("email", email), T0 + day * DAY, outcome, line=day, **more)  # type: ignore[arg-type]


def known(email: str) -> Lead:
    intake([touch("page.viewed", at=T0, email=email)], known_at=T0 + DAY, historic=True)
    return Lead.objects.get(person__email=email)


def moves(lead: Lead) -> list[str]:
    return list(Entry.objects.filter(lead=lead).order_by("seq").values_list("move", flat=True))


def test_a_win_tells_the_whole_story(cast: Cast) -> None:
    lead = known("vera@ferro.example")
    told = [
        row("vera@ferro.example", "won", 30, value=120_050),
        row("vera@ferro.example", "accepted", 3, salesperson="cleo@northwind.example"),
    ]

    assert answers(told, at=T0 + 40 * DAY).taken == 2

    assert moves(lead) == ["captured", "judged", "handed_over", "accepted", "won"]
    assert Holding.objects.get(lead=lead).state == "won"
    assert Opportunity.objects.get(lead=lead).value == 120_050
    assert Entry.objects.get(lead=lead, move="handed_over").salesperson == cast.cleo


def test_a_rejection_goes_where_the_agreement_sends_it(cast: Cast) -> None:
    lead = known("otto@halden.example")
    judge_waiting(at=T0 + 2 * DAY)
    answers([row("otto@halden.example", "rejected", 4, reason="not_now")], at=T0 + 40 * DAY)

    holding = Holding.objects.get(lead=lead)
    assert (holding.holder, holding.state, holding.reason) == ("marketing", "resting", "not_now")


def test_a_refused_row_can_be_mended_and_a_taken_one_counts_once(cast: Cast) -> None:
    known("otto@halden.example")
    wrong = row("otto@halden.example", "rejected", 4, reason="nonsense")
    first = answers([wrong, row("nobody@halden.example", "won", 5)], at=T0 + 40 * DAY)
    assert (first.taken, [line for line, _ in first.refused]) == (0, [4, 5])
    assert "not_now" in first.refused[0][1]

    mended = row("otto@halden.example", "rejected", 4, reason="not_now")
    assert answers([mended], at=T0 + 41 * DAY).taken == 1
    assert answers([mended], at=T0 + 42 * DAY).repeated == 1


def test_spend_counts_once(cast: Cast) -> None:
    bill = SpendRow("a" * 64, "social", "", date(2026, 1, 5), 10_000)
    assert answers([bill], at=T0).taken == 1
    assert answers([bill], at=T0).repeated == 1
    assert Spend.objects.get().amount == 10_000
