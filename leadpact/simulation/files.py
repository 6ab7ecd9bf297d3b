"""A company as files: leads, touches, outcomes, spend, the truth behind them, and the agreement to judge them by.

Columns are those that `leadpact judge`, `review` and `tune` read. Outcomes come from the file world (`practice`).
Touches of visitors who never said who they are belong to no lead and are left out; those of a visitor who later did
carry the day of that as `known_at`. Machines' touches are in the file as anybody's, and named in truth_touches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files as package_files
from pathlib import Path

import numpy as np

from leadpact.simulation import names
from leadpact.simulation.calls import Event
from leadpact.simulation.company import Company
from leadpact.simulation.people import Person
from leadpact.simulation.practice import Practice
from leadpact.simulation.sheets import Format, Sheet
from leadpact.simulation.truth import BLAMES, MONDAY, WEEK, week_of

AGREEMENT = "agreement.yaml"
LEADS = {
    "lead_id": "text",
    "created_at": "at",
    "account.id": "text",
    "person.email": "text",
    "person.first_name": "text",
    "person.last_name": "text",
    "person.title": "text",
    "person.phone": "text",
    "person.email_domain": "text",
    "person.opted_out": "bool",
    "account.name": "text",
    "account.domain": "text",
    "account.industry": "text",
    "account.employees": "int",
    "lead.source": "text",
    "lead.campaign": "text",
    "lead.sourced_by": "text",
    "lead.timeline_months": "int",
}
TOUCHES = {
    "touch_id": "text",
    "lead_id": "text",
    "kind": "text",
    "at": "at",
    "known_at": "at",
    "channel": "text",
    "campaign": "text",
    "path": "text",
    "paper": "text",
}
OUTCOMES = {
    "lead_id": "text",
    "at": "at",
    "outcome": "text",
    "reason": "text",
    "value": "float",
    "salesperson": "text",
}
SPEND = {"channel": "text", "campaign": "text", "day": "text", "amount": "float", "currency": "text"}
TRUTH = {
    "lead_id": "text",
    "duplicate_of": "text",
    "fit": "float",
    "interest_peak": "float",
    "weeks_would_qualify": "int",
    "first_would_qualify": "text",
    "share_would_qualify": "float",
}
TRUTH_TOUCHES = {"touch_id": "text"}


@dataclass(frozen=True, slots=True)
class Written:
    """What was written. Rates are shares; first_error as the answers tell it, pool_truth by the truth: the mean, over
    weeks and leads not handed over yet, of the share of salespeople who would qualify the lead in that week.
    """

    leads: int
    accounts: int
    touches: int
    automated: int
    outcomes: int
    spend: int
    handed_over: float
    first_error: float | None
    opportunities: float
    won: float
    pool_truth: float
    files: tuple[str, ...]


def write(
    company: Company, out_dir: Path, form: Format = "csv", *, each_day: Callable[[int], object] | None = None
) -> Written:
    """Write the company's files into `out_dir`, which is made if need be. `each_day` hears of each day that is done."""
    out_dir.mkdir(parents=True, exist_ok=True)
    practice = Practice(company)
    counts = {"qualified": 0, "definition": 0, "opportunity": 0, "won": 0}
    with ExitStack() as open_files:

        def sheet(name: str, columns: dict[str, str]) -> Sheet:
            return open_files.enter_context(Sheet(out_dir, name, columns, form))

        leads, touches, outcomes = sheet("leads", LEADS), sheet("touches", TOUCHES), sheet("outcomes", OUTCOMES)
        spend, truth, machines = sheet("spend", SPEND), sheet("truth", TRUTH), sheet("truth_touches", TRUTH_TOUCHES)
        for person in company.people:
            leads.add(_lead(company, person))
        events = _noting(company, touches, spend, machines, each_day)
        for row in practice.play(events):
            value = None if row.value is None else row.value / 100
            outcomes.add((row.lead, row.at, row.outcome, row.reason or None, value, row.salesperson))
            told = BLAMES.get(row.reason, "") if row.outcome == "rejected" else row.outcome
            if told in counts:
                counts[told] += 1
        pool_truth = _write_truth(company, practice, truth)
        sheets = (leads, touches, outcomes, spend, truth, machines)
    example = package_files("leadpact.language").joinpath("example.yaml").read_bytes()
    (out_dir / AGREEMENT).write_bytes(example)
    judged = counts["definition"] + counts["qualified"]
    return Written(
        leads=company.size,
        accounts=len(company.accounts),
        touches=touches.rows,
        automated=machines.rows,
        outcomes=outcomes.rows,
        spend=spend.rows,
        handed_over=len(practice.handed_over) / company.size,
        first_error=counts["definition"] / judged if judged else None,
        opportunities=counts["opportunity"] / company.size,
        won=counts["won"] / company.size,
        pool_truth=pool_truth,
        files=(*(one.path.name for one in sheets), AGREEMENT),
    )


def _lead(company: Company, person: Person) -> tuple[str | int | bool | None, ...]:
    domain = person.email.partition("@")[2]
    account = company.accounts[int(person.account[1:]) - 1] if person.account else None
    return (
        person.key,
        person.created,
        person.account,
        person.email,
        person.first_name,
        person.last_name,
        person.title,
        person.phone,
        domain,
        person.opts_out_at is not None,
        account.name if account else None,
        account.domain if account else (None if domain in names.FREE_MAIL else domain),
        account.industry if account else None,
        account.employees if account else None,
        person.source,
        person.campaign or None,
        person.sourced_by,
        person.timeline_months,
    )


def _noting(
    company: Company, touches: Sheet, spend: Sheet, machines: Sheet, each_day: Callable[[int], object] | None
) -> Iterator[Event]:
    """The company's events, written down as they pass."""
    owners = {person.visitor: person for person in company.people if person.visitor}
    midnight, day = company.start, 0
    for event in company.events():
        while event.at >= midnight + 24 * 3_600_000_000:
            midnight += 24 * 3_600_000_000
            day += 1
            if each_day is not None:
                each_day(day)
        if event.kind == "spend":
            bill = event.payload["properties"]
            spend.add((bill["channel"], bill["campaign"] or None, bill["day"], float(bill["amount"]), bill["currency"]))
        elif event.kind == "touch":
            _note(event, owners, touches, machines)
        yield event
    if each_day is not None:
        each_day(company.days)


def _note(event: Event, owners: dict[str, Person], touches: Sheet, machines: Sheet) -> None:
    payload = event.payload
    lead, known_at = payload.get("userId"), event.at
    if lead is None:
        person = owners.get(event.who)
        if person is None:
            return
        lead, known_at = person.key, max(person.created, event.at)
    said = payload.get("properties", {})
    campaign = said.get("campaign") or payload.get("context", {}).get("campaign", {}).get("name")
    kind = payload.get("event", "page.viewed")
    touches.add(
        (
            payload["messageId"],
            lead,
            kind,
            event.at,
            known_at,
            said.get("channel"),
            campaign,
            said.get("path"),
            said.get("paper"),
        )
    )
    if event.automated:
        machines.add((payload["messageId"],))


def _write_truth(company: Company, practice: Practice, truth: Sheet) -> float:
    """A row for each lead, over the weeks from its creation to the end; returns the truth of the pool."""
    everybody = np.arange(company.size)
    created = np.array([person.created for person in company.people])
    handed = np.array([practice.handed_over.get(person.key, company.end) for person in company.people])
    weeks = range(week_of(company.start), week_of(company.end - 1) + 1)
    most, peak, share = (np.zeros(company.size) for _ in range(3))
    first = np.full(company.size, -1)
    lived = np.zeros(company.size)
    pool = good = 0.0
    for week in weeks:
        here = everybody[created < MONDAY + (week + 1) * WEEK]
        votes = company.truth.share_that_would(here, week)
        peak[here] = np.maximum(peak[here], company.truth.interest(here, week))
        first[here[(votes >= 0.5) & (first[here] < 0)]] = week
        most[here] += votes >= 0.5
        share[here] += votes
        lived[here] += 1
        kept = handed[here] > MONDAY + week * WEEK
        pool, good = pool + kept.sum(), good + votes[kept].sum()
    for position, person in enumerate(company.people):
        truth.add(
            (
                person.key,
                person.duplicate_of,
                round(float(company.crowd.good[position]), 4),
                round(float(peak[position]), 4),
                int(most[position]),
                _monday(int(first[position])) if first[position] >= 0 else None,
                round(float(share[position] / max(1.0, lived[position])), 4),
            )
        )
    return float(good / pool) if pool else 0.0


def _monday(week: int) -> str:
    return (datetime(1970, 1, 5, tzinfo=UTC) + timedelta(weeks=week)).date().isoformat()
