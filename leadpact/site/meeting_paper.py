"""A review on paper: one HTML file that opens without a network, and the same as PDF."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from leadpact.kit import formats
from leadpact.kit.failures import CannotDo
from leadpact.site.meeting_shown import view
from leadpact.tuning.models import Review

NO_PANGO = (
    "A PDF is set with Pango, which this machine lacks: install it (Debian, Ubuntu: apt-get install libpango-1.0-0 "
    "libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core), or ask for a file that ends in .html."
)
TOKENS = Path(__file__).parent / "static" / "leadpact" / "tokens.css"
_LIGHT = re.compile(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}),")


def html(review: Review, *, blind: bool) -> str:
    """The review as one file: styles and drawings are in it, and links lead to the server where its address is known."""
    with formats.reading(formats.Reader(formats.zone_of(review.timezone), "en")):
        context = view(review, blind=blind, paper=True)
        for one in context["drift"]:
            # Drawn by vl-convert, which escapes what it writes.
            one["chart"] = mark_safe(painted(one["chart"])) if one["chart"] else None  # noqa: S308
        return render_to_string(
            "site/meeting_paper.html",
            {**context, "colours": colours(), "home": settings.PUBLIC_URL or "", "zone": review.timezone},
        )


def pdf(page: str) -> bytes:
    """The same on A4. Raises CannotDo, saying what to install, where the machine has no Pango."""
    try:
        from weasyprint import HTML
    except OSError as missing:
        raise CannotDo(NO_PANGO) from missing
    return HTML(string=page, url_fetcher=_nothing).write_pdf() or b""


def file_name(review: Review, ending: str) -> str:
    """`review-12.pdf`."""
    return f"review-{review.number}.{ending}"


def colours() -> dict[str, str]:
    """The tokens' light colours: paper is light."""
    return {name.replace("-", "_"): colour for name, colour in _LIGHT.findall(TOKENS.read_text(encoding="utf-8"))}


def painted(drawing: str) -> str:
    """A drawing with colours instead of the tokens' names, which printers of SVG do not know."""
    known = colours()
    return re.sub(r"var\(--([a-z0-9-]+)\)", lambda name: known.get(name[1].replace("-", "_"), "#000000"), drawing)


def _nothing(url: str, *_: Any, **__: Any) -> NoReturn:
    # What breaks without this: a word in a note could make the server fetch an address.
    raise ValueError(f"a review fetches nothing, and not {url}")
