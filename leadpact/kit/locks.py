"""Locks between processes, on files in the data directory.

They are flock(2) locks: the kernel lets go of them when the process ends, however it ends, so
no crash leaves one behind. Python opens files close-on-exec, so a child started with exec
does not hold its parent's locks.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_LOOK_S: Final = 0.001


class FileLock:
    """One lock file. `exclusive` and `shared` may be called again to change over; not for several threads at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        return self._descriptor

    def exclusive(self, *, wait: bool = True) -> bool:
        """Hold it alone. Without `wait`, False where somebody else holds it."""
        return self._take(fcntl.LOCK_EX, wait=wait)

    def shared(self, *, wait: bool = True) -> bool:
        """Hold it together with others who hold it shared."""
        return self._take(fcntl.LOCK_SH, wait=wait)

    def _take(self, how: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(self._open(), how if wait else how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go. Harmless where nothing is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def read(self) -> str:
        """What the holder wrote into the file; empty where nothing is there."""
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def write(self, text: str) -> None:
        """Say who holds it. Only for the holder."""
        descriptor = self._open()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)

    def __enter__(self) -> Self:
        self.exclusive()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Lanes:
    """So many at a time, of all threads and processes that name the same folder: for work that gains nothing from being done
    by more at once. Nobody waits longer than they have patience for, so a lane is help, never a right.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._files = [folder / f"lane.{number}" for number in range(count)]

    def turn(self, *, patience: float) -> Turn:
        """A turn in one of them; its patience counts from now on."""
        return Turn([FileLock(file) for file in self._files], patience)


class Turn:
    """A turn in a lane, which may be waited for and given up again and again. Not for several threads at once."""

    def __init__(self, lanes: Sequence[FileLock], patience: float) -> None:
        self._lanes = lanes
        self._until = time.monotonic() + patience
        self.held = False

    def wait(self, unless: Callable[[], bool] = lambda: False) -> None:
        """Wait until a lane is held, but no longer than `patience` seconds after the turn was made, nor once `unless` holds. Where
        the files cannot be opened nobody waits: a lane is help, never a right.
        """
        with suppress(OSError):
            while not self.held:
                self.held = any(lane.exclusive(wait=False) for lane in self._lanes)
                if self.held or unless() or time.monotonic() >= self._until:
                    return
                time.sleep(_LOOK_S)

    def leave(self) -> None:
        """Let go of the lane. Harmless where none is held."""
        self.held = False
        for lane in self._lanes:
            lane.release()
