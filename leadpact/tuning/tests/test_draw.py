from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadpact.language.nodes import Audit
from leadpact.tuning.rules import Frame, PoolLead, draw, freeze, left_out_because, release_times, sizes, week_start
from leadpact.tuning.rules.draw import FAR, NEAR, WHOLE
from leadpact.tuning.rules.release import JITTER, WEEK

DAY = 86_400_000_000
NOW = week_start(1_740_000_000_000_000)
CAPS = Audit(share=20_000, at_most_per_week=10, near_within=15_000, near_share=100_000)


def frame(near: int, far: int) -> Frame:
    return Frame(NOW, {NEAR: tuple(range(near)), FAR: tuple(range(1_000_000, 1_000_000 + far))}, {})


def lead(lead_id: int = 1, **known: object) -> PoolLead:
    plain = {"state": "lead", "contactable": True, "distance": None, "last_audit_at": None}
    return PoolLead(lead_id, **{**plain, **known})  # type: ignore[arg-type]


audits = st.builds(
    Audit,
    share=st.integers(0, 200_000),
    at_most_per_week=st.none() | st.integers(1, 60),
    near_within=st.just(15_000),
    near_share=st.none() | st.integers(0, 300_000),
)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (lead(), None),
        (lead(state="prospect"), None),
        (lead(state="resting"), "is resting"),
        (lead(state="repair"), "is repair"),
        (lead(state="accepted"), "is accepted"),
        (lead(contactable=False), "cannot be contacted"),
        (lead(last_audit_at=NOW - 179 * DAY), "was audited in the last 180 days"),
        (lead(last_audit_at=NOW - 180 * DAY), None),
    ],
)
def test_who_is_covered(one: PoolLead, why: str | None) -> None:
    assert left_out_because(one, NOW) == why


def test_a_frame_is_near_and_far_and_says_what_it_leaves_out() -> None:
    pool = [lead(9, distance=15_000), lead(3, distance=15_001), lead(5), lead(1, distance=0), lead(7, state="resting")]
    frozen = freeze(pool, CAPS, week=NOW, frozen_at=NOW)
    assert frozen.strata == {NEAR: (1, 9), FAR: (3, 5)}
    assert frozen.left_out == {"is resting": 1}
    assert frozen.size == 4


def test_without_a_nearness_everybody_is_far() -> None:
    frozen = freeze([lead(1, distance=0)], Audit(share=20_000), week=NOW, frozen_at=NOW)
    assert frozen.strata == {NEAR: (), FAR: (1,)}


@pytest.mark.parametrize(
    ("near", "far", "caps", "expected"),
    [
        (0, 100, CAPS, {FAR: 2}),
        (1, 100, CAPS, {NEAR: 1, FAR: 2}),
        (40, 100, CAPS, {NEAR: 4, FAR: 2}),
        (50, 5_000, CAPS, {NEAR: 2, FAR: 8}),  # 5 and 100 wanted: beyond 2 and 2, six places go 3 to 98
        (500, 5_000, CAPS, {NEAR: 4, FAR: 6}),  # 50 and 100 wanted
        (0, 5_000, CAPS, {FAR: 10}),
        (50, 5_000, Audit(20_000, None, 15_000, 100_000), {NEAR: 5, FAR: 100}),
        (50, 5_000, Audit(20_000, 3, 15_000, 100_000), {WHOLE: 3}),
        (50, 5_000, Audit(0, 10, 15_000, 100_000), {NEAR: 5}),
        (50, 5_000, Audit(0, None, None, None), {}),
        (75, 0, Audit(20_000, None, 15_000, None), {NEAR: 2}),  # 1.5 is rounded up
    ],
)
def test_caps_set_the_sizes(near: int, far: int, caps: Audit, expected: dict[str, int]) -> None:
    assert sizes({NEAR: near, FAR: far}, caps) == expected


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 3_000), audits)
def test_sizes_keep_the_cap_and_draw_two_where_there_are_two(near: int, far: int, caps: Audit) -> None:
    wanted = sizes({NEAR: near, FAR: far}, caps)
    cap = caps.at_most_per_week
    if cap is not None:
        assert sum(wanted.values()) <= cap
    counts = {NEAR: near, FAR: far, WHOLE: near + far}
    assert all(0 < n <= counts[name] for name, n in wanted.items())
    if WHOLE not in wanted and len(wanted) == 2:
        assert all(n >= min(2, counts[name]) for name, n in wanted.items())


@settings(deadline=None)
@given(st.integers(0, 80), st.integers(0, 400), audits, st.text(max_size=8))
def test_a_draw_is_without_replacement_with_the_stored_probability(near: int, far: int, caps: Audit, seed: str) -> None:
    frozen = frame(near, far)
    found = draw(frozen, caps, seed)
    ids = [one.lead_id for one in found.drawn]
    assert len(set(ids)) == len(ids)
    wanted = sizes({NEAR: near, FAR: far}, caps)
    urns = {NEAR: near, FAR: far, WHOLE: near + far}
    for one in found.drawn:
        assert one.lead_id in frozen.strata[one.stratum]
        urn = WHOLE if WHOLE in wanted else one.stratum
        assert (one.n, one.of) == (wanted[urn], urns[urn])
    assert sum(wanted.values()) == len(ids)
    # Horvitz-Thompson: the inverse probabilities of an urn add up to its size.
    assert sum(Fraction(one.of, one.n) for one in found.drawn) == sum(urns[urn] for urn in wanted)
    assert {name: n for name, (n, _of) in found.sizes.items()} == {
        name: Counter(one.stratum for one in found.drawn)[name] for name in (NEAR, FAR)
    }


@settings(deadline=None)
@given(st.text(max_size=8))
def test_a_draw_can_be_repeated_and_another_seed_or_week_is_another(seed: str) -> None:
    frozen = frame(200, 4_000)
    again = Frame(NOW, dict(reversed(list(frozen.strata.items()))), {})
    assert draw(frozen, CAPS, seed).drawn == draw(again, CAPS, seed).drawn
    assert draw(frozen, CAPS, seed).drawn != draw(frozen, CAPS, seed + "x").drawn
    assert draw(frozen, CAPS, seed).drawn != draw(Frame(NOW + WEEK, frozen.strata, {}), CAPS, seed).drawn


def test_every_lead_of_a_stratum_is_drawn_as_often_as_its_probability_says() -> None:
    frozen, caps = frame(20, 60), Audit(100_000, None, 15_000, 200_000)
    counts = Counter(one.lead_id for n in range(3_000) for one in draw(frozen, caps, str(n)).drawn)
    for ids, probability in ((frozen.strata[NEAR], 0.2), (frozen.strata[FAR], 0.1)):
        expected = 3_000 * probability
        statistic = sum((counts[i] - expected) ** 2 / (expected * (1 - probability)) for i in ids)
        assert statistic < len(ids) + 4 * (2 * len(ids)) ** 0.5


def test_leads_that_come_in_another_order_are_drawn_alike() -> None:
    pool = [lead(n, distance=n * 100) for n in range(400)]
    one, other = (freeze(p, CAPS, week=NOW, frozen_at=NOW) for p in (pool, pool[::-1]))
    assert draw(one, CAPS, "s") == draw(other, CAPS, "s")


def test_releases_fall_where_ordinary_hand_overs_fall() -> None:
    rng = np.random.default_rng(1)
    ordinary = [
        NOW - WEEK + day * DAY + int(rng.uniform(14, 22) * 3_600_000_000) for day in range(5) for _ in range(30)
    ]
    times = release_times(300, ordinary, NOW, "s")
    assert times == sorted(times) == release_times(300, ordinary, NOW, "s")
    assert times != release_times(300, ordinary, NOW, "t")
    week_times = {at - NOW + WEEK for at in ordinary}
    for at in times:
        assert NOW <= at < NOW + WEEK
        assert min(abs(at - NOW - (other - NOW + WEEK)) for other in ordinary) <= JITTER
        assert at not in week_times
    assert len({(at - NOW) // DAY for at in times}) == 5


def test_releases_without_ordinary_ones_keep_to_the_workdays() -> None:
    for at in release_times(200, [], NOW, "s"):
        assert (at - NOW) // DAY < 5
        assert 12 <= (at - NOW) % DAY // 3_600_000_000 <= 22


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(0, WEEK - 1), st.lists(st.integers(0, 2 * 10**15), max_size=20))
def test_releases_lie_in_what_is_left_of_the_week(n: int, gone: int, ordinary: list[int]) -> None:
    times = release_times(n, ordinary, NOW, "s", not_before=NOW + gone)
    assert len(times) == n
    assert all(NOW + gone <= at < NOW + WEEK for at in times)


def test_a_release_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="Monday"):
        release_times(1, [], NOW + 1, "s")
    with pytest.raises(ValueError, match="over"):
        release_times(1, [], NOW, "s", not_before=NOW + WEEK)
    with pytest.raises(ValueError, match="never negative"):
        release_times(-1, [], NOW, "s")


def test_a_week_starts_on_monday_at_midnight_utc() -> None:
    assert week_start(0) == -3 * DAY  # 1970-01-01 was a Thursday
    assert week_start(4 * DAY) == 4 * DAY
    assert week_start(11 * DAY - 1) == 4 * DAY
