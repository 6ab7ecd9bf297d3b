"""`leadpact judge` as its caller sees it: files in, files out, exit statuses, sentences."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from leadpact.language.canonical import agreement_hash
from leadpact.language.parse import parse_or_raise
from leadpact.qualification.cli import judge

AGREEMENT = Path(__file__).parents[2] / "language" / "example.yaml"
LEADS = """lead_id,created_at,person.email,account.domain,account.industry,account.employees,lead.timeline_months,person.opted_out
1,2024-01-02,ada@northwind.example,northwind.example,Manufacturing,500,3,false
2,2024-01-03,bo@ferro.example,ferro.example, MANUFACTURING ,"1,200",,no
3,2024-02-03,cleo@gmail.com,gmail.com,Retail,20,12,yes
4,2024-02-03,dara@halden.example,,,,,
"""
TOUCHES = """touch_id,lead_id,kind,at,path
a,1,page.viewed,2024-02-20T10:00:00Z,/pricing/x
b,1,seminar.attended,2024-02-01T10:00:00Z,
c,2,demo.requested,2024-02-25T10:00:00Z,
d,9,page.viewed,2024-02-20T10:00:00Z,/pricing
e,4,page.viewed,soon,/pricing
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "leads.csv").write_text(LEADS)
    (tmp_path / "touches.csv").write_text(TOUCHES)
    return tmp_path


def run(files: Path, *arguments: str, out: str = "v.csv") -> Result:
    given = ["--agreement", str(AGREEMENT), "--leads", str(files / "leads.csv"), "--out", str(files / out)]
    return CliRunner().invoke(judge, [*given, *arguments])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_verdict_a_lead_with_scores_and_parts(files: Path) -> None:
    result = run(files, "--touches", str(files / "touches.csv"), "--as-of", "2024-02-25T12:00:00Z")
    assert result.exit_code == 0, result.output
    found = rows(files / "v.csv")
    assert list(found[0]) == [
        *("lead_id", "as_of", "verdict", "decided_by", "fit", "engagement", "readiness", "points.served_industry"),
        *(
            "points.mid_size",
            "points.student",
            "points.seminar",
            "points.pricing",
            "points.buying_group",
            "points.timeline",
        ),
    ]
    assert [(row["lead_id"], row["verdict"], row["decided_by"]) for row in found] == [
        ("1", "sales_ready", "sales_ready.2"),
        ("2", "sales_ready", "sales_ready.3"),
        ("3", "disqualified", "disqualified.2"),
        ("4", "prospect", ""),
    ]
    first = found[0]
    assert first["as_of"] == "2024-02-25T12:00:00Z"
    assert (first["fit"], first["points.pricing"], first["points.seminar"]) == ("40000", "5000", "17333")
    assert int(first["engagement"]) == sum(
        int(first[f"points.{line}"]) for line in ("seminar", "pricing", "buying_group")
    )
    assert found[1]["points.mid_size"] == ""
    assert rows(files / "v.rejected-touches.csv") == [
        {
            "line": "5",
            "reason": "no lead of the file of leads is 9",
            "row": "d,9,page.viewed,2024-02-20T10:00:00Z,/pricing",
        },
        {"line": "6", "reason": "at 'soon': it is not a date", "row": "e,4,page.viewed,soon,/pricing"},
    ]
    assert "lead_id              <- lead_id" in result.output
    assert "such as '1,200'" in result.output
    assert "2 rows of touches.csv could not be used" in result.output


def test_the_past_judged_from_a_flat_file_says_once_that_it_has_no_old_values(files: Path) -> None:
    """Attributes as of an instant need a history (Meaning 3): the report says what is missing and what to do."""
    for engine in ("duckdb", "python"):
        said = run(files, "--as-of", "2024-02-25T12:00:00Z", "--engine", engine).output
        assert said.count("no old values") == 1
        assert "leads.csv has no known_at, so it has no old values" in said
        assert "as of 2024-02-25T12:00:00Z" in said
        assert "give a lead one row for each change, with known_at" in said
    told = json.loads(run(files, "--as-of", "2024-02-25T12:00:00Z", "--json").stdout)
    assert sum("no old values" in note for note in told["notes"]) == 1
    assert "no old values" not in run(files).output, "the newest instant in the files is what they know"
    assert "no old values" not in run(files, "--as-of", "2999-01-01").output

    head, *people = LEADS.splitlines()
    with_history = [f"{head},known_at", *(f"{person},2024-02-04" for person in people)]
    (files / "leads.csv").write_text("\n".join(with_history) + "\n")
    assert "no old values" not in run(files, "--as-of", "2024-02-25T12:00:00Z").output


def test_a_run_says_which_meaning_and_which_tables_made_it(files: Path) -> None:
    digest = agreement_hash(parse_or_raise(AGREEMENT.read_bytes()))
    told = json.loads(run(files, "--json").stdout)
    assert (told["hash"], told["unicode"]) == (digest, unicodedata.unidata_version)
    assert f"hash {digest[:12]}, text folded by Unicode {unicodedata.unidata_version}" in run(files).output


def test_three_engines_write_the_same_bytes(files: Path) -> None:
    for engine in ("duckdb", "python", "postgres"):
        result = run(files, "--touches", str(files / "touches.csv"), "--engine", engine, out=f"{engine}.csv")
        assert result.exit_code == 0, result.output
    written = [(files / f"{engine}.csv").read_bytes() for engine in ("duckdb", "python", "postgres")]
    assert written[0] == written[1] == written[2]


def test_json_lines_and_parquet(files: Path) -> None:
    result = run(files, "--json", out="v.jsonl")
    summary = json.loads(result.stdout)
    assert summary["verdicts"] == {"disqualified": 1, "sales_ready": 1, "lead": 0, "prospect": 2}
    assert summary["as_of"] == "2024-02-03T00:00:00Z"
    first = json.loads((files / "v.jsonl").read_text().splitlines()[0])
    assert (first["lead_id"], first["fit"], first["verdict"]) == ("1", 40_000, "sales_ready")
    assert run(files, out="v.parquet").exit_code == 0
    table = pq.read_table(files / "v.parquet")
    assert table.column("fit").to_pylist() == [40_000, 20_000, 0, 0]
    assert str(table.schema.field("as_of").type) == "timestamp[us, tz=UTC]"


@pytest.mark.parametrize(
    ("arguments", "out", "status", "says"),
    [
        (["--engine", "oracle"], "v.csv", 2, "'oracle' is not one of"),
        (["--as-of", "soon"], "v.csv", 2, "write it as 2024-06-30"),
        (["--map", "lead_id"], "v.csv", 2, "write it as ours=theirs"),
        (["--map", "lead_id=Nummer"], "v.csv", 2, "there is no such column"),
        (["--map", "lead.x_y=Nummer"], "v.csv", 2, "no file has such a column"),
        (["--timezone", "Mars"], "v.csv", 2, "no such time zone"),
        ([], "v.xls", 2, "end the name with .csv, .jsonl or .parquet"),
        ([], "no/v.csv", 2, "make it first"),
        ([], "leads.csv", 2, "one of the files to be read"),
        (["--touches", "nowhere.csv"], "v.csv", 1, "no such file"),
    ],
)
def test_wrong_calls_are_one_sentence(files: Path, arguments: list[str], out: str, status: int, says: str) -> None:
    result = run(files, *arguments, out=out)
    assert (result.exit_code, says in result.output) == (status, True), result.output
    assert "Traceback" not in result.output
    assert (files / "leads.csv").read_text() == LEADS


def test_an_agreement_with_mistakes_shows_them_all_with_their_places(files: Path) -> None:
    bad = files / "bad.yaml"
    bad.write_text(
        AGREEMENT.read_text().replace("points: 25", "points: many").replace("at_least: 40}", "at_laest: 40}", 1)
    )
    result = CliRunner().invoke(
        judge, ["--agreement", str(bad), "--leads", str(files / "leads.csv"), "--out", str(files / "v.csv")]
    )
    assert result.exit_code == 1
    assert result.output.count("bad.yaml:") >= 2
    assert "at_laest" in result.output
    assert not (files / "v.csv").exists()
