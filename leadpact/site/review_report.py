"""The report as one HTML file: figures become strings here and in `review_sections`, the template only places them."""

from __future__ import annotations

from pathlib import Path

from leadpact.lake.problems import counted
from leadpact.lake.read import Table
from leadpact.site import review_charts as charts
from leadpact.site import review_findings as say
from leadpact.site import review_sections as sections
from leadpact.site.review_figures import FirstError
from leadpact.site.review_findings import SHORT, Findings
from leadpact.site.review_gaps import Gap
from leadpact.site.review_history import NONE, History
from leadpact.site.review_money import Money
from leadpact.site.review_sections import Context, Waiting
from leadpact.site.review_words import between, date, days, percent, whole

HERE = Path(__file__).parent


def context(
    history: History,
    found: Findings | None,
    first: FirstError | None,
    gaps: list[Gap],
    paid: Money | None,
    waiting: Waiting | None,
    tables: list[Table],
) -> Context:
    """Everything that the template shows, as text."""
    return {
        "title": f"Review: {history.leads:,} leads, {date(int(history.created[0]))} to {date(int(history.created[-1]))}",
        "lede": say.lede(history, found),
        "notable": say.notable(history, found),
        "tiles": _tiles(history, found, first),
        "funnels": _funnels(history, waiting, {table.role: table for table in tables}),
        "sources": sections.sources(found) if found and found.sources else None,
        "curve": sections.curve(history, found) if found and found.curve else None,
        "cohorts": sections.cohorts(history, found) if found else None,
        "speed": sections.speed(found) if found and found.speed else None,
        "first": sections.first(first) if first else None,
        "second": sections.second(history, waiting, found),
        "money": sections.money(paid, found) if paid and found else None,
        "gaps": [{"question": gap.question, "why": gap.why, "record": gap.record, "whose": gap.whose} for gap in gaps],
        "files": [_file(table) for table in tables],
        "until": date(history.until),
    }


def _tiles(history: History, found: Findings | None, first: FirstError | None) -> list[Context]:
    first_day, last_day = date(int(history.created[0])), date(int(history.created[-1]))
    out: list[Context] = [
        {"name": "Leads", "figure": whole(history.leads), "tone": "", "says": f"{first_day} to {last_day}"}
    ]
    if found:
        end = charts.top(found.rate.high)
        out.append(
            {
                "name": SHORT[found.goal].capitalize(),
                "figure": percent(found.rate.value),
                "tone": "sales",
                "track": charts.track(found.rate, end),
                "ends": percent(end, 0),
                "says": f"{whole(found.rate.of)} of {whole(found.rate.n)} · 95% interval "
                f"{between(found.rate.low, found.rate.high)}",
            }
        )
    if found and found.waits:
        low, middle, high = found.waits.quartiles
        says = f"half of those {SHORT[found.goal]} took longer; the middle half {days(low)} to {days(high)}"
        out.append(
            {"name": f"Days until {SHORT[found.goal]}, median", "figure": f"{middle:.1f}", "tone": "", "says": says}
        )
    if (
        first
        and first.estimate.value is not None
        and first.estimate.low is not None
        and first.estimate.high is not None
    ):
        end = charts.top(first.estimate.high)
        left = charts.place(first.estimate.low, end)
        width = f"{100 * (first.estimate.high - first.estimate.low) / end:.2f}"
        out.append(
            {
                "name": "First error: handed over, not qualified",
                "figure": percent(first.estimate.value),
                "tone": "bad",
                "track": charts.Track(left, width, charts.place(first.estimate.value, end)),
                "ends": percent(end, 0),
                "says": f"{whole(first.answers.definition)} of {whole(first.estimate.n)} judged · 95% "
                f"{between(first.estimate.low, first.estimate.high)}",
            }
        )
    else:
        why = (
            "no rejection is recorded, so there is nothing to divide"
            if first is None
            else "no answer says anything of the definition"
        )
        out.append(
            {
                "name": "First error: handed over, not qualified",
                "figure": "cannot be said",
                "tone": "bad quiet",
                "says": why,
            }
        )
    why = "whom Sales never saw has no answer; it takes blind checks"
    out.append(
        {
            "name": "Second error: good, and withering with Marketing",
            "figure": "cannot be said",
            "tone": "warn quiet",
            "says": why,
        }
    )
    return out


def _funnels(history: History, waiting: Waiting | None, tables: dict[str, Table]) -> Context:
    total = history.leads
    turned = int((history.contacted != NONE).sum()) if history.contacted is not None else None
    ready = waiting.counts["sales_ready"] if waiting else None
    marketing: list[tuple[str, int | None, str]] = [
        ("Came in", total, ""),
        ("We turned to them", turned, ""),
        ("Sales-ready by the agreement", ready, f"on {date(history.until)}" if waiting else ""),
    ]
    reached = history.reached
    any_answer = any(history.has(name) for name in ("accepted", "rejected", "qualified", "opportunity", "lost"))
    sales: list[tuple[str, int | None, str]] = [
        ("Answered by Sales", int(reached["answered"].sum()) if any_answer else None, ""),
        ("Accepted", int(reached["accepted"].sum()) if history.has("accepted") else None, ""),
        ("Qualified", int(reached["qualified"].sum()) if history.has("qualified") else None, ""),
        ("Opportunity", int(reached["opportunity"].sum()) if history.has("opportunity") else None, ""),
        ("Won", int(reached["won"].sum()) if history.has("won") else None, ""),
    ]
    text = (
        "Marketing’s funnel ends where Sales’ begins, at the hand-over. Shares are of all that came in; a step nobody "
        "wrote down is hatched."
    )
    leads = tables["leads"]
    key = leads.column("lead_id")
    if "mql" in (key.theirs or "" if key else "").casefold() or "qualified" in leads.path.name.casefold():
        text += (
            " By its names the file of leads holds only those that Marketing had qualified already: what came before is "
            "not in it."
        )
    return {
        "says": text,
        "marketing": [_stage(*row, total) for row in marketing],
        "sales": [_stage(*row, total) for row in sales],
    }


def _stage(name: str, many: int | None, note: str, total: int) -> Context:
    if many is None:
        return {"name": name, "known": False, "width": "0"}
    return {
        "name": name,
        "known": True,
        "many": whole(many),
        "share": percent(many / total),
        "width": f"{100 * many / total:.2f}",
        "note": note,
    }


def _file(table: Table) -> Context:
    told = [column for column in table.columns if column.why != "kept"]
    kept = [column.ours for column in table.columns if column.why == "kept"]
    return {
        "name": table.path.name,
        "role": table.role,
        "shape": str(table.shape),
        "system": table.system,
        "rows": whole(table.kept),
        "rejected": whole(table.rejected) if table.rejected else "",
        "columns": [
            {"ours": c.ours, "theirs": c.theirs if c.place is not None else f"={c.constant}", "why": c.why}
            for c in told
        ],
        "kept": ", ".join(kept),
        "notes": list(table.notes),
        "reasons": [
            f"{counted(times, 'row')}: {reason} (first on line {line:,})" for reason, times, line in table.reasons()
        ],
    }


def render(shown: Context) -> str:
    """The whole file. Django's template engine stands alone here: no settings, no database."""
    from django.template import Context as Values
    from django.template import Engine
    from django.utils.safestring import mark_safe

    style = (HERE / "static/leadpact/tokens.css").read_text() + (HERE / "templates/review/report.css").read_text()
    engine = Engine(dirs=[str(HERE / "templates")], autoescape=True)
    values = Values({**shown, "style": mark_safe(style)}, use_l10n=False, use_tz=False)  # noqa: S308  our own files
    return engine.get_template("review/report.html").render(values).lstrip()
