"""A version's way into force and out of it, what the ledger says of it, and the proof that what runs was signed."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, redirect_stdout

import pytest
from django.db import DatabaseError, connection, transaction

from leadpact.agreement import actions
from leadpact.agreement import queries as agreement
from leadpact.agreement.actions import proof
from leadpact.agreement.models import Effect, Rejudging, Version
from leadpact.agreement.queries import Tampered, in_force
from leadpact.agreement.rules import Refused
from leadpact.custody.models import Entry
from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.language.fold import UNICODE_VERSION
from leadpact.language.knobs import turn
from leadpact.language.to_sql import compile_sql
from leadpact.loop import clocks, jobs, judging
from leadpact.loop.intake import take
from leadpact.qualification import actions as qualification
from leadpact.site.agreement_proof import verify as command
from leadpact.site.lead_queries import card, timeline
from tests.cast import DAY, EXAMPLE, HOUR, T0, Cast, sign, touch, traits

SOURCE = EXAMPLE.read_text(encoding="utf-8")
FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})
MINUTE = 60_000_000
OwnerBlock = Callable[[], AbstractContextManager[None]]


def lower(threshold: int) -> str:
    return SOURCE.replace("{engagement: {at_least: 30}}", f"{{engagement: {{at_least: {threshold}}}}}")


def proposed(cast: Cast, source: str, *, at: int, wanted_at: int | None = None) -> int:
    version = actions.draft(source=source, by=cast.ada, at=at)
    actions.propose(number=version.number, by=cast.ada, at=at, wanted_at=wanted_at)
    return version.number


def both_sign(cast: Cast, number: int, *, at: int) -> Effect:
    actions.sign(number=number, by=cast.bo, at=at)
    return actions.sign(number=number, by=cast.ada, at=at)


def number_at(at: int) -> int | None:
    found = in_force(at)
    return found.number if found else None


def prospects(count: int, *, at: int = T0) -> None:
    """People who fit and came to one seminar: 20 points of engagement, each at a firm of their own."""
    for n in range(count):
        take([touch("seminar.attended", at=at, email=f"p@firm{n}.example", account=FIT)], known_at=at)


@pytest.mark.django_db
def test_a_version_signed_for_an_instant_begins_then_and_not_before(cast: Cast) -> None:
    assert number_at(T0 - 1) is None
    number = proposed(cast, lower(20), at=T0 + 1, wanted_at=T0 + 7 * DAY)
    effect = both_sign(cast, number, at=T0 + DAY)
    assert (effect.status, effect.effective_at) == ("signed", T0 + 7 * DAY)
    assert [number_at(at) for at in (T0, T0 + 7 * DAY - 1, T0 + 7 * DAY)] == [1, 1, 2]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM scheduled_at) * 1000000 FROM procrastinate_jobs WHERE args->>'agreement_hash' = %s",
            [in_force(T0 + 8 * DAY).hash],  # type: ignore[union-attr]
        )
        assert [int(row[0]) for row in cursor.fetchall()] == [T0 + 7 * DAY]


@pytest.mark.django_db
def test_the_instant_both_signed_for_passes_while_one_hesitates(cast: Cast) -> None:
    number = proposed(cast, lower(20), at=T0 + 1, wanted_at=T0 + HOUR)
    assert both_sign(cast, number, at=T0 + DAY).effective_at == T0 + DAY
    with pytest.raises(Refused, match="past"):
        proposed(cast, lower(21), at=T0 + DAY, wanted_at=T0)
    with pytest.raises(Refused, match="year"):
        proposed(cast, lower(21), at=T0 + DAY, wanted_at=T0 + 400 * DAY)


@pytest.mark.django_db
def test_an_earlier_version_comes_back_by_new_signatures(cast: Cast) -> None:
    second = sign(cast, at=T0 + DAY, source=lower(20))
    first = Version.objects.get(number=1)
    with pytest.raises(Refused, match="Propose version 1 again"):
        proposed(cast, SOURCE, at=T0 + 2 * DAY)

    actions.propose_again(number=1, by=cast.bo, at=T0 + 2 * DAY, why="The seminar season is over.")
    with pytest.raises(Refused, match="waits for signatures"):
        actions.propose_again(number=1, by=cast.bo, at=T0 + 2 * DAY)
    assert number_at(T0 + 2 * DAY) == second, "a proposal changes nothing yet"
    effect = both_sign(cast, 1, at=T0 + 3 * DAY)

    found = in_force(T0 + 3 * DAY)
    assert found is not None
    assert (found.number, found.hash, found.effect) == (1, first.hash, effect.pk)
    assert [(p.hash == first.hash, p.start, p.end) for p in agreement.in_force_periods()] == [
        (True, T0, T0 + DAY), (False, T0 + DAY, T0 + 3 * DAY), (True, T0 + 3 * DAY, None),
    ]  # fmt: skip
    assert len({one.seal for e in Effect.objects.all() for one in e.signatures.all()}) == 6
    with pytest.raises(Refused, match="in force"):
        actions.propose_again(number=1, by=cast.ada, at=T0 + 4 * DAY)
    assert actions.verify(at=T0 + 4 * DAY).problems == []


@pytest.mark.django_db
def test_a_proposal_is_withdrawn_until_it_begins_and_can_be_made_again(cast: Cast) -> None:
    number = proposed(cast, lower(20), at=T0 + 1)
    actions.sign(number=number, by=cast.ada, at=T0 + 2)
    actions.withdraw(number=number, by=cast.ada, at=T0 + 3)
    with pytest.raises(Refused, match="Propose this version first"):
        actions.sign(number=number, by=cast.bo, at=T0 + 4)
    with pytest.raises(Refused, match="no longer a draft"):
        actions.edit(number=number, source=SOURCE, by=cast.ada, at=T0 + 4)

    actions.propose_again(number=number, by=cast.ada, at=T0 + 5, wanted_at=T0 + DAY)
    actions.sign(number=number, by=cast.ada, at=T0 + 6)
    assert number_at(T0 + 2 * DAY) == 1, "the signature of before counts for nothing"
    actions.sign(number=number, by=cast.bo, at=T0 + 7)
    assert number_at(T0 + 2 * DAY) == number
    actions.withdraw(number=number, by=cast.bo, at=T0 + HOUR)
    assert number_at(T0 + 2 * DAY) == 1, "either head may step back before it begins"

    second = sign(cast, at=T0 + 3 * DAY, source=lower(25))
    with pytest.raises(Refused, match="has taken effect"):
        actions.withdraw(number=second, by=cast.bo, at=T0 + 3 * DAY)


@pytest.mark.django_db
def test_only_heads_sign_each_for_the_own_side_and_once(cast: Cast) -> None:
    number = proposed(cast, lower(20), at=T0 + 1)
    with pytest.raises(Refused, match="heads"):
        actions.sign(number=number, by=cast.cleo, at=T0 + 2)
    actions.sign(number=number, by=cast.bo, at=T0 + 2)
    with pytest.raises(Refused, match="Sales has signed"):
        actions.sign(number=number, by=cast.bo, at=T0 + 3)
    assert number_at(T0 + DAY) == 1


@pytest.mark.django_db
def test_the_database_refuses_what_the_actions_would_not_do(cast: Cast, as_owner: OwnerBlock) -> None:
    number = proposed(cast, lower(20), at=T0 + 1)
    effect = Effect.objects.get(version__number=number)
    forged = "INSERT INTO agreement_signature (effect_id, department, signer, hash, seal, at)"
    forged += f" VALUES ({effect.pk}, 'sales', 1, 'x', 'x', 1)"
    for statement, says in (
        (
            f"UPDATE agreement_effect SET status = 'signed', effective_at = 1 WHERE id = {effect.pk}",
            "lacks a signature",
        ),
        (f"UPDATE agreement_effect SET wanted_at = 1 WHERE id = {effect.pk}", "proposed or signed as it is"),
        (f"UPDATE agreement_version SET source = 'x' WHERE number = {number}", "cannot change"),
        (f"UPDATE agreement_version SET status = 'draft' WHERE number = {number}", "cannot change"),
        ("UPDATE agreement_effect SET effective_at = effective_at + 1 WHERE status = 'signed'", "as it is"),
        ("UPDATE agreement_signature SET hash = 'x'", "cannot be changed"),
        ("DELETE FROM agreement_effect", "cannot be deleted"),
        ("UPDATE agreement_revision SET source = 'x'", "only grows"),
        (
            forged,
            "names the hash",
        ),
    ):
        with as_owner(), pytest.raises(DatabaseError, match=says), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


# --- everybody is judged anew ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_ledger_says_that_the_version_changed_the_verdict_and_not_the_person(cast: Cast) -> None:
    prospects(3)
    idle = take([touch("webinar.attended", at=T0, email="idle@other.example")], known_at=T0)
    assert idle.judged == 1
    at = T0 + 30 * DAY
    number = sign(cast, at=at, source=lower(16))
    with clock.at(at + 1):
        jobs.rejudge(agreement_hash=in_force(at).hash)  # type: ignore[union-attr]

    told = list(Entry.objects.filter(at__gt=at).order_by("lead_id", "seq").values_list("move", "cause", "verdict"))
    assert told == [("judged", "version", "sales_ready"), ("handed_over", "definition", "")] * 3
    progress = agreement.rejudging(in_force(at).effect)  # type: ignore[union-attr]
    assert progress is not None
    assert (progress.number, progress.total, progress.done, progress.changed, progress.handed_over) == (
        number,
        4,
        4,
        3,
        3,
    )
    assert progress.finished_at == at + 1
    lead = card(Entry.objects.filter(cause="version").values_list("lead_id", flat=True)[0])
    assert lead is not None
    notes = {moment.title: moment.note for moment in timeline(lead, blind=False)}
    assert "the new version of the agreement changed this, not the person" in notes["Judged: sales ready"]
    assert not any("version" in moment.note for moment in timeline(lead, blind=True))


@pytest.mark.django_db
def test_a_verdict_that_time_changed_meanwhile_is_not_laid_at_the_versions_door(cast: Cast) -> None:
    prospects(1)
    assert Entry.objects.filter(move="judged").values_list("verdict", flat=True)[0] == "lead"
    at = T0 + 170 * DAY  # the seminar has faded: below 15 under either version, and no tick has been taken
    sign(cast, at=at, source=lower(29))
    with clock.at(at + 1):
        jobs.rejudge(agreement_hash=in_force(at).hash)  # type: ignore[union-attr]
    assert list(Entry.objects.filter(at__gt=at).values_list("verdict", "cause")) == [("prospect", "")]


@pytest.mark.django_db
def test_whoever_is_judged_before_their_turn_is_told_apart_too(cast: Cast) -> None:
    prospects(2)
    at = T0 + DAY
    sign(cast, at=at, source=lower(24))
    # Before the job comes: a look at the price page (almost 25 points in all) suffices now and did not before; a demo always did.
    for n, kind, path in ((0, "page.viewed", "/pricing"), (1, "demo.requested", "/demo")):
        take([touch(kind, at=at + 1, email=f"p@firm{n}.example", path=path)], known_at=at + 1)
    told = Entry.objects.filter(move="judged", at__gt=at).order_by("lead_id").values_list("verdict", "cause")
    assert list(told) == [("sales_ready", "version"), ("sales_ready", "")]


@pytest.mark.django_db
def test_a_change_of_version_that_was_killed_goes_on_where_it_was(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    prospects(5)
    at = T0 + DAY
    sign(cast, at=at, source=lower(15))
    version = in_force(at)
    assert version is not None
    monkeypatch.setattr(clocks, "CHUNK", 2)
    real, asked = judging.judge_set, []

    def dies_in_the_second_set(lead_ids: list[int], **more: object) -> judging.Outcome:
        asked.append(list(lead_ids))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(lead_ids, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(clocks, "judge_set", dies_in_the_second_set)
    with pytest.raises(KeyboardInterrupt), clock.at(at):
        jobs.rejudge(agreement_hash=version.hash)
    stopped = Rejudging.objects.get()
    assert (stopped.done, stopped.total, stopped.finished_at) == (2, 5, None)

    with clock.at(at + MINUTE):
        jobs.rejudge(agreement_hash=version.hash)
    assert [len(ids) for ids in asked] == [2, 2, 2, 1]
    done = Rejudging.objects.get()
    assert (done.done, done.changed, done.handed_over, done.finished_at) == (5, 5, 5, at + MINUTE)
    with clock.at(at + 2 * HOUR):
        jobs.rejudge(agreement_hash=version.hash)
    assert len(asked) == 4, "what is done is not done twice"


@pytest.mark.django_db
def test_a_later_version_stops_the_one_before(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    prospects(3)
    at = T0 + DAY
    sign(cast, at=at, source=lower(15))
    sign(cast, at=at + HOUR, source=lower(16))
    version = in_force(at)
    assert version is not None
    monkeypatch.setattr(clocks, "CHUNK", 1)
    instants = iter([at, at + 1, at + HOUR])
    clocks.rejudge_everybody(version=version, at=lambda: next(instants))
    found = Rejudging.objects.get(effect_id=version.effect)
    assert (found.done, found.overtaken, found.finished_at) == (1, True, at + HOUR)


# --- what runs is what was signed ----------------------------------------------------------------------------------


def run_command(*arguments: str) -> tuple[int, str]:
    """The command's own function, on the test's database (the door that opens one is tested elsewhere)."""
    out = io.StringIO()
    body = command.callback.__wrapped__  # type: ignore[union-attr]
    with redirect_stdout(out), clock.at(T0 + HOUR):
        try:
            body(leads=50, as_json="--json" in arguments)
        except CannotDo as failed:
            return 1, f"{out.getvalue()}{failed.message}"
    return 0, out.getvalue()


@pytest.mark.django_db
def test_verify_says_which_version_runs_and_how_much_it_looked_at(cast: Cast) -> None:
    prospects(3)
    status, said = run_command()
    assert status == 0, said
    assert "Version 1 runs" in said
    assert "asked about 3 leads" in said
    assert "1 version, 1 proposal, 2 signatures, 6 entries" in said
    status, said = run_command("--json")
    assert '"holds": true' in said


@pytest.mark.django_db
def test_the_unicode_version_is_kept_with_what_was_frozen_and_a_younger_one_is_told(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(Version.objects.values_list("unicode", flat=True)) == {UNICODE_VERSION}
    with pytest.raises(DatabaseError, match="cannot change"), transaction.atomic():
        Version.objects.update(unicode="3.0.0")
    status, said = run_command()
    assert (status, "Unicode" in said) == (0, False), said

    monkeypatch.setattr(proof, "UNICODE_VERSION", "99.0.0")
    status, said = run_command()
    assert status == 0, said
    assert f"Version 1 was frozen under Unicode {UNICODE_VERSION}, and this Python folds text by 99.0.0." in said

    monkeypatch.setattr(proof, "fold", lambda text: text.replace("manufacturing", "manufacturing "))
    status, said = run_command()
    assert (status, "reads its 'manufacturing' otherwise" in said) == (1, True), said


FORM = "convert_to(replace(convert_from(canonical, 'UTF8'), '\"at_least\":30000', '\"at_least\":20000'), 'UTF8')"
TAMPERED = {
    "the canonical form": (f"UPDATE agreement_version SET canonical = {FORM}", "does not have the hash"),
    "form and hash together": (
        f"UPDATE agreement_version SET canonical = {FORM}, hash = encode(sha256({FORM}), 'hex')",
        "not the hash of that version",
    ),
    "a form that cannot be read": (
        "UPDATE agreement_version SET canonical = convert_to('{}', 'UTF8')",
        "does not have the hash",
    ),
    "the file that people read": (
        "UPDATE agreement_version SET source = replace(source, '30}}', '20}}')",
        "seal of marketing does not fit",
    ),
    "who signed": (
        "UPDATE agreement_signature SET signer = signer + 100, user_id = NULL",
        "seal of sales does not fit",
    ),
    "a signature taken away": (
        "DELETE FROM agreement_signature WHERE department = 'sales'",
        "sales did not sign it",
    ),
    "one person for both": (
        "UPDATE agreement_signature SET signer = (SELECT min(signer) FROM agreement_signature), user_id = NULL",
        "for both departments by one person",
    ),
    "the instant": (
        "UPDATE agreement_effect SET effective_at = effective_at - 86400000000",
        "another instant than the one both signed for",
    ),
    "the ledger": (
        "UPDATE custody_entry SET agreement = repeat('ab', 32) WHERE move = 'judged'",
        "never signed",
    ),
    "an effect taken away": (
        "DELETE FROM agreement_signature; DELETE FROM agreement_effect",
        "never signed",
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("what", TAMPERED)
def test_verify_finds_what_a_superuser_changed(what: str, cast: Cast, as_owner: OwnerBlock) -> None:
    prospects(2)
    assert run_command()[0] == 0
    statement, says = TAMPERED[what]
    tables = ("agreement_version", "agreement_signature", "agreement_effect", "custody_entry")
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    agreement._loaded.cache_clear()
    status, said = run_command()
    agreement._loaded.cache_clear()
    assert status == 1, said
    assert says in said


@pytest.mark.django_db
def test_nothing_is_judged_by_a_form_that_was_not_signed(cast: Cast, as_owner: OwnerBlock) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE agreement_version DISABLE TRIGGER USER")
        cursor.execute(TAMPERED["the canonical form"][0])
        cursor.execute("ALTER TABLE agreement_version ENABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    agreement._loaded.cache_clear()
    with pytest.raises(Tampered, match="not what was signed"):
        take([touch("seminar.attended", at=T0, email="p@ferro.example")], known_at=T0)
    agreement._loaded.cache_clear()


@pytest.mark.django_db
def test_verify_finds_a_statement_that_means_something_else(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    prospects(2)
    current = in_force(T0)
    assert current is not None
    other = compile_sql(turn(current.agreement, {"points.seminar": 19}), "postgres")
    monkeypatch.setattr(qualification, "compile_sql", lambda *_: other)
    qualification.statement.cache_clear()
    status, said = run_command()
    qualification.statement.cache_clear()
    assert status == 1
    assert "what was signed means" in said
