"""What came of the demo's year: custody counts, and both errors beside the simulation's truth."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from leadpact.kit.raw import cursor as raw_cursor
from leadpact.simulation.truth import TAKEN_FOR_CHECK, week_of
from leadpact.tuning import queries as errors
from leadpact.tuning.rules import Estimate

if TYPE_CHECKING:
    from leadpact.loop.rehearsal import Rehearsal

LABELS = {
    "prospect": "prospects", "lead": "leads in nurture", "resting": "resting", "repair": "in repair", "offered": "offered",
    "accepted": "accepted", "qualified": "qualified", "opportunity": "opportunities", "prospecting": "own prospects",
    "won": "won", "lost": "lost", "disqualified": "disqualified",
}  # fmt: skip


def report(rehearsal: Rehearsal, *, seconds: float) -> str:
    """The figures as text for the terminal."""
    company, counts = rehearsal.company, rehearsal.counts
    found = errors.errors(at=company.end, since=company.start, until=company.end)
    with raw_cursor() as cursor:
        cursor.execute("SELECT holder, state, count(*) FROM custody_holding GROUP BY 1, 2 ORDER BY 1, 3 DESC")
        held: list[Any] = cursor.fetchall()
    by_holder: dict[str, Counter[str]] = {}
    for holder, state, n in held:
        by_holder.setdefault(holder, Counter())[state] += n
    took = (
        f"The year took {seconds:,.0f} s: {counts.touches:,} touches and traits of {counts.leads:,} leads,"
        f" {counts.judged:,} verdicts, {counts.handed_over:,} hand-overs, {counts.answers:,} answers of Sales,"
        f" {counts.touches / max(seconds, 1):,.0f} touches a second with all that follows."
    )
    lines = [took, "", "Who holds the leads now"]
    for holder in ("marketing", "sales", "closed"):
        states = by_holder.get(holder, Counter())
        parts = ", ".join(f"{n:,} {LABELS.get(state, state)}" for state, n in states.most_common())
        lines.append(f"  {holder.capitalize():<10} {sum(states.values()):>7,}  {parts}")
    handed_over = found.first.detail.get("handed_over")
    all_of = "the" if handed_over is None else f"all {handed_over:,}"
    withering = (
        f"{found.withering.late_hand_over} sales-ready and not handed over in time,"
        f" {found.withering.no_follow_up:,} handed over and not followed up in time"
    )
    lines += [
        f"  {'Nobody':<10} {_unheld():>7,}",
        "",
        "First error: handed over, and not what was agreed",
        f"  measured   {_share(found.first)}",
        f"  truth      {_percent(first_truth(rehearsal))} of {all_of} hand-overs under the definition",
        "Second error: in Marketing's care, and Sales would have qualified them",
        f"  measured   {_share(found.second)}",
        f"  truth      {_percent(second_truth(rehearsal))} of the lead-weeks in the audited pool",
        f"  counted    {withering}",
        "Blind checks: asked afterwards whether it was one",
        f"  measured   {found.guesses.difference.says}",
        f"  truth      {TAKEN_FOR_CHECK:.0%} of both: a guess does not know what it was",
    ]
    return "\n".join(lines)


def first_truth(rehearsal: Rehearsal) -> float | None:
    """Share of false hand-offs among those under the definition that say something of it, by the potential answers of whom
    they went to, also where no answer was given.
    """
    rows = _rows(
        "SELECT i.value, h.at, h.salesperson_id FROM custody_handoff_v1 AS h JOIN leads_lead AS l ON l.id = h.lead_id"
        " JOIN leads_visitor AS v ON v.person_id = l.person_id JOIN leads_identifier AS i ON i.visitor_id = v.id"
        " AND i.kind = 'user_id' WHERE h.cause = 'definition'"
    )
    counted: Counter[str] = Counter()
    for key, at, who in rows:
        seller = rehearsal.employees.get(who)
        if seller is not None:
            answer = rehearsal.company.answer(key, at, seller.email)
            counted["qualified" if answer.kind == "qualified" else answer.blames] += 1
    said = counted["definition"] + counted["qualified"]
    return counted["definition"] / said if said else None


def second_truth(rehearsal: Rehearsal) -> float | None:
    """Mean over the frames' lead-weeks of the share of salespeople who would have qualified the lead in that week."""
    rows = _rows(
        "SELECT f.frozen_at, i.value FROM tuning_member AS m JOIN tuning_stratum AS s ON s.id = m.stratum_id"
        " JOIN tuning_frame AS f ON f.id = s.frame_id JOIN leads_lead AS l ON l.id = m.lead_id"
        " JOIN leads_visitor AS v ON v.person_id = l.person_id JOIN leads_identifier AS i ON i.visitor_id = v.id"
        " AND i.kind = 'user_id'"
    )
    weeks: dict[int, list[int]] = {}
    for at, key in rows:
        weeks.setdefault(week_of(at), []).append(rehearsal.company.position(key))
    total = good = 0.0
    for week, positions in weeks.items():
        good += float(rehearsal.company.truth.share_that_would(np.array(positions), week).sum())
        total += len(positions)
    return good / total if total else None


def _rows(sql: str) -> list[Any]:
    with raw_cursor() as cursor:
        cursor.execute(sql.encode())
        return cursor.fetchall()


def _unheld() -> int:
    (row,) = _rows(
        "SELECT count(*) FROM leads_lead AS l LEFT JOIN custody_holding AS h ON h.lead_id = l.id WHERE h.lead_id IS NULL"
    )
    return int(row[0])


def _percent(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1%}"


def _share(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate.says
    return f"{estimate.value:.1%}, 95% interval {estimate.low:.1%} to {estimate.high:.1%}, from {estimate.n:,} answers"
