"""The sections of the report, each as the strings that its card shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leadpact.lake.problems import counted
from leadpact.site import review_charts as charts
from leadpact.site import review_findings as say
from leadpact.site.review_figures import FirstError
from leadpact.site.review_findings import SHORT, Findings
from leadpact.site.review_history import History
from leadpact.site.review_money import Money
from leadpact.site.review_words import between, date, days, hours, month, percent, plain, whole
from leadpact.site.review_words import money as in_money
from leadpact.tuning.rules import exact_upper

AUDITS = (30, 59, 100, 150, 299, 600)
BLAMES = {"definition": "the definition", "timing": "timing", "data": "the data", "nobody": "nobody", "": "not said"}

Context = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an agreement says of the same leads as of the end of the files."""

    name: str
    counts: dict[str, int]
    ready_unanswered: int


def sources(found: Findings) -> Context:
    end = charts.top(
        max(row.won.high for row in found.sources if row.leads >= 20)
        if any(row.leads >= 20 for row in found.sources)
        else 1.0
    )
    total = sum(row.leads for row in found.sources)
    rows = [
        {
            "name": plain(row.name),
            "leads": whole(row.leads),
            "share": percent(row.leads / total, 0 if row.leads / total >= 0.01 else 1),
            "won": whole(row.won.of),
            "rate": percent(row.won.value),
            "interval": between(row.won.low, row.won.high),
            "track": charts.track(row.won, end),
            "median": days(row.median_days) if row.median_days is not None else "–",
            "verdict": row.verdict,
        }
        for row in found.sources
    ]
    return {
        "says": say.source_says(found),
        "goal": SHORT[found.goal],
        "rows": rows,
        "scale": charts.scale(end, ends_only=True),
        "whole": charts.place(found.rate.value, end),
    }


def curve(history: History, found: Findings) -> Context:
    curve = found.curve
    assert curve is not None
    rows = [
        {"day": f"{day} days", "share": percent(share), "interval": between(low, high), "watched": whole(watched)}
        for day, (share, low, high, watched) in curve.milestones.items()
    ]
    note = (
        f"{whole(curve.n)} leads that came in since {date(found.begun)}, when outcomes begin."
        if found.begun is not None
        else ""
    )
    return {
        "says": say.curve_says(history, found),
        "note": note,
        "goal": SHORT[found.goal],
        "lines": charts.steps(curve),
        "rows": rows,
    }


def cohorts(history: History, found: Findings) -> Context:
    ripe = [cohort.won.high for cohort in found.cohorts if cohort.won and cohort.leads >= 20]
    end = charts.top(max(ripe, default=1.0))
    posts = [charts.post(month(c.month), month(c.month)[:3], c.won, end, early=c.early) for c in found.cohorts]
    rows = [
        {
            "month": month(cohort.month),
            "leads": whole(cohort.leads),
            "won": whole(cohort.won.of) if cohort.won else "–",
            "rate": percent(cohort.won.value) if cohort.won else "not yet",
            "interval": between(cohort.won.low, cohort.won.high) if cohort.won else "",
            "early": cohort.early,
            "young": cohort.won is None,
        }
        for cohort in found.cohorts
    ]
    return {
        "says": say.cohort_says(history, found),
        "window": str(found.window),
        "goal": SHORT[found.goal],
        "posts": posts,
        "scale": list(reversed(charts.scale(end))),
        "rows": rows,
        "many": len(rows) > 18,
    }


def speed(found: Findings) -> Context:
    speed = found.speed
    assert speed is not None
    known = [row.good for row in speed.rows if row.good and row.leads]
    end = charts.top(max((row.high for row in known if row.n >= 20), default=1.0))
    total = sum(row.leads for row in speed.rows)
    low, middle, high = speed.quartiles_hours
    return {
        "says": (
            f"We turned to {whole(speed.contacted)} leads ({percent(speed.contacted / total)}); half of them within "
            f"{hours(middle)} "
            f"of coming in, the middle half {hours(low)} to {hours(high)}. This is not proof that haste wins: leads that "
            "come in at office hours, "
            "from better sources, are answered sooner too."
        ),
        "goal": found.good,
        "rows": [
            {
                "label": row.label,
                "leads": whole(row.leads),
                "rate": percent(row.good.value) if row.good and row.leads else "–",
                "interval": between(row.good.low, row.good.high) if row.good and row.leads else "",
                "track": charts.track(row.good, end) if row.good and row.leads else None,
            }
            for row in speed.rows
        ],
        "scale": charts.scale(end, ends_only=True),
    }


def first(first: FirstError) -> Context:
    total = sum(many for _, _, many in first.reasons)
    text = first.estimate.says
    if first.unsaid:
        text += (
            f" {counted(first.unsaid, 'rejection gives', 'rejections give')} a reason whose blame nobody has told us; they "
            "stand beside the figure. "
            "Give the agreement (--agreement): its section `recycle` says what each reason blames."
        )
    return {
        "says": text,
        "rows": [
            {
                "reason": reason.replace("_", " "),
                "blames": BLAMES[blame],
                "many": whole(many),
                "share": percent(many / total, 0),
                "width": f"{100 * many / first.reasons[0][2]:.1f}",
                "tone": "bad" if blame == "definition" else "x",
            }
            for reason, blame, many in first.reasons[:12]
        ],
    }


def second(history: History, waiting: Waiting | None, found: Findings | None) -> Context:
    counted_now = None
    if waiting:
        counted_now = (
            f"Counted, not estimated: as of {date(history.until)} the agreement “{waiting.name}” calls "
            f"{counted(waiting.counts['sales_ready'], 'lead')} sales-ready, "
            f"and {whole(waiting.ready_unanswered)} of them have no answer from Sales in these files."
        )
    floor = None
    if found and found.goal == "won" and found.waits:
        slow = int(((found.times - history.created)[found.hit] >= 90 * 86_400_000_000).sum())
        if slow:
            floor = (
                f"{counted(slow, 'lead was', 'leads were')} won 90 days or more after coming in "
                f"({percent(slow / found.rate.of, 0)} of all won). "
                "Some of these were ready sooner; how many, and how many others gave up waiting, the files do not tell."
            )
    rows = [
        {"n": whole(n), "bound": percent(exact_upper(0, n), 1), "leads": whole(exact_upper(0, n) * 1000)}
        for n in AUDITS
    ]
    return {"counted": counted_now, "floor": floor, "rows": rows}


def money(paid: Money, found: Findings) -> Context:
    cost = [row for row in paid.rows if row.per_sale is not None]
    end = max((row.per_sale_high or row.per_sale or 0 for row in cost), default=1) or 1
    end = min(end, 4 * max((row.per_sale or 0 for row in cost), default=1)) or 1

    def shown(row: Any) -> Context:
        low, high = row.per_sale_low, row.per_sale_high
        left = min((low or 0) / end, 1.0)
        right = min((high if high is not None else end) / end, 1.0)
        return {
            "name": plain(row.name),
            "spend": in_money(row.spend, paid.currency),
            "leads": whole(row.leads),
            "won": whole(row.won.of),
            "per_lead": in_money(row.per_lead, paid.currency) if row.per_lead is not None else "–",
            "per_sale": in_money(row.per_sale, paid.currency) if row.per_sale is not None else "no sale",
            "interval": (
                f"{in_money(low, paid.currency)} – {in_money(high, paid.currency)}"
                if high is not None
                else f"over {in_money(low, paid.currency)}"
            )
            if low
            else "",
            "track": charts.Track(
                f"{100 * left:.2f}",
                f"{max(100 * (right - left), 0.4):.2f}",
                f"{100 * min((row.per_sale or end) / end, 1):.2f}",
            )
            if row.leads and row.per_sale is not None
            else None,
        }

    notes: list[str] = []
    if paid.without_leads:
        notes.append(
            f"No lead has the source {say.joined([f'“{name}”' for name in paid.without_leads], 'or')}: name channels and "
            "sources alike."
        )
    if paid.without_spend:
        names = [f"“{name}”" for name in paid.without_spend[:6]]
        notes.append(f"No spend is given for {say.joined(names)}; their leads are not in the sum.")
    if paid.others:
        left = ", ".join(f"{name or 'none'}: {many:,} rows" for name, many in paid.others)
        notes.append(f"Other currencies are left out ({left}): amounts of different money are never added up.")
    seen = sum(row.won.of for row in paid.rows)
    return {
        "says": (
            f"Leads that came in between {date(paid.since)} and {date(paid.until - 1)}, each followed for {paid.window} "
            "days, against what was spent in the same time: "
            f"{counted(seen, 'sale')}. Sales that take longer are not in it, so what a sale costs in the end is less. "
            "The interval of the cost per sale is that of the share won; spend is taken as exact."
        ),
        "goal": SHORT[found.goal],
        "rows": [shown(row) for row in paid.rows],
        "whole": shown(paid.whole),
        "notes": notes,
    }
