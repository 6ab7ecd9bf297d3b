"""A kept review as it is read: its figures, with the names and words of today beside its codes.

Whoever takes leads reads a blind edition: promises, both errors and what of drift tells no checks, and of the disputed leads
only those with a final answer, without verdict, scores or cause; no lines and no proposals, which tell thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadpact.agreement.queries import by_hash
from leadpact.agreement.queries.talk import talks
from leadpact.custody import queries as custody
from leadpact.kit import charts, formats
from leadpact.kit.instants import from_us
from leadpact.language import words
from leadpact.language.check import points
from leadpact.language.nodes import DIMENSIONS
from leadpact.leads.queries import listed
from leadpact.site import meeting_words
from leadpact.site.lead_queries import Moment, moment
from leadpact.tuning import queries as tuning
from leadpact.tuning.models import Review, ReviewNote
from leadpact.tuning.rules.disputed import WHY

SHOWN_WEEKS = 6
UNTOLD = frozenset({"judged"})
VERDICTS = {"sales_ready": "sales-ready", "lead": "a lead", "prospect": "a prospect", "disqualified": "disqualified"}


def view(review: Review, *, blind: bool, paper: bool = False) -> dict[str, Any]:
    """Everything that page and paper show. Eight statements at most, whatever the review holds."""
    content: dict[str, Any] = review.content
    notes = tuning.notes(review.pk)
    return {
        "review": review,
        "blind": blind,
        "days": days_of(review),
        "short": meeting_words.in_short(content, blind=blind),
        "agreement": content["agreement"],
        "weeks": [week_name(week) for week in content["promises"]["weeks"][-SHOWN_WEEKS:]],
        "promises": [_promise(one, blind=blind) for one in content["promises"]["rows"]],
        "errors": {**content["errors"], "first_here": None} if blind else content["errors"],
        "drift": [_drift(one, paper=paper) for one in meeting_words.drifts_for(content, blind=blind)],
        "drift_method": content["drift"][1]["method"] if content["drift"] else "",
        "disputed": content["disputed"],
        # How many there are would tell somebody who takes leads which of the open ones are not among them.
        "reasons": [] if blind else [(said, content["disputed"]["why"].get(word, 0)) for word, said in WHY.items()],
        "stories": _stories(review, notes, blind=blind),
        "lines": None if blind else _lines(content["lines"]),
        "talk": [] if blind else _talk(review),
        "proposals": None if blind else content["proposals"],
        "notes": [one for one in notes if one.lead_id is None],
        "mails": tuning.mails(review.pk),
    }


def _promise(one: Mapping[str, Any], *, blind: bool) -> dict[str, Any]:
    """A promise with its weeks as words: `9 of 11`, and for touches that are only known when missed, `2 missed`."""
    cells = []
    for kept, tested in one["weekly"]:
        missed = tested - kept
        if one["what"] == "touch_every":
            cells.append({"text": f"{missed:,} missed" if missed else "–", "tone": "bad" if missed else "mute"})
        elif not tested or (blind and one["what"] == "hand_over_within"):
            # How many were handed over in a week under the agreement, beside how many came, would tell the checks.
            cells.append({"text": "–", "tone": "mute"})
        else:
            cells.append({"text": f"{kept:,} of {tested:,}", "tone": "bad" if missed else ""})
    return {**one, "cells": cells[-SHOWN_WEEKS:]}


def _drift(one: Mapping[str, Any], *, paper: bool) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        dict(zip(("week", "k", "n", "value", "low", "high"), week, strict=True)) for week in one["weeks"]
    ]
    share = any(row["n"] is not None for row in rows)
    return {**one, "chart": _chart(one, rows, share=share, paper=paper) if len(rows) > 1 else None}


def _chart(one: Mapping[str, Any], rows: list[dict[str, Any]], *, share: bool, paper: bool) -> Any:
    data = [
        {"week": formats.iso(row["week"])[:10], "value": row["value"], "low": row["low"], "high": row["high"],
         "out": row["low"] is not None and row["value"] is not None and not row["low"] <= row["value"] <= row["high"]}
        for row in rows
    ]  # fmt: skip
    axis = {"format": ".0%"} if share else {"tickMinStep": 1}
    x: dict[str, Any] = {
        "field": "week",
        "type": "temporal",
        "title": None,
        "axis": {"tickCount": 4, "format": "%-d %b"},
    }
    y = {"type": "quantitative", "title": None, "axis": axis, "scale": {"zero": True}}
    spec: dict[str, Any] = {
        "data": {"values": data},
        "height": 110,
        "layer": [
            {
                "transform": [{"filter": "datum.low !== null"}],
                "mark": {"type": "area", "color": charts.PLAIN, "opacity": 0.22},
                "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {
                "transform": [{"filter": "datum.value !== null"}],
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {"x": x, "y": {**y, "field": "value"}},
            },
            {
                "transform": [{"filter": "datum.out"}],
                "mark": {"type": "point", "size": 70, "color": charts.FIRST_ERROR},
                "encoding": {"x": x, "y": {**y, "field": "value"}},
            },
        ],
    }
    if paper:
        return charts.svg({**spec, "width": 290}, title=one["title"])
    cells = [
        (
            formats.iso(row["week"])[:10],
            _figure(row, share=share),
            *((row["k"], row["n"]) if share else ()),
            _span(row, share=share),
        )
        for row in rows
    ]
    columns = ("Week of", "Share", "Were", "Of", "To be expected") if share else ("Week of", "Number", "To be expected")
    return charts.draw(spec, title=one["title"], columns=columns, rows=cells, wide=480)


def _figure(row: Mapping[str, Any], *, share: bool) -> object:
    return formats.percent(row["value"]) if share else row["k"]


def _span(row: Mapping[str, Any], *, share: bool) -> str:
    if row["low"] is None:
        return "too few weeks"
    return formats.interval(row["low"], row["high"], decimals=0, unit="%" if share else "")


def _stories(review: Review, notes: list[ReviewNote], *, blind: bool) -> list[dict[str, Any]]:
    drawn = drawn_for(review, blind=blind)
    ids = [one["lead"] for one in drawn]
    people = {lead.pk: lead for lead in listed().filter(pk__in=ids)}
    told = custody.histories(ids, blind=blind)
    return [_story(number, one, people, told, notes, review.as_of, blind=blind) for number, one in enumerate(drawn, 1)]


def drawn_for(review: Review, *, blind: bool) -> list[dict[str, Any]]:
    """The drawn leads that a reader may know of: whoever takes leads, only those with a final answer.

    Blind checks are never disputed, so an open lead that is here would be known to be none.
    """
    return [one for one in review.content["disputed"]["drawn"] if one["answered"] or not blind]


def _story(
    number: int,
    one: Mapping[str, Any],
    people: Mapping[int, Any],
    told: Mapping[int, list[custody.Line]],
    notes: list[ReviewNote],
    as_of: int,
    *,
    blind: bool,
) -> dict[str, Any]:
    person = people[one["lead"]].person if one["lead"] in people else None
    moments = _runs([
        moment(line) for line in told[one["lead"]] if one["at"] <= line.at <= as_of and line.move not in UNTOLD
    ])  # fmt: skip
    lines = [
        {**line, "shown": None if blind else "?" if line["points"] is None else points(line["points"])}
        for line in one["lines"]
        if not blind or line["points"] is not None
    ]
    by_hand = one["cause"] == "by_hand"
    return {
        "number": number,
        "lead": one["lead"],
        "name": (person.name or person.email if person else "") or "Somebody",
        "account": (person.account.name or person.account.domain if person and person.account else "") or "",
        "at": one["at"],
        "why": "; ".join(WHY[word] for word in WHY if word in one["why"]),
        "verdict": "" if blind else _verdict(one, by_hand=by_hand),
        "lines": lines,
        "unknown": sum(line["points"] is None for line in one["lines"]),
        "moments": moments[:12],
        "more": max(0, len(moments) - 12),
        "notes": [note for note in notes if note.lead_id == one["lead"]],
    }


def _runs(moments: list[Moment]) -> list[dict[str, Any]]:
    """Moments in order; what happened again and again without anything between is told once, with how often."""
    told: list[dict[str, Any]] = []
    for one in moments:
        if told and told[-1]["title"] == one.title and not one.quote and not told[-1]["quote"]:
            told[-1] |= {"times": told[-1]["times"] + 1, "until": one.at}
        else:
            told.append({"title": one.title, "note": one.note, "quote": one.quote, "tone": one.tone, "strong": one.strong,
                         "at": one.at, "times": 1, "until": one.at})  # fmt: skip
    return told


def _verdict(one: Mapping[str, Any], *, by_hand: bool) -> str:
    if not one["scores"]:
        return "Handed over by hand, before an agreement was in force."
    scores = ", ".join(f"{name} {points(one['scores'][name])}" for name in DIMENSIONS)
    said = f"The agreement called it {VERDICTS.get(one['verdict'], one['verdict'])} at the hand-over ({scores})"
    decided = f", because {one['clause']}" if one["clause"] else ""
    return f"{'Handed over by hand. ' if by_hand else ''}{said}{decided}."


def _talk(review: Review) -> list[dict[str, Any]]:
    """The workshop's remarks that the review names, in the words that are there today, beside the sentence of their line."""
    named: list[dict[str, Any]] = review.content.get("talk", [])
    if not named:
        return []
    threads = {one.id: one for one in talks({one["key"] for one in named})}
    told = words.sections(by_hash(review.agreement_hash)) if review.agreement_hash else ()
    says = {
        one.id: f"{section.title}: {one.text}" if section.of_verdict else one.text
        for section in told
        for one in section.sentences
        if one.id
    }
    found = []
    for one in named:
        kept = set(one["said"])
        said = (
            [remark for remark in threads[one["thread"]].said if remark.id in kept] if one["thread"] in threads else []
        )
        found.append({
            **one, "said": said, "line": says.get(one["key"]) or one["key"] or "The whole agreement",
        })  # fmt: skip
    return found


def _lines(found: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        {
            **one,
            "held_n": one["held"][0], "held_bad": one["held"][1], "held_low": one["held"][2], "held_high": one["held"][3],
            "held_share": one["held"][1] / one["held"][0] if one["held"][0] else None,
            "without_n": one["without"][0], "without_bad": one["without"][1],
            "without_low": one["without"][2], "without_high": one["without"][3],
            "without_share": one["without"][1] / one["without"][0] if one["without"][0] else None,
            "tone": "" if not one["difference"] else "bad" if one["difference"][1] > 0 else
                    "good" if one["difference"][2] < 0 else "",
        }
        for one in found["rows"]
    ]  # fmt: skip
    return {**found, "rows": rows, "tested": sum(row["difference"] is not None for row in rows)}


def days_of(review: Review) -> str:
    """`16 – 22 Nov`: the review's days in the market's zone, wherever its reader is."""
    with formats.reading(formats.Reader(formats.zone_of(review.timezone))):
        return formats.days(review.since, review.until - 1, now=review.as_of)


def week_name(monday: int) -> str:
    """`16 Nov`: a week by its Monday, which is told in UTC as weeks are."""
    day = from_us(monday)
    return f"{day.day} {day:%b}"
