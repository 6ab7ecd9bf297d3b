"""The lake's folder: which Parquet files are in it, and how a new state takes the place of the old one.

    manifest.json                      what belongs to the lake; whatever it does not name is not there
    touches/month=2026-04/000012.parquet   growing relations, by month
    leads/000012.parquet               whole relations
    writing/  lock  reading.lock       drafts of the export that runs, and its locks

Files are written under `writing/`, flushed, moved to their place, and named by the manifest last, in one rename. So a crash
at any instant leaves the lake of before; what it left lying is removed by the next writer. Whoever writes holds `lock` alone;
`reading.lock` is shared by readers, and taken alone for the moment in which old files go.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from leadpact.kit.locks import FileLock
from leadpact.kit.places import private_directory, write_private
from leadpact.lake.problems import FileProblem

FORM = 2
"""1: without mergers. An export brings it up to date; until then no reader takes it."""
MANIFEST, WRITING, LOCK, READING = "manifest.json", "writing", "lock", "reading.lock"
VARIABLE = "LEADPACT_LAKE"


@dataclass(frozen=True, slots=True)
class Part:
    """One file. path: below the lake's folder. first_id, last_id: of growing relations."""

    relation: str
    path: str
    rows: int
    bytes: int
    month: str = ""
    first_id: int = 0
    last_id: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant up to which ids had been given out, and who might still be writing below them then.

    until: relation → highest id seen. xmax: the first transaction id not yet given out. writers: virtual ids of the transactions
    that held a table for writing. Once all of them have ended no row at or below `until` can appear any more.
    """

    at: int
    until: dict[str, int]
    xmax: int
    writers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in the lake.

    exported_at: when the last whole export took its mark (microseconds): what was known by then is in. until: relation →
    id up to which its rows are in. parts: the files that readers see. pending, pending_until: what an export under way, or one
    that was killed, has written beyond them; readers do not see it. marks: earlier marks that were not settled when looked at.
    anchor: id and hash of the last ledger entry, which tells whether a database is the one that the lake came from.
    unicode: versions of Unicode by which this leadpact folded text when it exported; empty in lakes from before that was kept.
    """

    generation: int = 0
    exported_at: int | None = None
    until: dict[str, int] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    pending: tuple[Part, ...] = ()
    pending_until: dict[str, int] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    anchor: tuple[int, str] | None = None
    unicode: tuple[str, ...] = ()
    form: int = FORM

    def of(self, relation: str) -> tuple[Part, ...]:
        """The files of a relation that readers see."""
        return tuple(part for part in self.parts if part.relation == relation)


def lake_directory(data: Path) -> Path:
    """Where the lake is: LEADPACT_LAKE, else `lake` in the data directory. Nothing is created."""
    chosen = os.environ.get("LEADPACT_LAKE", "")
    return Path(chosen).expanduser().absolute() if chosen else data / "lake"


def read(folder: Path) -> Manifest:
    """The manifest; an empty one where there is no lake yet. Raises FileProblem where it cannot be read."""
    file = folder / MANIFEST
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if found["form"] == 1:
            # What grows is the same; mergers are missing. Old marks know nothing that the next one does not.
            found |= {"form": FORM, "exported_at": None, "marks": ()}
        if found["form"] != FORM:
            raise FileProblem(
                f"The lake in {folder} has form {found['form']}, and this leadpact reads form {FORM}: "
                "move the folder away and run leadpact lake export again."
            )
        return Manifest(
            generation=found["generation"],
            exported_at=found["exported_at"],
            until=found["until"],
            parts=tuple(Part(**part) for part in found["parts"]),
            pending=tuple(Part(**part) for part in found["pending"]),
            pending_until=found["pending_until"],
            marks=tuple(Mark(**(mark | {"writers": tuple(mark["writers"])})) for mark in found["marks"]),
            anchor=tuple(found["anchor"]) if found["anchor"] else None,
            unicode=tuple(found.get("unicode", ())),
        )
    except FileNotFoundError:
        return Manifest()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileProblem(
            f"{file} cannot be read as a lake's manifest; move the folder away and run leadpact lake export again."
        ) from error


class Writer:
    """The one process that changes a lake. Made by `writing`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = read(folder)
        self.drafts = folder / WRITING

    def draft(self) -> Path:
        """A path for a new file, not yet part of the lake."""
        self.manifest = replace(self.manifest, generation=self.manifest.generation + 1)
        return self.drafts / f"{self.manifest.generation:06}.parquet"

    def place(self, draft: Path, part: Part) -> Part:
        """Flush a draft and move it to where its relation's files are. It belongs to the lake once the manifest says so."""
        home = self.folder / part.relation
        if part.month:
            home = _made(_made(home) / f"month={part.month}")
        target = _made(home) / draft.name
        draft.chmod(0o600)
        _flush(draft)
        size = draft.stat().st_size
        draft.replace(target)
        _flush(home)
        return replace(part, path=str(target.relative_to(self.folder)), bytes=size)

    def publish(self, manifest: Manifest) -> None:
        """Let `manifest` take the place of the one before, then remove the files that it does not name."""
        manifest = replace(manifest, generation=max(manifest.generation, self.manifest.generation))
        write_private(self.folder / MANIFEST, json.dumps(asdict(manifest), separators=(",", ":")) + "\n")
        _flush(self.folder)
        self.manifest = manifest
        self.tidy()

    def tidy(self) -> None:
        """Remove what the manifest does not name: replaced files, and what a crash left. Waits for readers."""
        named = {part.path for part in (*self.manifest.parts, *self.manifest.pending)}
        stray = [path for path in self.folder.glob("*/**/*.parquet") if str(path.relative_to(self.folder)) not in named]
        stray = [path for path in stray if self.drafts not in path.parents]
        if not stray:
            return
        with FileLock(self.folder / READING):
            for path in stray:
                path.unlink(missing_ok=True)


@contextmanager
def writing(folder: Path) -> Iterator[Writer]:
    """Be the one writer of a lake, which is made where it is missing. Raises FileProblem where another is at it, CannotDo
    where the folder cannot be used.
    """
    private_directory(folder)
    lock = FileLock(folder / LOCK)
    if not lock.exclusive(wait=False):
        lock.release()
        raise FileProblem(f"Another process is writing the lake in {folder}: wait until it has ended.")
    try:
        writer = Writer(folder)
        shutil.rmtree(writer.drafts, ignore_errors=True)
        private_directory(writer.drafts)
        writer.tidy()
        yield writer
        shutil.rmtree(writer.drafts, ignore_errors=True)
    finally:
        lock.release()


@contextmanager
def reading(folder: Path) -> Iterator[Manifest]:
    """The manifest of a lake whose files stay until the block ends. Raises FileProblem where there is none."""
    if not (folder / MANIFEST).is_file():
        raise FileProblem(f"There is no lake in {folder}: run leadpact lake export, or name another folder.")
    lock = FileLock(folder / READING)
    lock.shared()
    try:
        found = read(folder)
        if found.exported_at is None:
            raise FileProblem(f"The lake in {folder} has no whole export yet: run leadpact lake export once more.")
        missing = next((part.path for part in found.parts if not (folder / part.path).is_file()), None)
        if missing is not None:
            raise FileProblem(
                f"{folder / missing} is missing from the lake: move the folder away and run leadpact lake export again."
            )
        yield found
    finally:
        lock.release()


def rows_of(parts: Iterable[Part]) -> int:
    """How many rows some files hold."""
    return sum(part.rows for part in parts)


def _made(folder: Path) -> Path:
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        _flush(folder.parent)
    return folder


def _flush(path: Path) -> None:
    """fsync of a file or a folder: a power cut must not leave a manifest that names files which are empty."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
