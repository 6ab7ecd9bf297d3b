"""What an answer of Sales costs in statements: it must not grow, since each is a way to the database and back."""

from __future__ import annotations

import pytest

from leadpact.agreement.queries import in_force, one_version
from leadpact.capture.actions import intake
from leadpact.custody.models import Holding
from leadpact.custody.tests.statements import Statements
from leadpact.distribution import actions as sales
from leadpact.loop import clocks
from leadpact.qualification.models import Judgement
from leadpact.team.models import User
from tests.cast import DAY, HOUR, T0, Cast, touch

pytestmark = pytest.mark.django_db

MINUTE = 60_000_000
AT = T0 // HOUR * HOUR + HOUR + 10 * MINUTE


def _offered() -> tuple[int, User]:
    """A lead that was offered, and to whom."""
    intake([touch("demo.requested", at=AT, email="vera@ferro.example")], known_at=AT)
    held = Holding.objects.select_related("salesperson").get()
    assert held.state == "offered"
    assert held.salesperson is not None
    return held.lead_id, held.salesperson


def test_an_answer_reads_the_lead_and_the_agreement_once(cast: Cast) -> None:
    lead, seller = _offered()
    sales.accept(lead_id=lead, by=seller, at=AT + MINUTE)
    with Statements() as attempt:
        sales.follow_up(lead_id=lead, by=seller, at=AT + 2 * MINUTE, outcome="attempt")
    with Statements() as conversation:
        sales.follow_up(lead_id=lead, by=seller, at=AT + 3 * MINUTE, outcome="conversation")
    for sent in (attempt.sent, conversation.sent):
        assert sum("agreement_effect" in one for one in sent) == 1
        assert sum("FROM custody_holding h WHERE" in one for one in sent) == 1, "locked, and not read again"
    # Lock, agreement, entry with holding, touch with whom it may concern.
    assert len([one for one in attempt.sent if "SAVEPOINT" not in one]) == 4, attempt.sent


def test_a_transaction_goes_by_one_version(cast: Cast) -> None:
    told = in_force(AT)
    assert told is not None
    with one_version(None, at=AT):
        with Statements() as inside:
            assert in_force(AT) is None
        assert inside.sent == []
        assert in_force(AT + 1) == told, "another instant is asked for"
    assert in_force(AT) == told


def test_an_hour_with_more_leads_than_a_set_is_let_pass_whole(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "CHUNK", 2)
    people = [f"p{n}@firm{n}.example" for n in range(5)]
    intake([touch("demo.requested", at=AT, email=email) for email in people], known_at=AT)
    over = ((AT + 7 * DAY) // HOUR + 1) * HOUR
    clocks.let_time_pass(at=over - HOUR)
    assert clocks.let_time_pass(at=over).judged == 5
    assert set(Judgement.objects.values_list("verdict", "as_of")) == {("prospect", over)}


def test_a_full_hour_is_let_pass_without_looking_twice(cast: Cast) -> None:
    _offered()
    over = ((AT + 7 * DAY) // HOUR + 1) * HOUR
    clocks.let_time_pass(at=over - HOUR)
    with Statements() as hour:
        assert clocks.let_time_pass(at=over).judged == 1
    assert sum("next_tick <= $1 AND as_of < $1" in one for one in hour.sent) == 1
    assert sum("min(GREATEST(next_tick" in one for one in hour.sent) == 1
