"""When both departments meet: rhythms, summer time, and what is read aloud."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadpact.language.canonical import agreement_hash, canonical, load
from leadpact.language.diff import diff
from leadpact.language.meetings import after, latest
from leadpact.language.nodes import Agreement, Market, Review
from leadpact.language.parse import parse, parse_or_raise
from leadpact.language.words import say_agreement

FILE = """leadpact: 1
name: Small
market: {timezone: America/Chicago}
verdicts: {sales_ready: {touch: demo.requested}}
"""
CHICAGO = Market("America/Chicago")


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def said(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1e6, UTC).strftime("%a %Y-%m-%d %H:%M")


def with_review(text: str) -> Agreement:
    return parse_or_raise(FILE + f"review: {text}\n")


@pytest.mark.parametrize(
    ("review", "than", "expected"),
    [
        # Chicago is six hours behind in winter, five in summer; clocks change on 8 March 2026 and 1 November 2026.
        ("{every: week, on: monday, at: '09:00'}", "2026-11-25T12:00", "Mon 2026-11-30 15:00"),
        ("{every: week, on: monday, at: '09:00'}", "2026-06-03T12:00", "Mon 2026-06-08 14:00"),
        ("{every: week, on: monday, at: 9:00}", "2026-11-30T15:00", "Mon 2026-12-07 15:00"),
        (
            "{every: week, on: sun, at: '02:30'}",
            "2026-03-07T12:00",
            "Sun 2026-03-08 08:00",
        ),  # skipped: as the clock goes on
        ("{every: week, on: sunday, at: '01:30'}", "2026-10-31T12:00", "Sun 2026-11-01 06:30"),  # twice: the first
        ("{every: week, on: sunday, at: '23:30'}", "2026-11-23T05:00", "Mon 2026-11-23 05:30"),  # Monday in UTC already
        ("{every: 2 weeks, on: monday, at: '9:00', from: 2026-12-07}", "2026-11-24T12:00", "Mon 2026-12-07 15:00"),
        ("{every: 2 weeks, on: monday, at: '9:00', from: 2026-12-07}", "2026-12-07T15:00", "Mon 2026-12-21 15:00"),
        ("{every: 2 weeks, on: monday, at: '9:00', from: 2027-01-04}", "2026-11-24T12:00", "Mon 2026-12-07 15:00"),
        ("{every: month, on: first monday, at: '9:00'}", "2026-11-25T12:00", "Mon 2026-12-07 15:00"),
        ("{every: month, on: last friday, at: '16:00'}", "2026-11-25T12:00", "Fri 2026-11-27 22:00"),
        ("{every: month, on: last friday, at: '16:00'}", "2026-11-27T22:00", "Fri 2026-12-25 22:00"),
    ],
)
def test_the_next_meeting(review: str, than: str, expected: str) -> None:
    read = with_review(review)
    assert read.review is not None
    assert said(after(read.review, read.market, us(than))) == expected


REVIEWS = st.builds(
    Review, st.integers(0, 6), st.integers(0, 1439), st.integers(1, 26), st.just(0),
    st.none() | st.dates(min_value=datetime(2001, 1, 1).date(), max_value=datetime(2049, 1, 1).date()).map(str),  # noqa: DTZ001
) | st.builds(Review, st.integers(0, 6), st.integers(0, 1439), st.just(0), st.sampled_from([1, 2, 3, 4, -1]))  # fmt: skip


@given(REVIEWS, st.integers(us("2005-01-01"), us("2045-01-01")))
def test_meetings_follow_one_another(review: Review, at: int) -> None:
    last, coming = latest(review, CHICAGO, at), after(review, CHICAGO, at)
    assert last <= at < coming
    assert after(review, CHICAGO, last) == coming, "nothing lies between"
    assert latest(review, CHICAGO, coming - 1) == last
    most = 36 if review.weeks == 0 else 7 * review.weeks + 1
    assert coming - last <= most * 86_400_000_000


def test_an_agreement_without_a_review_keeps_its_hash() -> None:
    plain = parse_or_raise(FILE)
    assert b"review" not in canonical(plain)
    other = with_review("{every: week, on: monday, at: '09:00'}")
    assert agreement_hash(plain) != agreement_hash(other)
    assert load(canonical(other)) == other
    two = with_review("{every: 2 weeks, on: monday, at: '09:00', from: 2026-12-07}")
    assert load(canonical(two)) == two


@pytest.mark.parametrize(
    ("review", "sentence"),
    [
        ("{every: week, on: mon, at: '09:00'}", "Both departments meet every Monday at 9:00 in Chicago (America/Chicago)."),
        ("{every: 2 weeks, on: tue, at: '9:30', from: 2026-12-08}", "on Tuesday of every second week, counted from 2026-12-08,"),
        ("{every: 4 weeks, on: tue, at: '9:30'}", "on Tuesday of every 4th week at 9:30"),
        ("{every: month, on: last friday, at: '16:00'}", "on the last Friday of every month at 16:00"),
    ],
)  # fmt: skip
def test_it_is_read_aloud(review: str, sentence: str) -> None:
    assert sentence in " ".join(say_agreement(with_review(review)).split())


def test_a_time_without_a_zone_is_told_in_utc_and_warned_of() -> None:
    plain = FILE.replace("market: {timezone: America/Chicago}\n", "")
    parsed = parse(plain + "review: {every: week, on: monday, at: '09:00'}\n")
    assert [(one.code, one.line) for one in parsed.warnings] == [("no-timezone", 4)]
    assert parsed.agreement is not None
    assert "at 9:00 in UTC" in say_agreement(parsed.agreement)


def test_what_changed() -> None:
    plain, weekly = parse_or_raise(FILE), with_review("{every: week, on: monday, at: '09:00'}")
    monthly = with_review("{every: month, on: first monday, at: '09:00'}")
    assert diff(plain, weekly)[0].startswith("A regular review is new. Both departments meet every Monday")
    assert diff(weekly, plain) == ["The regular review is gone."]
    (changed,) = diff(weekly, monthly)
    assert "now “Both departments meet on the first Monday" in changed
    assert "Before: “Both departments meet every Monday" in changed
    assert not diff(weekly, weekly)
