"""What time it is. Doors ask here; rules and actions are told.

A rehearsal runs a year under a virtual clock: inside `at(us)` every door sees that instant.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_virtual: ContextVar[int | None] = ContextVar("virtual_clock", default=None)


def now() -> int:
    """The present instant, in microseconds since 1970 UTC."""
    virtual = _virtual.get()
    return virtual if virtual is not None else time.time_ns() // 1_000


@contextmanager
def at(us: int) -> Iterator[None]:
    """Within the block it is this instant."""
    token = _virtual.set(us)
    try:
        yield
    finally:
        _virtual.reset(token)
