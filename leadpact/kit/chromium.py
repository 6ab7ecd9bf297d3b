"""pytest plugin: a Chromium for tests marked `browser`. Where none is installed those tests are deselected, and counted so.

@pytest.mark.browser
def test_it(live_server: LiveServer, chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844})
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

R = TypeVar("R")
NAMES = ("chromium", "chromium-browser", "google-chrome")


def installed() -> str:
    """The path of a Chromium of this machine; empty where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave browser tests out where there is no browser."""
    if installed():
        return
    without = [item for item in items if item.get_closest_marker("browser")]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]


def beside(do: Callable[..., R], *arguments: object) -> R:
    """Call something that needs the database while the browser runs: in a thread of its own, whose connection it closes."""
    from django.db import connections

    def work() -> R:
        try:
            return do(*arguments)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@pytest.fixture
def chromium(transactional_db: None) -> Iterator[Browser]:
    """A browser of this machine, for one test. Name it last among the test's fixtures.

    Playwright keeps an event loop in the test's thread, and Django refuses the database there as long as it runs: what
    a test needs is written by fixtures before this one, or through `beside`.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engines:
        # Containers run tests as root, where Chromium's own sandbox cannot start.
        browser = engines.chromium.launch(executable_path=installed(), args=["--no-sandbox"])
        yield browser
        browser.close()
