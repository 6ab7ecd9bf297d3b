"""The embedded cluster: made, started, attached to, let go of, killed."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from leadpact.kit.failures import CannotDo
from leadpact.kit.postgres import Cluster

HOLD = """
import sys, time
from pathlib import Path
from leadpact.kit.postgres import Cluster
with Cluster(Path(sys.argv[1]), durable=False) as held:
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for tests that only look."""
    with Cluster(tmp_path_factory.mktemp("shared") / "data", durable=False) as running:
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a cluster that was made and stopped, for others to copy."""
    data = tmp_path_factory.mktemp("made") / "data"
    with Cluster(data, durable=False):
        pass
    return data


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that is not made yet."""
    cluster = Cluster(tmp_path / "data", durable=False)
    yield cluster
    cluster.stop()
    assert not cluster.running


@pytest.fixture
def own(made: Path, new: Cluster) -> Cluster:
    """A cluster for tests that do things to it; not started."""
    shutil.copytree(made, new.data)
    return new


def postmaster(cluster: Cluster) -> int:
    return int((cluster.folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def wait_until_gone(*pids: int) -> None:
    until = time.monotonic() + 20
    while not all(gone(pid) for pid in pids):
        assert time.monotonic() < until, "still running"
        time.sleep(0.05)


def hold(cluster: Cluster) -> subprocess.Popen[str]:
    """Another process that holds the cluster until its stdin closes."""
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(cluster.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def finish(other: subprocess.Popen[str]) -> None:
    other.communicate("")
    assert other.returncode == 0


def test_everything_is_for_us_alone(shared: Cluster) -> None:
    socket_folder = Path(shared.parameters()["host"])
    for folder in (shared.data, shared.folder, socket_folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in shared.data.iterdir():
        assert not stat.S_IMODE(file.stat().st_mode) & 0o077, file


def test_it_listens_on_its_socket_only(shared: Cluster) -> None:
    process = psutil.Process(postmaster(shared))
    assert not [found for found in process.net_connections("inet") if found.status == psutil.CONN_LISTEN]


def test_each_role_needs_its_password(shared: Cluster) -> None:
    for role in ("app", "owner", "superuser"):
        known = shared.parameters(role)
        with psycopg.connect(shared.dsn(role)):
            pass
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**(known | {"password": "guessed"}))


def test_the_application_has_no_ddl_and_cannot_become_the_owner(shared: Cluster) -> None:
    with shared.connect("app", autocommit=True) as app:
        for statement in ("CREATE TABLE stray (a int)", "CREATE SCHEMA stray", "SET ROLE leadpact_owner"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


def test_what_is_acknowledged_is_on_disk_unless_a_test_says_otherwise(shared: Cluster, own: Cluster) -> None:
    with shared.connect() as quick:
        assert quick.execute("SHOW fsync").fetchone() == ("off",)
    with Cluster(own.data) as durable, durable.connect() as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",), name


def test_text_sorts_and_folds_by_unicode_whatever_the_machine(shared: Cluster) -> None:
    with shared.connect() as connection:
        assert connection.execute("SELECT lower('ÄÉÎ'), 'Z' < 'a', 'z' < 'ä'").fetchone() == ("äéî", True, True)


def test_the_last_to_let_go_stops_it(own: Cluster) -> None:
    own.start()
    server = postmaster(own)
    other = hold(own)
    own.stop()
    assert own.running
    finish(other)
    assert not own.running
    wait_until_gone(server)


def test_a_second_attaches_to_the_same_server(own: Cluster) -> None:
    own.start()
    server = postmaster(own)
    other = hold(own)
    assert postmaster(own) == server
    finish(other)
    assert postmaster(own) == server
    with own.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_attach_starts_nothing(new: Cluster) -> None:
    with pytest.raises(CannotDo, match="leadpact serve"):
        new.attach()


def test_the_server_outlives_a_killed_client_and_the_next_attaches(own: Cluster) -> None:
    other = hold(own)
    server = postmaster(own)
    other.kill()
    other.communicate()
    time.sleep(0.3)
    assert not gone(server)
    own.start()
    assert postmaster(own) == server
    own.stop()
    wait_until_gone(server)


def test_ctrl_c_in_the_client_does_not_reach_the_server(own: Cluster) -> None:
    other = hold(own)
    assert os.getpgid(postmaster(own)) != os.getpgid(other.pid)
    finish(other)


def test_nothing_committed_is_lost_when_the_server_is_killed(own: Cluster) -> None:
    cluster = Cluster(own.data)
    cluster.start()
    with cluster.connect("owner") as connection:
        connection.execute("CREATE TABLE kept (a int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
    server = postmaster(cluster)
    os.kill(server, signal.SIGKILL)
    wait_until_gone(server)
    assert not cluster.running
    cluster.start()
    with cluster.connect("owner") as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    cluster.stop()


def test_a_stale_pid_that_is_another_program_by_now(own: Cluster) -> None:
    own.start()
    server = postmaster(own)
    os.kill(server, signal.SIGKILL)
    wait_until_gone(server)
    file = own.folder / "postmaster.pid"
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        file.write_text(file.read_text(encoding="utf-8").replace(str(server), str(stranger.pid), 1), encoding="utf-8")
        assert not own.running
        own.start()
        assert own.running
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_making_it_was_interrupted(new: Cluster) -> None:
    new.data.mkdir(mode=0o700)
    (new.data / "postgres.new").mkdir()
    (new.data / "postgres.new" / "half").touch()
    new.start()
    assert new.running
    assert not (new.data / "postgres.new").exists()


def test_a_folder_that_is_no_database(new: Cluster) -> None:
    new.folder.mkdir(parents=True)
    (new.folder / "letters").touch()
    with pytest.raises(CannotDo, match="holds something that is no database"):
        new.start()


def test_a_cluster_of_another_version(new: Cluster) -> None:
    new.folder.mkdir(parents=True)
    (new.folder / "PG_VERSION").write_text("16\n", encoding="ascii")
    with pytest.raises(CannotDo, match="made by PostgreSQL 16, and this leadpact brings 18"):
        new.start()


def test_a_password_file_of_another_cluster(own: Cluster) -> None:
    own.start()
    own.stop()
    file = own.data / "postgres.passwords"
    file.write_text(file.read_text(encoding="utf-8").replace('": "', '": "x'), encoding="utf-8")
    with pytest.raises(CannotDo, match="refuses the password"):
        own.start()


def test_the_server_says_why_it_does_not_start(own: Cluster) -> None:
    broken = Cluster(own.data, durable=False, settings={"max_connections": "many"})
    with pytest.raises(CannotDo, match="max_connections"):
        broken.start()
    assert not broken.running


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with Cluster(deep, durable=False) as cluster:
        folder = Path(cluster.parameters()["host"])
        assert deep not in folder.parents
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with cluster.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    folder.rmdir()
