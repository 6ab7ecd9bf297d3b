"""Calls that wait at the same moment go through the intake together, in one transaction.

Most of what the intake does costs the same for one event as for a hundred, and two transactions that speak of the same people wait
for each other, or lose a race and start afresh. So a process takes one transaction at a time, all processes of the machine as many
as have a processor each for Python and for the database (`kit.locks.Lanes`), and one more where the first takes long: it may wait
for somebody's lock, and those behind it should not. A thread whose turn comes takes along everything that waits, and the threads of
those calls find theirs done. A call that comes alone waits for nobody. Each is answered when the transaction that holds it is on
disk, and what is wrong with one call never fails another.

What depends on no other transaction is done outside the turn: which messages are taken here is written before it, as soon as all
who are expected are here, and the disk is waited for after it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from threading import Condition, Lock
from time import monotonic
from typing import Final

from django.db import OperationalError

from leadpact.capture.actions import intake
from leadpact.capture.rules.arrival import Arrival, Ready, ready
from leadpact.kit.environment import secret
from leadpact.kit.locks import Lanes, Turn
from leadpact.kit.places import data_directory, private_directory
from leadpact.kit.raw import on_disk

AT_ONCE: Final = 2
"""Transactions of one process."""
ALONE_S: Final = 0.25
"""Seconds that a transaction has to itself before the next one starts beside it; or as long as LIKE_IT take, if that is more."""
LIKE_IT: Final = 4
"""So many transactions like the last ones: large ones take long without being stuck, and two at a time would take longer."""
PATIENT_S: Final = 2.0
"""Seconds that a transaction has to itself at most."""
LINGER_S: Final = 0.008
"""Seconds that a transaction waits for calls of those whom the one before it answered."""
MOST_EVENTS: Final = 800
"""Events of one transaction, where it holds more than one call: it bounds what a call waits for others' sake."""


@dataclass(slots=True, eq=False)
class _Call:
    arrivals: Sequence[Ready]
    known_at: int
    taken: bool = False
    committed: bool = False
    sample: bytes = b""
    done: bool = False
    problem: Exception | None = field(default_factory=lambda: OperationalError("nothing is known of this call"))


class Together:
    """The waiting calls of one process."""

    def __init__(
        self, at_once: int = AT_ONCE, alone: float = ALONE_S, linger: float = LINGER_S, lanes: Lanes | None = None
    ) -> None:
        self._at_once = at_once
        self._lanes = lanes
        self._alone = alone
        self._linger = linger
        self._latest = 0.0
        self._took = deque([0.0, 0.0], maxlen=2)
        self._ended = 0.0
        self._crowd = 0
        self._waiting: deque[_Call] = deque()
        self._running = 0
        self._change = Condition()

    def take(self, arrivals: Sequence[Arrival], *, known_at: int) -> None:
        """Take one call's arrivals through the loop. Returns when they are on disk.

        Raises what `intake` raises for this call's own arrivals.
        """
        call = _Call(ready(arrivals), known_at)  # before its turn: what is done in it, all others wait for
        with self._change:
            # Nobody is woken for it: should it complete the crowd that somebody lingers for, this thread takes the turn itself.
            self._waiting.append(call)
        while self._is_turn_of(call):
            calls: list[_Call] = []
            try:
                self._in_turn(calls)
            finally:
                with self._change:
                    self._running -= 1
                    self._ended = monotonic()
                    self._crowd = len(calls) + len(self._waiting)
                    for one in calls:
                        one.done = True
                    self._change.notify_all()
        if call.problem is not None:
            raise call.problem

    def _in_turn(self, calls: list[_Call]) -> None:
        """Take what waits through the loop, and put the calls whose answer is known then into `calls`."""
        turn = _Timed(self._lanes.turn(patience=self._patience()) if self._lanes else Turn((), 0))
        try:
            # Who waits for a lane waits before they choose: meanwhile more calls come, and go along. It is given up again, since
            # a message may have to be waited for that somebody is writing who waits for this very lane.
            turn.place.wait(unless=lambda: 0 < self._crowd <= len(self._waiting))
            turn.leave()
            calls += self._next()
            if calls and _take(calls, turn) and turn.began is not None:
                self._took.append(monotonic() - turn.began)
        finally:
            turn.leave()
        _wait_for_disk(calls)

    def _patience(self) -> float:
        """Seconds after which a transaction is taken to be stuck, and the next one starts beside it.

        By the shorter of the last two: one alone may have waited for somebody's lock.
        """
        return max(self._alone, min(LIKE_IT * min(self._took), PATIENT_S))

    def _is_turn_of(self, call: _Call) -> bool:
        """Wait until this thread may start a transaction; False when its own call is done."""
        with self._change:
            while not call.done and (call.taken or self._wait() != 0):
                self._change.wait(None if call.taken else self._wait())
            if call.done:
                return False
            self._running += 1
            self._latest = monotonic()
            return True

    def _next(self) -> list[_Call]:
        """The calls of the next transaction; none where others have taken all meanwhile."""
        with self._change:
            calls: list[_Call] = []
            events = 0
            while self._waiting and (not calls or events + len(self._waiting[0].arrivals) <= MOST_EVENTS):
                calls.append(self._waiting.popleft())
                events += len(calls[-1].arrivals)
            for one in calls:
                one.taken = True
            return calls

    def _wait(self) -> float | None:
        """Seconds until one more transaction may start; None: when one that runs has ended."""
        if self._running == 0:
            # Those who were answered just now come again at once: together with them it is cheaper for all.
            return 0 if len(self._waiting) >= self._crowd else max(0.0, self._ended + self._linger - monotonic())
        if self._running >= self._at_once:
            return None
        return max(0.0, self._latest + self._patience() - monotonic())


class _Timed:
    """A turn, and when it was first there; None where it was never waited for, since nothing was new."""

    def __init__(self, place: Turn) -> None:
        self.place = place
        self.leave = place.leave
        self.began: float | None = None

    def wait(self) -> None:
        self.place.wait()
        if self.began is None:
            self.began = monotonic()


def _take(calls: Sequence[_Call], turn: _Timed) -> bool:
    """Whether one transaction took them all."""
    if _taken(calls, turn):
        return True
    if len(calls) > 1:
        # One of them is at fault, or the database: each finds out by itself.
        for call in calls:
            turn.leave()
            _taken([call], turn)
    return False


def _taken(calls: Sequence[_Call], turn: _Timed) -> bool:
    try:
        done = intake([a for c in calls for a in c.arrivals], known_at=max(c.known_at for c in calls), turn=turn)
    except Exception as found:  # noqa: BLE001 - raised again in the thread whose call it is
        for call in calls:
            call.problem = found
        return False
    for call in calls:
        call.committed = True
        call.sample = done.sample
    return True


def _wait_for_disk(calls: Sequence[_Call]) -> None:
    """Say of those that were committed that all is well, when it is on disk. Whatever happens else, nobody is told so."""
    committed = [call for call in calls if call.committed]
    try:
        # One that was taken by each transaction, and of each call one, which another may have taken a moment ago.
        some = {call.sample for call in committed} | {one.arrival.message for c in committed for one in c.arrivals[:1]}
        wait_for_disk(some - {b""})
    except Exception as found:  # noqa: BLE001 - raised again in the thread whose call it is
        for call in committed:
            call.problem = found
    else:
        for call in committed:
            call.problem = None


def wait_for_disk(messages: Collection[bytes]) -> None:
    """Wait until messages that were taken, and all that was taken with them, are on disk.

    Raises OperationalError where they are not there any more: the database crashed after the commit, and came back without it.
    """
    if not messages:
        return
    asked = sorted(set(messages))
    with on_disk() as raw:
        raw.execute("SELECT count(*) FROM capture_receipt WHERE message = ANY($1::bytea[])", (asked,), prepare=True)
        row = raw.fetchone()
        if row is None or row[0] != len(asked):
            raise OperationalError("the database lost what it had taken")


_together: Together | None = None
_made = Lock()


def _here() -> Together:
    """This process's. Where the database is on this machine, two processors carry one transaction: Python has one of them."""
    global _together  # noqa: PLW0603 - one a process
    with _made:
        if _together is None:
            home = data_directory()
            cores = os.cpu_count() or 1
            many = cores if secret("DATABASE_URL") else max(1, cores // 2)
            _together = Together(lanes=Lanes(private_directory(home / "lanes"), many) if home.is_dir() else None)
        return _together


def intake_together(arrivals: Sequence[Arrival], *, known_at: int) -> None:
    """`Together.take` with the other calls of this process."""
    _here().take(arrivals, known_at=known_at)
