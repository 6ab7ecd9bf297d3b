"""What people and programs send wrongly, and the sentence each of them gets: word for word."""

from __future__ import annotations

import base64
import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from django.http import HttpResponse
from django.test import Client

from leadpact.agreement.cli import agreement
from leadpact.capture.actions.admit import forget
from leadpact.capture.actions.keys import Made, create_key
from leadpact.capture.cli import import_
from leadpact.kit import clock
from leadpact.leads.models import Lead, Touch
from tests.cast import EXAMPLE, T0


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- an agreement ---------------------------------------------------------------------------------------------------

MISTAKES = (
    ("{in: served_industries}", "{in: served_industry}"),
    ("between: [200, 5000]", "betwen: [200, 5000]"),
    ("points: -40", "points: -40.5"),
    ("touch: seminar.attended, within: 180 days", "touch: seminar.attended, within: 180 dayz"),
    ("blames: data", "blames: date"),
)


def test_an_agreement_with_five_mistakes_is_told_all_five(here: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for right, wrong in MISTAKES:
        assert right in text
        text = text.replace(right, wrong)
    (here / "agreement.yaml").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(agreement, ["check", "agreement.yaml"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "agreement.yaml:14:33: there is no list `served_industry` (did you mean `served_industries`?)",
        "agreement.yaml:18:30: `betwen` is no way to compare `account.employees` (did you mean `between`?)",
        "agreement.yaml:23:13: `points` cannot be -40.5; expected a whole number from -10,000 to 10,000",
        (
            "agreement.yaml:27:45: `within` cannot be the text `180 dayz`; expected a duration such as `30 days` (did you mean "
            "`180 days`?)"
        ),
        (
            "agreement.yaml:72:26: `blames` cannot be the text `date`; expected `timing`, `definition`, `data` or `nobody` (did "
            "you mean `data`?)"
        ),
        "agreement.yaml is no agreement yet: 5 errors.",
    ]


# --- files ----------------------------------------------------------------------------------------------------------


def taken(name: str, content: str | bytes, *more: str) -> Result:
    """`leadpact import NAME --as leads --dry-run`: reading is the same, and nothing is written."""
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return CliRunner().invoke(import_, [name, "--as", "leads", "--dry-run", *more], catch_exceptions=False)


def test_a_missing_column() -> None:
    content = "Email,Name\nada@northwind.example,Ada\n"
    result = taken("people.csv", content)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: people.csv has no column for created_at (when the lead came in). Its columns are Email, Name. Say which it is "
        "with --map leads:created_at=COLUMN.\n"
    )
    as_told = taken("people.csv", content, "--map", "leads:created_at=Name")
    assert "created_at (Name) 'Ada': it is not a date" in as_told.stderr, "what the sentence says to do is understood"


def test_bad_dates() -> None:
    rows = ["1,2024-01-05", "2,31.02.2024", "3,soon", "4,2099-01-01", "5,1970-01-01"]
    result = taken("dates.csv", "lead_id,created_at\n" + "\n".join(rows) + "\n")
    assert result.exit_code == 0
    assert "4 rows of dates.csv cannot be taken: see dates.rejected-leads.csv\n" in result.stdout
    assert result.stdout.endswith("Dry run: nothing was written; 1 row would be taken.\n")
    with Path("dates.rejected-leads.csv").open(encoding="utf-8", newline="") as file:
        assert [(row["line"], row["reason"]) for row in csv.DictReader(file)] == [
            ("3", "created_at '31.02.2024': there is no 2024-02-31 00:00"),
            ("4", "created_at 'soon': it is not a date"),
            ("5", "created_at lies in the future (2099-01-01)"),
            ("6", "created_at lies before 1990 (1970-01-01)"),
        ]


def test_nothing_but_bad_dates() -> None:
    result = taken("dates.csv", "lead_id,created_at\n1,soon\n2,later\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: dates.csv: none of its 2 rows can be read as leads. Line 2: created_at 'soon': it is not a date; 2 of them "
        "fail in this way. If a column was guessed wrongly, say --map OURS=COLUMN.\n"
    )


def test_latin_1_is_read_and_said() -> None:
    text = "lead_id;created_at;Email;First Name\n7;2024-01-05;cleo@halden.example;Zoë\n8;2024-01-25;;Ångström\n"
    result = taken("latin.csv", text.encode("latin-1"))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == (
        "latin.csv (leads): 2 rows read. CSV, semicolon-separated, Latin-1 (Windows-1252)."
    )


def test_a_duplicate_header() -> None:
    content = "lead_id,created_at,created_at\n1,2024-01-01,2024-01-02\n"
    result = taken("twice.csv", content)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        'Error: twice.csv: the header "created_at" stands over 2 columns (2 and 3). Rename one of them, or choose one by its '
        "place, such as --map OURS=#2; the other is then left out.\n"
    )
    assert taken("twice.csv", content, "--map", "created_at=#2").exit_code == 0


# --- tracking -------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(db: None) -> Iterator[Made]:
    forget()
    yield create_key(name="shop", at=clock.now())
    forget()


Call = Callable[[str, Any, str], HttpResponse]


@pytest.fixture
def call() -> Call:
    """Sends a body, or bytes as they are, with a write key."""

    def send(name: str, body: Any, secret: str) -> HttpResponse:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        said = "Basic " + base64.b64encode(f"{secret}:".encode()).decode()
        return Client().post(f"/v1/{name}", content, content_type="application/json", headers={"Authorization": said})

    return send


def answered(answer: HttpResponse) -> tuple[int, str, str]:
    said = json.loads(answer.content)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not Touch.objects.exists()
    assert not Lead.objects.exists()
    return answer.status_code, said["code"], said["detail"]


SEEN = {"userId": "u1", "event": "Demo Requested"}


@pytest.mark.django_db
def test_a_wrong_key(call: Call) -> None:
    assert answered(call("track", SEEN, "lps_wrong")) == (
        401,
        "wrong_key",
        (
            "The write key is missing, unknown or revoked. Send it as the name of Basic authentication, with an empty password; a "
            "new one is made with `leadpact capture key create NAME`."
        ),
    )


@pytest.mark.django_db
def test_a_megabyte_of_junk(call: Call, key: Made) -> None:
    assert answered(call("batch", os.urandom(1 << 20), key.secret)) == (
        413,
        "too_large",
        "The body is larger than 500 kB, unpacked: send smaller batches.",
    )
    status, code, sentence = answered(call("batch", b"\x80junk" * 60_000, key.secret))
    assert (status, code) == (400, "not_json")
    assert sentence.startswith("The body is not JSON: ")


@pytest.mark.django_db
def test_a_future_timestamp(call: Call, key: Made) -> None:
    with clock.at(T0):
        answer = call("track", SEEN | {"timestamp": "2099-01-01T00:00:00Z"}, key.secret)
    assert answered(answer) == (
        422,
        "bad_timestamp",
        (
            "The timestamp 2099-01-01 00:00:00 UTC lies in the future (it is 2026-05-28 20:26:40 UTC here): set the sender's "
            "clock, or send sentAt so that it can be corrected."
        ),
    )
