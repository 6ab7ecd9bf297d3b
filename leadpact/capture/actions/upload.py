"""A file that comes in by the page: looked at first, taken by a worker once somebody has said yes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Final, cast

from django.db import transaction

from leadpact.capture.actions.import_file import import_file
from leadpact.capture.actions.read_file import Asked, Imported, look_at_file
from leadpact.capture.models import ImportPart, ImportRun
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import DAY
from leadpact.kit.queue import defer
from leadpact.lake.names import Role

PART: Final = 1 << 20
MOST_BYTES: Final = 200 << 20
TASK: Final = "capture.take_import"
KEPT: Final = 2 * DAY
"""How long a file waits for its yes."""


def look_at_upload(*, name: str, pieces: Iterable[bytes], asked: Asked, by_id: int, at: int) -> ImportRun:
    """Keep an uploaded file and read all of it, as a dry run. Raises CannotDo (FileProblem) where it cannot be read."""
    plain = PurePath(name.replace("\\", "/")).name.replace("\0", "")[:300] or "file"
    _sweep(at)
    with tempfile.TemporaryDirectory(prefix="leadpact-import-") as folder:
        path = Path(folder) / _safe(plain)
        size = 0
        with path.open("wb") as file:
            for piece in pieces:
                size += len(piece)
                if size > MOST_BYTES:
                    raise CannotDo(
                        f"The file is larger than {MOST_BYTES >> 20} MB: import it with `leadpact import` on the server."
                    )
                file.write(piece)
        with _named(path):
            found, rejects = look_at_file(path=path, asked=asked, at=at)
        with transaction.atomic():
            run = ImportRun.objects.create(
                role=asked.role, file_name=plain, by_id=by_id, started_at=at, dry_run=True, state="looked",
                mapping=_kept(asked), report=list(found.report), rejects=rejects,
                read=found.read, taken=found.taken, refused=found.refused,
            )  # fmt: skip
            with path.open("rb") as file:
                for number, body in enumerate(iter(lambda: file.read(PART), b"")):
                    ImportPart.objects.create(run=run, number=number, body=body)
    return run


def confirm_upload(*, run_id: int, at: int) -> ImportRun:
    """Yes: have a worker take the file. Raises CannotDo where it was taken or dropped meanwhile."""
    with transaction.atomic():
        changed = ImportRun.objects.filter(pk=run_id, state="looked").update(
            state="waiting", dry_run=False, started_at=at, taken=0, refused=0, rejects=""
        )
        if not changed:
            raise CannotDo("This import is running or over already.")
        defer(TASK, run_id=run_id)
    return ImportRun.objects.get(pk=run_id)


def drop_upload(*, run_id: int, at: int) -> None:
    """No: forget the file. Raises CannotDo where it was taken meanwhile."""
    with transaction.atomic():
        if not ImportRun.objects.filter(pk=run_id, state="looked").update(state="dropped", ended_at=at):
            raise CannotDo("This import is running or over already.")
        ImportPart.objects.filter(run_id=run_id).delete()


def take_upload(*, run_id: int, now: Callable[[], int]) -> Imported | None:
    """What the worker does. None where there is nothing to take (dropped, or taken by another worker). Raises FileProblem."""
    run = ImportRun.objects.filter(pk=run_id, state__in=("waiting", "running")).first()
    if run is None:
        return None
    with _file(run) as path, _named(path):
        found = import_file(path=path, asked=_asked(run), now=now, run_id=run.pk)
    ImportPart.objects.filter(run_id=run_id).delete()
    return found


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Within the block, sentences about the temporary copy name the file as people know it."""
    try:
        yield
    except CannotDo as problem:
        raise CannotDo(str(problem).replace(f"{path.parent}/", "")) from problem


@contextmanager
def _file(run: ImportRun) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="leadpact-import-") as folder:
        path = Path(folder) / _safe(run.file_name)
        with path.open("wb") as file:
            for body in (
                ImportPart.objects.filter(run=run)
                .order_by("number")
                .values_list("body", flat=True)
                .iterator(chunk_size=4)
            ):
                file.write(bytes(body))
        yield path


def _kept(asked: Asked) -> list[str]:
    """The options as texts; an option that is not a map begins with `--`."""
    options = [
        ("--timezone", asked.timezone if asked.timezone != "UTC" else ""),
        ("--date-order", asked.date_order),
        ("--encoding", asked.encoding),
    ]
    return [*asked.maps, *(f"{name} {value}" for name, value in options if value)]


def _asked(run: ImportRun) -> Asked:
    kept = [str(text) for text in run.mapping]
    options = {name: value for name, _, value in (text.partition(" ") for text in kept if text.startswith("--"))}
    return Asked(
        cast("Role", run.role),
        tuple(text for text in kept if not text.startswith("--")),
        options.get("--timezone", "UTC"),
        options.get("--date-order"),
        options.get("--encoding"),
    )


def _safe(name: str) -> str:
    """A name for the temporary copy: the original's, as far as any file system takes it (it stands in sentences)."""
    plain = "".join(letter if letter.isalnum() or letter in "._- ()" else "_" for letter in name).strip(". ")
    return plain.encode()[-120:].decode(errors="ignore") or "file"


def _sweep(at: int) -> None:
    """Forget files that nobody said yes to."""
    stale = ImportRun.objects.filter(state="looked", started_at__lt=at - KEPT)
    ImportPart.objects.filter(run__in=stale).delete()
    stale.update(state="dropped", ended_at=at)
