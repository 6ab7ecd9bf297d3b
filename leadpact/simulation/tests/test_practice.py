"""The file world: its scorer is the example agreement, its hand-overs follow its policy, its year is plausible."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from importlib.resources import files

import numpy as np
import pytest

from leadpact.language.evaluate import evaluate
from leadpact.language.fold import cell
from leadpact.language.history import Fact, History, Lead, Touch
from leadpact.language.parse import parse_or_raise
from leadpact.simulation.calls import Event
from leadpact.simulation.company import Company
from leadpact.simulation.practice import ACCEPT_WITHIN, MARKET, RESTS, Outcome, Practice
from leadpact.simulation.scorer import Scorer
from leadpact.simulation.staff import DAY
from leadpact.simulation.truth import BLAMES

START = datetime(2025, 1, 6, tzinfo=UTC)


def history_of(company: Company, events: list[Event]) -> History:
    """The same events as the reference evaluator reads them, put together another way than the scorer does."""
    owner = {p.visitor: p for p in company.people if p.visitor}
    people = {p.key: p for p in company.people}
    facts: dict[str, list[Fact]] = defaultdict(list)
    told: dict[str, list[Fact]] = defaultdict(list)
    touches = []
    for event in events:
        payload, at = event.payload, event.at
        if event.kind == "touch":
            person = people.get(payload.get("userId", "")) or owner.get(event.who)
            if person is None:
                continue
            known_at = max(at, person.created)
            properties = {name: cell(value) for name, value in payload["properties"].items()}
            kind = payload.get("event", "page.viewed")
            void = known_at if event.automated else None
            touches.append(
                Touch(
                    payload["messageId"], person.key, person.key, person.account, kind, at, known_at, properties, void
                )
            )
        elif payload["type"] == "group":
            for name in ("domain", "industry", "employees"):
                told[payload["groupId"]].append(Fact(f"account.{name}", cell(payload["traits"].get(name)), at, at))
        elif event.kind in {"identify", "attribute"}:
            traits = payload["traits"]
            if "email" in traits:
                domain = traits["email"].partition("@")[2]
                facts[event.who].append(Fact("person.email_domain", cell(domain), at, at))
                facts[event.who].append(Fact("account.domain", cell(domain), at, at))
            if "timeline_months" in traits:
                facts[event.who].append(Fact("lead.timeline_months", cell(traits["timeline_months"]), at, at))
            if "opted_out" in traits:
                facts[event.who].append(Fact("person.opted_out", cell(traits["opted_out"]), at, at))
    leads = [
        Lead(p.key, p.key, p.account or f"of {p.key}", p.created, (*facts[p.key], *told.get(p.account or "", ())))
        for p in company.people
    ]
    return History(leads, touches)


def test_the_scorer_gives_the_reference_s_judgement_on_the_example_file() -> None:
    company = Company(5, 200, START, days=200)
    events = list(company.events())
    agreement = parse_or_raise(files("leadpact.language").joinpath("example.yaml").read_text(encoding="utf-8"))
    history = history_of(company, events)
    scorer, seen, compared = Scorer(), [], Counter()
    chance = np.random.default_rng(4)
    for place, event in enumerate(events):
        who = scorer.take(event)
        scorer.lifted()
        seen.extend([who] if who and event.kind == "identify" else [])
        last_of_instant = place + 1 == len(events) or events[place + 1].at > event.at
        if not (last_of_instant and seen and place % 9 == 0):
            continue
        for lead in {who or seen[-1], seen[int(chance.integers(0, len(seen)))]}:
            mine = scorer.judge(lead, event.at)
            theirs = evaluate(agreement, history.lead(lead), history, event.at)
            assert (mine.fit, mine.engagement, mine.readiness) == tuple(theirs.scores.values()), (lead, event)
            assert mine.alternatives == theirs.alternatives
            assert mine.verdict == theirs.verdict
            compared[mine.verdict] += 1
    assert sum(compared.values()) > 300
    assert min(compared[name] for name in ("prospect", "lead", "sales_ready", "disqualified")) >= 5, compared


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(7, 2_500, START)


@pytest.fixture(scope="module")
def year(company: Company) -> tuple[Practice, list[Outcome]]:
    practice = Practice(company)
    return practice, list(practice.play())


def test_outcomes_come_in_order_and_each_lead_s_story_can_happen(year: tuple[Practice, list[Outcome]]) -> None:
    _, outcomes = year
    assert [row.at for row in outcomes] == sorted(row.at for row in outcomes)
    after = {
        "": {"accepted"},
        "accepted": {"rejected", "qualified"},
        "rejected": {"accepted"},
        "qualified": {"opportunity"},
        "opportunity": {"won", "lost"},
    }
    last: dict[str, str] = defaultdict(str)
    for row in outcomes:
        assert row.outcome in after[last[row.lead]]
        last[row.lead] = row.outcome
        assert (row.outcome in {"rejected", "lost"}) == bool(row.reason)
        assert (row.value is not None) == (row.outcome in {"opportunity", "won"})


def test_a_refused_lead_rests_and_goes_to_somebody_else(year: tuple[Practice, list[Outcome]]) -> None:
    _, outcomes = year
    refused: dict[str, Outcome] = {}
    back = 0
    for row in outcomes:
        if row.outcome == "rejected":
            refused[row.lead] = row
            assert row.reason in {*RESTS, "no_fit"}
        elif row.outcome == "accepted" and row.lead in refused:
            before = refused.pop(row.lead)
            assert before.reason != "no_fit"
            assert row.salesperson != before.salesperson
            back += 1
    assert back > 20


def test_a_rest_is_kept_unless_something_new_is_true(year: tuple[Practice, list[Outcome]]) -> None:
    _, rows = year
    refusals = [row for row in rows if row.outcome == "rejected" and row.reason == "no_budget"]
    again = [(row.lead, row.at) for row in rows if row.outcome == "accepted"]
    early = [r for r in refusals if any(lead == r.lead and r.at < at < r.at + 150 * DAY for lead, at in again)]
    assert len(early) < len(refusals) / 2


def test_the_year_is_plausible(company: Company, year: tuple[Practice, list[Outcome]]) -> None:
    """Wide limits round what is aimed at: a company of 2,500 leads is small."""
    practice, outcomes = year
    counts = Counter(row.outcome for row in outcomes)
    blamed = sum(BLAMES[row.reason] == "definition" for row in outcomes if row.outcome == "rejected")
    created = {person.key: person.created for person in company.people}
    opened = [(row.at - created[row.lead]) / DAY for row in outcomes if row.outcome == "opportunity"]
    assert 0.20 < len(practice.handed_over) / company.size < 0.35
    assert 0.20 < blamed / (blamed + counts["qualified"]) < 0.35
    assert 0.09 < counts["opportunity"] / company.size < 0.16
    assert 55 < np.median(opened) < 110
    assert 0.01 < counts["won"] / company.size < 0.03
    assert 0.02 < practice.recalls / practice.hand_overs < 0.12


def test_offers_are_accepted_in_business_time(company: Company, year: tuple[Practice, list[Outcome]]) -> None:
    _, outcomes = year
    accepted = [row for row in outcomes if row.outcome == "accepted"]
    assert ACCEPT_WITHIN == 240
    for row in accepted:
        local = datetime.fromtimestamp(row.at / 1_000_000, UTC)
        assert local.weekday() < 5
        assert 12 <= local.hour <= 23 or local.hour == 0
    assert MARKET.timezone == "America/Chicago"


def test_referrals_come_to_more_than_lists(company: Company, year: tuple[Practice, list[Outcome]]) -> None:
    source = {person.key: person.source for person in company.people}
    opened = Counter(source[row.lead] for row in year[1] if row.outcome == "opportunity")
    sizes = Counter(source.values())
    assert opened["referral"] / sizes["referral"] > 1.3 * opened["list"] / sizes["list"]
