"""Read: the version in force, any version, its file, how far judging by a new one has come."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from leadpact.agreement import queries
from leadpact.agreement.pages.common import CLOSED, found, read, read_otherwise, shown
from leadpact.agreement.permissions import may_draft, may_sign, may_withdraw
from leadpact.agreement.queries import benches, drafts, talk
from leadpact.agreement.rules import DEPARTMENTS
from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import page
from leadpact.language import words
from leadpact.language.canonical import agreement_hash
from leadpact.language.nodes import Agreement
from leadpact.team.permissions import sees_scores


@page(methods=("GET", "HEAD"))
def overview(request: HttpRequest) -> HttpResponse:
    """The version in force, and what waits."""
    user: Any = request.user
    at = clock.now()
    current = queries.in_force(at)
    effects = queries.effects()
    ends = {one.effect: one.end for one in queries.in_force_periods()}
    return render(
        request,
        "agreement/overview.html",
        {
            "title": "Agreement",
            "current": current,
            "signatures": queries.signatures(current.effect) if current else (),
            "progress": queries.rejudging(current.effect) if current else None,
            "sections": shown(words.sections(current.agreement), user) if current else (),
            "drafts": [one for one in queries.versions() if one.status == "draft"],
            "waiting": [one for one in effects if one.status == "proposed"],
            "coming": [one for one in effects if one.status == "signed" and (one.effective_at or 0) > at],
            "past": [
                (one, ends.get(one.pk)) for one in effects if one.status == "signed" and (one.effective_at or 0) <= at
            ],
            "blind": not sees_scores(user),
            "may_draft": may_draft(user.role),
        },
    )


@page(methods=("GET", "HEAD"))
def progress(request: HttpRequest) -> HttpResponse:
    """How far judging everybody by the version in force has come: a part that pages fetch again while it goes on."""
    current = queries.in_force(clock.now())
    return render(
        request,
        "agreement/rejudging.html",
        {"progress": queries.rejudging(current.effect) if current else None, "title": "Progress"},
    )


@page(methods=("GET", "HEAD"))
def version(request: HttpRequest, number: int) -> HttpResponse:
    """One version: sentences, differences, problems, signatures, and what I can do with it."""
    user: Any = request.user
    at = clock.now()
    one = found(number)
    current = queries.in_force(at)
    in_force = bool(current and current.number == number)
    reading = read(one, current.agreement if current and not in_force else None)
    effects = list(one.effects.all())
    latest = effects[0] if effects else None
    open_ = latest if latest is not None and latest.status == "proposed" else None
    ahead = latest if latest is not None and latest.status == "signed" and (latest.effective_at or 0) > at else None
    shown_effect = open_ or ahead or next((e for e in effects if current and e.pk == current.effect), latest)
    signed = {s.department: s for s in shown_effect.signatures.all()} if shown_effect else {}
    ends = {period.effect: period.end for period in queries.in_force_periods()}
    blind = not sees_scores(user)
    return render(
        request,
        "agreement/version.html",
        {
            "title": f"Version {number}",
            "version": one,
            "reading": reading,
            "compare": f"/agreement/compare/?a={current.number}&b={number}" if current and not in_force else "",
            "sections": shown(reading.sections, user),
            "current": current,
            "in_force": in_force,
            "effect": shown_effect,
            "open": open_,
            "ahead": ahead,
            "effects": [(effect, ends.get(effect.pk)) for effect in effects],
            "sides": [(side, signed.get(side)) for side in DEPARTMENTS],
            "blind": blind,
            **({} if blind else _talks(reading.sections, number)),
            "warned": _warned(one, reading.agreement, current)
            if not blind and (one.status == "draft" or open_)
            else None,
            "aside": drafts.aside(number) if one.status == "draft" else (),
            "revisions": len(drafts.revisions(number)),
            "edits": one.status == "draft" and may_draft(user.role),
            "drafts": one.status != "draft" and may_draft(user.role),
            "proposes": one.status == "draft" and may_draft(user.role) and not reading.errors,
            "proposes_again": one.status != "draft"
            and may_draft(user.role)
            and not open_
            and not ahead
            and not in_force,
            "withdraws": bool(open_ and may_withdraw(user.role))
            or bool(ahead and may_sign(user.role, user.department)),
            "signs": bool(open_) and may_sign(user.role, user.department) and user.department not in signed,
        },
    )


def _warned(one: Any, meant: Agreement | None, current: queries.InForce | None) -> benches.Warned | None:
    """What history warns of while it can still be otherwise, up to the second signature; None where the text has errors."""
    if meant is None:
        return None
    return benches.warned(meant, bases=[*([current.hash] if current else []), one.hash or agreement_hash(meant)])


def _talks(sections: tuple[words.Section, ...], number: int) -> dict[str, Any]:
    """Threads on the lines of a version, each with the words of its line, and with those that it had where they were said."""
    said = {one.id: one.text for section in sections for one in section.sentences if one.id}
    talks = talk.talks(["", *said])
    return {
        "talks": [(one, said.get(one.key, "")) for one in talks],
        "otherwise": read_otherwise(talks, sections, number),
    }


@page(methods=("GET", "HEAD"))
def download(request: HttpRequest, number: int) -> HttpResponse:
    """The file as its authors wrote it. Whoever takes leads does not get it: points and thresholds are in it."""
    if not sees_scores(request.user):  # type: ignore[arg-type]
        raise CannotDo(CLOSED)
    response = HttpResponse(found(number).source, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="agreement-{number}.yaml"'
    return response
