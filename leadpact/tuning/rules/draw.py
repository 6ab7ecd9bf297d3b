"""Who is audited: the week's frame, its strata, how many of each, and the seeded draw.

A frame is the pool of one week, frozen. A stratum lies near the threshold or far from it. Caps set the sizes first;
then each stratum is drawn without replacement, so every lead of a stratum has the probability n ÷ N, which is stored
as the two whole numbers. Nobody chooses, and nobody can repair a draw afterwards: the generator and its seed are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from leadpact.lake.sampled.chance import generator
from leadpact.language.nodes import Audit

NEAR, FAR, WHOLE = "near", "far", "whole"
REST_BETWEEN_AUDITS = 180 * 86_400_000_000
AT_LEAST_EACH = 2
MILLION = 1_000_000
GENERATOR = "numpy Philox4x64, key = BLAKE2b-128(seed, week, stratum), choice without replacement from ids in order"
COVERED_STATES = frozenset({"prospect", "lead"})


@dataclass(frozen=True, slots=True)
class PoolLead:
    """A lead that Marketing holds when the frame is frozen. Instants in microseconds UTC.

    distance: thousandths of a point missing to `sales_ready` (the evaluator's `distance`); None is far.
    last_audit_at: when it was last drawn, or None.
    """

    lead_id: int
    state: str
    contactable: bool
    distance: int | None
    last_audit_at: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """The frozen pool of a week: lead ids by stratum, ascending, and why others are not covered."""

    week: int
    strata: Mapping[str, tuple[int, ...]]
    left_out: Mapping[str, int]

    @property
    def size(self) -> int:
        return sum(len(ids) for ids in self.strata.values())


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn lead with its probability n ÷ of. `stratum` is where it lies; n and of are those of the urn it came from."""

    lead_id: int
    stratum: str
    n: int
    of: int

    @property
    def probability(self) -> float:
        return self.n / self.of


@dataclass(frozen=True, slots=True)
class Draw:
    """The outcome of a week's draw: who, how many of how many by stratum, and what it takes to repeat it."""

    drawn: tuple[Drawn, ...]
    sizes: Mapping[str, tuple[int, int]]
    seed: str
    week: int
    generator: str = GENERATOR


def left_out_because(lead: PoolLead, frozen_at: int) -> str | None:
    """Why a lead is not in the frame, in words; None when it is."""
    if lead.state not in COVERED_STATES:
        return f"is {lead.state}"
    if not lead.contactable:
        return "cannot be contacted"
    if lead.last_audit_at is not None and frozen_at - lead.last_audit_at < REST_BETWEEN_AUDITS:
        return "was audited in the last 180 days"
    return None


def freeze(pool: Iterable[PoolLead], caps: Audit, *, week: int, frozen_at: int) -> Frame:
    """The frame of the week (the instant of its Monday, 00:00 UTC): near and far, and what is not covered."""
    strata: dict[str, list[int]] = {NEAR: [], FAR: []}
    left_out: Counter[str] = Counter()
    for lead in pool:
        why = left_out_because(lead, frozen_at)
        if why is not None:
            left_out[why] += 1
            continue
        near = caps.near_within is not None and lead.distance is not None and lead.distance <= caps.near_within
        strata[NEAR if near else FAR].append(lead.lead_id)
    return Frame(week, {name: tuple(sorted(ids)) for name, ids in strata.items()}, dict(sorted(left_out.items())))


def sizes(counts: Mapping[str, int], caps: Audit) -> dict[str, int]:
    """How many to draw of each stratum of `counts` leads.

    share × N, rounded, at least 2 where the stratum has 2. Where that is more than `at_most` a week, the surplus over
    those 2 is cut in proportion. A cap too small for 2 of each leaves no strata that week: one urn, named `whole`.
    A stratum whose share is nought is not drawn from, and missing from the answer.
    """
    wanted = {name: _wanted(size, _share(name, caps)) for name, size in counts.items()}
    wanted = {name: n for name, n in wanted.items() if n}
    cap = caps.at_most_per_week
    if cap is None or sum(wanted.values()) <= cap:
        return wanted
    floor = {name: min(AT_LEAST_EACH, n) for name, n in wanted.items()}
    if len(wanted) == 1:
        return dict.fromkeys(wanted, cap)
    if cap < sum(floor.values()):
        return {WHOLE: cap}
    spare = cap - sum(floor.values())
    surplus = {name: n - floor[name] for name, n in wanted.items()}
    total = sum(surplus.values())
    given = {name: spare * extra // total for name, extra in surplus.items()}
    # Largest remainders get what integer division left over; the name breaks ties, so that the order of strata cannot.
    by_remainder = sorted(surplus, key=lambda name: (-(spare * surplus[name] % total), name))
    for name in by_remainder[: spare - sum(given.values())]:
        given[name] += 1
    return {name: floor[name] + given[name] for name in wanted}


def draw(frame: Frame, caps: Audit, seed: str) -> Draw:
    """Draw the week's audits: without replacement, by a generator that the seed, the week and the stratum decide.

    The same frame, caps and seed give the same leads, on any machine and in any order of strata.
    """
    wanted = sizes({name: len(ids) for name, ids in frame.strata.items()}, caps)
    drawn: list[Drawn] = []
    for name in sorted(wanted):
        ids, n = _urn(frame, name), wanted[name]
        picked = generator(seed, frame.week, name).choice(len(ids), size=n, replace=False)
        drawn.extend(Drawn(ids[i], _lies(frame, name, ids[i]), n, len(ids)) for i in sorted(picked.tolist()))
    counts = Counter(one.stratum for one in drawn)
    return Draw(
        drawn=tuple(drawn),
        sizes={name: (counts[name], len(ids)) for name, ids in frame.strata.items()},
        seed=seed,
        week=frame.week,
    )


def _urn(frame: Frame, name: str) -> Sequence[int]:
    return sorted(lead for ids in frame.strata.values() for lead in ids) if name == WHOLE else frame.strata[name]


def _lies(frame: Frame, name: str, lead: int) -> str:
    return next(each for each, ids in frame.strata.items() if lead in ids) if name == WHOLE else name


def _share(name: str, caps: Audit) -> int:
    return caps.near_share if name == NEAR and caps.near_share is not None else caps.share


def _wanted(size: int, share: int) -> int:
    """Half a lead counts as one; a share of nothing draws nobody."""
    if share <= 0:
        return 0
    return min(size, max(min(AT_LEAST_EACH, size), (2 * share * size + MILLION) // (2 * MILLION)))
