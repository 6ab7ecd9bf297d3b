"""Write drafts: from the version in force, from a file, on with one that exists; and settle what two people wrote at once."""

from __future__ import annotations

from difflib import unified_diff
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from leadpact.agreement import actions, queries
from leadpact.agreement.actions.drafting import clash
from leadpact.agreement.pages.common import drafts_only, found, open_only, read, refusals, source_of
from leadpact.agreement.queries import drafts
from leadpact.agreement.rules.merge import Clash
from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import page, whole_number
from leadpact.language.parse import parse

AROUND = 2
"""Lines shown before and after a place that both changed."""


@page(methods=("GET", "POST"))
def draft(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """Write a draft. A wrong one is kept too; one that was changed by somebody else meanwhile is put together with theirs."""
    user: Any = request.user
    drafts_only(user)
    one = found(number) if number is not None else None
    if one is not None and one.status != "draft":
        raise CannotDo("This version was proposed already. Make a new draft from it.")
    if request.method == "POST":
        return _save(request, one, user)
    at = clock.now()
    current = queries.in_force(at)
    start = one.source if one else _start(request, current)
    reading = read(one, current.agreement if current else None) if one else None
    head = drafts.head(one.number) if one else None
    return render(
        request,
        "agreement/draft.html",
        {
            "title": f"Draft {number}" if number else "New draft",
            "source": start,
            "reading": reading,
            "current": current,
            "number": number,
            "back": f"/agreement/{number}/" if number else "/agreement/",
            "head": head,
            "aside": drafts.aside(number) if number else (),
            "lines": start.count("\n") + 1,
        },
    )


def _start(request: HttpRequest, current: queries.InForce | None) -> str:
    """What a new draft begins with: the version that was named, the one in force, or the example."""
    named = whole_number(request.GET.get("from", ""), default=0)
    if named:
        open_only(request.user)
        return found(named).source
    return queries.version(current.number).source if current else _example()


def _save(request: HttpRequest, one: Any, user: Any) -> HttpResponse:
    source = source_of(request)
    at = clock.now()
    base = whole_number(request.POST.get("base", ""), default=0) or None
    with refusals():
        if one is None:
            made = actions.draft(source=source, by=user, at=at)
            saved = actions.Saved(made, 1)
        else:
            saved = actions.edit(number=one.number, source=source, by=user, at=at, base=base)
    number = saved.version.number
    if saved.clashes:
        messages.warning(
            request,
            "Somebody saved this draft while you wrote, and changed the same lines. Both texts are kept; choose what stays.",
        )
        return redirect(f"/agreement/{number}/revisions/{saved.revision}/settle/")
    if saved.merged:
        messages.success(
            request,
            "Somebody else had saved meanwhile. Your changes and theirs do not touch: both are in the draft now.",
        )
    errors = len(parse(saved.version.source).errors)
    if errors:
        messages.warning(
            request, f"Kept, with {errors} error{'s' if errors > 1 else ''} to mend before it can be proposed."
        )
        return redirect(f"/agreement/{number}/edit/")
    if not saved.merged:
        messages.success(request, "The draft is kept.")
    return redirect(f"/agreement/{number}/")


@page(methods=("GET", "POST"))
def settle(request: HttpRequest, number: int, revision: int) -> HttpResponse:
    """Two people changed the same lines: both texts side by side, and for each place a choice."""
    user: Any = request.user
    drafts_only(user)
    one = found(number)
    kept = drafts.revision(number, revision)
    if kept is None or not kept.aside:
        raise Http404("There is no such text beside this draft.")
    if one.status != "draft":
        raise CannotDo(
            "This draft was proposed meanwhile. Your text stays readable among its revisions; begin a new draft."
        )
    with refusals():
        both = clash(one, revision)
    head = drafts.head(number)
    assert head is not None
    if request.method == "POST":
        choices = {
            index: request.POST.get(f"choice-{index}", "")
            for index in range(len(both.clashes))
            if request.POST.get(f"choice-{index}")
        }
        with refusals():
            saved = actions.settle(
                number=number, aside=revision, head=whole_number(request.POST.get("head", ""), default=0), choices=choices,
                by=user, at=clock.now(),
            )  # fmt: skip
        if saved.clashes:
            messages.warning(
                request, "The draft was saved once more meanwhile. Look again and choose anew; nothing is lost."
            )
            return redirect(request.path)
        messages.success(request, "Both texts are settled; the draft holds what you chose.")
        return redirect(f"/agreement/{number}/edit/" if parse(saved.version.source).errors else f"/agreement/{number}/")
    return render(
        request,
        "agreement/settle.html",
        {
            "title": f"Draft {number}: two texts",
            "version": one,
            "kept": kept,
            "head": head,
            "back": f"/agreement/{number}/",
            "base": drafts.revision(number, kept.base or 0),
            "clashes": [
                (index, part, before, after) for index, (part, before, after) in enumerate(_around(both.parts))
            ],
            "settled": kept.number not in {waiting.number for waiting in drafts.aside(number)},
        },
    )


def _around(parts: Any) -> list[tuple[Clash, str, str]]:
    """Each clash with some lines before and after it, so that one sees where one is."""
    shown: list[tuple[Clash, str, str]] = []
    for index, part in enumerate(parts):
        if isinstance(part, Clash):
            before = parts[index - 1].lines[-AROUND:] if index and not isinstance(parts[index - 1], Clash) else ()
            after = (
                parts[index + 1].lines[:AROUND]
                if index + 1 < len(parts) and not isinstance(parts[index + 1], Clash)
                else ()
            )
            shown.append((part, "".join(before), "".join(after)))
    return shown


@page(methods=("GET", "HEAD"))
def revisions(request: HttpRequest, number: int) -> HttpResponse:
    """Every text of a draft that was ever saved."""
    open_only(request.user)
    one = found(number)
    waiting = {kept.number for kept in drafts.aside(number)}
    rows = [(revision, revision.number in waiting) for revision in drafts.revisions(number)]
    return render(
        request,
        "agreement/revisions.html",
        {"title": f"Version {number}: revisions", "version": one, "rows": rows, "head": drafts.head(number)},
    )


@page(methods=("GET", "HEAD"))
def revision(request: HttpRequest, number: int, revision: int) -> HttpResponse:
    """One text, and how it differs from the one its author had before them."""
    user: Any = request.user
    open_only(user)
    one = found(number)
    kept = drafts.revision(number, revision)
    if kept is None:
        raise Http404("There is no such text.")
    base = drafts.revision(number, kept.base) if kept.base else None
    lines = (
        list(unified_diff(base.source.splitlines(), kept.source.splitlines(), lineterm="", n=AROUND))[2:]
        if base
        else []
    )
    return render(
        request,
        "agreement/revision.html",
        {
            "title": f"Version {number}: revision {revision}",
            "version": one,
            "kept": kept,
            "base": base,
            "lines": [(line[:1], line[1:]) for line in lines],
            "head": drafts.head(number),
            "edits": one.status == "draft" and user.role in {"manager", "marketer", "operations"},
        },
    )


def _example() -> str:
    from importlib.resources import files

    return files("leadpact.language").joinpath("example.yaml").read_text(encoding="utf-8")
