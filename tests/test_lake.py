"""History leaves a living database: each row once, also beside transactions that are late, and after a kill."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from django.db import connection
from msgspec.structs import replace

from leadpact.capture.actions import intake
from leadpact.kit.testing import ROOT
from leadpact.lake import history
from leadpact.lake.commands import lake
from leadpact.lake.export import export
from leadpact.lake.exported import GROWING, WHOLE
from leadpact.lake.history import load
from leadpact.lake.manifest import LOCK, read
from leadpact.lake.problems import FileProblem
from leadpact.lake.replay import replay as replayed_into
from leadpact.lake.rewrite import compact, forget
from leadpact.lake.store import Store
from leadpact.language.fold import UNICODE_VERSION
from leadpact.leads.models import Person
from leadpact.loop import clocks, erasing, jobs, merging
from tests.cast import DAY, HOUR, T0, make_cast, sign, touch, traits

pytestmark = pytest.mark.django_db(transaction=True)

Own = psycopg.Connection[Any]


def connect(**options: Any) -> Own:
    return psycopg.connect(**connection.get_connection_params() | {"autocommit": True} | options)


@pytest.fixture
def own(transactional_db: None) -> Iterator[Own]:
    """A connection to the test's database, as the job has one."""
    with connect() as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def until_others_ended(own: Own) -> None:
    """Wait for transactions that began before now, of other tests' databases too: a mark counts those of the whole server."""
    first = own.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        oldest = own.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint").fetchone()
        if first is not None and oldest is not None and oldest[0] >= first[0]:
            return
        time.sleep(0.05)
    raise AssertionError("another test's transaction stays open")


def live(days: range) -> None:
    """A touch or two a day of three people, months apart in what they say of when it happened."""
    for day in days:
        now = T0 + day * DAY
        clocks.let_time_pass(at=now - 1)
        intake(
            [
                touch("page.viewed", at=now - 40 * DAY * (day % 3), email="vera@ferro.example", path="/pricing"),
                touch("paper.downloaded", at=now, email="otto@ferro.example", account=traits(**{"account.employees": 100 + day})),
                touch("page.viewed", at=now, anonymous_id="browser 1", path=f'/a,"b"\n{day}'),
            ],
            known_at=now,
        )  # fmt: skip


def in_lake(folder: Path, relation: str, what: str = "count(*)") -> Any:
    parts = read(folder).of(relation)
    files = ", ".join(f"'{folder / part.path}'" for part in parts)
    with Store() as store:
        return store.one(f"SELECT {what} FROM read_parquet([{files}], hive_partitioning = false)") if parts else 0


def in_database(own: Own, view: str, what: str = "count(*)") -> Any:
    row = own.execute(f"SELECT {what} FROM {view}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


def equal(own: Own, folder: Path) -> None:
    """Every row of every relation is in the lake, once, value by value."""
    with Store() as store:
        for relation in (*GROWING, *WHOLE):
            files = ", ".join(f"'{folder / part.path}'" for part in read(folder).of(relation.name))
            names = ", ".join(f'"{name}"' for name, _ in relation.columns)
            query = f"SELECT {names} FROM read_parquet([{files}], hive_partitioning = false)"
            found = sorted(store.execute(query).fetchall(), key=repr) if files else []
            wanted = sorted(own.execute(f"SELECT {relation.select} FROM {relation.view}").fetchall(), key=repr)  # type: ignore[arg-type]
            assert found == wanted, relation.name


def test_what_is_new_is_exported_and_nothing_twice(own: Own, folder: Path) -> None:
    sign(make_cast())
    live(range(5))
    first = export(own, folder, at=T0 + 5 * DAY, chunk=4)
    assert first.rows["touches"] == 15
    equal(own, folder)
    months = {part.month for part in read(folder).of("touches")}
    assert len(months) >= 3, "late facts go into the month in which they happened"
    assert all((folder / part.path).parent.name == f"month={part.month}" for part in read(folder).of("touches"))

    before = {part.path for part in read(folder).parts if part.month}
    again = export(own, folder, at=T0 + 6 * DAY)
    assert sum(again.rows[relation.name] for relation in GROWING) == 0
    assert {part.path for part in read(folder).parts if part.month} == before

    live(range(5, 9))
    more = export(own, folder, at=T0 + 9 * DAY)
    assert more.rows["touches"] == 12
    assert read(folder).exported_at == T0 + 9 * DAY
    equal(own, folder)


def test_a_row_that_commits_late_with_a_smaller_id_is_not_lost(own: Own, folder: Path) -> None:
    sign(make_cast())
    live(range(2))

    with connect(autocommit=False) as slow, connect() as quick:
        put = (
            "INSERT INTO leads_touch (visitor_id, kind, at, known_at, channel, campaign, properties, cells)"
            " SELECT min(id), %s, 1, 1, '', '', '{}', '{}' FROM leads_visitor RETURNING id"
        )
        early = slow.execute(put, ["slow"]).fetchone()
        late = quick.execute(put, ["quick"]).fetchone()
        assert early is not None
        assert late is not None
        assert early[0] < late[0], "the one that is still open has the smaller id"

        with pytest.raises(FileProblem, match="open for too long"):
            export(own, folder, at=T0 + 3 * DAY, patience=0)
        assert read(folder).exported_at is None

        slow.commit()
        export(own, folder, at=T0 + 4 * DAY, patience=5)
        assert in_lake(folder, "touches", "count(*) FILTER (kind IN ('slow', 'quick'))") == 2

        # The same again, beside a lake that has something already: it takes neither, then both.
        slow.execute(put, ["slow"])
        quick.execute(put, ["quick"])
        held_up = export(own, folder, at=T0 + 5 * DAY, patience=0)
        assert held_up.behind
        assert held_up.at == T0 + 4 * DAY
        assert in_lake(folder, "touches", "count(*) FILTER (kind IN ('slow', 'quick'))") == 2
        slow.commit()
        export(own, folder, at=T0 + 6 * DAY, patience=5)
    equal(own, folder)


def test_beside_a_transaction_that_stays_open_the_earlier_mark_is_used(own: Own, folder: Path) -> None:
    sign(make_cast())
    live(range(2))
    with connect(autocommit=False) as slow:
        slow.execute("INSERT INTO capture_receipt (message, known_at) VALUES ('x', 1)")
        with pytest.raises(FileProblem):
            export(own, folder, at=T0 + 3 * DAY, patience=0)
        slow.commit()
        until_others_ended(own)
        live(range(2, 4))
        slow.execute("INSERT INTO capture_receipt (message, known_at) VALUES ('y', 1)")
        done = export(own, folder, at=T0 + 5 * DAY, patience=0)
        assert done.behind
        assert done.at == T0 + 3 * DAY
        assert in_lake(folder, "touches") == 6
        slow.commit()
    assert not export(own, folder, at=T0 + 6 * DAY, patience=5).behind
    equal(own, folder)


def test_ids_drawn_without_a_transaction_id_are_waited_for(own: Own, folder: Path) -> None:
    """A writer that holds the table but has no transaction id yet is nowhere in a snapshot."""
    sign(make_cast())
    live(range(2))
    with connect(autocommit=False) as slow:
        slow.execute("LOCK TABLE leads_touch IN ROW EXCLUSIVE MODE")
        with pytest.raises(FileProblem):
            export(own, folder, at=T0 + 3 * DAY, patience=0)
    assert not export(own, folder, at=T0 + 4 * DAY, patience=5).behind


KILLED = """
import sys
from pathlib import Path
import psycopg
from leadpact.lake import export as module
from leadpact.lake.export import export

class Slow(module.Store):
    def execute(self, sql, parameters=None):
        if "TO '" in sql:
            print("writing", flush=True)
        return super().execute(sql, parameters)

module.Store = Slow
with psycopg.connect(sys.argv[1], autocommit=True) as own:
    export(own, Path(sys.argv[2]), at=int(sys.argv[3]), chunk=3)
"""


@pytest.mark.parametrize("after", [1, 4, 9, 14])
def test_killed_in_the_middle_it_goes_on(own: Own, folder: Path, after: int) -> None:
    sign(make_cast())
    live(range(3))
    export(own, folder, at=T0 + 3 * DAY)
    before = read(folder)
    live(range(3, 8))

    dsn = psycopg.conninfo.make_conninfo(
        **{
            k: v
            for k, v in connection.get_connection_params().items()
            if k in {"host", "port", "user", "password", "dbname"}
        }
    )
    command = [sys.executable, "-c", KILLED, dsn, str(folder), str(T0 + 8 * DAY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for _ in range(after):
            assert process.stdout.readline() == "writing\n"
        process.kill()
    assert process.returncode == -9

    # What readers see is the lake of before, whole.
    found = read(folder)
    assert (found.exported_at, found.until) == (before.exported_at, before.until)
    with Store() as store:
        load(store, folder)
        assert store.one("SELECT count(*) FROM hist_touches WHERE lead_id IS NOT NULL") == 6

    done = export(own, folder, at=T0 + 9 * DAY)
    assert done.at == T0 + 9 * DAY
    equal(own, folder)
    named = {part.path for part in read(folder).parts}
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.parquet")} == named
    assert not list(folder.rglob("*.csv"))


HOLDS = """
import sys, time
from pathlib import Path
from leadpact.kit.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.exclusive()
print("held", flush=True)
time.sleep(60)
"""


def test_one_at_a_time_and_one_database_a_lake(own: Own, folder: Path) -> None:
    sign(make_cast())
    live(range(2))
    export(own, folder, at=T0 + 2 * DAY)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder / LOCK)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FileProblem, match="Another process is writing"):
            export(own, folder, at=T0 + 3 * DAY)
        holder.kill()

    text = (folder / "manifest.json").read_text(encoding="utf-8")
    anchor = read(folder).anchor
    assert anchor is not None
    (folder / "manifest.json").write_text(text.replace(anchor[1], "0" * 64), encoding="utf-8")
    with pytest.raises(FileProblem, match="another database"):
        export(own, folder, at=T0 + 3 * DAY)


def test_a_person_is_forgotten(own: Own, folder: Path) -> None:
    sign(make_cast())
    live(range(4))
    intake(
        [touch("page.viewed", at=T0 + 4 * DAY, anonymous_id="browser 1", email="vera@ferro.example")],
        known_at=T0 + 4 * DAY,
    )
    export(own, folder, at=T0 + 5 * DAY)
    person = in_database(own, "leads_person", "max(id) FILTER (WHERE email = 'vera@ferro.example')")
    everything = in_lake(folder, "touches")
    ledger = in_lake(folder, "ledger")
    with Store() as store:
        load(store, folder)
        mine = store.one("SELECT count(*) FROM hist_touches WHERE person_key = $1", [str(person)])
    assert mine == 9, "her own four, four of the trail that became hers, and the one that tied it"

    gone = forget(folder, [person])

    assert gone.rows["touches"] == mine
    assert in_lake(folder, "touches") == everything - mine
    assert in_lake(folder, "ledger") == ledger
    with Store() as store:
        load(store, folder)
        assert store.one("SELECT count(*) FROM hist_touches WHERE person_key = $1", [str(person)]) == 0
        assert store.one("SELECT count(*) FROM hist_facts WHERE t LIKE '%vera%'") == 0
        assert store.one("SELECT count(*) FROM hist_leads WHERE person_key = $1", [str(person)]) == 0
        assert store.one("SELECT count(*) FROM hist_touches") == everything - mine
    assert b"vera" not in b"".join(path.read_bytes() for path in folder.rglob("*.parquet"))
    assert forget(folder, [person]).rows == {}
    # What is new goes on from where it was; nothing of hers comes back but the codes that PostgreSQL keeps.
    live(range(5, 6))
    assert export(own, folder, at=T0 + 6 * DAY).rows["touches"] == 3


def test_months_of_many_files_become_one(own: Own, folder: Path) -> None:
    from leadpact.lake.manifest import writing

    sign(make_cast())
    for day in range(4):
        live(range(day, day + 1))
        export(own, folder, at=T0 + day * DAY + HOUR)
    many = len(read(folder).of("touches"))
    with writing(folder) as writer, Store() as store:
        assert compact(writer, store, most=1) > 0
    assert len(read(folder).of("touches")) < many
    assert len({part.month for part in read(folder).of("touches")}) == len(read(folder).of("touches"))
    equal(own, folder)


def test_the_lake_knows_which_unicode_folded_it(own: Own, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign(make_cast())
    live(range(2))
    export(own, folder, at=T0 + 2 * DAY)
    assert read(folder).unicode == (UNICODE_VERSION,)
    assert history.folded_otherwise(folder) == []
    monkeypatch.setattr(history, "UNICODE_VERSION", "99.0.0")
    (said,) = history.folded_otherwise(folder)
    assert f"folded by Unicode {UNICODE_VERSION}, and this Python has 99.0.0" in said
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["unicode"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert history.folded_otherwise(folder) == [], "a lake from before that was kept can be read"


def test_the_files_are_private(own: Own, folder: Path) -> None:
    sign(make_cast())
    live(range(1))
    export(own, folder, at=T0 + DAY)
    assert folder.stat().st_mode & 0o077 == 0
    for path in folder.rglob("*.parquet"):
        assert path.stat().st_mode & 0o177 == 0, path


def test_until_hides_what_was_learnt_later(own: Own, folder: Path) -> None:
    sign(make_cast())
    live(range(6))
    intake(
        [touch("page.viewed", at=T0 + 6 * DAY, anonymous_id="browser 1", email="vera@ferro.example")],
        known_at=T0 + 6 * DAY,
    )
    export(own, folder, at=T0 + 7 * DAY)
    with Store() as store:
        load(store, folder, until=T0 + 2 * DAY)
        assert store.one("SELECT max(known_at) FROM hist_touches") == T0 + 2 * DAY
        assert store.one("SELECT count(*) FROM hist_touches") == 6, (
            "three days of two people; the trail was nobody's then"
        )
        assert store.one("SELECT max(known_at) FROM hist_facts") <= T0 + 2 * DAY
    with Store() as store:
        load(store, folder)
        ties = 'SELECT count(*) FROM hist_touches WHERE known_at > "at" + 1000 AND known_at = $1'
        assert store.one(ties, [T0 + 6 * DAY]) == 6, "its touches are known from the tie on"


def test_the_nightly_job_and_what_status_says(own: Own, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADPACT_LAKE", str(folder))
    sign(make_cast())
    live(range(3))
    jobs.export_history()
    equal(own, folder)

    told = CliRunner().invoke(lake, ["status", "--json"])
    assert told.exit_code == 0, told.output
    found = json.loads(told.output)
    assert found["relations"]["touches"]["rows"] == 9
    assert found["relations"]["agreements"]["rows"] == 1
    assert found["relations"]["touches"]["months"] == sorted({part.month for part in read(folder).of("touches")})
    words = CliRunner().invoke(lake, ["status"])
    assert "9 rows" in words.output


def test_what_is_broken_is_said(own: Own, folder: Path) -> None:
    with Store() as store, pytest.raises(FileProblem, match="There is no lake"):
        load(store, folder)
    sign(make_cast())
    live(range(1))
    export(own, folder, at=T0 + DAY)
    part = read(folder).of("touches")[0]
    (folder / part.path).rename(folder / "elsewhere")
    with Store() as store, pytest.raises(FileProblem, match="is missing from the lake"):
        load(store, folder)
    (folder / "manifest.json").write_text('{"form": 99}', encoding="utf-8")
    with pytest.raises(FileProblem, match="has form 99"):
        export(own, folder, at=T0 + DAY)
    (folder / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(FileProblem, match="cannot be read as a lake"):
        export(own, folder, at=T0 + DAY)


def test_an_erasure_reaches_the_lake(own: Own, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADPACT_LAKE", str(folder))
    sign(make_cast())
    live(range(3))
    jobs.export_history()
    # Tied after the export: in the lake the trail is nobody's.
    later = touch("page.viewed", at=T0 + 3 * DAY, anonymous_id="browser 1", email="vera@ferro.example")
    intake([later], known_at=T0 + 3 * DAY)
    person = in_database(own, "leads_person", "max(id) FILTER (WHERE email = 'vera@ferro.example')")

    erasing.erase(person_id=person, at=T0 + 4 * DAY)

    row = own.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'loop.forget_in_lake'").fetchone()
    assert row is not None
    jobs.forget_in_lake(**json.loads(row[0]))
    assert in_lake(folder, "touches") == 3, "the other's alone: her three are gone, and the three of the trail"
    jobs.export_history()
    assert b"vera" not in b"".join(path.read_bytes() for path in folder.rglob("*.parquet"))


def test_a_lake_of_before_mergers_were_told_is_refused_until_an_export_brought_it_up_to_date(
    own: Own, folder: Path
) -> None:
    sign(make_cast())
    live(range(3))
    export(own, folder, at=T0 + 3 * DAY)
    whole = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    old = whole | {
        "form": 1,
        "parts": [part for part in whole["parts"] if part["relation"] not in ("trail_moves", "mergers")],
        "marks": [{"at": 1, "until": {}, "xmax": 1, "writers": []}],
    }
    (folder / "manifest.json").write_text(json.dumps(old), encoding="utf-8")
    with Store() as store, pytest.raises(FileProblem, match="run leadpact lake export once more"):
        load(store, folder)

    grown = [part["path"] for part in whole["parts"] if part["month"]]
    told = export(own, folder, at=T0 + 4 * DAY)

    assert sum(told.rows[relation.name] for relation in GROWING) == 0, "what grows was there and stays"
    assert [part.path for part in read(folder).parts if part.month] == grown
    equal(own, folder)
    with Store() as store:
        load(store, folder)


def test_each_account_that_mergers_gave_has_its_ends_also_as_it_was_known_before(own: Own, folder: Path) -> None:
    cast = make_cast()
    sign(cast)
    where = {"home": "vera@gmail.com", "large": "vera@ferro.example", "small": "vera@alba.example"}
    for number, email in enumerate(where.values()):
        at = T0 + number * HOUR
        intake([touch("paper.downloaded", at=at, email=email)], known_at=at)
    people = {name: Person.objects.get(email=email) for name, email in where.items()}
    assert people["home"].account_id is None
    for day, name in ((2, "large"), (6, "small"), (10, "large")):
        first, second = people["home"].pk, people[name].pk
        one = merging.merge_people(first_id=first, second_id=second, by=cast.ada, at=T0 + day * DAY)
        if day < 10:
            merging.part(merge_id=one.pk, by=cast.ada, at=T0 + (day + 2) * DAY)
    export(own, folder, at=T0 + 20 * DAY)

    def told(until: int | None) -> list[tuple[str, int, int]]:
        with Store() as store:
            load(store, folder, until=until)
            assert store.one(f"SELECT count(*) FROM hist_placed WHERE person_key <> '{people['home'].pk}'") == 0
            rows = store.execute("SELECT account_key, since, until FROM hist_placed ORDER BY since").fetchall()
        names = {str(one.account_id): name for name, one in people.items()}
        return [
            (names[account], (since - T0) // DAY, until if until == 2**62 else (until - T0) // DAY)
            for account, since, until in rows
        ]

    stays = [("large", 2, 4), ("small", 6, 8), ("large", 10, 2**62)]
    assert told(None) == stays
    assert told(T0 + 9 * DAY) == stays[:2]
    assert told(T0 + 7 * DAY) == [stays[0], ("small", 6, 2**62)]
    assert told(T0 + 3 * DAY) == [("large", 2, 2**62)]
    assert told(T0 + DAY) == []


@pytest.mark.parametrize("how", ["placed", "tied"])
def test_whoever_is_found_at_an_account_has_everybody_there_judged(own: Own, folder: Path, how: str) -> None:
    """Also where nothing counts by it: what time has changed since the last full hour is told then, by ledger and replay alike."""
    sign(make_cast())
    first = (T0 // HOUR + 1) * HOUR + 20 * 60_000_000
    intake([touch("seminar.attended", at=first, email="vera@ferro.example")], known_at=first)
    turns = next(first + day * DAY for day in range(180) if 20 * (180 - day) < 15 * 180)
    told = turns + 10 * 60_000_000
    if how == "placed":
        # Of this one nothing is known but a number, and never a touch.
        intake([replace(touch("page.viewed", at=first, user_id="7"), touch=None)], known_at=first + 1)
        found = touch("page.viewed", at=told, user_id="7", email="otto@ferro.example")
    else:
        # This one is active there already; so is the trail that turns out to be theirs.
        for more in ({"email": "otto@ferro.example"}, {"anonymous_id": "browser 1"}):
            intake([touch("page.viewed", at=turns - 2 * DAY, **more)], known_at=turns - 2 * DAY)
        found = touch("page.viewed", at=told, email="otto@ferro.example", anonymous_id="browser 1")
    clocks.let_time_pass(at=turns - 1)
    intake([replace(found, touch=None)], known_at=told)
    clocks.let_time_pass(at=told + HOUR)
    export(own, folder, at=told + DAY)
    with Store() as store:
        load(store, folder)
        history.judged(store, folder)
        replayed_into(store, history.agreement_of(folder), end=told + DAY)
        hers = store.one("SELECT lead_id FROM hist_leads WHERE created_at = $1", [first])
        rows = 'SELECT "at", before, after FROM {} WHERE lead_id = $1 ORDER BY 1'
        ran = store.execute(rows.format("hist_judged"), [hers]).fetchall()
        assert ran == [(first, "", "lead"), (told, "lead", "prospect")]
        assert store.execute(rows.format("replayed"), [hers]).fetchall() == ran
