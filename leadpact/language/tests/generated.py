"""The pairs that engines are compared over: which they are, and what each of them exercises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from random import Random

from leadpact.language.evaluate import Judgement, Scene, compare, evaluate
from leadpact.language.history import History, Lead
from leadpact.language.needs import conditions, leaves, queries
from leadpact.language.nodes import (
    DAY,
    ActivePeople,
    Agreement,
    Attribute,
    Condition,
    Each,
    ListRef,
    Score,
    Test,
    Touched,
    TouchQuery,
    walk,
)
from leadpact.language.tests.drawing_history import Case, draw_case

CASES = 125
"""Agreements drawn; each judges some forty leads in one query, so that there are more than 5,000 pairs."""
LEADS = 42


@cache
def case(seed: int) -> Case:
    """The case of a seed."""
    return draw_case(Random(seed), leads=LEADS)


@cache
def judged(seed: int) -> tuple[Judgement, ...]:
    """What the reference says of each ask of the case, in order."""
    found = case(seed)
    return tuple(
        evaluate(found.agreement, found.history.lead(lead_id), found.history, instant)
        for lead_id, instant in found.asks
    )


def without(found: Case) -> Iterator[Case]:
    """Smaller cases, one thing less each: how a difference between engines is made small enough to read."""
    for n in range(len(found.asks)):
        yield replace(found, asks=found.asks[:n] + found.asks[n + 1 :])
    touches, people = found.history.touches, found.history.leads
    for n in range(len(touches)):
        yield replace(found, history=History(people, touches[:n] + touches[n + 1 :]))
    lines = found.agreement.lines
    for n in range(len(lines)):
        yield replace(found, agreement=replace(found.agreement, lines=lines[:n] + lines[n + 1 :]))
    for n, verdict in enumerate(found.agreement.verdicts):
        for k in range(len(verdict.alternatives) if len(verdict.alternatives) > 1 else 0):
            fewer = replace(verdict, alternatives=verdict.alternatives[:k] + verdict.alternatives[k + 1 :])
            verdicts = (*found.agreement.verdicts[:n], fewer, *found.agreement.verdicts[n + 1 :])
            yield replace(found, agreement=replace(found.agreement, verdicts=verdicts))


# --- what one pair exercises ------------------------------------------------------------


def traits(agreement: Agreement, history: History, judgement: Judgement) -> set[str]:
    """Which of the things that must not be rare this pair has."""
    lead = history.lead(judgement.lead_id)
    scene = Scene(agreement, lead, history, judgement.as_of)
    out = {f"verdict {judgement.verdict}"}
    if _on_an_edge(agreement, scene):
        out.add("edge")
    if any(part.points is None for part in judgement.lines) or _unknown_in_verdict(agreement, scene, judgement):
        out.add("unknown")
    for line, part in zip(agreement.lines, judgement.lines, strict=True):
        if line.points < 0 and part.points:
            out.add("negative")
        if isinstance(line.rule, Each) and line.rule.fades and part.points:
            out.add("fading")
    if _reads_beyond_ascii(agreement, scene, lead):
        out.add("beyond ascii")
    return out


def _on_an_edge(agreement: Agreement, scene: Scene) -> bool:
    """Whether a touch that would count stands within a microsecond of the edge of its window, or of a fading step."""
    ages = [(scene.as_of - t.at, q.within) for q in queries(agreement) for t in scene.candidates(q)]
    for clause in leaves(agreement):
        if isinstance(clause, ActivePeople):
            ages += [(scene.as_of - touch.at, clause.within) for touch in scene.circle()]
    if any(within is not None and abs(age - within) <= 1 for age, within in ages):
        return True
    fading = [line.rule.query for line in agreement.lines if isinstance(line.rule, Each) and line.rule.fades]
    steps = [scene.as_of - touch.at for query in fading for touch in scene.candidates(query)]
    return any(-1 <= (age + 1) % DAY - 1 <= 1 for age in steps if age > 1)


def _unknown_in_verdict(agreement: Agreement, scene: Scene, judgement: Judgement) -> bool:
    scene.scores = judgement.scores
    parts = [part for verdict in agreement.verdicts for part in verdict.alternatives]
    return any(scene.truth(part) is None for part in parts)


def _reads_beyond_ascii(agreement: Agreement, scene: Scene, lead: Lead) -> bool:
    """Whether known text beyond ASCII is compared, on either side of the comparison."""
    pairs = [
        (lead.value(leaf.field, scene.as_of), test)
        for leaf in leaves(agreement)
        if isinstance(leaf, Attribute)
        for test in leaf.tests
    ]
    for query in queries(agreement):
        own = [touch for touch in scene.circle() if touch.kind in query.kinds]
        pairs += [(touch.property(name), test) for touch in own for name, tests in query.where for test in tests]
    for value, test in pairs:
        if value.text is not None and compare(value, test, agreement) is not None:
            constants = test.operand if isinstance(test.operand, tuple) else (test.operand,)
            if not value.text.isascii() or any(isinstance(c, str) and not c.isascii() for c in constants):
                return True
    return False


# --- what agreements reach --------------------------------------------------------------


def reached(agreement: Agreement) -> set[str]:
    """Names of every node, operator and form that the agreement uses."""
    out: set[str] = set()
    for condition in conditions(agreement):
        for node in walk(condition):
            out.add(type(node).__name__)
            out |= _of_node(node)
    for line in agreement.lines:
        out.add(type(line.rule).__name__)
        if isinstance(line.rule, Each):
            out.add("each fades" if line.rule.fades else "each counts")
            out.add("each capped" if line.rule.at_most is not None else "each without cap")
            if line.rule.fades and (line.rule.query.per_day or line.rule.query.distinct):
                out.add("each fades thinned")
    for query in queries(agreement):
        out |= _of_query(query)
    return out


def _of_node(node: Condition) -> set[str]:
    if isinstance(node, Attribute):
        return set().union({"tests joined"} if len(node.tests) > 1 else set(), *(_of_test(test) for test in node.tests))
    if isinstance(node, Score):
        return {f"score {'low' if node.at_least is not None else ''}{'high' if node.at_most is not None else ''}"}
    if isinstance(node, Touched):
        return {"touched bounded" if node.at_most is not None else "touched"}
    if isinstance(node, ActivePeople):
        return {"people of kinds" if node.kinds else "people", "people within" if node.within else "people ever"}
    return set()


def _of_test(test: Test) -> set[str]:
    out = {f"operator {test.operator.value}", f"form {test.form.value}"}
    if isinstance(test.operand, ListRef):
        out.add(f"list {test.operand.name}")
    if test.domains or (isinstance(test.operand, ListRef) and test.operand.domains):
        out.add("domains")
    return out


def _of_query(query: TouchQuery) -> set[str]:
    out = {f"by {query.by}", "ever" if query.within is None else "within"}
    out |= {f"where {name}" for name, tests in query.where if tests}
    thinned = f"{'day' if query.per_day else ''}{'distinct' if query.distinct else ''}"
    out.add(f"keeps {thinned or 'all'}")
    return out.union(*(_of_test(test) for _, tests in query.where for test in tests))
