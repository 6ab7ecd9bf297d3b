"""Every component on one page, for whoever builds pages: /gallery/, for operations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from leadpact.kit import charts, clock, lists
from leadpact.kit.instants import DAY, HOUR, MINUTE
from leadpact.kit.pages import OPERATIONS, page

WEEKS = tuple(f"W{week}" for week in range(36, 48))
RATES = (0.31, 0.29, 0.3, 0.27, 0.26, 0.28, 0.25, 0.24, 0.22, 0.23, 0.21, 0.214)

ROWS: list[dict[str, Any]] = [
    {
        "name": name, "title": title, "account": account, "holder": holder, "state": state, "leads": 41 * step * step + 3,
        "share": step / 9, "minutes": (-35, 12, 75, 190, 900, 2900, 4400)[step - 1], "pk": step,
    }
    for step, (name, title, account, holder, state) in enumerate(
        (
            ("Ada", "Plant manager", "Ferro", "sales", "offered"),
            ("Bo", "Head of purchasing", "Halden Mills", "sales", "accepted"),
            ("Cleo", "VP Operations", "Northwind Manufacturing", "marketing", "lead"),
            ("Dara", "Controller", "Northwind Manufacturing", "marketing", "prospect"),
            ("", "", "Ferro", "marketing", "resting"),
            ("Ada", "Production planner with quite a long title that has to wrap somewhere", "Halden Mills", "closed", "won"),
            ("Bo", "Buyer", "Ferro", "closed", "lost"),
        ),
        start=1,
    )
]  # fmt: skip

COLUMNS = (
    lists.Column("name", "Person", lambda row: row["name"], sort="name"),
    lists.Column("state", "Where", lambda row: row["state"], sort="state"),
    lists.Column("leads", "Touches", lambda row: row["leads"], sort="leads", numeric=True, falling=True),
    lists.Column("share", "Share", lambda row: row["share"], sort="share", numeric=True, falling=True),
    lists.Column("due", "Clock", lambda row: row["minutes"], sort="minutes"),
)
FILTERS = (
    lists.Filter(
        "holder",
        "With",
        lambda rows, value: [row for row in rows if row["holder"] == value],
        choices=(("marketing", "Marketing"), ("sales", "Sales"), ("closed", "Nobody: closed")),
    ),
    lists.Filter(
        "q",
        "Name",
        lambda rows, value: [row for row in rows if value.casefold() in row["name"].casefold()],
        hint="Part of a name",
    ),
)


class Example(forms.Form):
    """One field of each kind."""

    email = forms.EmailField(label="E-mail", help_text="Where the person reads their post.")
    name = forms.CharField(label="Name", required=False)
    side = forms.ChoiceField(label="Side", choices=[("", "Choose one"), ("m", "Marketing"), ("s", "Sales")])
    reason = forms.ChoiceField(
        label="Why not?", choices=[("t", "Not now"), ("f", "No fit"), ("w", "Wrong data")], widget=forms.RadioSelect
    )
    note = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    sure = forms.BooleanField(label="I have read it", help_text="All of it.")


@page(roles={OPERATIONS}, methods=("GET", "HEAD"))
def show(request: HttpRequest) -> HttpResponse:
    """The gallery."""
    now = clock.now()
    listed = lists.listing(request, ROWS, columns=COLUMNS, filters=FILTERS, sort="-leads", noun="person|people", size=4)
    for row in ROWS:
        row["due"] = now + row["minutes"] * MINUTE
    return lists.answer(
        request,
        "gallery.html",
        listed,
        title="Gallery",
        now=now,
        soon=now + 25 * MINUTE,
        late=now - 3 * HOUR,
        later=now + 5 * DAY,
        last_week=now - 8 * DAY,
        form=Example(),
        wrong=Example({"email": "ada@", "side": "", "note": "Half a sentence"}, prefix="wrong"),
        tabs=[
            {"text": "Offers", "href": "?", "current": True, "count": 4},
            {"text": "In hand", "href": "?", "current": False, "count": 31},
            {"text": "Closed", "href": "?", "current": False},
        ],
        facts=[("Industry", "Manufacturing"), ("Employees", "1,150"), ("Domain", "northwind.example")],
        chart=charts.draw(
            _spec(),
            title="First error by week",
            columns=("Week", "First error, %"),
            rows=[(week, rate * 100) for week, rate in zip(WEEKS, RATES, strict=True)],
            wide=1080,
        ),
    )


def _spec() -> dict[str, Any]:
    rows = [
        {"week": week, "rate": rate, "low": rate - 0.05, "high": rate + 0.05}
        for week, rate in zip(WEEKS, RATES, strict=True)
    ]
    across: dict[str, Any] = {
        "field": "week",
        "type": "ordinal",
        "title": None,
        "axis": {"labelAngle": 0, "labelOverlap": True},
    }
    return {
        "data": {"values": rows},
        "encoding": {"x": across},
        "layer": [
            {
                "mark": {"type": "area", "color": charts.FIRST_ERROR, "opacity": 0.15},
                "encoding": {
                    "y": {"field": "low", "type": "quantitative", "axis": {"format": "%"}, "title": None},
                    "y2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "line", "point": {"color": charts.FIRST_ERROR}, "color": charts.FIRST_ERROR},
                "encoding": {"y": {"field": "rate", "type": "quantitative"}},
            },
        ],
    }
