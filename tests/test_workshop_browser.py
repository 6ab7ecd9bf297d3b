"""Two heads of department in two browsers: argue with figures, write at once, sign, go back; without scripts too; axe."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from leadpact.agreement.actions import draft
from leadpact.agreement.models import Version
from leadpact.agreement.queries import in_force
from leadpact.kit import clock
from leadpact.kit.chromium import beside
from leadpact.team.models import User
from tests.cast import T0, Cast
from tests.workbench import lived, ready

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
STANDARD = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
THRESHOLD = "score.sales_ready.1.1.least"


@pytest.fixture
def company(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cast:
    monkeypatch.setenv("LEADPACT_DATA", str(tmp_path))
    cast = lived()
    ready(cast, tmp_path)
    return cast


@pytest.fixture
def desk(company: Cast, live_server: LiveServer) -> Callable[..., Page]:
    """`desk(chromium, cookie)`: somebody's own browser, which fails the test at an error of a script or of the policy."""

    def of(
        browser: Browser, cookie: str, *, size: dict[str, int] = WIDE, colours: str = "light", scripts: bool = True
    ) -> Page:
        context = browser.new_context(
            viewport=size, color_scheme=colours, reduced_motion="reduce", java_script_enabled=scripts,  # type: ignore[arg-type]
            base_url=live_server.url,
        )  # fmt: skip
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.route("**/live", lambda route: route.fulfill(status=204))

        def complain(text: str) -> None:
            raise AssertionError(text)

        page.on("pageerror", lambda error: complain(str(error)))
        page.on(
            "console",
            lambda said: complain(said.text) if said.type == "error" and not said.text.startswith("htmx:") else None,
        )
        return page

    return of


@pytest.fixture
def cookies(company: Cast) -> dict[str, str]:
    def of(user: User) -> str:
        client = Client()
        client.force_login(user, backend=BACKEND)
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    return {"ada": of(company.ada), "bo": of(company.bo)}


def axe(page: Page) -> list[tuple[str, list[str]]]:
    found = Axe().run(page, options=STANDARD).response["violations"]
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


def number_in_force() -> int:
    found = in_force(clock.now())
    assert found is not None
    return found.number


def test_two_heads_argue_write_at_once_sign_and_go_back(
    company: Cast, cookies: dict[str, str], desk: Callable[..., Page], chromium: Browser
) -> None:
    ada, bo = desk(chromium, cookies["ada"]), desk(chromium, cookies["bo"])

    # Ada moves a threshold with the keyboard; figures, sentence and address follow.
    ada.goto("/agreement/1/workshop/")
    slider = ada.get_by_label("Sales-ready, way 1: engagement at least, slider")
    slider.focus()
    for _ in range(10):
        ada.keyboard.press("ArrowLeft")
    expect(ada.locator("#figures .sum")).to_contain_text("44 leads instead of 22")
    expect(ada.get_by_label("Sales-ready, way 1: engagement at least", exact=True)).to_have_value("20")
    expect(ada.locator("#line-sales_ready\\.1 .wording")).to_contain_text("engagement is at least 20")
    expect(ada).to_have_url(re.compile(re.escape(f"workshop/?{THRESHOLD}=20") + "$"))
    assert axe(ada) == []

    # Bo opens that address, sees the same, and does not agree: a comment on the line.
    bo.goto(ada.url)
    expect(bo.locator("#figures .sum")).to_contain_text("44 leads instead of 22")
    line = bo.locator("#line-sales_ready\\.1")
    line.locator("summary").click()
    line.get_by_label("New thread on this line").fill("Twice as many. Who is to call them?")
    line.get_by_role("button", name="Comment").click()
    expect(bo.locator(".notices")).to_contain_text("stands beside the line")
    ada.reload()
    expect(ada.locator("#line-sales_ready\\.1 .talks > summary")).to_contain_text("1 thread, 1 open")

    # Ada makes it a draft; both write in it at once, one line of both alike.
    ada.get_by_role("button", name="Make a draft with these numbers").click()
    expect(ada).to_have_url(re.compile("/agreement/2/workshop/$"))
    for page in (ada, bo):
        page.goto("/agreement/2/edit/")
    text = ada.get_by_label("YAML, as both sides read it")
    text.fill(text.input_value().replace("{engagement: {at_least: 20}}", "{engagement: {at_least: 25}}"))
    ada.get_by_role("button", name="Save the draft").click()
    expect(ada.locator(".notices")).to_contain_text("The draft is kept")
    text = bo.get_by_label("YAML, as both sides read it")
    text.fill(
        text.input_value()
        .replace("{engagement: {at_least: 20}}", "{engagement: {at_least: 28}}")
        .replace("accept_within: 4 business hours", "accept_within: 3 business hours")
    )
    bo.get_by_role("button", name="Save the draft").click()
    expect(bo.get_by_role("heading", name="Two texts of one draft")).to_be_visible()
    assert axe(bo) == []
    bo.get_by_label("Kept beside it").check()
    bo.get_by_role("button", name="Put them together").click()
    expect(bo.locator(".notices")).to_contain_text("settled")
    source = beside(lambda: Version.objects.get(number=2).source)
    assert "{engagement: {at_least: 28}}" in source
    assert "accept_within: 3 business hours" in source

    # Proposed by one, signed by both; then back to version 1 by new signatures.
    ada.goto("/agreement/2/")
    ada.get_by_role("button", name="Propose to both heads").click()
    ada.get_by_label("Why").fill("A try for the autumn.")
    ada.get_by_role("button", name="Propose", exact=True).click()
    expect(ada.locator(".notices")).to_contain_text("Proposed")
    assert axe(ada) == []
    ada.get_by_role("button", name="Sign", exact=True).click()
    assert beside(number_in_force) == 1
    bo.goto("/agreement/2/")
    expect(bo.get_by_text("A try for the autumn.")).to_be_visible()
    bo.get_by_role("button", name="Sign", exact=True).click()
    expect(bo.locator(".notices")).to_contain_text("It is in force")
    assert beside(number_in_force) == 2
    bo.goto("/agreement/1/")
    bo.get_by_role("button", name="Propose again").click()
    bo.get_by_role("button", name="Propose", exact=True).click()
    bo.get_by_role("button", name="Sign", exact=True).click()
    ada.goto("/agreement/1/")
    ada.get_by_role("button", name="Sign", exact=True).click()
    expect(ada.locator(".notices")).to_contain_text("It is in force")
    assert beside(number_in_force) == 1
    ada.goto("/agreement/")
    expect(ada.get_by_role("region", name="Times in force").locator("tbody tr")).to_have_count(3)
    assert axe(ada) == []


def test_the_workshop_without_scripts(
    company: Cast, cookies: dict[str, str], desk: Callable[..., Page], chromium: Browser
) -> None:
    page = desk(chromium, cookies["ada"], scripts=False)
    page.goto("/agreement/1/workshop/")
    assert page.locator("input[type=range]:visible").count() == 0
    page.get_by_label("Came to a seminar: points", exact=True).fill("14")
    page.get_by_label("Sales can take a week").fill("2")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#figures .sum")).to_contain_text("0 leads instead of 22")
    expect(page.locator("#figures .sum")).to_contain_text("Sales can take 2 a week")
    page.get_by_role("button", name="Make a draft with these numbers").click()
    expect(page.locator(".notices")).to_contain_text("Version 2 is a draft from version 1")
    expect(page.get_by_label("Came to a seminar: points", exact=True)).to_have_value("14")


def test_axe_and_nothing_sticks_out(
    company: Cast, cookies: dict[str, str], desk: Callable[..., Page], chromium: Browser
) -> None:
    beside(lambda: draft(source=Version.objects.get(number=1).source + "# later\n", by=company.ada, at=T0))
    for size, colours in ((WIDE, "dark"), (NARROW, "light")):
        page = desk(chromium, cookies["bo"], size=size, colours=colours)
        for address in (
            f"/agreement/1/workshop/?{THRESHOLD}=20&capacity=3", "/agreement/compare/?a=1&b=2", "/agreement/1/revisions/",
            "/agreement/1/revisions/1/", "/agreement/1/",
        ):  # fmt: skip
            page.goto(address)
            for summary in page.locator("main details > summary").all()[:6]:
                summary.click()
            assert axe(page) == [], (address, colours)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (address, size)


def test_what_the_past_says_against_a_number_follows_the_number(
    company: Cast, cookies: dict[str, str], desk: Callable[..., Page], chromium: Browser
) -> None:
    page = desk(chromium, cookies["ada"], size=NARROW, colours="dark")
    page.goto("/agreement/1/workshop/")
    warned = page.locator("#line-sales_ready\\.1 .from-history")
    never = page.locator("#lines .of-all .from-history")
    expect(warned).to_have_count(0)
    expect(never).to_have_text("This verdict was given to none of 44 leads from 2026-05-28 to 2026-07-10.")
    number = page.get_by_label("Sales-ready, way 1: engagement at least", exact=True)
    number.fill("60")
    expect(warned).to_contain_text("This asks for 60 of engagement; 40 is the most of 44 leads")
    expect(never).to_have_count(2)
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.reload()
    expect(warned).to_contain_text("40 is the most")
    number.fill("20")
    expect(warned).to_have_count(0)
    expect(never).to_have_count(1)
    assert page.locator("#line-pricing .from-history").inner_text().startswith("This line scored for none of 44 leads")
    page.set_viewport_size(WIDE)
    beside(lambda: draft(source=Version.objects.get(number=1).source + "# later\n", by=company.ada, at=T0))
    page.goto("/agreement/2/")
    expect(page.locator(".note.held")).to_contain_text("warnings of history are marked below")
    expect(page.locator(".clause.verdicts\\.disqualified .from-history")).to_be_visible()
    assert axe(page) == []
