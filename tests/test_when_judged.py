"""Verdicts are taken at batches of facts and at full hours, at no other instant; each says what was true then (Meaning 13)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from leadpact.capture.actions import intake
from leadpact.capture.rules.arrival import Arrival
from leadpact.custody.models import Entry, Holding
from leadpact.leads.models import Identifier, Lead, Person, Touch, Visitor
from leadpact.loop import clocks
from leadpact.loop import intake as door
from leadpact.loop.withdraw import withdraw
from leadpact.nurturing import actions as marketing
from leadpact.qualification.models import Judgement
from tests.cast import DAY, HOUR, T0, Cast, touch, traits

pytestmark = pytest.mark.django_db

MINUTE = 60_000_000
VERA, OTTO, INES = (f"{name}@ferro.example" for name in ("vera", "otto", "ines"))
AT = T0 // HOUR * HOUR + HOUR + 10 * MINUTE


def judged(email: str) -> list[tuple[int, str]]:
    """Instants and verdicts of a person's judgements in the ledger."""
    found = Entry.objects.filter(lead__person__email=email, move="judged").order_by("seq")
    return list(found.values_list("at", "verdict"))


def verdicts() -> dict[str | None, str]:
    return dict(Holding.objects.values_list("lead__person__email", "verdict"))


def test_a_batch_after_an_hour_that_is_late_says_first_what_was_true_then(cast: Cast) -> None:
    intake([touch("demo.requested", at=AT, email=VERA)], known_at=AT)
    over = AT + 7 * DAY  # the request leaves its window; the next full hour would say so
    again = over + 3 * HOUR
    intake([touch("demo.requested", at=again, email=VERA)], known_at=again)

    assert judged(VERA) == [(AT, "sales_ready"), (again, "prospect"), (again, "sales_ready")]
    as_of = Judgement.objects.get().as_of
    clocks.let_time_pass(at=again + MINUTE)
    assert judged(VERA)[3:] == [], "the sweep finds nothing left to say"
    assert Judgement.objects.get().as_of == as_of


def says(title: str, *, at: int) -> Arrival:
    """Vera says what she is, and does nothing."""
    told = touch("x", at=at, email=VERA, person=traits(**{"person.title": title}))
    return structs.replace(told, touch=None)


def test_who_only_says_again_what_was_known_waits_for_the_hour(cast: Cast) -> None:
    """No fact is left of it, so that a replay could not know that anybody asked."""
    intake([touch("demo.requested", at=AT, email=VERA), says("Buyer", at=AT)], known_at=AT)
    over = AT + 7 * DAY  # the request leaves its window; the next full hour says so
    intake([says("Buyer", at=over + MINUTE)], known_at=over + MINUTE)
    assert judged(VERA) == [(AT, "sales_ready")]
    intake([says("Head of buying", at=over + 2 * MINUTE)], known_at=over + 2 * MINUTE)
    assert judged(VERA) == [(AT, "sales_ready"), (over + 2 * MINUTE, "prospect")]


def test_where_custody_alone_changes_nobody_is_judged(cast: Cast) -> None:
    intake([touch("demo.requested", at=AT, email=VERA)], known_at=AT)
    lead = Lead.objects.get()
    seller = cast.cleo if Holding.objects.get().salesperson_id == cast.cleo.pk else cast.dara
    from leadpact.distribution import actions as sales

    sales.accept(lead_id=lead.pk, by=seller, at=AT + MINUTE)
    sales.reject(lead_id=lead.pk, by=seller, at=AT + 2 * MINUTE, reason="wrong_data")
    assert Holding.objects.get().state == "repair"
    over = AT + 7 * DAY
    clocks.let_time_pass(at=over - HOUR)
    before = Judgement.objects.get()

    # The request has left its window, and the hour that will say so has not come.
    marketing.mend(lead_id=lead.pk, by=cast.ada, at=over + MINUTE)

    assert Judgement.objects.get().as_of == before.as_of
    assert [verdict for _, verdict in judged(VERA)] == ["sales_ready"]
    assert Holding.objects.get().state == "offered", "the verdict that stands sends it to Sales"
    hour = (over // HOUR + 1) * HOUR
    clocks.let_time_pass(at=hour)
    assert judged(VERA)[1:] == [(hour, "prospect")]


def test_a_withdrawal_judges_whom_the_touch_counted_for(cast: Cast) -> None:
    for n, email in enumerate((VERA, OTTO, INES)):
        intake([touch("page.viewed", at=AT + n * MINUTE, email=email, path="/blog")], known_at=AT + n * MINUTE)
    assert set(verdicts().values()) == {"lead"}, "three people of the account are active"

    at = AT + HOUR
    ines = Touch.objects.get(visitor__person__email=INES)
    lead = withdraw(touch_id=ines.pk, cause="automated", by=cast.ada, at=at)

    assert lead == Lead.objects.get(person__email=INES).pk
    assert set(verdicts().values()) == {"prospect"}
    assert {judged(email)[-1] for email in (VERA, OTTO, INES)} == {(at, "prospect")}


def test_who_is_found_to_be_of_an_account_is_judged_with_everybody_there(cast: Cast) -> None:
    for n, email in enumerate((VERA, OTTO)):
        intake([touch("page.viewed", at=AT + n * MINUTE, email=email, path="/blog")], known_at=AT + n * MINUTE)
    intake([touch("page.viewed", at=AT + 3 * MINUTE, user_id="u1", path="/blog")], known_at=AT + 3 * MINUTE)
    assert set(verdicts().values()) == {"prospect"}

    at = AT + HOUR + MINUTE
    late = touch("email.sent", at=at, user_id="u1", email=INES)
    intake([late], known_at=at)

    person = Person.objects.get(email=INES)
    assert person.account_known_at == at
    assert set(verdicts().values()) == {"lead"}
    assert {judged(email)[-1] for email in (VERA, OTTO, INES)} == {(at, "lead")}


def test_a_trail_tied_by_a_batch_that_waited_is_known_after_it(cast: Cast) -> None:
    intake([touch("page.viewed", at=AT, email=VERA, path="/pricing")], known_at=AT)
    intake([touch("page.viewed", at=AT, anonymous_id="b1", path="/pricing")], known_at=AT)
    # It set out at AT as well, and came to the lead when that had been judged as of AT.
    intake([touch("page.viewed", at=AT, anonymous_id="b1", email=VERA, path="/pricing")], known_at=AT)

    latest = Touch.objects.order_by("-pk")[0]
    assert latest.known_at == AT + 1
    assert set(Visitor.objects.filter(touches__known_at=AT).values_list("tied_known_at", flat=True)) == {AT, AT + 1}


def test_all_that_a_batch_that_waited_says_of_whose_a_trail_is_is_known_after_it(cast: Cast) -> None:
    intake([touch("page.viewed", at=AT, email=VERA, path="/pricing")], known_at=AT)
    # Made and tied by one batch: a browser of Vera's, and Ines, of whom nothing was known.
    intake(
        [
            touch("page.viewed", at=AT, anonymous_id="b2", path="/pricing"),
            touch("page.viewed", at=AT, anonymous_id="b2", email=VERA, path="/pricing"),
            touch("page.viewed", at=AT, anonymous_id="b3", path="/pricing"),
            touch("page.viewed", at=AT, anonymous_id="b3", email=INES, path="/pricing"),
        ],
        known_at=AT,
    )

    later = Touch.objects.filter(known_at=AT + 1)
    assert later.count() == 4
    browsers = Identifier.objects.filter(kind="anonymous_id")
    assert set(browsers.values_list("visitor__person__email", "visitor__tied_known_at")) == {
        (VERA, AT + 1),
        (INES, AT + 1),
    }
    ines, vera = Person.objects.get(email=INES), Person.objects.get(email=VERA)
    assert (ines.created_at, ines.account_known_at) == (AT + 1, AT + 1)
    assert Lead.objects.get(person=ines).created_at == AT + 1
    assert (vera.created_at, vera.account_known_at) == (AT, AT), "who was known stays as it was"


def test_whose_trail_turns_out_to_be_known_later_is_judged_as_of_then(cast: Cast) -> None:
    """A browser says who it is, then asks for a demo; the second call comes to its turn first."""
    later = AT + MINUTE
    intake([touch("page.viewed", at=AT, anonymous_id="b4")], known_at=AT)
    intake([touch("demo.requested", at=later, anonymous_id="b4")], known_at=later)
    intake([touch("page.viewed", at=AT + 1, anonymous_id="b4", email=VERA)], known_at=AT + 1)

    assert judged(VERA) == [(later, "sales_ready")]
    assert Holding.objects.get().state == "offered"
    assert set(Visitor.objects.exclude(person=None).values_list("tied_known_at", flat=True)) == {later}


def test_a_late_hour_does_not_see_ties_that_are_known_after_it(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int | None] = []
    original = door.catch_up

    def looks(*args: Any, **named: Any) -> Any:
        seen.extend(Visitor.objects.filter(identifiers__value="b5").values_list("tied_known_at", flat=True))
        return original(*args, **named)

    intake([touch("page.viewed", at=AT, anonymous_id="b5")], known_at=AT)
    intake([touch("page.viewed", at=AT + 500, email=VERA)], known_at=AT + 500)
    monkeypatch.setattr(door, "catch_up", looks)
    intake([touch("page.viewed", at=AT, anonymous_id="b5", email=VERA)], known_at=AT + 1)
    assert seen == [AT + 501]


def test_of_two_values_of_one_instant_the_one_learnt_later_stands(cast: Cast) -> None:
    for n, size in enumerate((900, 100)):
        intake(
            [touch("page.viewed", at=AT, email=VERA, account=traits(**{"account.employees": size}))], known_at=AT + n
        )
    person = Person.objects.get()
    assert person.account is not None
    assert person.account.cells["account.employees"]["t"] == "100"
