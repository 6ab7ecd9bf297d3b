"""The embedded PostgreSQL of one data directory: start it, attach to it, let go of it.

Whoever needs the database calls `start()` and later `stop()`. Between the two it holds a shared lock; the
server is started by whoever comes first and stopped by whoever lets go last. Locks are the kernel's, so a
process that was killed has let go. The server is in a session of its own: no signal to a client and no
death of a client reaches it. What a kill -9 leaves behind (a running server, or a crashed one) the next
`start()` finds: it attaches to the first, and waits while the second recovers.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from leadpact.kit.failures import CannotDo
from leadpact.kit.locks import FileLock
from leadpact.kit.places import private_directory
from leadpact.kit.postgres import binaries, making, tuning
from leadpact.kit.postgres.roles import DATABASE, ROLES, Role

PORT = 5432
# The kernel's limit on a socket's path is 104 to 108 bytes; the file's own name takes 15 of them.
LONGEST_SOCKET_FOLDER = 85
RECOVERY_S = 900.0
SHUTDOWN_S = 60.0
LEFTOVERS_S = 60.0
FULL_LOG = 20 * 1024 * 1024

# Servers that this process started, kept so that they can be reaped when they end.
_children: dict[int, subprocess.Popen[bytes]] = {}


class Cluster:
    """The embedded cluster of one data directory.

    `durable=False` (tests only) switches off fsync. `settings` override PostgreSQL's own, by name.
    """

    def __init__(self, data: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.folder = data / "postgres"
        self.log = data / "postgres.log"
        self._durable = durable
        self._settings = dict(settings or {})
        self._change = FileLock(data / "postgres.lock")
        self._holders = FileLock(data / "postgres.holders")
        # Where in the log our own start begins: what stands before it says nothing about this one.
        self._log_from = 0

    @property
    def running(self) -> bool:
        """Whether a server of this cluster runs, whoever started it."""
        return self._postmaster() is not None

    def start(self) -> None:
        """Attach to the server, starting it (and making the cluster) where needed; returns when it answers.

        Raises CannotDo with a sentence that says what is in the way.
        """
        binaries.guise().let_through(private_directory(self.data))
        with self._change:
            self._log_from = self.log.stat().st_size if self.log.exists() else 0
            if not (self.folder / "PG_VERSION").exists():
                making.make(self.data, self.folder, durable=self._durable)
            making.check_version(self.folder)
            if self._postmaster() is None:
                self._launch()
            self._holders.shared()
        self._hold_until_ready()

    def attach(self) -> None:
        """Like `start()`, but raises CannotDo where no server runs."""
        if not self.running:
            raise CannotDo(f"No database runs in {self.data}; start it with: leadpact serve --data {self.data}")
        with self._change:
            self._holders.shared()
        self._hold_until_ready()

    def stop(self) -> None:
        """Let go; the last to let go stops the server. Returns when it has stopped. Harmless to repeat."""
        if not self.data.exists():
            return
        with self._change:
            alone = self._holders.exclusive(wait=False)
            pid = self._postmaster()
            if alone and pid is not None:
                self._shut_down(pid)
            self._holders.release()

    def parameters(self, role: Role = "app", dbname: str | None = None) -> dict[str, str]:
        """Connection parameters by libpq's names. The password is missing where no cluster was made yet."""
        password = making.read_passwords(self.data).get(ROLES[role])
        return {
            "host": self._pid_file().get("socket") or str(self._socket_folder()),
            "port": str(PORT),
            "user": ROLES[role],
            "dbname": dbname or DATABASE,
        } | ({"password": password} if password else {})

    def dsn(self, role: Role = "app", dbname: str | None = None) -> str:
        """A libpq connection string, with its password: not for logs."""
        return make_conninfo("", **self.parameters(role, dbname))

    def connect(self, role: Role = "app", dbname: str | None = None, **options: Any) -> psycopg.Connection[Any]:
        """A new psycopg connection; `options` go to psycopg.connect."""
        return psycopg.connect(self.dsn(role, dbname), **options)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _socket_folder(self) -> Path:
        """Where the socket goes: in the data directory, or, where that path is too long, in a short one of our own.

        XDG_RUNTIME_DIR is no choice: it is removed at log-out, under a server that goes on running.
        """
        inside = self.data / "run"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER and not set(str(inside)) & {",", '"', "'", "\\"}:
            return inside
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"leadpact-{os.geteuid()}-{name}"

    def _pid_file(self) -> dict[str, str]:
        """What the server says of itself in postmaster.pid: pid, socket, status; empty where there is no such file."""
        try:
            lines = (self.folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        named = {"pid": 0, "socket": 4, "status": 7}
        return {key: lines[index].strip() for key, index in named.items() if index < len(lines)}

    def _postmaster(self) -> int | None:
        """The pid of the running server; None where there is none, or another program has its number by now."""
        try:
            pid = int(self._pid_file().get("pid", ""))
        except ValueError:
            return None
        child = _children.get(pid)
        if child is not None and child.poll() is not None:
            del _children[pid]
            return None
        try:
            found = psutil.Process(pid)
            ours = (
                found.name() == "postgres"
                and found.status() != psutil.STATUS_ZOMBIE
                and Path(found.cwd()).samefile(self.folder)
            )
        except (psutil.Error, OSError):
            return None
        return pid if ours else None

    def _launch(self) -> None:
        """Start the server. A predecessor's last processes may still be ending: try again while they do."""
        guise = binaries.guise()
        binaries.check_reach([binaries.programs(), self.data])
        sockets = self._socket_folder()
        if sockets.is_symlink():
            raise CannotDo(f"{sockets} is a link, which is not safe: remove it.")
        for folder in (sockets, self.folder):
            if folder.exists():
                guise.own(folder)
        if not sockets.exists() or guise.account is None:
            guise.own(private_directory(sockets))
        self._disown_leftovers(sockets)
        if self._log_from > FULL_LOG:
            self.log.replace(self.log.with_name(self.log.name + ".1"))
            self._log_from = 0
        chosen = tuning.settings(durable=self._durable) | {
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
            "port": str(PORT),
        }
        flags = [word for key, value in (chosen | self._settings).items() for word in ("-c", f"{key}={value}")]
        command = [*guise.prefix, binaries.program("postgres"), "-D", str(self.folder), *flags]
        patience = time.monotonic() + LEFTOVERS_S
        while True:
            child = self._spawn(command, guise)
            while child.poll() is None and self._pid_file().get("pid") != str(child.pid):
                time.sleep(0.01)
            if child.poll() is None:
                _children[child.pid] = child
                return
            complaint = self._complaint()
            if "shared memory block" not in complaint or time.monotonic() > patience:
                raise CannotDo(f"PostgreSQL did not start: {complaint} (its log is {self.log})")
            time.sleep(0.5)
            self._log_from = self.log.stat().st_size

    def _spawn(self, command: list[str], guise: binaries.Guise) -> subprocess.Popen[bytes]:
        descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                cwd="/",
                env=binaries.plain_environment(),
                start_new_session=True,
                **guise.popen(),
            )
        finally:
            os.close(descriptor)

    def _disown_leftovers(self, sockets: Path) -> None:
        """Clear away what a killed server left. Only called where none of this cluster runs.

        Where a stale postmaster.pid names a process that is something else by now, name ourselves instead.

        PostgreSQL takes a living process of that number for a running server and refuses to start, except
        for its own parent, which we are. The rest of the file stays: it tells PostgreSQL which shared memory
        to look at for processes of its predecessor that still run.
        """
        for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            (sockets / name).unlink(missing_ok=True)
        file = self.folder / "postmaster.pid"
        pid = self._pid_file().get("pid", "")
        if pid.isdigit() and psutil.pid_exists(int(pid)):
            rest = file.read_text(encoding="utf-8").split("\n", 1)[1]
            file.write_text(f"{os.getpid()}\n{rest}", encoding="utf-8")

    def _complaint(self) -> str:
        """The reason the server gave for ending."""
        try:
            with self.log.open("rb") as file:
                file.seek(self._log_from)
                lines = file.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            lines = []
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "ERROR" in line] or lines[-1:]
        return telling[0].split(":  ", 1)[-1] if telling else "it said nothing"

    def _hold_until_ready(self) -> None:
        try:
            self._wait()
        except BaseException:
            self._holders.release()
            raise

    def _wait(self) -> None:
        """Return when the server answers. After a crash it first repeats what was not yet in its tables."""
        begun = time.monotonic()
        told = begun
        while not self._answers():
            now = time.monotonic()
            if self._postmaster() is None:
                raise CannotDo(f"PostgreSQL ended while it started: {self._complaint()} (its log is {self.log})")
            if now - begun > RECOVERY_S:
                raise CannotDo(f"PostgreSQL has been starting for {RECOVERY_S / 60:.0f} minutes; its log is {self.log}")
            if now - told > 5:
                told = now
                sys.stderr.write(f"The database is recovering from an unclean stop ({now - begun:.0f} s) …\n")
                sys.stderr.flush()
            time.sleep(0.02 if now - begun < 2 else 0.2)

    def _answers(self) -> bool:
        if self._pid_file().get("status") != "ready":
            return False
        try:
            self.connect("app").close()
        except psycopg.OperationalError as error:
            if self._pid_file().get("status") == "ready" and "password" in str(error):
                raise CannotDo(
                    f"The database refuses the password in {making.passwords_file(self.data)}: put back the file that "
                    "belongs to it, or restore a backup into a new directory."
                ) from error
            return False
        return True

    def _shut_down(self, pid: int) -> None:
        """End the server cleanly: running statements are cancelled, everything is written. Patient, then firm."""
        for order, patience in ((signal.SIGINT, SHUTDOWN_S), (signal.SIGQUIT, SHUTDOWN_S)):
            try:
                os.kill(pid, order)
            except ProcessLookupError:
                return
            until = time.monotonic() + patience
            while time.monotonic() < until:
                if self._postmaster() is None:
                    return
                time.sleep(0.02)
        raise CannotDo(f"PostgreSQL (process {pid}) does not stop; its log is {self.log}")


@contextmanager
def cluster(data: Path, *, durable: bool = True) -> Iterator[Cluster]:
    """The embedded cluster of `data`, started or attached to for the length of the block."""
    with Cluster(data, durable=durable) as held:
        yield held
