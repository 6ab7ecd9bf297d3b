"""Capture's pages, asked by each role: who may what, what a form does, what stands on the page afterwards."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from leadpact.capture.actions import intake
from leadpact.capture.actions.upload import take_upload
from leadpact.capture.models import Duplicate, ImportPart, ImportRun, WriteKey
from leadpact.capture.rules.arrival import Arrival, TouchData
from leadpact.custody.queries import holding
from leadpact.kit import clock
from leadpact.leads.models import Lead, Person, Touch
from leadpact.team.models import User

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
MANAGED = ["/capture/imports/", "/capture/keys/", "/capture/machines/", "/capture/duplicates/"]
LEADS = b"lead_id,created_at,Email,First Name\n1,2024-01-05,ada@northwind.example,Ada\n2,soon,bo@ferro.example,Bo\n"


@pytest.fixture
def enter() -> Callable[[str], Client]:
    """A browser in which somebody of this role is logged in."""

    def as_(role: str) -> Client:
        takes = role == "salesperson"
        user = User.objects.create_user(
            f"{role}@leadpact.example", name=role.title(), role=role, takes_leads=takes, department=""
        )
        browser = Client()
        browser.force_login(user, backend=BACKEND)
        return browser

    return as_


def card(browser: Client, **said: str) -> str:
    """Fill in the form as it stands on the page; what the next page says."""
    page = browser.get("/capture/").content.decode()
    once = re.search(r'name="once" value="(\w+)"', page)
    assert once
    answer = browser.post("/capture/", {"way": "call", "once": once[1], **said}, follow=True)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


@pytest.mark.parametrize("role", ["marketer", "manager", "operations"])
def test_those_who_run_capture_see_all_of_it(enter: Callable[[str], Client], role: str) -> None:
    browser = enter(role)
    for address in ["/capture/", *MANAGED]:
        assert browser.get(address).status_code == 200, address


def test_a_salesperson_may_only_enter(enter: Callable[[str], Client]) -> None:
    browser = enter("salesperson")
    page = browser.get("/capture/").content.decode()
    assert "My own prospect" in page
    assert "/capture/keys/" not in page
    for address in [*MANAGED, "/capture/imports/1/"]:
        assert browser.get(address).status_code == 403, address
    assert browser.post("/capture/keys/", {"name": "x"}).status_code == 403
    assert browser.post("/capture/duplicates/1/", {"decision": "same"}).status_code == 403


def test_nobody_comes_in_without_logging_in() -> None:
    for address in ["/capture/", *MANAGED]:
        assert Client().get(address).status_code == 302, address


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_a_call_is_entered_and_the_next_card_waits(enter: Callable[[str], Client]) -> None:
    said = card(
        enter("marketer"), name="Ada Ash", email="Ada@Northwind.example", company="Northwind", note="Wants a demo"
    )
    assert "Ada Ash is in." in said
    ada = Person.objects.select_related("account").get(email="ada@northwind.example")
    assert (ada.name, ada.account and ada.account.domain) == ("Ada Ash", "northwind.example")
    touch = Touch.objects.get()
    assert (touch.kind, touch.channel, touch.properties["note"]) == ("call.received", "phone", "Wants a demo")
    assert touch.user is not None
    assert touch.user.role == "marketer"
    lead = Lead.objects.get()
    assert (lead.source, lead.sourced_by) == ("phone", "marketing")
    assert f"/leads/{lead.pk}/" in said


def test_a_referral_is_sourced_by_referral(enter: Callable[[str], Client]) -> None:
    card(enter("marketer"), way="referral", name="Bo Birch", phone="+1 312 555 0100", referred_by="Cleo")
    lead = Lead.objects.select_related("person").get()
    assert (lead.source, lead.sourced_by, lead.person.phone) == ("referral", "referral", "+1 312 555 0100")
    assert Touch.objects.get().properties["referred_by"] == "Cleo"


def test_sending_the_form_twice_enters_once(enter: Callable[[str], Client]) -> None:
    browser = enter("marketer")
    for _ in range(2):
        answer = browser.post("/capture/", {"way": "card", "once": "abc", "name": "Dara Dale"}, follow=True)
    assert "was entered a moment ago already" in answer.content.decode()
    assert Touch.objects.count() == Person.objects.count() == 1


def test_wrong_cards_are_told_beside_their_field(enter: Callable[[str], Client]) -> None:
    browser = enter("marketer")
    for said, sentence in [
        ({"email": "ada at northwind"}, "This is not an e-mail address"),
        ({"company": "Northwind"}, "Give at least an e-mail address, a telephone number or a name."),
        ({"name": "Ada", "way": "own"}, "Select a valid choice"),
    ]:
        answer = browser.post("/capture/", {"way": "call", "once": "abc", **said})
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
    assert not Person.objects.exists()


def test_an_own_prospect_starts_with_its_salesperson(enter: Callable[[str], Client]) -> None:
    said = card(enter("salesperson"), way="own", name="Cleo Cole", email="cleo@halden.example")
    assert "Cleo Cole is in, and yours." in said
    lead = Lead.objects.get()
    assert lead.sourced_by == "sales"
    held = holding(lead.pk)
    assert held is not None
    assert (held.holder, held.state) == ("sales", "prospecting")
    assert held.salesperson_id == User.objects.get(role="salesperson").pk


def test_nobody_is_taken_away_as_an_own_prospect(enter: Callable[[str], Client]) -> None:
    card(enter("marketer"), name="Ada", email="ada@northwind.example")
    said = card(enter("salesperson"), way="own", name="Ada", email="ada@northwind.example")
    assert "is known already and stays with who holds the lead" in said
    held = holding(Lead.objects.get().pk)
    assert held is not None
    assert held.holder == "marketing"


# --- imports ---------------------------------------------------------------------------------------------------------


def upload(browser: Client, body: bytes, **said: str) -> str:
    file = SimpleUploadedFile("last year.csv", body)
    answer = browser.post("/capture/imports/", {"role": "leads", "timezone": "UTC", "file": file, **said}, follow=True)
    return answer.content.decode()


def test_a_file_is_looked_at_then_taken(enter: Callable[[str], Client]) -> None:
    browser = enter("operations")
    page = upload(browser, LEADS)
    run = ImportRun.objects.get()
    assert (run.state, run.dry_run, run.read, run.taken, run.refused) == ("looked", True, 2, 1, 1)
    assert "Nothing is taken yet" in page
    assert "First Name" in page, "how the columns were read"
    assert "bo@ferro.example" in page, "the row that cannot be read"
    assert not Person.objects.exists()

    answer = browser.post(f"/capture/imports/{run.pk}/confirm/", follow=True)
    assert "is being taken" in answer.content.decode()
    assert take_upload(run_id=run.pk, now=clock.now) is not None
    run.refresh_from_db()
    assert (run.state, run.taken, run.created, run.refused) == ("done", 1, 1, 1)
    assert not ImportPart.objects.exists(), "the file is not kept longer than it is needed"
    assert Person.objects.get().name == "Ada"
    assert take_upload(run_id=run.pk, now=clock.now) is None
    rejects = list(csv.DictReader(io.StringIO(browser.get(f"/capture/imports/{run.pk}/?format=csv").content.decode())))
    assert [row["line"] for row in rejects] == ["3"]


def test_a_file_is_dropped(enter: Callable[[str], Client]) -> None:
    browser = enter("operations")
    upload(browser, LEADS)
    run = ImportRun.objects.get()
    browser.post(f"/capture/imports/{run.pk}/drop/")
    assert not ImportPart.objects.exists()
    answer = browser.post(f"/capture/imports/{run.pk}/confirm/", {"next": f"/capture/imports/{run.pk}/"}, follow=True)
    assert "This import is running or over already." in answer.content.decode()
    assert take_upload(run_id=run.pk, now=clock.now) is None


def test_a_file_that_cannot_be_read_is_told_by_its_own_name(enter: Callable[[str], Client]) -> None:
    page = upload(enter("operations"), b"Name\nAda\n")
    assert "last year.csv has no" in page
    assert "--map" not in page, "a page speaks of its fields, not of options"
    assert "leadpact-import-" not in page, "not by the name of a temporary copy"
    assert not ImportRun.objects.exists()


def test_columns_are_said_by_hand(enter: Callable[[str], Client]) -> None:
    body = b"Nr;Erstkontakt;Mail\n1;05.01.2024;ada@northwind.example\n"
    page = upload(
        enter("operations"),
        body,
        maps="--map lead_id=Nr\n\ncreated_at=Erstkontakt",
        date_order="dmy",
        timezone="Europe/Berlin",
    )
    assert "Nothing is taken yet" in page
    run = ImportRun.objects.get()
    assert run.mapping == ["lead_id=Nr", "created_at=Erstkontakt", "--timezone Europe/Berlin", "--date-order dmy"]
    ImportRun.objects.update(state="waiting")
    take_upload(run_id=run.pk, now=clock.now)
    run.refresh_from_db()
    assert (run.state, run.taken) == ("done", 1)


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_revoked(enter: Callable[[str], Client]) -> None:
    browser = enter("operations")
    answer = browser.post(
        "/capture/keys/", {"name": "website", "public": "on", "origins": "https://northwind.example/\n"}
    )
    shown = re.search(r'value="(lpp_[\w-]+)"', answer.content.decode())
    assert shown
    assert answer["Cache-Control"] == "no-store"
    key = WriteKey.objects.get()
    assert (key.is_public, key.origins) == (True, ["https://northwind.example"])
    page = browser.get("/capture/keys/").content.decode()
    assert shown[1] not in page
    assert key.prefix in page
    browser.post(f"/capture/keys/{key.pk}/revoke/")
    key.refresh_from_db()
    assert key.revoked_at is not None
    lines = browser.get("/capture/keys/?format=csv").content.decode("utf-8-sig").splitlines()
    assert lines[0] == "Name,Begins with,Kind,Pages,Made,Last used,Revoked"


@pytest.mark.parametrize(
    "said",
    [{"public": "on"}, {"origins": "https://northwind.example"}, {"public": "on", "origins": "https://*.example"}],
)
def test_a_key_that_cannot_be_made(enter: Callable[[str], Client], said: dict[str, str]) -> None:
    answer = enter("operations").post("/capture/keys/", {"name": "website", **said})
    assert answer.status_code == 422
    assert "--" not in re.findall(r'<p class="error"[^>]*>([^<]*)', answer.content.decode())[0]
    assert not WriteKey.objects.exists()


# --- what needs a look -------------------------------------------------------------------------------------------------


def test_touches_of_machines_stand_in_quarantine(enter: Callable[[str], Client]) -> None:
    touch = TouchData(
        "email.clicked",
        "email",
        properties={"automated": "three or more clicks of one visitor within a second"},
        automated=True,
    )
    at = clock.now()
    intake([Arrival(b"m" * 16, at, email="ada@northwind.example", touch=touch)], known_at=at)
    browser = enter("marketer")
    page = browser.get("/capture/machines/").content.decode()
    assert "three or more clicks" in page
    assert "ada@northwind.example" in page
    assert (
        browser.get("/capture/machines/?kind=page")
        .content.decode()
        .count("three or more clicks of one visitor within a second")
        == 0
    )
    assert "email.clicked" in browser.get("/capture/machines/?format=csv").content.decode()


def test_only_a_person_says_that_two_are_one(enter: Callable[[str], Client]) -> None:
    at = clock.now()
    intake([Arrival(b"1" * 16, at, email="ada@northwind.example"), Arrival(b"2" * 16, at, user_id="u2")], known_at=at)
    intake([Arrival(b"3" * 16, at, email="ada@northwind.example", user_id="u2")], known_at=at + 1)
    pair = Duplicate.objects.get()
    browser = enter("marketer")
    page = browser.get("/capture/duplicates/").content.decode()
    assert "one message named both" in page
    assert "ada@northwind.example" in page
    assert "Without a name" in page
    answer = browser.post(f"/capture/duplicates/{pair.pk}/", {"decision": "different"}, follow=True)
    assert "are two people" in answer.content.decode()
    pair.refresh_from_db()
    assert (pair.decision, pair.by and pair.by.role) == ("different", "marketer")
    again = browser.post(f"/capture/duplicates/{pair.pk}/", {"decision": "different"}, follow=True)
    assert "Somebody answered this question before you" in again.content.decode()
    assert Person.objects.count() == 2
