"""/live: one long answer (server-sent events) per browser, with the number of offers that wait for its reader.

One connection a process listens to PostgreSQL's channel `leadpact_live` and counts for whoever was told of; every open
page of that person gets the number. No thread waits, and no page asks again and again. What is sent is a count and
nothing else, so a stream can be no more revealing than the badge beside "Inbox".

    event: count
    data: {"offers": 4}
"""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.http import HttpRequest

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CHANNEL = "leadpact_live"
"""What `loop.follow` notifies: {"user": id or null for everybody, "what": "inbox"}."""
HEARTBEAT_S = 20.0
# A session that ended (log-out, account closed) is noticed after this long at the latest; the browser then asks again.
TRUST_S = 300.0
RETRY_MS = 3_000
# Offers come in batches: one count for all that was told within this long.
GATHER_S = 0.05
IDLE_S = 1.0
STREAMS_EACH = 12

_COUNTS = """
SELECT salesperson_id, count(*) FROM distribution_offer
WHERE salesperson_id = ANY(%s) AND ended_at IS NULL GROUP BY salesperson_id
"""

log = structlog.get_logger(__name__)


class Stream:
    """One open page: the last number for it, and a bell that rings when it changes."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.offers: int | None = None
        self.over = False
        self.bell = asyncio.Event()

    def show(self, offers: int) -> None:
        """Ring where the number is news."""
        if offers != self.offers:
            self.offers = offers
            self.bell.set()

    def end(self) -> None:
        """Close the page's stream; the browser opens another."""
        self.over = True
        self.bell.set()


class Hub:
    """The streams of one process and the one connection that listens for all of them."""

    def __init__(self) -> None:
        self.streams: dict[int, list[Stream]] = {}
        self._listener: asyncio.Task[None] | None = None
        self._asked: set[int] = set()

    def open(self, user_id: int) -> Stream:
        """Another page of this person. The first page starts the listener."""
        stream = Stream(user_id)
        theirs = self.streams.setdefault(user_id, [])
        theirs.append(stream)
        if len(theirs) > STREAMS_EACH:
            theirs[0].end()
        self._asked.add(user_id)
        if self._listener is None or self._listener.done():
            self._listener = asyncio.get_running_loop().create_task(self._listen())
        return stream

    def close(self, stream: Stream) -> None:
        """A page went away. With the last one the listener ends."""
        theirs = self.streams.get(stream.user_id, [])
        if stream in theirs:
            theirs.remove(stream)
        if not theirs:
            self.streams.pop(stream.user_id, None)
        if not self.streams and self._listener is not None:
            self._listener.cancel()
            self._listener = None

    def stop(self) -> None:
        """End every stream: the process is going down."""
        for stream in [stream for theirs in self.streams.values() for stream in theirs]:
            stream.end()

    async def _listen(self) -> None:
        wait = 0.5
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**_parameters(), autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._asked.update(self.streams)
                    wait = 0.5
                    while True:
                        await self._count(connection)
                        await self._hear(connection)
            except psycopg.OperationalError as error:
                log.warning("live: the database went away", error=type(error).__name__, again_in_s=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 30.0)

    async def _hear(self, connection: psycopg.AsyncConnection[Any]) -> None:
        # The wait is short because a page that opens meanwhile waits for its first number.
        heard = [told async for told in connection.notifies(timeout=IDLE_S, stop_after=1)]
        if heard:
            heard += [told async for told in connection.notifies(timeout=GATHER_S)]
        for told in heard:
            self._note(told.payload)

    def _note(self, payload: str) -> None:
        with suppress(ValueError, AttributeError, TypeError):
            told = json.loads(payload)
            user_id = told.get("user")
            if user_id is None:
                self._asked.update(self.streams)
            elif int(user_id) in self.streams:
                self._asked.add(int(user_id))

    async def _count(self, connection: psycopg.AsyncConnection[Any]) -> None:
        asked, self._asked = self._asked, set()
        if not asked:
            return
        found = await (await connection.execute(_COUNTS, [sorted(asked)])).fetchall()
        self._tell(asked, dict(found))

    def _tell(self, asked: Iterable[int], counts: dict[int, int]) -> None:
        for user_id in asked:
            for stream in self.streams.get(user_id, []):
                stream.show(counts.get(user_id, 0))


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
        _end_with_the_process(loop, _hubs[loop])
    return _hubs[loop]


def _end_with_the_process(loop: asyncio.AbstractEventLoop, home: Hub) -> None:
    """End the streams when the process is told to stop: a server waits for open answers, and these have no end.

    The server's own handler still runs: ours comes before it in a chain. Outside of a main thread (tests) nobody is told.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if not callable(before):
            continue

        def ended(signum: int, frame: FrameType | None, before: Callable[..., Any] = before) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(home.stop)
            before(signum, frame)

        signal.signal(number, ended)


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI: the stream. 204 without a session, upon which browsers stop asking."""
    if scope["type"] != "http" or scope.get("method") != "GET":
        await _plain(send, 405)
        return
    key = _session_key(scope)
    user_id = await _whose(key) if key else None
    if user_id is None:
        await _plain(send, 204)
        return
    home = hub()
    stream = home.open(user_id)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await _say(send, f"retry: {RETRY_MS}\n\n")
        until = asyncio.get_running_loop().time() + TRUST_S
        while not (gone.done() or stream.over or asyncio.get_running_loop().time() > until):
            await _either(stream.bell.wait(), gone, HEARTBEAT_S)
            if stream.bell.is_set() and not stream.over:
                stream.bell.clear()
                await _say(send, f"event: count\ndata: {json.dumps({'offers': stream.offers})}\n\n")
            else:
                await _say(send, ": still here\n\n")
        if not gone.done():
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        gone.cancel()
        home.close(stream)


_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # nginx holds answers back until a buffer is full; a stream would never arrive.
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


async def _plain(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"cache-control", b"no-store")]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _say(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _either(bell: Awaitable[Any], gone: asyncio.Future[None], within_s: float) -> None:
    ringing = asyncio.ensure_future(bell)
    try:
        await asyncio.wait({ringing, gone}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ringing.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _session_key(scope: Scope) -> str:
    jar: SimpleCookie = SimpleCookie()
    for name, value in scope.get("headers", []):
        if name == b"cookie":
            with suppress(CookieError):
                jar.load(value.decode("latin-1"))
    found = jar.get(settings.SESSION_COOKIE_NAME)
    return found.value if found else ""


@sync_to_async(thread_sensitive=False)
def _whose(key: str) -> int | None:
    """Who is logged in with this session, by Django's own rules (password unchanged, account open)."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    try:
        user = get_user(request)
        return user.pk if user.is_authenticated and user.is_active else None
    finally:
        connections.close_all()


_NAMED = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
_TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey")


def _parameters() -> dict[str, Any]:
    known = connections["default"].settings_dict
    options = known.get("OPTIONS", {})
    return {
        **{key: known[name] for key, name in _NAMED.items() if known.get(name)},
        **{key: options[key] for key in _TLS if key in options},
        "application_name": "leadpact live",
    }
