"""`leadpact review`: what it counts from files, what it refuses to say, and that its page stands alone."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leadpact.site.review import review

START = datetime(2024, 1, 1)  # noqa: DTZ001  written to files without an offset


def run(folder: Path, *arguments: str, out: str = "r.html", **files: str) -> Result:
    given: list[str] = []
    for role, text in files.items():
        path = folder / f"{role}.csv"
        path.write_text(text)
        given += [f"--{role}", str(path)]
    return CliRunner().invoke(review, [*given, "--out", str(folder / out), *arguments])


def day(number: float) -> str:
    return (START + timedelta(days=number)).isoformat(sep=" ")


def funnel() -> dict[str, str]:
    """400 leads, one a day in four lots: search is won three times as often as social; wins come after 10 days."""
    leads, outcomes = ["mql_id,first_contact_date,origin"], ["mql_id,won_date,sdr_id,segment"]
    for n in range(400):
        source = ("search", "social", "", "Search")[n % 4]
        leads.append(f"L{n},{day(n // 2)[:10]},{source}")
        if (source.lower() == "search" and n % 3 == 0) or (source == "social" and n % 27 == 1):
            outcomes.append(f"L{n},{day(n // 2 + 10)},s{n % 5},pets")
    return {"leads": "\n".join(leads) + "\n", "outcomes": "\n".join(outcomes) + f"\nL399,{day(180)},s1,pets\n"}


def test_a_deal_list_as_it_is_makes_a_report(tmp_path: Path) -> None:
    result = run(tmp_path, "--json", **funnel())
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    wins = len({line.split(",")[0] for line in funnel()["outcomes"].splitlines()[1:]})
    assert (told["leads"], told["outcome"], told["rate"]["of"], told["blank_sources"]) == (400, "won", wins, 100)
    assert told["days"]["quartiles"] == [10, 10, 10]
    assert told["days"]["before_coming_in"] == 1
    by_source = {row["source"]: row for row in told["sources"]}
    assert {name: row["leads"] for name, row in by_source.items()} == {"search": 200, "not said": 100, "social": 100}
    assert by_source["search"]["against_the_rest"] == "above"
    assert by_source["search"]["low"] < by_source["search"]["value"] < by_source["search"]["high"]
    assert told["first_error"] is None
    assert told["second_error"] is None
    assert any("first error" in question for question in told["cannot_say"])
    assert any("second error" in question for question in told["cannot_say"])


def test_the_page_stands_alone_and_says_what_it_cannot(tmp_path: Path) -> None:
    result = run(tmp_path, **funnel())
    assert "lead_id     <- mql_id" in result.output or "lead_id      <- mql_id" in result.output
    page = (tmp_path / "r.html").read_text()
    assert page.startswith("<!doctype html>")
    assert not re.search(r"https?://|<script|<link|@import|url\(|<img", page)
    assert page.count("cannot be said") == 2
    for says in (
        "1 lead was won before coming in",
        "100 leads have a blank source",
        "segment are known for the leads that were won",
        "by sdr_id",
        "Losses too",
        "prefers-color-scheme" if "prefers-color-scheme" in page else "light-dark(",
    ):
        assert says in page, says
    assert "None" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_the_same_files_give_the_same_page(tmp_path: Path) -> None:
    run(tmp_path, **funnel())
    run(tmp_path, out="again.html", **funnel())
    assert (tmp_path / "r.html").read_bytes() == (tmp_path / "again.html").read_bytes()


def test_names_from_files_are_escaped(tmp_path: Path) -> None:
    text = 'lead_id,created_at,lead.source\n1,2024-01-02,"<script>alert(1)</script>"\n2,2024-01-03,"<script>alert(1)</script>"\n'
    assert run(tmp_path, leads=text, outcomes="lead_id,at,outcome\n1,2024-01-05,won\n").exit_code == 0
    page = (tmp_path / "r.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_outcomes_that_begin_late_are_pointed_out(tmp_path: Path) -> None:
    """300 leads before anybody wrote wins down, 300 after: the two must not be told as one story."""
    leads = "lead_id,created_at\n" + "".join(f"L{n},{day(n / 2)}\n" for n in range(600))
    wins = "".join(f"L{n},{day(n / 2 + 3)},won\n" for n in range(300, 600, 3))
    told = json.loads(run(tmp_path, "--json", leads=leads, outcomes="lead_id,at,outcome\n" + wins).stdout)
    assert told["outcomes_begin"] == f"{day(153)[:10]}T00:00:00Z"
    steady = "".join(f"L{n},{day(n / 2 + 3)},won\n" for n in range(0, 600, 3))
    told = json.loads(run(tmp_path, "--json", leads=leads, outcomes="lead_id,at,outcome\n" + steady).stdout)
    assert told["outcomes_begin"] is None


def test_the_first_error_counts_hand_offs_and_asks_the_agreement_for_blame(tmp_path: Path) -> None:
    leads = "lead_id,created_at\n" + "".join(f"L{n},{day(n / 10)}\n" for n in range(100))
    rows = ["lead_id,at,outcome,reason"]
    for n in range(60):
        rows.append(f"L{n},{day(20)},accepted,")
        if n < 12:
            rows.append(f"L{n},{day(30)},rejected,{'No fit' if n < 8 else 'not_now'}")
        elif n < 40:
            rows.append(f"L{n},{day(30)},qualified,")
    rows += [f"L{n},{day(60)},accepted," for n in range(4)] + [f"L{n},{day(70)},qualified," for n in range(4)]
    told = json.loads(run(tmp_path, "--json", leads=leads, outcomes="\n".join(rows)).stdout)
    error = told["first_error"]
    assert (error["detail"]["definition"], error["detail"]["qualified"]) == (8, 32)
    assert error["detail"]["beside"] == {"timing": 4, "data": 0, "nobody": 0, "pending": 20}
    assert error["value"] == pytest.approx(0.2)
    assert error["low"] < 0.2 < error["high"]
    assert "First error: 20.0%" in run(tmp_path, leads=leads, outcomes="\n".join(rows)).output
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", (tmp_path / "r.html").read_text(), flags=re.DOTALL)
    assert "8 of 40 judged · 95% 10.5 – 34.8%" in text
    assert not re.search(r"[{}]", text)


def test_spend_gives_cost_per_sale_of_leads_followed_alike(tmp_path: Path) -> None:
    leads = "lead_id,created_at,lead.source\n" + "".join(
        f"L{n},{day(n % 30)},{'Search' if n % 2 else 'social'}\n" for n in range(200)
    )
    wins = (
        "lead_id,at,outcome,value\n"
        + "".join(f"L{n},{day(n % 30 + 5)},won,100\n" for n in range(1, 200, 10))
        + f"L0,{day(200)},won,100\n"
    )
    spend = "channel,day,amount,currency\n" + "".join(
        f"{name},{day(n)[:10]},10.00,EUR\n" for n in range(30) for name in ("search", "fairs")
    )
    result = run(tmp_path, "--json", leads=leads, outcomes=wins, spend=spend)
    told = json.loads(result.stdout)
    by_channel = {row["channel"]: row for row in told["cost_per_sale"]}
    assert by_channel["search"] == {"channel": "search", "spend": 300, "leads": 100, "of": 20, "per_sale": 15}
    assert by_channel["fairs"]["per_sale"] is None
    page = (tmp_path / "r.html").read_text()
    assert "€15" in page
    assert "No lead has the source “fairs”" in page
    assert "No spend is given for “social”" in page


def test_touches_give_speed_and_an_agreement_what_waits(tmp_path: Path) -> None:
    leads = "lead_id,created_at,account.id,account.employees\n" + "".join(f"L{n},{day(n)},{n},500\n" for n in range(60))
    touches = (
        "lead_id,kind,at\n"
        + "".join(f"L{n},call.made,{day(n + (n % 3) / 24)}\n" for n in range(50))
        + f"L5,demo.requested,{day(63)}\n"
    )
    outcomes = "lead_id,at,outcome\n" + "".join(f"L{n},{day(n + 3)},qualified\n" for n in range(10, 60, 2))
    agreement = Path(__file__).parents[2] / "language" / "example.yaml"
    result = run(tmp_path, "--agreement", str(agreement), leads=leads, touches=touches, outcomes=outcomes)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "r.html").read_text()
    assert "We turned to 50 leads (83.3%)" in page
    assert "within 5 minutes" in page
    assert "calls 1 lead sales-ready, and 1 of them" in page


@pytest.mark.parametrize(
    ("files", "arguments", "status", "says"),
    [
        ({"leads": "id,name\n1,Ada\n2,Bo\n"}, [], 1, "has no column for created_at"),
        ({"leads": "lead_id,created_at\n1,soon\n"}, [], 1, "it is not a date"),
        ({"leads": "lead_id,created_at,a,a\n1,2024-01-02,x,y\n"}, [], 1, "stands over 2 columns"),
        ({"leads": "lead_id,created_at\n1,01/02/2024\n"}, [], 1, "--date-order dmy"),
        ({"leads": "lead_id,created_at\n1,01/02/2024\n"}, ["--date-order", "ymd"], 2, "one of dmy, mdy"),
        (
            {"leads": "lead_id,created_at\n1,2024-01-02\n", "outcomes": "lead_id,at,outcome\n9,2024-01-02,won\n"},
            [],
            1,
            "none of its 1 outcome belongs",
        ),
        ({"leads": "lead_id,created_at\n1,2024-01-02\n"}, ["--out", "report.pdf"], 2, "end its name with .html"),
    ],
)
def test_wrong_input_gets_one_sentence(
    tmp_path: Path, files: dict[str, str], arguments: list[str], status: int, says: str
) -> None:
    result = run(tmp_path, *arguments, **files)
    assert (result.exit_code, says in result.output) == (status, True), result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("many", [1, 3])
def test_tiny_and_bare_files_make_a_page_too(tmp_path: Path, many: int) -> None:
    text = "lead_id,created_at\n" + "".join(f"{n},{day(n)}\n" for n in range(many))
    result = run(tmp_path, leads=text)
    assert result.exit_code == 0, result.output
    assert "The files do not say what became of any of them" in (tmp_path / "r.html").read_text()
    result = run(tmp_path, leads=text, outcomes=f"lead_id,at,outcome\n0,{day(9)},won\n")
    assert result.exit_code == 0, result.output
