"""Somebody asks to be forgotten, or what we hold: nothing of theirs is left, and everything else is."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from click.testing import CliRunner
from django.db import IntegrityError, ProgrammingError, connection, connections, transaction
from django.test import Client
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from leadpact.agreement import actions as agreement
from leadpact.capture.actions import intake
from leadpact.capture.models import ImportPart, ImportRun
from leadpact.custody.actions.proof import take_root, verify
from leadpact.custody.models import Entry, Holding, Words
from leadpact.custody.queries import history
from leadpact.distribution import actions as sales
from leadpact.distribution.models import Offer
from leadpact.kit.failures import CannotDo
from leadpact.kit.locks import FileLock
from leadpact.kit.testing import ROOT
from leadpact.lake.export import export
from leadpact.lake.manifest import LOCK
from leadpact.lake.store import Store
from leadpact.leads.models import AttributeFact, Erasure, Identifier, Lead, Merge, Person, Touch
from leadpact.loop import clocks, erasing, merging
from leadpact.qualification.models import Judgement
from leadpact.site import erase as commands
from leadpact.site import held, meeting, meeting_paper, search
from leadpact.site.revive import revive
from leadpact.site.tests.conftest import BACKEND
from leadpact.team.models import User
from leadpact.tuning import actions as tuning
from leadpact.tuning.actions.reviews import digest_of
from leadpact.tuning.models import ReviewNote
from tests.cast import DAY, HOUR, T0, Cast, make_cast, sign, touch, traits

FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})
VERA = "vera@ferro.example"
SECRETS = ("vera", "novak", "crm-7", "tablet-9", "40 lorries", "zugspitze", "fleet-form", "+43")


def operations() -> User:
    return User.objects.create_user("ops@northwind.example", "x", name="Ops", role="operations")


def live(email: str = VERA) -> Lead:
    """Somebody with everything: traits, touches that say things, notes, an offer, an opportunity, a reject list."""
    who = traits(**{"person.name": "Vera Novak", "person.title": "Head of Zugspitze", "person.phone": "+43 1 5"})
    intake(
        [touch("demo.requested", at=T0 + HOUR, email=email, user_id="crm-7", anonymous_id="tablet-9", account=FIT, person=who,
               lead=traits(**{"lead.need": "zugspitze tunnel"}), form="fleet-form of vera")],
        known_at=T0 + HOUR,
    )  # fmt: skip
    lead = Lead.objects.get(person__email=email)
    by = User.objects.get(pk=Holding.objects.get(lead=lead).salesperson_id)
    sales.accept(lead_id=lead.pk, by=by, at=T0 + 2 * HOUR, note="Vera spoke of 40 lorries")
    sales.qualify(lead_id=lead.pk, by=by, at=T0 + 3 * HOUR)
    sales.open_opportunity(lead_id=lead.pk, value=9_000_00, by=by, at=T0 + 4 * HOUR)
    ImportRun.objects.create(
        role="leads", file_name="fair.csv", started_at=T0, state="done",
        rejects=f'line,reason,row\r\n2,the date cannot be read,"x,{email.upper()},Vera"\r\n3,empty,"y,other@firm.example"\r\n',
    )  # fmt: skip
    return lead


def dump() -> str:
    """Every text, JSON and byte of every table of the database, but who works here."""
    told: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND relname NOT LIKE 'django%%' AND relname NOT LIKE 'team_user%%' ORDER BY 1"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" AS t')
            told += [f"{table} {row}" for (row,) in cursor.fetchall()]
    return "\n".join(told).casefold()


def test_nothing_of_theirs_is_left_and_the_ledger_holds(transactional_db: None) -> None:
    sign(make_cast())
    lead = live()
    intake([touch("page.viewed", at=T0 + HOUR, email="rob@other.example", path="/pricing")], known_at=T0 + HOUR)
    root = take_root(at=T0 + 5 * HOUR)
    before = dump()
    assert all(secret in before or secret == "40 lorries" for secret in SECRETS), (
        "sealed words are the only ones unseen"
    )
    entries = Entry.objects.count()
    touches, facts = Touch.objects.count(), AttributeFact.objects.count()
    assert verify(against=root).problems == []

    found = erasing.whom(VERA.upper())
    assert found is not None
    counts = erasing.erase(person_id=found.person_ids[0], at=T0 + DAY, by=operations())
    assert counts["records"] == counts["leads"] == counts["notes"] == counts["rejected rows"] == 1

    left = dump()
    assert [secret for secret in SECRETS if secret in left] == []
    assert verify(against=root).problems == [], "heads of before are what they were"
    assert Entry.objects.count() == entries + 1
    assert Entry.objects.filter(lead=lead).latest("seq").move == "erased"
    assert (Touch.objects.count(), AttributeFact.objects.count()) == (touches, facts), "counts stay"
    assert [line.note for line in history(lead.pk, blind=False)] == [""] * len(history(lead.pk, blind=False))
    assert not Words.objects.filter(entry__lead=lead).exists()
    assert not Judgement.objects.filter(lead=lead).exists()
    assert not Offer.objects.filter(lead=lead, ended_at=None).exists()
    assert search.find("vera").total == search.find("novak").total == 0
    assert "other@firm.example" in ImportRun.objects.get().rejects, "rows of others stay"
    record = Erasure.objects.get()
    assert record.counts == counts
    assert "rob@other.example" in left


@pytest.mark.django_db
def test_a_later_touch_of_the_same_address_is_a_new_person(cast: Cast) -> None:
    lead = live()
    erasing.erase(person_id=lead.person_id, at=T0 + DAY)
    taken = intake(
        [touch("page.viewed", at=T0 + 2 * DAY, email=VERA, user_id="crm-7", anonymous_id="tablet-9")],
        known_at=T0 + 2 * DAY,
    )
    assert taken.created == 1
    fresh = Lead.objects.get(person__email=VERA)
    assert fresh.person_id != lead.person_id
    assert Touch.objects.filter(visitor__person=fresh.person).count() == 1
    clocks.let_time_pass(at=T0 + 200 * DAY)
    clocks.fire_clocks(at=T0 + 200 * DAY)
    assert Holding.objects.get(lead=lead).state == "erased"
    with pytest.raises(CannotDo, match="erased already"):
        erasing.erase(person_id=lead.person_id, at=T0 + 3 * DAY)


@pytest.mark.django_db
def test_records_that_joined_are_theirs_as_well_and_a_won_lead_stays_won(cast: Cast) -> None:
    lead = live()
    by = User.objects.get(pk=Holding.objects.get(lead=lead).salesperson_id)
    sales.won(lead_id=lead.pk, value=9_000_00, by=by, at=T0 + 5 * HOUR)
    other = "v.novak@home.example"
    intake([touch("paper.downloaded", at=T0 + 6 * HOUR, email=other)], known_at=T0 + 6 * HOUR)
    merging.merge_people(
        first_id=lead.person_id, second_id=Person.objects.get(email=other).pk, by=cast.ada, at=T0 + 7 * HOUR
    )
    found = erasing.whom(other)
    assert found is not None
    assert len(found.person_ids) == 2
    erasing.erase(person_id=found.person_ids[-1], at=T0 + DAY)
    assert [secret for secret in SECRETS if secret in dump()] == []
    assert set(Holding.objects.values_list("state", flat=True)) == {"won", "erased"}
    with pytest.raises(CannotDo, match="erased; they cannot be parted"):
        merging.part(merge_id=Merge.objects.get().pk, by=cast.ada, at=T0 + 2 * DAY)
    assert verify().problems == []


@pytest.mark.django_db
def test_the_database_masks_nobody_who_still_has_a_key(cast: Cast, as_owner: Any) -> None:
    lead = live()
    one = Touch.objects.filter(visitor__person=lead.person)[0]
    with pytest.raises((IntegrityError, psycopg.IntegrityError), match="only grows"), transaction.atomic():
        connection.cursor().execute("SELECT leads_mask_1(%s)", [[lead.person_id]])
    with pytest.raises((ProgrammingError, IntegrityError)), transaction.atomic():
        Touch.objects.filter(pk=one.pk).update(properties={})
    erasing.erase(person_id=lead.person_id, at=T0 + DAY)
    for change in ({"kind": "x.y"}, {"at": 1}, {"properties": {"a": 1}}):
        with pytest.raises(IntegrityError, match="only grows"), as_owner(), transaction.atomic():
            Touch.objects.filter(pk=one.pk).update(**change)
    with pytest.raises(IntegrityError, match="only grows"), as_owner(), transaction.atomic():
        connection.cursor().execute("DELETE FROM leads_touch WHERE id = %s", [one.pk])


@pytest.mark.django_db
def test_whom_their_touches_counted_for_is_judged_without_them(cast: Cast) -> None:
    for n, name in enumerate(("vera", "otto", "ines"), 1):
        view = touch("page.viewed", at=T0 + n * HOUR, email=f"{name}@ferro.example", path="/blog")
        intake([view], known_at=T0 + n * HOUR)
    assert set(Holding.objects.values_list("verdict", flat=True)) == {"lead"}, "three people of the account are active"
    at = T0 + 5 * HOUR
    erasing.erase(person_id=Person.objects.get(email=VERA).pk, at=at, by=operations())

    there = Holding.objects.exclude(state="erased")
    assert list(there.values_list("verdict", flat=True)) == ["prospect", "prospect"]
    said = Entry.objects.filter(move="judged", at=at, verdict="prospect").values_list("lead__person__email", flat=True)
    assert set(said) == {"otto@ferro.example", "ines@ferro.example"}
    assert verify().holds


def test_only_operations_erases(cast: Cast) -> None:
    lead = live()
    for who in (cast.ada, cast.bo, cast.cleo):
        with pytest.raises(CannotDo, match="Operations erases"):
            erasing.erase(person_id=lead.person_id, at=T0 + DAY, by=who)
    assert not Erasure.objects.exists()


@pytest.mark.django_db
def test_the_export_tells_all_of_it(cast: Cast) -> None:
    live()
    found = erasing.whom("crm-7")
    assert found is not None
    told = held.everything(found, at=T0 + DAY)
    text = held.as_json(told).casefold()
    assert [secret for secret in SECRETS if secret not in text] == []
    assert json.loads(held.as_json(told)) == told
    assert {one["kind"] for one in told["identifiers"]} == {"email", "user_id", "anonymous_id"}
    (lead,) = told["leads"]
    assert [line["move"] for line in lead["ledger"]] == [
        "captured", "judged", "handed_over", "accepted", "qualified", "opportunity_opened",
    ]  # fmt: skip
    assert lead["opportunity"]["value_in_minor_units"] == 9_000_00
    assert lead["verdict"]["says"] == "sales_ready"
    assert told["rejected_rows_in_imports"][0]["file"] == "fair.csv"
    readable = held.as_text(told)
    assert "note: Vera spoke of 40 lorries" in readable
    assert "Backups" in readable


# --- commands ---------------------------------------------------------------------------------------------------


def run(command: Any, *arguments: str) -> Any:
    """A command as it is written, on the test's own database."""
    options = [one for one in command.params if one.name != "data"]
    bare = click.Command(command.name, callback=command.callback.__wrapped__, params=options)
    return CliRunner().invoke(bare, arguments, standalone_mode=False)


@pytest.mark.django_db
def test_the_commands(cast: Cast, tmp_path: Path) -> None:
    lead = live()
    out = tmp_path / "vera.json"
    assert "Wrote" in run(commands.export, VERA, "--out", str(out)).output
    assert json.loads(out.read_text(encoding="utf-8"))["records"][0]["name"] == "Vera Novak"
    assert out.stat().st_mode & 0o777 == 0o600
    again = run(commands.export, VERA, "--out", str(out))
    assert "is there already" in str(again.exception)
    text = tmp_path / "vera.txt"
    assert run(commands.export, VERA, "--out", str(text)).exception is None
    assert "Vera Novak" in text.read_text(encoding="utf-8")

    nobody = run(commands.erase, "who@nowhere.example", "--yes")
    assert "Nobody is known by" in str(nobody.exception)
    dry = run(commands.erase, VERA, "--dry-run")
    assert dry.output.startswith("Would be erased: 1 record, 1 lead, 3 identifiers, 1 touch, ")
    assert "Backups made earlier" in dry.output
    assert not Erasure.objects.exists()
    unasked = run(commands.erase, VERA)
    assert "say --yes" in str(unasked.exception)
    run_ = ImportRun.objects.create(role="leads", file_name="later.csv", started_at=T0, state="looked")
    ImportPart.objects.create(run=run_, number=0, body=f"email\n{VERA}\n".encode())
    done = run(commands.erase, VERA, "--yes", "--json")
    told = json.loads(done.output)
    assert told["waiting_files"] == ["later.csv"]
    assert told["counts"]["touches"] == 1
    assert Holding.objects.get(lead=lead).state == "erased"
    assert "Nobody is known by" in str(run(commands.erase, VERA, "--yes").exception)


# --- pages ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_from_the_lead_page_after_the_address_was_typed(cast: Cast) -> None:
    lead = live()
    page = Client()
    page.force_login(operations(), backend=BACKEND)
    shown = page.get(f"/leads/{lead.pk}/").content.decode()
    assert "Erase…" in shown
    told = page.get(f"/leads/{lead.pk}/export/")
    assert told["Content-Disposition"] == f'attachment; filename="lead-{lead.pk}.json"'
    assert json.loads(told.content)["records"][0]["email"] == VERA
    wrong = page.post(
        f"/leads/{lead.pk}/erase/",
        {"confirm": "vera"},
        follow=True,
        headers={"referer": f"http://testserver/leads/{lead.pk}/"},
    )
    assert "nothing was erased" in wrong.content.decode()
    done = page.post(f"/leads/{lead.pk}/erase/", {"confirm": VERA}, follow=True)
    assert "Erased: 1 record" in done.content.decode()
    after = page.get(f"/leads/{lead.pk}/").content.decode()
    assert "It was erased on request" in after
    assert "Vera" not in after
    assert "Erase…" not in after
    assert Erasure.objects.get().by is not None

    for who in (cast.ada, cast.cleo):
        other = Client()
        other.force_login(who, backend=BACKEND)
        assert other.get(f"/leads/{lead.pk}/export/").status_code == 403
        assert other.post(f"/leads/{lead.pk}/erase/", {"confirm": VERA}).status_code == 403
        assert "Erase…" not in other.get(f"/leads/{lead.pk}/").content.decode()


# --- a race -----------------------------------------------------------------------------------------------------


def test_touches_that_come_meanwhile_are_a_new_persons_or_are_erased(transactional_db: None) -> None:
    sign(make_cast())
    lead = live()
    start = threading.Barrier(2)
    failures: list[BaseException] = []

    def send() -> None:
        try:
            start.wait(10)
            for n in range(30):
                at = T0 + DAY + n
                intake([touch("page.viewed", at=at, email=VERA, path="/after")], known_at=at)
        except Exception as failure:  # noqa: BLE001 -- shown below
            failures.append(failure)
        finally:
            connections.close_all()

    sender = threading.Thread(target=send)
    sender.start()
    start.wait(10)
    erasing.erase(person_id=lead.person_id, at=T0 + DAY)
    sender.join(60)
    assert not failures
    assert Touch.objects.filter(kind="page.viewed").count() == 30
    assert not Touch.objects.filter(visitor__person_id=lead.person_id).exclude(properties={}).exists()
    assert not Identifier.objects.filter(visitor__person_id=lead.person_id).exists()
    assert Lead.objects.filter(person_id=lead.person_id).count() == 1
    assert verify().problems == []


DIES = """
import json, os, signal, sys
from pathlib import Path
from leadpact.lake import manifest
from leadpact.lake.rewrite import forget
manifest.write_private = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
args = json.loads(sys.argv[2])
forget(Path(sys.argv[1]), args["person_ids"], visitor_ids=args["visitor_ids"])
"""


def job_of_the_lake() -> tuple[int, str, str]:
    """The job that takes somebody out of the lake: id, status, arguments."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, status::text, args::text FROM procrastinate_jobs WHERE task_name = 'loop.forget_in_lake'"
        )
        ((id_, status, args),) = cursor.fetchall()
        return id_, status, args


def work_once() -> None:
    """What a worker does with the jobs that are due, after it took back those of one that was killed."""
    assert isinstance(app.connector, DjangoConnector)

    async def work() -> None:
        with app.replace_connector(app.connector.get_worker_connector()) as working:
            async with working.open_async():
                await revive(working)
                await working.run_worker_async(wait=False, delete_jobs="successful", install_signal_handlers=False)

    asyncio.run(work())


def in_files(folder: Path) -> list[str]:
    """What of hers stands in some file of the lake."""
    with Store() as store:
        rows = store.execute(f"SELECT * FROM read_parquet('{folder}/**/*.parquet', union_by_name=true)").fetchall()
    text = str(rows).casefold()
    return [secret for secret in ("vera", "crm-7", "zugspitze", "fleet-form") if secret in text]


def test_the_lake_forgets_though_it_is_busy_and_the_worker_is_killed(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(make_cast())
    live()
    other = "rob@other.example"
    intake([touch("page.viewed", at=T0 + HOUR, email=other, path="/pricing")], known_at=T0 + HOUR)
    folder = tmp_path / "lake"
    monkeypatch.setenv("LEADPACT_LAKE", str(folder))
    with psycopg.connect(**connection.get_connection_params() | {"autocommit": True}) as own:
        export(own, folder, at=T0 + 5 * HOUR)
    assert in_files(folder)
    found = erasing.whom(VERA)
    assert found is not None

    busy = FileLock(folder / LOCK)
    busy.exclusive()
    commands.erased(found, at=T0 + DAY)
    assert "forgets them" in commands.in_lake()
    work_once()
    busy.release()
    job, status, args = job_of_the_lake()
    assert status == "todo", "somebody exports: it is tried again"
    assert in_files(folder)

    killed = subprocess.run([sys.executable, "-c", DIES, str(folder), args], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert in_files(folder), "half of it done is none of it done"
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '40 seconds') RETURNING id)"
            " UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id, scheduled_at = NULL FROM dead"
            " WHERE procrastinate_jobs.id = %s",
            [job],
        )

    work_once()

    assert in_files(folder) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'loop.forget_in_lake'")
        assert cursor.fetchone() == (0,), "it is done once"
    with psycopg.connect(**connection.get_connection_params() | {"autocommit": True}) as own:
        export(own, folder, at=T0 + 2 * DAY)
    assert in_files(folder) == []


@pytest.mark.django_db
def test_words_that_others_wrote_about_them(cast: Cast) -> None:
    """Notes of reviews and comments: whole names and addresses go, notes on their lead go, and parts of a name are told."""
    lead = live()
    review = meeting.prepare(since=T0, until=T0 + DAY, by=cast.ada, at=T0 + DAY)

    def note(text: str, on: int | None = None) -> ReviewNote:
        return tuning.note(
            review=review, lead_id=on, text=text, decided=False, read={lead.pk}, by=cast.ada, at=T0 + DAY
        )

    on_lead = note("They will buy in spring", lead.pk)
    whole = note(f"Ask Vera  NOVAK <{VERA.upper()}> again; overall the seminar line is right")
    part = note("Vera said no twice")
    other = note("Verandas sell well; novakite does not")
    thread = agreement.comment(number=1, key="seminar", text="As with vera novak in May", by=cast.bo, at=T0 + DAY)

    found = erasing.of_person(lead.person_id)
    assert found.mentions == ("a note of 29 May 2026 in review 1",)
    counts = erasing.erase(person_id=lead.person_id, at=T0 + 2 * DAY)
    assert (counts["notes of reviews"], counts["comments"]) == (2, 1)
    for one in (on_lead, whole, part, other):
        one.refresh_from_db()
    assert on_lead.text == "[erased on request]"
    assert whole.text == "Ask [erased on request] <[erased on request]> again; overall the seminar line is right"
    assert part.text == "Vera said no twice"
    assert other.text == "Verandas sell well; novakite does not"
    assert thread.comments.get().text == "As with [erased on request] in May"
    assert "novak" not in meeting_paper.html(review, blind=False).casefold().replace("novakite", "")
    assert digest_of(review.content) == review.digest
