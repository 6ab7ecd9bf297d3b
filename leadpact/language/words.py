"""The agreement read aloud: sentences that a head of sales and a head of marketing can read to each other.

`sections` is what the Agreement page shows; `say_agreement` is the same as plain text. Nothing is left out that has
meaning, and nothing is said that the file does not say.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from leadpact.language.kinds import KINDS
from leadpact.language.nodes import (
    THOUSANDTHS,
    ActivePeople,
    Agreement,
    All,
    Any,
    Attribute,
    Condition,
    Each,
    If,
    Line,
    Not,
    Score,
    Touched,
    Verdict,
)
from leadpact.language.phrases import (
    MINUS,
    attribute,
    counted,
    doer,
    doing,
    listing,
    occasion,
    points,
    score,
    span,
    times,
    window,
)
from leadpact.language.words_promises import (
    audit_sentences,
    list_sentences,
    market_sentences,
    promise_sections,
    reasons,
    review_sentences,
)

WIDTH: Final = 100

DIMENSION_TITLES: Final = {
    "fit": ("Fit", "who they are"),
    "engagement": ("Engagement", "what they do"),
    "readiness": ("Readiness", "what they told us"),
}
VERDICT_TITLES: Final = {
    "disqualified": "Disqualified",
    "sales_ready": "Sales-ready",
    "lead": "Lead",
    "prospect": "Prospect",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing that is agreed. `id` is the line's id or the clause (`sales_ready.2`), `points` such as `+20`."""

    text: str
    points: str = ""
    detail: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of sentences. `key` names it for programs: a dimension, `verdicts.NAME`, `recycle` and so on."""

    key: str
    title: str
    intro: str
    sentences: tuple[Sentence, ...]

    @property
    def of_verdict(self) -> bool:
        """Whether it says when one verdict is given."""
        return self.key.startswith("verdicts.")


# --- conditions and lines ----------------------------------------------------------------


def say(condition: Condition, agreement: Agreement | None = None) -> str:
    """A condition as a clause that can stand after "when". Lists are read out where the agreement is given."""
    match condition:
        case Attribute():
            return attribute(condition, agreement)
        case Score():
            return score(condition)
        case Touched():
            return _touched(condition, agreement)
        case ActivePeople():
            return _active(condition)
        case All(parts=parts):
            return _join(parts, "and", agreement)
        case Any(parts=parts):
            return _join(parts, "or", agreement)
        case Not(part=part):
            return _negated(part, agreement)


def _join(parts: tuple[Condition, ...], word: str, agreement: Agreement | None) -> str:
    """Parts joined by a word; with a comma before the word where a part has commas or such words of its own."""
    said = [_grouped(part, agreement) for part in parts]
    if any(", " in clause for clause in said) or any(isinstance(part, All | Any) for part in parts):
        return f", {word} ".join(said)
    return listing(said, word)


def _grouped(part: Condition, agreement: Agreement | None) -> str:
    """A condition inside another one: a join announces itself, so that one hears where it ends."""
    said = say(part, agreement)
    if not isinstance(part, All | Any) or len(part.parts) == 1:
        return said
    if isinstance(part, All):
        return f"both {said}" if len(part.parts) == 2 else f"all of these: {said}"
    return f"either {said}" if len(part.parts) == 2 else f"any of these: {said}"


def _negated(part: Condition, agreement: Agreement | None) -> str:
    match part:
        case Attribute():
            return attribute(part, agreement, negated=True)
        case Not(part=inner):
            return say(inner, agreement)
        case Score(dimension=name, at_least=int(low), at_most=None):
            return score(Score(name, at_most=low - 1))
        case Score(dimension=name, at_least=None, at_most=int(high)):
            return score(Score(name, at_least=high + 1))
        case Touched(at_least=1, at_most=None):
            return _never(part, agreement)
        case ActivePeople(at_least=1, at_most=None):
            return _active(replace(part, at_least=0, at_most=0))
        case Any(parts=parts) if len(parts) == 2:
            return "neither " + " nor ".join(_grouped(inner, agreement) for inner in parts)
        case _:
            return f"it is not so that {_grouped(part, agreement)}"


def _touched(condition: Touched, agreement: Agreement | None) -> str:
    query, at_least, at_most = condition.query, condition.at_least, condition.at_most
    if at_most == 0:
        return _never(condition, agreement)
    done = f"{doer(query)} {doing(query, agreement)}"
    often = "" if at_least == 1 and at_most is None else times(query, at_least, at_most)
    return f"{done}{often}{window(query.within)}"


def _never(condition: Touched, agreement: Agreement | None) -> str:
    query = condition.query
    return f"{doer(query, nobody=True)} {doing(query, agreement)}{window(query.within)}"


def _active(condition: ActivePeople) -> str:
    at_least, at_most = condition.at_least, condition.at_most
    if at_most == 0:
        return f"nobody at the account {_did(condition, many=False)}"
    if at_most is None and at_least == 1:
        return f"somebody at the account {_did(condition, many=False)}"
    if at_most is None:
        bound, number = "at least ", at_least
    elif at_least <= 0:
        bound, number = "at most ", at_most
    elif at_least == at_most:
        bound, number = "exactly ", at_least
    else:
        bound, number = f"{at_least:,} to ", at_most
    return f"{bound}{counted(number, 'person')} of the account {_did(condition, many=number != 1)}"


def _did(condition: ActivePeople, *, many: bool) -> str:
    did = "were active" if many else "was active"
    if condition.kinds:
        did = listing([KINDS[kind].says if kind in KINDS else f"did “{kind}”" for kind in condition.kinds])
    return did + window(condition.within)


def signed(whole: int) -> str:
    """Whole points with their sign: `+20`, `−40`, `0`."""
    return f"+{whole:,}" if whole > 0 else f"{MINUS}{abs(whole):,}" if whole < 0 else "0"


def rule(line: Line, agreement: Agreement | None = None) -> str:
    """What a line gives its points for, as a clause: `when …` or `for each …`."""
    if isinstance(line.rule, If):
        return f"when {say(line.rule.condition, agreement)}"
    return _each(line, line.rule, agreement)


def _each(line: Line, each: Each, agreement: Agreement | None) -> str:
    said = f"for {occasion(each.query, agreement)}"
    if each.fades and each.query.within is not None:
        said += f", fading to nothing over these {span(each.query.within)}"
    if each.at_most is not None:
        limit = points(each.at_most * THOUSANDTHS)
        said += f", {limit} at most in all" if line.points > 0 else f", taking away {limit} at most in all"
    return said


def sentence(line: Line, agreement: Agreement | None = None) -> str:
    """A line as one sentence: `Came to a seminar: 20 points for each time they came to a seminar in the last …`."""
    worth = counted(abs(line.points), "point")
    if line.points < 0:
        worth = f"minus {worth}"
    says = line.says.rstrip(".")
    return f"{says}: {worth} {rule(line, agreement)}."


# --- the whole ---------------------------------------------------------------------------


def verdict_name(name: str) -> str:
    """`Sales-ready` for `sales_ready`."""
    return VERDICT_TITLES.get(name, name)


def verdict_sentence(verdict: Verdict, agreement: Agreement | None = None) -> str:
    """A verdict as one sentence: `Sales-ready when …`."""
    said = [say(alternative, agreement) for alternative in verdict.alternatives]
    if len(said) == 1:
        return f"{verdict_name(verdict.name)} when {said[0]}."
    return f"{verdict_name(verdict.name)} when {'; or '.join(said)}."


def sections(agreement: Agreement) -> tuple[Section, ...]:
    """The whole agreement, in the order of the file."""
    found = [Section("market", "Market", "", _sentences(market_sentences(agreement)))]
    for dimension, (title, intro) in DIMENSION_TITLES.items():
        lines = tuple(
            Sentence(
                line.says, signed(line.points), _capital(rule(line, agreement).removeprefix("for ")) + ".", line.id
            )
            for line in agreement.lines_of(dimension)
        )
        found.append(Section(dimension, title, intro, lines))
    found.append(Section("verdicts", "Verdicts", "the first that holds, from the top, decides", ()))
    found += [_verdict_section(verdict, agreement) for verdict in agreement.verdicts]
    found.append(Section("verdicts.default", "Prospect", "every lead for which none of these holds", ()))
    if agreement.cools is not None:
        cools = Sentence(f"An accepted lead goes back to Marketing when {say(agreement.cools, agreement)}.", id="cools")
        found.append(Section("cools", "Cooling", "", (cools,)))
    found += [Section(key, title, intro, _sentences(said)) for key, title, intro, said in promise_sections(agreement)]
    if agreement.recycle:
        said = tuple(Sentence(text, "", detail, name) for name, text, detail in reasons(agreement))
        found.append(Section("recycle", "Reasons for giving a lead back", "what Sales may say, and what follows", said))
    found.append(Section("audit", "Blind audits", "", _sentences(audit_sentences(agreement))))
    if agreement.review is not None:
        found.append(Section("review", "The regular review", "", _sentences(review_sentences(agreement))))
    lists = tuple(Sentence(text, id=name) for name, text in list_sentences(agreement))
    if lists:
        found.append(Section("lists", "Lists", "", lists))
    return tuple(found)


def _verdict_section(verdict: Verdict, agreement: Agreement) -> Section:
    said = tuple(
        Sentence(_capital(say(alternative, agreement)) + ".", id=verdict.clause(index))
        for index, alternative in enumerate(verdict.alternatives)
    )
    intro = "when this holds" if len(said) == 1 else "when any one of these holds"
    return Section(f"verdicts.{verdict.name}", verdict_name(verdict.name), intro, said)


def _sentences(texts: Iterable[str]) -> tuple[Sentence, ...]:
    return tuple(Sentence(text) for text in texts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def say_agreement(agreement: Agreement) -> str:
    """The whole agreement as plain text, at most 100 columns wide."""
    out = [agreement.name, "=" * len(agreement.name)]
    for section in sections(agreement):
        title = f"{section.title}: {section.intro}" if section.intro else section.title
        out += ["", title]
        for index, told in enumerate(section.sentences, 1):
            mark = told.points
            if not mark and section.key.startswith("verdicts.") and len(section.sentences) > 1:
                mark = f"{index}."
            lead = f"  {mark:>5}  " if mark else "  "
            out += textwrap.wrap(told.text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead))
            if told.detail:
                indent = " " * len(lead)
                out += textwrap.wrap(told.detail, WIDTH, initial_indent=indent, subsequent_indent=indent)
        if not section.sentences and section.key in DIMENSION_TITLES:
            out.append("  Nothing: this score is always 0.")
    return "\n".join(out) + "\n"
