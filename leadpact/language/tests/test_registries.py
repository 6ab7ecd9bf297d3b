"""Kinds, attributes and builtin lists: what they hold holds together."""

from __future__ import annotations

import pytest

from leadpact.language import builtin
from leadpact.language.evaluate import evaluate
from leadpact.language.fields import FIELDS, SCOPES, noun
from leadpact.language.fold import cell, fold
from leadpact.language.history import Fact, History, Lead
from leadpact.language.kinds import KINDS, OURS, is_theirs
from leadpact.language.parse import parse_or_raise


def test_kinds_are_folded_and_each_has_a_side() -> None:
    for name, kind in KINDS.items():
        assert name == kind.id == fold(name)
        assert kind.says
        assert kind.channel
        assert kind.theirs is (name not in OURS) is is_theirs(name)


def test_what_we_do_and_what_they_do() -> None:
    assert {"email.sent", "email.bounced", "call.made", "call.attempted", "seminar.invited", "list.imported"} <= OURS
    theirs = {"page.viewed", "email.opened", "email.clicked", "call.answered", "meeting.held", "demo.requested"}
    assert not theirs & OURS
    assert is_theirs("an event of our own product")


def test_fields_are_said_as_nouns() -> None:
    for name, field in FIELDS.items():
        assert name.partition(".")[0] in SCOPES
        assert field.noun.startswith("the ")
        assert bool(field.yes) == bool(field.no)
    assert noun("account.industry") == "the account's industry"
    assert noun("lead.shoe_size") == "the lead's shoe size"


@pytest.mark.parametrize("name", builtin.NAMES)
def test_builtin_lists_are_sorted_folded_domains(name: str) -> None:
    entries = builtin.entries(name)
    assert list(entries) == sorted(set(entries))
    assert len(entries) > 400
    for entry in entries:
        assert entry == fold(entry)
        assert not set(entry) & set(" @/:")
        assert entry.strip(".") == entry


@pytest.mark.parametrize(
    ("address", "academic"),
    [
        ("mit.edu", True),
        ("cs.ox.ac.uk", True),
        ("uni-heidelberg.de", True),
        ("student.tudelft.nl", True),
        ("unimelb.edu.au", True),
        ("northwind.example", False),
        ("education.example", False),
        ("edu.example", False),
        ("notmit.edu.example", False),
    ],
)
def test_who_writes_from_a_university(address: str, academic: bool) -> None:
    text = "leadpact: 1\nname: A\nverdicts: {sales_ready: {person.email_domain: {in: builtin.academic}}}\n"
    lead = Lead("1", "p", None, 0, (Fact("person.email_domain", cell(address), 0, 0),))
    judgement = evaluate(parse_or_raise(text), lead, History([lead], []), 1)
    assert (judgement.verdict == "sales_ready") is academic


def test_well_known_mail_services_are_there() -> None:
    assert {"gmail.com", "yahoo.com", "outlook.com", "gmx.de"} <= set(builtin.free_mail())
    assert "mailinator.com" in builtin.disposable()
