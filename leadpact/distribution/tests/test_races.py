"""Two connections at once: of two answers one wins, and the other gets a sentence."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from leadpact.custody import queries as custody
from leadpact.custody.actions.proof import verify
from leadpact.distribution import actions, queries
from leadpact.distribution.actions import LostRace, Refused
from leadpact.distribution.models import Share
from leadpact.team.models import User
from tests.cast import T0

from .conftest import company, new_lead, offer, recall

SECOND = 1_000_000

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """Do all of it at the same moment, each on its own connection; returns answers or what was raised."""
    barrier = Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=20)
            return deed()
        except Exception as error:  # noqa: BLE001 -- what was raised is the answer that the test looks at
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def test_two_accept_the_same_lead() -> None:
    """The owner of the catch-all queue and two who may take from it, ten times over."""
    cast = company()
    for _ in range(10):
        lead = new_lead()
        offer(lead)
        for hours in (1, 2):
            recall(lead, at=T0 + hours)
        answers = at_once(
            *[
                lambda by=by: actions.accept(lead_id=lead, by=by, at=T0 + 3 * SECOND)  # noqa: B023 -- all run before the next lead
                for by in (cast.eli, cast.cleo, cast.dara)
            ]
        )
        won = [answer for answer in answers if not isinstance(answer, Exception)]
        lost = [answer for answer in answers if isinstance(answer, Exception)]
        assert len(won) == 1
        assert {type(error) for error in lost} == {LostRace}
        assert {str(error) for error in lost} == {"This lead was accepted by a colleague just now."}
        assert [line.move for line in custody.history(lead, blind=True)].count("accepted") == 1
        assert [o.outcome for o in queries.offers_of(lead)][-1] == "accepted"
    assert verify().problems == []


def test_accept_against_recall_and_reject_against_accept() -> None:
    company()
    for _ in range(5):
        lead = new_lead()
        seller = User.objects.get(pk=offer(lead)[lead])
        answers = at_once(
            lambda: actions.accept(lead_id=lead, by=seller, at=T0 + SECOND),  # noqa: B023
            lambda: actions.reject(lead_id=lead, reason="not_now", by=seller, at=T0 + SECOND),  # noqa: B023
        )
        failed = [answer for answer in answers if isinstance(answer, Exception)]
        # Accepted first and rejected after is an order of events too; rejected first leaves nothing to accept.
        assert len(failed) <= 1
        assert all(isinstance(error, Refused) for error in failed)
        held = custody.holding(lead)
        assert held is not None
        assert held.state == "resting"
    assert verify().problems == []


def test_two_batches_that_route_at_once_both_count_in_the_shares() -> None:
    cast = company()
    User.objects.filter(takes_leads=True).update(cap=1_000)
    batches = [[new_lead() for _ in range(10)] for _ in range(4)]
    answers = at_once(*[lambda batch=batch: offer(*batch) for batch in batches])
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    served = dict(Share.objects.values_list("user_id", "served"))
    assert sum(served.values()) == 40 * 1_000_000
    assert set(served) == {cast.cleo.pk, cast.dara.pk}
    counts = queries.offer_counts()
    assert {user: number * 1_000_000 for user, number in counts.items()} == served
