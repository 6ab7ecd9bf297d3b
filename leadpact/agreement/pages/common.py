"""What the pages of this room share: find a version or say that there is none, turn refusals into sentences, who may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest

from leadpact.agreement import queries
from leadpact.agreement.permissions import may_draft
from leadpact.agreement.queries.talk import Talk
from leadpact.agreement.rules import Refused
from leadpact.kit.failures import CannotDo
from leadpact.kit.formats import reader_zone
from leadpact.kit.instants import to_us
from leadpact.language import words
from leadpact.language.canonical import load
from leadpact.language.check import check
from leadpact.language.diff import diff
from leadpact.language.nodes import Agreement
from leadpact.language.parse import parse
from leadpact.language.problems import Problem
from leadpact.team.permissions import sees_scores

MOST_BYTES = 1_000_000
MOST_ELSEWHERE = 6
TOO_LARGE = "The text is larger than 1 MB. An agreement of 200 lines takes a tenth of that."
CLOSED = "Points and thresholds stay closed for whoever takes leads, so that blind checks stay blind."
HIDDEN = ("verdicts", "cools", "audit")
"""Sections that tell thresholds or how audits are drawn: not for whoever takes leads."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A version as it is read: its sentences, what is wrong with it, and what it changes."""

    agreement: Agreement | None
    sections: tuple[words.Section, ...]
    problems: tuple[Problem, ...]
    changes: tuple[str, ...]

    @property
    def errors(self) -> int:
        """How many problems forbid proposing it."""
        return sum(problem.severity == "error" for problem in self.problems)


def read(version: Any, against: Agreement | None) -> Reading:
    """Parse a draft, or load what was frozen; tell it in words and against the version in force."""
    if version.canonical:
        agreement: Agreement | None = load(bytes(version.canonical))
        problems: tuple[Problem, ...] = ()
    else:
        parsed = parse(version.source)
        agreement, problems = parsed.agreement, parsed.errors
        if agreement is not None:
            problems = (*parsed.warnings, *check(agreement, parsed.positions))
    changes = tuple(diff(against, agreement)) if against is not None and agreement is not None else ()
    return Reading(agreement, words.sections(agreement) if agreement else (), problems, changes)


def whole(sections: Iterable[words.Section]) -> dict[str, str]:
    """Line → all that its sentence says, points and detail too."""
    return {
        one.id: f"{', '.join(part for part in (one.text, one.points) if part)}{f' ({one.detail})' if one.detail else ''}"
        for section in sections
        for one in section.sentences
        if one.id
    }


def read_otherwise(talks: Iterable[Talk], sections: Iterable[words.Section], number: int) -> dict[str, dict[int, str]]:
    """Line → version → how the line read there, for versions on which remarks were made and whose words differ from those here.

    Of many versions the newest are looked at.
    """
    here = whole(sections)
    asked = {said.version for one in talks for said in one.said if one.key} - {number}
    told: dict[str, dict[int, str]] = {}
    for other in queries.versions().filter(number__in=sorted(asked)[-MOST_ELSEWHERE:]):
        for key, said in whole(read(other, None).sections).items():
            if key in here and said != here[key]:
                told.setdefault(key, {})[other.number] = said
    return told


def shown(sections: tuple[words.Section, ...], user: Any) -> tuple[words.Section, ...]:
    """The sections that this reader may see."""
    if sees_scores(user):
        return sections
    return tuple(one for one in sections if one.key.split(".", 1)[0] not in HIDDEN)


def found(number: int) -> Any:
    """A version, with its effects and signatures. Raises Http404."""
    one = queries.versions().filter(number=number).first()
    if one is None:
        raise Http404("There is no such version.")
    return one


def drafts_only(user: Any) -> None:
    """Raises CannotDo for whoever may not write."""
    if not may_draft(user.role):
        raise CannotDo("Managers, marketers and operations write drafts; ask one of them.")


def open_only(user: Any) -> None:
    """Raises CannotDo for whoever can be offered leads."""
    if not sees_scores(user):
        raise CannotDo(CLOSED)


@contextmanager
def refusals() -> Iterator[None]:
    """A refusal of the rules becomes a sentence on the page."""
    try:
        yield
    except Refused as refused:
        raise CannotDo(str(refused)) from refused


def moment(text: str) -> int | None:
    """An instant typed into a form, in the reader's zone; None where nothing was typed. Raises CannotDo."""
    if not text.strip():
        return None
    try:
        typed = datetime.fromisoformat(text.strip())
    except ValueError as problem:
        raise CannotDo("Give the instant as a date and a time, for example 2026-12-01 08:00.") from problem
    return to_us(typed if typed.tzinfo else typed.replace(tzinfo=reader_zone()))


def source_of(request: HttpRequest) -> str:
    """The text of a form or of an uploaded file, with plain line ends. Raises CannotDo."""
    source = _sent(request)
    if "\0" in source:
        raise CannotDo("That is not text: it holds NUL characters. Save the agreement as UTF-8 text and send it again.")
    return source


def _sent(request: HttpRequest) -> str:
    upload = request.FILES.get("file")
    if upload is not None:
        if (upload.size or 0) > MOST_BYTES:
            raise CannotDo(TOO_LARGE.replace("text", "file"))
        try:
            return upload.read().decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as problem:
            raise CannotDo("The file is not UTF-8 text. Save it as UTF-8 and upload it again.") from problem
    source = request.POST.get("source", "")
    if len(source) > MOST_BYTES:
        raise CannotDo(TOO_LARGE)
    return source.replace("\r\n", "\n")
