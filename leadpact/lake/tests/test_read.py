from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadpact.lake.columns import parse_map
from leadpact.lake.instants import iso
from leadpact.lake.problems import FileProblem, WrongCall
from leadpact.lake.read import Table, read_table
from leadpact.lake.store import Store
from leadpact.lake.tests.conftest import Read, Write


def guessed(table: Table) -> dict[str, str | None]:
    return {column.ours: column.theirs for column in table.columns}


@pytest.mark.parametrize(
    ("system", "headers", "expected"),
    [
        (
            "HubSpot",
            "Record ID,Email,First Name,Company Name,Create Date,Original Source,Lifecycle Stage,Contact owner",
            {
                "lead_id": "Record ID",
                "person.email": "Email",
                "created_at": "Create Date",
                "lead.source": "Original Source",
            },
        ),
        (
            "HubSpot",
            "id,property_createdate,property_email,property_jobtitle,property_hs_lead_status,property_hs_analytics_source",
            {"lead_id": "id", "created_at": "property_createdate", "person.title": "property_jobtitle"},
        ),
        (
            "Salesforce",
            "Id,CreatedDate,LeadSource,NumberOfEmployees,HasOptedOutOfEmail,IsConverted,OwnerId,Lead_Number__c",
            {
                "lead_id": "Id",
                "created_at": "CreatedDate",
                "lead.source": "LeadSource",
                "account.employees": "NumberOfEmployees",
            },
        ),
        (
            "Odoo",
            "id,create_date,email_from,partner_name,stage_id,medium_id,source_id,user_id",
            {
                "lead_id": "id",
                "created_at": "create_date",
                "person.email": "email_from",
                "account.name": "partner_name",
            },
        ),
        (
            "Mautic",
            "id,date_added,points,firstname,lastname,email,last_active,is_published",
            {"lead_id": "id", "created_at": "date_added", "person.first_name": "firstname"},
        ),
        (
            "Zoho",
            "Record Id,Lead Owner,Created Time,No. of Employees,Email Opt Out,Lead Status,Company",
            {"lead_id": "Record Id", "created_at": "Created Time", "account.employees": "No. of Employees"},
        ),
    ],
)
def test_exports_are_known_by_their_headers(read: Read, system: str, headers: str, expected: dict[str, str]) -> None:
    dates = ("date", "created")
    row = ["2024-03-05 10:00" if any(word in name.lower() for word in dates) else "17" for name in headers.split(",")]
    table = read("leads", f"{headers}\n{','.join(row)}\n")
    assert table.system == system
    assert {ours: guessed(table)[ours] for ours in expected} == expected


def test_content_tells_where_names_do_not(read: Read) -> None:
    table = read("leads", "key_id,wann,wer\nA1,2024-01-02,ada@northwind.example\nA2,2024-01-03,bo@ferro.example\n")
    assert guessed(table) == {"lead_id": "key_id", "created_at": "wann", "person.email": "wer"}


def test_nothing_is_dropped_in_silence(read: Read, tmp_path: Path) -> None:
    text = (
        "lead_id,created_at,note\n1,2024-01-02,ok\n,2024-01-02,no id\n3,soon,no date\n4,,blank date\n5,2024-01-02\n"
        '1,2024-02-02,again\n6,2024-01-02,"a"b\n7,2024-01-03,"two\nlines"\n'
    )
    table = read("leads", text)
    assert [row["lead_id"] for row in table.rows()] == ["1", "7"]
    assert [(reject.line, reject.reason) for reject in table.rejects()] == [
        (3, "lead_id is blank"),
        (4, "created_at 'soon': it is not a date"),
        (5, "created_at is blank"),
        (6, "it has 2 cells where the header has 3"),
        (7, "this lead stands in an earlier row already (line 2)"),
        (8, "a quotation mark stands inside a quoted cell without being doubled"),
    ]
    assert (table.read, table.kept, table.rejected) == (8, 2, 6)
    path = tmp_path / "rejects.csv"
    assert table.write_rejects(path) == 6
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {"line": "4", "reason": "created_at 'soon': it is not a date", "row": "3,soon,no date"}
    assert any("6 rows rejected" in line for line in table.report())


def test_latin1_is_read_and_named(read: Read) -> None:
    table = read("leads", "lead_id;created_at;company\n1;2024-01-02;Müller & Söhne\n".encode("latin-1"))
    assert next(table.rows())["account.name"] == "Müller & Söhne"
    assert "Latin-1" in table.report()[0]


def test_a_duplicate_header_is_refused_until_one_is_chosen(read: Read) -> None:
    text = "lead_id,created_at,Email,Email\n1,2024-01-02,ada@northwind.example,bo@ferro.example\n"
    with pytest.raises(FileProblem, match=r'"Email" stands over 2 columns \(3 and 4\).*--map OURS=#3'):
        read("leads", text)
    table = read("leads", text, "person.email=#4")
    assert next(table.rows())["person.email"] == "bo@ferro.example"
    assert any('column 3, the other "Email", is left out' in note for note in table.notes)


def test_a_missing_column_says_what_is_there_and_what_to_write(read: Read) -> None:
    with pytest.raises(FileProblem) as error:
        read("leads", "id,firstName\nA1,Ada\n")
    assert str(error.value).endswith(
        "has no column for created_at (when the lead came in). Its columns are id, firstName. "
        "Say which it is with --map leads:created_at=COLUMN."
    )


def test_a_file_without_a_header_is_told_so_and_can_be_read_by_place(read: Read) -> None:
    text = "A1,ada@northwind.example,2024-01-02\nA2,bo@ferro.example,2024-01-03\n"
    with pytest.raises(FileProblem, match=r"no header.*--map lead_id=#1"):
        read("leads", text)
    table = read("leads", text, "lead_id=#1", "person.email=#2", "created_at=#3")
    assert [row["lead_id"] for row in table.rows()] == ["A1", "A2"]


def test_maps_can_name_a_role_and_a_constant(read: Read) -> None:
    table = read(
        "touches",
        "who,when\n1,2024-01-02T10:00:00Z\n",
        "touches:lead_id=who",
        "at=when",
        "kind==form.submitted",
        "leads:created_at=x",
    )
    assert next(table.rows()) == {"line": 2, "lead_id": "1", "at": 1_704_189_600_000_000, "kind": "form.submitted"}


def test_wrong_maps_are_wrong_calls(read: Read) -> None:
    with pytest.raises(WrongCall, match="Did you mean key"):
        read("leads", "key,created_at\n1,2024-01-02\n", "lead_id=kye")
    for text in ("lead_id", "=x", "people:lead_id=x"):
        with pytest.raises(WrongCall):
            parse_map(text)


def test_a_file_of_which_nothing_can_be_read_fails_with_an_example(read: Read) -> None:
    with pytest.raises(FileProblem, match=r"none of its 2 rows.*Line 2: created_at 'soon': it is not a date"):
        read("leads", "lead_id,created_at\n1,soon\n2,later\n")
    with pytest.raises(FileProblem, match="a header and no rows"):
        read("leads", "lead_id,created_at\n")


def test_deals_with_a_date_a_column_become_outcomes(read: Read) -> None:
    text = "mql_id,won_date,lost_date,lost_reason,amount\nA,2024-02-01 10:00:00,,,100\nB,,2024-03-01,price,\nC,,,,\n"
    table = read("outcomes", text)
    rows = [(row["lead_id"], row["outcome"], iso(row["at"])[:10], row["reason"], row["value"]) for row in table.rows()]
    assert rows == [("A", "won", "2024-02-01", None, 100_000_000), ("B", "lost", "2024-03-01", "price", None)]
    assert "1 row has no date of an outcome yet." in table.notes


def test_stages_of_other_systems_become_outcomes(read: Read) -> None:
    text = (
        "contact_id,close_date,stage_name\nA,2024-02-01,Closed Won\nB,2024-02-02,Prospecting\nC,2024-02-03,closedlost\n"
    )
    table = read("outcomes", text)
    assert [row["outcome"] for row in table.rows()] == ["won", "lost"]
    assert [reject.line for reject in table.rejects()] == [3]


def test_a_list_of_deals_without_leads_says_so(read: Read) -> None:
    with pytest.raises(FileProblem, match="must name the lead"):
        read("outcomes", "deal_id,dealname,close_date,stage_name\n1,x,2024-02-01,won\n")


def test_json_lines_and_parquet_and_gzip_give_the_same_rows(read: Read, store: Store, tmp_path: Path) -> None:
    rows = [
        {
            "touch_id": f"t{n}",
            "lead_id": f"L{n}",
            "kind": "page.viewed",
            "at": f"2024-01-0{n}T10:00:00Z",
            "path": f"/p{n}",
        }
        for n in range(1, 6)
    ]
    text = "touch_id,lead_id,kind,at,path\n" + "".join(",".join(row.values()) + "\n" for row in rows)
    lines = "".join(json.dumps({**row, "path": None, "properties": {"path": row["path"]}}) + "\n" for row in rows)
    first, day = 1_704_103_200_000_000, 86_400_000_000
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns["at"] = pa.array([first + day * n for n in range(5)], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    names = ["touch_id", "lead_id", "kind", "at", "path"]
    tables = [
        read("touches", text),
        read("touches", gzip.compress(text.encode()), name="t.csv.gz"),
        read("touches", lines, "path=properties.path", name="t.jsonl"),
        read_table(tmp_path / "t.parquet", "touches", store=store),
    ]
    seen = [[[row[name] for name in names] for row in table.rows()] for table in tables]
    assert seen[0] == seen[1] == seen[2] == seen[3]


def test_rejects_of_parquet_leave_the_rest_in_place(store: Store, tmp_path: Path) -> None:
    table = pa.table(
        {
            "touch_id": ["a", "b", "a", None],
            "lead_id": ["1", " ", "1", "2"],
            "kind": ["x"] * 4,
            "at": pa.array([1, 2, 3, 4], pa.timestamp("s")),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet", "touches", store=store)
    assert [row["line"] for row in read.rows()] == [1, 4]
    assert [(reject.line, reject.reason) for reject in read.rejects()] == [
        (2, "lead_id is blank"),
        (3, "this touch stands in an earlier row already (line 1)"),
    ]
    assert read.reject("SELECT 4 AS line, 'not ours' AS reason") == 1
    assert [row["line"] for row in read.rows()] == [1]


def test_websites_become_domains_but_our_own_column_stays_as_it_is(read: Read) -> None:
    table = read("leads", "id,created_at,website\n1,2024-01-02,https://www.Northwind.example/about?x=1\n")
    assert next(table.rows())["account.domain"] == "northwind.example"
    table = read("leads", "lead_id,created_at,account.domain\n1,2024-01-02,www.Northwind.example\n")
    assert next(table.rows())["account.domain"] == "www.Northwind.example"


def test_several_values_with_glob_signs_in_the_name(store: Store, write: Write, tmp_path: Path) -> None:
    pq.write_table(pa.table({"lead_id": ["1"], "created_at": ["2024-01-02"]}), tmp_path / "leads[1]*.parquet")
    write("leads1x.parquet", b"junk")
    assert read_table(tmp_path / "leads[1]*.parquet", "leads", store=store).kept == 1
