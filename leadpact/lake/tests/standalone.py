"""A standalone Spark cluster on loopback, from the programs that PySpark brings: a master and two workers.

Real processes on ports that the system gives. Whoever starts one is done with it at the end of the block: everything is
stopped by its own process id, and its folder is removed. Also the cluster of `bench.judge_spark`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from leadpact.lake.spark import missing

LOOPBACK = "127.0.0.1"
WAIT = 90.0
MASTER = re.compile(r"Starting Spark master at (spark://\S+)")
LOG = """
rootLogger.level = info
rootLogger.appenderRef.file.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1}: %m%n
"""
# A master and workers do little; what they start for the work has options of its own.
SMALL = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

needs_spark = pytest.mark.skipif(bool(why := missing()), reason=why or "Spark runs here")


@contextmanager
def cluster(*, workers: int = 2, cores: int = 1, memory: str = "1g") -> Iterator[str]:
    """A running cluster; its address, `spark://127.0.0.1:PORT`."""
    folder = Path(tempfile.mkdtemp(prefix="leadpact-cluster-"))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        master = _start(folder, "master", processes, "--port", "0")
        address = _told(master, MASTER)
        for number in range(workers):
            sizes = (
                "--port",
                "0",
                "--cores",
                str(cores),
                "--memory",
                memory,
                "--work-dir",
                str(folder / f"work-{number}"),
            )
            log = _start(folder, f"worker-{number}", processes, *sizes, address)
            _told(log, re.compile(r"(Successfully registered with master)"))
        yield address
    finally:
        _stop(processes)
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, name: str, processes: list[subprocess.Popen[bytes]], *arguments: str) -> Path:
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    home = Path(spec.origin).parent
    conf = folder / "conf"
    conf.mkdir(exist_ok=True)
    (conf / "log4j2.properties").write_text(LOG, encoding="utf-8")
    kind = name.partition("-")[0].capitalize()
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(conf),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": f"{SMALL} -Dspark.master.rest.enabled=false -Djava.io.tmpdir={folder} -XX:-UsePerfData",
        "PYSPARK_PYTHON": sys.executable,
    }
    program = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{kind.lower()}.{kind}"]
    where = ("--host", LOOPBACK, "--webui-port", "0")
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        command = [*program, *where, *arguments]
        processes.append(subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out))
    return log


def _told(log: Path, sought: re.Pattern[str]) -> str:
    """What a process says in its log once it is ready."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8", errors="replace")
        if found := sought.search(text):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"{log.name} did not say {sought.pattern} in {WAIT:.0f} s:\n{text[-3000:]}")


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """Workers first: each ends the executors that it started."""
    for process in reversed(processes):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
