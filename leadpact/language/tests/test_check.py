"""Warnings: each foolishness is seen in its place, sound files earn none, and no warning is ever wrong."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from leadpact.language.attainable import attainable
from leadpact.language.check import check
from leadpact.language.nodes import Agreement, If
from leadpact.language.parse import parse
from leadpact.language.possible import Possible, implies
from leadpact.language.tests.generated import case, judged

EXAMPLE = (Path(__file__).parent.parent / "example.yaml").read_text()
SOUND = """\
leadpact: 1
name: Sound
market: {timezone: Europe/Berlin, business_hours: {mon-fri: "08:00-18:00"}}
lists: {rivals: [initech.example], sizes: [1, 2]}
fit:
  - {id: small, says: S, if: {account.employees: {between: [1, 50]}}, points: 20}
  - {id: large, says: L, if: {account.employees: {between: [51, 500]}}, points: 30}
  - {id: rival, says: R, if: {account.domain: {in: rivals}}, points: -50}
  - {id: odd, says: O, if: {account.rooms: {in: sizes}}, points: 10}
engagement:
  - {id: seen, says: V, each: {touch: page.viewed, within: 14 days}, points: 5, at_most: 40}
readiness: []
verdicts:
  sales_ready: {any: [{all: [{fit: {at_least: 30}}, {engagement: {at_least: 40}}]}, {touch: demo.requested}]}
  lead: {engagement: {at_least: 10}}
cools: {engagement: {below: 10}}
sales_promises: {accept_within: 4 hours, first_follow_up_within: 1 hour, attempts: {at_least: 3, within: 9 days}}
marketing_promises: {hand_over_within: 5 minutes, touch_every: 30 days, answer_rejection_within: 2 days}
recycle: {not_now: {blames: timing, rest: 9 days, only_after: attempts}}
audit: {share: 2%}
"""


def warned(text: str) -> list[tuple[str, int]]:
    """(code, line) of the warnings of a file."""
    parsed = parse(text)
    assert parsed.errors == ()
    assert parsed.agreement is not None
    return [(problem.code, problem.line) for problem in check(parsed.agreement, parsed.positions)]


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize("text", [EXAMPLE, SOUND])
def test_sound_files_earn_no_warning(text: str) -> None:
    assert warned(text) == []


# (what is replaced, by what, code, a part of the line where the warning stands)
FOOLISH = [
    ("{between: [1, 50]}", "{at_least: 9, below: 9}", "never-true", "id: small"),
    ("{between: [1, 50]}", "{known: false, at_least: 9}", "never-true", "id: small"),
    ("{between: [1, 50]}", "{is: 7, above: 7}", "never-true", "id: small"),
    ("{between: [1, 50]}", "{is: steel, starts_with: wood}", "never-true", "id: small"),
    ("{between: [1, 50]}", "{in: [steel, iron], has_word: wood}", "never-true", "id: small"),
    ("{between: [1, 50]}", "{in: sizes, above: 2}", "never-true", "id: small"),
    ("{between: [1, 50]}", "{starts_with: ab, contains: x}", "", ""),
    ("{between: [1, 50]}", "{starts_with: ab, has_word: x}", "", ""),
    ("{between: [1, 50]}", "{ends_with: ab}", "", ""),
    (
        "if: {account.employees: {between: [1, 50]}}",
        "if: {all: [{lead.a: 1}, {not: {lead.a: 1}}]}",
        "never-true",
        "id: small",
    ),
    (
        "if: {account.employees: {between: [1, 50]}}",
        "if: {all: [{lead.a: {above: 3}}, {lead.a: 1}]}",
        "never-true",
        "id: small",
    ),
    (
        "if: {account.employees: {between: [1, 50]}}",
        "if: {touch: a.b, at_least: 3, at_most: 2}",
        "never-true",
        "id: small",
    ),
    ("if: {account.employees: {between: [1, 50]}}", "if: {touch: a.b, at_least: 0}", "always-true", "id: small"),
    (
        "if: {account.employees: {between: [1, 50]}}",
        "if: {not: {touch: a.b, at_least: 3, at_most: 1}}",
        "always-true",
        "id: small",
    ),
    (
        "if: {account.employees: {between: [1, 50]}}",
        "if: {account.active_people: {at_least: 3, at_most: 1}}",
        "never-true",
        "id: small",
    ),
    ("touch: page.viewed,", "touch: page.viewed, where: {path: {is: a, contains: b}},", "never-true", "id: seen"),
    ("touch: page.viewed,", "touch: [email.sent, call.made],", "ours", "id: seen"),
    ("touch: page.viewed,", "touch: [email.sent, page.viewed],", "", ""),
    (", within: 14 days}, points: 5, at_most: 40", "}, points: 5", "endless", "id: seen"),
    ("points: 5, at_most: 40", "points: 41, at_most: 40", "cap", "id: seen"),
    ("points: 10}", "points: 0}", "no-points", "id: odd"),
    ("{between: [51, 500]}", "{between: [50, 500]}", "edge", "id: large"),
    ("{account.employees: {between: [51, 500]}}", "{account.employees: {between: [1, 50]}}", "twice", "id: large"),
    ("readiness: []", "readiness: [{id: r, says: R, if: {lead.a: 1}, points: 1}]", "unused-score", "readiness"),
    ("[{fit: {at_least: 30}}", "[{fit: {at_least: 41}}", "out-of-reach", "sales_ready"),
    ("[{fit: {at_least: 30}}", "[{fit: {at_most: -51}}", "out-of-reach", "sales_ready"),
    ("{engagement: {at_least: 40}}]", "{engagement: {above: 40}}]", "out-of-reach", "sales_ready"),
    ("{engagement: {at_least: 40}}]", "{fit: {below: 30}}]", "never-chosen", "sales_ready"),
    (
        "{touch: demo.requested}]",
        "{touch: demo.requested}, {touch: demo.requested, within: 3 days}]",
        "redundant",
        "sales_ready",
    ),
    ("lead: {engagement: {at_least: 10}}", "lead: {touch: demo.requested, within: 7 days}", "never-chosen", "  lead"),
    (
        "lead: {engagement: {at_least: 10}}",
        "lead: {any: [{touch: demo.requested}, {fit: {at_least: 1}}]}",
        "never-chosen",
        "  lead",
    ),
    ("lead: {engagement: {at_least: 10}}", "lead: {engagement: {at_least: 0}}", "always-true", "  lead"),
    ("cools: {engagement: {below: 10}}", "cools: {engagement: {below: 0}}", "out-of-reach", "cools"),
    ("cools: {engagement: {below: 10}}", "cools: {engagement: {below: 41}}", "always-true", "cools"),
    ("lists: {rivals", "lists: {extra: [a], rivals", "unused-list", "lists"),
    ("rivals: [initech.example]", "rivals: []", "empty-list", "lists"),
    ("rivals: [initech.example]", "rivals: ['@initech.example']", "not-domains", "lists"),
    (
        "{account.domain: {in: rivals}}",
        "{any: [{account.domain: {in: rivals}}, {person.email: {in: builtin.free_mail}}]}",
        "not-domains",
        "lists",
    ),
    ("attempts: {at_least: 3, within: 9 days}", "", "no-attempts", "recycle"),
    ("rest: 9 days, ", "", "no-rest", "recycle"),
    ("recycle: {not_now: {blames: timing, rest: 9 days, only_after: attempts}}", "", "no-reasons", "name"),
    ("audit: {share: 2%}", "audit: {share: 0%}", "no-audit", "audit"),
    ("audit: {share: 2%}", "", "no-audit", "name"),
    ("accept_within: 4 hours", "accept_within: 4 business hours", "", ""),
]


@pytest.mark.parametrize(
    ("before", "after", "code", "where"), FOOLISH, ids=[after or before for before, after, _, _ in FOOLISH]
)
def test_foolish(before: str, after: str, code: str, where: str) -> None:
    assert before in SOUND
    text = SOUND.replace(before, after, 1)
    found = warned(text)
    if not code:
        assert found == []
        return
    assert (code, line_of(text, where)) in found
    if code not in {"never-true", "empty-list"}:  # a line that never scores can put a threshold out of reach
        assert len(found) == 1


def test_conditions_that_contradict_each_other_only_together() -> None:
    for second, codes in (("ac", ["never-true"]), ("a", []), ("abc", [])):
        parts = f"{{lead.a: {{starts_with: ab}}}}, {{all: [{{lead.a: {{starts_with: {second}}}}}]}}"
        text = SOUND.replace("{account.employees: {between: [1, 50]}}", f"{{all: [{parts}]}}")
        assert [code for code, _ in warned(text)] == codes


def test_promises_in_business_time_need_business_hours() -> None:
    text = SOUND.replace(', business_hours: {mon-fri: "08:00-18:00"}', "").replace(
        "touch_every: 30 days", "touch_every: 9 business days"
    )
    assert warned(text) == [("no-hours", line_of(text, "sales_promises"))]


def test_without_promises_no_clock_runs() -> None:
    text = "\n".join(line for line in SOUND.splitlines() if "promises" not in line).replace(
        ", only_after: attempts", ""
    )
    assert warned(text) == [("no-promises", 2), ("no-promises", 2)]


def test_a_verdict_that_can_never_be_chosen_says_why() -> None:
    text = SOUND.replace("lead: {engagement: {at_least: 10}}", "lead: {touch: demo.requested}")
    parsed = parse(text)
    assert parsed.agreement is not None
    (problem,) = check(parsed.agreement, parsed.positions)
    assert problem.message == "`lead` can never be chosen: whenever it holds, `sales_ready.2` holds before it"


def test_without_positions_the_warnings_are_the_same() -> None:
    parsed = parse(SOUND.replace("points: 10}", "points: 0}"))
    assert parsed.agreement is not None
    assert [(p.code, p.line, p.column) for p in check(parsed.agreement)] == [("no-points", 1, 1)]


def test_scores_that_exclude_one_another_are_not_added() -> None:
    parsed = parse(SOUND)
    assert parsed.agreement is not None
    assert attainable(parsed.agreement) == {"fit": (-50_000, 40_000), "engagement": (0, 40_000), "readiness": (0, 0)}


@pytest.mark.parametrize(
    ("line", "reach"),
    [
        ("each: {touch: a.b, within: 3 days, per: day}, points: 5", (0, 20_000)),
        ("each: {touch: a.b, within: 3 days}, points: 5", (0, None)),
        ("each: {touch: a.b, within: 3 days}, points: -5", (None, 0)),
        ("each: {touch: a.b}, points: -5, at_most: 12", (-12_000, 0)),
        ("each: {touch: a.b}, points: 0", (0, 0)),
        ("if: {touch: a.b, at_least: 0}, points: 7", (7_000, 7_000)),
        ("if: {lead.a: 1}, points: -7", (-7_000, 0)),
        ("if: {lead.a: {is: 1, above: 2}}, points: -7", (0, 0)),
    ],
)
def test_what_a_line_can_give(line: str, reach: tuple[int | None, int | None]) -> None:
    verdicts = "verdicts: {sales_ready: {fit: {above: 1}}}"
    text = f"leadpact: 1\nname: A\nfit:\n  - {{id: a, says: A, {line}}}\n{verdicts}\n"
    parsed = parse(text)
    assert parsed.agreement is not None
    assert attainable(parsed.agreement)["fit"] == reach


# --- warnings are never wrong ------------------------------------------------------------


@pytest.mark.parametrize("seed", range(48))
def test_what_is_called_impossible_never_happens(seed: int) -> None:
    agreement = case(seed).agreement
    reach = attainable(agreement)
    possible = Possible(agreement, reach)
    ready = agreement.verdict("sales_ready")
    assert ready is not None
    dead = _called_dead(agreement)
    for judgement in judged(seed):
        for dimension, (low, high) in reach.items():
            score = judgement.scores[dimension]
            assert low is None or low <= score
            assert high is None or score <= high
        states = {part.line_id: part.state for part in judgement.lines}
        conditions = {line.id: line.rule.condition for line in agreement.lines if isinstance(line.rule, If)}
        for name, condition in conditions.items():
            assert not (possible.never(condition) and states[name] is True)
            assert not (possible.always(condition) and states[name] is not True)
        for one, other in permutations(conditions, 2):
            if states[one] is True and implies(conditions[one], conditions[other]):
                assert states[other] is True
        for held, alternative in zip(judgement.alternatives, ready.alternatives, strict=True):
            assert not (possible.never(alternative) and held)
            assert not (possible.always(alternative) and not held)
        assert judgement.decided_by not in dead
        assert judgement.verdict not in dead


def _called_dead(agreement: Agreement) -> set[str]:
    """Verdicts and clauses of which a warning says that they decide nothing."""
    return {problem.message.split("`")[1] for problem in check(agreement) if problem.code == "never-chosen"}
