"""An agreement as large as they get: 200 lines, 10,000 list entries, most of what a line can ask among them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

EXAMPLE: Final = (Path(__file__).parent.parent / "example.yaml").read_text(encoding="utf-8")
LINES: Final = 200
ENTRIES: Final = 10_000
_DOMAINS: Final = 6_000
_TRADES: Final = 3_000
_SIZES: Final = ENTRIES - _DOMAINS - _TRADES
_HEAD: Final = """\
leadpact: 1
name: As large as they get
market: {timezone: Europe/Berlin, business_hours: {mon-fri: "08:00-18:00"}, holidays: DE}
"""
_TAIL: Final = EXAMPLE[EXAMPLE.index("verdicts:") :].replace("competitors", "rivals")


def large() -> str:
    """The text of the file. Of the three lists, two are written as people write them, one as a program would."""
    domains = "\n".join(f"    - rival{n}.example" for n in range(_DOMAINS - 2)) + "\n    - ac.uk\n    - ferro.example"
    trades = "\n".join(f"    - trade {n} and wholesale" for n in range(_TRADES - 1)) + "\n    - Manufacturing"
    sizes = ", ".join(str(n * 5) for n in range(_SIZES))
    lists = f"lists:\n  rivals:\n{domains}\n  trades:\n{trades}\n  sizes: [{sizes}]\n"
    sections = (
        f"{dimension}:\n" + "".join(f"  - {{id: {dimension}_{n}, says: Line {n}, {rule(n)}}}\n" for n in range(count))
        for dimension, rule, count in (
            ("fit", _fit, 80),
            ("engagement", _engagement, 90),
            ("readiness", _readiness, 30),
        )
    )
    return _HEAD + lists + "".join(sections) + _TAIL


def _fit(n: int) -> str:
    conditions = (
        f"{{account.employees: {{between: [{n * 100}, {n * 100 + 99}]}}}}",
        "{account.industry: {in: trades}}",
        "{person.email_domain: {in: rivals}}",
        f"{{any: [{{account.domain: {{in: rivals}}}}, {{not: {{person.title: {{has_word: w{n}}}}}}}]}}",
        "{account.employees: {in: sizes}}",
        f"{{all: [{{account.customer: false}}, {{person.title: {{contains: t{n}}}}}]}}",
        "{account.domain: {in: builtin.free_mail}}",
        f"{{account.active_people: {{at_least: {n % 5 + 1}, within: {n + 1} days}}}}",
    )
    return f"if: {conditions[n % len(conditions)]}, points: {n % 19 - 4 or 7}"


def _engagement(n: int) -> str:
    wheres = (f"path: {{starts_with: /pricing/{n}}}", "referrer: {in: rivals}", "campaign: {in: trades}", "live: true")
    parts = [f"touch: [page.viewed, kind.{n}]", f"where: {{{wheres[n % len(wheres)]}}}", f"within: {n % 30 + 1} days"]
    parts += ["by: account"] * (n % 3 == 0) + ["per: day"] * (n % 4 == 1) + ["distinct: path"] * (n % 5 == 2)
    return f"each: {{{', '.join(parts)}}}, points: {n % 9 - 2 or 5}, at_most: {n % 50 + 10}" + ", fades: true" * (n % 2)


def _readiness(n: int) -> str:
    touched = f"{{touch: demo.requested, at_least: {n % 3 + 1}, within: {n + 5} days}}"
    return f"if: {{any: [{{lead.timeline_months: {{at_most: {n + 1}}}}}, {touched}]}}, points: {n % 7 + 1}"
