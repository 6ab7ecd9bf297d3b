"""Two transactions that bring the same new person at the same moment: one waits, starts afresh and finds what the other made."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from django.db import DataError, connection

from leadpact.capture.actions.identify import IdentityRace, identify
from leadpact.capture.rules.arrival import Arrival, Taken
from leadpact.custody.models import Holding
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


def _until_somebody_waits() -> None:
    """Until a transaction of this database waits for another one."""
    parameters = connection.get_connection_params() | {"autocommit": True}
    end = time.monotonic() + 20
    with psycopg.connect(**parameters) as looking:
        while time.monotonic() < end:
            row = looking.execute(
                "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid"
                " WHERE NOT l.granted AND a.datname = current_database()"
            ).fetchone()
            if row is not None and row[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits for anybody")


@pytest.mark.parametrize("new", NEW)
def test_who_comes_second_starts_afresh(new: Callable[[int], Arrival], monkeypatch: pytest.MonkeyPatch) -> None:
    sign(make_cast())
    written, tries = Event(), []
    original_lock = door.lock_leads

    def first_waits(**named: Any) -> Any:
        if not written.is_set():
            written.set()
            _until_somebody_waits()
        return original_lock(**named)

    def counted(*args: Any, **named: Any) -> Any:
        tries.append(named["lock_all"])
        return identify(*args, **named)

    monkeypatch.setattr(door, "lock_leads", first_waits)
    monkeypatch.setattr(door, "identify", counted)
    taken: list[Taken | Exception] = []

    def send(at: int) -> None:
        try:
            taken.append(take([new(at)], known_at=at))
        except Exception as problem:  # noqa: BLE001 - looked at below
            taken.append(problem)
        finally:
            connection.close()

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
    tries: list[bool] = []

    def counted(*args: Any, **named: Any) -> Any:
        tries.append(named["lock_all"])
        return identify(*args, **named)

    monkeypatch.setattr(door, "identify", counted)
    taken: list[Taken | Exception] = []

    def send(at: int) -> None:
        try:
            taken.append(take([new(at)], known_at=at))
        except Exception as problem:  # noqa: BLE001 - looked at below
            taken.append(problem)
        finally:
            connection.close()

    def another_is_before_us() -> None:
        other = Thread(target=send, args=(T0 + 5,))
        other.start()
        other.join(30)
        assert not other.is_alive()

    first = new(T0)
    assert take([first], known_at=T0, in_turn=another_is_before_us).taken == 1
    assert [one.taken if isinstance(one, Taken) else one for one in taken] == [1]
    assert tries == [False, False]
    assert (Identifier.objects.count(), Touch.objects.count()) == (1, 2)
    assert take([first], known_at=T0 + 9, in_turn=lambda: None).taken == 0


def test_the_same_message_out_of_turn_waits_for_the_one_that_said_it() -> None:
    sign(make_cast())
    same = NEW[0](T0)
    second: list[Taken] = []

    def send() -> None:
        second.append(take([same], known_at=T0 + 1, in_turn=lambda: None))
        connection.close()

    other = Thread(target=send)

    def the_same_comes_again() -> None:
        other.start()
        _until_somebody_waits()

    assert take([same], known_at=T0, in_turn=the_same_comes_again).taken == 1
    other.join(30)
    assert [(one.taken, one.repeated) for one in second] == [(0, 1)]
    assert Touch.objects.count() == 1


def test_who_become_active_at_the_same_moment_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clause asks for three active people. There is one, and two batches bring one more each."""
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

    threads = [Thread(target=send, args=(name,)) for name in ("otto", "ines")]
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
