"""Keeping processes running: start, restart with a pause that grows, stop all within seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
# A process that ran this long was well: its next failure starts again with the shortest pause.
WELL_AFTER_S = 60.0
STOP_S = 7.0

log = structlog.stdlib.get_logger("leadpact.supervisor")


@dataclass
class Child:
    """One process to keep running. `next_start` and the times are of the monotonic clock, in seconds."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    pause: float = FIRST_PAUSE_S
    started: float = 0.0
    next_start: float = 0.0


@dataclass
class Supervisor:
    """Runs `python -m leadpact.site.workers NAME …` for each child, in a process group of its own."""

    environment: Mapping[str, str]
    children: list[Child] = field(default_factory=list)
    _lifeline: tuple[int, int] = field(default_factory=os.pipe)

    def add(self, name: str, *arguments: str) -> Child:
        """Start one more child."""
        child = Child(name, arguments)
        self.children.append(child)
        self._start(child)
        return child

    def look(self) -> None:
        """Notice what has died and start it again when its pause is over. To be called a few times a second."""
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._kill_group(child.process)
                child.pause = FIRST_PAUSE_S if now - child.started > WELL_AFTER_S else child.pause
                log.error("process died", process=child.name, status=child.process.returncode, again_in_s=child.pause)
                child.next_start = now + child.pause
                child.pause = min(child.pause * 2, LONGEST_PAUSE_S)
                child.process = None
            if child.process is None and now >= child.next_start:
                self._start(child)

    def stop(self) -> None:
        """Ask all to end, and see that they have: after STOP_S seconds by force."""
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + STOP_S
        for process in running:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("process did not end when asked to", pid=process.pid)
            self._kill_group(process)
            process.wait()
        for end in self._lifeline:
            os.close(end)
        self.children.clear()

    def _start(self, child: Child) -> None:
        lifeline = self._lifeline[0]
        child.process = subprocess.Popen(
            [sys.executable, "-m", "leadpact.site.workers", child.name, str(lifeline), *child.arguments],
            stdin=subprocess.DEVNULL,
            env=dict(self.environment),
            pass_fds=[lifeline],
            start_new_session=True,
        )
        child.started = time.monotonic()

    @staticmethod
    def _kill_group(process: subprocess.Popen[bytes]) -> None:
        """End what a dead child left of its own children."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
