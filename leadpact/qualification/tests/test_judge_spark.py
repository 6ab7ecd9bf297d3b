"""`leadpact judge --engine spark` as its caller sees it: on this machine, on a cluster, and where something is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leadpact.kit.failures import CannotDo
from leadpact.lake.spark import Settings, started
from leadpact.lake.tests.standalone import cluster, needs_spark
from leadpact.qualification.cli import judge
from leadpact.qualification.tests.test_judge import AGREEMENT, LEADS, TOUCHES


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "leads.csv").write_text(LEADS)
    (tmp_path / "touches.csv").write_text(TOUCHES)
    (tmp_path / "temporary").mkdir()
    return tmp_path


def arguments(files: Path, out: str, *more: str) -> list[str]:
    given = [
        "--agreement",
        str(AGREEMENT),
        "--leads",
        str(files / "leads.csv"),
        "--touches",
        str(files / "touches.csv"),
    ]
    return [*given, "--out", str(files / out), *more]


def run(files: Path, *more: str) -> Result:
    return CliRunner().invoke(judge, arguments(files, "v.csv", *more))


def told_by_a_process(files: Path, out: str, *more: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: what Java writes goes past Python."""
    command = [sys.executable, "-m", "leadpact", "judge", *arguments(files, out, *more)]
    environment = os.environ | {"TMPDIR": str(files / "temporary")}
    return subprocess.run(command, env=environment, cwd=files, capture_output=True, text=True, check=False)


@needs_spark
def test_this_machine_gives_the_same_bytes_and_leaves_nothing(files: Path) -> None:
    assert run(files, "--engine", "duckdb").exit_code == 0
    log = files / "spark.log"
    told = told_by_a_process(
        files, "spark.csv", "--engine", "spark", "--spark-master", "local[1]", "--spark-log", str(log)
    )
    assert (told.returncode, told.stderr) == (0, ""), told.stderr
    assert "4 verdicts written to" in told.stdout
    assert (files / "spark.csv").read_bytes() == (files / "v.csv").read_bytes()
    assert (files / "spark.rejected-touches.csv").read_bytes() == (files / "v.rejected-touches.csv").read_bytes()
    assert "WARN" in log.read_text()
    assert not list((files / "temporary").iterdir())
    ours = {"leads.csv", "touches.csv", "temporary", "v.csv", "v.rejected-touches.csv", "spark.log"}
    assert {path.name for path in files.iterdir()} == {*ours, "spark.csv", "spark.rejected-touches.csv"}


@needs_spark
@pytest.mark.skipif("SPARK_BATCHES" not in os.environ, reason="one more start of Spark: with SPARK_BATCHES")
def test_a_cluster_that_gives_no_worker_is_not_waited_for() -> None:
    """Spark itself would wait for ever."""
    with cluster(workers=1) as master:
        greedy = Settings(master, memory="900g", patience=2)
        with pytest.raises(CannotDo, match="gave no worker in 2 s"), started(greedy, rows=0):
            pass


@needs_spark
def test_a_master_that_nobody_answers_for(files: Path) -> None:
    result = run(files, "--engine", "spark", "--spark-master", "spark://127.0.0.1:9")
    assert (result.exit_code, "nobody answers at spark://127.0.0.1:9" in result.output) == (1, True), result.output
    assert not (files / "v.csv").exists()


def test_without_pyspark_one_sentence_says_what_to_install(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    result = run(files, "--engine", "spark")
    assert result.exit_code == 1
    assert "install it with pip install 'leadpact[spark]'." in result.output
    assert not (files / "v.csv").exists()


@needs_spark
def test_without_a_java_or_with_an_old_one(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(files / "nowhere"))
    result = run(files, "--engine", "spark")
    assert (result.exit_code, "needs Java 17 or newer: install one" in result.output) == (1, True), result.output
    old = files / "old" / "bin" / "java"
    old.parent.mkdir(parents=True)
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(files / "old"))
    result = run(files, "--engine", "spark")
    assert (result.exit_code, f"{old} is Java 11" in result.output) == (1, True), result.output


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--engine", "spark", "--spark-master", "yarn"], "give local[N] for this machine, or spark://HOST:PORT"),
        (["--engine", "spark", "--spark-master", "spark://here"], "spark://HOST:PORT"),
        (["--engine", "spark", "--spark-master", "local[0]"], "local[N]"),
        (["--engine", "spark", "--spark-memory", "lots"], "write it as 2g or 900m"),
        (["--engine", "spark", "--spark-folder", "no/such"], "there is no such folder"),
        (["--engine", "spark", "--spark-log", "no/such/log"], "there is no folder"),
        (["--spark-master", "local[2]"], "--spark-master goes with --engine spark"),
        (["--engine", "python", "--spark-log", "x"], "--spark-log goes with --engine spark"),
    ],
)
def test_wrong_calls_are_one_sentence(files: Path, more: list[str], says: str) -> None:
    result = run(files, *more)
    assert (result.exit_code, says in result.output) == (2, True), result.output
    assert not (files / "v.csv").exists()


def test_what_the_environment_says_of_spark_does_not_stand_in_the_way(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADPACT_SPARK_MASTER", "spark://127.0.0.1:9")
    assert run(files, "--engine", "duckdb").exit_code == 0
