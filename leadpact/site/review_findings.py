"""The sentences of the report: what stands out, in the order in which a reader should know it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadpact.lake.problems import counted
from leadpact.site import review_figures as figures
from leadpact.site.review_figures import Curve, Rate, SourceRow, Waits
from leadpact.site.review_history import DAY, NONE, History
from leadpact.site.review_words import between, date, days, joined, percent, plain, whole

GOALS = ("won", "opportunity", "qualified", "accepted")
VERBS = {
    "won": "won",
    "opportunity": "opened as an opportunity",
    "qualified": "qualified",
    "accepted": "accepted by Sales",
}
SHORT = {"won": "won", "opportunity": "opened", "qualified": "qualified", "accepted": "accepted"}


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is counted, in one place. `goal` is the furthest step that the files tell of."""

    goal: str
    hit: NDArray[np.bool_]
    times: NDArray[np.int64]
    rate: Rate
    waits: Waits | None
    begun: int | None
    curve: Curve | None
    window: int
    cohorts: list[figures.Cohort]
    sources: list[SourceRow]
    speed: figures.Speed | None
    good: str


def find(history: History) -> Findings | None:
    """None where the files tell of no outcome that is good."""
    goal = next((name for name in GOALS if history.has(name)), None)
    if goal is None:
        return None
    hit, times = history.first[goal] != NONE, history.first[goal]
    begun = figures.begun_late(history, hit, times)
    waits = figures.waits(history, hit, times)
    window = figures.window(history, waits.quartiles[1] if waits else 0.0)
    good = history.reached["qualified"] if history.has("qualified") else hit
    return Findings(
        goal,
        hit,
        times,
        figures.rate(int(hit.sum()), history.leads),
        waits,
        begun,
        figures.win_curve(history, hit, times, begun),
        window,
        figures.cohorts(history, hit, times, window, begun),
        figures.sources(history, hit, times) if history.has_source else [],
        figures.speed(history, good),
        "qualified" if history.has("qualified") else SHORT[goal],
    )


def lede(history: History, found: Findings | None) -> str:
    """The report in two sentences."""
    start, end = date(int(history.created[0])), date(int(history.created[-1]))
    came = f"{counted(history.leads, 'lead')} came in between {start} and {end}."
    if found is None:
        return f"{came} The files do not say what became of any of them."
    text = (
        f"{came} Until {date(history.until)}, where the files end, {whole(found.rate.of)} of them were {VERBS[found.goal]}: "
        f"{percent(found.rate.value)} (95% interval {between(found.rate.low, found.rate.high)})"
    )
    if found.waits:
        text += f", half of these within {days(found.waits.quartiles[1])}"
    return f"{text}."


def notable(history: History, found: Findings | None) -> list[str]:
    """What a careful reader would want to be told before anything else."""
    out: list[str] = []
    if found is None:
        return ["No outcome is recorded. Give a file of outcomes (lead_id, at, outcome) with --outcomes."]
    if found.begun is not None:
        before = int((history.created < found.begun).sum())
        since = history.created >= found.begun
        later = figures.rate(int((found.hit & since).sum()), int(since.sum()))
        quick = float(np.median((found.times - history.created)[found.hit & since])) / DAY
        out.append(
            f"The first outcome is of {date(found.begun)}, {(found.begun - int(history.created[0])) // DAY:,} days after "
            "the first lead, "
            f"though of the leads that came in later, half of those {SHORT[found.goal]} took no more than {days(quick)}. "
            "Either nothing was sold before that day, or nobody wrote it down. "
            f"The {before:,} earlier leads pull the share down: of the {later.n:,} that came in since, "
            f"{percent(later.value)} were {SHORT[found.goal]} ({between(later.low, later.high)})."
        )
    high = [plain(row.name) for row in found.sources if row.verdict == "above"]
    low = [plain(row.name) for row in found.sources if row.verdict == "below"]
    if high or low:
        parts = ([f"{joined(high)} did better"] if high else []) + ([f"{joined(low)} did worse"] if low else [])
        text = f"Of the sources, {joined(parts)} than the rest together, by more than chance explains."
        if "not said" in high or any(name.casefold() == "unknown" for name in high):
            text += (
                " That the best of them is the one nobody wrote down is a fault of the record, not a channel to buy."
            )
        out.append(text)
    if found.waits and found.waits.before:
        out.append(
            f"{counted(found.waits.before, 'lead was', 'leads were')} {SHORT[found.goal]} before coming in, as the files have it. "
            "One of the two dates is wrong; the wait counts in no curve."
        )
    if history.has_source and history.blank_sources:
        out.append(
            f"{counted(history.blank_sources, 'lead has', 'leads have')} a blank source; they stand as “not said”."
        )
    if history.strangers:
        out.append(
            f"{counted(history.strangers, 'outcome belongs', 'outcomes belong')} to no lead of the file and went to the "
            "reject file."
        )
    return out


def curve_says(history: History, found: Findings) -> str:
    """The sentence before the curve."""
    waits = found.waits
    if waits is None:
        return "No wait can be told: every date lies before its lead came in."
    low, middle, high = waits.quartiles
    return (
        f"Of those {SHORT[found.goal]}, a quarter took up to {days(low)}, half up to {days(middle)}, three quarters up "
        f"to {days(high)}. "
        f"The curve counts those not {SHORT[found.goal]} as well: all were watched until {date(history.until)}, "
        f"the last to come in for {days((history.until - int(history.created[-1])) / DAY)}."
    )


def source_says(found: Findings) -> str:
    """The sentence before the sources."""
    text = (
        f"{percent(found.rate.value)} of all were {SHORT[found.goal]}: the upright line. "
        "Where a source’s interval crosses it, chance alone may be the difference."
    )
    if all(row.verdict == "like" for row in found.sources):
        text += " No source differs from the others by more than chance."
    return text


def cohort_says(history: History, found: Findings) -> str:
    """The sentence before the months."""
    ripe = [cohort for cohort in found.cohorts if cohort.won and not cohort.early]
    text = f"Each month’s leads, followed for the same {found.window} days, so that young months are not punished for their youth."
    inside = float(((found.times - history.created)[found.hit] < found.window * DAY).mean())
    text += f" Of all {SHORT[found.goal]} so far, {percent(inside, 0)} were so within {found.window} days."
    young = sum(cohort.won is None for cohort in found.cohorts)
    if young:
        text += f" {counted(young, 'month was', 'months were')} not followed for so long and {'waits' if young == 1 else 'wait'}."
    if any(cohort.early for cohort in found.cohorts):
        text += f" Pale months lie before the first outcome of {date(found.begun or 0)}."
    if len(ripe) > 1:
        best, worst = (
            max(ripe, key=lambda c: c.won.value if c.won else 0),
            min(ripe, key=lambda c: c.won.value if c.won else 1),
        )
        if best.won and worst.won and best.won.low <= worst.won.high:
            text += " No two of the months differ by more than their intervals allow."
    return text
