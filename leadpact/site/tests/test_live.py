"""The live count: who may listen, what they hear, that others hear nothing, that it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from leadpact.leads.models import Lead, Person
from leadpact.site import live
from leadpact.team.models import User
from leadpact.team.tests.conftest import BACKEND

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 15.0


class Page:
    """An open page: what it hears, as the browser would."""

    def __init__(self, cookie: str = "", method: str = "GET") -> None:
        self.scope = {"type": "http", "method": method, "path": "/live", "headers": [(b"cookie", cookie.encode())]}
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.status = 0
        self.closed = asyncio.Event()

    async def run(self) -> None:
        """The whole answer."""
        await live.live(self.scope, self._receive, self._send)

    async def count(self) -> int:
        """The next number it hears."""
        return (await asyncio.wait_for(self.heard.get(), PATIENCE_S))["offers"]

    async def _receive(self) -> dict[str, Any]:
        await self.closed.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        for line in message.get("body", b"").decode().splitlines():
            if line.startswith("data: "):
                self.heard.put_nowait(json.loads(line.removeprefix("data: ")))


def session_of(user: User) -> str:
    """The cookie of a browser in which they are logged in."""
    browser = Client()
    browser.force_login(user, backend=BACKEND)
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}; theme=dark"


def person(name: str) -> User:
    """Somebody who sells."""
    return User.objects.create_user(f"{name}@northwind.example", name=name, role="salesperson", takes_leads=True)


def offer(user: User, number: int) -> None:
    """Put a lead before somebody and say so, as the loop does at commit."""
    someone = Person.objects.create(email=f"{number}@ferro.example", secret=b"k" * 32, created_at=1)
    lead = Lead.objects.create(person=someone, created_at=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO distribution_offer (lead_id, seq, salesperson_id, offered_at, outcome, why)"
            " VALUES (%s, 1, %s, 1, '', '{}')",
            [lead.pk, user.pk],
        )
        cursor.execute("SELECT pg_notify('leadpact_live', %s)", [json.dumps({"user": user.pk, "what": "inbox"})])


async def in_thread(do: Callable[..., Any], *arguments: Any) -> None:
    """Database work beside the event loop, on a connection that is closed afterwards."""

    def work() -> None:
        try:
            do(*arguments)
        finally:
            connection.close()

    await asyncio.get_running_loop().run_in_executor(None, work)


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story on an event loop of its own."""
    asyncio.run(asyncio.wait_for(story(), 60))


def test_each_hears_of_their_own_offers_only() -> None:
    bo, cleo = person("bo"), person("cleo")
    theirs = {"bo": session_of(bo), "cleo": session_of(cleo)}

    async def story() -> None:
        first, second, other = Page(theirs["bo"]), Page(theirs["bo"]), Page(theirs["cleo"])
        tasks = [asyncio.create_task(page.run()) for page in (first, second, other)]
        assert [await page.count() for page in (first, second, other)] == [0, 0, 0]
        await in_thread(offer, bo, 1)
        assert [await first.count(), await second.count()] == [1, 1]
        await in_thread(offer, cleo, 2)
        assert await other.count() == 1
        await in_thread(offer, bo, 3)
        assert await first.count() == 2
        assert other.heard.empty()
        for page in (first, second, other):
            page.closed.set()
        await asyncio.gather(*tasks)
        assert live.hub().streams == {}

    run(story)


def test_without_a_session_there_is_nothing() -> None:
    bo = person("bo")
    cookie = session_of(bo)
    User.objects.filter(pk=bo.pk).update(is_active=False)

    async def story() -> None:
        for page, status in (
            (Page(), 204),
            (Page("sessionid=forged"), 204),
            (Page(cookie), 204),
            (Page(cookie, method="POST"), 405),
        ):
            await page.run()
            assert page.status == status

    run(story)


def test_junk_on_the_channel_harms_nobody() -> None:
    bo = person("bo")
    cookie = session_of(bo)

    def junk() -> None:
        with connection.cursor() as cursor:
            for payload in ("", "{", "[]", '{"user": "x"}', '{"user": []}', '{"user": 999999}'):
                cursor.execute("SELECT pg_notify('leadpact_live', %s)", [payload])

    async def story() -> None:
        page = Page(cookie)
        task = asyncio.create_task(page.run())
        assert await page.count() == 0
        await in_thread(junk)
        await in_thread(offer, bo, 1)
        assert await page.count() == 1
        page.closed.set()
        await task

    run(story)


def test_streams_end_when_the_process_is_told_to_stop() -> None:
    cookie = session_of(person("bo"))

    async def story() -> None:
        page = Page(cookie)
        task = asyncio.create_task(page.run())
        await page.count()
        live.hub().stop()
        await asyncio.wait_for(task, PATIENCE_S)

    run(story)


def test_one_person_cannot_hold_any_number_of_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STREAMS_EACH", 3)
    cookie = session_of(person("bo"))

    async def story() -> None:
        pages = [Page(cookie) for _ in range(live.STREAMS_EACH + 2)]
        tasks = []
        for page in pages:
            tasks.append(asyncio.create_task(page.run()))
            await page.count()
        await asyncio.wait_for(asyncio.gather(*tasks[:2]), PATIENCE_S)
        for page in pages:
            page.closed.set()
        await asyncio.gather(*tasks)

    run(story)
