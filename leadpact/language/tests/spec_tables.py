"""The spec tables: what the language means, shown by small examples. The language reference is made from them.

Each file in `spec/` is a chapter: a title, an introduction, and specs. A spec has a title, a sentence, the part of an
agreement that it is about (`leadpact: 1`, a name, and a verdict are added where they are missing), facts, and what is
expected of each lead; what is not written is not checked.

    as_of     the instant of judgement; of one lead, when its own row has `as_of`
    leads     rows: lead, account (left out: none), person (left out: the lead's name), then attributes. A list of
              {value, at, known_at} is an attribute that changed
    touches   rows: kind, at, known_at (left out: at), lead (left out: the first), account and person (left out: the
              lead's), void (when it was withdrawn), then properties. Touches are named t1, t2, … in order
    expected  by lead: verdict, decided_by, scores, points by line, touches by line, why by line, unknown, headline,
              alternatives, cools, missing, changes_at

Points are whole points or decimals, `?` is unknown, `never` is None.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from leadpact.language.fold import cell, fold
from leadpact.language.history import ALWAYS, Fact, History, Lead, Touch
from leadpact.language.nodes import DIMENSIONS, THOUSANDTHS, Agreement
from leadpact.language.parse import parse_or_raise
from leadpact.language.tests.engines import Ask

FOLDER = Path(__file__).parent / "spec"
HEAD = "leadpact: 1\nname: Spec\n"
TAIL = "\nverdicts:\n  sales_ready: {fit: {at_least: 1}}\n"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEAD_WORDS = {"lead", "account", "person", "as_of"}
TOUCH_WORDS = {"kind", "at", "known_at", "lead", "account", "person", "void"}


@dataclass(frozen=True, slots=True)
class Spec:
    """One example: `facts` is as written, for the reference; the rest is as judged."""

    chapter: str
    title: str
    sentence: str
    agreement_text: str
    agreement: Agreement
    facts: Mapping[str, Any]
    history: History
    asks: tuple[Ask, ...]
    expected: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Chapter:
    """Specs about one thing."""

    title: str
    introduction: str
    specs: tuple[Spec, ...]


def chapters() -> tuple[Chapter, ...]:
    """Every chapter, in the order of the files' names."""
    return tuple(_chapter(path) for path in sorted(FOLDER.glob("*.yaml")))


def specs() -> Iterator[Spec]:
    """Every spec of every chapter."""
    for chapter in chapters():
        yield from chapter.specs


def instant(written: str) -> int:
    """Microseconds of `2026-03-31 12:00`, UTC."""
    return (datetime.fromisoformat(written).replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def thousandths(written: object) -> int | None:
    """Points as thousandths; `?` and `never` are None."""
    return None if written in {"?", "never"} else int(Decimal(str(written)) * THOUSANDTHS)


def _chapter(path: Path) -> Chapter:
    written = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    found = tuple(_spec(written, spec) for spec in written["specs"])
    return Chapter(written["chapter"], written["introduction"].strip(), found)


def _spec(chapter: Mapping[str, Any], written: Mapping[str, Any]) -> Spec:
    unknown = set(written) - {"title", "sentence", "agreement", "as_of", "leads", "touches", "expected"}
    assert not unknown, f"{written['title']}: {unknown} are not words of a spec"
    text = written["agreement"].strip("\n")
    whole = HEAD + text + ("" if "verdicts:" in text else TAIL)
    as_of = instant(written["as_of"])
    rows = written.get("leads", [{"lead": "Ada"}])
    leads = [_lead(row, as_of) for row in rows]
    touches = [_touch(row, f"t{n}", leads) for n, row in enumerate(written.get("touches", []), 1)]
    asks = tuple((row["lead"], instant(row["as_of"]) if "as_of" in row else as_of) for row in rows)
    return Spec(
        chapter["chapter"],
        written["title"],
        " ".join(written["sentence"].split()),
        text,
        parse_or_raise(whole),
        {"as_of": written["as_of"], "leads": rows, "touches": written.get("touches", [])},
        History(leads, touches),
        asks,
        written["expected"],
    )


def _lead(row: Mapping[str, Any], as_of: int) -> Lead:
    facts: list[Fact] = []
    for name, value in row.items():
        if name in LEAD_WORDS:
            continue
        if not isinstance(value, list):
            facts.append(Fact(name, cell(value), ALWAYS, ALWAYS))
            continue
        for change in value:
            at = instant(change["at"])
            facts.append(Fact(name, cell(change["value"]), at, instant(change.get("known_at", change["at"]))))
    return Lead(row["lead"], row.get("person", row["lead"].lower()), row.get("account"), as_of, tuple(facts))


def _touch(row: Mapping[str, Any], touch_id: str, leads: list[Lead]) -> Touch:
    lead = next(lead for lead in leads if lead.lead_id == row.get("lead", leads[0].lead_id))
    return Touch(
        touch_id,
        lead.lead_id,
        row.get("person", lead.person),
        row.get("account", lead.account),
        fold(row["kind"]),
        instant(row["at"]),
        instant(row.get("known_at", row["at"])),
        {name: cell(value) for name, value in row.items() if name not in TOUCH_WORDS},
        instant(row["void"]) if "void" in row else None,
    )


def expected_scores(expected: Mapping[str, Any]) -> dict[str, int | None]:
    """The scores that an expectation states."""
    return {dimension: thousandths(expected[dimension]) for dimension in DIMENSIONS if dimension in expected}
