"""Bodies of Segment's HTTP API become arrivals: what each call means, what is refused, and that nothing raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadpact.capture.rules.arrival import Arrival
from leadpact.capture.rules.messages import MOST_EVENT_BYTES, MOST_EVENTS, Junk
from leadpact.capture.rules.segment import CALLS, Caller, Parsed, Refused, parse_batch, parse_call
from leadpact.capture.rules.timing import AHEAD, EARLIEST
from leadpact.capture.rules.values import MOST_VALUES

NOW = 1_790_000_000_000_000  # 2026-09-21 14:13:20 UTC
SERVER, PUBLIC = Caller(1), Caller(2, public=True)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def taken(event: dict[str, Any], *, caller: Caller = SERVER) -> Arrival:
    found = parse_batch(json.dumps({"batch": [event]}).encode(), caller=caller, received_at=NOW)
    assert not found.refused, found.refused
    return found.arrivals[0]


def refused(event: object, *, caller: Caller = SERVER) -> Refused:
    found = parse_batch(json.dumps({"batch": [event]}).encode(), caller=caller, received_at=NOW)
    assert not found.arrivals
    return found.refused[0]


def test_identify_sorts_traits_by_whose_they_are() -> None:
    arrival = taken(
        {
            "type": "identify",
            "userId": "u1",
            "traits": {
                "email": "Ada@Northwind.example",
                "firstName": "Ada",
                "jobTitle": "Head of Logistics",
                "company": {
                    "name": "Northwind",
                    "industry": "Logistics",
                    "employee_count": 300,
                    "domain": "www.northwind.example",
                },
                "lead": {"timelineMonths": 3},
                "budget": "yes",
                "address": {"city": "Chicago"},
                "nothing": None,
                "unsubscribed": False,
            },
        }
    )
    assert (arrival.email, arrival.user_id, arrival.touch) == ("ada@northwind.example", "u1", None)
    assert arrival.account_domain == "northwind.example"
    assert arrival.opted_out is False
    assert arrival.trusted
    assert dict(arrival.person.raw) == {
        "person.first_name": "Ada", "person.title": "Head of Logistics", "person.address.city": "Chicago", "person.name": "Ada",
    }  # fmt: skip
    assert arrival.person.cells["person.title"].text == "head of logistics"
    assert arrival.account.cells["account.employees"].number == 300_000_000
    assert dict(arrival.lead.raw) == {"lead.timeline_months": 3, "lead.budget": "yes"}
    assert arrival.lead.cells["lead.budget"].truth is True


def test_a_company_given_as_a_name_and_no_domain_is_placed_by_the_address() -> None:
    arrival = taken(
        {"type": "identify", "userId": "u1", "traits": {"email": "bo@mail.ferro.example", "company": "Ferro"}}
    )
    assert arrival.account_domain == "ferro.example"
    assert dict(arrival.account.raw) == {"account.name": "Ferro"}


def test_free_mail_places_nobody() -> None:
    assert taken({"type": "identify", "traits": {"email": "bo@gmail.com"}}).account_domain is None


def test_a_public_key_cannot_place_somebody_at_another_company() -> None:
    event = {
        "type": "identify",
        "anonymousId": "a",
        "traits": {"email": "bo@ferro.example", "company": {"domain": "halden.example"}},
    }
    assert taken(event).account_domain == "halden.example"
    claimed = taken(event, caller=PUBLIC)
    assert claimed.account_domain == "ferro.example"
    assert not claimed.trusted


def test_a_page_view_knows_its_place_and_its_campaign() -> None:
    arrival = taken(
        {
            "type": "page",
            "anonymousId": "a1",
            "name": "Pricing",
            "context": {
                "ip": "192.0.2.1",
                "userAgent": CHROME,
                "campaign": {"name": "spring", "source": "google", "medium": "cpc"},
                "page": {
                    "url": "https://northwind.example/pricing?x=1#top",
                    "referrer": "https://www.google.com/",
                    "title": "Prices",
                },
            },
        }
    )
    touch = arrival.touch
    assert touch is not None
    assert (touch.kind, touch.channel, touch.campaign, touch.automated) == (
        "page.viewed",
        "paid_search",
        "spring",
        False,
    )
    assert (arrival.source, arrival.campaign) == ("paid_search", "spring")
    assert touch.properties["path"] == "/pricing"
    assert touch.cells["path"].text == "/pricing"
    assert touch.properties["name"] == "Pricing"
    assert "192.0.2.1" not in repr(arrival), "the caller's network address is not ours to keep"


def test_a_track_call_is_a_touch_with_properties() -> None:
    arrival = taken(
        {"type": "track", "userId": 7, "event": "Paper Downloaded", "properties": {"Paper Title": "Ports", "pages": 12}}
    )
    assert arrival.user_id == "7"
    assert arrival.touch is not None
    assert arrival.touch.kind == "paper.downloaded"
    assert dict(arrival.touch.properties) == {"paper_title": "Ports", "pages": 12}
    assert arrival.touch.channel == "web"
    assert arrival.source == "website"


def test_group_and_alias() -> None:
    group = taken(
        {"type": "group", "userId": "u1", "groupId": "ferro.example", "traits": {"employees": 20, "name": "Ferro"}}
    )
    assert group.account_domain == "ferro.example"
    assert group.account.raw["account.employees"] == 20
    alias = taken({"type": "alias", "previousId": "a1", "userId": "u1"})
    assert (alias.anonymous_id, alias.user_id, alias.touch) == ("a1", "u1", None)


def test_a_user_id_that_is_an_address_is_both() -> None:
    arrival = taken({"type": "track", "userId": "Ada@Northwind.example", "event": "Demo Requested"})
    assert (arrival.email, arrival.user_id) == ("ada@northwind.example", "Ada@Northwind.example")


def test_unsubscribing_opts_out() -> None:
    assert taken({"type": "track", "userId": "u", "event": "Unsubscribed"}).opted_out is True
    assert taken({"type": "identify", "userId": "u", "traits": {"subscribed": "no"}}).opted_out is True


def test_a_message_is_itself_again_and_only_for_its_key() -> None:
    event = {"type": "track", "userId": "u", "event": "x", "messageId": "m1"}
    assert taken(event).message == taken({**event, "event": "y"}).message
    assert taken(event).message != taken(event, caller=PUBLIC).message
    assert len(taken(event).message) == 16


def test_without_a_message_id_the_content_stands_for_it_where_a_timestamp_tells_twins_apart() -> None:
    dated = {"type": "track", "userId": "u", "event": "x", "timestamp": "2026-09-21T10:00:00Z"}
    assert taken(dated).message == taken(dated).message
    assert taken(dated).message != taken({**dated, "event": "y"}).message
    twins = parse_batch(
        json.dumps({"batch": [{"type": "track", "userId": "u", "event": "x"}] * 2}).encode(),
        caller=SERVER,
        received_at=NOW,
    )
    assert len({arrival.message for arrival in twins.arrivals}) == 2


# --- time ----------------------------------------------------------------------------------------------------------


def at_of(event: dict[str, Any], **envelope: Any) -> int:
    body = json.dumps({"batch": [{"type": "track", "userId": "u", "event": "x", **event}], **envelope}).encode()
    found = parse_batch(body, caller=SERVER, received_at=NOW)
    assert not found.refused, found.refused
    return found.arrivals[0].at


def test_a_timestamp_is_believed_where_the_clocks_agree() -> None:
    assert at_of({"timestamp": "2026-09-21T14:00:00Z"}) == NOW - 800_000_000
    assert at_of({"timestamp": "2026-09-21T14:00:00"}) == NOW - 800_000_000, "without a zone it is UTC"
    assert at_of({"timestamp": "2026-09-21T16:00:00+02:00"}) == NOW - 800_000_000
    assert at_of({"timestamp": "2026-09-21T14:00:00Z"}, sentAt="2026-09-21T14:13:15Z") == NOW - 800_000_000
    assert at_of({"timestamp": 1_789_999_200}) == at_of({"timestamp": 1_789_999_200_000}) == NOW - 800_000_000
    assert at_of({}) == NOW


def test_a_clock_that_is_a_day_ahead_or_behind_is_corrected() -> None:
    assert at_of({"timestamp": "2026-09-22T14:00:00Z"}, sentAt="2026-09-22T14:13:20Z") == NOW - 800_000_000
    assert at_of({"originalTimestamp": "2026-09-20T14:00:00Z", "sentAt": "2026-09-20T14:13:20Z"}) == NOW - 800_000_000


def test_a_little_ahead_is_now_and_more_is_refused() -> None:
    assert at_of({"timestamp": "2026-09-21T14:17:00Z"}) == NOW
    found = refused(
        {"type": "track", "userId": "u", "event": "x", "timestamp": "2031-01-01T00:00:00Z", "messageId": "m9"}
    )
    assert (found.code, found.message_id, found.index) == ("bad_timestamp", "m9", 0)
    assert "lies in the future" in found.reason
    assert "set the sender's clock" in found.reason


@pytest.mark.parametrize(
    "stamp",
    ["yesterday", "2026-13-01", "", "1970-01-01T00:00:00Z", "0001-01-01", 1e300, -5, "9999-12-31T23:59:59-14:00"],
)
def test_a_timestamp_that_cannot_be_is_refused_in_a_sentence(stamp: object) -> None:
    found = refused({"type": "track", "userId": "u", "event": "x", "timestamp": stamp})
    assert found.code == "bad_timestamp"
    assert found.reason.endswith(".")


# --- machines ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "automated"),
    [
        (CHROME, False),
        ("Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", False),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/140.0.0.0 Safari/537.36", True),
        ("Mozilla/5.0 (compatible; Barracuda Sentinel)", True),
        ("curl/8.5", True),
        ("", False),
    ],
)
def test_machines_are_known_by_their_names(agent: str, automated: bool) -> None:
    arrival = taken({"type": "page", "anonymousId": "a", "context": {"userAgent": agent}})
    assert arrival.touch is not None
    assert arrival.touch.automated is automated
    assert ("automated" in arrival.touch.properties) is automated


def clicks(*seconds: float, visitor: str = "a") -> list[dict[str, Any]]:
    return [
        {
            "type": "track",
            "anonymousId": visitor,
            "event": "Email Clicked",
            "timestamp": (NOW / 1e6 + at - 100),
            "messageId": f"{visitor}{n}",
        }
        for n, at in enumerate(seconds)
    ]


def flags(events: list[dict[str, Any]]) -> list[bool]:
    found = parse_batch(json.dumps({"batch": events}).encode(), caller=SERVER, received_at=NOW)
    return [arrival.touch is not None and arrival.touch.automated for arrival in found.arrivals]


def test_three_clicks_within_a_second_are_a_scanners() -> None:
    assert flags(clicks(0, 0.4, 0.9)) == [True, True, True]
    assert flags(clicks(0, 0.4, 1.0)) == [False, False, False]
    assert flags(clicks(0.9, 5, 0, 0.4)) == [True, False, True, True]
    assert flags(clicks(0, 0.4) + clicks(0.5, visitor="b")) == [False, False, False]


# --- refusals and bounds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (5, "wrong_type"),
        ("x", "wrong_type"),
        ([], "wrong_type"),
        ({}, "unknown_type"),
        ({"type": "delete", "userId": "u"}, "unknown_type"),
        ({"type": "track", "userId": "u"}, "no_event"),
        ({"type": "track", "userId": "u", "event": "   "}, "no_event"),
        ({"type": "track", "userId": "u", "event": "a" * 61}, "no_event"),
        ({"type": "track", "event": "x"}, "no_identity"),
        ({"type": "track", "event": "x", "userId": "undefined"}, "no_identity"),
        ({"type": "identify", "traits": {"email": "not an address"}}, "bad_email"),
        ({"type": "track", "userId": "u", "event": "x", "properties": "text"}, "wrong_type"),
        (
            {"type": "track", "userId": "u", "event": "x", "properties": {str(n): n for n in range(MOST_VALUES + 1)}},
            "too_much",
        ),
        (
            {"type": "track", "userId": "u", "event": "x", "properties": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}},
            "too_much",
        ),
        ({"type": "track", "userId": "u", "event": "x", "properties": {"n" * 101: 1}}, "too_much"),
        ({"type": "track", "userId": "u", "event": "x", "properties": {"a": "x" * 9_000}}, "too_much"),
        ({"type": "track", "userId": "u", "event": "x", "properties": {"a": "nul\0"}}, "bad_value"),
        ({"type": "track", "userId": "u" * 400, "event": "x"}, "bad_value"),
        ({"type": "track", "userId": "u", "event": "x", "properties": {"a": ["x" * 400] * 90}}, "event_too_large"),
        ({"type": "group", "userId": "u"}, "no_identity"),
        ({"type": "alias", "userId": "u"}, "no_identity"),
    ],
)
def test_what_is_refused_and_how_it_is_called(event: object, code: str) -> None:
    found = refused(event)
    assert found.code == code
    assert found.reason[0].isupper()
    assert found.reason.endswith(".")


def test_a_wrong_type_is_told_in_plain_words() -> None:
    found = refused({"type": "track", "userId": "u", "event": "x", "properties": "text", "messageId": "m1"})
    assert found.reason == "The body does not fit: `properties` should be an object, not text."
    assert found.message_id == "m1"


def test_a_bad_event_does_not_take_its_neighbours_with_it() -> None:
    good = {"type": "track", "userId": "u", "event": "x"}
    found = parse_batch(json.dumps({"batch": [good, 5, good]}).encode(), caller=SERVER, received_at=NOW)
    assert len(found.arrivals) == 2
    assert [one.index for one in found.refused] == [1]


def test_a_public_key_cannot_speak_for_us() -> None:
    event = {"type": "track", "userId": "u", "event": "Call Made"}
    assert taken(event).touch is not None
    assert refused(event, caller=PUBLIC).code == "not_public"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"\x00\xff\xfe junk", "not_json"),
        (b"[]", "wrong_type"),
        (b"{}", "no_batch"),
        (b'{"batch": {}}', "wrong_type"),
        (b'{"batch": [}', "not_json"),
        (b'{"batch": ' + b"[" * 50_000, "too_deep"),
        (json.dumps({"batch": [1] * (MOST_EVENTS + 1)}).encode(), "too_many_events"),
        (b'{"batch": [], "sentAt": "noon"}', "bad_timestamp"),
    ],
)
def test_a_body_that_is_no_batch(body: bytes, code: str) -> None:
    with pytest.raises(Junk) as problem:
        parse_batch(body, caller=SERVER, received_at=NOW)
    assert problem.value.code == code


def test_the_context_of_a_batch_stands_for_its_events() -> None:
    body = {
        "context": {"campaign": {"name": "spring", "medium": "email"}},
        "batch": [{"type": "track", "userId": "u", "event": "x"}],
    }
    found = parse_batch(json.dumps(body).encode(), caller=SERVER, received_at=NOW)
    assert found.arrivals[0].campaign == "spring"


# --- whatever is sent ----------------------------------------------------------------------------------------------

UNHURRIED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine with other work to do is slow; that is no failure."""
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=6,
)
MEMBERS = "anonymousId previousId groupId messageId timestamp originalTimestamp sentAt name category".split()
TRAITS = st.sampled_from(["email", "company", "lead", "unsubscribed", "name"]) | st.text(max_size=20)
CONTEXT = st.fixed_dictionaries({}, optional=dict.fromkeys(["page", "campaign", "userAgent", "traits"], JSON))
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(CALLS) | SCALARS, "userId": st.just("u") | SCALARS},
    optional={
        "event": st.sampled_from(["Demo Requested", "x"]) | SCALARS,
        "properties": st.dictionaries(st.text(max_size=20), JSON, max_size=6),
        "traits": st.dictionaries(TRAITS, JSON, max_size=6),
        "context": CONTEXT,
        **dict.fromkeys(MEMBERS, JSON),
    },
)


def bounded(found: Parsed) -> None:
    for arrival in found.arrivals:
        assert len(arrival.message) == 16
        assert EARLIEST <= arrival.at <= NOW + AHEAD
        assert arrival.at <= NOW
        assert arrival.email or arrival.user_id or arrival.anonymous_id
        assert all(len(one) <= 320 for one in (arrival.email, arrival.user_id, arrival.anonymous_id) if one)
        assert len(arrival.source) <= 60
        assert len(arrival.campaign) <= 200
        assert arrival.account_domain is None or len(arrival.account_domain) <= 253
        for traits in (arrival.person, arrival.account, arrival.lead):
            assert set(traits.cells) <= set(traits.raw)
            assert all(len(name) <= 120 for name in traits.raw)
        if arrival.touch is not None:
            assert 0 < len(arrival.touch.kind) <= 60
            assert len(arrival.touch.channel) <= 60
        # What a JSON column can hold: no NUL, no lone surrogate, no NaN.
        stored = json.dumps(
            [arrival.touch.properties if arrival.touch else {}, dict(arrival.person.raw), dict(arrival.lead.raw)],
            allow_nan=False,
        )
        assert "\\u0000" not in stored
        json.loads(stored).__repr__().encode()
    for one in found.refused:
        assert one.code
        assert one.reason
        assert len(one.reason) < 600


@UNHURRIED
@given(st.lists(EVENTS | JSON, max_size=3), st.sampled_from([SERVER, PUBLIC]))
def test_no_event_ever_raises_and_all_is_bounded(events: list[object], caller: Caller) -> None:
    body = json.dumps({"batch": events}).encode()
    try:
        found = parse_batch(body, caller=caller, received_at=NOW)
    except Junk:
        # Numbers that JSON cannot say (NaN) spoil the whole body, as they would for any reader of JSON.
        assert b"NaN" in body or b"Infinity" in body or b"\\ud" in body
        return
    assert len(found.arrivals) + len(found.refused) == len(events)
    bounded(found)


@UNHURRIED
@given(st.binary(max_size=300), st.sampled_from([*CALLS, "batch"]))
def test_no_bytes_ever_raise_more_than_junk(body: bytes, call: str) -> None:
    try:
        found = (
            parse_batch(body, caller=SERVER, received_at=NOW)
            if call == "batch"
            else parse_call(call, body, caller=SERVER, received_at=NOW)
        )
    except Junk:
        return
    bounded(found)


@UNHURRIED
@given(st.text(max_size=200), st.integers(0, 200), st.integers(0, 255))
def test_a_damaged_body_never_raises(text: str, place: int, byte: int) -> None:
    body = bytearray(
        json.dumps(
            {"batch": [{"type": "identify", "userId": "u", "traits": {"name": text, "title": text[::-1]}}]},
            ensure_ascii=False,
        ).encode("utf-8", "surrogatepass")
    )
    body[place % len(body)] = byte
    try:
        found = parse_batch(bytes(body), caller=SERVER, received_at=NOW)
    except Junk:
        return
    bounded(found)


def test_the_largest_event_is_taken_and_one_byte_more_is_not() -> None:
    frame = {"userId": "u", "event": "x", "properties": {"a": "", "b": "", "c": "", "d": "", "e": ""}}
    room = MOST_EVENT_BYTES - len(json.dumps(frame))
    for letter in "abcd":
        frame["properties"][letter] = "x" * (room // 4)  # type: ignore[index]
    frame["properties"]["e"] = "y" * (room % 4)  # type: ignore[index]
    body = json.dumps(frame).encode()
    assert len(body) == MOST_EVENT_BYTES
    assert parse_call("track", body, caller=SERVER, received_at=NOW).arrivals
    with pytest.raises(Junk, match=r"32,769 bytes"):
        parse_call("track", body + b" ", caller=SERVER, received_at=NOW)
