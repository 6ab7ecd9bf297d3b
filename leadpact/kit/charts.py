"""Charts: an Altair (Vega-Lite) spec becomes SVG in the page, in the colours of the tokens, with its table beneath it.

The drawing is made on the server by vl-convert: it needs no script in the browser, keeps the strict policy, prints,
and goes into mail. Colours are those of `tokens.css`, so that light and dark need one drawing; a wide and a narrow one
are made, since a wide one shrunk to a telephone cannot be read. Drawings are kept by their spec.

    chart = charts.draw(spec, title="Acceptance by week", columns=("Week", "Accepted"), rows=rows)   # {% chart chart %}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from leadpact.kit import formats

WIDE, NARROW = 640, 300

# Stand-ins: no drawing uses these by chance. Each becomes the token of its name.
MARKETING, SALES, FIRST_ERROR, SECOND_ERROR = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04"
GOOD, PLAIN, INK, MUTE, LINE, CARD = "#0a0b05", "#0a0b06", "#0a0b07", "#0a0b08", "#0a0b09", "#0a0b0a"
SEQUENCE = (SALES, MARKETING, SECOND_ERROR, FIRST_ERROR, GOOD, PLAIN)
_TOKENS = {
    MARKETING: "mkt", SALES: "sales", FIRST_ERROR: "bad", SECOND_ERROR: "warn", GOOD: "good",
    PLAIN: "edge", INK: "ink", MUTE: "mute", LINE: "line", CARD: "card",
}  # fmt: skip

_CONFIG: dict[str, Any] = {
    "background": None,
    "font": "sans-serif",
    "padding": 2,
    "view": {"stroke": None},
    "range": {"category": list(SEQUENCE)},
    "axis": {
        "labelColor": MUTE, "titleColor": MUTE, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
        "gridColor": LINE, "domainColor": LINE, "tickColor": LINE, "labelPadding": 5, "titlePadding": 8, "labelSeparation": 8,
    },
    "axisX": {"grid": False},
    "axisY": {"domain": False, "ticks": False, "tickCount": 4},
    "legend": {"labelColor": INK, "titleColor": MUTE, "labelFontSize": 12, "orient": "top", "title": None, "symbolSize": 90},
    "line": {"strokeWidth": 2.5, "color": SALES},
    "bar": {"cornerRadiusEnd": 3, "color": SALES},
    "point": {"filled": True, "size": 45},
    "rule": {"color": MUTE},
    "text": {"color": INK, "fontSize": 12},
    "area": {"opacity": 0.18},
    "errorband": {"opacity": 0.18},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its table. `cells` are the rows as people read them; `numeric`: which columns line up right."""

    title: str
    svg: SafeString
    columns: Sequence[str]
    cells: Sequence[Sequence[str]]
    numeric: frozenset[int]
    note: str = ""


def draw(
    spec: Any,
    *,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    note: str = "",
    height: int = 200,
    wide: int = WIDE,
) -> Chart:
    """Draw a single-view spec (an Altair chart or its dictionary, without width).

    `title` is what a screen reader says of it. `rows` are the figures of the table, in the order of `columns`:
    numbers are written with the reader's digits, text stands as it is. `wide`: width on a wide screen, 1080 for a card
    as wide as the page.
    """
    plain: dict[str, Any] = dict(spec.to_dict() if hasattr(spec, "to_dict") else spec)
    plain.setdefault("height", height)
    drawings: str = "".join(
        f'<div class="{kind}-drawing">{svg({**plain, "width": width}, title=title)}</div>'
        for kind, width in (("wide", wide), ("narrow", NARROW))
    )
    numeric = frozenset(i for i in range(len(columns)) if any(isinstance(row[i], int | float) for row in rows))
    cells = [[_cell(cell) for cell in row] for row in rows]
    safe = mark_safe(drawings)  # noqa: S308 -- drawn by vl-convert; the title is escaped
    return Chart(title, safe, tuple(columns), cells, numeric, note)


def svg(spec: Mapping[str, Any], *, title: str) -> str:
    """One drawing, in the colours of the tokens; safe to put into a page."""
    config = {**_CONFIG, **spec.get("config", {})}
    drawn = _drawn(json.dumps({**spec, "config": config}, sort_keys=True, default=str))
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)


@lru_cache(maxsize=256)
def _drawn(spec: str) -> str:
    import vl_convert

    text = vl_convert.vegalite_to_svg(json.loads(spec), vl_version="6.1")
    for stand_in, token in _TOKENS.items():
        text = text.replace(stand_in, f"var(--{token})")
    # The page's policy refuses style attributes; the drawing must not depend on one.
    text = re.sub(r'\sstyle="[^"]*"', "", text)
    # What axes and legends say to screen readers is in the title and in the table.
    text = re.sub(
        r' role="graphics-symbol" aria-roledescription="(?:axis|legend)" aria-label="[^"]*"',
        ' aria-hidden="true"',
        text,
    )
    return text.replace(' class="marks"', ' class="drawing"', 1)


def _cell(value: object) -> str:
    if value is None:
        return formats.NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return formats.number(value)
    if isinstance(value, float):
        return formats.number(value, 1 if abs(value) >= 10 else 3)
    return str(value)
