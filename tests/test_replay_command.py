"""`leadpact replay` as a new user calls it, with right and wrong input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from leadpact.lake.instants import iso
from leadpact.lake.store import Store
from leadpact.lake.tests.test_history_files import AGREEMENT, LEADS, OUTCOMES, TOUCHES
from leadpact.qualification.cli import replay as command


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in (
        ("agreement.yaml", AGREEMENT),
        ("strict.yaml", AGREEMENT.replace("engagement: {at_least: 4}", "engagement: {at_least: 30}")),
        ("leads.csv", LEADS),
        ("touches.csv", TOUCHES),
        ("outcomes.csv", OUTCOMES),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def ran(folder: Path, *arguments: str) -> Any:
    given = ["--agreement", "agreement.yaml", "--leads", "leads.csv", "--touches", "touches.csv", *arguments]
    given = [
        str(folder / one) if one.endswith((".yaml", ".csv", ".jsonl", ".parquet", ".txt")) else one for one in given
    ]
    return CliRunner().invoke(command, given)


def test_the_command_writes_rows_and_prints_figures(files: Path) -> None:
    result = ran(files, "--outcomes", "outcomes.csv", "--capacity", "1", "--out", "out.csv")
    assert result.exit_code == 0, result.output
    written = (files / "out.csv").read_text(encoding="utf-8").splitlines()
    assert written[0] == "lead_id,at,before,after,decided_by"
    assert [line for line in written if "sales_ready" in line.split(",")[3]] == [
        "A,2024-02-10T00:00:00Z,lead,sales_ready,sales_ready.1",
        "B,2024-02-09T11:15:00Z,prospect,sales_ready,sales_ready.1",
        "C,2024-02-01T00:00:00Z,prospect,sales_ready,sales_ready.2",
    ]
    assert "3 leads handed over." in result.output
    assert "2024-02-05       2" in result.output
    assert "1 too many" in result.output
    assert "First error: 50.0%" in result.output


def test_two_agreements_are_compared(files: Path) -> None:
    result = ran(files, "--against", "strict.yaml", "--json", "--out", "out.jsonl")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    difference = told["against"]["difference"]
    assert [difference[name] for name in ("gained", "lost", "earlier", "later", "same")] == [1, 0, 1, 0, 1]
    assert difference["names"]["gained"] == ["A"]
    moved = [json.loads(line) for line in (files / "out.moved.jsonl").read_text(encoding="utf-8").splitlines()]
    assert moved == [
        {"lead_id": "A", "moves": "gained", "at": "2024-02-10T00:00:00Z", "against_at": None},
        {"lead_id": "B", "moves": "earlier", "at": "2024-02-09T11:15:00Z", "against_at": "2024-02-09T12:00:00Z"},
    ]


def test_parquet_holds_what_csv_holds(files: Path) -> None:
    assert ran(files, "--out", "out.parquet").exit_code == 0
    assert ran(files, "--out", "out.csv").exit_code == 0
    with Store(threads=1) as store:
        one = store.execute(
            f"SELECT lead_id, epoch_us(\"at\"), before, after FROM '{files}/out.parquet' ORDER BY ALL"
        ).fetchall()
    other = (files / "out.csv").read_text(encoding="utf-8").replace('""', "").splitlines()[1:]
    assert [(lead, iso(when), before, after) for lead, when, before, after in one] == sorted(
        tuple(line.split(",")[:4]) for line in other
    )


def test_one_lead_is_told_instant_by_instant(files: Path) -> None:
    result = ran(files, "--lead", "A", "--from", "2024-02-01", "--out", "out.csv")
    assert result.exit_code == 0, result.output
    assert "Lead A, judged" in result.output
    assert "* 2024-02-10T00:00:00Z" in result.output
    assert "Works" not in result.output
    assert "In an industry we serve" in result.output
    told = json.loads(ran(files, "--lead", "A", "--json", "--out", "out.csv").stdout)
    assert told["lead"][0]["verdict"] == "prospect"
    assert {"at", "verdict", "decided_by", "scores", "lines", "says"} == set(told["lead"][0])


def test_nobody_handed_over_is_said_once(files: Path) -> None:
    result = ran(files, "--until", "2024-01-06", "--out", "out.csv")
    assert "0 leads handed over." in result.output
    assert "Nobody would have been handed over" in result.output
    assert "Handed over a week" not in result.output


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--out", "out.txt"], 2, "end the name with .csv"),
        (["--from", "yesterday", "--out", "out.csv"], 2, "--from yesterday"),
        (["--until", "30/30/2024", "--out", "out.csv"], 2, "--until 30/30/2024"),
        (["--from", "2025-01-01", "--out", "out.csv"], 1, "after it ends"),
        (["--lead", "Z", "--out", "out.csv"], 1, "no lead Z"),
        (["--against", "missing.yaml", "--out", "out.csv"], 1, "cannot be read"),
        (["--capacity", "-1", "--out", "out.csv"], 2, "--capacity"),
        (["--out", "leads.csv"], 2, "one of the files to be read"),
        ([], 2, "--out"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(files: Path, arguments: list[str], status: int, says: str) -> None:
    result = ran(files, *arguments)
    assert result.exit_code == status, result.output
    assert says in result.output


def test_the_command_is_found(files: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "leadpact", "replay", "--help"], capture_output=True, text=True, check=False, timeout=60
    )
    assert found.returncode == 0
    assert "Example:" in found.stdout
