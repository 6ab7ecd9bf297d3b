from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from leadpact.language.parse import parse_or_raise
from leadpact.simulation.cli import simulate
from leadpact.simulation.company import Company
from leadpact.simulation.files import LEADS, OUTCOMES, SPEND, TOUCHES, write
from leadpact.simulation.sheets import Sheet

START = datetime(2025, 1, 6, tzinfo=UTC)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("company")
    write(Company(3, 300, START, 120), place)
    return place


def test_the_files_have_the_columns_that_judge_and_review_read(folder: Path) -> None:
    for name, columns in (("leads", LEADS), ("touches", TOUCHES), ("outcomes", OUTCOMES), ("spend", SPEND)):
        rows = read(folder / f"{name}.csv")
        assert list(rows[0]) == list(columns)
        assert len(rows) > 10
    assert parse_or_raise((folder / "agreement.yaml").read_bytes()).verdict("sales_ready") is not None


def test_touches_belong_to_leads_and_are_known_when_their_visitor_is(folder: Path) -> None:
    leads = {row["lead_id"]: row for row in read(folder / "leads.csv")}
    touches = read(folder / "touches.csv")
    assert len({row["touch_id"] for row in touches}) == len(touches)
    late = 0
    for row in touches:
        assert row["at"] <= row["known_at"]
        assert row["known_at"] >= leads[row["lead_id"]]["created_at"]
        late += row["at"] < row["known_at"]
        assert datetime.fromisoformat(row["at"]).tzinfo is not None
    assert late > 20


def test_truth_has_a_row_a_lead_and_names_machines_touches(folder: Path) -> None:
    leads, truth = read(folder / "leads.csv"), read(folder / "truth.csv")
    assert [row["lead_id"] for row in truth] == [row["lead_id"] for row in leads]
    ids = {row["touch_id"] for row in read(folder / "touches.csv")}
    machines = {row["touch_id"] for row in read(folder / "truth_touches.csv")}
    assert machines
    assert machines < ids
    good = [row for row in truth if row["first_would_qualify"]]
    assert good
    assert all(int(row["weeks_would_qualify"]) > 0 for row in good)


def test_outcomes_and_spend_are_numbers_where_they_should_be(folder: Path) -> None:
    outcomes = read(folder / "outcomes.csv")
    assert all(float(row["value"]) > 0 for row in outcomes if row["outcome"] in {"opportunity", "won"})
    assert {row["outcome"] for row in outcomes} >= {"accepted", "rejected", "qualified"}
    assert all(float(row["amount"]) > 0 for row in read(folder / "spend.csv"))


def test_the_same_company_makes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write(Company(3, 300, START, 120), tmp_path)
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes()


def test_parquet_says_the_same_as_csv(folder: Path, tmp_path: Path) -> None:
    written = write(Company(3, 300, START, 120), tmp_path, "parquet")
    touches = pq.read_table(tmp_path / "touches.parquet")
    assert touches.num_rows == written.touches == len(read(folder / "touches.csv"))
    assert str(touches.schema.field("at").type) == "timestamp[us, tz=UTC]"
    leads, rows = pq.read_table(tmp_path / "leads.parquet").to_pylist(), read(folder / "leads.csv")
    for one, other in zip(leads, rows, strict=True):
        assert one["created_at"] == datetime.fromisoformat(other["created_at"])
        assert str(one["account.employees"] or "") == other["account.employees"]


def test_a_sheet_that_fails_half_way_is_closed(tmp_path: Path) -> None:
    def fail() -> None:
        with Sheet(tmp_path, "x", {"a": "int", "t": "at"}, "csv") as sheet:
            sheet.add((1 // sheet.rows, 0))

    with pytest.raises(ZeroDivisionError):
        fail()
    with Sheet(tmp_path, "x", {"a": "int", "t": "at"}, "csv") as sheet:
        sheet.add((1, 1_700_000_000_000_001))
        sheet.add((2, None))
    assert read(tmp_path / "x.csv") == [{"a": "1", "t": "2023-11-14T22:13:20.000001Z"}, {"a": "2", "t": ""}]


def test_the_command_writes_and_tells(tmp_path: Path) -> None:
    call = ["--leads", "60", "--seed", "1", "--out", str(tmp_path / "c"), "--days", "30"]
    done = CliRunner().invoke(simulate, call)
    assert done.exit_code == 0, done.output
    assert "60 leads" in done.output
    assert "Second error by the truth" in done.output
    again = CliRunner().invoke(simulate, call)
    assert again.exit_code == 1
    assert "--force" in again.output
    forced = CliRunner().invoke(simulate, [*call, "--force", "--json"])
    assert json.loads(forced.stdout)["leads"] == 60


@pytest.mark.parametrize("wrong", [["--leads", "0"], ["--days", "3"], ["--format", "xlsx"], ["--start", "soon"]])
def test_a_wrong_call_is_told_so(tmp_path: Path, wrong: list[str]) -> None:
    call = ["--leads", "60", "--seed", "1", "--out", str(tmp_path), *wrong]
    assert CliRunner().invoke(simulate, call).exit_code == 2


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    call = ["--leads", "20", "--seed", "1", "--out", str(tmp_path / "file" / "in"), "--days", "14"]
    done = CliRunner().invoke(simulate, call)
    assert done.exit_code == 1
    assert "could not be written" in done.output
