"""The application that the web server runs.

Django's middleware and our pages are synchronous. Django's own ASGI handler crosses between the event loop and
threads several times a request, and starts a thread for each; that takes five times as long as the middleware
itself. Here a request crosses once, into one of a fixed number of threads: as many as there are database
connections, so that none of them waits for one. The live stream ("/live", one long answer a browser tab) never
enters Django and takes no thread.
"""

from __future__ import annotations

import asyncio
import contextvars
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from typing import IO, Any

import django
from django.conf import settings
from django.core import signals
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import connections
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.urls import get_resolver, set_script_prefix

from leadpact.kit.garbage import leave_alone

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Door = Callable[[Scope, Receive, Send], Awaitable[None]]

STREAMS = {"/live": ("leadpact.site.live", "live")}
# Files of imports are the largest that come in; they wait on disk, not in memory.
LARGEST_BODY = 1024 * 1024 * 1024
IN_MEMORY = 1024 * 1024
FILE_BLOCK = 256 * 1024


class _TooLarge(Exception):
    pass


class _Gone(Exception):
    pass


class Pages(ASGIHandler):
    """Django, each request in one thread from its first middleware to its last."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="page")

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain without bridges to and from coroutines."""
        super().load_middleware(is_async=False)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; in place of Django's `__call__`."""
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is answered here, not {scope['type']}")
        loop = asyncio.get_running_loop()
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as body:
            try:
                await _read(receive, body)
            except _Gone:
                return
            except _TooLarge:
                await _send_all(send, HttpResponse("That is too large.", status=413, content_type="text/plain"))
                return

            def send_from_thread(message: Message) -> None:
                asyncio.run_coroutine_threadsafe(_awaited(send(message)), loop).result()

            # A context of its own: what a page sets in one (the reader's zone) must not reach the thread's next request.
            context = contextvars.copy_context()
            whole = await loop.run_in_executor(
                self._threads, lambda: context.run(self._answer, scope, body, send_from_thread)
            )
        if whole is not None:
            await _send_all(send, whole)

    def close(self) -> None:
        """End the threads when they are idle."""
        self._threads.shutdown(wait=False)

    def _answer(self, scope: Scope, body: IO[bytes], send: Callable[[Message], None]) -> HttpResponseBase | None:
        """In the thread: the whole response, or None where it was a stream and is sent already."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = self.__class__  # noqa: SLF001 -- Django's handlers name themselves so
        try:
            if not response.streaming:
                return response
            if isinstance(response, FileResponse):
                response.block_size = FILE_BLOCK
            send(_head(response))
            for chunk in _chunks(response):
                send({"type": "http.response.body", "body": chunk, "more_body": True})
            send({"type": "http.response.body"})
            return None
        finally:
            # Gives the database connection back, in the thread that has it.
            response.close()


def _chunks(response: StreamingHttpResponse) -> Any:
    if response.is_async:
        raise TypeError("a page streams with a plain iterator; long-lived streams belong into STREAMS")
    return response.streaming_content


async def _awaited(sending: Awaitable[None]) -> None:
    await sending


async def _read(receive: Receive, body: IO[bytes]) -> None:
    """Read the whole body. Raises _Gone where the client left, _TooLarge where it sends too much."""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            raise _TooLarge
        body.write(part)
        if not message.get("more_body", False):
            body.seek(0)
            return


def _head(response: HttpResponseBase) -> Message:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    headers += [(b"set-cookie", cookie.OutputString().encode("latin-1")) for cookie in response.cookies.values()]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


async def _send_all(send: Send, response: HttpResponseBase) -> None:
    content: bytes = getattr(response, "content", b"")
    await send(_head(response))
    await send({"type": "http.response.body", "body": content})


django.setup(set_prefix=False)
_pages = Pages(threads=settings.LEADPACT_THREADS)
_streams: dict[str, Door] = {
    path: getattr(import_module(module), name) for path, (module, name) in STREAMS.items() if find_spec(module)
}


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI: the server's start and stop, the streams, and Django for all else."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    else:
        await _streams.get(scope.get("path", ""), _pages.serve)(scope, receive, send)


def _settle() -> None:
    """Load every page's code before the first request, and leave it out of every later search for garbage."""
    _ = get_resolver().url_patterns
    leave_alone()


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _settle()
        if message["type"] == "lifespan.shutdown":
            _pages.close()
            for connection in connections.all(initialized_only=True):
                close = getattr(connection, "close_pool", None)
                if close is not None:
                    close()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
