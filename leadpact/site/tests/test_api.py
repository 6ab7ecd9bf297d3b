"""The REST API: the main path over a real server, what is read, what stays closed, and every form of refusal."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import httpx
import pytest
from django.db import OperationalError
from django.test import Client
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from leadpact.capture.actions import intake
from leadpact.custody.actions.proof import verify
from leadpact.custody.entries import HOLDERS, VERDICTS
from leadpact.kit import clock
from leadpact.site.api import reads, shapes
from leadpact.site.tests.api import FIT, Caller, check_problem, company, holder_of, key, looked, ready
from leadpact.team.models import ApiKey, User
from tests.cast import DAY, HOUR, Cast, touch


@pytest.fixture
def cast(db: None) -> Cast:
    return company()


@pytest.fixture
def ops(cast: Cast) -> Caller:
    """A key of nobody: it acts as operations."""
    return Caller(key())


# --- over a real server ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_main_path_and_two_at_once_over_http(live_server: Any) -> None:
    people = company()
    lead, other = ready(), ready("otto")
    base = f"{live_server.url}/api/v1"
    whole = {"Authorization": f"Bearer {key()}"}
    with httpx.Client(base_url=base, headers=whole, timeout=60) as client:
        found = client.get("/leads", params={"email": " Vera@VERA.example "}).json()
        assert [one["id"] for one in found["items"]] == [lead]
        shown = client.get(f"/leads/{lead}").json()
        assert (shown["verdict"], shown["custody"]["holder"], shown["custody"]["state"]) == (
            "sales_ready",
            "sales",
            "offered",
        )
        answer = client.post(f"/leads/{lead}/accept")
        assert (answer.status_code, answer.json()["custody"]["state"]) == (200, "accepted")
        assert answer.headers["Cache-Control"] == "no-store"

    def send(headers: dict[str, str], verb: str = "accept") -> httpx.Response:
        return httpx.post(f"{base}/leads/{other}/{verb}", headers=headers, json={"note": "Mine."}, timeout=60)

    theirs = [whole, {"Authorization": f"Bearer {key(people.bo)}"}]
    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(send, theirs), key=lambda one: one.status_code)
        assert [one.status_code for one in answers] == [200, 409]
        assert (answers[1].json()["code"], "colleague" in answers[1].json()["detail"]) == ("lost_race", True)
        check_problem(answers[1], answers[1].json())
        # The same call twice at the same time, under one key: it is done once, and both hear the same.
        twice = list(pool.map(lambda headers: send(headers, "qualify"), [whole | {"Idempotency-Key": "q-1"}] * 2))
    assert [one.status_code for one in twice] == [200, 200]
    assert twice[0].content == twice[1].content
    assert sorted(one.headers.get("Idempotency-Replayed", "") for one in twice) == ["", "true"]
    assert verify().problems == []


# --- reading --------------------------------------------------------------------------------------------------------


def test_a_lead_and_its_explanation(cast: Cast, ops: Caller) -> None:
    lead = ready()
    status, found = ops.get(f"leads/{lead}")
    assert status == 200
    assert (found["email"], found["account"], found["verdict"]) == ("vera@vera.example", "vera.example", "sales_ready")
    assert found["scores"]["fit"] == 40_000
    custody = found["custody"]
    assert custody["salesperson"] == holder_of(lead).email
    assert custody["due_what"] == "accept_within"
    assert custody["due"].endswith("Z")
    assert datetime.fromisoformat(custody["due"]) > datetime.fromisoformat(custody["since"])
    judged = found["explanation"]["judged"]
    assert judged["decided_by"] == "sales_ready.3"
    assert (
        sum(line["points"] or 0 for line in judged["dimensions"][0]["lines"])
        == judged["dimensions"][0]["score"]
        == 40_000
    )
    assert [one["clause"] for one in judged["clauses"] if one["decided"]] == ["sales_ready.3"]
    assert found["explanation"]["met"]
    listed = ops.get("leads")[1]["items"]
    assert listed == [{name: value for name, value in found.items() if name != "explanation"}]


def test_a_timeline_is_oldest_first_and_tells_causes(cast: Cast, ops: Caller) -> None:
    lead = ready()
    ops.post(f"leads/{lead}/accept", {"note": "I know them."})
    status, found = ops.get(f"leads/{lead}/timeline")
    assert (status, found["complete"]) == (200, True)
    items = found["items"]
    assert [one["at"] for one in items] == sorted(one["at"] for one in items)
    assert [(one["type"], one.get("kind") or one["move"]) for one in items] == [
        ("touch", "demo.requested"), ("custody", "captured"), ("custody", "judged"), ("custody", "handed_over"),
        ("custody", "accepted"),
    ]  # fmt: skip
    assert items[0]["counted"] is True
    assert (items[2]["verdict"], items[3]["cause"]) == ("sales_ready", "definition")
    assert (items[4]["note"], items[4]["actor"]) == ("I know them.", "operations")


def test_a_long_timeline_says_that_it_is_cut(cast: Cast, ops: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    lead = ready()
    for number in range(3):
        at = clock.now() - HOUR + number
        intake([touch("page.viewed", at=at, email="vera@vera.example", path="/pricing")], known_at=at)
    monkeypatch.setattr("leadpact.site.api.leads.MOST_TOUCHES", 2)
    found = ops.get(f"leads/{lead}/timeline")[1]
    assert found["complete"] is False
    assert [one["kind"] for one in found["items"] if one["type"] == "touch"] == ["page.viewed", "page.viewed"]


def test_pages_follow_each_other_without_gap(cast: Cast, ops: Caller) -> None:
    leads = [looked(f"p{number}") for number in range(5)]
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        found = ops.get("leads", **asked)[1]
        seen += [one["id"] for one in found["items"]]
        cursor = found["next"]
        assert len(found["items"]) <= 2
    assert seen == sorted(leads)
    assert ops.get("leads", limit=5)[1]["next"] is None


def test_filters_narrow(cast: Cast, ops: Caller) -> None:
    kept, offered = looked("ines"), ready()

    def ids(**asked: object) -> list[int]:
        return [one["id"] for one in ops.get("leads", **asked)[1]["items"]]

    assert ids(holder="marketing") == [kept]
    assert ids(holder="sales", verdict="sales_ready") == [offered]
    assert ids(verdict="sales_ready", holder="marketing") == []
    assert ids(email="INES@ines.example") == [kept]
    assert ids(email="nobody@ines.example") == []


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"verdict": "hot"}, "'sales_ready'"),
        ({"holder": "bo"}, "'marketing', 'sales' or 'closed'"),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"cursor": "12"}, "cursor"),
        ({"cursor": "YWZ0ZXIgLTE"}, "cursor"),
        ({"email": "a\x00b"}, "email"),
        ({"verdit": "lead"}, "verdict"),
    ],
)
def test_a_wrong_parameter_is_named(ops: Caller, asked: dict[str, object], says: str) -> None:
    status, found = ops.get("leads", **asked)
    assert status == 422
    assert says in found["detail"]
    assert found["errors"][0]["at"].startswith("query.")


def test_the_schema_knows_every_verdict_and_holder() -> None:
    assert set(get_args(shapes.Verdict)) == set(VERDICTS)
    assert set(get_args(shapes.Holder)) == set(HOLDERS)


def test_the_agreement_in_force(cast: Cast, ops: Caller) -> None:
    status, found = ops.get("agreement")
    assert (status, found["number"]) == (200, 1)
    assert len(found["hash"]) == 64
    assert found["effective_at"].endswith("Z")
    assert found["source"].startswith("#") or "sales_ready" in found["source"]
    assert len(found["sentences"]) == sum(len(one["sentences"]) for one in found["sections"]) > 20


def test_without_an_agreement(db: None) -> None:
    status, found = Caller(key()).get("agreement")
    assert (status, found["code"]) == (404, "no_agreement")


def test_both_errors_with_their_intervals(cast: Cast, ops: Caller) -> None:
    good, bad = ready("vera", ago=20 * DAY), ready("otto", ago=20 * DAY)
    for lead in (good, bad):
        ops.post(f"leads/{lead}/accept")
    ops.post(f"leads/{good}/qualify")
    ops.post(f"leads/{bad}/reject", {"reason": "no_interest"})
    status, found = ops.get("tuning/errors")
    assert status == 200
    first = found["first"]
    assert {"value", "low", "high", "method", "n", "says", "detail"} == set(first) == set(found["second"])
    assert first["n"] == 2
    assert first["low"] <= first["value"] <= first["high"]
    assert set(found["withering"]) == {"late_hand_over", "waiting_now", "no_follow_up", "late_graduates"}
    day = (datetime.now(UTC) - timedelta(days=10)).date()
    assert ops.get("tuning/errors", **{"from": day})[1]["first"]["n"] == 0
    until = ops.get("tuning/errors", to=day)[1]
    assert (until["to"], until["first"]["n"]) == (f"{day}T00:00:00Z", 2)
    assert ops.get("tuning/errors", to="2026-03-02T00:00:00+05:00")[1]["to"] == "2026-03-01T19:00:00Z"


@pytest.mark.parametrize(
    "asked", [{"from": "yesterday"}, {"from": "2026-03-01T00:00:00"}, {"from": "2026-03-02", "to": "2026-03-01"}]
)
def test_a_range_that_is_none(ops: Caller, asked: dict[str, str]) -> None:
    assert ops.get("tuning/errors", **asked)[0] == 422


# --- blind ----------------------------------------------------------------------------------------------------------


def names(found: Any) -> set[str]:
    """All keys of a JSON document that hold something."""
    if isinstance(found, dict):
        return {key for key, value in found.items() if value not in (None, "")} | set().union(
            *map(names, found.values()), set()
        )
    return set().union(*map(names, found), set()) if isinstance(found, list) else set()


def test_a_blind_key_sees_evidence_and_nothing_to_compare(cast: Cast) -> None:
    kept, offered = looked("ines"), ready()
    blind = Caller(key(cast.cleo))
    status, page = blind.get("leads")
    assert (status, [one["id"] for one in page["items"]]) == (200, [kept, offered])
    shown = blind.get(f"leads/{offered}")[1]
    told = blind.get(f"leads/{offered}/timeline")[1]
    assert shown["explanation"]["met"]
    for found in (page, shown, told):
        assert not names(found) & {"scores", "verdict", "cause", "judged", "fit", "engagement", "points", "missing"}
        assert "sales_ready" not in json.dumps(found)
    assert [one.get("kind") or one["move"] for one in told["items"]] == ["demo.requested", "captured", "handed_over"]
    assert page["items"][0]["custody"]["state"] is None
    assert page["items"][1]["custody"]["state"] == "offered"


@pytest.mark.parametrize("address", ["leads?verdict=lead", "leads?verdict=sales_ready&holder=sales", "tuning/errors"])
def test_what_would_unblind_is_closed(cast: Cast, address: str) -> None:
    status, found = Caller(key(cast.cleo)).get(address)
    assert (status, found["code"]) == (403, "blind")
    assert Caller(key(cast.ada)).get(address)[0] == 200


def test_a_change_of_verdict_shows_nowhere_to_a_blind_key(cast: Cast, ops: Caller) -> None:
    lead = looked("ines", ago=4 * DAY)
    blind = Caller(key(cast.cleo))
    before, seen = blind.get(f"leads/{lead}")[1], ops.get(f"leads/{lead}")[1]
    looked("ines", ago=3 * DAY)
    looked("ines", ago=2 * DAY)
    at = clock.now() - HOUR
    intake([touch("paper.downloaded", at=at, email="ines@ines.example", account=FIT)], known_at=at)
    after = ops.get(f"leads/{lead}")[1]
    assert (seen["custody"]["state"], after["custody"]["state"]) == ("prospect", "lead")
    assert seen["custody"]["since"] != after["custody"]["since"]
    assert blind.get(f"leads/{lead}")[1]["custody"] == before["custody"]


def test_the_agreement_without_points_and_thresholds(cast: Cast, ops: Caller) -> None:
    seen, found = ops.get("agreement")[1], Caller(key(cast.cleo)).get("agreement")[1]
    assert (found["source"], found["hash"]) == (None, seen["hash"])
    assert "points" not in names(found)
    assert "points" in names(seen)
    assert {one["key"] for one in seen["sections"]} - {one["key"] for one in found["sections"]} >= {
        "audit",
        "verdicts.sales_ready",
    }
    assert found["sentences"]


# --- refusals of every form -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["", "lpk_wrong", "ü"])
def test_without_a_working_key(ops: Caller, secret: str) -> None:
    answer = Client().get("/api/v1/leads", headers={"Authorization": f"Bearer {secret}"} if secret else {})
    check_problem(answer, answer.json())
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="leadpact"')


def test_a_revoked_key_and_one_of_somebody_who_left(cast: Cast) -> None:
    revoked, left = Caller(key()), Caller(key(cast.dara))
    assert (revoked.get("leads")[0], left.get("leads")[0]) == (200, 200)
    ApiKey.objects.filter(user=None).update(revoked_at=clock.now())
    User.objects.filter(pk=cast.dara.pk).update(is_active=False)
    assert (revoked.get("leads")[0], left.get("leads")[0]) == (401, 401)


def test_scopes_hold(cast: Cast) -> None:
    lead = ready()
    reads_only, writes_only = Caller(key(None, "read")), Caller(key(None, "write"))
    status, found = reads_only.post(f"leads/{lead}/accept")
    assert (status, found["code"]) == (403, "wrong_scope")
    assert reads_only.get(f"leads/{lead}")[0] == 200
    assert writes_only.get(f"leads/{lead}")[0] == 403
    assert writes_only.post(f"leads/{lead}/accept")[0] == 200


@pytest.mark.parametrize(
    "address", ["leads/7", "leads/7/timeline", f"leads/{reads.BIGGEST + 1}", f"leads/{10**40}/timeline"]
)
def test_no_such_lead(ops: Caller, address: str) -> None:
    status, found = ops.get(address)
    assert (status, found["code"]) == (404, "no_such_lead")


@pytest.mark.parametrize("address", ["nothing", "leads/vera", "leads/7/steal", "leads/"])
def test_no_such_address(ops: Caller, address: str) -> None:
    status, found = ops.get(address)
    assert (status, found["code"]) == (404, "no_such_address")


def test_answers_on_nobody(ops: Caller) -> None:
    for lead in (7, reads.BIGGEST + 1):
        assert ops.post(f"leads/{lead}/accept")[0] == 404
        assert ops.post(f"leads/{lead}/accept", once=f"k{lead}")[0] == 404


def test_a_method_that_is_not_served(ops: Caller) -> None:
    answer = Client().delete("/api/v1/leads", headers={"Authorization": f"Bearer {ops.key}"})
    check_problem(answer, answer.json())
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert ops.get("leads/7/accept")[0] == 405


@pytest.mark.parametrize("body", ["{", "[1]", '"accept"', "\x00"])
def test_a_body_that_is_no_object(cast: Cast, ops: Caller, body: str) -> None:
    answer = ops.raw(f"leads/{ready()}/reject", body)
    check_problem(answer, answer.json())
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize(("raised", "status"), [("RuntimeError", 500), ("OperationalError", 503)])
def test_what_breaks_inside_stays_inside(
    ops: Caller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: str, status: int
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise {"RuntimeError": RuntimeError, "OperationalError": OperationalError}[raised](
            "vera@ferro.example is a secret"
        )

    monkeypatch.setattr("leadpact.site.api.reads.page", breaks)
    found, told = ops.get("leads")
    assert found == status
    assert "vera" not in json.dumps(told)
    assert "Runtime" not in json.dumps(told)
    assert "vera" not in capsys.readouterr().err


def test_the_schema_is_valid_and_open(db: None) -> None:
    answer = Client().get("/api/v1/openapi.json")
    schema = answer.json()
    validate(schema)
    assert (answer.status_code, schema["openapi"]) == (200, "3.1.0")
    answers = {path.rsplit("/", 1)[1] for path, methods in schema["paths"].items() if "post" in methods}
    assert answers == set(
        "accept reject follow-up qualify opportunity recycle return reassign disqualify won lost correct".split()
    )
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert operation["security"]
            assert "default" in operation["responses"]


def test_answers_have_the_form_that_the_schema_tells(cast: Cast, ops: Caller) -> None:
    schema = Client().get("/api/v1/openapi.json").json()
    lead, blind = ready(), Caller(key(cast.cleo))
    calls = (
        ("Leads", (blind, ops), "leads"),
        ("ExplainedLead", (blind, ops), f"leads/{lead}"),
        ("Timeline", (blind, ops), f"leads/{lead}/timeline"),
        ("Agreement", (blind, ops), "agreement"),
        ("Errors", (ops,), "tuning/errors"),
        ("Lead", (ops,), f"leads/{lead}/accept"),
    )
    for form, callers, address in calls:
        checks = Draft202012Validator({"$ref": f"#/components/schemas/{form}", "components": schema["components"]})
        for caller in callers:
            status, found = caller.post(address) if form == "Lead" else caller.get(address)
            assert status == 200
            checks.validate(found)
