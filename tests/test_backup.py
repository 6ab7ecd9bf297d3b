"""Everything goes into one file and comes back out of it: rows, keys, rights, and a ledger that holds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from django.db import connection

from leadpact.capture.actions import intake
from leadpact.kit.failures import CannotDo
from leadpact.kit.postgres import Cluster, Role
from leadpact.kit.testing import DATA
from leadpact.site import archive
from leadpact.site.backup import backup, restore
from tests.cast import HOUR, T0, touch, traits


class OfTheTest(Cluster):
    """The tests' cluster, with the database of this test process where an installation has its own."""

    def parameters(self, role: Role = "app", dbname: str | None = None) -> dict[str, str]:
        return super().parameters(role, dbname or connection.settings_dict["NAME"])


@pytest.fixture
def written(cluster: Cluster, transactional_db: None, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A backup of a small installation: three leads, one of them offered to Sales."""
    request.getfixturevalue("cast")
    fit = traits(**{"account.industry": "Logistics", "account.employees": 900})
    intake(
        [
            touch("demo.requested", at=T0 + HOUR, email="vera@ferro.example", account=fit),
            touch("page.viewed", at=T0 + HOUR, email="wim@halden.example", path="/pricing"),
            touch("paper.downloaded", at=T0 + HOUR, email="zoë@halden.example"),
        ],
        known_at=T0 + HOUR,
    )
    data = tmp_path / "data"
    (data / "roots").mkdir(parents=True)
    (data / "secret.key").write_text("a key\n", encoding="utf-8")
    (data / "roots" / "2026-05-28.json").write_text("{}", encoding="utf-8")
    file = tmp_path / "monday.leadpact"
    manifest = archive.write(file, data, OfTheTest(DATA))
    assert manifest.rows["leads_lead"] == 3
    assert manifest.rows["custody_entry"] >= 7
    return file


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "leadpact", *arguments], capture_output=True, text=True, check=False, timeout=200
    )


def test_there_and_back(written: Path, tmp_path: Path) -> None:
    place = tmp_path / "restored"
    ended = command("restore", str(written), "--data", str(place), "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["ledger_holds"] is True
    assert told["rows"] == archive.read_manifest(written).rows

    assert (place / "secret.key").read_text(encoding="utf-8") == "a key\n"
    assert (place / "roots" / "2026-05-28.json").exists()
    cluster = Cluster(place)
    assert not cluster.running
    with cluster:
        with connection.cursor() as cursor:
            cursor.execute("SELECT lead_id, seq, move, hash FROM custody_entry ORDER BY lead_id, seq")
            before = [(lead, seq, move, bytes(digest)) for lead, seq, move, digest in cursor.fetchall()]
        with cluster.connect("app", autocommit=True) as app:
            found = app.execute("SELECT lead_id, seq, move, hash FROM custody_entry ORDER BY lead_id, seq").fetchall()
            assert found == before
            # Rights came back too: the application still cannot rewrite the ledger.
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("UPDATE custody_entry SET move = 'won'")
            app.execute("UPDATE team_user SET name = name")

    again = command("restore", str(written), "--data", str(place))
    assert again.returncode == 1
    assert "is not empty, and a restore never writes over data" in again.stderr


def test_a_damaged_file_leaves_nothing_behind(written: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.leadpact"
    shutil.copy(written, damaged)
    with tarfile.open(damaged) as found:
        where = found.getmember(archive.DUMP).offset_data + 4_000
    with damaged.open("r+b") as file:
        file.seek(where)
        byte = file.read(1)
        file.seek(where)
        file.write(bytes([byte[0] ^ 0xFF]))
    place = tmp_path / "restored"
    ended = CliRunner().invoke(restore, [str(damaged), "--data", str(place)])
    assert ended.exit_code == 1
    assert "is damaged" in ended.output
    assert not place.exists()


@pytest.mark.parametrize("kept", [300, 20_000])
def test_a_file_that_was_cut_off(written: Path, tmp_path: Path, kept: int) -> None:
    cut = tmp_path / "cut.leadpact"
    cut.write_bytes(written.read_bytes()[:kept])
    ended = CliRunner().invoke(restore, [str(cut), "--data", str(tmp_path / "restored")])
    assert ended.exit_code == 1
    assert "cut off" in ended.output
    assert not (tmp_path / "restored").exists()


def test_a_file_of_something_else(tmp_path: Path) -> None:
    other = tmp_path / "letter.txt"
    other.write_text("Dear Ada", encoding="utf-8")
    ended = CliRunner().invoke(restore, [str(other), "--data", str(tmp_path / "restored")])
    assert ended.exit_code == 1
    assert "is no backup of leadpact" in ended.output


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "monday.leadpact"
    file.write_text("mine", encoding="utf-8")
    ended = CliRunner().invoke(backup, [str(file), "--data", str(tmp_path / "data")])
    assert ended.exit_code == 1
    assert "--replace" in ended.output
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_misspelt_directory_is_not_backed_up_as_an_empty_one(tmp_path: Path) -> None:
    ended = CliRunner().invoke(backup, [str(tmp_path / "monday.leadpact"), "--data", str(tmp_path / "dta")])
    assert ended.exit_code == 1
    assert "There is no leadpact in" in ended.output
    assert not (tmp_path / "dta").exists()


def test_a_place_that_cannot_be_written(cluster: Cluster, transactional_db: None, tmp_path: Path) -> None:
    with pytest.raises(CannotDo, match="cannot be written"):
        archive.write(tmp_path / "missing" / "monday.leadpact", tmp_path, OfTheTest(DATA))
