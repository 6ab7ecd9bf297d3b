"""Files of the lake written anew: a person's rows taken out of them, and many small ones made into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from leadpact.lake.exported import BY_NAME, FACTS, HANDOFFS, LEADS, PEOPLE, TIES, TOUCHES, TRAIL_MOVES, VOIDS
from leadpact.lake.manifest import MANIFEST, Part, Writer, writing
from leadpact.lake.store import MEMORY, Store, literal, quoted

MOST_FILES = 24
"""Files of one month that are left beside each other; more are made into one."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was taken out: relation → rows, and how many files were written anew."""

    rows: dict[str, int]
    files: int


def forget(folder: Path, person_ids: Sequence[int], *, visitor_ids: Sequence[int] = ()) -> Forgotten:
    """Take everything of some people out of the lake: their touches, values, trails, leads. The ledger's codes stay, as they
    stay in PostgreSQL: they name numbers, nobody.

    visitor_ids: the people's trails as PostgreSQL knows them; one that was tied after the last export is anonymous in the lake.
    Call it after the erasure in PostgreSQL was committed; until then an export could bring rows back. Nothing is done where
    there is no lake. Raises FileProblem while an export runs.
    """
    if not person_ids or not (folder / MANIFEST).is_file():
        return Forgotten({}, 0)
    people = ", ".join(str(int(person)) for person in sorted(set(person_ids)))
    trails = ", ".join(f"({int(visitor)})" for visitor in sorted(set(visitor_ids)))
    with writing(folder) as writer, Store(folder=str(writer.drafts), memory=MEMORY) as store:
        for name, relation, wanted in (
            ("gone_visitors", TIES.name, f"SELECT visitor_id AS id FROM rows WHERE person_id IN ({people})"),
            ("gone_leads", LEADS.name, f"SELECT lead_id AS id FROM rows WHERE person_id IN ({people})"),
            ("gone_touches", TOUCHES.name, "SELECT id FROM rows WHERE visitor_id IN (SELECT id FROM gone_visitors)"),
        ):
            files = _files(writer, [part for part in _all(writer) if part.relation == relation])
            source = f"read_parquet({files})" if files else f"({_empty(relation)})"
            store.execute(f"CREATE TABLE {name} AS WITH rows AS (SELECT * FROM {source}) {wanted}")
            if trails and relation == TIES.name:
                store.execute(f"INSERT INTO {name} VALUES {trails}")
        leads = "lead_id IN (SELECT id FROM gone_leads)"
        gone = {
            TOUCHES.name: "visitor_id IN (SELECT id FROM gone_visitors)",
            VOIDS.name: "touch_id IN (SELECT id FROM gone_touches)",
            FACTS.name: f"(subject = 'person' AND subject_id IN ({people}))"
            " OR (subject = 'lead' AND subject_id IN (SELECT id FROM gone_leads))",
            LEADS.name: leads,
            PEOPLE.name: f"person_id IN ({people})",
            TIES.name: f"person_id IN ({people})",
            TRAIL_MOVES.name: "visitor_id IN (SELECT id FROM gone_visitors)",
            HANDOFFS.name: leads,
        }
        rows: dict[str, int] = {}
        changed: dict[str, Part | None] = {}
        for part in _all(writer):
            condition = gone.get(part.relation)
            if condition is None:
                continue
            path = literal(str(writer.folder / part.path))
            found = int(store.one(f"SELECT count(*) FROM read_parquet({path}) WHERE {condition}"))
            if found:
                rows[part.relation] = rows.get(part.relation, 0) + found
                changed[part.path] = _written(writer, store, [part], f"WHERE ({condition}) IS NOT TRUE")
        _swap(writer, changed)
        return Forgotten(rows, len(changed))


def compact(writer: Writer, store: Store, *, most: int = MOST_FILES) -> int:
    """Make one file of each month that has more than `most`; how many files went."""
    changed: dict[str, Part | None] = {}
    months = [part for part in writer.manifest.parts if part.month]
    months.sort(key=lambda part: (part.relation, part.month))
    for _, group in groupby(months, key=lambda part: (part.relation, part.month)):
        parts = list(group)
        if len(parts) > most:
            changed |= dict.fromkeys((part.path for part in parts), None)
            changed[parts[0].path] = _written(writer, store, parts, "")
    _swap(writer, changed)
    return len(changed)


def _all(writer: Writer) -> tuple[Part, ...]:
    return (*writer.manifest.parts, *writer.manifest.pending)


def _files(writer: Writer, parts: Sequence[Part]) -> str:
    listed = ", ".join(literal(str(writer.folder / part.path)) for part in parts)
    return f"[{listed}], hive_partitioning = false" if parts else ""


def _empty(relation: str) -> str:
    cells = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in BY_NAME[relation].columns)
    return f"SELECT {cells} WHERE FALSE"


def _written(writer: Writer, store: Store, parts: Sequence[Part], where: str) -> Part | None:
    """One new file with the rows of some files; None where no row is left."""
    grows = BY_NAME[parts[0].relation].grows
    order = "id" if grows else "ALL"
    draft = writer.draft()
    store.execute(
        f"COPY (SELECT * FROM read_parquet({_files(writer, parts)}) {where} ORDER BY {order}) TO {literal(str(draft))}"
        " (FORMAT parquet, COMPRESSION zstd)"
    )
    bounds = ", min(id), max(id)" if grows else ", 0, 0"
    row = store.execute(f"SELECT count(*){bounds} FROM read_parquet({literal(str(draft))})").fetchone()
    assert row is not None
    if not row[0] and grows:
        draft.unlink()
        return None
    return writer.place(draft, replace(parts[0], rows=int(row[0]), first_id=int(row[1] or 0), last_id=int(row[2] or 0)))


def _swap(writer: Writer, changed: dict[str, Part | None]) -> None:
    """Let new files take the place of old ones, all in one step."""
    if not changed:
        return

    def after(parts: tuple[Part, ...]) -> tuple[Part, ...]:
        found = (changed.get(part.path, part) for part in parts)
        return tuple(part for part in found if part is not None)

    manifest = writer.manifest
    writer.publish(replace(manifest, parts=after(manifest.parts), pending=after(manifest.pending)))
