"""The agreement read aloud and compared: what one would say to the other side across the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadpact.language.diff import diff
from leadpact.language.nodes import Agreement, Line
from leadpact.language.parse import parse_or_raise
from leadpact.language.words import say, say_agreement, sections, sentence, verdict_sentence

HERE = Path(__file__).parent
EXAMPLE = (HERE.parent / "example.yaml").read_text()
VERDICTS = "verdicts: {sales_ready: {touch: demo.requested}}"
LISTS = "lists: {one: [Steel], many: [a, b, c, d, e, f, g, h, i], rivals: [x.example, y.example], sizes: [1, 2]}"


def small(line: str) -> tuple[Line, Agreement]:
    text = f"leadpact: 1\nname: Small\n{LISTS}\nfit:\n  - {{id: a, says: A, {line}}}\n{VERDICTS}\n"
    agreement = parse_or_raise(text)
    return agreement.lines[0], agreement


def test_the_whole_example() -> None:
    """The snapshot is what people read: look at it when it changes."""
    assert say_agreement(parse_or_raise(EXAMPLE)) == (HERE / "said" / "example.txt").read_text()


CONDITIONS = [
    ("{account.industry: Steel}", "the account's industry is steel"),
    ('{account.industry: "a, b"}', "the account's industry is “a, b”"),
    ("{account.industry: {in: one}}", "the account's industry is steel"),
    ("{account.industry: {in: many}}", "the account's industry is one of a, b, c, d, e, f or 3 others"),
    ("{account.industry: {in: [a, b]}}", "the account's industry is a or b"),
    ("{not: {account.industry: {in: [a, b]}}}", "the account's industry is neither a nor b"),
    ("{account.domain: {in: rivals}}", "the account's domain is x.example or y.example, or lies below one of them"),
    ("{not: {account.domain: {in: [x.example]}}}", "the account's domain is not x.example, nor lies below it"),
    ("{person.email_domain: {in: builtin.academic}}", "the person's e-mail domain is a university's"),
    ("{account.employees: {between: [200, 5000]}}", "the account's number of employees is between 200 and 5,000"),
    ("{account.founded_year: {above: 1999}}", "the account's founded year is above 1999"),
    (
        "{account.employees: {at_least: 0.5, below: -3}}",
        "the account's number of employees is at least 0.5 and is below −3",
    ),
    ("{not: {account.employees: {at_least: 5}}}", "the account's number of employees is not at least 5"),
    ("{account.employees: {in: sizes}}", "the account's number of employees is 1 or 2"),
    ("{person.opted_out: true}", "the person has opted out of being contacted"),
    ("{person.opted_out: no}", "the person has not opted out of being contacted"),
    ("{not: {person.opted_out: yes}}", "the person has not opted out of being contacted"),
    ("{lead.shoe_size: {known: false}}", "the lead's shoe size is not known"),
    ("{not: {lead.shoe_size: {known: false}}}", "the lead's shoe size is known"),
    (
        "{person.title: {contains: sale, has_word: vp}}",
        "the person's job title contains “sale” and has the word “vp” in it",
    ),
    ("{not: {person.title: {starts_with: vp}}}", "the person's job title does not begin with “vp”"),
    (
        "{not: {person.title: {ends_with: vp, contains: x}}}",
        "it is not so that the person's job title ends with “vp” and contains “x”",
    ),
    ("{touch: demo.requested}", "they asked for a demo"),
    ("{touch: demo.requested, within: 1 day}", "they asked for a demo in the last day"),
    (
        "{touch: demo.requested, within: 36 hours, at_least: 3}",
        "they asked for a demo at least 3 times in the last 36 hours",
    ),
    ("{touch: demo.requested, at_most: 1}", "they asked for a demo at most 1 time"),
    ("{touch: demo.requested, at_least: 2, at_most: 2}", "they asked for a demo exactly 2 times"),
    ("{touch: demo.requested, at_least: 2, at_most: 4}", "they asked for a demo between 2 and 4 times"),
    ("{touch: demo.requested, at_most: 0, within: 9 days}", "they never asked for a demo in the last 9 days"),
    ("{not: {touch: demo.requested}}", "they never asked for a demo"),
    ("{touch: demo.requested, by: account}", "somebody at the account asked for a demo"),
    ("{not: {touch: demo.requested, by: account}}", "nobody at the account ever asked for a demo"),
    ("{touch: email.sent, at_least: 2, per: day}", "we sent them an e-mail on at least 2 different days"),
    ("{touch: my event, at_least: 2, distinct: path}", "they did “my event” with at least 2 different values of path"),
    (
        "{touch: [page.viewed, form.submitted], where: {path: {starts_with: /a}, utm: x}}",
        "they viewed a page or filled in a form with a path that begins with “/a” and a utm that is x",
    ),
    (
        "{account.active_people: {at_least: 3, within: 30 days}}",
        "at least 3 people of the account were active in the last 30 days",
    ),
    ("{account.active_people: {}}", "somebody at the account was active"),
    ("{account.active_people: {at_most: 0}}", "nobody at the account was active"),
    ("{not: {account.active_people: {within: 9 days}}}", "nobody at the account was active in the last 9 days"),
    ("{account.active_people: {at_most: 1}}", "at most 1 person of the account was active"),
    (
        "{account.active_people: {at_least: 2, at_most: 4, touch: price.requested}}",
        "2 to 4 people of the account asked for a price",
    ),
    ("{all: [{lead.a: 1}, {lead.b: 2}, {lead.c: 3}]}", "the lead's a is 1, the lead's b is 2 and the lead's c is 3"),
    ("{any: [{lead.a: 1}, {lead.b: 2}]}", "the lead's a is 1 or the lead's b is 2"),
    (
        "{any: [{all: [{lead.a: 1}, {lead.b: 2}]}, {lead.c: 3}]}",
        "both the lead's a is 1 and the lead's b is 2, or the lead's c is 3",
    ),
    (
        "{all: [{any: [{lead.a: 1}, {lead.b: 2}]}, {lead.c: 3}]}",
        "either the lead's a is 1 or the lead's b is 2, and the lead's c is 3",
    ),
    ("{not: {any: [{lead.a: 1}, {lead.b: 2}]}}", "neither the lead's a is 1 nor the lead's b is 2"),
    ("{not: {all: [{lead.a: 1}, {lead.b: 2}]}}", "it is not so that both the lead's a is 1 and the lead's b is 2"),
    ("{not: {not: {lead.a: 1}}}", "the lead's a is 1"),
]


@pytest.mark.parametrize(("written", "said"), CONDITIONS, ids=[written for written, _ in CONDITIONS])
def test_conditions(written: str, said: str) -> None:
    line, agreement = small(f"if: {written}, points: 5")
    assert sentence(line, agreement) == f"A: 5 points when {said}."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{fit: {at_least: 40}}", "fit is at least 40"),
        ("{fit: {above: 3.5}}", "fit is above 3.5"),
        ("{fit: {below: 15}}", "fit is below 15"),
        ("{fit: {at_most: -2.5}}", "fit is at most −2.5"),
        ("{fit: {above: 1, below: 9}}", "fit is above 1 and below 9"),
        ("{fit: {between: [1, 1000]}}", "fit is between 1 and 1,000"),
        ("{fit: {between: [5, 5]}}", "fit is exactly 5"),
        ("{not: {fit: {at_least: 40}}}", "fit is below 40"),
        ("{not: {fit: {at_most: 40}}}", "fit is above 40"),
    ],
)
def test_scores(written: str, said: str) -> None:
    agreement = parse_or_raise(f"leadpact: 1\nname: A\nverdicts: {{sales_ready: {written}}}\n")
    assert verdict_sentence(agreement.verdicts[0], agreement) == f"Sales-ready when {said}."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("each: {touch: seminar.attended}, points: 20", "20 points for each time they came to a seminar"),
        (
            "each: {touch: seminar.attended, within: 9 days}, points: 1, at_most: 4, fades: true",
            (
                "1 point for each time they came to a seminar in the last 9 days, fading to nothing over these 9 days, "
                "4 at most in all"
            ),
        ),
        (
            "each: {touch: page.viewed, per: day}, points: -3, at_most: 9",
            "minus 3 points for each day on which they viewed a page, taking away 9 at most in all",
        ),
        (
            "each: {touch: page.viewed, distinct: path, by: account}, points: 3",
            "3 points for each different path among the times somebody at the account viewed a page",
        ),
        (
            "each: {touch: page.viewed, distinct: path, per: day}, points: 3",
            "3 points for each different path of each day on which they viewed a page",
        ),
    ],
)
def test_each(written: str, said: str) -> None:
    line, agreement = small(written)
    assert sentence(line, agreement) == f"A: {said}."


def test_without_the_agreement_a_list_goes_by_its_name() -> None:
    line, _ = small("if: {account.industry: {in: many}}, points: 5")
    assert sentence(line) == "A: 5 points when the account's industry is in the list many."


def test_sections_for_the_page_name_lines_and_clauses() -> None:
    agreement = parse_or_raise(EXAMPLE)
    found = {section.key: section for section in sections(agreement)}
    assert [told.id for told in found["engagement"].sentences] == ["seminar", "pricing", "buying_group"]
    assert [told.points for told in found["fit"].sentences] == ["+20", "+20", "−40"]
    assert [told.id for told in found["verdicts.sales_ready"].sentences] == [
        "sales_ready.1",
        "sales_ready.2",
        "sales_ready.3",
    ]
    assert found["verdicts.sales_ready"].sentences[2].text == "They asked for a demo in the last 7 days."
    assert found["recycle"].sentences[-1].id == "unreachable"
    assert say(agreement.verdicts[0].alternatives[1]) == "the person has opted out of being contacted"


def test_a_market_of_ones_own() -> None:
    text = EXAMPLE.replace('{mon-fri: "08:00-18:00"}', '{mon-thu: ["9:00-12:00", "13:00-17:30"], sat: "9:00-12:00"}')
    agreement = parse_or_raise(text.replace("holidays: US", "holidays: [2026-12-24]"))
    told = [sentence.text for sentence in sections(agreement)[0].sentences]
    assert told == [
        (
            "Business time is Monday to Thursday from 9:00 to 12:00 and 13:00 to 17:30; Saturday from 9:00 to 12:00, "
            "in Chicago (America/Chicago), without 1 holiday named in the file."
        ),
        "A business day counts as 7 hours and 30 minutes of it.",
    ]


# --- differences -------------------------------------------------------------------------

# (what is replaced, by what, what is said)
CHANGES = [
    ("name: Northwind qualified lead", "name: B", "The agreement is called “B” instead of “Northwind qualified lead”."),
    ("timezone: America/Chicago", "timezone: UTC", "Clocks are told in UTC instead of Chicago (America/Chicago)."),
    ("Logistics, Wholesale]", "Retail]", "The list served_industries gains retail and loses logistics and wholesale."),
    ("competitors: [initech", "rivals: [x]\n  competitors: [initech", "The list rivals is new, with 1 entry."),
    ("says: 200 to 5,000 employees", "says: Mid-size", "“200 to 5,000 employees” now reads “Mid-size”."),
    ("points: -40", "points: -30", "“Writes from a university” gives −30 instead of −40."),
    ("at_most: 40", "at_most: 60", "“Came to a seminar” gives 60 points at most instead of 40 points at most."),
    ("at_most: 40 ", "# at_most: 40", "“Came to a seminar” gives any number of points instead of 40 points at most."),
    ("fades: true", "fades: false", "“Came to a seminar” no longer fades."),
    ("within: 180 days", "within: 90 days", "“Came to a seminar” looks back 90 days instead of 180 days."),
    (
        "touch: seminar.attended",
        "touch: webinar.attended",
        (
            "“Came to a seminar”: now for each time they came to a webinar in the last 180 days, fading to nothing "
            "over these 180 days, 40 at most in all; before, for each time they came to a seminar in the last "
            "180 days, fading to nothing over these 180 days, 40 at most in all."
        ),
    ),
    (
        "[200, 5000]",
        "[100, 5000]",
        (
            "“200 to 5,000 employees”: now when the account's number of employees is between 100 and 5,000; before, "
            "when the account's number of employees is between 200 and 5,000."
        ),
    ),
    ("id: timeline", "id: months", "The line timeline is now called months."),
    (
        "{engagement: {at_least: 30}}",
        "{engagement: {at_least: 25}}",
        (
            "Sales-ready: now when fit is at least 40 and engagement is at least 25; before, when fit is at least 40 "
            "and engagement is at least 30."
        ),
    ),
    (
        "      - {touch: demo.requested, within: 7 days}",
        "#",
        "Sales-ready no longer when they asked for a demo in the last 7 days.",
    ),
    (
        "any: [{engagement: {at_least: 15}}",
        "any: [{touch: chat.started}, {engagement: {at_least: 15}}",
        "Lead also when they started a chat.",
    ),
    (
        "[{engagement: {at_least: 15}}, {readiness: {at_least: 10}}]",
        "[{readiness: {at_least: 10}}, {engagement: {at_least: 15}}]",
        "The alternatives of Lead stand in another order, so their numbers change.",
    ),
    ("{below: 15}", "{below: 10}", "Cooling: now when engagement is below 10; before, when engagement is below 15."),
    ("cools:", "# cools:", "Accepted leads no longer go back to Marketing by cooling."),
    ("4 business hours", "1 business day", "Sales: accept within 1 business day instead of 4 business hours."),
    ("at_least: 6,", "at_least: 5,", "Sales: 5 attempts instead of 6."),
    ("  attempts: {", "#  attempts: {", "Sales no longer promises a number of attempts."),
    ("touch_every: 30 days", "touch_every: 20 days", "Marketing: touch every 20 days instead of 30 days."),
    ("no_interest:  {", "boredom:  {", "The reason no_interest is gone."),
    (
        "rest: 120 days",
        "rest: 20 days",
        (
            "The reason no_interest: now “Our definition was wrong: the lead rests for 20 days.” Before: "
            "“Our definition was wrong: the lead rests for 120 days.”"
        ),
    ),
    (
        "share: 2%",
        "share: 3%",
        (
            "Audits: now “3% of what Marketing keeps is handed to Sales unmarked, as a check, 10 a week at most. Of "
            "leads within 15 points of being sales-ready it is 10%.” Before: “2% of what Marketing keeps is handed to "
            "Sales unmarked, as a check, 10 a week at most. Of leads within 15 points of being sales-ready it is 10%.”"
        ),
    ),
]


@pytest.mark.parametrize(("before", "after", "said"), CHANGES, ids=[after.strip() for _, after, _ in CHANGES])
def test_changes(before: str, after: str, said: str) -> None:
    assert before in EXAMPLE
    changed = EXAMPLE.replace(before, after, 1)
    found = diff(parse_or_raise(EXAMPLE), parse_or_raise(changed))
    assert found[0] == said
    assert len(found) == (2 if after.startswith("boredom") else 1)


def test_lines_come_and_go() -> None:
    gone = EXAMPLE.replace("  - id: student\n    says: Writes from a university\n", "").replace(
        "    if: {person.email_domain: {in: builtin.academic}}\n    points: -40\n", ""
    )
    there, back = (parse_or_raise(text) for text in (EXAMPLE, gone))
    assert diff(there, back) == [
        "The list builtin.academic is gone.",
        "Gone from fit: “Writes from a university” (−40).",
    ]
    assert diff(back, there) == [
        "The list builtin.academic is new, with 422 entries.",
        "New in fit: “Writes from a university”, −40 when the person's e-mail domain is a university's.",
    ]


def test_what_has_no_meaning_is_not_said() -> None:
    other = (
        EXAMPLE.replace("points: 25", "points: +25")
        .replace("4 business hours", "240 business minutes")
        .replace("30 days}", "720 hours}")
        .replace("{below: 15}", "{at_most: 14.999}")
        .replace("[200, 5000]", "[200.0, 5000.00]")
    )
    assert diff(parse_or_raise(EXAMPLE), parse_or_raise(other)) == []


def test_another_order_of_verdicts_is_said() -> None:
    start, rest = EXAMPLE.split("  disqualified:\n")
    dropped, rest = rest.split("\n", 1)
    moved = start + rest.replace("cools:", f"  disqualified:\n{dropped}\ncools:", 1)
    found = diff(parse_or_raise(EXAMPLE), parse_or_raise(moved))
    assert found == ["Verdicts are tried in another order: Sales-ready, Lead then Disqualified."]
