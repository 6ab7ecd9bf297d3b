"""The agreement: read it as sentences, draft, see what differs, propose, sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from leadpact.agreement import actions, queries
from leadpact.agreement.permissions import may_draft, may_sign
from leadpact.agreement.rules import Refused
from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import page
from leadpact.language import words
from leadpact.language.canonical import load
from leadpact.language.check import check
from leadpact.language.diff import diff
from leadpact.language.nodes import Agreement
from leadpact.language.parse import parse
from leadpact.language.problems import Problem
from leadpact.team.permissions import sees_scores

MOST_BYTES = 1_000_000
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


def shown(sections: tuple[words.Section, ...], user: Any) -> tuple[words.Section, ...]:
    """The sections that this reader may see."""
    if sees_scores(user):
        return sections
    return tuple(one for one in sections if one.key.split(".", 1)[0] not in HIDDEN)


@page(methods=("GET", "HEAD"))
def overview(request: HttpRequest) -> HttpResponse:
    """The version in force, and what waits."""
    user: Any = request.user
    at = clock.now()
    current = queries.in_force(at)
    versions = list(queries.versions())
    return render(
        request,
        "agreement/overview.html",
        {
            "title": "Agreement",
            "current": current,
            "row": next((one for one in versions if current and one.number == current.number), None),
            "sections": shown(words.sections(current.agreement), user) if current else (),
            "versions": versions,
            "blind": not sees_scores(user),
            "may_draft": may_draft(user.role),
        },
    )


@page(methods=("GET", "HEAD"))
def version(request: HttpRequest, number: int) -> HttpResponse:
    """One version: sentences, differences, problems, signatures, and what I can do with it."""
    user: Any = request.user
    found = _found(number)
    current = queries.in_force(clock.now())
    against = current.agreement if current and current.number != number else None
    reading = read(found, against)
    signed = {one.department: one for one in found.signatures.all()}
    return render(
        request,
        "agreement/version.html",
        {
            "title": f"Version {number}",
            "version": found,
            "reading": reading,
            "sections": shown(reading.sections, user),
            "current": current,
            "in_force": bool(current and current.number == number),
            "sides": [(side, signed.get(side)) for side in ("marketing", "sales")],
            "blind": not sees_scores(user),
            "edits": found.status == "draft" and may_draft(user.role),
            "proposes": found.status == "draft" and may_draft(user.role) and not reading.errors,
            "signs": found.status == "proposed"
            and may_sign(user.role, user.department)
            and user.department not in signed,
        },
    )


@page(methods=("GET", "POST"))
def draft(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """Write a draft: from the version in force, from a file, or on with one that exists. A wrong one is kept too."""
    user: Any = request.user
    if not may_draft(user.role):
        raise CannotDo("Managers, marketers and operations write drafts; ask one of them.")
    at = clock.now()
    current = queries.in_force(at)
    found = _found(number) if number is not None else None
    if found is not None and found.status != "draft":
        raise CannotDo("This version was proposed already. Make a new draft from it.")
    if request.method == "POST":
        source = _source(request)
        try:
            if found is None:
                found = actions.draft(source=source, by=user, at=at)
            else:
                actions.edit(number=found.number, source=source, by=user, at=at)
        except Refused as refused:
            raise CannotDo(str(refused)) from refused
        errors = len(parse(source).errors)
        if errors:
            messages.warning(
                request, f"Kept, with {errors} error{'s' if errors > 1 else ''} to mend before it can be proposed."
            )
            return redirect(f"/agreement/{found.number}/edit/")
        messages.success(request, "The draft is kept.")
        return redirect(f"/agreement/{found.number}/")
    start = found.source if found else (queries.version(current.number).source if current else _example())
    reading = read(found, current.agreement if current else None) if found else None
    return render(
        request,
        "agreement/draft.html",
        {
            "title": f"Draft {number}" if number else "New draft",
            "source": start,
            "reading": reading,
            "current": current,
            "number": number,
            "lines": start.count("\n") + 1,
        },
    )


@page(methods=("POST",))
def propose(request: HttpRequest, number: int) -> HttpResponse:
    """Freeze a draft, so that both can sign it."""
    user: Any = request.user
    if not may_draft(user.role):
        raise CannotDo("Managers, marketers and operations propose; ask one of them.")
    _found(number)
    try:
        actions.propose(number=number, by=user, at=clock.now())
    except Refused as refused:
        raise CannotDo(str(refused)) from refused
    messages.success(request, "Proposed. It is frozen now; both heads can sign it.")
    return redirect(f"/agreement/{number}/")


@page(methods=("POST",))
def sign(request: HttpRequest, number: int) -> HttpResponse:
    """Sign for my department. With the second signature the version takes effect."""
    user: Any = request.user
    if not may_sign(user.role, user.department):
        raise CannotDo("Only the heads of Marketing and of Sales sign: managers with a department.")
    _found(number)
    try:
        done = actions.sign(number=number, by=user, at=clock.now())
    except Refused as refused:
        raise CannotDo(str(refused)) from refused
    if done.status == "signed":
        messages.success(request, "Signed by both. It is in force, and everybody is being judged by it.")
    else:
        messages.success(request, "Signed. It takes effect when the other department signs.")
    return redirect(f"/agreement/{number}/")


@page(methods=("GET", "HEAD"))
def download(request: HttpRequest, number: int) -> HttpResponse:
    """The file as its authors wrote it. Whoever takes leads does not get it: points and thresholds are in it."""
    if not sees_scores(request.user):  # type: ignore[arg-type]
        raise CannotDo("Points and thresholds stay closed for whoever takes leads, so that blind checks stay blind.")
    found = _found(number)
    response = HttpResponse(found.source, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="agreement-{number}.yaml"'
    return response


def _found(number: int) -> Any:
    found = queries.versions().filter(number=number).first()
    if found is None:
        raise Http404("There is no such version.")
    return found


def _source(request: HttpRequest) -> str:
    source = _sent(request)
    if "\0" in source:
        raise CannotDo("That is not text: it holds NUL characters. Save the agreement as UTF-8 text and send it again.")
    return source


def _sent(request: HttpRequest) -> str:
    upload = request.FILES.get("file")
    if upload is not None:
        if (upload.size or 0) > MOST_BYTES:
            raise CannotDo("The file is larger than 1 MB. An agreement of 200 lines takes a tenth of that.")
        try:
            return upload.read().decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            raise CannotDo("The file is not UTF-8 text. Save it as UTF-8 and upload it again.") from problem
    source = request.POST.get("source", "")
    if len(source) > MOST_BYTES:
        raise CannotDo("The text is larger than 1 MB. An agreement of 200 lines takes a tenth of that.")
    return source.replace("\r\n", "\n")


def _example() -> str:
    from importlib.resources import files

    return files("leadpact.language").joinpath("example.yaml").read_text(encoding="utf-8")
