"""Event names, trait names, addresses and ids as they come in."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadpact.capture.rules.address import BadAddress, company_domain, domain_of_email, email, identifier
from leadpact.capture.rules.channels import of_campaign, of_referrer
from leadpact.capture.rules.names import SYNONYMS, field_of, kind_of, snake
from leadpact.language.kinds import KINDS

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("Demo Requested", "demo.requested"),
        ("demo_requested", "demo.requested"),
        ("demoRequested", "demo.requested"),
        ("demo.requested", "demo.requested"),
        ("  DEMO   requested ", "demo.requested"),
        ("Request a Demo", "demo.requested"),
        ("White Paper Downloaded", "paper.downloaded"),
        ("Email Link Clicked", "email.clicked"),
        ("Unsubscribed", "email.unsubscribed"),
        ("Trial Plan Started", "trial.plan.started"),
        ("order.paid", "order.paid"),
        ("Größe Gewählt", "grösse.gewählt"),
        ("ping", "ping"),
        ("!!!", ""),
    ],
)
def test_an_events_name_becomes_a_kind(event: str, kind: str) -> None:
    assert kind_of(event) == kind


def test_every_registered_kind_is_found_by_its_words() -> None:
    for kind in KINDS:
        assert kind_of(kind.replace(".", " ").title()) == kind
        assert kind_of(kind) == kind


def test_synonyms_lead_to_kinds_in_their_own_form() -> None:
    for synonym, kind in SYNONYMS.items():
        assert kind_of(synonym) == kind
        assert kind_of(kind) == kind


@UNHURRIED
@given(TEXT)
def test_a_kind_stays_what_it_is(event: str) -> None:
    assert kind_of(kind_of(event)) == kind_of(event)


@pytest.mark.parametrize(
    ("scope", "name", "field"),
    [
        ("person", "jobTitle", "person.title"),
        ("person", "firstName", "person.first_name"),
        ("person", "favouriteColour", "person.favourite_colour"),
        ("person", "HTTPStatus", "person.http_status"),
        ("person", "timelineMonths", "lead.timeline_months"),
        ("person", "account.industry", "account.industry"),
        ("person", "employees", "account.employees"),
        ("account", "employee_count", "account.employees"),
        ("account", "industry", "account.industry"),
        ("lead", "budget", "lead.budget"),
        ("person", "--", ""),
    ],
)
def test_a_trait_becomes_a_field(scope: str, name: str, field: str) -> None:
    assert field_of(scope, name) == field


@UNHURRIED
@given(TEXT)
def test_a_snake_is_a_snake(name: str) -> None:
    assert snake(snake(name)) == snake(name)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ada@Northwind.example", "ada@northwind.example"),
        (" bo@FERRO.example ", "bo@ferro.example"),
        ("o'neil@halden.example", "o'neil@halden.example"),
        ("mailto:cleo@halden.example", "cleo@halden.example"),
        ("dara@halden.test", "dara@halden.test"),
        ("ada+news@northwind.example", "ada+news@northwind.example"),
    ],
)
def test_an_address_is_folded(text: str, folded: str) -> None:
    assert email(text) == folded


@pytest.mark.parametrize(
    "text",
    ["ada", "ada@", "@northwind.example", "ada@northwind", "a b@northwind.example", "ada@[10.0.0.1]", "a\0@x.example"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress) as refusal:
        email(text)
    assert text not in str(refusal.value), "the sentence goes into logs and must not carry the address"


@pytest.mark.parametrize("nothing", [None, "", "  ", "null", "undefined", "None", "0", 0, "anonymous", "NaN", True])
def test_ids_that_are_nothing(nothing: str | int | None) -> None:
    assert identifier(nothing) is None


def test_ids_keep_their_case_and_numbers_are_one_id() -> None:
    assert identifier("aB3") == "aB3"
    assert identifier(42) == identifier(42.0) == identifier("42") == "42"
    with pytest.raises(ValueError, match="longer than 320"):
        identifier("x" * 321)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("mail.eu.northwind.example", "northwind.example"),
        ("https://www.ferro.co.uk/about?x=1", "ferro.co.uk"),
        ("cs.ox.ac.uk", "ox.ac.uk"),
        ("ferro.uk.com", "ferro.uk.com"),
        ("FERRO.example:8080", "ferro.example"),
        ("gmail.com", None),
        ("mailinator.com", None),
        ("10.0.0.1", None),
        ("[::1]:80", None),
        ("2001:db8::1", None),
        ("localhost", None),
        ("co.uk", None),
        ("a..b", None),
        ("", None),
    ],
)
def test_the_company_behind_a_host(host: str, domain: str | None) -> None:
    assert company_domain(host) == domain


def test_free_mail_is_no_company() -> None:
    assert domain_of_email("ada@gmail.com") is None
    assert domain_of_email("ada@sales.northwind.example") == "northwind.example"


@UNHURRIED
@given(TEXT)
def test_no_text_makes_the_domain_rule_fail(text: str) -> None:
    found = company_domain(text)
    assert found is None or ("." in found and len(found) <= 253)


@pytest.mark.parametrize(
    ("source", "medium", "channel"),
    [
        ("google", "cpc", "paid_search"),
        ("LinkedIn", "CPC", "paid_social"),
        ("facebook-ads", "paid", "paid_social"),
        ("google", "", "organic_search"),
        ("spring-news", "email", "email"),
        ("newsletter", "", "email"),
        ("linkedin", "", "organic_social"),
        ("halden", "partner", "partner"),
        ("podcast", "audio", "audio"),
        ("", "", ""),
    ],
)
def test_campaign_parameters_name_one_channel(source: str, medium: str, channel: str) -> None:
    assert of_campaign(source, medium) == channel


def test_a_referrer_names_a_channel_unless_it_is_our_own_page() -> None:
    assert of_referrer("https://www.google.com/", "https://northwind.example/") == "organic_search"
    assert of_referrer("https://www.linkedin.com/feed", "https://northwind.example/") == "organic_social"
    assert of_referrer("https://halden.example/blog", "https://northwind.example/") == "referring_site"
    assert of_referrer("https://www.northwind.example/", "https://northwind.example/x") == ""
    assert of_referrer("", "https://northwind.example/x") == ""
