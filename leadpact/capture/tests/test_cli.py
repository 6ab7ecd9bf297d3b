"""The commands: what they print, and with which status they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leadpact.capture.cli import capture, import_
from leadpact.capture.models import WriteKey
from leadpact.capture.rules.keys import secret_hash
from leadpact.leads.models import Lead

LEADS = "lead_id,created_at,Email\n1,2024-01-05,ada@northwind.example\n2,31.02.2024,bo@ferro.example\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(import_ if arguments[0] == "import" else capture, arguments[1:], catch_exceptions=False)


@pytest.fixture
def leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leads.csv").write_text(LEADS)
    return "leads.csv"


def test_a_dry_run_needs_no_database(leads: str) -> None:
    result = run("import", leads, "--as", "leads", "--dry-run")
    assert result.exit_code == 0
    assert "person.email <- Email" in result.stdout
    assert "1 row of leads.csv cannot be taken: see leads.rejected-leads.csv" in result.stdout
    assert result.stdout.endswith("Dry run: nothing was written; 1 row would be taken.\n")
    assert Path("leads.rejected-leads.csv").read_text().splitlines()[1].startswith("3,created_at '31.02.2024'")


def test_a_dry_run_for_programs(leads: str) -> None:
    result = run("import", leads, "--as", "leads", "--dry-run", "--json", "--rejects", "r.csv")
    said = json.loads(result.stdout)
    assert (said["read"], said["taken"], said["refused"], said["rejects"], said["dry_run"]) == (2, 1, 1, "r.csv", True)


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("missing.csv", "--as", "leads"), 1, "missing.csv: there is no such file."),
        (("leads.csv", "--as", "touches"), 1, "has no column for kind"),
        (("leads.csv", "--as", "people"), 2, "'people' is not one of"),
        (("leads.csv", "--as", "leads", "--map", "created_at=When"), 2, "there is no such column"),
        (("leads.csv", "--as", "leads", "--map", "When"), 2, "ours=theirs"),
        (("leads.csv", "--as", "leads", "--timezone", "Mars"), 2, "Mars"),
        (("leads.csv",), 2, "Missing option '--as'"),
    ],
)
def test_wrong_calls_end_with_a_sentence(leads: str, arguments: tuple[str, ...], status: int, sentence: str) -> None:
    result = run("import", *arguments, "--dry-run")
    assert (result.exit_code, result.stdout) == (status, "")
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_keys_are_made_listed_and_revoked_and_files_taken(leads: str) -> None:
    made = json.loads(run("capture", "key", "create", "shop", "--json").stdout)
    key = WriteKey.objects.get()
    assert key.secret_hash == secret_hash(made["write_key"])
    public = run("capture", "key", "create", "website", "--public", "--origin", "https://northwind.example")
    assert public.stdout.startswith("lpp_")
    refused = run("capture", "key", "create", "website", "--public")
    assert refused.exit_code == 2
    assert "--origin https://northwind.example" in refused.stderr
    assert [one["name"] for one in json.loads(run("capture", "key", "list", "--json").stdout)] == ["website", "shop"]
    assert run("capture", "key", "revoke", str(made["id"])).stdout == "shop opens nothing any more.\n"
    assert "shop  (server; revoked" in run("capture", "key", "list").stdout
    gone = run("capture", "key", "revoke", "999")
    assert gone.exit_code == 1
    assert "There is no such key" in gone.stderr

    assert "1 row taken; 1 lead made." in run("import", leads, "--as", "leads").stdout
    assert "1 were taken before" in run("import", leads, "--as", "leads").stdout
    assert Lead.objects.count() == 1
