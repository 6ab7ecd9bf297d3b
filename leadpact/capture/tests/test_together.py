"""Calls that wait at the same moment share a transaction, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from threading import Event, Thread

import pytest
from django.db import DataError, OperationalError

from leadpact.capture.actions import Turn, together
from leadpact.capture.actions.together import MOST_EVENTS, PATIENT_S, Together
from leadpact.capture.rules.arrival import Arrival, Ready, Taken
from leadpact.kit.locks import Lanes

BAD = b"\0" * 16


class Door:
    """An intake whose first transaction waits until it is let through; it keeps what each transaction held."""

    def __init__(self) -> None:
        self.open = Event()
        self.entered = Event()
        self.begun: list[int] = []
        self.batches: list[tuple[list[bytes], int]] = []
        self.flushed: list[set[bytes]] = []

    def __call__(self, arrivals: Sequence[Ready], *, known_at: int, turn: Turn) -> Taken:
        self.begun.append(len(arrivals))
        turn.wait()
        first = not self.entered.is_set()
        self.entered.set()
        if first:
            assert self.open.wait(10)
        messages = [one.arrival.message for one in arrivals]
        if BAD in messages:
            raise DataError("a value the database cannot keep")
        self.batches.append((messages, known_at))
        return Taken(len(messages), 0, 0, 0, 0, sample=messages[-1])

    def flush(self, messages: Collection[bytes]) -> None:
        self.flushed.append(set(messages))


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    made = Door()
    monkeypatch.setattr(together, "intake", made)
    monkeypatch.setattr(together, "wait_for_disk", made.flush)
    return made


def call(number: int, events: int = 1) -> list[Arrival]:
    return [
        Arrival(bytes([number, place // 256, place % 256]) * 5 + b"x", 1, email="ines@ines.example")
        for place in range(events)
    ]


def all_at_once(here: Together, door: Door, calls: Sequence[list[Arrival]]) -> list[Exception | None]:
    """Send the first, and the others while it is under way; what each was answered."""
    answers: list[Exception | None] = [None] * len(calls)

    def send(place: int) -> None:
        try:
            here.take(calls[place], known_at=100 + place)
        except DataError as problem:
            answers[place] = problem

    threads = [Thread(target=send, args=[place], daemon=True) for place in range(len(calls))]
    threads[0].start()
    assert door.entered.wait(10)
    for place, thread in enumerate(threads[1:], 1):
        thread.start()
        until(lambda place=place: len(here._waiting) >= place)
    door.open.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return answers


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_what_waits_goes_together_in_its_order(door: Door) -> None:
    calls = [call(n, 2) for n in range(5)]
    assert all_at_once(Together(at_once=1), door, calls) == [None] * 5
    assert door.batches == [
        ([a.message for a in calls[0]], 100),
        ([a.message for one in calls[1:] for a in one], 104),
    ]


def test_a_transaction_holds_no_more_than_it_may(door: Door) -> None:
    calls = [call(n, MOST_EVENTS // 2) for n in range(4)]
    assert all_at_once(Together(at_once=1), door, calls) == [None] * 4
    assert [len(messages) for messages, _ in door.batches] == [MOST_EVENTS // 2, MOST_EVENTS // 2 * 2, MOST_EVENTS // 2]


def test_one_larger_than_that_goes_alone(door: Door) -> None:
    calls = [call(0), call(1, MOST_EVENTS + 1), call(2)]
    assert all_at_once(Together(at_once=1), door, calls) == [None] * 3
    assert [len(messages) for messages, _ in door.batches] == [1, MOST_EVENTS + 1, 1]


def test_what_is_wrong_with_one_fails_that_one_alone(door: Door) -> None:
    wrong = [Arrival(BAD, 1, email="ines@ines.example")]
    calls = [call(0), call(1), wrong, call(3)]
    answers = all_at_once(Together(at_once=1), door, calls)
    assert [type(answer) for answer in answers] == [type(None), type(None), DataError, type(None)]
    assert [messages for messages, _ in door.batches] == [[a.message for a in calls[n]] for n in (0, 1, 3)]


def test_one_that_waits_for_a_lock_holds_nobody_up(door: Door) -> None:
    here = Together(at_once=2)
    stuck = Thread(target=here.take, args=[call(0)], kwargs={"known_at": 1}, daemon=True)
    stuck.start()
    assert door.entered.wait(10)
    here.take(call(1), known_at=2)
    assert [messages for messages, _ in door.batches] == [[call(1)[0].message]]
    door.open.set()
    stuck.join(10)
    assert len(door.batches) == 2


def test_a_second_transaction_starts_only_where_the_first_takes_long(door: Door) -> None:
    here = Together(at_once=2, alone=60)
    assert all_at_once(here, door, [call(n) for n in range(4)]) == [None] * 4
    assert [len(messages) for messages, _ in door.batches] == [1, 3], "what came meanwhile waited and went together"


def test_where_transactions_are_large_the_second_waits_longer_and_not_for_ever(door: Door) -> None:
    here = Together(at_once=2, alone=0)
    here._took.append(60.0)
    assert here._patience() == 0, "one alone may have waited for a lock"
    here._took.append(60.0)
    assert here._patience() == PATIENT_S
    assert all_at_once(here, door, [call(n) for n in range(4)]) == [None] * 4
    assert [len(messages) for messages, _ in door.batches] == [1, 3]
    assert here._patience() < PATIENT_S, "as long as the last one took, and that was short"


def test_what_comes_while_another_process_is_at_it_goes_along(door: Door, tmp_path: Path) -> None:
    lanes = Lanes(tmp_path, 1)
    here = Together(alone=60, lanes=lanes)
    door.open.set()
    other = lanes.turn(patience=0)
    other.wait()
    assert other.held
    threads = [Thread(target=here.take, args=[call(n)], kwargs={"known_at": n}, daemon=True) for n in range(4)]
    for place, thread in enumerate(threads, 1):
        thread.start()
        until(lambda place=place: len(here._waiting) >= place)
    assert door.begun == [], "who may come is not known yet"
    other.leave()
    for thread in threads:
        thread.join(10)
    assert [len(messages) for messages, _ in door.batches] == [4]


def test_who_is_complete_begins_before_another_process_has_ended(door: Door, tmp_path: Path) -> None:
    lanes = Lanes(tmp_path, 1)
    here = Together(alone=60, lanes=lanes)
    assert all_at_once(here, door, [call(0), call(1), call(2)]) == [None] * 3
    other = lanes.turn(patience=0)
    other.wait()
    assert other.held
    threads = [Thread(target=here.take, args=[call(n)], kwargs={"known_at": n}, daemon=True) for n in (3, 4)]
    threads[0].start()
    until(lambda: len(here._waiting) == 1)
    assert door.begun == [1, 2], "two were answered just now, and one is still to come"
    threads[1].start()
    until(lambda: len(door.begun) == 3)
    assert door.begun == [1, 2, 2]
    assert [len(messages) for messages, _ in door.batches] == [1, 2], "beyond the messages nothing happens out of turn"
    other.leave()
    for thread in threads:
        thread.join(10)
    assert [len(messages) for messages, _ in door.batches] == [1, 2, 2]


def test_nobody_waits_for_ever_for_another_process(door: Door, tmp_path: Path) -> None:
    lanes = Lanes(tmp_path, 1)
    door.open.set()
    other = lanes.turn(patience=0)
    other.wait()
    Together(alone=0.01, lanes=lanes).take(call(0), known_at=1)
    assert other.held
    other.leave()
    assert len(door.batches) == 1


def test_the_next_need_not_wait_for_the_disk_and_the_answer_does(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes = Lanes(tmp_path, 1)
    flushing, flushed = Event(), Event()

    def slow(_: Collection[bytes]) -> None:
        flushing.set()
        assert flushed.wait(10)

    monkeypatch.setattr(together, "wait_for_disk", slow)
    door.open.set()
    answered = Thread(target=Together(lanes=lanes).take, args=[call(0)], kwargs={"known_at": 1}, daemon=True)
    answered.start()
    assert flushing.wait(10)
    other = lanes.turn(patience=0)
    other.wait()
    assert other.held, "the lane is free"
    other.leave()
    assert answered.is_alive(), "nobody is told before it is on disk"
    flushed.set()
    answered.join(10)
    assert not answered.is_alive()


def test_what_may_not_be_on_disk_is_not_taken(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_: Collection[bytes]) -> None:
        raise OperationalError("the connection is gone")

    monkeypatch.setattr(together, "wait_for_disk", lost)
    door.open.set()
    with pytest.raises(OperationalError):
        Together().take(call(0), known_at=1)


def test_the_disk_is_asked_once_for_all_and_not_for_what_failed(door: Door) -> None:
    here = Together(at_once=1)
    answers = all_at_once(here, door, [call(0), call(1), [Arrival(BAD, 1, email="ines@ines.example")], call(3)])
    assert [type(answer) for answer in answers] == [type(None), type(None), DataError, type(None)]
    alone = {messages[0] for messages, _ in door.batches}
    assert [one for one in door.flushed if one] == [{call(0)[0].message}, alone - {call(0)[0].message}]
    with pytest.raises(DataError):
        here.take([Arrival(BAD, 1, email="ines@ines.example")], known_at=9)
    assert door.flushed[2:] == [set()]
    here.take(call(5, 2) + call(6, 2), known_at=10)
    assert door.flushed[3:] == [{call(5)[0].message, call(6, 2)[1].message}], "the call's first, and one that was taken"


def test_those_who_were_answered_are_waited_for_a_moment(door: Door) -> None:
    here = Together(alone=60, linger=0)
    assert all_at_once(here, door, [call(0), call(1), call(2)]) == [None] * 3
    assert [len(messages) for messages, _ in door.batches] == [1, 2]
    here._linger = 60
    # Two were answered just now: who comes first waits until the other is here as well.
    first = Thread(target=here.take, args=[call(3)], kwargs={"known_at": 3}, daemon=True)
    first.start()
    until(lambda: len(here._waiting) == 1)
    assert len(door.batches) == 2
    here.take(call(4), known_at=4)
    first.join(10)
    assert not first.is_alive()
    assert [len(messages) for messages, _ in door.batches] == [1, 2, 2]


def test_who_comes_alone_again_and_again_waits_for_nobody(door: Door) -> None:
    here = Together(linger=60)
    door.open.set()
    for number in range(3):
        here.take(call(number), known_at=number)
    assert [len(messages) for messages, _ in door.batches] == [1, 1, 1]
