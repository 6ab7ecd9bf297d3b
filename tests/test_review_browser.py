"""The regular review in a real browser: asked for, read, written on, with and without scripts; and what axe finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client

from leadpact.capture.actions import intake
from leadpact.custody.models import Holding
from leadpact.distribution import actions as sales
from leadpact.kit import clock
from leadpact.leads.models import Lead
from leadpact.site.tests.conftest import BACKEND
from leadpact.site.tests.test_browser import NARROW, STANDARD, WIDE, opened
from tests.cast import DAY, HOUR, Cast, make_cast, sign, touch, traits

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})


@pytest.fixture
def company() -> Cast:
    """An agreement since four days, and four leads that Sales gave back the day before yesterday: whole days end at midnight."""
    people = make_cast()
    now = clock.now()
    sign(people, at=now - 4 * DAY)
    for name in ("fay", "gus", "hal", "ida"):
        at = now - 2 * DAY
        intake([touch("demo.requested", at=at, email=f"{name}@{name}.example", account=FIT)], known_at=at)
        lead = Lead.objects.get(person__email=f"{name}@{name}.example")
        who = Holding.objects.select_related("salesperson").get(lead=lead).salesperson
        assert who is not None
        sales.reject(lead_id=lead.pk, reason="no_fit", by=who, at=at + HOUR, note="They lease, they never buy.")
    return people


@pytest.fixture
def session(company: Cast, live_server: LiveServer) -> dict[str, str]:
    """The cookie of the head of Marketing."""
    browser = Client()
    browser.force_login(company.ada, backend=BACKEND)
    value = browser.cookies[settings.SESSION_COOKIE_NAME].value
    return {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}


def test_a_review_is_asked_for_read_and_written_on(
    session: dict[str, str], live_server: LiveServer, chromium: Browser
) -> None:
    page = opened(chromium, session, size=WIDE)
    page.goto(f"{live_server.url}/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/tuning/reviews/")
    assert "No review yet" in page.inner_text("main")
    page.get_by_role("button", name="Prepare").click()
    page.wait_for_url("**/tuning/reviews/1/")
    story = page.locator("article.story").first
    assert "Sales gave it back and blamed the definition." in story.inner_text()
    assert "They lease, they never buy." in story.inner_text()
    story.get_by_text("Write down").click()
    story.get_by_role("textbox").fill("Leasing firms are out.")
    story.get_by_label("This is a decision").check()
    story.get_by_role("button", name="Keep").click()
    page.wait_for_url("**/tuning/reviews/1/#lead-*")
    assert "Leasing firms are out." in page.locator("article.story").first.inner_text()
    with page.expect_download() as got:
        page.keyboard.press("p")
    assert got.value.suggested_filename == "review-1.pdf"

    for size, colours in ((WIDE, "light"), (NARROW, "dark")):
        other = opened(chromium, session, size=size, colours=colours)
        for address in ("/tuning/reviews/", "/tuning/reviews/1/"):
            other.goto(live_server.url + address)
            found: Any = Axe().run(other, options=STANDARD).response["violations"]
            assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == [], (address, colours)
            assert other.evaluate("document.documentElement.scrollWidth") <= size["width"], address

    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies([session])  # type: ignore[list-item]
    plain = context.new_page()
    plain.goto(f"{live_server.url}/tuning/reviews/1/#notes")
    notes = plain.locator("#notes")
    notes.get_by_role("textbox").fill("We meet on Tuesdays.")
    notes.get_by_role("button", name="Keep").click()
    assert "We meet on Tuesdays." in plain.locator("#notes").inner_text()
