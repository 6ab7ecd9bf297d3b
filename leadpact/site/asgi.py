"""The application that the web server runs.

Django's middleware and pages are synchronous. Under Django's own ASGI handler every middleware would cross
between the event loop and a thread; here a request crosses once. The live stream ("/live", one long answer
a browser tab) never enters Django and costs no thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Door = Callable[[Scope, Receive, Send], Awaitable[None]]

STREAMS = {"/live": ("leadpact.site.live", "live")}


class OneThread(ASGIHandler):
    """Django's ASGI handler with the synchronous chain of middleware, run in the request's own thread."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain without bridges to and from coroutines."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: Any) -> Any:
        """Cross over once."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


django.setup(set_prefix=False)
_pages = cast("Door", OneThread())
_streams: dict[str, Door] = {
    path: getattr(import_module(module), name) for path, (module, name) in STREAMS.items() if find_spec(module)
}


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI: the server's start and stop, the streams, and Django for all else."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    else:
        await _streams.get(scope.get("path", ""), _pages)(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            for connection in connections.all(initialized_only=True):
                close = getattr(connection, "close_pool", None)
                if close is not None:
                    close()
            return
