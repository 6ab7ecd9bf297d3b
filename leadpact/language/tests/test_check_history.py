"""Warnings that need history: each said with its figures and in its place, and nothing said of what was not seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from leadpact.language.check_history import FEWEST, Gap, LineSeen, Seen, by_place, check_history, check_plays
from leadpact.language.parse import parse
from leadpact.language.problems import Problem

EXAMPLE = (Path(__file__).parent.parent / "example.yaml").read_text(encoding="utf-8")
LINES = ("served_industry", "mid_size", "student", "seminar", "pricing", "buying_group", "timeline")
USUAL = Seen(
    leads=8_000,
    judgements=8_000,
    when="on 2026-03-31",
    touches=True,
    gaps={"account.industry": Gap(100)},
    lines={name: LineSeen(100 + n, 7, n) for n, name in enumerate(LINES)},
    reached={"fit": (-40_000, 40_000), "engagement": (0, 60_000), "readiness": (0, 25_000)},
    verdicts={"disqualified": 10, "sales_ready": 200, "lead": 900, "prospect": 6_890},
)


def warned(seen: Seen, text: str = EXAMPLE) -> list[Problem]:
    parsed = parse(text)
    assert parsed.agreement is not None
    return list(check_history(parsed.agreement, seen, parsed.positions))


def line(name: str, found: LineSeen) -> Seen:
    return replace(USUAL, lines={**USUAL.lines, name: found})


def test_an_ordinary_year_earns_no_warning() -> None:
    assert warned(USUAL) == []


@pytest.mark.parametrize(
    ("seen", "code", "where", "message"),
    [
        (
            replace(USUAL, gaps={"account.industry": Gap(7_312)}),
            "mostly-unknown",
            "- id: served_industry",
            "`account.industry` is unknown for 7,312 of 8,000 leads (91%)",
        ),
        (
            replace(USUAL, gaps={"account.employees": Gap(4_000, 3_000, "about 200")}),
            "mostly-unknown",
            "- id: mid_size",
            (
                "`account.employees` is unknown for 4,000 of 8,000 leads (50%); 3,000 of them say something that cannot be "
                "read, such as “about 200”"
            ),
        ),
        (
            replace(USUAL, gaps={"person.opted_out": Gap(8_000)}),
            "mostly-unknown",
            "any: [{account.domain",
            "`person.opted_out` is unknown for 8,000 of 8,000 leads (100%)",
        ),
        (
            line("student", LineSeen(0, 7_999, 0)),
            "nobody",
            "- id: student",
            "the line `student` scored for none of 8,000 leads on 2026-03-31",
        ),
        (
            line("pricing", LineSeen(8_000, 0, 5)),
            "everybody",
            "- id: pricing",
            "the line `pricing` scored for every one of 8,000 leads on 2026-03-31: it tells nobody apart",
        ),
        (
            line("mid_size", USUAL.lines["served_industry"]),
            "same-leads",
            "- id: mid_size",
            (
                "the line `mid_size` scored for the very same leads as `served_industry`, of 8,000 leads on 2026-03-31: "
                "the two may score one thing twice"
            ),
        ),
        (
            replace(USUAL, reached={**USUAL.reached, "engagement": (0, 29_999)}),
            "not-reached",
            "all: [{fit: {at_least: 40}}, {engagement",
            "`sales_ready.1` asks for 30 of engagement; 29.999 is the most of 8,000 leads on 2026-03-31",
        ),
        (
            replace(USUAL, reached={**USUAL.reached, "engagement": (15_000, 60_000)}),
            "not-reached",
            "cools:",
            "`cools` asks for less than 15 of engagement; 15 is the least of 8,000 leads on 2026-03-31",
        ),
        (
            replace(USUAL, verdicts={"sales_ready": 8_000, "disqualified": 1}),
            "never-given",
            "  lead:",
            "`lead` was the verdict of none of 8,000 leads on 2026-03-31",
        ),
    ],
)
def test_what_history_tells(seen: Seen, code: str, where: str, message: str) -> None:
    (problem,) = warned(seen)
    assert (problem.code, problem.message, problem.severity) == (code, message, "warning")
    assert where in EXAMPLE.splitlines()[problem.line - 1]


@pytest.mark.parametrize(
    "seen",
    [
        replace(USUAL, gaps={"account.industry": Gap(3_999)}),
        line("student", LineSeen(0, 8_000, 0)),  # it could not be judged, which its attribute is warned of
        line("pricing", replace(USUAL.lines["served_industry"])),  # of another dimension
    ],
)
def test_what_is_not_worth_a_word(seen: Seen) -> None:
    assert warned(seen) == []


def test_without_touches_nothing_is_said_of_what_rests_on_them() -> None:
    nothing = LineSeen(0, 0, 0)
    seen = replace(
        USUAL,
        touches=False,
        lines={**USUAL.lines, "seminar": nothing, "pricing": nothing, "buying_group": nothing},
        reached={**USUAL.reached, "engagement": (0, 0)},
        verdicts={"prospect": 8_000},
    )
    assert warned(seen) == []
    fit = replace(seen, reached={**seen.reached, "fit": (0, 20_000)})
    assert [problem.code for problem in warned(fit)] == ["not-reached", "not-reached"]


def test_of_a_handful_of_leads_only_gaps_are_told() -> None:
    few = FEWEST - 1
    seen = replace(
        line("student", LineSeen(0, 0, 0)), leads=few, judgements=few, gaps={"account.industry": Gap(few)}, verdicts={}
    )
    assert [problem.code for problem in warned(seen)] == ["mostly-unknown"]


def test_lines_that_say_the_same_are_left_to_check() -> None:
    text = EXAMPLE.replace(
        "  - id: mid_size",
        "  - {id: again, says: A, if: {account.industry: {in: served_industries}}, points: 1}\n  - id: mid_size",
    )
    seen = replace(USUAL, lines={**USUAL.lines, "again": USUAL.lines["served_industry"]})
    assert warned(seen, text) == []


def test_plays_that_nobody_has() -> None:
    parsed = parse(EXAMPLE)
    assert parsed.agreement is not None
    found = check_plays(parsed.agreement, ("long_nurture", "find_sponsors"), parsed.positions)
    assert [(p.code, p.nearest) for p in found] == [("no-play", "find_sponsors")]
    assert found[0].message == "the reason `sponsor_left` gives the lead to the play `find_sponsor`, which nobody has"
    assert "sponsor_left" in EXAMPLE.splitlines()[found[0].line - 1]
    assert check_plays(parsed.agreement, ("long_nurture", "find_sponsor")) == ()


def test_beside_what_it_is_about_a_warning_says_this() -> None:
    seen = replace(
        USUAL,
        gaps={"lead.timeline_months": Gap(8_000)},
        lines={**USUAL.lines, "student": LineSeen(0, 7_999, 0), "mid_size": USUAL.lines["served_industry"]},
        reached={**USUAL.reached, "engagement": (15_000, 29_999)},
        verdicts={"sales_ready": 8_000, "disqualified": 1},
    )
    agreement = parse(EXAMPLE).agreement
    assert agreement is not None
    told = {about: [one.message for one in problems] for about, problems in by_place(agreement, seen).items()}
    assert told == {
        "lines.timeline": ["the number of months until they want to buy is unknown for 8,000 of 8,000 leads (100%)"],
        "lines.student": ["this line scored for none of 8,000 leads on 2026-03-31"],
        "lines.mid_size": [
            (
                "this line scored for the very same leads as “Works in an industry we serve”, of 8,000 leads on 2026-03-31: "
                "the two may score one thing twice"
            )
        ],
        "verdicts.sales_ready.1": ["this asks for 30 of engagement; 29.999 is the most of 8,000 leads on 2026-03-31"],
        "verdicts.lead": ["this verdict was given to none of 8,000 leads on 2026-03-31"],
        "cools": ["this asks for less than 15 of engagement; 15 is the least of 8,000 leads on 2026-03-31"],
    }


def test_where_verdicts_were_not_counted_nothing_is_said_of_them() -> None:
    assert warned(replace(USUAL, verdicts={})) == []
