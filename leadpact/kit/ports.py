"""A port: a function that a lower floor calls and a higher floor provides, connected once at start-up.

There are three, and a fourth needs a decision record: `custody.actions.followers` (what follows an entry),
`capture.actions.intake` (the one transaction that takes a batch) and `capture.actions.answers` (outcomes and spend of the
past, whose tables belong to other rooms of capture's floor). All are connected by `leadpact.loop`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Port(Generic[P, R]):
    """Calls what was connected. Raises RuntimeError before that: the loop was not installed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._target: Callable[P, R] | None = None

    def connect(self, target: Callable[P, R]) -> None:
        """Provide the function. A second call replaces the first (tests)."""
        self._target = target

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if self._target is None:
            raise RuntimeError(f"nothing is connected to the port {self.name}; is leadpact.loop installed?")
        return self._target(*args, **kwargs)
