"""The small words: numbers, durations, comparisons and touches as phrases of English.

`words` builds sentences from them. Texts are shown folded, as they are compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from leadpact.language import builtin
from leadpact.language.fields import FIELDS, noun
from leadpact.language.hours import MINUTE, SECOND
from leadpact.language.kinds import KINDS, OURS
from leadpact.language.nodes import (
    DAY,
    NUMBER_SCALE,
    THOUSANDTHS,
    Agreement,
    Attribute,
    Constant,
    ListRef,
    Operator,
    Scaled,
    Score,
    Test,
    TouchQuery,
)

MINUS: Final = "\N{MINUS SIGN}"
SHOWN_ENTRIES: Final = 6
_PLAIN_TEXT = re.compile(r"[^\W_][\w .\-]*")
_UNGROUPED = re.compile(r"year|founded|zip|postcode|postal|code|\bid\b")
_UNITS: Final = ((DAY, "day"), (60 * MINUTE, "hour"), (MINUTE, "minute"), (SECOND, "second"))


# --- numbers, texts, lists ---------------------------------------------------------------


def listing(items: Sequence[str], word: str = "or") -> str:
    """`a, b or c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def counted(number: int, thing: str) -> str:
    """`1 day`, `30 days`, `1,000 people`."""
    plural = {"person": "people"}.get(thing, f"{thing}s")
    return f"{number:,} {thing if number == 1 else plural}"


def points(thousandths: int) -> str:
    """Thousandths of a point as points: `40`, `12.5`, with a real minus."""
    text = f"{abs(thousandths) / THOUSANDTHS:,.3f}".rstrip("0").rstrip(".")
    return (MINUS if thousandths < 0 else "") + text


def span(microseconds: int) -> str:
    """A duration in its largest whole unit: `14 days`, `36 hours`."""
    for length, unit in _UNITS:
        if microseconds % length == 0:
            return counted(microseconds // length, unit)
    return f"{microseconds / SECOND:,.6f} seconds"


def quoted(text: str) -> str:
    """The text, in quotes where its ends would not be heard without."""
    return text if _PLAIN_TEXT.fullmatch(text) else f"“{text}”"


def amount(constant: Constant, field: str = "") -> str:
    """A constant as it is read aloud; years and codes without thousands separators."""
    if isinstance(constant, bool):
        return "yes" if constant else "no"
    if isinstance(constant, str):
        return quoted(constant)
    whole, rest = divmod(abs(constant.value), NUMBER_SCALE)
    digits = str(whole) if _UNGROUPED.search(field) else f"{whole:,}"
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{MINUS if constant.value < 0 else ''}{digits}{fraction}"


def entries_said(entries: Sequence[Constant], word: str = "or", field: str = "") -> str:
    """The entries of a list; a long one by its beginning and how many more there are."""
    shown = [amount(entry, field) for entry in entries[:SHOWN_ENTRIES]]
    more = len(entries) - len(shown)
    if more == 1:
        shown.append(amount(entries[-1], field))
    elif more:
        shown.append(f"{more:,} others")
    return listing(shown, word)


# --- comparisons -------------------------------------------------------------------------


def attribute(condition: Attribute, agreement: Agreement | None, *, negated: bool = False) -> str:
    """An attribute with its tests as a clause: `the account's industry is steel`."""
    known = FIELDS.get(condition.field)
    if known is not None and known.yes and len(condition.tests) == 1:
        test = condition.tests[0]
        if test.operator is Operator.IS and isinstance(test.operand, bool):
            return known.yes if test.operand is not negated else known.no
    if not negated or len(condition.tests) == 1:
        said = [predicate(test, condition.field, agreement, negated=negated) for test in condition.tests]
        return f"{noun(condition.field)} {listing(said, 'and')}"
    said = [predicate(test, condition.field, agreement) for test in condition.tests]
    return f"it is not so that {noun(condition.field)} {listing(said, 'and')}"


def predicate(test: Test, field: str, agreement: Agreement | None, *, negated: bool = False) -> str:
    """One test as what is said of a value: `is at least 200`."""
    operand = test.operand
    no = " not" if negated else ""
    match test.operator:
        case Operator.IN:
            return _membership(test, field, agreement, negated=negated)
        case Operator.BETWEEN if isinstance(operand, tuple):
            low, high = (amount(end, field) for end in operand)
            return f"is{no} between {low} and {high}"
        case Operator.KNOWN:
            return "is known" if operand is not negated else "is not known"
        case Operator.CONTAINS:
            return f"{'does not contain' if negated else 'contains'} “{operand}”"
        case Operator.STARTS_WITH:
            return f"{'does not begin' if negated else 'begins'} with “{operand}”"
        case Operator.ENDS_WITH:
            return f"{'does not end' if negated else 'ends'} with “{operand}”"
        case Operator.HAS_WORD:
            return f"{'does not have' if negated else 'has'} the word “{operand}” in it"
        case _:
            verb = {"at_least": "at least ", "at_most": "at most ", "above": "above ", "below": "below "}
            shown = amount(operand, field) if isinstance(operand, Scaled | str | bool) else ""
            return f"is{no} {verb.get(test.operator.value, '')}{shown}"


def _membership(test: Test, field: str, agreement: Agreement | None, *, negated: bool) -> str:
    operand, no = test.operand, " not" if negated else ""
    domains = test.domains
    if isinstance(operand, ListRef):
        if operand.name in builtin.SAYS:
            return f"is{no} {builtin.SAYS[operand.name]}"
        if agreement is None:
            return f"is{no} in the list {operand.name}"
        entries, domains = agreement.list_entries(operand.name), operand.domains
    else:
        entries = operand if isinstance(operand, tuple) else ()
    if not entries:
        return f"is{no} in an empty list"
    if not domains:
        if negated and len(entries) == 2:
            return f"is neither {entries_said(entries, 'nor', field)}"
        one_of = "one of " if len(entries) > 2 else ""
        return f"is{no} {one_of}{entries_said(entries, field=field)}"
    below = "lies below it" if len(entries) == 1 else "lies below one of them"
    if negated:
        return f"is not {entries_said(entries)}, nor {below}"
    return f"is {entries_said(entries)}, or {below}"


def score(condition: Score) -> str:
    """`fit is at least 40`. A bound one thousandth beside a round number was written `above` or `below`."""
    low, high = condition.at_least, condition.at_most
    name = condition.dimension
    above, below = low is not None and low % 10 == 1, high is not None and high % 10 == 9
    if low is not None and high is not None and not above and not below:
        return (
            f"{name} is exactly {points(low)}" if low == high else f"{name} is between {points(low)} and {points(high)}"
        )
    said: list[str] = []
    if low is not None:
        said.append(f"above {points(low - 1)}" if above else f"at least {points(low)}")
    if high is not None:
        said.append(f"below {points(high + 1)}" if below else f"at most {points(high)}")
    return f"{name} is {listing(said, 'and')}" if said else f"{name} is anything"


# --- touches -----------------------------------------------------------------------------


def doing(query: TouchQuery, agreement: Agreement | None) -> str:
    """What is done in the touches of a query, without who: `viewed a page with a path that begins with “/pricing”`."""
    phrases = [KINDS[kind].says if kind in KINDS else f"did “{kind}”" for kind in query.kinds]
    properties: list[str] = []
    for name, tests in query.where:
        plain = name.replace("_", " ")
        article = "an" if plain[:1] in "aeio" else "a"
        said = listing([predicate(test, name, agreement) for test in tests], "and")
        properties.append(f"{article} {plain} that {said}")
    told = listing(phrases)
    return f"{told} with {listing(properties, 'and')}" if properties else told


def doer(query: TouchQuery, *, nobody: bool = False) -> str:
    """Who does it: they, we, or somebody at the account."""
    if all(kind in OURS for kind in query.kinds):
        return "we never" if nobody else "we"
    if query.by == "account":
        return "nobody at the account ever" if nobody else "somebody at the account"
    return "they never" if nobody else "they"


def window(within: int | None) -> str:
    """` in the last 14 days`, or nothing where any time counts."""
    return "" if within is None else f" in the last {span(within).removeprefix('1 ')}"


def times(query: TouchQuery, at_least: int, at_most: int | None) -> str:
    """How often, with what is counted: ` at least 3 times`, ` on at least 3 different days`."""
    if at_most is None:
        bound, number = f"at least {at_least:,}", at_least
    elif at_least <= 0:
        bound, number = f"at most {at_most:,}", at_most
    elif at_least == at_most:
        bound, number = f"exactly {at_least:,}", at_least
    else:
        bound, number = f"between {at_least:,} and {at_most:,}", at_most
    many = number != 1
    thing = query.distinct.replace("_", " ") if query.distinct else ""
    if query.per_day and thing:
        return f" on {bound} different pair{'s' if many else ''} of day and {thing}"
    if query.per_day:
        return f" on {bound} different day{'s' if many else ''}"
    if thing:
        return f" with {bound} different value{'s' if many else ''} of {thing}"
    return f" {bound} time{'s' if many else ''}"


def occasion(query: TouchQuery, agreement: Agreement | None) -> str:
    """What an `each` line gives points for: `each time they came to a seminar in the last 180 days`."""
    done = f"{doer(query)} {doing(query, agreement)}{window(query.within)}"
    thing = query.distinct.replace("_", " ") if query.distinct else ""
    if query.per_day and thing:
        return f"each different {thing} of each day on which {done}"
    if query.per_day:
        return f"each day on which {done}"
    if thing:
        return f"each different {thing} among the times {done}"
    return f"each time {done}"
