"""Files as history: what stands where from when on, and that replaying files agrees with judging them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from leadpact.lake import engines
from leadpact.lake.facts import gather
from leadpact.lake.history_files import load_files
from leadpact.lake.instants import instant, iso, zone
from leadpact.lake.names import Role
from leadpact.lake.read import read_table
from leadpact.lake.replay import replay
from leadpact.lake.store import Store
from leadpact.lake.tests.conftest import Read, Write
from leadpact.language.needs import needs
from leadpact.language.parse import parse_or_raise
from leadpact.qualification.cli import replay as command

ROLES: tuple[Role, Role] = ("leads", "touches")
AGREEMENT = """
leadpact: 1
name: Small
fit:
  - {id: industry, says: In an industry we serve, if: {account.industry: {in: [Straße, Logistics]}}, points: 20}
  - {id: school, says: Writes from a university, if: {person.email_domain: {in: builtin.academic}}, points: -40}
engagement:
  - id: pricing
    says: Reads prices
    each: {touch: page.viewed, where: {path: {starts_with: /pricing}}, within: 10 days, per: day}
    points: 5
    fades: true
  - {id: group, says: Two people are active, if: {account.active_people: {at_least: 2, within: 30 days}}, points: 15}
  - {id: words, says: Says ERP, each: {touch: chat.started, where: {topic: {has_word: erp}}, within: 10 days}, points: 20}
verdicts:
  disqualified: {any: [{person.opted_out: true}]}
  sales_ready: {any: [{all: [{fit: {at_least: 20}}, {engagement: {at_least: 4}}]}, {touch: demo.requested, within: 7 days}]}
  lead: {any: [{engagement: {at_least: 1}}]}
recycle:
  no_fit: {blames: definition, then: disqualified}
  not_now: {blames: timing, rest: 90 days}
"""
LEADS = """lead_id,created_at,known_at,person.email,account.id,account.industry,person.opted_out
A,2024-01-01,2024-01-01,ada@northwind.example,1,Retail,no
A,2024-01-01,2024-02-10,ada@northwind.example,1,STRASSE,no
A,2024-01-01,2024-03-01,ada@northwind.example,1,Strasse,yes
B,2024-01-05,2024-01-05,bo@northwind.example,1,logistics,
C,2024-01-05,2024-01-05,cy@cs.uni.edu,,Logistics,
"""
TOUCHES = """touch_id,lead_id,kind,at,known_at,path,topic,withdrawn_at,automated
1,A,page.viewed,2024-02-08T10:00:00Z,,/pricing/eu,,,
2,A,Page.Viewed,2024-02-09T10:00:00Z,2024-02-11T09:30:00Z,/Pricing,,,
3,B,page.viewed,2024-02-09T11:15:00Z,,/home,,,
4,B,chat.started,2024-02-09T12:00:00Z,,,"About ERP-systems",2024-02-12T12:00:00Z,
5,C,demo.requested,2024-02-01,,,,,
6,C,demo.requested,2024-02-20,,,,,yes
"""
OUTCOMES = """lead_id,at,outcome,reason
A,2024-02-11,accepted,
A,2024-02-13,rejected,No fit
B,2024-02-15,won,
C,2024-02-02,rejected,because
"""


def at(text: str) -> int:
    return instant(text, tz=zone("UTC"))


def rows(store: Store) -> dict[str, list[tuple[str, str, str, str]]]:
    out: dict[str, list[tuple[str, str, str, str]]] = {}
    for lead, when, before, after, by in store.execute('SELECT * FROM replayed ORDER BY lead_id, "at"').fetchall():
        out.setdefault(lead, []).append((iso(when), before, after, by))
    return out


def test_values_stand_from_when_they_were_known(store: Store, read: Read) -> None:
    leads, touches = read("leads", LEADS, name="leads.csv"), read("touches", TOUCHES, name="touches.csv")
    agreement = parse_or_raise(AGREEMENT)
    loaded = load_files(store, agreement, leads=leads, touches=touches)
    replay(store, agreement, end=at("2024-03-10"))
    assert rows(store)["A"] == [
        ("2024-01-01T00:00:00Z", "", "prospect", ""),
        ("2024-02-08T10:00:00Z", "prospect", "lead", "lead.1"),
        # Two people are active already; the industry, known on the tenth, makes the lead ready.
        ("2024-02-10T00:00:00Z", "lead", "sales_ready", "sales_ready.1"),
        ("2024-03-01T00:00:00Z", "sales_ready", "disqualified", "disqualified.1"),
    ]
    assert rows(store)["C"] == [
        ("2024-01-05T00:00:00Z", "", "prospect", ""),
        ("2024-02-01T00:00:00Z", "prospect", "sales_ready", "sales_ready.2"),
        ("2024-02-08T00:00:00Z", "sales_ready", "prospect", ""),
    ]
    assert loaded.leads == 3
    assert not [note for note in loaded.notes if "no older values" in note]


def test_replay_of_files_agrees_with_judging_them(write: Write) -> None:
    """As of any full hour, the last row so far is what `judge --as-of` says."""
    chance = Random(1)
    files = {"leads": write("leads.csv", LEADS), "touches": write("touches.csv", TOUCHES)}
    agreement = parse_or_raise(AGREEMENT)
    for _ in range(6):
        moment = at("2024-01-06") + chance.randrange(60 * 24) * 3_600_000_000
        with Store(threads=1) as store:
            tables = [_read_into(store, read, role, text) for role, text in (("leads", LEADS), ("touches", TOUCHES))]
            load_files(store, agreement, leads=tables[0], touches=tables[1])
            replay(store, agreement, end=moment)
            last = {lead: found[-1][2] for lead, found in rows(store).items()}
        with Store(threads=1) as store:
            tables = [_read_into(store, read, role, text) for role, text in (("leads", LEADS), ("touches", TOUCHES))]
            facts = gather(store, needs(agreement), tables[0], tables[1], moment)
            engines.with_duckdb(facts, agreement)
            judged = dict(store.execute("SELECT lead_id, verdict FROM verdicts").fetchall())
        assert last == judged, iso(moment)


def test_answers_become_labels(store: Store, read: Read) -> None:
    agreement = parse_or_raise(AGREEMENT)
    loaded = load_files(
        store,
        agreement,
        leads=read("leads", LEADS, name="leads.csv"),
        outcomes=read("outcomes", OUTCOMES + "Z,2024-02-02,won,\n", name="outcomes.csv"),
    )
    assert store.execute("SELECT lead_id, handed_at, answer, blames FROM hist_labels ORDER BY lead_id").fetchall() == [
        ("A", at("2024-02-11"), "rejected", "definition"),
        ("B", None, "qualified", None),
        ("C", None, "rejected", None),
    ]
    assert (loaded.labels, loaded.unsaid) == (3, 1)
    assert any("1 outcome belongs to no lead" in note for note in loaded.notes)
    assert any("1 rejection gives a reason" in note for note in loaded.notes)


def test_a_file_without_old_values_says_so(store: Store, read: Read) -> None:
    plain = "lead_id,created_at,account.industry\nA,2024-01-01,Retail\n"
    loaded = load_files(store, parse_or_raise(AGREEMENT), leads=read("leads", plain, name="leads.csv"))
    assert any("no older values" in note for note in loaded.notes)
    assert any("lines about touches add nothing" in note for note in loaded.notes)


# --- the command ------------------------------------------------------------------------


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


def test_parquet_holds_what_csv_holds(files: Path, store: Store) -> None:
    assert ran(files, "--out", "out.parquet").exit_code == 0
    assert ran(files, "--out", "out.csv").exit_code == 0
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
