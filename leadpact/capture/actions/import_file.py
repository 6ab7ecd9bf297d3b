"""Take a file: in chunks, each a transaction of its own, so that a break loses nothing and a repeat adds nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from leadpact.capture.actions import answers, intake
from leadpact.capture.actions.news import dated
from leadpact.capture.actions.read_file import Asked, Imported, reading, rejects_text, write_rejects
from leadpact.capture.models import ImportRun
from leadpact.capture.rules.arrival import Arrival
from leadpact.kit.failures import CannotDo
from leadpact.kit.queue import defer

JUDGED = "loop.judge_waiting"


def import_file(
    *,
    path: Path,
    asked: Asked,
    now: Callable[[], int],
    by_id: int | None = None,
    run_id: int | None = None,
    rejects_to: Path | None = None,
    told: Callable[[float], None] | None = None,
) -> Imported:
    """Take a file. `now` is asked for each chunk: that is when its facts become known.

    Writes an ImportRun (or goes on with `run_id`), whose figures grow as it runs. Raises FileProblem, and CannotDo where
    a chunk cannot be taken; what was taken before stays, and the repeat of the file passes over it.
    """
    run = _run(run_id, path.name, asked, by_id, now())
    taken = repeated = created = 0
    try:
        with reading(path, asked, now=run.started_at) as reader:
            total = max(reader.table.kept, 1)
            for chunk in reader.chunks():
                if asked.role in {"leads", "touches"}:
                    moment = now()
                    arrivals: Sequence[Arrival] = chunk  # type: ignore[assignment]  # one role, one kind
                    if asked.role == "leads":
                        arrivals = dated(arrivals, at=moment)
                    done = intake(arrivals, known_at=moment, historic=True)
                    taken, repeated, created = taken + done.taken, repeated + done.repeated, created + done.created
                else:
                    answered = answers(chunk, at=now())  # type: ignore[arg-type]
                    taken, repeated = taken + answered.taken, repeated + answered.repeated
                    for line, reason in answered.refused:
                        reader.refuse(line, reason)
                run.taken, run.repeated, run.created, run.refused = taken, repeated, created, reader.refused
                run.save(update_fields=["taken", "repeated", "created", "refused"])
                if told is not None:
                    told(min(reader.given / total, 1.0))
            if rejects_to is not None:
                write_rejects(rejects_to, reader.all_rejects())
            found = reader.found(
                run.file_name, run_id=run.pk, dry_run=False, taken=taken, repeated=repeated, created=created
            )
            run.rejects = rejects_text(reader.all_rejects())
    except Exception as problem:
        run.state, run.ended_at = "failed", now()
        run.error = (
            str(problem).replace(f"{path.parent}/", "")
            if isinstance(problem, CannotDo)
            else "The import stopped; import the file again: what was taken is passed over."
        )
        run.save()
        raise
    run.state, run.ended_at, run.report = "done", now(), list(found.report)
    run.read, run.refused = found.read, found.refused
    run.save()
    if taken and asked.role != "spend":
        # Facts of the past are judged once, now that all of them are there.
        defer(JUDGED, waits_once=JUDGED)
    return found


def _run(run_id: int | None, name: str, asked: Asked, by_id: int | None, at: int) -> ImportRun:
    if run_id is not None:
        run = ImportRun.objects.get(pk=run_id)
        run.state, run.started_at = "running", at
        run.save(update_fields=["state", "started_at"])
        return run
    return ImportRun.objects.create(
        role=asked.role, file_name=name[:300], by_id=by_id, started_at=at, mapping=list(asked.maps), state="running"
    )
