"""Imports: look at a file, say yes, see what became of it."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from leadpact.capture import queries
from leadpact.capture.actions.read_file import Asked
from leadpact.capture.actions.upload import confirm_upload, drop_upload, look_at_upload
from leadpact.capture.forms import UploadForm
from leadpact.capture.pages.common import asker, frame, see
from leadpact.capture.permissions import MAY_MANAGE
from leadpact.kit import clock, formats, lists
from leadpact.kit.failures import CannotDo
from leadpact.kit.pages import page

SAYS = {
    "looked": ("waits for your yes", "warn"),
    "waiting": ("waits for a worker", "plain"),
    "running": ("running", "marketing"),
    "done": ("taken", "good"),
    "failed": ("failed", "bad"),
    "dropped": ("dropped", "plain"),
}
COLUMNS = (
    lists.Column("file", "File", lambda run: run.file_name, sort="file_name"),
    lists.Column("started", "When", lambda run: formats.iso(run.started_at), sort="started_at", falling=True),
    lists.Column("state", "State", lambda run: SAYS[run.state][0], sort="state"),
    lists.Column("taken", "Taken", lambda run: run.taken, sort="taken", numeric=True, falling=True),
    lists.Column("repeated", "Known before", lambda run: run.repeated, sort="repeated", numeric=True, falling=True),
    lists.Column("refused", "Refused", lambda run: run.refused, sort="refused", numeric=True, falling=True),
    lists.Column("role", "Holds", lambda run: run.role, shown=False),
    lists.Column("by", "By", lambda run: str(run.by or "the command line"), shown=False),
)
FILTERS = (
    lists.Filter(
        "role",
        "Holds",
        lambda rows, value: rows.filter(role=value),
        [(r, r.title()) for r in ("leads", "touches", "outcomes", "spend")],
    ),
    lists.Filter(
        "state",
        "State",
        lambda rows, value: rows.filter(state=value),
        [(key, says.capitalize()) for key, (says, _) in SAYS.items()],
    ),
)


@page(roles=MAY_MANAGE)
def imports(request: HttpRequest) -> HttpResponse:
    """All imports, and a form for another."""
    user = asker(request)
    form = UploadForm(request.POST or None, request.FILES or None, initial={"timezone": user.timezone})
    if request.method == "POST" and form.is_valid():
        upload: UploadedFile[Any] = form.cleaned_data["file"]
        asked = Asked(
            form.cleaned_data["role"],
            form.cleaned_data["maps"],
            form.cleaned_data["timezone"],
            form.cleaned_data["date_order"] or None,
        )
        try:
            run = look_at_upload(
                name=upload.name or "file", pieces=upload.chunks(), asked=asked, by_id=user.pk, at=clock.now()
            )
        except CannotDo as problem:
            form.add_error("file", _on_page(str(problem)))
        else:
            return see(f"/capture/imports/{run.pk}/")
    shown = lists.listing(
        request, queries.imports(), columns=COLUMNS, filters=FILTERS, sort="-started", noun="import|imports"
    )
    for run in shown.rows:
        run.says, run.tone = SAYS[run.state]
    response = lists.answer(
        request, "capture/imports.html", shown, title="Imports", form=form, **frame(request, "/capture/imports/")
    )
    response.status_code = 422 if form.errors else 200
    return response


@page(roles=MAY_MANAGE)
def one_import(request: HttpRequest, run_id: int) -> HttpResponse:
    """One import: what was read and how, and what to do with it."""
    run = queries.import_run(run_id)
    if run is None:
        raise Http404
    if request.GET.get("format") == "csv":
        response = HttpResponse(run.rejects, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="import-{run.pk}-rejects.csv"'
        return response
    columns, notes = _told(run.report)
    says, tone = SAYS[run.state]
    context = {
        "title": run.file_name, "run": run, "says": says, "tone": tone, "columns": columns, "notes": notes,
        "rejects": queries.first_rejects(run), "moving": run.state in {"waiting", "running"}, **frame(request, "/capture/imports/"),
    }  # fmt: skip
    return render(request, "capture/import.html", context)


@page(roles=MAY_MANAGE, methods=("POST",))
def confirm(request: HttpRequest, run_id: int) -> HttpResponse:
    """Yes, take it."""
    run = confirm_upload(run_id=run_id, at=clock.now())
    messages.success(request, f"{run.file_name} is being taken; the figures below grow as it goes.")
    return see(f"/capture/imports/{run_id}/")


@page(roles=MAY_MANAGE, methods=("POST",))
def drop(request: HttpRequest, run_id: int) -> HttpResponse:
    """No, forget it."""
    drop_upload(run_id=run_id, at=clock.now())
    messages.success(request, "The file is forgotten; nothing was taken.")
    return see("/capture/imports/")


def _on_page(sentence: str) -> str:
    """A sentence of the command line, where the page has a field for the option."""
    plain = re.sub(r"--map (?:\w+:)?(\S+)", r"\1", sentence)
    return (
        plain.replace(" with ", " under “Which column is which”: ")
        if plain != sentence and "Say which" in plain
        else plain
    )


def _told(report: list[str]) -> tuple[list[tuple[str, str, str]], list[str]]:
    """The report's lines as columns (ours, theirs, why) and sentences."""
    columns, notes = [], []
    for line in report:
        ours, arrow, rest = line.partition(" <- ")
        if arrow:
            theirs, _, why = rest.strip().rpartition("  ")
            columns.append((ours.strip(), theirs.strip(), why.strip().replace("given with --map", "said by hand")))
        else:
            plain = line.strip().removeprefix("note: ")
            # The refused rows stand in a table of their own.
            if not plain.startswith("rejected: "):
                notes.append(plain)
    return columns, notes
