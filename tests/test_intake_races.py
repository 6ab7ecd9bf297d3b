"""Two transactions that bring the same new person at the same moment: one waits, starts afresh and finds what the other made."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any, LiteralString

import psycopg
import pytest
from django.db import DataError, OperationalError, connection

from leadpact.capture.actions.identify import IdentityRace, identify
from leadpact.capture.actions.together import Together, wait_for_disk
from leadpact.capture.rules.arrival import Arrival, Taken
from leadpact.custody.models import Holding
from leadpact.kit.locks import Lanes
from leadpact.leads.models import Account, Identifier, Lead, Person, Touch
from leadpact.loop import clocks
from leadpact.loop import intake as door
from leadpact.loop.intake import take
from tests.cast import DAY, T0, make_cast, sign, touch, traits

pytestmark = pytest.mark.django_db(transaction=True)

NEW: list[Callable[[int], Arrival]] = [
    lambda at: touch("page.viewed", at=at, email="vera@ferro.example", path="/pricing"),
    lambda at: touch("page.viewed", at=at, user_id="u1", path="/pricing"),
    lambda at: touch("page.viewed", at=at, anonymous_id="a1", path="/pricing"),
    lambda at: touch(
        "page.viewed", at=at, email="vera@ferro.example", account=traits(**{"account.industry": "Retail"})
    ),
]


class Told:
    """A turn that does something when it is waited for, the first time."""

    def __init__(self, does: Callable[[], None]) -> None:
        self.does = does
        self.said: list[str] = []

    def wait(self) -> None:
        self.said.append("wait")
        if self.said == ["wait"]:
            self.does()

    def leave(self) -> None:
        self.said.append("leave")


def _until_somebody_waits() -> None:
    """Until a transaction of this database waits for another one."""
    _until("NOT l.granted")


def _until(locks: LiteralString) -> None:
    """Until another session of this database has a lock like that."""
    parameters = connection.get_connection_params() | {"autocommit": True}
    end = time.monotonic() + 20
    with psycopg.connect(**parameters) as looking:
        while time.monotonic() < end:
            row = looking.execute(
                "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid"
                f" WHERE {locks} AND a.datname = current_database() AND a.pid <> pg_backend_pid()"
            ).fetchone()
            if row is not None and row[0]:
                return
            time.sleep(0.01)
    raise AssertionError("no such lock")


def _tries(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether everybody was locked, for each attempt of a batch from now on."""
    tries: list[bool] = []

    def counted(*args: Any, **named: Any) -> Any:
        tries.append(named["lock_all"])
        return identify(*args, **named)

    monkeypatch.setattr(door, "identify", counted)
    return tries


def _sending(new: Callable[[int], Arrival], taken: list[Taken | Exception]) -> Callable[[int], None]:
    """What a thread does: take one arrival, and put down what came of it."""

    def send(at: int) -> None:
        try:
            taken.append(take([new(at)], known_at=at))
        except Exception as problem:  # noqa: BLE001 - looked at by the test
            taken.append(problem)
        finally:
            connection.close()

    return send


@pytest.mark.parametrize("new", NEW)
def test_who_comes_second_starts_afresh(new: Callable[[int], Arrival], monkeypatch: pytest.MonkeyPatch) -> None:
    sign(make_cast())
    written = Event()
    original_lock = door.lock_leads

    def first_waits(**named: Any) -> Any:
        if not written.is_set():
            written.set()
            _until_somebody_waits()
        return original_lock(**named)

    monkeypatch.setattr(door, "lock_leads", first_waits)
    tries = _tries(monkeypatch)
    taken: list[Taken | Exception] = []
    send = _sending(new, taken)
    threads = [Thread(target=send, args=(T0 + n,)) for n in range(2)]
    threads[0].start()
    assert written.wait(20)
    threads[1].start()
    for thread in threads:
        thread.join(30)

    assert [one.taken if isinstance(one, Taken) else one for one in taken] == [1, 1]
    assert tries == [False, False, True], "the second one lost its race once"
    known = 0 if new is NEW[2] else 1
    assert (Identifier.objects.count(), Touch.objects.count()) == (1, 2)
    assert (Person.objects.count(), Lead.objects.count()) == (known, known)
    assert Account.objects.count() == (1 if new in {NEW[0], NEW[3]} else 0)


@pytest.mark.parametrize("new", NEW)
def test_who_comes_in_turn_reads_what_the_one_before_wrote(
    new: Callable[[int], Arrival], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a batch does before its turn disturbs nobody, and it need not start afresh for what they did meanwhile."""
    sign(make_cast())
    tries = _tries(monkeypatch)
    taken: list[Taken | Exception] = []
    send = _sending(new, taken)

    def another_is_before_us() -> None:
        other = Thread(target=send, args=(T0 + 5,))
        other.start()
        other.join(30)
        assert not other.is_alive()

    first = new(T0)
    assert take([first], known_at=T0, turn=Told(another_is_before_us)).taken == 1
    assert [one.taken if isinstance(one, Taken) else one for one in taken] == [1]
    assert tries == [False, False]
    assert (Identifier.objects.count(), Touch.objects.count()) == (1, 2)
    again = Told(lambda: None)
    assert take([first], known_at=T0 + 9, turn=again).taken == 0
    assert again.said == [], "nothing is new, and nothing needs a turn"


def test_who_starts_afresh_gives_up_its_turn_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its messages may be somebody's by then who waits for the turn."""
    sign(make_cast())
    lost: list[bool] = []

    def once(*args: Any, **named: Any) -> Any:
        if not lost:
            lost.append(True)
            raise IdentityRace
        return identify(*args, **named)

    monkeypatch.setattr(door, "identify", once)
    turn = Told(lambda: None)
    assert take([NEW[0](T0)], known_at=T0, turn=turn).taken == 1
    assert turn.said == ["wait", "leave", "wait"]


def test_the_same_message_by_two_processes_at_once_holds_nobody_up(tmp_path: Path) -> None:
    """One has written it and waits for the lane; whoever has the lane must not wait for the message."""
    sign(make_cast())
    lanes = Lanes(tmp_path, 1)
    same, answered = [NEW[0](T0)], []

    def send(here: Together) -> None:
        here.take(same, known_at=T0)
        answered.append(time.monotonic())
        connection.close()

    first, second = (Together(alone=20, lanes=lanes) for _ in range(2))
    busy = lanes.turn(patience=0)
    busy.wait()
    first._crowd = 1  # it is complete at once, writes its message and waits for the lane
    threads = [Thread(target=send, args=(here,), daemon=True) for here in (first, second)]
    threads[0].start()
    _until("l.locktype = 'transactionid' AND l.granted")
    threads[1].start()
    time.sleep(0.1)  # the second one waits for the lane as well, with nothing written
    began = time.monotonic()
    busy.leave()
    for thread in threads:
        thread.join(30)
    assert len(answered) == 2
    assert max(answered) - began < 10, "far less than they have patience for"
    assert Touch.objects.count() == 1


def test_what_a_crash_took_back_is_not_answered() -> None:
    sign(make_cast())
    there, gone = NEW[0](T0), NEW[1](T0)
    take([there], known_at=T0)
    wait_for_disk([there.message])
    with pytest.raises(OperationalError):
        wait_for_disk([there.message, gone.message])


def test_the_same_message_out_of_turn_waits_for_the_one_that_said_it() -> None:
    sign(make_cast())
    same = NEW[0](T0)
    second: list[Taken] = []

    def send() -> None:
        second.append(take([same], known_at=T0 + 1, turn=Told(lambda: None)))
        connection.close()

    other = Thread(target=send)

    def the_same_comes_again() -> None:
        other.start()
        _until_somebody_waits()

    assert take([same], known_at=T0, turn=Told(the_same_comes_again)).taken == 1
    other.join(30)
    assert [(one.taken, one.repeated) for one in second] == [(0, 1)]
    assert Touch.objects.count() == 1


@pytest.mark.parametrize("names", [("otto", "ines"), ("quinn", "otto"), ("quinn", "rosa")])
def test_who_become_active_at_the_same_moment_are_counted_together(
    names: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clause asks for three active people. There is one, and two batches bring one more each, perhaps somebody new."""
    sign(make_cast())

    def view(name: str, at: int) -> Arrival:
        return touch("page.viewed", at=at, email=f"{name}@ferro.example", path="/blog")

    clocks.let_time_pass(at=T0)
    take([view(name, T0) for name in ("vera", "otto", "ines")], known_at=T0)
    again = T0 + 40 * DAY
    clocks.let_time_pass(at=again)
    take([view("vera", again)], known_at=again)
    assert set(Holding.objects.values_list("verdict", flat=True)) == {"prospect"}

    monkeypatch.setattr(door, "MANY", 0)
    counting = Event()
    original = door.bounds_passed

    def first_waits(*args: Any, **named: Any) -> Any:
        if not counting.is_set():
            counting.set()
            _until_somebody_waits()
        return original(*args, **named)

    monkeypatch.setattr(door, "bounds_passed", first_waits)

    def send(name: str) -> None:
        take([view(name, again + 1)], known_at=again + 1)
        connection.close()

    threads = [Thread(target=send, args=(name,)) for name in names]
    threads[0].start()
    assert counting.wait(20)
    threads[1].start()
    for thread in threads:
        thread.join(30)
    assert set(Holding.objects.values_list("verdict", flat=True)) == {"lead"}


def test_races_that_are_lost_again_and_again_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    sign(make_cast())

    def lost(*_: Any, **__: Any) -> Any:
        raise IdentityRace

    monkeypatch.setattr(door, "identify", lost)
    with pytest.raises(IdentityRace):
        take([touch("page.viewed", at=T0, email="vera@ferro.example")], known_at=T0)
    assert Touch.objects.count() == 0
    assert connection.is_usable()


def test_what_the_database_refuses_is_told_as_django_names_it() -> None:
    """The doors know Django's names: a value that only the database refuses costs its own event, not the whole call."""
    sign(make_cast())
    bad = touch("x" * 500, at=T0, email="vera@ferro.example")
    with pytest.raises(DataError):
        take([bad], known_at=T0)
    assert (Touch.objects.count(), Person.objects.count()) == (0, 0)
    assert take([touch("page.viewed", at=T0, email="vera@ferro.example")], known_at=T0).taken == 1
