from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from leadpact.simulation.chance import Stream, uniform, uniform_one
from leadpact.simulation.company import Company
from leadpact.simulation.truth import (
    BLAMES,
    CHECK,
    GUESSES,
    LOOKS_AT_QUEUE,
    PASSED_OVER,
    PASSES_OVER,
    QUEUE_MINUTES,
    TAKEN_FOR_CHECK,
    WEEK,
    week_of,
)

START = datetime(2025, 1, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(7, 3_000, START)


def test_uniform_of_arrays_and_of_single_numbers_are_one_function() -> None:
    leads, weeks = np.arange(500), np.arange(500) * 3
    together = uniform(9, Stream.KIND, leads, weeks, 4)
    assert [uniform_one(9, Stream.KIND, lead, lead * 3, 4) for lead in range(500)] == together.tolist()


def test_uniform_is_uniform_and_its_arguments_do_not_blur() -> None:
    drawn = uniform(1, Stream.KIND, np.arange(200_000))
    counts = np.histogram(drawn, bins=20, range=(0, 1))[0]
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 45  # chi-square with 19 degrees: 45 is passed once in 1,000
    a, b = uniform(1, Stream.KIND, np.arange(20_000), 1), uniform(1, Stream.KIND, np.arange(20_000), 2)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03
    assert uniform_one(1, Stream.KIND, 1, 2) != uniform_one(1, Stream.KIND, 2, 1)
    assert uniform_one(1, Stream.KIND, 1) != uniform_one(2, Stream.KIND, 1)
    assert uniform_one(1, Stream.KIND, 1) != uniform_one(1, Stream.REASON, 1)


def test_an_answer_does_not_depend_on_when_it_is_asked_or_what_was_asked_before(company: Company) -> None:
    asked = [(f"p{lead:06d}", company.start + lead * 3_600_000_000, f"s{1 + lead % 2:02d}") for lead in range(1, 60)]
    forwards = [company.answer(*one) for one in asked]
    backwards = [Company(7, 3_000, START).answer(*one) for one in reversed(asked)]
    assert forwards == backwards[::-1]


def test_the_answer_is_that_of_the_week(company: Company) -> None:
    monday = week_of(company.start + 100 * 86_400_000_000) * WEEK + 4 * 86_400_000_000
    seen = {company.answer("p000005", monday + offset, "s01") for offset in (0, 1, WEEK - 1)}
    assert len(seen) == 1
    later = {company.answer("p000005", monday + n * WEEK, "s01") for n in range(20)}
    assert len(later) > 10


def test_answers_and_the_truth_of_the_estimators_agree(company: Company) -> None:
    week = week_of(company.start) + 20
    leads = np.arange(600)
    would, reached = company.truth.would_qualify(leads, week, 1), company.truth.reached(leads, week, 1)
    for lead in leads.tolist():
        answer = company.truth.answer(lead, week, 1)
        assert (answer.kind == "qualified") == bool(would[lead] and reached[lead])
        assert (answer.reason in {"unreachable", "wrong_data"}) == (not reached[lead])
    votes = [company.truth.would_qualify(leads, week, s) for s in range(len(company.salespeople))]
    assert np.allclose(company.truth.share_that_would(leads, week), np.mean(votes, axis=0))


def test_an_answer_holds_together(company: Company) -> None:
    for lead in range(400):
        answer = company.truth.answer(lead, week_of(company.start) + lead % 50, lead % 2)
        assert (answer.kind == "rejected") == (answer.reason in BLAMES)
        assert answer.blames == BLAMES.get(answer.reason, "")
        assert answer.response_minutes >= 1 <= answer.follow_up_minutes
        assert 1 <= answer.attempts <= 8
        assert 0 < answer.decision_days <= 14
        if answer.kind == "rejected":
            assert answer.opportunity_days is None
        assert (answer.opportunity_days is None) == (answer.outcome == "") == (answer.value == 0)
        assert (answer.outcome == "lost") == (answer.lost_reason != "")


def test_interest_and_fit_make_leads_good(company: Company) -> None:
    week = week_of(company.start) + 25
    everybody = np.arange(company.size)
    interest, good = company.truth.interest(everybody, week), company.crowd.good
    share = company.truth.share_that_would(everybody, week)
    hot, fits = interest > 0.5, good > 0.6
    assert share[hot & fits].mean() > 0.5
    assert share[~hot & fits].mean() < 0.2
    assert share[hot & (good < 0.2)].mean() < 0.2


def test_appetite_moves_every_probability_up() -> None:
    hungry, sated = (Company(7, 400, START, appetite=appetite) for appetite in (1.0, -1.0))
    leads, week = np.arange(400), week_of(hungry.start) + 10
    assert (hungry.truth.probability(leads, week, 0) > sated.truth.probability(leads, week, 0)).all()


def test_a_duplicate_gets_the_answer_of_the_human(company: Company) -> None:
    again = np.flatnonzero(company.crowd.duplicate_of >= 0)
    real = company.crowd.duplicate_of[again]
    week = week_of(company.start) + 30
    same = company.truth.would_qualify(again, week, 0) == company.truth.would_qualify(real, week, 0)
    assert same.all()


def test_the_queue_is_looked_into_by_some_each_time_afresh(company: Company) -> None:
    seen = [company.truth.from_queue(lead, 17, 0) for lead in range(4_000)]
    minutes = [one for one in seen if one is not None]
    assert abs(len(minutes) / len(seen) - LOOKS_AT_QUEUE) < 0.03
    assert np.median(minutes) == pytest.approx(QUEUE_MINUTES * company.salespeople[0].slow, rel=0.08)
    assert seen != [company.truth.from_queue(lead, 18, 0) for lead in range(4_000)]
    at = company.start + 5 * 3_600_000_000
    assert company.from_queue("p000009", at, "s01") == company.from_queue("p000009", at + 59 * 60_000_000, "s01")


def test_guesses_come_in_the_stated_shares_whatever_they_are_about(company: Company) -> None:
    week = week_of(company.start) + 9
    said = [company.truth.guess(lead, week, lead % 2) for lead in range(3_000)]
    assert abs(said.count(PASSED_OVER) / len(said) - PASSES_OVER) < 0.02
    spoken = [one for one in said if one not in {PASSED_OVER, ""}]
    assert abs(len(spoken) / len(said) - GUESSES) < 0.04
    assert abs(spoken.count(CHECK) / len(spoken) - TAKEN_FOR_CHECK) < 0.04
    # Leads that would be qualified are taken for checks no more often than others.
    would = company.truth.would_qualify(np.arange(3_000), week, 0)
    guessed = np.array([one == CHECK for one in said])[np.array([one not in {PASSED_OVER, ""} for one in said])]
    among = would[np.array([one not in {PASSED_OVER, ""} for one in said])]
    assert abs(guessed[among].mean() - guessed[~among].mean()) < 0.1
