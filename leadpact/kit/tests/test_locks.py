"""Lanes: so many at a time across processes, free again when a process is gone, however it went."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from leadpact.kit.locks import Lanes, Turn

HOLDS = """
import sys, time
from pathlib import Path
from leadpact.kit.locks import Lanes
turn = Lanes(Path(sys.argv[1]), 1).turn(patience=5)
turn.wait()
print(turn.held, flush=True)
time.sleep(60)
"""


def held(turn: Turn) -> bool:
    turn.wait()
    return turn.held


def test_there_are_so_many_lanes_and_no_more(tmp_path: Path) -> None:
    lanes = Lanes(tmp_path, 2)
    turns = [lanes.turn(patience=0) for _ in range(3)]
    assert [held(turn) for turn in turns] == [True, True, False]
    turns[0].leave()
    assert held(turns[2]), "one turn may be waited for again"
    for turn in turns:
        turn.leave()
    again = lanes.turn(patience=0)
    assert held(again)
    again.leave()
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_lane_is_free_when_its_process_was_killed(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        lanes = Lanes(tmp_path, 1)
        assert not held(lanes.turn(patience=0.01))
        asked: list[int] = []
        turn = lanes.turn(patience=60)
        turn.wait(unless=lambda: asked.append(1) or len(asked) > 2)  # type: ignore[func-returns-value]
        assert not turn.held, "somebody had something better to do"
        assert len(asked) == 3
        other.send_signal(signal.SIGKILL)
        turn.wait()
        assert turn.held
        turn.leave()
    finally:
        other.kill()
        other.communicate()


def test_where_no_lane_can_be_opened_nobody_waits(tmp_path: Path) -> None:
    assert not held(Lanes(tmp_path / "gone", 1).turn(patience=60))
