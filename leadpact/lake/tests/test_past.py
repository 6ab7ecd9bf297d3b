"""What a prepared history says of a whole period is what the reference says instant by instant, whatever the numbers are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from random import Random

import pytest

from leadpact.kit.failures import CannotDo
from leadpact.lake import one_lead, relations
from leadpact.lake.preview import Bench, open_bench, prepare
from leadpact.lake.store import Store
from leadpact.lake.tests.drawn import DAY, Drawn, draw
from leadpact.lake.tests.test_preview import changed
from leadpact.language.check_history import Gap, by_place
from leadpact.language.evaluate import Judgement
from leadpact.language.nodes import DIMENSIONS, Agreement, Each
from leadpact.language.parse import parse_or_raise

CASES = 24
FOR_EVER = 3_650 * DAY


def twofold(agreement: Agreement) -> Agreement:
    """Each line again by another name, and where touches fade, once more over a day more: alike, and nearly so."""
    lines = list(agreement.lines)
    for line in agreement.lines:
        lines.append(replace(line, id=f"{line.id}_again", points=line.points + 1))
        rule = line.rule
        if isinstance(rule, Each) and rule.fades and (rule.query.within or FOR_EVER) < FOR_EVER:
            longer = replace(rule, query=replace(rule.query, within=rule.query.within + DAY))
            lines.append(replace(line, id=f"{line.id}_longer", rule=longer))
    return replace(agreement, lines=tuple(lines))


def judged(store: Store, case: Drawn, agreement: Agreement) -> Iterator[Judgement]:
    for lead in case.leads:
        if lead[3] <= case.end:
            known = one_lead.read(store, agreement, lead[0])
            yield from one_lead.judgements(known, agreement, start=case.start, end=case.end)


def compared(store: Store, case: Drawn, agreement: Agreement, bench: Bench) -> Counter[str]:
    """Hold what the bench says to the reference; how often the comparison could have failed, by what it was about."""
    seen, told = bench.seen(agreement), list(judged(store, case, agreement))
    scores = {name: [one.scores[name] for one in told] for name in DIMENSIONS}
    assert dict(seen.reached) == {name: (min(values), max(values)) for name, values in scores.items()}
    verdicts = {one.verdict for one in told}
    assert {name for name, count in seen.verdicts.items() if count} == verdicts
    met: dict[str, set[tuple[str, int]]] = defaultdict(set)
    states: dict[str, set[bool | None]] = defaultdict(set)
    for one in told:
        for part in one.lines:
            states[part.line_id].add(part.state)
            if part.state:
                met[part.line_id].add((one.lead_id, one.as_of))
    assert {name: found.scored > 0 for name, found in seen.lines.items()} == {
        name: True in of for name, of in states.items()
    }
    assert {name: found.unknown == seen.judgements for name, found in seen.lines.items()} == {
        name: of == {None} for name, of in states.items()
    }
    pairs = list(combinations(seen.lines, 2))
    for one_, other in pairs:
        alike = seen.lines[one_].scored > 0 and seen.lines[one_].mark == seen.lines[other].mark
        assert alike == (bool(met[one_]) and met[one_] == met[other]), (one_, other)
    return Counter(
        never=len(seen.verdicts) - len(verdicts),
        nobody=sum(not found.scored for found in seen.lines.values()),
        alike=sum(bool(met[one_]) and met[one_] == met[other] for one_, other in pairs),
        apart=sum(met[one_] != met[other] for one_, other in pairs),
        longer=sum(met[one_] != met[other] for one_, other in pairs if other == f"{one_}_longer"),
        negative=sum(min(values) < 0 for values in scores.values()),
    )


@pytest.mark.parametrize("seed", range(CASES))
def test_scores_verdicts_and_lines_are_those_of_the_reference(seed: int, store: Store, tmp_path: Path) -> None:
    case, chance = draw(seed), Random(seed)
    base = twofold(case.agreement)
    case.fill(store)
    prepare(
        store, base, start=case.start, end=case.end, out=tmp_path / "bench", batch_leads=chance.choice((1, 3, 99))
    )  # fmt: skip
    bench = open_bench(tmp_path / "bench")
    assert bench.past.judgements > 0
    for agreement in (base, *(changed(chance, base) for _ in range(2))):
        compared(store, case, agreement, bench)


def test_every_comparison_above_is_reached(store: Store, tmp_path: Path) -> None:
    found: Counter[str] = Counter()
    for seed in range(CASES):
        case = draw(seed)
        case.fill(store)
        agreement = twofold(case.agreement)
        prepare(store, agreement, start=case.start, end=case.end, out=tmp_path / "bench")
        found += compared(store, case, agreement, open_bench(tmp_path / "bench"))
    assert len(found) == 6, found


# --- by hand --------------------------------------------------------------------------------------------------------------

BASE = """
leadpact: 1
name: Base
lists:
  served: [Logistics]
  rivals: [initech.example]
fit:
  - {id: size, says: Large enough, if: {account.employees: {at_least: 200}}, points: 20}
  - {id: industry, says: Served, if: {account.industry: {in: served}}, points: 10}
engagement:
  - {id: seminar, says: Came to a seminar, each: {touch: seminar.attended, within: 10 days}, points: 20, fades: true}
  - {id: sulks, says: Left the list, each: {touch: mail.unsubscribed, within: 20 days}, points: -40, fades: true}
  - {id: visit, says: Was there, if: {touch: seminar.attended, within: 10 days}, points: 1}
verdicts:
  disqualified: {any: [{account.domain: {in: rivals}}]}
  sales_ready: {any: [{all: [{fit: {at_least: 20}}, {engagement: {at_least: 10}}]}]}
  lead: {any: [{all: [{engagement: {at_least: -30}}, {engagement: {at_most: -20}}]}]}
recycle:
  no_fit: {blames: definition, then: disqualified}
"""
T0 = 1_700_000_000_000_000


@pytest.fixture
def bench(store: Store, tmp_path: Path) -> Bench:
    """Thirty leads of thirty accounts: all came to a seminar once, ten said what cannot be read, ten nothing, one left the list."""
    relations.create(store)
    store.execute(f"INSERT INTO hist_leads SELECT 'lead' || i, 'p' || i, 'a' || i, {T0} + i, NULL FROM range(30) t(i)")
    store.execute(
        "INSERT INTO hist_facts SELECT 'account', 'a' || i, 'account.employees', CASE WHEN i < 10 THEN '300' ELSE 'about 300' "
        f"END, CASE WHEN i < 10 THEN 300000000 END, NULL, NULL, {T0} + i, {T0} + i FROM range(20) t(i)"
    )
    store.execute(
        "INSERT INTO hist_facts SELECT 'account', 'a' || i, 'account.industry', 'logistics', NULL, NULL, NULL, "
        f"{T0} + 60000000, {T0} + 60000000 FROM range(30) t(i)"
    )
    touches = [("seminar.attended", 30, DAY), ("mail.unsubscribed", 1, 12 * DAY)]
    for kind, many, after in touches:
        store.execute(
            f"INSERT INTO hist_touches SELECT '{kind}' || i, 'lead' || i, 'p' || i, 'a' || i, '{kind}', {T0} + {after} + i, "
            f"{T0} + {after} + i, NULL, '{{}}' FROM range({many}) t(i)"
        )
    prepare(store, parse_or_raise(BASE), end=T0 + 90 * DAY, out=tmp_path / "bench")
    return open_bench(tmp_path / "bench")


def codes(bench: Bench, text: str = BASE) -> dict[str, set[str]]:
    found = by_place(parse_or_raise(text), bench.seen(parse_or_raise(text)))
    return {about: {one.code for one in problems} for about, problems in found.items()}


def test_what_a_window_has_closed_on_at_the_end_was_met_all_the_same(bench: Bench) -> None:
    seen = bench.seen(parse_or_raise(BASE))
    assert bench.at_end(bench.base).lines["seminar"].scored == 0, "ten days were over at the end"
    assert seen.lines["seminar"].scored >= 30
    assert seen.when == "from 2023-11-14 to 2024-02-12"
    assert (seen.leads, seen.touches) == (30, True)
    assert seen.reached["engagement"] == (-40_000, 21_000)
    assert bench.at_end(bench.base).lines["industry"].scored == 30, "it was learnt a minute late"


def test_a_value_is_unknown_for_whoever_said_nothing_or_what_cannot_be_read(bench: Bench) -> None:
    assert bench.past.gaps["account.employees"] == Gap(20, 10, "about 300")
    assert bench.past.gaps["account.industry"] == Gap(0)
    assert bench.past.gaps["account.domain"].unknown == 30


def test_warnings_follow_the_numbers_of_a_draft(bench: Bench) -> None:
    base = codes(bench)
    assert base["verdicts.disqualified"] == {"never-given"}
    assert "verdicts.sales_ready" not in base
    assert "verdicts.lead" not in base, "it holds for days between two rows, by fading alone"
    assert base["lines.visit"] == {"same-leads"}, "while the seminar counts, and as long"
    higher = codes(bench, BASE.replace("engagement: {at_least: 10}", "engagement: {at_least: 22}"))
    assert higher["verdicts.sales_ready.1"] == {"not-reached"}
    assert higher["verdicts.sales_ready"] == {"never-given"}
    assert "verdicts.sales_ready.1" not in codes(bench, BASE.replace("points: 20, fades", "points: 22, fades"))


def test_where_a_draft_reads_otherwise_the_rest_is_still_told(bench: Bench) -> None:
    other = parse_or_raise(BASE.replace("at_least: 200", "at_least: 100"))
    seen = bench.seen(other)
    assert set(seen.lines) == {"industry", "seminar", "sulks", "visit"}
    assert set(seen.reached) == {"engagement", "readiness"}
    assert seen.verdicts == {}
    assert "verdicts.disqualified" not in by_place(other, seen)
    # A list that changed takes those lines with it that look into it.
    assert "industry" not in bench.seen(parse_or_raise(BASE.replace("[Logistics]", "[Logistics, Wholesale]"))).lines
    moved = bench.seen(parse_or_raise(BASE.replace("[initech.example]", "[initech.example, hooli.example]")))
    assert set(moved.lines) == {line.id for line in other.lines}
    assert moved.verdicts == {}
    assert bench.seen(replace(other, lines=())).lines == {}


def test_a_bench_of_the_form_before_is_prepared_again(bench: Bench) -> None:
    told = (bench.path / "bench.json").read_text(encoding="utf-8").replace('"form": 3', '"form": 2')
    (bench.path / "bench.json").write_text(told, encoding="utf-8")
    with pytest.raises(CannotDo, match="prepare it again"):
        open_bench(bench.path)
