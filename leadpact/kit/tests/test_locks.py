"""Lanes: so many at a time across processes, free again when a process is gone, however it went."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from leadpact.kit.locks import Lanes

HOLDS = """
import sys, time
from pathlib import Path
from leadpact.kit.locks import Lanes
with Lanes(Path(sys.argv[1]), 1).one(patience=5) as held:
    print(held, flush=True)
    time.sleep(60)
"""


def test_there_are_so_many_lanes_and_no_more(tmp_path: Path) -> None:
    lanes = Lanes(tmp_path, 2)
    with ExitStack() as stack:
        assert [stack.enter_context(lanes.one(patience=0)) for _ in range(3)] == [True, True, False]
    with lanes.one(patience=0) as again:
        assert again
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_lane_is_free_when_its_process_was_killed(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        lanes = Lanes(tmp_path, 1)
        with lanes.one(patience=0.01) as held:
            assert not held
        other.send_signal(signal.SIGKILL)
        with lanes.one(patience=10) as held:
            assert held
    finally:
        other.kill()
        other.communicate()
