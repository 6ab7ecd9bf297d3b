"""Whoever changes the ledger behind its back is found out: by the pass over it, or against a root taken before."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.db import connection, transaction

from leadpact.custody import cli
from leadpact.custody.actions import SYSTEM, Actor, NewEntry, record
from leadpact.custody.actions.proof import Root, export_root, take_root, verify
from leadpact.kit.failures import CannotDo
from leadpact.leads.models import Lead, Person
from leadpact.team.models import User

from .conftest import SECRET, MakeLeads, new_leads

AsOwner = Callable[[], AbstractContextManager[None]]


def grow(ids: list[int], seller: User) -> None:
    """Four entries a lead."""
    with transaction.atomic():
        for at, move in enumerate(("captured", "judged", "handed_over", "accepted"), 10):
            record([_entry(lead, move, seller) for lead in ids], at=at)


def _entry(lead: int, move: str, seller: User) -> NewEntry:
    if move == "captured":
        return NewEntry(lead, move, SYSTEM)
    if move == "judged":
        return NewEntry(lead, move, SYSTEM, verdict="sales_ready", due=900, due_what="touch_every")
    if move == "handed_over":
        return NewEntry(
            lead, move, SYSTEM, cause="definition", salesperson_id=seller.pk, due=900, due_what="accept_within"
        )
    return NewEntry(lead, move, Actor("sales", seller.pk), due=900, due_what="first_follow_up_within", note="Fine")


def tamper(as_owner: AsOwner, statement: str) -> None:
    """What a database administrator could do: switch the guards off, change, switch them on."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE custody_entry DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE custody_entry ENABLE TRIGGER USER")


@pytest.mark.django_db
def test_an_honest_ledger_holds(leads: MakeLeads, ada: User) -> None:
    seen: list[int] = []
    grow(leads(5), ada)
    proof = verify(progress=seen.append)
    assert (proof.holds, proof.leads, proof.entries, proof.problems) == (True, 5, 20, [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE custody_entry SET at = at + 1 WHERE seq = 4 AND lead_id = {lead}", "it was changed"),
        ("UPDATE custody_entry SET reason = 'x' WHERE seq = 2 AND lead_id = {lead}", "it was changed"),
        ("UPDATE custody_entry SET user_id = NULL WHERE seq = 4 AND lead_id = {lead}", "it was changed"),
        ("UPDATE custody_entry SET commitment = NULL WHERE seq = 4 AND lead_id = {lead}", "it was changed"),
        ("UPDATE custody_entry SET hash = sha256('x') WHERE seq = 2 AND lead_id = {lead}", "does not name the hash"),
        ("DELETE FROM custody_words; DELETE FROM custody_entry WHERE seq = 4 AND lead_id = {lead}", "does not stand on its last"),
        ("DELETE FROM custody_entry WHERE seq = 2 AND lead_id = {lead}", "the sequence has a gap"),
        ("UPDATE custody_holding SET holder = 'closed', state = 'won' WHERE lead_id = {lead}", "says state 'won'"),
        ("UPDATE custody_holding SET salesperson_id = NULL WHERE lead_id = {lead}", "says salesperson_id None"),
        ("UPDATE custody_holding SET attempts = 6 WHERE lead_id = {lead}", "says attempts 6, its entries say 0"),
        ("DELETE FROM custody_holding WHERE lead_id = {lead}", "has entries and no holding"),
    ],
)  # fmt: skip
def test_tampering_is_found(leads: MakeLeads, ada: User, as_owner: AsOwner, statement: str, sentence: str) -> None:
    ids = leads(3)
    grow(ids, ada)
    tamper(as_owner, statement.format(lead=ids[1]))
    proof = verify()
    assert not proof.holds
    assert any(sentence in problem for problem in proof.problems), proof.problems
    assert all(f"lead {ids[1]}" in problem for problem in proof.problems), "only the spoilt lead is blamed"


@pytest.mark.django_db
def test_a_lead_that_nobody_holds_is_found(ada: User) -> None:
    person = Person.objects.create(secret=SECRET, created_at=1)
    lead = Lead.objects.create(person=person, created_at=1)
    assert verify().problems == [f"lead {lead.pk} is held by nobody: it has no entries"]


@pytest.mark.django_db
def test_erasing_the_words_leaves_the_ledger_whole(leads: MakeLeads, ada: User) -> None:
    grow(leads(2), ada)
    Person.objects.update(secret=b"")
    assert verify().holds


@pytest.mark.django_db(transaction=True)
def test_a_root_proves_that_nothing_was_rewritten(ada: User, tmp_path: Path) -> None:
    """Someone who rewrites a whole chain, hashes and all, passes the pass; the root taken before tells."""
    ids = new_leads(7)
    grow(ids, ada)
    root = take_root(at=5)
    assert (root.leads, root.entries) == (7, 28)
    grow_more = [NewEntry(lead, "followed_up", Actor("sales", ada.pk), reason="attempt") for lead in ids[:3]]
    with transaction.atomic():
        record(grow_more, at=50)
    grow(new_leads(2), ada)
    assert verify(against=root).holds, "what came later does not matter"
    assert not verify(against=replace(root, root="00" * 32)).holds
    assert not verify(against=replace(root, entries=27)).holds
    later = take_root(at=60)
    assert later.root != root.root
    assert verify(against=later).holds

    wrote = export_root(at=1_780_000_000_000_000)
    assert wrote.name == "2026-05-28.json"
    assert cli.read_root(wrote).root == later.root
    broken = tmp_path / "no-root.json"
    broken.write_text("{}")
    with pytest.raises(CannotDo, match="is no root of a ledger"):
        cli.read_root(broken)
    _the_commands_say_so(tmp_path, ids[0])


def _the_commands_say_so(tmp_path: Path, lead: int) -> None:
    """The commands' own bodies, below the decorator that would start a database."""
    out = tmp_path / "root.json"
    with CliRunner().isolation() as streams:
        cli.root_.callback.__wrapped__(out)  # type: ignore[union-attr]
        cli.verify.callback.__wrapped__(out, as_json=False)  # type: ignore[union-attr]
        cli.verify.callback.__wrapped__(None, as_json=True)  # type: ignore[union-attr]
        cli.history.callback.__wrapped__(lead, as_json=False)  # type: ignore[union-attr]
        printed = streams[0].getvalue().decode()
    root = Root(**json.loads(out.read_text()))
    assert f"{root.root} over 9 leads and 39 entries" in printed
    assert "The ledger holds: 39 entries of 9 leads" in printed
    assert "heads of that root are still what they were" in printed
    assert '"holds": true' in printed
    assert "accepted           sales/accepted     by Ada" in printed
    with pytest.raises(CannotDo, match="is not in the ledger"):
        cli.history.callback.__wrapped__(10**9, as_json=False)  # type: ignore[union-attr]
    out.write_text(json.dumps({**json.loads(out.read_text()), "root": "00" * 32}))
    with pytest.raises(CannotDo, match="does not hold"):
        cli.verify.callback.__wrapped__(out, as_json=False)  # type: ignore[union-attr]


@pytest.mark.django_db
def test_a_root_is_not_taken_inside_a_transaction() -> None:
    with pytest.raises(RuntimeError, match="outside a transaction"):
        take_root(at=1)
