"""Python's search for garbage, told to leave alone what stays."""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = 20_000, 20, 20
"""A batch of touches makes ten thousands of objects that end with it; looking for rings among them every 700, as Python does of
itself, and now and then through the whole program, was a twelfth of the web processes' work."""


def leave_alone() -> None:
    """Leave everything that there is now out of every later search, and search less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
