"""The tracking API through the real loop: what is taken, what is refused, and how it is said."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.test import Client

from leadpact.capture.actions import _intake as port
from leadpact.capture.actions import connect_intake
from leadpact.capture.actions.admit import forget
from leadpact.capture.actions.keys import Made, create_key, revoke_key
from leadpact.capture.models import Receipt, Refusal, WriteKey
from leadpact.capture.rules.arrival import Arrival, Ready, Taken, ready
from leadpact.kit import clock
from leadpact.kit.instants import MINUTE, from_us
from leadpact.leads.models import Person, Touch

pytestmark = pytest.mark.django_db
ORIGIN = "https://northwind.example"


@pytest.fixture(autouse=True)
def _ask_afresh() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def caller() -> Client:
    """A client that a missing csrf_exempt would stop."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def server_key(db: None) -> Made:
    return create_key(name="shop", at=clock.now())


@pytest.fixture
def public_key(db: None) -> Made:
    return create_key(name="website", public=True, origins=[ORIGIN], at=clock.now())


def post(caller: Client, call: str, body: Any, key: Made | str | None = None, **headers: str) -> HttpResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    secret = key.secret if isinstance(key, Made) else key
    if secret is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{secret}:".encode()).decode()
    return caller.post(
        f"/v1/{call}", content, content_type=headers.pop("Content-Type", "application/json"), headers=headers
    )


def problem(answer: HttpResponse, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = json.loads(answer.content)
    assert (said["status"], said["code"]) == (status, code)
    assert said["message"] == said["detail"]
    return said


# --- calls --------------------------------------------------------------------------------------------------------


def test_every_call_has_an_address_of_its_own_and_a_short_one(caller: Client, server_key: Made) -> None:
    calls: dict[str, dict[str, Any]] = {
        "identify": {"userId": "u1", "traits": {"email": "ada@northwind.example"}},
        "track": {"userId": "u1", "event": "Paper Downloaded"},
        "page": {"userId": "u1", "name": "Start"},
        "screen": {"userId": "u1", "name": "Start"},
        "group": {"userId": "u1", "groupId": "northwind.example"},
        "alias": {"userId": "u1", "previousId": "a1"},
        "batch": {"batch": [{"type": "track", "userId": "u1", "event": "x"}]},
        "import": {"batch": [{"type": "track", "userId": "u1", "event": "y"}]},
        "t": {"userId": "u1", "event": "z"},
        "i": {"userId": "u1"},
        "p/": {"userId": "u1"},
    }
    for call, body in calls.items():
        answer = post(caller, call, body, server_key)
        assert (answer.status_code, json.loads(answer.content)) == (200, {"success": True}), call
    assert sorted(Touch.objects.values_list("kind", flat=True)) == [
        "page.viewed", "page.viewed", "paper.downloaded", "screen.viewed", "x", "y", "z",
    ]  # fmt: skip


def test_a_key_in_the_body_opens_as_one_in_the_header(caller: Client, public_key: Made) -> None:
    body = {"writeKey": public_key.secret, "anonymousId": "a1", "event": "Paper Downloaded"}
    answer = post(caller, "track", body, Origin=ORIGIN, **{"Content-Type": "text/plain"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert json.loads(post(caller, "batch", {"writeKey": public_key.secret, "batch": []}).content) == {"success": True}


def test_answered_means_on_disk_and_a_retry_is_harmless(caller: Client, server_key: Made) -> None:
    body = {"batch": [{"type": "track", "userId": "u1", "event": "x", "messageId": str(n)} for n in range(5)]}
    for _ in range(3):
        assert json.loads(post(caller, "batch", body, server_key).content) == {"success": True}
    assert Touch.objects.count() == Receipt.objects.count() == 5


def test_the_same_message_id_of_another_key_is_another_message(
    caller: Client, server_key: Made, public_key: Made
) -> None:
    body = {"anonymousId": "a1", "event": "x", "messageId": "m1"}
    assert post(caller, "track", body, server_key).status_code == 200
    assert post(caller, "track", body, public_key).status_code == 200
    assert Touch.objects.count() == 2


# --- wrong input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["wrong", "", "lps_" + "x" * 43])
def test_a_wrong_key(caller: Client, secret: str) -> None:
    answer = post(caller, "track", {"userId": "u", "event": "x"}, secret)
    said = problem(answer, 401, "wrong_key")
    assert "leadpact capture key create" in said["detail"]
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert Touch.objects.count() == 0


@pytest.mark.parametrize("said", ["Basic !!!", "Basic /w==", "Digest x", "Bearer nothing", "Basic"])
def test_a_header_that_is_none(caller: Client, said: str) -> None:
    problem(post(caller, "track", {"userId": "u", "event": "x"}, Authorization=said), 401, "wrong_key")


def test_no_key_at_all(caller: Client) -> None:
    problem(post(caller, "track", {"userId": "u", "event": "x"}), 401, "wrong_key")
    problem(post(caller, "track", b"junk"), 400, "not_json")


def test_a_revoked_key(caller: Client, server_key: Made) -> None:
    assert post(caller, "track", {"userId": "u", "event": "x"}, server_key).status_code == 200
    revoke_key(key_id=server_key.key_id, at=clock.now())
    forget()
    problem(post(caller, "track", {"userId": "u", "event": "x"}, server_key), 401, "wrong_key")


def test_a_megabyte_of_junk(caller: Client, server_key: Made) -> None:
    # The same junk each time: a few in a hundred begin as a number or a text does, and are called that.
    junk = Random(5).randbytes(1 << 20)
    said = problem(post(caller, "batch", junk, server_key), 413, "too_large")
    assert said["detail"] == "The body is larger than 500 kB, unpacked: send smaller batches."
    said = problem(post(caller, "batch", junk[:400_000], server_key), 400, "not_json")
    assert said["detail"].startswith("The body is not JSON: ")
    assert Refusal.objects.get(code="not_json").events == 1


def test_a_bomb(caller: Client, server_key: Made) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    assert len(bomb) < 200_000
    problem(post(caller, "batch", bomb, server_key, **{"Content-Encoding": "gzip"}), 413, "too_large")


def test_gzip_that_is_none_or_was_cut_off(caller: Client, server_key: Made) -> None:
    coding = {"Content-Encoding": "gzip"}
    problem(post(caller, "batch", b'{"batch": []}', server_key, **coding), 400, "not_gzip")
    whole = gzip.compress(b'{"batch": []}')
    problem(post(caller, "batch", whole[:-9], server_key, **coding), 400, "not_gzip")
    assert post(caller, "batch", whole, server_key, **coding).status_code == 200
    problem(post(caller, "batch", b"{}", server_key, **{"Content-Encoding": "br"}), 415, "wrong_encoding")


def test_a_future_timestamp_alone_is_refused(caller: Client, server_key: Made) -> None:
    body = {"userId": "u", "event": "x", "timestamp": "2099-01-01T00:00:00Z"}
    said = problem(post(caller, "track", body, server_key), 422, "bad_timestamp")
    assert "lies in the future" in said["detail"]
    assert [one["index"] for one in said["rejected"]] == [0]
    assert Touch.objects.count() == 0


def test_in_a_batch_the_good_are_taken_and_the_bad_are_listed_and_counted(caller: Client, server_key: Made) -> None:
    good = {"type": "track", "userId": "u", "event": "x"}
    late = {**good, "timestamp": "2099-01-01T00:00:00Z", "messageId": "m7"}
    answer = post(caller, "batch", {"batch": [good, late, {"type": "track", "event": "x"}, good]}, server_key)
    assert answer.status_code == 200
    said = json.loads(answer.content)
    assert said["success"] is True
    assert [(one["index"], one["messageId"], one["code"]) for one in said["rejected"]] == [
        (1, "m7", "bad_timestamp"),
        (2, None, "no_identity"),
    ]
    assert Touch.objects.count() == 2
    assert dict(Refusal.objects.values_list("code", "events")) == {"bad_timestamp": 1, "no_identity": 1}


def test_wrong_methods_and_addresses(caller: Client) -> None:
    answer = caller.get("/v1/track")
    problem(answer, 405, "wrong_method")
    assert answer.headers["Allow"] == "POST, OPTIONS"
    assert post(caller, "nothing", {}).status_code == 404


def test_text_that_no_database_holds_is_refused_at_the_door(caller: Client, server_key: Made) -> None:
    said = problem(
        post(caller, "track", {"userId": "u", "event": "x", "properties": {"a": "nul\0"}}, server_key), 422, "bad_value"
    )
    assert said["detail"] == "Text holds a NUL character."
    problem(
        post(caller, "track", b'{"userId": "u", "event": "x", "properties": {"a": "\\ud800"}}', server_key),
        400,
        "not_json",
    )


def test_a_call_that_is_not_there_is_told_in_the_form_of_programs(caller: Client, server_key: Made) -> None:
    said = problem(post(caller, "trak", {"userId": "u", "event": "x"}, server_key), 404, "no_such_call")
    assert said["detail"] == (
        "There is no call 'trak' here; there are alias, batch, group, identify, page, screen, track."
    )
    assert problem(caller.get("/v1/"), 404, "no_such_call")


# --- when the house behind the door is in trouble ---------------------------------------------------------------------


@pytest.fixture
def trouble() -> Iterator[Callable[[Callable[[Sequence[Arrival | Ready]], None]], None]]:
    """Put something between the door and the real intake; afterwards it is gone."""
    real = port._target
    assert real is not None

    def between(happens: Callable[[Sequence[Arrival | Ready]], None]) -> None:
        def take(arrivals: Sequence[Arrival | Ready], **named: Any) -> Taken:
            with transaction.atomic():
                happens(arrivals)
                return real(arrivals, **named)

        connect_intake(take)

    yield between
    connect_intake(real)


def test_a_value_that_only_the_database_refuses_costs_its_own_event_alone(
    caller: Client, server_key: Made, trouble: Callable[[Callable[[Sequence[Arrival | Ready]], None]], None]
) -> None:
    def choke(arrivals: Sequence[Arrival | Ready]) -> None:
        for one in ready(arrivals):
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s::int", ["many" if one.arrival.user_id == "poison" else "1"])

    trouble(choke)
    events = [{"type": "track", "userId": user, "event": "x"} for user in ("u1", "", "poison", "u2")]
    said = json.loads(post(caller, "batch", {"batch": events}, server_key).content)
    assert [(one["index"], one["code"]) for one in said["rejected"]] == [(1, "no_identity"), (2, "not_kept")]
    assert Touch.objects.count() == 2


def test_a_database_that_is_away_is_told_so_that_the_client_comes_back(
    caller: Client, server_key: Made, trouble: Callable[[Callable[[Sequence[Arrival | Ready]], None]], None]
) -> None:
    def away(arrivals: Sequence[Arrival | Ready]) -> None:
        raise OperationalError("the connection is closed")

    trouble(away)
    answer = post(caller, "track", {"userId": "u", "event": "x"}, server_key)
    said = problem(answer, 503, "busy")
    assert "Send the call again" in said["detail"]
    assert answer.headers["Retry-After"] == "1"


# --- time ----------------------------------------------------------------------------------------------------------


def test_a_sender_whose_clock_is_a_day_ahead_is_corrected(caller: Client, server_key: Made) -> None:
    sent = from_us(clock.now() + 24 * 60 * MINUTE)
    before = from_us(clock.now() + 23 * 60 * MINUTE)
    body = {
        "sentAt": sent.isoformat(),
        "batch": [{"type": "track", "userId": "u", "event": "x", "timestamp": before.isoformat()}],
    }
    start = clock.now()
    assert json.loads(post(caller, "batch", body, server_key).content) == {"success": True}
    assert abs(Touch.objects.get().at - (start - 60 * MINUTE)) < MINUTE


# --- public keys ---------------------------------------------------------------------------------------------------


def test_a_public_key_only_claims(caller: Client, server_key: Made, public_key: Made) -> None:
    known = {"userId": "u1", "traits": {"email": "ada@northwind.example", "title": "CTO", "unsubscribed": True}}
    assert post(caller, "identify", known, server_key).status_code == 200
    claim = {
        "anonymousId": "a9",
        "traits": {"email": "ada@northwind.example", "title": "Queen", "city": "Chicago", "unsubscribed": False},
    }
    assert post(caller, "identify", claim, public_key).status_code == 200
    ada = Person.objects.get(email="ada@northwind.example")
    assert ada.title == "CTO"
    assert ada.opted_out
    assert ada.cells["person.city"]["t"] == "chicago", "what was unknown may be claimed"
    assert (
        post(caller, "identify", {"anonymousId": "b1", "traits": {"email": "bo@ferro.example"}}, public_key).status_code
        == 200
    )
    assert not Person.objects.get(email="bo@ferro.example").email_verified


def test_a_public_key_works_for_its_own_pages_only(caller: Client, public_key: Made) -> None:
    body = {"anonymousId": "a1", "event": "x"}
    assert post(caller, "track", body, public_key, Origin=ORIGIN).status_code == 200
    problem(post(caller, "track", body, public_key, Origin="https://halden.example"), 403, "wrong_origin")


def test_browsers_may_ask_first(caller: Client, public_key: Made) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = caller.options("/v1/track", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"]
    refused = caller.options("/v1/track", headers={**asked, "Origin": "https://halden.example"})
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_a_public_key_has_a_pace(caller: Client) -> None:
    slow = create_key(name="slow", public=True, origins=[ORIGIN], per_minute=3, at=clock.now())
    body = {"batch": [{"type": "track", "anonymousId": "a", "event": "x"}] * 3}
    start = clock.now() // MINUTE * MINUTE
    with clock.at(start + 20_000_000):
        assert post(caller, "batch", body, slow).status_code == 200
        answer = post(caller, "batch", body, slow)
        said = problem(answer, 429, "too_fast")
        assert (
            said["detail"]
            == "This key has sent its 3 events of this minute: wait 40 seconds, or ask for a higher limit."
        )
        assert answer.headers["Retry-After"] == "40"
        problem(post(caller, "batch", body, slow), 429, "too_fast")
    with clock.at(start + MINUTE):
        assert post(caller, "batch", body, slow).status_code == 200
    assert Touch.objects.count() == 6


# --- keys ----------------------------------------------------------------------------------------------------------


def test_of_a_secret_only_a_hash_is_kept(server_key: Made) -> None:
    kept = WriteKey.objects.values().get(pk=server_key.key_id)
    assert server_key.secret not in str(kept)
    assert server_key.secret.startswith(kept["prefix"])
    assert server_key.secret.startswith("lps_")


def test_the_use_of_a_key_is_noted_to_the_minute(caller: Client, server_key: Made) -> None:
    assert post(caller, "track", {"userId": "u", "event": "x"}, server_key).status_code == 200
    used = WriteKey.objects.get(pk=server_key.key_id).last_used_at
    assert used is not None
    assert used % MINUTE == 0
    assert abs(used - clock.now()) < 2 * MINUTE
