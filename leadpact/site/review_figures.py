"""What is counted and estimated from a `History`: pure numpy, every share with its interval, every wait with its censoring."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from leadpact.language.nodes import Agreement
from leadpact.site.review_history import DAY, NONE, History
from leadpact.tuning.rules import Answers, Estimate, first_error, wilson

WINDOWS = (365, 180, 90, 60, 30, 14)
MILESTONES = (7, 14, 30, 60, 90, 180, 365)
MOST_SOURCES = 14
LEVEL = 0.05
# Reasons that the example agreement names; used where no agreement is given.
USUAL_BLAMES = {
    "not_now": "timing",
    "no_budget": "timing",
    "sponsor_left": "timing",
    "no_fit": "definition",
    "no_interest": "definition",
    "wrong_data": "data",
    "unreachable": "nobody",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its Wilson 95% interval."""

    of: int
    n: int
    value: float
    low: float
    high: float


def rate(of: int, n: int) -> Rate:
    """`of` out of `n`. With n = 0 the value is 0 and the interval is everything."""
    low, high = wilson(of, n)
    return Rate(of, n, of / n if n else 0.0, low, high)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source. `verdict`: above, below or like the rest together (Fisher's exact test, Holm over the sources)."""

    name: str
    leads: int
    won: Rate
    median_days: float | None
    verdict: str


def sources(history: History, goal: NDArray[np.bool_], times: NDArray[np.int64]) -> list[SourceRow]:
    """Sources by number of leads; those beyond the first few are taken together."""
    counts = np.bincount(history.source, minlength=len(history.sources))
    order = [int(place) for place in np.argsort(-counts, kind="stable") if counts[place]]
    groups = [
        (history.sources[place] or "not said", np.isin(history.source, [place])) for place in order[:MOST_SOURCES]
    ]
    if len(order) > MOST_SOURCES:
        rest = order[MOST_SOURCES:]
        groups.append((f"{len(rest)} others", np.isin(history.source, rest)))
    chances: list[float] = []
    for _, mine in groups:
        table = [
            [int((goal & mine).sum()), int((~goal & mine).sum())],
            [int((goal & ~mine).sum()), int((~goal & ~mine).sum())],
        ]
        chances.append(fisher(table) if len(groups) > 1 else 1.0)
    clear = holm(chances)
    whole = goal.mean() if len(goal) else 0.0
    rows: list[SourceRow] = []
    for (name, mine), sure in zip(groups, clear, strict=True):
        won = rate(int((goal & mine).sum()), int(mine.sum()))
        waits = (times[goal & mine] - history.created[goal & mine]) / DAY
        waits = waits[waits >= 0]
        verdict = ("above" if won.value > whole else "below") if sure else "like"
        rows.append(SourceRow(name, won.n, won, float(np.median(waits)) if len(waits) >= 5 else None, verdict))
    return rows


def fisher(table: list[list[int]]) -> float:
    """The two-sided chance of a two-by-two table as uneven as this (Fisher's exact test)."""
    found: Any = stats.fisher_exact(table)
    return float(found.pvalue)


def holm(chances: list[float], level: float = LEVEL) -> list[bool]:
    """Which of several tests hold together at `level` (Holm 1979: the k-th smallest against level ÷ (m − k + 1))."""
    held = [False] * len(chances)
    for rank, place in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        if chances[place] > level / (len(chances) - rank):
            break
        held[place] = True
    return held


@dataclass(frozen=True, slots=True)
class Curve:
    """Share won by each day since coming in (Kaplan–Meier, log-log Greenwood 95%).

    milestones: day → (share, low, high, still watched). drawn: the day until which enough are watched to draw on.
    """

    days: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    milestones: dict[int, tuple[float, float, float, int]]
    drawn: float
    n: int


def curve(waits: NDArray[np.float64], won: NDArray[np.bool_]) -> Curve | None:
    """waits: days until won, or until the end of what the files know. None where nothing was won."""
    if not won.any():
        return None
    times, place = np.unique(waits[won], return_inverse=True)
    events = np.bincount(place)
    order = np.sort(waits)
    at_risk = len(order) - np.searchsorted(order, times, side="left")
    survival = np.cumprod(1 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.cumsum(events / (at_risk * np.maximum(at_risk - events, 1)))
        inner = np.log(-np.log(np.clip(survival, 1e-12, 1 - 1e-12)))
        half = 1.959964 * np.sqrt(spread) / np.abs(np.log(np.clip(survival, 1e-12, 1 - 1e-12)))
        low, high = 1 - np.exp(-np.exp(inner - half)), 1 - np.exp(-np.exp(inner + half))
    share = (1 - survival).astype(np.float64)
    longest = float(order[-1])
    # Behind this day less than a twentieth is still watched, and one win moves the curve by leaps.
    drawn = float(order[int(0.95 * (len(order) - 1))])
    marks: dict[int, tuple[float, float, float, int]] = {}
    for day in MILESTONES:
        watched = int(len(order) - np.searchsorted(order, day, side="left"))
        if day <= longest and watched >= 10:
            at = int(np.searchsorted(times, day, side="right")) - 1
            # Before the first win the curve is flat at nought, and the bound is that of none among those watched.
            none = (0.0, 0.0, wilson(0, watched)[1], watched)
            marks[day] = (float(share[at]), float(low[at]), float(high[at]), watched) if at >= 0 else none
    return Curve(times, share, low, high, marks, drawn, len(order))


@dataclass(frozen=True, slots=True)
class Waits:
    """Days from coming in to being won, of those that were won. `before`: won before they came in (left out)."""

    n: int
    before: int
    quartiles: tuple[float, float, float]
    shortest: float
    longest: float
    within_day: int


def waits(history: History, goal: NDArray[np.bool_], times: NDArray[np.int64]) -> Waits | None:
    """Quartiles by linear interpolation, over those won at or after coming in."""
    days = (times[goal] - history.created[goal]) / DAY
    fair = days[days >= 0]
    if not len(fair):
        return None
    low, middle, high = (float(value) for value in np.quantile(fair, [0.25, 0.5, 0.75]))
    return Waits(
        len(fair),
        int((days < 0).sum()),
        (low, middle, high),
        float(fair.min()),
        float(fair.max()),
        int((fair < 1).sum()),
    )


@dataclass(frozen=True, slots=True)
class Cohort:
    """Leads of a month and how many were won within the window; None where not all were followed for so long."""

    month: str
    leads: int
    won: Rate | None
    early: bool = False


def window(history: History, slow: float) -> int:
    """For how many days every month's leads are followed: long enough to see sales, short enough to have months.

    slow: the median wait. The longest window that every lead was followed for (30 days at least); else the longest for
    three quarters of them; and where half of all sales come later than that, the longest for two fifths.
    """
    followed = (history.until - history.created) / DAY
    whole = next((days for days in WINDOWS if followed.min() >= days >= 30), None)
    most = next((days for days in WINDOWS if (followed >= days).mean() >= 0.75), WINDOWS[-1])
    some = next((days for days in WINDOWS if (followed >= days).mean() >= 0.4), WINDOWS[-1])
    for days in (whole, most):
        if days is not None and days >= slow:
            return days
    return max(some, most)


def cohorts(
    history: History, goal: NDArray[np.bool_], times: NDArray[np.int64], days: int, begun: int | None
) -> list[Cohort]:
    """By calendar month (UTC). `early`: the whole month came in before outcomes were recorded."""
    months = history.created.astype("datetime64[us]").astype("datetime64[M]")
    inside = goal & (times - history.created < days * DAY)
    out: list[Cohort] = []
    for month in np.unique(months):
        mine = months == month
        last = int(history.created[mine].max())
        ripe = history.until - last >= days * DAY
        end = (month + 1).astype("datetime64[us]").astype(np.int64)
        out.append(
            Cohort(
                str(month),
                int(mine.sum()),
                rate(int(inside[mine].sum()), int(mine.sum())) if ripe else None,
                begun is not None and int(end) <= begun,
            )
        )
    return out


def begun_late(history: History, goal: NDArray[np.bool_], times: NDArray[np.int64]) -> int | None:
    """The first outcome's instant when it comes too late to be chance; None otherwise.

    From leads that came in after it we know how quickly leads are won. Had those before it been won as quickly,
    at least ten would have been won by then (and twice as many as chance could hide): then either nobody sold yet or
    nobody wrote it down, and the two must not be told as one story.
    """
    if not goal.any():
        return None
    first = int(times[goal].min())
    early = history.created < first
    late = ~early
    if early.sum() < 20 or late.sum() < 50:
        return None
    found = curve(np.maximum(_followed(history, goal, times)[late], 0), goal[late])
    if found is None:
        return None
    age = (first - history.created[early]) / DAY
    at = np.searchsorted(found.days, age, side="right") - 1
    expected = float(np.where(at >= 0, found.share[np.maximum(at, 0)], 0.0).sum())
    return first if expected >= 10 else None


def _followed(history: History, goal: NDArray[np.bool_], times: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(goal, times - history.created, history.until - history.created) / DAY


def win_curve(history: History, goal: NDArray[np.bool_], times: NDArray[np.int64], begun: int | None) -> Curve | None:
    """The curve of all leads, or of those since outcomes were recorded."""
    mine = np.ones(history.leads, dtype=bool) if begun is None else history.created >= begun
    followed = _followed(history, goal, times)
    mine &= followed >= 0
    return curve(followed[mine], goal[mine])


@dataclass(frozen=True, slots=True)
class SpeedRow:
    """Leads that we turned to after so long, and what became of them."""

    label: str
    leads: int
    good: Rate | None


@dataclass(frozen=True, slots=True)
class Speed:
    contacted: int
    quartiles_hours: tuple[float, float, float]
    rows: list[SpeedRow]


BINS = (
    (5 / 60, "within 5 minutes"),
    (1, "within an hour"),
    (24, "within a day"),
    (72, "within 3 days"),
    (168, "within a week"),
    (720, "within 30 days"),
    (math.inf, "later"),
)


def speed(history: History, goal: NDArray[np.bool_] | None) -> Speed | None:
    """Time from coming in to our first contact. None where touches tell of none."""
    if history.contacted is None:
        return None
    met = history.contacted != NONE
    hours = np.where(met, (history.contacted - history.created) / (DAY / 24), math.inf)
    low, middle, high = (float(value) for value in np.quantile(hours[met], [0.25, 0.5, 0.75]))
    rows: list[SpeedRow] = []
    start = -1.0
    for end, label in BINS:
        mine = met & (hours > start) & (hours <= end)
        if mine.any():
            rows.append(
                SpeedRow(
                    label, int(mine.sum()), rate(int(goal[mine].sum()), int(mine.sum())) if goal is not None else None
                )
            )
        start = end
    rows.append(
        SpeedRow(
            "never", int((~met).sum()), rate(int(goal[~met].sum()), int((~met).sum())) if goal is not None else None
        )
    )
    return Speed(int(met.sum()), (low, middle, high), rows)


@dataclass(frozen=True, slots=True)
class FirstError:
    """The estimate, the answers it stands on, and reasons that nobody told us the blame of."""

    estimate: Estimate
    answers: Answers
    reasons: list[tuple[str, str, int]]
    unsaid: int


def first(history: History, agreement: Agreement | None) -> FirstError | None:
    """None where no rejection is recorded: then there is nothing to divide by."""
    if not history.rejected:
        return None
    blames = {reason.id: reason.blames for reason in agreement.recycle} if agreement else USUAL_BLAMES
    counts = {"definition": 0, "timing": 0, "data": 0, "nobody": 0}
    told: list[tuple[str, str, int]] = []
    unsaid = 0
    for reason, many in history.rejected:
        plain = "_".join(reason.casefold().replace("_", " ").replace("-", " ").split())
        blame = blames.get(plain, "")
        unsaid += 0 if blame else many
        # An unknown blame is none of the definition's; the bounds beside the figure hold it.
        counts[blame or "nobody"] += many
        told.append((reason or "no reason given", blame, many))
    answers = Answers(qualified=history.qualified, pending=history.pending, **counts)
    return FirstError(first_error(answers), answers, told, unsaid)
