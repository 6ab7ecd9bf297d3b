"""A preview is the replay of the changed agreement, to the instant; and what it says beside that is counted right."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from leadpact.kit.failures import CannotDo
from leadpact.lake import one_lead, relations
from leadpact.lake.preview import NAMES, WEEK, CannotPreview, open_bench, prepare
from leadpact.lake.replay import replay
from leadpact.lake.store import Store
from leadpact.lake.tests.drawn import DAY, Drawn, draw
from leadpact.language.nodes import Agreement, All, Any, Condition, Each, Not, Score
from leadpact.language.parse import parse_or_raise

CASES = 16


def changed(chance: Random, agreement: Agreement) -> Agreement:
    """Other points, caps and thresholds."""
    lines = []
    for line in agreement.lines:
        rule = line.rule
        if isinstance(rule, Each) and chance.random() < 0.5:
            rule = replace(rule, at_most=chance.choice((None, 1, 5, 30)))
        lines.append(replace(line, points=chance.choice((line.points, line.points, 0, 4, -7, 30)), rule=rule))
    verdicts = [
        replace(verdict, alternatives=tuple(_moved(chance, part) for part in verdict.alternatives))
        for verdict in agreement.verdicts
    ]
    return replace(agreement, lines=tuple(lines), verdicts=tuple(verdicts), cools=None)


def _moved(chance: Random, condition: Condition) -> Condition:
    match condition:
        case Score():
            by = chance.choice((0, 0, 500, -3_000, 8_000))
            low = None if condition.at_least is None else condition.at_least + by
            high = None if condition.at_most is None else condition.at_most + max(by, 0)
            return replace(condition, at_least=low, at_most=high)
        case All(parts):
            return All(tuple(_moved(chance, part) for part in parts))
        case Any(parts):
            return Any(tuple(_moved(chance, part) for part in parts))
        case Not(part):
            return Not(_moved(chance, part))
        case _:
            return condition


def hand_overs(store: Store, case: Drawn, agreement: Agreement) -> dict[str, tuple[int, ...]]:
    """By the reference, lead by lead; the first of each is where the replay's verdict is sales-ready first."""
    replay(store, agreement, start=case.start, end=case.end)
    first = dict(
        store.execute(
            "SELECT lead_id, min(\"at\") FROM replayed WHERE after = 'sales_ready' GROUP BY lead_id"
        ).fetchall()
    )
    found: dict[str, tuple[int, ...]] = {}
    for lead in case.leads:
        known = one_lead.read(store, agreement, lead[0])
        back = [tuple(told) for name, *told in case.returns if name == lead[0]]
        if told := one_lead.hand_overs(known, agreement, back, start=case.start, end=case.end):
            found[lead[0]] = tuple(told)
    assert {lead: told[0] for lead, told in found.items()} == first
    written = store.execute('SELECT lead_id, list("at" ORDER BY nth) FROM replayed_handed GROUP BY lead_id').fetchall()
    assert {lead: tuple(told) for lead, told in written} == found
    return found


@pytest.mark.parametrize("seed", range(CASES))
def test_a_preview_is_the_replay_of_the_changed_agreement(seed: int, store: Store, tmp_path: Path) -> None:
    case, chance = draw(seed), Random(seed)
    case.fill(store)
    prepare(
        store,
        case.agreement,
        start=case.start,
        end=case.end,
        out=tmp_path / "bench",
        batch_leads=chance.choice((1, 3, 99)),
    )
    bench = open_bench(tmp_path / "bench")
    base = hand_overs(store, case, case.agreement)
    for agreement in (case.agreement, *(changed(chance, case.agreement) for _ in range(2))):
        expected, found = hand_overs(store, case, agreement), bench.preview(agreement)
        assert bench.hand_overs(agreement) == expected
        assert (found.handed, found.base_handed) == (len(expected), len(base))
        assert set(found.gained) == expected.keys() - base.keys()
        assert set(found.lost) == base.keys() - expected.keys()
        assert (found.gained_count, found.lost_count) == (len(found.gained), len(found.lost))
        both = expected.keys() & base.keys()
        assert found.earlier == sum(expected[lead][0] < base[lead][0] for lead in both)
        assert found.later == sum(expected[lead][0] > base[lead][0] for lead in both)
        every = [at for told in expected.values() for at in told]
        assert (found.again, found.base_again) == (len(every) - len(expected), sum(map(len, base.values())) - len(base))
        weeks = Counter((at - 4 * DAY) // WEEK * WEEK + 4 * DAY for at in every)
        assert {week.start: week.handed for week in found.weeks if week.handed} == weeks
        old = {lead[0] for lead in case.leads if case.start is not None and lead[3] < case.start}
        assert found.standing == sum(told[0] == case.start for lead, told in expected.items() if lead in old)
        _check_answers(case, expected, found.labelled, found.unlabelled, found.first_error)


def _check_answers(
    case: Drawn, handed: dict[str, tuple[int, ...]], labelled: int, unlabelled: int, error: object
) -> None:
    first: dict[str, tuple[object, ...]] = {}
    for lead, handed_at, at, answer, blames in case.labels:
        order = (at if handed_at is None else handed_at, at, answer)
        if lead not in first or order < first[lead][0]:
            first[lead] = (order, answer, blames)
    answers = [first[lead] for lead in handed if lead in first]
    good = sum(answer == "qualified" for _, answer, _ in answers)
    bad = sum(answer != "qualified" and blames == "definition" for _, answer, blames in answers)
    assert (labelled, unlabelled) == (len(answers), len(handed) - len(answers))
    if good + bad == 0:
        assert error is None
    else:
        assert (error.n, error.value) == (good + bad, bad / (good + bad))
        assert error.low <= error.value <= error.high


def test_changes_are_seen_in_every_direction(store: Store, tmp_path: Path) -> None:
    """Cases like those above have leads gained, lost, earlier and later."""
    seen: Counter[str] = Counter()
    for seed in (1, 7, 10, 17, 21, 25, 38, 48, 59):
        case, chance = draw(seed), Random(seed)
        case.fill(store)
        prepare(store, case.agreement, start=case.start, end=case.end, out=tmp_path / "bench")
        bench = open_bench(tmp_path / "bench")
        for _ in range(20):
            found = bench.preview(changed(chance, case.agreement))
            seen += Counter(
                gained=found.gained_count,
                lost=found.lost_count,
                earlier=found.earlier,
                later=found.later,
                standing=found.standing,
                again=found.again,
            )
    assert len(seen) == 6
    assert min(seen.values()) >= 5


@pytest.mark.parametrize("seed", range(6))
def test_evidence_of_lines_is_counted_at_the_end_and_at_the_hand_over(seed: int, store: Store, tmp_path: Path) -> None:
    case = draw(seed)
    case.fill(store)
    prepare(store, case.agreement, start=case.start, end=case.end, out=tmp_path / "bench", batch_leads=3)
    lines = open_bench(tmp_path / "bench").lines
    handed: dict[str, tuple[int, str, str | None]] = {}
    for lead, handed_at, at, answer, blames in sorted(case.labels, key=lambda row: (row[1] or row[2], row[2], row[3])):
        handed.setdefault(lead, (min(row for row in (handed_at or at,)), answer, blames))
    expected = {line.line_id: [0] * 7 for line in lines}
    for lead in case.leads:
        if lead[3] > case.end:
            continue
        known = one_lead.read(store, case.agreement, lead[0])
        judged = list(one_lead.judgements(known, case.agreement, start=case.start, end=case.end))
        for part in judged[-1].lines:
            expected[part.line_id][{True: 0, False: 1, None: 2}[part.state]] += 1
        if lead[0] not in handed:
            continue
        at, answer, blames = handed[lead[0]]
        then = [one for one in judged if one.as_of <= at]
        if not then or (answer != "qualified" and blames != "definition"):
            continue
        for part in then[-1].lines:
            if part.state is not None:
                place = 3 if part.state else 5
                expected[part.line_id][place] += answer == "qualified"
                expected[part.line_id][place + 1] += 1
    found = {
        line.line_id: [
            line.met, line.not_met, line.unknown, line.good_with, line.decided_with, line.good_without, line.decided_without,
        ]
        for line in lines
    }  # fmt: skip
    assert found == expected


# --- what can be tried ------------------------------------------------------------------

BASE = """
leadpact: 1
name: Base
fit:
  - {id: size, says: Large enough, if: {account.employees: {at_least: 200}}, points: 20}
engagement:
  - {id: seminar, says: Came to a seminar, each: {touch: seminar.attended, within: 10 days}, points: 20, fades: true}
verdicts:
  sales_ready: {any: [{all: [{fit: {at_least: 20}}, {engagement: {at_least: 10}}]}]}
recycle:
  no_fit: {blames: definition, then: disqualified}
"""
T0 = 1_700_000_000_000_000


@pytest.fixture
def bench_path(store: Store, tmp_path: Path) -> Path:
    relations.create(store)
    store.execute(f"INSERT INTO hist_leads SELECT 'lead' || i, 'p' || i, 'a', {T0} + i, NULL FROM range(300) t(i)")
    store.execute(
        f"INSERT INTO hist_facts VALUES ('account', 'a', 'account.employees', '300', 300000000, NULL, NULL, {T0}, {T0})"
    )
    store.execute(
        "INSERT INTO hist_touches SELECT 't' || i, 'lead' || i, 'p' || i, 'a', 'seminar.attended', "
        f"{T0} + {DAY} + i, {T0} + {DAY} + i, NULL, '{{}}' FROM range(250) t(i)"
    )
    prepare(store, parse_or_raise(BASE), out=tmp_path / "bench")
    return tmp_path / "bench"


def test_names_are_capped_and_counted_in_full(bench_path: Path) -> None:
    found = open_bench(bench_path).preview(parse_or_raise(BASE.replace("fit: {at_least: 20}", "fit: {at_least: 25}")))
    assert (found.handed, found.base_handed, found.lost_count, len(found.lost)) == (0, 250, 250, NAMES)
    assert found.lost[0] == "lead0"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("within: 10 days", "within: 11 days", "line seminar reads something else"),
        ("at_least: 200", "at_least: 300", "line size reads something else"),
        ("id: size", "id: width", "line size is only in one"),
        (
            "any: [{all: [{fit: {at_least: 20}}, {engagement",
            "any: [{all: [{readiness: {at_least: 20}}, {engagement",
            "verdicts",
        ),
        (", fades: true", "", "line seminar reads something else"),
    ],
)
def test_what_needs_a_preparation_of_its_own_is_said(bench_path: Path, old: str, new: str, says: str) -> None:
    assert old in BASE
    with pytest.raises(CannotPreview, match=says):
        open_bench(bench_path).preview(parse_or_raise(BASE.replace(old, new)))


def test_words_and_promises_may_differ(bench_path: Path) -> None:
    text = BASE.replace("Came to a seminar", "Sat in a seminar").replace("name: Base", "name: Other")
    assert open_bench(bench_path).preview(parse_or_raise(text)).handed == 250


def test_a_folder_is_replaced_while_others_have_it_open(store: Store, bench_path: Path) -> None:
    before = open_bench(bench_path)
    prepare(store, parse_or_raise(BASE), out=bench_path, end=T0 + DAY + 99)
    assert before.preview(before.base).handed == 250
    assert open_bench(bench_path).preview(before.base).handed == 100
    assert [path.name for path in bench_path.parent.iterdir() if path.name.startswith(".")] == []


def test_several_processes_read_one_bench(bench_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from leadpact.lake.preview import open_bench; "
        "bench = open_bench(Path(sys.argv[1])); print(bench.preview(bench.base).handed)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(bench_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=60)[0].strip() for process in running] == ["250", "250"]


def test_what_is_no_bench_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotDo, match="prepare it first"):
        open_bench(tmp_path / "nothing")
