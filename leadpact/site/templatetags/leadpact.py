"""The components as template tags: `{% load leadpact %}`. Each draws one file of `templates/components/`.

Leaves are inclusion tags, containers are block tags. Words and numbers come from `leadpact.kit.formats`, so that
a page, a mail and a CSV say the same. `templates/components/README.md` shows each in use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import lucide as lucide_icons
from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from leadpact.kit import clock, formats, links
from leadpact.site.words import CLOCKS, STATES, TONES

register = template.Library()
# Keys that read otherwise than they are written in templates.
KEYS = {"mod+enter": "Ctrl+Enter"}


# Words -------------------------------------------------------------------------------------------------------------


@register.filter
def num(value: float | None, decimals: int = 0) -> str:
    """`{{ total|num }}` → 1,234."""
    return formats.number(value, decimals)


@register.filter
def percent(value: float | None, decimals: int = 1) -> str:
    """`{{ share|percent }}`: a share between 0 and 1 → 21.4%."""
    return formats.percent(value, decimals)


@register.filter
def words(code: object) -> str:
    """`{{ lead.source|words }}`: a code as people read it, paid_search → paid search."""
    return str(code).replace("_", " ")


@register.simple_tag
def money(minor: int | None, currency: str = "USD") -> str:
    """`{% money value "EUR" %}`: minor units → €1,234."""
    return formats.money(minor, currency)


@register.filter
def of_key(found: Any, key: Any) -> Any:
    """`{{ warned.by_line|of_key:one.id }}`: what a mapping holds for a key; nothing where it has none, or is none."""
    return found.get(key, "") if found else ""


@register.filter
def lasts(us: int | None) -> str:
    """`{{ wait|lasts }}`: microseconds → 12 min."""
    return formats.duration(us)


@register.filter
def dated(us: int | None, style: str = "") -> str:
    """`{{ us|dated }}` → 16 Nov 2026 09:00, `{{ us|dated:"day" }}` → 16 Nov 2026: for paper, which is read on any day."""
    return formats.dated(us, with_time=style != "day")


@register.filter
def review_days(review: Any) -> str:
    """`{{ review|review_days }}`: the days of a regular review, in the market's zone."""
    from leadpact.site.meeting_shown import days_of

    return days_of(review)


@register.filter
def lead_href(lead_id: int) -> str:
    """The address of a lead's page."""
    return links.lead(lead_id)


@register.filter
def account_href(account_id: int) -> str:
    """The address of an account's page."""
    return links.account(account_id)


@register.filter
def member_href(user_id: int) -> str:
    """The address of a page about somebody on the team."""
    return links.member(user_id)


@lru_cache(maxsize=512)
def _icon(name: str, size: int) -> SafeString:
    drawn = lucide_icons._render_icon(name, size, **{"class": "icon", "aria-hidden": "true", "focusable": "false"})  # noqa: SLF001
    return mark_safe(str(drawn))  # noqa: S308 - the drawing comes from the package, its arguments from templates


@register.simple_tag
def icon(name: str, size: int = 18) -> SafeString:
    """`{% icon "inbox" %}`: a drawing of lucide, hidden from screen readers; the words stand beside it."""
    return _icon(str(name), size)


# Leaves ------------------------------------------------------------------------------------------------------------


@register.inclusion_tag("components/when.html")
def when(us: int | None, style: str = "instant") -> dict[str, object]:
    """`{% when touch.at %}`: in the reader's zone, UTC on hover. Styles: instant, day, ago."""
    if us is None:
        return {"text": formats.NOTHING}
    now = clock.now()
    says = {"instant": formats.instant, "day": formats.day, "ago": formats.ago}[style]
    return {"text": says(us, now=now), "iso": formats.iso(us), "utc": formats.utc_words(us), "style": style, "us": us}


@register.inclusion_tag("components/clock.html")
def countdown(due: int | None, what: str = "") -> dict[str, object]:
    """`{% countdown holding.due holding.due_what %}`: what is left, coloured by urgency; ticks in the browser."""
    now = clock.now()
    return {
        "text": formats.countdown(due, now=now),
        "urgency": formats.urgency(due, now=now),
        "due": due,
        "iso": formats.iso(due) if due is not None else "",
        "utc": formats.utc_words(due) if due is not None else "",
        "what": CLOCKS.get(what, ""),
    }


@register.inclusion_tag("components/chip.html")
def chip(text: object, tone: str = "", href: str = "") -> dict[str, object]:
    """`{% chip "Sales" "sales" %}`. Tones: marketing, sales, closed, good, warn, bad, plain."""
    words = str(text)
    return {"text": words, "tone": tone or TONES.get(words.casefold(), "plain"), "href": href}


@register.inclusion_tag("components/chip.html")
def custody(holder: str, state: str, short: bool = False, blind: bool = False) -> dict[str, object]:
    """`{% custody lead.holder lead.state %}` → 'With Sales · offered' in the department's colour.

    `blind`: for readers who may not know verdicts; Marketing's prospects and leads then look alike.
    """
    if blind and holder == "marketing":
        return {"text": "With Marketing", "tone": "marketing", "href": ""}
    says = STATES.get(state, state)
    if not short and holder in {"marketing", "sales"}:
        says = f"With {holder.title()} · {says}"
    return {"text": says[:1].upper() + says[1:], "tone": TONES.get(state, holder), "href": ""}


@register.inclusion_tag("components/figure.html")
def figure(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    most: float = 1.0,
    tone: str = "plain",
    note: str = "",
    href: str = "",
    decimals: int = 1,
) -> dict[str, object]:
    """`{% figure 0.214 0.172 0.263 most=0.5 tone="bad" note="68 of 318 answered" %}`: an estimate with its interval."""
    drawn = low is not None and high is not None
    return {
        "text": formats.percent(value, decimals),
        "interval": formats.interval(low, high, decimals=decimals),
        "drawn": drawn,
        "left": _svg(low, most),
        "width": _svg(max((high or 0) - (low or 0), most / 200), most),
        "point": _svg(value, most) if value is not None else "",
        "most": formats.percent(most, 0),
        "tone": tone,
        "note": note,
        "href": href,
    }


@register.inclusion_tag("components/bar.html")
def bar(value: float | None, most: float, tone: str = "plain", label: str = "") -> dict[str, object]:
    """`{% bar 12 40 "sales" "12 of 40 in hand" %}`: a thin bar; the label is read aloud and shown on hover."""
    return {
        "width": _svg(value, most),
        "tone": tone,
        "label": label or f"{formats.number(value)} of {formats.number(most)}",
    }


@register.inclusion_tag("components/stat.html")
def stat(label: str, value: object, note: str = "", tone: str = "", href: str = "") -> dict[str, object]:
    """`{% stat "Handed over a week" 84 "Sales can take 75" %}`: one big number with its name."""
    text = formats.number(value) if isinstance(value, int | float) else str(value)
    return {"label": label, "value": text, "note": note, "tone": tone, "href": href}


@register.inclusion_tag("components/button.html")
def button(
    text: str,
    href: str = "",
    kind: str = "",
    key: str = "",
    icon: str = "",
    name: str = "",
    value: str = "",
    dialog: str = "",
    form: str = "",
) -> dict[str, object]:
    """`{% button "Accept" kind="primary" key="a" %}`; with `href` a link, with `dialog` it opens that dialog.

    Kinds: primary, sales, marketing, danger, quiet. `key`: one key presses it; `?` lists it.
    """
    return {
        "text": text, "href": href, "kind": kind, "key": key, "key_says": KEYS.get(key, key), "icon": icon,
        "name": name, "value": value, "dialog": dialog, "form": form,
    }  # fmt: skip


@register.inclusion_tag("components/field.html")
def field(bound: Any, hint: str = "", wide: bool = False) -> dict[str, object]:
    """`{% field form.email %}`: label, control, help and errors of one Django form field, tied together."""
    kind = getattr(bound.field.widget, "input_type", bound.field.widget.__class__.__name__.lower())
    described = [f"{bound.id_for_label}_help"] if (hint or bound.help_text) else []
    described += [f"{bound.id_for_label}_errors"] if bound.errors else []
    attrs: dict[str, object] = {}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if bound.errors:
        attrs["aria-invalid"] = "true"
    return {
        "field": bound,
        "control": bound.as_widget(attrs=attrs),
        "kind": kind,
        "help": hint or bound.help_text,
        "wide": wide,
        # Several boxes under one name are a group with a legend, though each is a checkbox or a radio button.
        "group": bound.field.widget.use_fieldset,
    }


@register.inclusion_tag("components/empty.html")
def empty(title: str, text: str = "", href: str = "", action: str = "", icon: str = "inbox") -> dict[str, object]:
    """`{% empty "Nobody waits" "Offers appear here." href="/x/" action="Add one" %}`: says what to do next."""
    return {"title": title, "text": text, "href": href, "action": action, "icon": icon}


@register.inclusion_tag("components/person.html")
def person(
    name: str, href: str, title: str = "", account: str = "", account_id: int | None = None, email: str = ""
) -> dict[str, object]:
    """`{% person p.name p.lead_id|lead_href title=p.title account=p.account %}`: who, and where they work."""
    return {
        "name": name or email or "Unknown person", "href": href, "title": title, "account": account,
        "account_href": links.account(account_id) if account_id else "", "email": email if name else "",
    }  # fmt: skip


@register.inclusion_tag("components/event.html")
def event(
    title: str, at: int | None = None, tone: str = "plain", note: str = "", strong: bool = False, faded: bool = False,
    quote: str = "", href: str = "",
) -> dict[str, object]:  # fmt: skip
    """`{% event "Came to the seminar" at=touch.at tone="marketing" note="event" %}`: a line on a timeline."""
    return {
        "title": title, "at": at, "tone": tone, "note": note, "strong": strong, "faded": faded, "quote": quote, "href": href,
    }  # fmt: skip


@register.inclusion_tag("components/tabs.html")
def tabs(items: Sequence[Mapping[str, Any]], label: str = "Views") -> dict[str, object]:
    """`{% tabs items "Views of the inbox" %}`; an item is {"text", "href", "current", "count"?}."""
    return {"items": items, "label": label}


@register.inclusion_tag("components/chart.html")
def chart(drawn: Any) -> dict[str, object]:
    """`{% chart chart %}`: a `leadpact.kit.charts.Chart`, with the table behind it."""
    return {"chart": drawn}


# Containers --------------------------------------------------------------------------------------------------------


@register.simple_block_tag(takes_context=True)
def card(
    context: Context, content: str, title: str = "", tone: str = "", note: str = "", href: str = "", more: str = "", id: str = "",  # noqa: A002
) -> SafeString:  # fmt: skip
    """`{% card "Promises" note="this week" %}…{% endcard %}`; `href` and `more` make a link in its head."""
    return _draw(context, "card", content, title=title, tone=tone, note=note, href=href, more=more, id=id)


@register.simple_block_tag(takes_context=True)
def table(context: Context, content: str, label: str, kind: str = "") -> SafeString:
    """`{% table "People" %}<thead>…</thead><tbody>…</tbody>{% endtable %}`: scrolls alone, never the page.

    Kinds: 'rows' (whole rows react to the pointer; `j` and `k` walk them), 'tight'.
    """
    return _draw(context, "table", content, label=label, kind=kind)


@register.simple_block_tag(takes_context=True)
def dialog(context: Context, content: str, id: str, title: str) -> SafeString:  # noqa: A002
    """`{% dialog id="reject" title="Why not?" %}…{% enddialog %}`; opened by a button's `dialog`, also without script."""
    return _draw(context, "dialog", content, id=id, title=title)


@register.simple_block_tag(takes_context=True)
def form(
    context: Context, content: str, action: str = "", submit: str = "Save", kind: str = "primary", method: str = "post",
    back: str = "", bound: Any = None, files: bool = False, key: str = "",
) -> SafeString:  # fmt: skip
    """`{% form submit="Invite" bound=form %}{% field form.email %}{% endform %}`: token, errors of the whole, button."""
    return _draw(
        context,
        "form",
        content,
        action=action,
        submit=submit,
        kind=kind,
        method=method,
        back=back,
        bound=bound,
        files=files,
        key=key,
    )


def _draw(context: Context, component: str, content: str, **parts: object) -> SafeString:
    engine: Any = context.template.engine if context.template else None
    drawn = engine.get_template(f"components/{component}.html")
    with context.push(body=mark_safe(content), **parts):  # noqa: S308 - rendered by the template itself, escaped there
        return drawn.render(context)


def _svg(value: float | None, most: float) -> str:
    """A length on an axis of a hundred, as SVG attributes want it: always with a point."""
    share = 0.0 if value is None or most <= 0 else max(0.0, min(1.0, value / most))
    return f"{share * 100:.2f}"


# The shell ---------------------------------------------------------------------------------------------------------


@register.inclusion_tag("navigation.html", takes_context=True)
def navigation(context: Context) -> dict[str, object]:
    """The navigation for whoever is logged in."""
    from leadpact.site.navigation import shell

    return shell(context["request"])


@register.inclusion_tag("tuning/question.html", takes_context=True)
def was_this_a_check(context: Context) -> dict[str, object]:
    """After some final answers one question, on the page where the answer was given; else nothing."""
    from leadpact.tuning.queries import question

    request = context["request"]
    found = question(user_id=request.user.pk, at=clock.now()) if request.user.is_authenticated else None
    return {"question": found, "next": request.get_full_path(), "csrf_token": context.get("csrf_token")}


@register.simple_tag(takes_context=True)
def theme(context: Context) -> SafeString:
    """The reader's choice of light or dark, where there is one."""
    chosen = context["request"].COOKIES.get("theme", "") if "request" in context else ""
    return format_html(' data-theme="{}"', chosen) if chosen in {"light", "dark"} else SafeString("")


@register.simple_tag
def htmx_config() -> str:
    """htmx without eval and without a style element, both of which the page's policy forbids.

    Titles stay: a part of a page that is fetched anew would put the plain title over the live count.
    """
    return json.dumps(
        {
            "allowEval": False,
            "includeIndicatorStyles": False,
            "selfRequestsOnly": True,
            "historyCacheSize": 0,
            "ignoreTitle": True,
        }
    )
