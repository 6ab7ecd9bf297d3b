"""Spark, for history that has outgrown one machine: a session that means what DuckDB and PostgreSQL mean.

PySpark comes with the extra `leadpact[spark]` and is imported only when somebody asks for it. A session runs inside
this process's own Java (`local[N]`) or on a standalone cluster (`spark://HOST:PORT`). It is asked one question only:
run a compiled agreement over two Parquet relations and write the answer as Parquet.

What breaks if the settings in `MEANING` are left to a site's own configuration: a list entry `${env:HOME}` would be
replaced in the text of the query, a quoted column would be read as a regular expression, a sum that overflows would
wrap round instead of stopping.
"""

# PySpark may be missing, and types are checked all the same.
# pyright: reportMissingImports=false

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leadpact.kit.failures import CannotDo
from leadpact.lake.problems import WrongCall

if TYPE_CHECKING:
    from leadpact.language.to_sql import Compiled

JAVA: Final = 17
"""The oldest Java that Spark 4 runs on."""
LOCAL: Final = "local[*]"
MEMORY: Final = "2g"
MASTER = re.compile(r"local(\[(\*|[1-9][0-9]{0,3})\])?|spark://(?P<hosts>[^\s/?#@,]+:\d{1,5}(,[^\s/?#@,]+:\d{1,5})*)")
AMOUNT = re.compile(r"[1-9][0-9]{0,5}[mg]")
LOOPBACK: Final = "127.0.0.1"
PATIENCE: Final = 60.0
"""Seconds that a cluster has to give the first worker, and to give another when the last one is lost."""
ROWS_A_TASK: Final = 400_000
FEW_ROWS: Final = 2_000_000
"""Below, neither a plan that is made anew at every exchange nor Java's second compiler earns what it costs."""
FEW_JAVA: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

MEANING: Final = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.variable.substitute": "false",
    "spark.sql.parser.quotedRegexColumnNames": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.sources.default": "parquet",
    "spark.sql.parquet.compression.codec": "zstd",
}
QUIET: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.eventLog.enabled": "false",
    "spark.metrics.appStatusSource.enabled": "false",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where Spark runs.

    master: `local`, `local[N]`, `local[*]` or `spark://HOST:PORT`. memory: of this process's Java or of each worker's,
    as `2g` or `900m`. folder: where facts and answers are put, which every machine of a cluster must see; None is
    the system's temporary folder. log: the file to keep what Spark says; None throws it away.

    Raises WrongCall when one of them is not of that form.
    """

    master: str = LOCAL
    memory: str = MEMORY
    folder: Path | None = None
    log: Path | None = None
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        if not MASTER.fullmatch(self.master):
            raise WrongCall(
                f"--spark-master {self.master}: give local[N] for this machine, or spark://HOST:PORT for a cluster."
            )
        if not AMOUNT.fullmatch(self.memory):
            raise WrongCall(f"--spark-memory {self.memory}: write it as 2g or 900m.")
        if self.folder is not None and not self.folder.is_dir():
            raise WrongCall(f"--spark-folder {self.folder}: there is no such folder; make it first.")
        if self.log is not None and not self.log.parent.is_dir():
            raise WrongCall(f"--spark-log {self.log}: there is no folder {self.log.parent}; make it first.")

    @property
    def hosts(self) -> tuple[tuple[str, int], ...]:
        """The masters of a cluster; none where Spark runs in this process."""
        found = MASTER.fullmatch(self.master)
        listed = (found and found["hosts"]) or ""
        pairs = [one.rpartition(":") for one in listed.split(",") if one]
        return tuple((host, int(port)) for host, _, port in pairs)

    @property
    def stays_here(self) -> bool:
        """Whether nothing beyond this machine takes part, so that nothing may listen beyond loopback."""
        return all(host in {"localhost", "::1", "[::1]"} or host.startswith("127.") for host, _ in self.hosts)


class Spark:
    """A running session. Made by `started`."""

    def __init__(self, session: Any, settings: Settings, folder: Path) -> None:
        self.session = session
        self.settings = settings
        self.folder = folder

    def judge(self, compiled: Compiled, *, relations: Mapping[str, Path], rows: int, out: Path) -> None:
        """Run a query compiled for Spark and write its answer into a new folder of Parquet files.

        relations: Parquet files or folders by the names that the query reads. rows: about how many there are, for the
        number of parts that work is cut into. Raises CannotDo with one sentence when Spark gives up.
        """
        cores = self.session.sparkContext.defaultParallelism
        self.session.conf.set("spark.sql.shuffle.partitions", str(max(cores, min(4_000, rows // ROWS_A_TASK + 1))))
        self.session.conf.set("spark.sql.adaptive.enabled", str(rows > FEW_ROWS).lower())
        with self._sentence():
            for name, path in relations.items():
                self.session.read.parquet(str(path)).createOrReplaceTempView(name)
            answer = self.session.sql(compiled.sql)
            if tuple(answer.columns) != compiled.columns:
                raise ValueError(f"{answer.columns} are not the columns of the agreement")
            self._finish(lambda: answer.write.parquet(str(out)))

    def wait_for_workers(self) -> None:
        """Return when a cluster has given a worker; raise CannotDo when it has not in time."""
        begun = time.monotonic()
        while self._still_served(begun) == begun:
            time.sleep(0.1)

    def _finish(self, work: Callable[[], None]) -> None:
        """Run something that takes long. Spark itself would wait for ever for a cluster without workers; we do not."""
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(work)
            try:
                seen = time.monotonic()
                while not wait([running], timeout=1.0).done:
                    seen = self._still_served(seen)
            except BaseException:
                self.session.sparkContext.cancelAllJobs()
                raise
            running.result()

    def _still_served(self, seen: float) -> float:
        """When a worker was last seen: now, or `seen`. Raises CannotDo when that is too long ago."""
        now = time.monotonic()
        if self._workers():
            return now
        if now - seen > self.settings.patience:
            raise CannotDo(self._no_worker())
        return seen

    def _workers(self) -> int:
        """Executors, the driver aside; in this process's own Java the driver does the work."""
        known = self.session.sparkContext._jsc.sc().getExecutorMemoryStatus().size()  # noqa: SLF001 PySpark has no word for it
        return known - 1 if self.settings.hosts else known

    def _no_worker(self) -> str:
        return (
            f"{self.settings.master} gave no worker in {self.settings.patience:.0f} s: see that it has one with a core and "
            f"{self.settings.memory} of memory free (--spark-memory asks for less)."
        )

    @contextmanager
    def _sentence(self) -> Iterator[None]:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            yield
        except (PySparkException, Py4JError) as error:
            folder = self.folder.parent if self.settings.folder is None else self.settings.folder
            hint = (
                f" Every worker must be able to read and write {folder}; --spark-folder names another."
                if self.settings.hosts
                else ""
            )
            kept = f"{self.settings.log} says more" if self.settings.log else "--spark-log FILE keeps all that it said"
            raise CannotDo(f"Spark gave up: {_cause(error)}.{hint} {kept}.") from error


@contextmanager
def started(settings: Settings, *, rows: int) -> Iterator[Spark]:
    """A session with a folder of its own, both gone afterwards. One at a time in a process.

    rows: about how many it will read, in all. Raises CannotDo where PySpark or Java is missing, nobody answers at the
    master's address, or it has no worker.
    """
    require()
    _knock(settings)
    with ExitStack() as stack:
        # Two folders: what Spark spills stays on this machine, what workers read and write may lie on a shared disk.
        scratch = stack.enter_context(_folder(None))
        shared = stack.enter_context(_folder(settings.folder))
        log = stack.enter_context(_log(settings, scratch))
        stack.enter_context(_environment(settings))
        session = stack.enter_context(_session(_configuration(settings, scratch, rows), settings, log))
        spark = Spark(session, settings, shared)
        if settings.hosts:
            spark.wait_for_workers()
        yield spark


@contextmanager
def _folder(within: Path | None) -> Iterator[Path]:
    try:
        folder = Path(tempfile.mkdtemp(prefix="leadpact-spark-", dir=within))
    except OSError as error:
        raise CannotDo(f"--spark-folder {within}: nothing can be written there ({error.strerror}).") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def require() -> None:
    """Raise CannotDo where PySpark or a Java that it runs on is missing: the sentence says what to install."""
    if find_spec("pyspark") is None:
        raise CannotDo("--engine spark needs PySpark: install it with pip install 'leadpact[spark]'.")
    java = _java()
    if java is None:
        raise CannotDo(
            f"--engine spark needs Java {JAVA} or newer: install one (Debian: apt install default-jre-headless), "
            "or let JAVA_HOME name it."
        )
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(\d+)', told.stderr + told.stdout)
    if version is None or int(version[1]) < JAVA:
        found = f"is Java {version[1]}" if version else "does not say which Java it is"
        raise CannotDo(f"--engine spark needs Java {JAVA} or newer, and {java} {found}: let JAVA_HOME name another.")


def missing() -> str:
    """Why Spark cannot run on this machine; empty where it can."""
    try:
        require()
    except CannotDo as error:
        return str(error)
    return ""


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME", "")
    if home:
        return shutil.which("java", path=str(Path(home) / "bin"))
    return shutil.which("java")


def _knock(settings: Settings) -> None:
    """Spark would try for a minute and then say little."""
    failures: list[str] = []
    for host, port in settings.hosts:
        try:
            with socket.create_connection((host.strip("[]"), port), timeout=5):
                return
        except (OSError, OverflowError) as error:
            failures.append(getattr(error, "strerror", None) or str(error))
    if failures:
        raise CannotDo(
            f"nobody answers at {settings.master} ({failures[0]}): start the cluster's master, or leave --spark-master out "
            "to judge on this machine."
        )


@contextmanager
def _log(settings: Settings, scratch: Path) -> Iterator[Any]:
    """The file that Java's output goes to. PySpark writes each failure to standard error as well: it is told not to."""
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
    path = settings.log or scratch / "spark.log"
    try:
        file = path.open("wb")
    except OSError as error:
        raise CannotDo(f"--spark-log {path} cannot be written: {error.strerror}.") from error
    with file:
        yield file


@contextmanager
def _environment(settings: Settings) -> Iterator[None]:
    """What the launcher reads from the environment: our own interpreter, our own Spark, loopback where that is enough.

    A SPARK_HOME of another version would be started by our PySpark, and fail in ways that nobody understands.
    """
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    ours = {
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_HOME": str(Path(spec.origin).parent),
    }
    if settings.stays_here:
        ours["SPARK_LOCAL_IP"] = LOOPBACK
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _session(configuration: Mapping[str, str], settings: Settings, log: Any) -> Iterator[Any]:
    """Start Java and a session in it; stop both."""
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    conf = SparkConf(loadDefaults=False)
    for name, value in configuration.items():
        conf.set(name, value)
    gateway = context = session = None
    try:
        try:
            gateway = launch_gateway(conf, {"stdout": log, "stderr": log})
            context = SparkContext(conf=conf, gateway=gateway)
            session = SparkSession(context)
        except (PySparkException, Py4JError, OSError) as error:
            kept = f"{settings.log} says" if settings.log else "--spark-log FILE keeps what it said of"
            raise CannotDo(f"Spark did not start: {_cause(error)}; {kept} why.") from error
        yield session
    finally:
        for running in (session, context):
            if running is not None:
                with _tolerant():
                    running.stop()
        if gateway is not None:
            _let_go(gateway)
        # PySpark keeps the gateway for the next session of the process; ours is gone.
        SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001


def _configuration(settings: Settings, scratch: Path, rows: int) -> dict[str, str]:
    java = FEW_JAVA if rows <= FEW_ROWS else ""
    found = {
        "spark.app.name": "leadpact",
        "spark.master": settings.master,
        "spark.local.dir": str(scratch / "local"),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={scratch} -XX:-UsePerfData {java}".strip(),
        **MEANING,
        **QUIET,
    }
    if settings.hosts:
        found["spark.executor.memory"] = settings.memory
        found["spark.executor.extraJavaOptions"] = java
    else:
        found["spark.driver.memory"] = settings.memory
        # Other accounts of this machine can reach our ports; a cluster's secret is its keeper's to set.
        found["spark.authenticate"] = "true"
    if settings.stays_here:
        found |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    return found


def _let_go(gateway: Any) -> None:
    """End the Java process: it goes when its standard input closes; what does not go is ended."""
    with _tolerant():
        gateway.shutdown()
    process = gateway.proc
    with _tolerant(), closing(process.stdin):
        pass
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _tolerant() -> Iterator[None]:
    """On the way out: a Java that is gone already cannot be asked to go."""
    from py4j.protocol import Py4JError

    with suppress(Py4JError, OSError):
        yield


def _cause(error: BaseException) -> str:
    """The first line of what went wrong, without Java's names around it."""
    java = getattr(error, "java_exception", None)
    text = str(error)
    if java is not None:
        with _tolerant():
            deepest = java
            while deepest.getCause() is not None:
                deepest = deepest.getCause()
            text = str(deepest.getMessage() or deepest.toString())
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return first[:300].rstrip(".")
