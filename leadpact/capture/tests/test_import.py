"""Files through the loop: leads and touches taken once, rows refused with a reason, what is wrong said in a sentence."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from leadpact.capture.actions import _answers as port
from leadpact.capture.actions import connect_outcomes
from leadpact.capture.actions.import_file import import_file
from leadpact.capture.actions.read_file import Asked, Imported, look_at_file
from leadpact.capture.models import ImportRun
from leadpact.capture.rules.answers import Answered, OutcomeRow, SpendRow
from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.lake.names import Role
from leadpact.leads.models import AttributeFact, Lead, Person, Touch

pytestmark = pytest.mark.django_db

LEADS = """lead_id,created_at,Email,First Name,Last Name,Company,Number of Employees
1,2024-01-05,ada@northwind.example,Ada,Ash,Northwind,300
2,2024-02-05T10:00:00Z,Bo@Ferro.example,Bo,Birch,Ferro,
3,2024-03-05,not an address,Cleo,Cole,,
"""
TOUCHES = """touch_id,lead_id,kind,at,path
t1,1,page.viewed,2024-01-06,/pricing
t2,1,Demo Requested,2024-01-07,
t3,2,page.viewed,2024-02-06,/
t3,2,page.viewed,2024-02-06,/
"""


def file(folder: Path, text: str | bytes, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def take(path: Path, role: Role, *maps: str, rejects: Path | None = None) -> Imported:
    return import_file(path=path, asked=Asked(role, maps), now=clock.now, rejects_to=rejects)


def look(path: Path, role: Role, *maps: str) -> Imported:
    return look_at_file(path=path, asked=Asked(role, maps), at=clock.now())[0]


def test_leads_and_touches_come_in_and_a_second_time_is_harmless(tmp_path: Path) -> None:
    leads, touches = file(tmp_path, LEADS), file(tmp_path, TOUCHES, "touches.csv")
    first = take(leads, "leads")
    assert (first.read, first.taken, first.repeated, first.refused, first.created) == (3, 3, 0, 0, 3)
    assert "note: 1 e-mail address cannot be read; those leads are kept without one." in "\n".join(first.report)
    moved = take(touches, "touches")
    assert (moved.read, moved.taken, moved.repeated, moved.refused) == (4, 3, 0, 1), "one touch_id is one touch"

    ada = Person.objects.select_related("account").get(email="ada@northwind.example")
    assert (ada.name, ada.account and ada.account.domain) == ("Ada Ash", "northwind.example")
    assert sorted(Touch.objects.filter(visitor__person=ada).values_list("kind", flat=True)) == [
        "demo.requested",
        "page.viewed",
    ]
    assert Touch.objects.filter(cells__path__t="/pricing").count() == 1
    assert AttributeFact.objects.filter(field="account.employees", at=1_704_412_800_000_000).exists(), (
        "known of since the lead was created"
    )

    for path, role in ((leads, "leads"), (touches, "touches")):
        again = take(path, role)  # type: ignore[arg-type]
        assert (again.taken, again.created, again.repeated) == (0, 0, 3)
    assert Lead.objects.count() == 3
    assert Touch.objects.count() == 3


def test_rows_without_an_id_that_say_the_same_happened_as_often_as_they_stand_there(tmp_path: Path) -> None:
    text = "lead_id,kind,at\n1,page.viewed,2024-01-06\n1,page.viewed,2024-01-06\n"
    assert take(file(tmp_path, text), "touches").taken == 2
    again = take(file(tmp_path, text + "1,page.viewed,2024-01-06\n"), "touches")
    assert (again.taken, again.repeated) == (1, 2)


def test_a_changed_row_of_a_lead_is_news(tmp_path: Path) -> None:
    take(file(tmp_path, LEADS), "leads")
    again = take(file(tmp_path, LEADS.replace("Northwind,300", "Northwind,150")), "leads")
    assert (again.taken, again.repeated, again.created) == (1, 2, 0)
    ada = Person.objects.select_related("account").get(email="ada@northwind.example")
    assert ada.account is not None
    assert ada.account.cells["account.employees"]["t"] == "150"
    told = AttributeFact.objects.filter(field="account.employees").order_by("at").values_list("cell__t", flat=True)
    assert list(told) == ["300", "150"], "it was so from the beginning, and is otherwise from today"


def test_touches_find_their_lead_by_address_too(tmp_path: Path) -> None:
    take(file(tmp_path, LEADS), "leads")
    done = take(file(tmp_path, "email,kind,at\nADA@northwind.example,page.viewed,2024-05-01\n"), "touches")
    assert (done.taken, done.created) == (1, 0)


def test_a_dry_run_reads_all_and_writes_nothing(tmp_path: Path) -> None:
    found = look(file(tmp_path, LEADS.replace("2024-02-05T10:00:00Z", "soon")), "leads")
    assert (found.read, found.taken, found.refused, found.dry_run) == (3, 2, 1, True)
    assert not Person.objects.exists()
    assert not ImportRun.objects.exists()


def test_rows_that_cannot_be_taken_stand_in_the_reject_file(tmp_path: Path) -> None:
    text = LEADS + "4,2099-01-01,dara@halden.example,,,,\n5,31.02.2024,,,,,\n6,1970-01-01,,,,,\nnull,2024-01-01,,,,,\n"
    rejects = tmp_path / "rejects.csv"
    done = take(file(tmp_path, text), "leads", rejects=rejects)
    assert (done.read, done.taken, done.refused) == (7, 3, 4)
    rows = list(csv.DictReader(rejects.read_text(encoding="utf-8").splitlines()))
    assert [row["line"] for row in rows] == ["5", "6", "7", "8"]
    assert rows[0]["reason"] == "created_at lies in the future (2099-01-01)"
    assert rows[2]["reason"] == "created_at lies before 1990 (1970-01-01)"
    assert rows[3]["reason"] == "lead_id 'null' names nobody"
    assert "dara@halden.example" in rows[0]["row"]
    run = ImportRun.objects.get()
    assert (run.state, run.taken, run.refused, run.created) == ("done", 3, 4, 3)
    assert run.rejects.startswith("line,reason,row")


def test_latin_1_with_semicolons(tmp_path: Path) -> None:
    text = (
        "Lead-ID;Erstellt;E-Mail;Vorname;Nachname\n"
        "7;05.01.2024;cleo@halden.example;Zoë;Größe\n"
        "8;25.01.2024;dara@halden.example;Ångström;Ø\n"
    )
    done = take(
        file(tmp_path, text.encode("latin-1")),
        "leads",
        "created_at=Erstellt",
        "person.first_name=Vorname",
        "person.last_name=Nachname",
    )
    assert done.taken == 2
    assert "Latin-1" in done.report[0]
    assert Person.objects.get(email="cleo@halden.example").name == "Zoë Größe"


def test_json_lines_with_objects_inside(tmp_path: Path) -> None:
    lines = [
        {
            "lead_id": 1,
            "created_at": "2024-01-05",
            "person": {"email": "ada@northwind.example"},
            "account": {"employees": 300},
        }
    ]
    assert take(file(tmp_path, "\n".join(map(json.dumps, lines)), "leads.jsonl"), "leads").taken == 1
    ada = Person.objects.select_related("account").get()
    assert ada.account is not None
    assert ada.account.cells["account.employees"]["n"] == 300_000_000


@pytest.mark.parametrize(
    ("text", "role", "maps", "sentence"),
    [
        ("Email,Name\nada@northwind.example,Ada\n", "leads", (), "has no column for created_at"),
        ("lead_id,at\n1,2024-01-01\n", "touches", (), "has no column for kind"),
        ("lead_id,created_at,created_at\n1,2024-01-01,2024-01-02\n", "leads", (), "created_at"),
        ("lead_id,created_at\n1,soon\n2,later\n", "leads", (), "none of its 2 rows can be read"),
        ("", "leads", (), "is empty"),
        ("lead_id,created_at\n1,2024-01-01\n", "leads", ("person.title=Titel",), "no such column"),
        ("lead_id,created_at\n1,2024-01-01\n", "leads", ("nonsense",), "ours=theirs"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, text: str, role: Role, maps: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CannotDo, match=sentence):
        take(file(tmp_path, text), role, *maps)
    assert not Person.objects.exists()
    run = ImportRun.objects.get()
    assert run.state == "failed"
    assert sentence in run.error


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(CannotDo, match="there is no such file"):
        take(tmp_path / "missing.csv", "leads")


# --- outcomes and spend go through a port of their own --------------------------------------------------------------


@pytest.fixture
def received() -> Iterator[list[OutcomeRow | SpendRow]]:
    """Stands where the loop stands: what the port was given."""
    rows: list[OutcomeRow | SpendRow] = []
    before = port._target

    def taker(given: Sequence[OutcomeRow] | Sequence[SpendRow], *, at: int) -> Answered:
        rows.extend(given)
        unknown = tuple(
            (row.line, "there is no such lead")
            for row in given
            if isinstance(row, OutcomeRow) and row.lead[1] == "lead:9"
        )
        return Answered(taken=len(given) - len(unknown), repeated=0, refused=unknown)

    connect_outcomes(taker)
    yield rows
    if before is not None:
        connect_outcomes(before)


def test_outcomes_are_told_by_lead_and_money_in_minor_units(
    tmp_path: Path, received: list[OutcomeRow | SpendRow]
) -> None:
    text = (
        "lead_id,at,outcome,reason,value\n1,2024-02-01,Rejected,Not Now,\n1,2024-05-01,won,,1234.56\n"
        "9,2024-05-01,lost,,\nada@northwind.example,2024-05-02,qualified,,\n"
    )
    done = take(file(tmp_path, text), "outcomes", rejects=tmp_path / "r.csv")
    assert (done.read, done.taken, done.refused) == (4, 3, 1)
    outcomes = [row for row in received if isinstance(row, OutcomeRow)]
    assert [(row.lead, row.outcome, row.reason, row.value) for row in outcomes] == [
        (("user_id", "lead:1"), "rejected", "not_now", None),
        (("user_id", "lead:1"), "won", "", 123_456),
        (("user_id", "lead:9"), "lost", "", None),
        (("email", "ada@northwind.example"), "qualified", "", None),
    ]
    assert len({row.message for row in outcomes}) == 4
    assert "there is no such lead" in (tmp_path / "r.csv").read_text()


def test_spend_is_told_by_channel_and_day(tmp_path: Path, received: list[OutcomeRow | SpendRow]) -> None:
    text = (
        "Channel,Date,Cost,Currency\nSearch,2024-02-01,100.10,EUR\nSearch,2024-02-01,100.10,EUR\n"
        "Fairs,2024-02-02,-5,eur\nFairs,2024-02-02,1,euros\n"
    )
    done = take(file(tmp_path, text), "spend")
    assert (done.read, done.taken, done.refused) == (4, 3, 1)
    spend = [row for row in received if isinstance(row, SpendRow)]
    assert [(row.channel, row.day, row.amount, row.currency) for row in spend] == [
        ("search", date(2024, 2, 1), 10_010, "EUR"),
        ("search", date(2024, 2, 1), 10_010, "EUR"),
        ("fairs", date(2024, 2, 2), -500, "EUR"),
    ]
    assert len({row.source_key for row in spend}) == 3
    take(file(tmp_path, text), "spend")
    assert len({row.source_key for row in received if isinstance(row, SpendRow)}) == 3, "the same rows, the same keys"
