"""The report's figures for programs: what `leadpact review --json` prints."""

from __future__ import annotations

from leadpact.lake.instants import iso
from leadpact.site.review_figures import FirstError
from leadpact.site.review_findings import Findings
from leadpact.site.review_gaps import Gap
from leadpact.site.review_history import History
from leadpact.site.review_money import Money
from leadpact.site.review_sections import Context


def figures_json(
    history: History, found: Findings | None, first: FirstError | None, gaps: list[Gap], paid: Money | None
) -> Context:
    """The same figures for programs."""
    out: Context = {
        "leads": history.leads,
        "since": iso(int(history.created[0])),
        "until": iso(history.until),
        "blank_sources": history.blank_sources,
        "outcomes_without_lead": history.strangers,
        "cannot_say": [gap.question for gap in gaps],
        "first_error": first.estimate.to_json() if first else None,
        "second_error": None,
    }
    if found:
        waits = found.waits
        out |= {
            "outcome": found.goal,
            "rate": {
                "of": found.rate.of,
                "n": found.rate.n,
                "value": found.rate.value,
                "low": found.rate.low,
                "high": found.rate.high,
            },
            "days": {"quartiles": waits.quartiles, "n": waits.n, "before_coming_in": waits.before} if waits else None,
            "outcomes_begin": iso(found.begun) if found.begun is not None else None,
            "window_days": found.window,
            "sources": [
                {
                    "source": row.name,
                    "leads": row.leads,
                    "of": row.won.of,
                    "value": row.won.value,
                    "low": row.won.low,
                    "high": row.won.high,
                    "against_the_rest": row.verdict,
                }
                for row in found.sources
            ],
            "cohorts": [
                {
                    "month": c.month,
                    "leads": c.leads,
                    "of": c.won.of if c.won else None,
                    "value": c.won.value if c.won else None,
                }
                for c in found.cohorts
            ],
        }
    if paid:
        out["cost_per_sale"] = [
            {
                "channel": row.name,
                "spend": row.spend / 1e6,
                "leads": row.leads,
                "of": row.won.of,
                "per_sale": row.per_sale / 1e6 if row.per_sale else None,
            }
            for row in paid.rows
        ]
    return out
