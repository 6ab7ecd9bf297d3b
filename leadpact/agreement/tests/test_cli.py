"""`leadpact agreement` from outside: what is printed where, and the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

import leadpact.language
from leadpact.agreement.cli import agreement
from leadpact.language.canonical import agreement_hash
from leadpact.language.parse import parse_or_raise

EXAMPLE = (Path(leadpact.language.__file__).parent / "example.yaml").read_text()
FIVE_MISTAKES = (
    EXAMPLE.replace("{in: served_industries}", "{in: served_industry}")
    .replace("between: [200, 5000]", "betwen: [200, 5000]")
    .replace("4 business hours", "4 busines hours ")
    .replace("blames: data", "blames: date")
    .replace("points: -40", "points: -40.5")
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("right.yaml").write_text(EXAMPLE)
    Path("wrong.yaml").write_text(FIVE_MISTAKES)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(agreement, words)


def test_check_of_a_sound_file() -> None:
    result = run("check", "right.yaml")
    assert result.exit_code == 0
    assert result.stderr == ""
    name = agreement_hash(parse_or_raise(EXAMPLE))[:12]
    assert result.stdout == f"right.yaml is sound: Northwind qualified lead, 7 lines, hash {name}.\n"


def test_check_tells_five_mistakes_with_their_places() -> None:
    result = run("check", "wrong.yaml")
    assert result.exit_code == 1
    assert result.stdout == ""
    *errors, last = result.stderr.splitlines()
    assert errors == [
        "wrong.yaml:14:33: there is no list `served_industry` (did you mean `served_industries`?)",
        "wrong.yaml:18:30: `betwen` is no way to compare `account.employees` (did you mean `between`?)",
        "wrong.yaml:23:13: `points` cannot be -40.5; expected a whole number from -10,000 to 10,000",
        (
            "wrong.yaml:59:18: `accept_within` cannot be the text `4 busines hours`; expected a duration such as "
            "`4 business hours` or `30 days` (did you mean `4 business hours`?)"
        ),
        (
            "wrong.yaml:72:26: `blames` cannot be the text `date`; expected `timing`, `definition`, `data` or `nobody` "
            "(did you mean `data`?)"
        ),
    ]
    assert last == "wrong.yaml is no agreement yet: 5 errors."


def test_check_as_json() -> None:
    right, wrong = run("check", "--json", "right.yaml"), run("check", "--json", "wrong.yaml")
    assert (right.exit_code, wrong.exit_code) == (0, 1)
    told = json.loads(right.stdout)
    assert (told["ok"], told["hash"], told["errors"]) == (True, agreement_hash(parse_or_raise(EXAMPLE)), [])
    found = json.loads(wrong.stdout)
    assert found["ok"] is False
    assert [problem["line"] for problem in found["errors"]] == [14, 18, 23, 59, 72]
    assert found["errors"][0]["nearest"] == "served_industries"


def test_warnings_are_told_and_do_not_fail() -> None:
    Path("odd.yaml").write_text(EXAMPLE.replace("fit: {at_least: 40}", "fit: {at_least: 60}"))
    result = run("check", "odd.yaml")
    assert result.exit_code == 0
    warnings = result.stderr.splitlines()
    assert len(warnings) == 2
    assert warnings[0].startswith("odd.yaml:51:9: warning: `sales_ready.1` asks for 60 of fit, but its lines give 40")
    assert result.stdout.startswith("odd.yaml is sound: Northwind qualified lead, 7 lines, 2 warnings,")
    assert len(json.loads(run("check", "--json", "odd.yaml").stdout)["warnings"]) == 2


@pytest.mark.parametrize(
    "words",
    [("explain", "wrong.yaml"), ("diff", "right.yaml", "wrong.yaml"), ("sql", "wrong.yaml", "--dialect", "duckdb")],
)
def test_every_command_refuses_a_wrong_file_alike(words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == "wrong.yaml is no agreement yet: 5 errors."
    assert len(result.stderr.splitlines()) == 6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check",), "Missing argument 'FILE'"),
        (("check", "nothing.yaml"), "File 'nothing.yaml' does not exist"),
        (("check", "."), "is a directory"),
        (("diff", "right.yaml"), "Missing argument 'AFTER'"),
        (("sql", "right.yaml"), "Missing option '--dialect'"),
        (("sql", "right.yaml", "--dialect", "oracle"), "'oracle' is not one of 'postgres', 'duckdb', 'spark'"),
        (("chek", "right.yaml"), "No such command 'chek'"),
    ],
)
def test_a_wrong_call_has_status_two(words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "junk.yaml:1:1: the file is empty"),
        (b"\xff\xfe\x00", "junk.yaml:1:1: this is UTF-16 text; expected a text file saved as UTF-8"),
        (b"a: *b", "junk.yaml:1:4: the alias `*b` is refused"),
        (b"[" * 2_000_000, "junk.yaml:1:1: the file has 2,000,000 bytes"),
        (os.urandom(1_000), "junk.yaml:1:"),
    ],
)
def test_junk(content: bytes, said: str) -> None:
    Path("junk.yaml").write_bytes(content)
    result = run("check", "junk.yaml")
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_explain() -> None:
    result = run("explain", "right.yaml")
    assert result.exit_code == 0
    assert result.stdout.startswith("Northwind qualified lead\n====")
    assert "An accepted lead goes back to Marketing when engagement is below 15." in result.stdout
    told = json.loads(run("explain", "--json", "right.yaml").stdout)
    assert told["name"] == "Northwind qualified lead"
    assert "verdicts.sales_ready" in [section["key"] for section in told["sections"]]


def test_diff() -> None:
    Path("draft.yaml").write_text(EXAMPLE.replace("at_most: 40", "at_most: 60"))
    said = "“Came to a seminar” gives 60 points at most instead of 40 points at most."
    assert run("diff", "right.yaml", "draft.yaml").stdout == f"{said}\n"
    assert json.loads(run("diff", "--json", "right.yaml", "draft.yaml").stdout) == {"changes": [said]}
    same = run("diff", "right.yaml", "right.yaml")
    assert (same.exit_code, same.stdout) == (0, "Nothing that has a meaning changed.\n")


@pytest.mark.parametrize("dialect", ["postgres", "duckdb", "spark"])
def test_sql(dialect: str) -> None:
    result = run("sql", "right.yaml", "--dialect", dialect)
    assert result.exit_code == 0
    assert result.stdout.startswith("WITH ")
    assert "verdict" in result.stdout


def test_the_printed_sql_is_what_duckdb_reads() -> None:
    statement = run("sql", "right.yaml", "--dialect", "duckdb").stdout
    assert len(duckdb.extract_statements(statement)) == 1


def test_schema() -> None:
    assert json.loads(run("schema").stdout)["title"] == "leadpact agreement"


@pytest.mark.parametrize("command", ["check", "explain", "diff", "sql", "schema"])
def test_help_gives_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: leadpact agreement {command}" in result.stdout


def test_the_commands_need_no_django() -> None:
    """Files without a server: importing Django would double the time to the first word."""
    script = (
        "import sys; from leadpact.agreement.cli import agreement; "
        "agreement(['check', 'right.yaml'], standalone_mode=False); "
        "sys.exit(int(any(name in sys.modules for name in ('django', 'sqlglot', 'psycopg'))))"
    )
    root = Path(leadpact.language.__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, env={**os.environ, "PYTHONPATH": str(root)}, timeout=60
    )
    assert done.returncode == 0


# --- with leads of the past ---------------------------------------------------------------

LEADS = "lead_id,created_at,account.id,account.industry,account.employees\n" + "".join(
    f"l{n},2026-01-01,a{n},{'Logistics' if n % 3 else ''},{'' if n % 4 else 300}\n" for n in range(40)
)
TOUCHES = "lead_id,kind,at\nl1,demo.requested,2026-03-01\nl1,seminar.attended,2026-03-02\n"


def test_check_with_leads_of_the_past() -> None:
    Path("leads.csv").write_text(LEADS)
    Path("touches.csv").write_text(TOUCHES)
    result = run("check", "right.yaml", "--leads", "leads.csv", "--touches", "touches.csv")
    assert result.exit_code == 0
    said = result.stderr.splitlines()
    assert "right.yaml:16:9: warning: `account.employees` is unknown for 30 of 40 leads (75%)" in said
    assert any("`lead.timeline_months` is unknown for 40 of 40 leads (100%)" in line for line in said)
    assert any("the line `pricing` scored for none of 40 leads at 3 instants, 30 days apart" in line for line in said)
    assert "Looked at 40 leads at 3 instants, 30 days apart, up to 2026-03-02." in result.stdout
    told = json.loads(run("check", "right.yaml", "--leads", "leads.csv", "--json").stdout)
    assert (told["ok"], told["history"]["leads"], told["history"]["touches"]) == (True, 40, False)
    assert {"mostly-unknown"} <= {problem["code"] for problem in told["warnings"]}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--touches", "touches.csv"), 2, "give these with --leads"),
        (("--map", "lead_id=x"), 2, "give these with --leads"),
        (("--leads", "nothing.csv"), 2, "does not exist"),
        (("--leads", "leads.csv", "--map", "lead_id=nothing"), 2, "nothing"),
        (("--leads", "leads.csv", "--timezone", "Mars/Olympus"), 2, "Mars/Olympus"),
        (("--leads", "empty.csv"), 1, "empty.csv"),
        (("--leads", "right.yaml"), 1, "right.yaml"),
    ],
)
def test_wrong_calls_with_leads_of_the_past(words: tuple[str, ...], status: int, said: str) -> None:
    Path("leads.csv").write_text(LEADS)
    Path("touches.csv").write_text(TOUCHES)
    Path("empty.csv").write_text("")
    result = run("check", "right.yaml", *words)
    assert result.exit_code == status, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_wrong_agreement_is_not_held_against_leads() -> None:
    Path("leads.csv").write_text(LEADS)
    result = run("check", "wrong.yaml", "--leads", "leads.csv")
    assert result.exit_code == 1
    assert "Looked at" not in result.output


def test_plays_that_nobody_has() -> None:
    result = run("check", "right.yaml", "--play", "long_nurture")
    assert (result.exit_code, result.stderr.count("warning:")) == (0, 1)
    assert "gives the lead to the play `find_sponsor`, which nobody has" in result.stderr
