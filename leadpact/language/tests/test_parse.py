"""Reading files: the whole example, then every way to be wrong, each with its place and what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadpact.language import builtin
from leadpact.language.hours import MINUTE
from leadpact.language.nodes import (
    DAY,
    ActivePeople,
    Agreement,
    All,
    Any,
    Attribute,
    Each,
    If,
    ListRef,
    Market,
    Not,
    Operator,
    Scaled,
    Score,
    Test,
    Touched,
)
from leadpact.language.parse import AgreementErrors, Parsed, parse, parse_or_raise

EXAMPLE = (Path(__file__).parent.parent / "example.yaml").read_text()
MINIMAL = """\
leadpact: 1
name: Small
verdicts:
  sales_ready: {touch: demo.requested}
"""


CONDITION_AT = len("  - {id: a, says: A, if: ") + 1


def with_line(rule: str, extra: str = "points: 5") -> str:
    """A small file with one line of fit, which stands in line 4."""
    return (
        f"leadpact: 1\nname: Small\nfit:\n  - {{id: a, says: A, {rule}, {extra}}}\n{MINIMAL.split('Small')[1].lstrip()}"
    )


def with_if(condition: str) -> str:
    return with_line(f"if: {condition}")


def condition_of(text: str) -> object:
    rule = parse_or_raise(text).lines[0].rule
    assert isinstance(rule, If)
    return rule.condition


def said(parsed: Parsed) -> list[str]:
    return [f"{p.line}:{p.column} {p.sentence()}" for p in parsed.errors]


# --- what is right -----------------------------------------------------------------------


def test_the_whole_example_is_an_agreement_without_a_word_of_warning() -> None:
    parsed = parse(EXAMPLE)
    assert parsed.errors == parsed.warnings == ()
    agreement = parsed.agreement
    assert isinstance(agreement, Agreement)
    assert agreement.name == "Northwind qualified lead"
    assert [line.id for line in agreement.lines_of("fit")] == ["served_industry", "mid_size", "student"]
    assert [line.points for line in agreement.lines] == [20, 20, -40, 20, 5, 15, 25]
    seminar, pricing, group = (line.rule for line in agreement.lines_of("engagement"))
    assert isinstance(seminar, Each)
    assert (seminar.query.within, seminar.at_most, seminar.fades) == (180 * DAY, 40, True)
    assert isinstance(pricing, Each)
    assert (pricing.query.per_day, pricing.query.within, pricing.fades) == (True, 14 * DAY, False)
    assert pricing.query.where == (("path", (Test(Operator.STARTS_WITH, "/pricing"),)),)
    assert group == If(ActivePeople(at_least=3, within=30 * DAY))
    student = agreement.lines[2].rule
    assert student == If(
        Attribute("person.email_domain", (Test(Operator.IN, ListRef(builtin.ACADEMIC, domains=True)),))
    )
    assert [verdict.name for verdict in agreement.verdicts] == ["disqualified", "sales_ready", "lead"]
    ready = agreement.verdict("sales_ready")
    assert ready is not None
    assert ready.alternatives[0] == All((Score("fit", 40_000), Score("engagement", 30_000)))
    assert agreement.cools == Score("engagement", at_most=14_999)
    assert dict(agreement.lists)["served_industries"] == ("manufacturing", "logistics", "wholesale")
    assert dict(agreement.lists)[builtin.ACADEMIC] == builtin.academic()
    assert agreement.market.timezone == "America/Chicago"
    assert agreement.market.hours == tuple((day, ((480, 1080),)) for day in range(5))
    assert "2026-12-25" in agreement.market.holidays
    assert agreement.market.offsets
    sales, marketing = agreement.sales_promises, agreement.marketing_promises
    assert sales is not None
    assert marketing is not None
    assert (sales.accept_within.amount, sales.accept_within.business) == (240 * MINUTE, True)
    assert sales.attempts is not None
    assert (sales.attempts.at_least, sales.attempts.within.amount) == (6, 100 * 60 * MINUTE)
    assert (marketing.hand_over_within.amount, marketing.hand_over_within.business) == (5 * MINUTE, False)
    reason = agreement.reason("unreachable")
    assert reason is not None
    assert (reason.rest, reason.only_after_attempts, reason.then) == (60 * DAY, True, None)
    assert (agreement.audit.share, agreement.audit.at_most_per_week) == (20_000, 10)
    assert (agreement.audit.near_within, agreement.audit.near_share) == (15_000, 100_000)


def test_a_small_file_is_enough_and_bytes_are_too() -> None:
    agreement = parse_or_raise(MINIMAL)
    assert agreement.lines == ()
    assert parse_or_raise(b"\xef\xbb\xbf" + MINIMAL.encode()) == agreement
    assert parse_or_raise(MINIMAL.replace("\n", "\r\n")) == agreement
    assert parse_or_raise(MINIMAL.replace("name: Small", "name: Small\nfit:\nengagement: []\nlists:")) == agreement


def test_the_spelling_of_a_bare_value_decides_its_type() -> None:
    def operand(value: str) -> object:
        condition = condition_of(with_if(f"{{account.x: {value}}}"))
        assert isinstance(condition, Attribute)
        assert condition.tests[0].operator is Operator.IS
        return condition.tests[0].operand

    assert operand("true") is True
    assert operand("No") is False
    assert operand('"no"') == "no"
    assert operand("5") == Scaled(5_000_000)
    assert operand("-0.25") == Scaled(-250_000)
    assert operand('"5"') == "5"
    assert operand("Größe  XL") == "grösse xl"
    assert operand("0012") == Scaled(12_000_000)


def test_lists_hold_one_type_and_each_entry_once() -> None:
    def entries(written: str) -> object:
        condition = condition_of(with_if(f"{{account.x: {{in: {written}}}}}"))
        assert isinstance(condition, Attribute)
        return condition.tests[0].operand

    assert entries("[A, b, a ]") == ("a", "b")
    assert entries("[1, 2.50, 1]") == (Scaled(1_000_000), Scaled(2_500_000))
    assert entries("[no, de, fr]") == ("no", "de", "fr")
    assert entries("[yes, true, no]") == (True, False)
    text = "lists: {sizes: [1, 2], words: [x]}\n" + with_if("{account.x: {in: sizes}}")
    condition = condition_of(text)
    assert condition == Attribute("account.x", (Test(Operator.IN, (Scaled(1_000_000), Scaled(2_000_000))),))


def test_fields_of_domains_match_subdomains_and_others_do_not() -> None:
    inline = condition_of(with_if("{account.domain: {in: [initech.example]}}"))
    assert inline == Attribute("account.domain", (Test(Operator.IN, ("initech.example",), domains=True),))
    other = condition_of(with_if("{account.parent: {in: [initech.example]}}"))
    assert other == Attribute("account.parent", (Test(Operator.IN, ("initech.example",)),))
    named = condition_of("lists: {rivals: [initech.example]}\n" + with_if("{person.email_domain: {in: rivals}}"))
    assert named == Attribute("person.email_domain", (Test(Operator.IN, ListRef("rivals", domains=True)),))


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("{at_least: 40}", 40_000, None),
        ("{at_most: 40.5}", None, 40_500),
        ("{above: 40}", 40_001, None),
        ("{below: 15}", None, 14_999),
        ("{below: -0.125}", None, -126),
        ("{between: [1, 2]}", 1_000, 2_000),
        ("{at_least: 1, above: 1, below: 9}", 1_001, 8_999),
    ],
)
def test_thresholds_are_thousandths(written: str, low: int | None, high: int | None) -> None:
    assert parse_or_raise(f"{MINIMAL}cools: {{engagement: {written}}}\n").cools == Score("engagement", low, high)


def test_conditions_nest() -> None:
    condition = condition_of(
        with_if("{any: [{not: {person.a: x}}, {all: [{touch: page.viewed}, {lead.b: {known: no}}]}]}")
    )
    assert isinstance(condition, Any)
    first, second = condition.parts
    assert first == Not(Attribute("person.a", (Test(Operator.IS, "x"),)))
    assert isinstance(second, All)
    assert second.parts[1] == Attribute("lead.b", (Test(Operator.KNOWN, operand=False),))


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [("", (1, None)), (", at_least: 3", (3, None)), (", at_most: 0", (0, 0)), (", at_least: 2, at_most: 4", (2, 4))],
)
def test_a_touch_clause_wants_one_touch_unless_it_says_otherwise(bounds: str, expected: tuple[int, int | None]) -> None:
    condition = condition_of(
        with_if(f"{{touch: [page.viewed, Chat.Started], by: account, per: day, distinct: path{bounds}}}")
    )
    assert isinstance(condition, Touched)
    assert (condition.at_least, condition.at_most) == expected
    assert condition.query.kinds == ("page.viewed", "chat.started")
    assert (condition.query.by, condition.query.per_day, condition.query.distinct) == ("account", True, "path")


def test_only_the_top_any_of_a_verdict_makes_alternatives() -> None:
    text = MINIMAL.replace("{touch: demo.requested}", "{all: [{any: [{fit: {above: 1}}, {fit: {below: 0}}]}]}")
    verdict = parse_or_raise(text).verdicts[0]
    assert len(verdict.alternatives) == 1
    two = MINIMAL.replace("{touch: demo.requested}", "{any: [{fit: {above: 1}}, {any: [{fit: {below: 0}}]}]}")
    assert [verdict.clause(n) for n in range(2)] == ["sales_ready.1", "sales_ready.2"]
    assert len(parse_or_raise(two).verdicts[0].alternatives) == 2


def test_positions_say_where_things_stand() -> None:
    positions = parse(EXAMPLE).positions
    lines = EXAMPLE.splitlines()
    assert "id: seminar" in lines[positions["lines.seminar"].line - 1]
    assert lines[positions["verdicts.sales_ready.3"].line - 1].strip().startswith("- {touch: demo.requested")
    assert lines[positions["recycle.no_fit"].line - 1].strip().startswith("no_fit:")
    assert lines[positions["lists.competitors"].line - 1].strip().startswith("competitors:")


def test_markets_are_told_in_many_ways() -> None:
    def market(written: str) -> Market:
        return parse_or_raise(f"{MINIMAL}market: {{timezone: Europe/Berlin, {written}}}\n").market

    def hours(written: str) -> object:
        return parse_or_raise(f"{MINIMAL}market: {{timezone: Europe/Berlin, business_hours: {written}}}\n").market.hours

    nine = ((540, 1020),)
    assert hours('{sat-mon: "9:00-17:00"}') == ((0, nine), (5, nine), (6, nine))
    assert hours('{"mon,wed": "9:00-17:00", Friday: 09:00-17:00}') == ((0, nine), (2, nine), (4, nine))
    assert hours('{mon: ["13:00-17:00", "09:00-12:00"]}') == ((0, ((540, 720), (780, 1020))),)
    assert hours('{mon: "09:00-12:00, 13:00-24:00"}') == ((0, ((540, 720), (780, 1440))),)
    dated = parse_or_raise(
        f"{MINIMAL}market: {{business_hours: {{mon: 1:00-2:00}}, holidays: [2026-12-26, 2026-12-25]}}\n"
    ).market
    assert (dated.holidays, dated.holiday_country) == (("2026-12-25", "2026-12-26"), None)
    bavaria = market("holidays: DE-BY")
    hamburg = market("holidays: DE-HH")
    assert bavaria.holiday_country == "DE-BY"
    assert "2026-06-04" in bavaria.holidays
    assert "2026-06-04" not in hamburg.holidays


# --- what is wrong -----------------------------------------------------------------------


def test_five_mistakes_are_told_at_once_each_in_its_place() -> None:
    wrong = (
        EXAMPLE.replace("{in: served_industries}", "{in: served_industry}")
        .replace("between: [200, 5000]", "betwen: [200, 5000]")
        .replace("4 business hours", "4 busines hours ")
        .replace("blames: data", "blames: date")
        .replace("  lead:\n", "  leads:\n")
    )
    parsed = parse(wrong)
    assert parsed.agreement is None
    told = [(p.line, p.column, p.code, p.nearest) for p in parsed.errors]
    lines = wrong.splitlines()

    def place(text: str) -> tuple[int, int]:
        number = next(n for n, line in enumerate(lines, 1) if text in line)
        return number, lines[number - 1].index(text) + 1

    assert told == [
        (*place("served_industry}"), "unknown-list", "served_industries"),
        (*place("betwen"), "operator", "between"),
        (*place("leads:"), "verdict", "lead"),
        (*place("4 busines"), "duration", "4 business hours"),
        (*place("date,"), "choice", "data"),
    ]


# (condition, column of the error within the condition, code, nearest)
WRONG_CONDITIONS = [
    ("{acount.industry: x}", 1, "field", "account.industry"),
    ("{account.industry: {equals: x}}", 20, "operator", "is"),
    ("{account.industry: {'>=': 5}}", 20, "operator", "at_least"),
    ("{account.industry: {flurb: 5}}", 20, "operator", ""),
    ("{account.industry: {has_word: two words}}", 30, "word", ""),
    ("{account.industry: {has_word: c++}}", 30, "word", "c"),
    ("{account.industry: [a, b]}", 19, "type", "{in: [a, b]}"),
    ("{account.industry: }", 18, "empty", ""),
    ("{account.industry: {}}", 19, "empty", ""),
    ('{account.industry: ""}', 19, "empty", ""),
    ("{account.industry: {in: []}}", 24, "empty", ""),
    ("{account.industry: {in: [a, 5]}}", 28, "mixed", '"5"'),
    ("{account.industry: {in: [a, [b]]}}", 28, "type", ""),
    ("{account.industry: {in: buildin.academic}}", 24, "unknown-list", "builtin.academic"),
    ("{account.industry: {in: academic}}", 24, "unknown-list", "builtin.academic"),
    ("{account.industry: {in: steel}}", 24, "unknown-list", ""),
    ("{account.employees: {at_least: '5'}}", 31, "type", "5"),
    ("{account.employees: {at_least: five}}", 31, "type", ""),
    ("{account.employees: {at_least: 0.1234567}}", 31, "range", ""),
    ("{account.employees: {at_least: 1234567890123}}", 31, "range", ""),
    ("{account.employees: {between: [5, 2]}}", 30, "range", "[2, 5]"),
    ("{account.employees: {between: 5}}", 30, "type", ""),
    ("{account.employees: {between: [1, 2, 3]}}", 30, "type", ""),
    ("{account.employees: {known: maybe}}", 28, "type", ""),
    ("{account.employees: {is: [5]}}", 25, "type", ""),
    ("{account.employees: {above: 1, above: 2}}", 31, "duplicate", ""),
    ("{account: x}", 1, "field", ""),
    ("{account.: x}", 1, "field", ""),
    ("{account.a b: x}", 1, "field", ""),
    ("{industry: x}", 1, "field", "account.industry"),
    ("{fit: {at_least: 5}}", 1, "score", ""),
    ("{al: [{lead.a: 1}]}", 1, "field", "all"),
    ("{all: []}", 6, "type", ""),
    ("{all: {lead.a: 1}}", 6, "type", ""),
    ("{}", 0, "empty", ""),
    ("x", 0, "type", ""),
    ("[{lead.a: 1}]", 0, "type", ""),
    ("{lead.a: 1, lead.b: 2}", 12, "several", ""),
    ("{lead.abc: 1, within: 3 days}", 14, "touch", ""),
    ("{all: [{account.Size: 1}, {account.size: 2}]}", 27, "capitals", "account.Size"),
    ("{touch: }", 7, "type", ""),
    ("{touch: []}", 8, "empty", ""),
    ("{touch: a.b, withn: 3 days}", 13, "unknown-key", "within"),
    ("{touch: a.b, within: 3}", 21, "duration", "3 days"),
    ("{touch: a.b, within: 3 fortnights}", 21, "duration", ""),
    ("{touch: a.b, within: 3 business days}", 21, "duration", "3 days"),
    ("{touch: a.b, within: 0 days}", 21, "range", ""),
    ("{touch: a.b, within: 90000 weeks}", 21, "range", ""),
    ("{touch: a.b, per: week}", 18, "choice", ""),
    ("{touch: a.b, by: acount}", 17, "choice", "account"),
    ("{touch: a.b, where: {}}", 20, "empty", ""),
    ("{touch: a.b, where: path}", 20, "type", ""),
    ("{touch: a.b, where: {path: {startswith: /a}}}", 28, "operator", "starts_with"),
    ("{touch: a.b, distinct: 'a b'}", 23, "field", ""),
    ("{touch: a.b, at_least: -1}", 23, "range", ""),
    ("{touch: a.b, at_least: 1.5}", 23, "range", ""),
    ("{touch: a.b, all: [{lead.a: 1}]}", 13, "unknown-key", ""),
    ("{account.active_people: 3}", 24, "type", ""),
    ("{account.active_people: {above: 3}}", 25, "unknown-key", ""),
    ("{account.active_people: {at_leest: 3}}", 25, "unknown-key", "at_least"),
]


@pytest.mark.parametrize(
    ("condition", "offset", "code", "near"), WRONG_CONDITIONS, ids=[c[0] for c in WRONG_CONDITIONS]
)
def test_wrong_conditions(condition: str, offset: int, code: str, near: str) -> None:
    parsed = parse(with_if(condition))
    assert [(p.line, p.column, p.code, p.nearest) for p in parsed.errors] == [(4, CONDITION_AT + offset, code, near)], (
        said(parsed)
    )


# (the line's text after its id and says, code, nearest)
WRONG_LINES = [
    ("if: {lead.a: 1}", "missing", ""),
    ("points: 5", "missing", ""),
    ("if: {lead.a: 1}, points: 5.5", "range", ""),
    ("if: {lead.a: 1}, points: 10001", "range", ""),
    ("if: {lead.a: 1}, points: -10001", "range", ""),
    ("if: {lead.a: 1}, points: 20 points", "type", "20"),
    ("if: {lead.a: 1}, points: true", "type", ""),
    ("if: {lead.a: 1}, points: 5, at_most: 10", "contradiction", ""),
    ("if: {lead.a: 1}, points: 5, fades: true", "contradiction", ""),
    ("if: {lead.a: 1}, each: {touch: a.b}, points: 5", "contradiction", ""),
    ("if: {lead.a: 1}, point: 5, points: 5", "unknown-key", "points"),
    ("if: {lead.a: 1}, point: 5", "unknown-key", "points"),
    ("each: {touch: a.b}, within: 3 days, points: 5", "unknown-key", ""),
    ("each: {touch: a.b, at_most: 3}, points: 5", "unknown-key", ""),
    ("each: {touch: a.b, at_least: 3}, points: 5", "unknown-key", ""),
    ("each: {within: 3 days}, points: 5", "missing", ""),
    ("each: a.b, points: 5", "type", ""),
    ("each: {touch: a.b}, points: 5, at_most: 0", "range", ""),
    ("each: {touch: a.b}, points: 5, fades: true", "fades", ""),
    ("each: {touch: a.b, within: 36 hours}, points: 5, fades: true", "fades", ""),
    ("each: {touch: a.b, within: 3651 days}, points: 5, fades: true", "fades", ""),
    ("each: {touch: a.b, within: 3 days}, points: 5, fades: maybe", "type", ""),
    ("id: b, if: {lead.a: 1}, points: 5", "duplicate", ""),
]


@pytest.mark.parametrize(("line", "code", "near"), WRONG_LINES, ids=[c[0] for c in WRONG_LINES])
def test_wrong_lines(line: str, code: str, near: str) -> None:
    text = f"{MINIMAL}engagement:\n  - {{id: a, says: A, {line}}}\n"
    parsed = parse(text)
    assert [(p.code, p.nearest) for p in parsed.errors] == [(code, near)], said(parsed)
    assert parsed.errors[0].line == 6


@pytest.mark.parametrize(
    ("name", "near"),
    [("Caps Here", "caps_here"), ("9lives", ""), ("ä", ""), ("", ""), ("a" * 51, "")],
)
def test_ids_are_plain(name: str, near: str) -> None:
    parsed = parse(f"{MINIMAL}fit:\n  - {{id: '{name}', says: A, if: {{lead.a: 1}}, points: 1}}\n")
    assert [(p.code, p.nearest) for p in parsed.errors] == [("name", near)], said(parsed)


def test_an_id_is_used_once_in_the_whole_file() -> None:
    line = "  - {id: a, says: A, if: {lead.a: 1}, points: 1}\n"
    parsed = parse(f"{MINIMAL}fit:\n{line}readiness:\n{line}")
    assert [(p.line, p.column, p.code) for p in parsed.errors] == [(8, 10, "duplicate")]
    assert "line 6" in parsed.errors[0].message


# (section, line and column of the error within the added text, code, nearest)
WRONG_SECTIONS = [
    ("nam: x", (1, 1), "unknown-key", "name"),
    ("name: y", (1, 1), "duplicate", ""),
    ("prospect: {fit: {above: 1}}", (1, 1), "unknown-key", ""),
    ("fit: {a: 1}", (1, 6), "type", ""),
    ("fit: [x]", (1, 7), "type", ""),
    ("lists: [a]", (1, 8), "type", ""),
    ("lists: {a: b}", (1, 12), "type", ""),
    ("lists: {builtin.academic: [a]}", (1, 9), "name", ""),
    ("lists: {Bad Name: [a]}", (1, 9), "name", "bad_name"),
    ("cools: {fit: 40}", (1, 14), "type", "{at_least: 40}"),
    ("cools: {fit: {}}", (1, 14), "empty", ""),
    ("cools: {fit: {at_least: 1.2345}}", (1, 25), "range", ""),
    ("cools: {fit: {atleast: 1}}", (1, 15), "unknown-key", "at_least"),
    ("cools: {fit: {between: [2, 1]}}", (1, 24), "range", ""),
    ("cools: {engagment: {below: 15}}", (1, 9), "field", "engagement"),
    ("market: {timezone: Chicago}", (1, 20), "timezone", "America/Chicago"),
    ("market: {timezone: Europe/Berln}", (1, 20), "timezone", "Europe/Berlin"),
    ("market: {timezone: Factory}", (1, 20), "timezone", ""),
    ("market: {timezon: UTC}", (1, 10), "unknown-key", "timezone"),
    ("market: {timezone: UTC, business_hours: {mon-fri: 18:00-08:00}}", (1, 51), "hours", ""),
    ("market: {timezone: UTC, business_hours: {mon-fri: 9-5}}", (1, 51), "hours", ""),
    ("market: {timezone: UTC, business_hours: {mon-fri: 08:00-25:00}}", (1, 51), "hours", ""),
    ("market: {timezone: UTC, business_hours: {mon: [08:00-12:00, 11:00-13:00]}}", (1, 61), "hours", ""),
    ("market: {timezone: UTC, business_hours: {mondey: 08:00-12:00}}", (1, 42), "days", "monday"),
    ("market: {timezone: UTC, business_hours: {mon-fri: 08:00-12:00, fri: 08:00-11:00}}", (1, 64), "duplicate", ""),
    ("market: {timezone: UTC, business_hours: {}}", (1, 41), "empty", ""),
    ("market: {timezone: UTC, business_hours: {mon: 1:00-2:00}, holidays: Germany}", (1, 69), "country", "DE"),
    ("market: {timezone: UTC, business_hours: {mon: 1:00-2:00}, holidays: Atlantis}", (1, 69), "country", ""),
    ("market: {timezone: UTC, business_hours: {mon: 1:00-2:00}, holidays: DE-XX}", (1, 69), "country", ""),
    ("market: {timezone: UTC, business_hours: {mon: 1:00-2:00}, holidays: [2026-02-30]}", (1, 70), "date", ""),
    ("sales_promises: {accept_within: 4 hours}", (1, 17), "missing", ""),
    ("sales_promises: {accept_within: 4, first_follow_up_within: 1 hour}", (1, 33), "duration", "4 days"),
    ("sales_promises: {accept_within: 4h, first_follow_up_within: 1 hour}", (1, 33), "duration", "4 hours"),
    (
        "sales_promises: {accept_within: 2 working days, first_follow_up_within: 1 hour}",
        (1, 33),
        "duration",
        "2 business days",
    ),
    ("sales_promises: {accept_within: 2 months, first_follow_up_within: 1 hour}", (1, 33), "duration", "60 days"),
    ("sales_promises: {accept_within: soon, first_follow_up_within: 1 hour}", (1, 33), "duration", ""),
    ("sales_promises: {accept_within: 1 day, first_follow_up_within: 1 hour, attempts: 6}", (1, 82), "type", ""),
    (
        "sales_promises: {accept_within: 1 day, first_follow_up_within: 1 hour, attempts: {at_least: 6}}",
        (1, 82),
        "missing",
        "",
    ),
    ("recycle: [a]", (1, 10), "type", ""),
    ("recycle: {Not Now: {blames: timing}}", (1, 11), "name", "not_now"),
    ("recycle: {a: {rest: 3 days}}", (1, 14), "missing", ""),
    ("recycle: {a: {blames: time}}", (1, 23), "choice", "timing"),
    ("recycle: {a: {blames: timing, rests: 3 days}}", (1, 31), "unknown-key", "rest"),
    ("recycle: {a: {blames: timing, rest: 3 business days}}", (1, 37), "duration", "3 days"),
    ("recycle: {a: {blames: timing, then: repaired}}", (1, 37), "choice", "repair"),
    ("recycle: {a: {blames: timing, then: disqualified, rest: 3 days}}", (1, 51), "contradiction", ""),
    ("recycle: {a: {blames: timing, only_after: tries}}", (1, 43), "choice", ""),
    ("audit: {at_most: 10 per week}", (1, 8), "missing", ""),
    ("audit: {share: 0.02}", (1, 16), "share", "2%"),
    ("audit: {share: 101%}", (1, 16), "range", ""),
    ("audit: {share: 2%, at_most: 10 per day}", (1, 29), "value", "10 per week"),
    ("audit: {share: 2%, at_most: 10}", (1, 29), "value", "10 per week"),
    ("audit: {share: 2%, near_threshold: {within: 15, share: 1%}}", (1, 45), "value", "15 points"),
    ("audit: {share: 2%, near_threshold: {within: 15 points}}", (1, 36), "missing", ""),
    ("review: weekly", (1, 9), "type", ""),
    ("review: {every: week, on: monday}", (1, 9), "missing", ""),
    ("review: {every: fortnight, on: monday, at: '9:00'}", (1, 17), "value", "2 weeks"),
    ("review: {every: quarter, on: monday, at: '9:00'}", (1, 17), "value", ""),
    ("review: {every: 53 weeks, on: monday, at: '9:00'}", (1, 17), "range", ""),
    ("review: {every: week, on: mondy, at: '9:00'}", (1, 27), "days", "monday"),
    ("review: {every: week, on: first monday, at: '9:00'}", (1, 27), "days", "monday"),
    ("review: {every: month, on: monday, at: '9:00'}", (1, 28), "days", "first monday"),
    ("review: {every: month, on: lst friday, at: '9:00'}", (1, 28), "days", "last friday"),
    ("review: {every: week, on: monday, at: 9 am}", (1, 39), "hours", "09:00"),
    ("review: {every: week, on: monday, at: '24:00'}", (1, 39), "hours", ""),
    ("review: {every: week, on: monday, at: '9:00', form: 2026-12-07}", (1, 47), "unknown-key", "from"),
    ("review: {every: week, on: monday, at: '9:00', from: 2026-12-07}", (1, 53), "contradiction", ""),
    ("review: {every: 2 weeks, on: monday, at: '9:00', from: 2026-12-08}", (1, 56), "contradiction", "2026-12-14"),
    ("review: {every: 2 weeks, on: monday, at: '9:00', from: soon}", (1, 56), "date", ""),
]


@pytest.mark.parametrize(("section", "place", "code", "near"), WRONG_SECTIONS, ids=[c[0] for c in WRONG_SECTIONS])
def test_wrong_sections(section: str, place: tuple[int, int], code: str, near: str) -> None:
    parsed = parse(f"{MINIMAL}{section}\n")
    line, column = place
    assert [(p.line, p.column, p.code, p.nearest) for p in parsed.errors] == [(line + 4, column, code, near)], said(
        parsed
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (MINIMAL.replace("leadpact: 1\n", ""), "missing"),
        (MINIMAL.replace("name: Small\n", ""), "missing"),
        (MINIMAL.replace("leadpact: 1", "leadpact: 2"), "version"),
        (MINIMAL.replace("leadpact: 1", 'leadpact: "1"'), "version"),
        (MINIMAL.replace("Small", "' '"), "empty"),
        ("leadpact: 1\nname: Small\n", "missing"),
        (MINIMAL.replace("sales_ready", "lead"), "missing"),
        (MINIMAL.replace("sales_ready", "salesready"), "verdict"),
        ("leadpact: 1\nname: Small\nverdicts: [a]\n", "type"),
        ("just words", "type"),
        ("- a\n- b\n", "type"),
        ("", "empty"),
        ("# nothing but a comment\n", "empty"),
    ],
)
def test_what_every_agreement_needs(text: str, code: str) -> None:
    parsed = parse(text)
    assert [p.code for p in parsed.errors] == [code], said(parsed)


def test_an_unknown_verdict_is_read_all_the_same() -> None:
    text = MINIMAL + "  hot: {fit: {at_least: x}}\n"
    assert [(p.line, p.code) for p in parse(text).errors] == [(5, "verdict"), (5, "type")]


def test_errors_inside_a_misspelt_key_are_found_too() -> None:
    promises = "hand_over_within: 5 minits, touch_every: 3 days, answer_rejection_within: 1 day"
    parsed = parse(f"{MINIMAL}marketing_promisses: {{{promises}}}\n")
    assert [p.nearest for p in parsed.errors] == ["marketing_promises", "5 minutes"]


@pytest.mark.parametrize(
    ("text", "code", "near"),
    [
        (with_if("{person.titel: x}"), "near-field", "person.title"),
        (with_if("{account.Industry: x}"), "near-field", "account.industry"),
        (with_if("{touch: seminar.atended}"), "near-kind", "seminar.attended"),
        (with_if("{touch: [page.viewed, page.viewed]}"), "repeated-entry", ""),
        (with_if("{account.x: {in: [a, A]}}"), "repeated-entry", ""),
        (with_if("{account.active_people: {touch: email.sent}}"), "ours", ""),
        (with_if("{lead.a: 1}").replace("says: A, ", ""), "no-says", ""),
        (MINIMAL + "market: {business_hours: {mon: 1:00-2:00}}\n", "no-timezone", ""),
        (MINIMAL + "market: {timezone: Europe/Berlin, holidays: DE}\n", "no-hours", ""),
        (MINIMAL + "market: {timezone: EST}\n", "timezone", ""),
        (MINIMAL + "  prospect: {fit: {above: 1}}\n", "default-verdict", ""),
    ],
)
def test_strange_but_legal(text: str, code: str, near: str) -> None:
    parsed = parse(text)
    assert parsed.errors == ()
    assert [(p.code, p.nearest) for p in parsed.warnings] == [(code, near)]


@pytest.mark.parametrize(
    "name", ["account.country", "account.size", "account.founded", "person.age", "lead.score", "lead.colour"]
)
def test_names_of_ones_own_earn_no_warning(name: str) -> None:
    assert parse(with_if(f"{{{name}: x}}")).warnings == ()


def test_without_says_the_id_speaks() -> None:
    text = with_if("{lead.a: 1}").replace("says: A, ", "").replace("id: a", "id: big_city")
    assert parse_or_raise(text).lines[0].says == "Big city"


def test_the_exception_tells_all_problems() -> None:
    with pytest.raises(AgreementErrors) as caught:
        parse_or_raise("leadpact: 1\nnam: x\n", name="a.yaml")
    assert [p.code for p in caught.value.problems] == ["missing", "unknown-key"]
    assert str(caught.value).splitlines()[1].startswith("a.yaml:2:1: `nam` is not a key")
