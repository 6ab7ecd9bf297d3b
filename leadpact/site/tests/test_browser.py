"""The shell in a real browser: keys, dialogs, light and dark, narrow and wide, and what axe finds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from leadpact.team.models import User

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
STANDARD = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
WIDE_PAGES = ["/team/", "/gallery/", "/search?q=north"]
NARROW_PAGES = ["/team/me/", "/gallery/", "/team/invite/", "/team/keys/"]


@pytest.fixture
def session(operations: User, enter: Callable[[User], Client], live_server: LiveServer) -> dict[str, str]:
    """The cookie of somebody of operations who is logged in."""
    value = enter(operations).cookies[settings.SESSION_COOKIE_NAME].value
    return {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}


def opened(browser: Browser, cookie: dict[str, str] | None, *, size: dict[str, int], colours: str = "light") -> Page:
    """A page that fails the test at an error of a script or of the page's policy."""
    context = browser.new_context(viewport=size, color_scheme=colours, reduced_motion="reduce")  # type: ignore[arg-type]
    if cookie:
        context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.route("**/live", lambda route: route.fulfill(status=204))

    def complain(text: str) -> None:
        raise AssertionError(text)

    page.on("pageerror", lambda error: complain(str(error)))
    page.on(
        "console",
        lambda said: complain(said.text) if said.type == "error" and "Content Security" in said.text else None,
    )
    return page


def test_axe_finds_nothing_and_nothing_sticks_out(
    session: dict[str, str], live_server: LiveServer, chromium: Browser
) -> None:
    for size, colours, pages in ((WIDE, "light", WIDE_PAGES), (NARROW, "dark", NARROW_PAGES)):
        page = opened(chromium, session, size=size, colours=colours)
        for address in pages:
            page.goto(live_server.url + address)
            found = Axe().run(page, options=STANDARD).response["violations"]
            assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == [], (address, colours)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], address
        page.context.close()


def test_keys_reach_what_is_frequent(session: dict[str, str], live_server: LiveServer, chromium: Browser) -> None:
    page = opened(chromium, session, size=WIDE)
    page.goto(f"{live_server.url}/team/")
    page.keyboard.press("?")
    help_ = page.locator("dialog#help")
    help_.wait_for(state="visible")
    assert {"Search", "Invite", "Team", "Next row"} <= set(help_.locator("dd").all_text_contents())
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("ops n")
    assert page.url.endswith("/team/"), "keys that are typed into a field do nothing else"
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=ops+n")
    page.locator("main").click()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/team/")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "Ops"
    page.keyboard.press("n")
    page.wait_for_url("**/team/invite/")


def test_keys_can_be_switched_off(session: dict[str, str], live_server: LiveServer, chromium: Browser) -> None:
    page = opened(chromium, session, size=WIDE)
    page.goto(f"{live_server.url}/team/")
    page.keyboard.press("?")
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.reload()
    page.keyboard.press("n")
    assert page.url.endswith("/team/")


def test_a_filter_changes_list_and_address_without_a_reload(
    session: dict[str, str], live_server: LiveServer, chromium: Browser
) -> None:
    page = opened(chromium, session, size=WIDE)
    page.goto(f"{live_server.url}/gallery/")
    page.evaluate("window.kept = true")
    page.select_option("select[name=holder]", "sales")
    page.wait_for_url("**/gallery/?holder=sales*")
    assert page.locator("#list tbody tr").count() == 2
    assert page.locator("#list-said").text_content() == "2 people"
    assert page.evaluate("window.kept") is True


def test_dialogs_open_by_key_and_without_scripts(
    session: dict[str, str], live_server: LiveServer, chromium: Browser
) -> None:
    page = opened(chromium, session, size=WIDE)
    page.goto(f"{live_server.url}/gallery/")
    page.keyboard.press("r")
    assert page.locator("dialog#reject").evaluate("dialog => dialog.open")
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies([session])  # type: ignore[list-item]
    plain = context.new_page()
    plain.goto(f"{live_server.url}/gallery/")
    assert not plain.locator("dialog#reject").is_visible()
    plain.get_by_role("button", name="Reject…").click()
    assert plain.locator("dialog#reject").is_visible()


def test_light_and_dark_stay_as_chosen(session: dict[str, str], live_server: LiveServer, chromium: Browser) -> None:
    page = opened(chromium, session, size=WIDE)
    page.goto(f"{live_server.url}/team/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    assert light != dark
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_the_first_visit_and_the_menu_of_a_telephone(live_server: LiveServer, chromium: Browser) -> None:
    page = opened(chromium, None, size=NARROW)
    page.goto(f"{live_server.url}/team/")
    page.get_by_label("E-mail").fill("ada@northwind.example")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill("Slow-paper-mills-1")
    page.get_by_role("button", name="Make the account").click()
    page.wait_for_url("**/")
    page.goto(f"{live_server.url}/team/me/")
    menu = page.locator("#menu")
    assert not menu.is_visible()
    page.get_by_role("button", name="Menu").click()
    menu.get_by_role("link", name="Team").click()
    page.wait_for_url("**/team/")
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/**")


def test_the_count_reaches_title_badge_and_toast(
    session: dict[str, str], live_server: LiveServer, chromium: Browser
) -> None:
    page = opened(chromium, session, size=WIDE)
    said = 'retry: 60000\n\nevent: count\ndata: {"offers": 2}\n\n'
    page.route("**/live", lambda route: route.fulfill(status=200, content_type="text/event-stream", body=said))
    page.goto(f"{live_server.url}/team/")
    # No wait_for_function: it evaluates text inside the page, which the page's own policy forbids.
    expect(page).to_have_title(re.compile(r"^\(2\) "))
    expect(page.locator(".side [data-count=inbox] b")).to_have_text("2")
    expect(page.locator(".toast p")).to_have_text("2 new offers came in.")
