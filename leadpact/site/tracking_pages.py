"""Tracking: two funnels that meet, both errors, promises kept by each side, sources side by side.

It reads what tracking and tuning measure, so it stands here, above both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from leadpact.agreement.queries import versions
from leadpact.kit import charts, clock, formats
from leadpact.kit.pages import EVERYONE, page, whole_number
from leadpact.team.models import User
from leadpact.team.permissions import sees_scores
from leadpact.tracking import queries
from leadpact.tuning import queries as tuning
from leadpact.tuning.rules import Estimate, share, week_start

WEEK = 7 * 86_400_000_000
RANGES = (4, 13, 26, 52)
GROUPS = (("source", "By source"), ("salesperson", "By salesperson"), ("agreement", "By version of the agreement"))


@page(roles=EVERYONE, methods=("GET", "HEAD"))
def overview(request: HttpRequest) -> HttpResponse:
    """The page, for the last ?weeks= weeks."""
    user: Any = request.user
    at = clock.now()
    weeks = whole_number(request.GET.get("weeks", ""), default=13, most=520) or 13
    since = at - weeks * WEEK
    blind = not sees_scores(user)
    marketing, sales = queries.funnels(since=since, until=at, at=at, blind=blind)
    if blind:
        promises = queries.blind_promises(since=since, until=at, monday=week_start(at))
    else:
        promises = queries.promises(since=since, until=at)
    found = queries.sources(since=since, until=at, at=at, blind=blind)
    group = request.GET.get("by", "source")
    group = group if group in dict(GROUPS) and not (blind and group == "salesperson") else "source"
    return render(
        request,
        "site/tracking.html",
        {
            "title": "Tracking",
            "weeks": weeks,
            "since": since,
            "tabs": [{"text": f"{n} weeks", "href": f"?weeks={n}", "current": n == weeks} for n in RANGES],
            "marketing": steps(marketing),
            "sales": steps(sales),
            "promises": promises,
            "who_is_right": who_is_right(promises, marketing, sales),
            "sources": shown_sources(found),
            "weekly": _weekly(queries.weekly(since=since, until=at)),
            "blind": blind,
            "groups": [
                {"text": says, "href": f"?weeks={weeks}&by={key}#by", "current": key == group}
                for key, says in GROUPS
                if not (blind and key == "salesperson")
            ],
            "group": group,
            **shown_errors(
                since=since,
                until=week_start(at) if blind else at,
                at=week_start(at) if blind else at,
                group=group,
                with_audits=not blind,
            ),
        },
    )


def _weekly(rows: list[tuple[int, int, int, int]]) -> charts.Chart | None:
    """Hand-overs and what came back, week by week."""
    if len(rows) < 2:
        return None
    data = [
        {"week": formats.iso(week)[:10], "what": what, "leads": n}
        for week, handed, accepted, back in rows
        for what, n in (("handed over", handed), ("accepted", accepted), ("came back", back))
    ]
    spec = {
        "data": {"values": data},
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {
            "x": {"field": "week", "type": "temporal", "title": None, "axis": {"format": "%-d %b"}},
            "y": {"field": "leads", "type": "quantitative", "title": "leads"},
            "color": {
                "field": "what",
                "type": "nominal",
                "title": None,
                # As on Home: teal goes to Sales, violet comes back to Marketing.
                "scale": {
                    "domain": ["handed over", "accepted", "came back"],
                    "range": [charts.SALES, charts.PLAIN, charts.MARKETING],
                },
            },
        },
    }
    return charts.draw(
        spec,
        title="Leads handed over, accepted and come back, by week",
        columns=("Week of", "Handed over", "Accepted", "Came back"),
        rows=[(formats.iso(week)[:10], a, b, c) for week, a, b, c in rows],
        wide=1080,
    )


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step with its share of the step before and of the first."""

    step: queries.Step
    share: float | None
    most: int


def steps(found: list[queries.Step]) -> list[ShownStep]:
    """The funnel as the page draws it."""
    before: int | None = None
    shown = []
    for step in found:
        shown.append(ShownStep(step, step.count / before if before else None, max(1, found[0].count)))
        before = step.count
    return shown


def who_is_right(
    promises: list[queries.Promise], marketing: list[queries.Step], sales: list[queries.Step]
) -> list[str]:
    """The quarrel settled with figures: "you never follow up" against "what you send us is garbage"."""
    said = []
    by_what = {one.what: one for one in promises}
    follow = by_what["first_follow_up_within"]
    if follow.tested:
        said.append(
            f"“You never follow up on the leads we send you”: {formats.percent(follow.share)} of"
            f" {formats.number(follow.tested)} accepted"
            " leads were followed up in time, and"
            f" {formats.percent(by_what['accept_within'].share)} of {formats.number(by_what['accept_within'].tested)}"
            " offers were accepted in time."
        )
    offered, qualified = sales[0].count, sales[2].count
    if offered:
        said.append(
            f"“The leads you send us are garbage”: {formats.number(qualified)} of {formats.number(offered)} leads"
            " that were handed over"
            f" have been qualified so far, {formats.percent(qualified / offered)}. The first error below counts only"
            " those that Sales judged."
        )
    captured = marketing[0].count
    if captured and offered:
        said.append(
            f"{formats.percent(offered / captured)} of the leads that came in were handed over to Sales. A published survey"
            " found 67% sent straight on, of which 27% were qualified."
        )
    return said


@dataclass(frozen=True, slots=True)
class ShownSource:
    """A source with shares, intervals and costs. Costs in minor units; None where no spend or no such lead is known."""

    source: queries.Source
    qualified: Estimate
    won: Estimate
    per_lead: int | None
    per_qualified: int | None
    per_sale: int | None


def shown_sources(found: list[queries.Source]) -> list[ShownSource]:
    """Sources side by side, under one definition and one window."""

    def cost(spend: int | None, n: int) -> int | None:
        return round(spend / n) if spend and n else None

    return [
        ShownSource(
            one, share(one.qualified, one.leads, "leads"), share(one.won, one.leads, "leads"),
            cost(one.spend, one.leads), cost(one.spend, one.qualified), cost(one.spend, one.won),
        )
        for one in found
    ]  # fmt: skip


def shown_errors(*, since: int, until: int, at: int, group: str, with_audits: bool) -> dict[str, Any]:
    """Both errors with how they were got, the first by group, and the audits' weeks."""
    names: dict[str, str] = {}
    if group == "salesperson":
        names = {str(one.pk): str(one) for one in User.objects.filter(department="sales")}
    elif group == "agreement":
        names = {one.hash: f"Version {one.number}" for one in versions() if one.hash}
    by_group = [
        (names.get(name, name.replace("_", " ") if group == "source" else name) or "unknown", estimate)
        for name, estimate in tuning.first(since=since, until=until, group=group, as_of=at).items()
    ]
    by_group.sort(key=lambda pair: -pair[1].n)
    return {
        "errors": tuning.errors(at=at, since=since, until=until),
        "by_group": by_group,
        "left_out": tuning.left_out(since=since, until=until),
        "audits": tuning.weeks(since=since, until=until) if with_audits else [],
    }
