"""Whatever file is right: it is read, hashed, frozen, checked, said and compared, and nothing of it is lost."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from leadpact.language import builtin, hours, parse_market
from leadpact.language.canonical import agreement_hash, canonical, load
from leadpact.language.check import check
from leadpact.language.diff import diff
from leadpact.language.evaluate import evaluate
from leadpact.language.fold import cell
from leadpact.language.history import Fact, History, Lead
from leadpact.language.nodes import Agreement
from leadpact.language.parse import LINE_KEYS, SECTIONS, parse, parse_or_raise
from leadpact.language.parse_comparisons import OPERATORS
from leadpact.language.parse_conditions import QUERY_KEYS
from leadpact.language.parse_promises import REASON_KEYS
from leadpact.language.schema import json_schema
from leadpact.language.tests.drawing import draw_agreement
from leadpact.language.tests.writing import Data, files, written
from leadpact.language.to_sql import compile_sql
from leadpact.language.words import say_agreement, sections, sentence, verdict_sentence

EXAMPLE = (Path(__file__).parent.parent / "example.yaml").read_text()
MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema())


@given(files())
@MANY
def test_a_right_file_goes_the_whole_way(file: Data) -> None:
    parsed = parse(written(file))
    assert parsed.errors == ()
    agreement = parsed.agreement
    assert agreement is not None
    assert sum(len(file[name]) for name in ("fit", "engagement", "readiness")) == len(agreement.lines)

    frozen = canonical(agreement)
    again = load(frozen)
    assert again == agreement
    assert canonical(again) == frozen
    assert agreement_hash(again) == agreement_hash(agreement)
    assert parse_or_raise(written(file)) == agreement

    assert [error.message for error in validator().iter_errors(file)] == []
    assert check(again) == check(agreement)
    for problem in check(agreement, parsed.positions):
        assert problem.severity == "warning"
        assert problem.line >= 1
    assert diff(agreement, again) == []
    _is_said(agreement)


def _is_said(agreement: Agreement) -> None:
    text = say_agreement(agreement)
    assert max(map(len, text.splitlines())) <= 100 or agreement.name in text.splitlines()[0]
    flat = " ".join(text.split())
    for section in sections(agreement):
        for told in section.sentences:
            assert " ".join(told.text.split()) in flat
    for line in agreement.lines:
        assert sentence(line, agreement).startswith(line.says.rstrip("."))
        assert "  " not in sentence(line, agreement)
    for verdict in agreement.verdicts:
        assert verdict_sentence(verdict, agreement).endswith(".")


@given(files(), st.randoms(use_true_random=False))
@settings(MANY, max_examples=10)
def test_the_order_of_lines_has_no_meaning(file: Data, chance: Random) -> None:
    shuffled = deepcopy(file)
    for dimension in ("fit", "engagement", "readiness"):
        chance.shuffle(shuffled[dimension])
    one, other = parse_or_raise(written(file)), parse_or_raise(written(shuffled))
    assert diff(one, other) == []
    order = ("twice", "edge")  # these name the second line of a pair
    assert [p.message for p in check(one) if p.code not in order] == [
        p.message for p in check(other) if p.code not in order
    ]


@given(files(), files())
@settings(MANY, max_examples=10)
def test_two_files_are_compared_both_ways(one: Data, other: Data) -> None:
    before, after = parse_or_raise(written(one)), parse_or_raise(written(other))
    there, back = diff(before, after), diff(after, before)
    assert bool(there) == bool(back)
    for said in there + back:
        assert said[0] == said[0].upper()
        assert said == said.strip()


@pytest.mark.parametrize("seed", range(40))
def test_agreements_that_no_file_can_hold_are_frozen_too(seed: int) -> None:
    agreement = draw_agreement(Random(seed))
    assert load(canonical(agreement)) == agreement
    check(agreement)
    _is_said(agreement)


# --- the canonical form ------------------------------------------------------------------


def test_the_hash_of_the_example_does_not_hang_on_its_spelling() -> None:
    agreement = parse_or_raise(EXAMPLE)
    as_json = json.dumps(YAML(typ="safe").load(EXAMPLE), default=str)
    assert agreement_hash(parse_or_raise(as_json)) == agreement_hash(agreement)
    assert agreement_hash(parse_or_raise(EXAMPLE.replace("points: 25", "points: 26"))) != agreement_hash(agreement)
    assert len(agreement_hash(agreement)) == 64


def test_the_canonical_form_is_pinned() -> None:
    """If this fails, the hashes of all signed versions changed: mend the code, not the test."""
    small = parse_or_raise(
        "leadpact: 1\nname: Größe\n"
        "fit:\n  - {id: a, says: A, if: {account.x: {between: [1, 2.5], known: true}}, points: 5}\n"
        "engagement:\n  - {id: b, says: B, each: {touch: page.viewed, within: 2 days}, points: -5, fades: true}\n"
        "verdicts: {sales_ready: {any: [{fit: {above: 4}}, {not: {touch: demo.requested, at_most: 0}}]}}\n"
    )
    assert canonical(small).decode() == (
        '{"agreement":{"lines":[{"dimension":"fit","id":"a","node":"Line","points":5,"rule":{"condition":{"field":'
        '"account.x","node":"Attribute","tests":[{"node":"Test","operand":[{"node":"Scaled","value":1000000},'
        '{"node":"Scaled","value":2500000}],"operator":"between"},{"node":"Test","operand":true,"operator":"known"}]},'
        '"node":"If"},"says":"A"},{"dimension":"engagement","id":"b","node":"Line","points":-5,"rule":{"fades":true,'
        '"node":"Each","query":{"kinds":["page.viewed"],"node":"TouchQuery","within":172800000000}},"says":"B"}],'
        '"name":"Größe","node":"Agreement","verdicts":[{"alternatives":[{"at_least":4001,"dimension":"fit","node":'
        '"Score"},{"node":"Not","part":{"at_least":0,"at_most":0,"node":"Touched","query":{"kinds":["demo.requested"],'
        '"node":"TouchQuery"}}}],"name":"sales_ready","node":"Verdict"}]},"form":1}'
    )


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (b"no json", "not JSON"),
        (b"[]", "not an object"),
        (b'{"form": 2, "agreement": {}}', "form 2"),
        (b'{"form": 1}', "no agreement"),
        (b'{"form": 1, "agreement": {"node": "Line"}}', "does not fit"),
        (b'{"form": 1, "agreement": {"node": "Path"}}', "unknown node"),
        (b'{"form": 1, "agreement": {"name": "x"}}', "unknown node"),
        (b'{"form": 1, "agreement": {"node": "Score", "dimension": "luck"}}', "luck"),
        (b'{"form": 1, "agreement": {"node": "Score", "dimension": "fit"}}', "no agreement"),
    ],
)
def test_a_damaged_frozen_form_is_refused(stored: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(stored)


# --- the schema --------------------------------------------------------------------------


def test_the_example_fits_the_schema() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert list(validator().iter_errors(json.loads(json.dumps(YAML(typ="safe").load(EXAMPLE), default=str)))) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("points: 25", "points: 25.5"),
        ("points: 25", "point: 25"),
        ("blames: data", "blames: date"),
        ("4 business hours", "4 busines hours"),
        ("fades: true", "fades: maybe"),
        ("{below: 15}", "{beneath: 15}"),
        ("each: {touch: seminar.attended,", "each: {touch: seminar.attended, until: now,"),
        ("leadpact: 1", "leadpact: 3"),
        ("sales_ready:", "salesready:"),
        ("share: 2%", "share: two"),
        ("name: North", "nam: North"),
        ("engagement:", "engagment:"),
        ("  - id: seminar\n", "  -\n"),
        ("points: 25", "points: 25000"),
        ("points: 25", "pionts: 25"),
        ("points: 25", "points: 25\n    at_most: 30"),
        ("at_most: 40", "at_most: 0"),
        ("fades: true", "fades: true\n    if: {touch: page.viewed}"),
        ("{between: [200, 5000]}", "{between: [200]}"),
        ("{between: [200, 5000]}", "{betwen: [200, 5000]}"),
        ("{between: [200, 5000]}", "{between: [200, many]}"),
        ("{account.employees:", "{acount.employees:"),
        ("per: day", "per: week"),
        ("within: 14 days", "within: 14 business days"),
        ("within: 14 days", "within: a fortnight"),
        ("  disqualified:\n    any:", "  disqualified:\n    some:"),
        ("then: repair", "then: mend"),
        ("only_after: attempts", "only_after: calls"),
        ("play: find_sponsor", "play: Find Sponsor"),
        ("near_threshold: {within: 15 points,", "near_threshold: {within: 15,"),
        ("market:\n  timezone", "market:\n  time_zone"),
        ("says: Came to a seminar", f"says: {'x' * 501}"),
    ],
)
def test_the_schema_sees_mistakes(before: str, after: str) -> None:
    """Each of them is an error for the parser too: an editor that underlines it is right."""
    text = EXAMPLE.replace(before, after)
    assert text != EXAMPLE
    assert parse(text).errors
    wrong = YAML(typ="safe").load(text)
    assert list(validator().iter_errors(json.loads(json.dumps(wrong, default=str))))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("name: Northwind qualified lead", "name: 2026"),
        ("says: Came to a seminar", "says: yes"),
        ("id: seminar", "id: true"),
        ("fades: true", "fades: Yes"),
        ("points: 25", "points: 25.0"),
        ("points: 25", "points: +25"),
        ("at_most: 6}}", "at_most: .5}}"),
        ("per: day", "per: day, distinct: 5"),
        ("touch: seminar.attended", "touch: [seminar.attended, 42]"),
        ("person.opted_out: true", "person.opted_out: {known: NO}"),
        ("within: 14 days", "within: '14   day '"),
    ],
)
def test_what_the_parser_reads_the_schema_lets_through(before: str, after: str) -> None:
    """Odd spellings too: an editor must not underline what is right."""
    text = EXAMPLE.replace(before, after)
    assert text != EXAMPLE
    assert parse(text).errors == ()
    data = YAML(typ="safe").load(text)
    assert [e.message for e in validator().iter_errors(json.loads(json.dumps(data, default=str)))] == []


def test_the_schema_knows_every_word_of_the_parser_and_says_what_it_is() -> None:
    schema = json_schema()
    found: dict[str, set[str]] = {}

    def look(node: Any) -> None:
        if isinstance(node, dict):
            for name, child in node.get("properties", {}).items():
                found.setdefault(name, set()).add(child.get("description", ""))
            for child in node.values():
                look(child)
        elif isinstance(node, list):
            for child in node:
                look(child)

    look(schema)
    words = {*SECTIONS, *LINE_KEYS, *QUERY_KEYS, *OPERATORS, *REASON_KEYS}
    assert words <= set(found)
    assert not [word for word in words if not any(found[word])]
    assert set(schema["properties"]) == set(SECTIONS)


# --- frozen ------------------------------------------------------------------------------


def test_what_was_signed_stays_when_every_package_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists, holidays and the time zone are read from the canonical form; nothing of the day is asked."""
    frozen = canonical(parse_or_raise(EXAMPLE.replace("builtin.academic", "builtin.free_mail")))
    monday = 1_790_000_000_000_000
    told = hours.add(monday, 40 * hours.MINUTE * 60, parse_or_raise(EXAMPLE).market)

    def moved(*_: object, **__: object) -> None:
        raise AssertionError("a signed version asks no package")

    hours.calendar.cache_clear()
    for module, name in (
        (builtin, "entries"),
        (builtin, "free_mail"),
        (hours, "zone_offsets"),
        (hours, "ZoneInfo"),
        (parse_market, "days_of_country"),
    ):
        monkeypatch.setattr(module, name, moved)
    agreement = load(frozen)
    assert hours.add(monday, 40 * hours.MINUTE * 60, agreement.market) == told
    assert len(agreement.list_entries(builtin.FREE_MAIL)) > 1_000
    lead = Lead("l", "p", "a", 0, (Fact("person.email_domain", cell("mail.gmail.com")),))
    assert evaluate(agreement, lead, History([lead], []), monday).scores["fit"] == -40_000
    assert compile_sql(agreement, "duckdb").sql
    assert check(agreement) == ()
    assert say_agreement(agreement)
    hours.calendar.cache_clear()
