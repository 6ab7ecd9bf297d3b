"""From ASGI to Django and back: one thread a request, streams, refusals, nothing left over in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from django.core import signals
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from leadpact.site import asgi

zone: ContextVar[str] = ContextVar("zone", default="nobody's")
seen: list[str] = []


def echo(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(request.body[::-1], headers={"X-Length": str(len(request.body))})
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


def remembers(request: HttpRequest) -> HttpResponse:
    before = zone.get()
    zone.set("Ada's")
    return HttpResponse(before)


def thread(request: HttpRequest) -> HttpResponse:
    seen.append(threading.current_thread().name)
    return HttpResponse("x")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        for number in range(3):
            seen.append(threading.current_thread().name)
            yield f"part {number}\n".encode()

    return StreamingHttpResponse(parts(), content_type="text/csv")


def fails(request: HttpRequest) -> HttpResponse:
    raise ValueError("a page that fails")


urlpatterns = [
    path("echo", echo),
    path("remembers", remembers),
    path("thread", thread),
    path("stream", stream),
    path("fails", fails),
]


class Answer:
    def __init__(self, sent: list[dict[str, Any]]) -> None:
        self.status: int = sent[0]["status"]
        self.headers: list[tuple[bytes, bytes]] = sent[0]["headers"]
        self.body = b"".join(message.get("body", b"") for message in sent[1:])
        assert not sent[-1].get("more_body", False)


def ask(door: asgi.Door, where: str, *bodies: bytes, host: bytes = b"localhost") -> Answer | None:
    """One request whose body comes in these parts; None where nothing was answered."""
    scope: dict[str, Any] = {
        "type": "http", "http_version": "1.1", "method": "POST" if bodies else "GET", "path": where, "query_string": b"",
        "root_path": "", "scheme": "http", "headers": [(b"host", host)], "client": ("127.0.0.1", 1), "server": ("h", 80),
    }  # fmt: skip
    waiting = list(bodies) or [b""]
    sent: list[dict[str, Any]] = []

    async def receive() -> asgi.Message:
        if not waiting:
            return {"type": "http.disconnect"}
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting) or part == b"unfinished"}

    async def send(message: asgi.Message) -> None:
        sent.append(dict(message))

    asyncio.run(door(scope, receive, send))  # pyright: ignore[reportArgumentType]
    return Answer(sent) if sent else None


@pytest.fixture
def pages() -> Iterator[asgi.Pages]:
    """Django behind one thread, with the pages above and no middleware but what they need."""
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=["django.middleware.common.CommonMiddleware"]):
        door = asgi.Pages(threads=1)
        yield door
        door.close()


def test_there_and_back(pages: asgi.Pages) -> None:
    answer = ask(pages.serve, "/echo", b"abc", b"def")
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"fedcba")
    assert (b"x-length", b"6") in answer.headers
    assert [value.split(b";")[0] for name, value in answer.headers if name == b"set-cookie"] == [b"a=1", b"b=2"]


def test_what_one_request_sets_the_next_does_not_see(pages: asgi.Pages) -> None:
    for _ in range(2):
        answer = ask(pages.serve, "/remembers")
        assert answer is not None
        assert answer.body == b"nobody's"


def test_a_stream_is_made_and_closed_in_its_requests_thread(pages: asgi.Pages) -> None:
    seen.clear()
    finished: list[str] = []

    def note(**_: object) -> None:
        finished.append(threading.current_thread().name)

    signals.request_finished.connect(note)
    try:
        ask(pages.serve, "/thread")
        answer = ask(pages.serve, "/stream")
    finally:
        signals.request_finished.disconnect(note)
    assert answer is not None
    assert answer.body == b"part 0\npart 1\npart 2\n"
    assert len(seen) == 4
    assert set(seen) == set(finished) == {"page_0"}


def test_a_page_that_fails_is_a_500(pages: asgi.Pages) -> None:
    answer = ask(pages.serve, "/fails")
    assert answer is not None
    assert answer.status == 500
    assert b"a page that fails" not in answer.body


def test_a_stranger_among_hosts(pages: asgi.Pages) -> None:
    answer = ask(pages.serve, "/echo", b"x", host=b"attacker.example")
    assert answer is not None
    assert answer.status == 400


def test_too_much(pages: asgi.Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "LARGEST_BODY", 5)
    answer = ask(pages.serve, "/echo", b"abc", b"def")
    assert answer is not None
    assert answer.status == 413


def test_whoever_leaves_in_the_middle_gets_nothing(pages: asgi.Pages) -> None:
    assert ask(pages.serve, "/echo", b"unfinished") is None


def test_the_product_answers() -> None:
    answer = ask(asgi.application, "/health/live")
    assert answer is not None
    assert (answer.status, answer.body) == (200, b'{"status": "live"}')
    policy = dict(answer.headers)[b"content-security-policy"]
    assert b"default-src 'self'" in policy
    assert b"frame-ancestors 'none'" in policy
    assert b"unsafe" not in policy
