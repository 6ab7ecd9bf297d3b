"""The REST API: Sales' answers through the lives of leads, and calls that are sent twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadpact.kit import clock
from leadpact.leads.models import Lead
from leadpact.site.tests.api import Caller, company, holder_of, key, ready
from leadpact.team.models import ApiCall
from tests.cast import DAY, Cast


@pytest.fixture
def cast(db: None) -> Cast:
    return company()


@pytest.fixture
def ops(cast: Cast) -> Caller:
    """A key of nobody: it acts as operations."""
    return Caller(key())


# --- answers --------------------------------------------------------------------------------------------------------


def test_every_answer_through_the_lives_of_leads(cast: Cast, ops: Caller) -> None:
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()

    def states(lead: int, *answers: tuple[str, dict[str, Any] | None, str]) -> None:
        for verb, body, state in answers:
            status, found = ops.post(f"leads/{lead}/{verb}", body)
            assert (status, found.get("custody", found)["state"]) == (200, state), (verb, found)

    to = next(one for one in (cast.cleo, cast.dara) if one != holder_of(vera := ready()))
    states(
        vera,
        ("reassign", {"to": to.email.upper()}, "offered"),
        ("accept", None, "accepted"),
        ("correct", {"note": "A slip."}, "offered"),
        ("accept", {}, "accepted"),
        ("follow-up", {"outcome": "conversation", "next_step_at": soon, "note": "Spoke."}, "accepted"),
        ("qualify", {"next_step_at": soon}, "qualified"),
        ("opportunity", {"value": 1_250_000}, "opportunity"),
        ("won", {"value": 1_300_000}, "won"),
    )
    assert holder_of(vera) == to
    items = ops.get(f"leads/{vera}/timeline")[1]["items"]
    assert items[-1]["value"] == 1_300_000
    accepted = ("accept", None, "accepted")
    wake = datetime.now(UTC) + timedelta(days=40)
    states(ready("otto"), accepted, ("recycle", {"reason": "not_now", "not_before": wake.isoformat()}, "resting"))
    states(ready("ines"), accepted, ("qualify", None, "qualified"), ("return", {"reason": "wrong_data"}, "repair"))
    states(ready("udo"), accepted, ("disqualify", {"reason": "student"}, "disqualified"))
    states(ready("rita"), accepted, ("lost", {"reason": "price"}, "lost"))
    states(ready("noor"), ("reject", {"reason": "not_now"}, "resting"))
    resting = ops.get("leads", email="otto@otto.example")[1]["items"][0]
    assert datetime.fromisoformat(resting["custody"]["due"]) == wake
    assert resting["custody"]["salesperson"] is None


def test_a_key_has_the_rights_of_its_user(cast: Cast, ops: Caller) -> None:
    lead = ready()
    mine, other = (cast.cleo, cast.dara) if holder_of(lead) == cast.cleo else (cast.dara, cast.cleo)
    status, found = Caller(key(other)).post(f"leads/{lead}/accept")
    assert (status, found["code"]) == (403, "not_yours")
    status, found = Caller(key(mine)).post(f"leads/{lead}/accept")
    assert (status, found["custody"]["state"]) == (200, "accepted")
    assert (found["scores"], found["verdict"]) == (None, None)
    assert Lead.objects.get(pk=lead).entries.get(move="accepted").user == mine
    status, found = Caller(key(mine)).post(f"leads/{lead}/reassign", {"to": other.email})
    assert (status, found["code"]) == (403, "not_yours")


def test_what_cannot_be_is_refused_with_its_sentence(cast: Cast, ops: Caller) -> None:
    lead = ready()
    status, found = ops.post(f"leads/{lead}/won", {"value": 1})
    assert (status, found["code"]) == (409, "refused")
    assert "offered to Sales" in found["detail"]
    status, found = ops.post(f"leads/{lead}/reject", {"reason": "no_such"})
    assert (status, "it knows" in found["detail"]) == (409, True)
    ops.post(f"leads/{lead}/accept")
    status, found = ops.post(f"leads/{lead}/accept")
    assert (status, found["code"]) == (409, "lost_race")
    assert ops.get(f"leads/{lead}")[1]["custody"]["state"] == "accepted"


@pytest.mark.parametrize(
    ("verb", "body", "at"),
    [
        ("reject", {}, "body.reason"),
        ("reject", {"reason": "x\x00"}, "body.reason"),
        ("accept", {"nota": "x"}, "body.nota"),
        ("accept", {"note": "x" * 4_001}, "body.note"),
        ("won", {"value": 12.5}, "body.value"),
        ("won", {"value": True}, "body.value"),
        ("won", {"value": -1}, "body.value"),
        ("won", {"value": "1250000"}, "body.value"),
        ("follow-up", {"outcome": "lunch"}, "body.outcome"),
        ("qualify", {"next_step_at": "2027-01-01T09:00:00"}, "body.next_step_at"),
        ("reassign", {"to": "nobody@northwind.example"}, "body.to"),
    ],
)
def test_a_wrong_body_is_named_and_does_nothing(ops: Caller, verb: str, body: object, at: str) -> None:
    lead = ready()
    status, found = ops.post(f"leads/{lead}/{verb}", body)
    assert (status, found["code"], found["errors"][0]["at"]) == (422, "invalid", at)
    assert ops.get(f"leads/{lead}")[1]["custody"]["state"] == "offered"


# --- the same call twice --------------------------------------------------------------------------------------------


def test_a_repeated_call_gets_the_first_answer(cast: Cast, ops: Caller) -> None:
    lead = ready()
    ops.post(f"leads/{lead}/accept")
    call = json.dumps({"outcome": "attempt", "note": "Rang twice."})
    first = ops.raw(f"leads/{lead}/follow-up", call, once="call-1")
    again = ops.raw(f"leads/{lead}/follow-up", call, once="call-1")
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert Lead.objects.get(pk=lead).holding.attempts == 1
    status, found = ops.post(f"leads/{lead}/follow-up", {"outcome": "conversation"}, once="call-1")
    assert (status, found["errors"][0]["at"]) == (422, "header.Idempotency-Key")
    assert ops.post(f"leads/{lead}/qualify", once="call-1")[0] == 422
    # Another key of the API has its own.
    assert Caller(key()).post(f"leads/{lead}/follow-up", {"outcome": "conversation"}, once="call-1")[0] == 200
    assert Lead.objects.get(pk=lead).holding.attempts == 2


def test_a_refusal_is_kept_and_a_mistake_is_not(cast: Cast, ops: Caller) -> None:
    lead = ready()
    assert ops.post(f"leads/{lead}/qualify", once="k")[0] == 409
    ops.post(f"leads/{lead}/accept")
    assert ops.post(f"leads/{lead}/qualify", once="k")[0] == 409
    assert ops.post(f"leads/{lead}/won", {}, once="k2")[0] == 422
    assert ops.post("leads/987654321/qualify", once="k2")[0] == 404
    assert ops.post(f"leads/{lead}/qualify", once="k2")[0] == 200


def test_calls_are_forgotten_after_a_day(cast: Cast, ops: Caller) -> None:
    lead = ready()
    ops.post(f"leads/{lead}/accept", once="k")
    ApiCall.objects.update(created_at=clock.now() - DAY - 1)
    assert ops.post(f"leads/{lead}/qualify", once="k")[0] == 200
    assert ApiCall.objects.get().lead_id == lead


@pytest.mark.parametrize("once", ["two words", "ü", "x" * 201])
def test_an_idempotency_key_is_plain(cast: Cast, ops: Caller, once: str) -> None:
    status, found = ops.post(f"leads/{ready()}/accept", once=once)
    assert (status, found["errors"][0]["at"]) == (422, "header.Idempotency-Key")
    assert not ApiCall.objects.exists()
