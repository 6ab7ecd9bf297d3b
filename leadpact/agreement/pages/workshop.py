"""The workshop: every number of the agreement can be moved, and last year under it is on the screen at once.

The whole state stands in the address: a page with moved numbers can be sent to the other department. Without scripts the
button *Show* does what a moved slider does. What is saved is a draft's text with these numbers and nothing else changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from leadpact.agreement import actions, queries
from leadpact.agreement.pages.common import drafts_only, found, open_only, read, read_otherwise, refusals
from leadpact.agreement.pages.figures import Figures, LineTold, figures, lines_told
from leadpact.agreement.permissions import may_draft, may_prepare
from leadpact.agreement.queries import benches, drafts, talk
from leadpact.agreement.queries.talk import Talk
from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import page, whole_number
from leadpact.language import words
from leadpact.language.canonical import agreement_hash
from leadpact.language.diff import diff
from leadpact.language.knobs import CannotTurn, CannotWrite, Knob, checked, knobs, said, turn, write
from leadpact.language.nodes import DIMENSIONS, Agreement

MOST_A_WEEK = 1_000_000
STANDS = {
    "draft": "a draft", "proposed": "waits for signatures", "withdrawn": "withdrawn", "signed": "signed, and not in force now",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turner:
    """A number on the page: the knob, where it stands now, and what it says when it is read alone."""

    knob: Knob
    value: int
    label: str

    @property
    def moved(self) -> bool:
        """Away from where the version has it."""
        return self.value != self.knob.value

    @property
    def low(self) -> int:
        """Left end of the slider; a number that was typed beyond it still has its place."""
        return min(self.knob.low, self.value)

    @property
    def high(self) -> int:
        """Right end of the slider."""
        return max(self.knob.high, self.value)


@dataclass(frozen=True, slots=True)
class Row:
    """A line or a clause: its sentence, its numbers, what history says of it, and what people say of it."""

    key: str
    text: str
    detail: str
    turners: tuple[Turner, ...]
    told: LineTold | None
    talks: tuple[Talk, ...]
    warnings: tuple[str, ...] = ()

    @property
    def open_talks(self) -> int:
        """Threads that are not settled."""
        return sum(one.is_open for one in self.talks)


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under one title. warnings: what history says of all of them together."""

    title: str
    intro: str
    rows: tuple[Row, ...]
    warnings: tuple[str, ...] = ()


@page(methods=("GET", "HEAD"))
def workshop(request: HttpRequest, number: int) -> HttpResponse:
    """The page."""
    user: Any = request.user
    open_only(user)
    one, agreement = _sound(number)
    changes = _changes(request.GET, agreement)
    shown = _figures(request, one, agreement, changes)
    told = lines_told(shown.tried.preview) if shown.tried.preview else {}
    latest = drafts.head(number)
    talks = talk.by_line()
    return render(
        request,
        "agreement/workshop.html",
        {
            "title": f"Workshop: version {number}",
            "version": one,
            "groups": _groups(agreement, changes, told, talks, _warnings(one, agreement, changes)),
            "otherwise": read_otherwise(chain.from_iterable(talks.values()), words.sections(agreement), number),
            "figures": shown,
            "changes": changes,
            "edits": may_draft(user.role),
            "head": latest.number if latest and one.status == "draft" else 0,
            "prepares": may_prepare(user.role),
            "others": [v for v in queries.versions() if v.number != number and v.hash],
        },
    )


@page(methods=("GET", "HEAD"))
def show_figures(request: HttpRequest, number: int) -> HttpResponse:
    """The figures alone, for a slider that moved."""
    user: Any = request.user
    open_only(user)
    one, agreement = _sound(number)
    changes = _changes(request.GET, agreement)
    shown = _figures(request, one, agreement, changes)
    latest = drafts.head(number)
    response = render(
        request,
        "agreement/figures.html",
        {
            "title": "Figures",
            "version": one,
            "figures": shown,
            "said": _groups(agreement, changes, {}, {}, _warnings(one, agreement, changes))
            if request.headers.get("HX-Request") and not shown.waits
            else (),
            "changes": changes,
            "edits": may_draft(user.role),
            "head": latest.number if latest and one.status == "draft" else 0,
            "prepares": may_prepare(user.role),
        },
    )
    if request.headers.get("HX-Request"):
        asked = dict(changes) | ({"capacity": shown.entered} if shown.entered else {})
        response["HX-Replace-Url"] = f"/agreement/{number}/workshop/" + (f"?{urlencode(asked)}" if asked else "")
    return response


@page(methods=("POST",))
def save(request: HttpRequest, number: int) -> HttpResponse:
    """Put the moved numbers into the draft, or into a new draft of a frozen version; every comment in the file stays."""
    user: Any = request.user
    open_only(user)
    drafts_only(user)
    one, agreement = _sound(number)
    at = clock.now()
    base = whole_number(request.POST.get("head", ""), default=0)
    kept = drafts.revision(number, base) if one.status == "draft" and base else None
    source = kept.source if kept is not None and not kept.aside else one.source
    try:
        text = write(source, _changes(request.POST, agreement, strict=False))
    except (CannotTurn, CannotWrite) as cannot:
        raise CannotDo(str(cannot)) from cannot
    if text == source:
        raise CannotDo("No number was moved; there is nothing to save.")
    with refusals():
        if one.status != "draft":
            made = actions.draft(source=text, by=user, at=at)
            messages.success(request, f"Version {made.number} is a draft from version {number}, with these numbers.")
            return redirect(f"/agreement/{made.number}/workshop/")
        saved = actions.edit(number=number, source=text, by=user, at=at, base=base or None)
    if saved.clashes:
        messages.warning(
            request, "Somebody changed the same numbers meanwhile. Both texts are kept; choose what stays."
        )
        return redirect(f"/agreement/{number}/revisions/{saved.revision}/settle/")
    messages.success(
        request,
        "Saved, together with what somebody else changed meanwhile."
        if saved.merged
        else "The numbers are in the draft.",
    )
    return redirect(f"/agreement/{number}/workshop/")


@page(methods=("POST",))
def prepare(request: HttpRequest, number: int) -> HttpResponse:
    """Have history made ready around this version."""
    user: Any = request.user
    open_only(user)
    if not may_prepare(user.role):
        raise CannotDo("Managers and operations have history made ready: it takes minutes of the machine.")
    one, agreement = _sound(number)
    current = queries.in_force(clock.now())
    own = request.POST.get("own") or current is None
    meant = agreement if own or current is None else current.agreement
    if actions.ask_bench(agreement=meant, by=user, at=clock.now()):
        messages.success(request, "History is being made ready; this page shows it as soon as it is.")
    else:
        messages.info(request, "That is under way already.")
    return redirect(f"/agreement/{one.number}/workshop/")


@page(methods=("GET", "HEAD"))
def compare(request: HttpRequest) -> HttpResponse:
    """Two versions side by side: what differs in words, and last year under each."""
    open_only(request.user)
    current = queries.in_force(clock.now())
    default = current.number if current else 0
    one, first = _sound(whole_number(request.GET.get("a", ""), default=default))
    versions = list(queries.versions())
    # The one in force stands beside the newest other one, unless the address names both.
    newest = next((v.number for v in versions if v.number != one.number), one.number)
    other, second = _sound(whole_number(request.GET.get("b", ""), default=newest))
    capacity = _capacity(request)
    bases = [
        *([current.hash] if current else []),
        one.hash or agreement_hash(first),
        other.hash or agreement_hash(second),
    ]
    tried = [benches.on_history(meant, bases=bases) for meant in (first, second)]
    tops = [week.handed for one_ in tried if one_.preview is not None for week in one_.preview.weeks]
    sides = [
        figures(
            found_, entered=capacity, differs=(), number=version.number, base_number=None, scale=max(tops, default=0)
        )
        for version, found_ in zip((one, other), tried, strict=True)
    ]
    same = len({side.tried.base for side in sides}) == 1
    return render(
        request,
        "agreement/compare.html",
        {
            "title": "Two versions",
            "one": one,
            "other": other,
            # A version beside itself is one version.
            "sides": [
                (version, side, "in force" if current and version.number == current.number else STANDS[version.status])
                for version, side in zip((one, other), sides, strict=True)
            ][: 1 if one.number == other.number else 2],
            "differs": diff(first, second),
            "same_bench": same,
            "versions": versions,
            "alone": len(versions) == 1,
            "capacity": capacity,
            # One axis for both, or the two would not stand side by side.
            "sides_left": max((side.left_most for side in sides if side.preview is not None), default=1.0),
        },
    )


# --- what the address says ---------------------------------------------------------------


def _sound(number: int) -> tuple[Any, Agreement]:
    one = found(number)
    agreement = read(one, None).agreement
    if agreement is None:
        raise CannotDo(f"Version {number} has errors. Mend them in the file first; then its numbers can be moved.")
    return one, agreement


def _changes(asked: Mapping[str, Any], agreement: Agreement, *, strict: bool = True) -> dict[str, int]:
    """The moved numbers that an address or a form names. Raises CannotDo for what cannot be.

    strict: otherwise a number of a line that is gone meanwhile is left out.
    """
    known = {knob.name: knob for knob in knobs(agreement)}
    moved: dict[str, int] = {}
    for name, text in asked.items():
        kind = name.split(".", 1)[0]
        if kind not in {"points", "cap", "score"} or "." not in name or (not strict and name not in known):
            continue
        try:
            moved[name] = int(str(text).strip())
        except ValueError as bad:
            label = said(known[name], agreement) if name in known else name[:60]
            raise CannotDo(f"{label}: give a whole number.") from bad
    try:
        return checked(agreement, moved)
    except CannotTurn as cannot:
        raise CannotDo(str(cannot)) from cannot


def _capacity(request: HttpRequest) -> int | None:
    return whole_number(request.GET.get("capacity", ""), default=0, least=0, most=MOST_A_WEEK) or None


def _figures(request: HttpRequest, one: Any, agreement: Agreement, changes: Mapping[str, int]) -> Figures:
    current = queries.in_force(clock.now())
    changed = turn(agreement, changes)
    base = current.agreement if current is not None else agreement
    tried = benches.on_history(
        changed, bases=[*([current.hash] if current else []), one.hash or agreement_hash(agreement)]
    )
    against_own = tried.preview is not None and (current is None or tried.base != current.hash)
    return figures(
        tried,
        entered=_capacity(request),
        differs=tuple(diff(agreement if against_own else base, changed)),
        number=one.number,
        base_number=one.number if against_own or current is None else current.number,
    )


# --- rows ----------------------------------------------------------------------------------


def _groups(
    agreement: Agreement,
    changes: Mapping[str, int],
    told: Mapping[str, LineTold],
    spoken: Mapping[str, Sequence[Talk]],
    warnings: Mapping[str, tuple[str, ...]],
) -> tuple[Group, ...]:
    sections = {one.key: one for one in words.sections(turn(agreement, changes))}
    turners: dict[str, list[Turner]] = {}
    for knob in knobs(agreement):
        turners.setdefault(knob.about, []).append(
            Turner(knob, changes.get(knob.name, knob.value), said(knob, agreement))
        )
    names = [*DIMENSIONS, *(f"verdicts.{one.name}" for one in agreement.verdicts), "cools"]
    return tuple(
        Group(
            section.title,
            section.intro,
            tuple(_row(one, turners, told, spoken, warnings) for one in section.sentences),
            warnings.get(section.key, ()) if section.of_verdict else (),
        )
        for name in names
        if (section := sections.get(name)) is not None and section.sentences
    )


def _row(
    one: words.Sentence,
    turners: Mapping[str, Sequence[Turner]],
    told: Mapping[str, LineTold],
    spoken: Mapping[str, Sequence[Talk]],
    warnings: Mapping[str, tuple[str, ...]],
) -> Row:
    return Row(
        one.id, one.text, one.detail, tuple(turners.get(one.id, ())), told.get(one.id), tuple(spoken.get(one.id, ())),
        warnings.get(one.id, ()),
    )  # fmt: skip


def _warnings(one: Any, agreement: Agreement, changes: Mapping[str, int]) -> Mapping[str, tuple[str, ...]]:
    current = queries.in_force(clock.now())
    bases = [*([current.hash] if current else []), one.hash or agreement_hash(agreement)]
    return benches.warned(turn(agreement, changes), bases=bases).by_line
