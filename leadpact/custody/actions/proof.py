"""Prove the ledger in one pass over all of it, and take a root that proves later that nothing was changed since."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, transaction

from leadpact.custody.rules import chain, merkle
from leadpact.custody.rules.audit import Playback
from leadpact.custody.rules.projection import COLUMNS, held_from
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import from_us
from leadpact.kit.places import data_directory, private_directory, write_private

FORM = 1
MOST_PROBLEMS = 100
_PATIENCE = 60.0
_CODES = len(chain.COLUMNS)


@dataclass(frozen=True, slots=True)
class Root:
    """What is exported: the Merkle root over the heads of all leads, counting entries up to `until_entry` (a row id)."""

    taken_at: int
    until_entry: int
    leads: int
    entries: int
    root: str
    form: int = FORM


@dataclass(slots=True)
class Proof:
    """What a pass over the ledger found. `problems` holds the first hundred; `found` counts all."""

    leads: int = 0
    entries: int = 0
    found: int = 0
    problems: list[str] = field(default_factory=list)
    against: str = ""

    @property
    def holds(self) -> bool:
        """Nothing wrong was found."""
        return self.found == 0

    def add(self, problems: list[str]) -> None:
        """Count problems and keep the first."""
        self.found += len(problems)
        self.problems += problems[: MOST_PROBLEMS - len(self.problems)]


_ENTRIES = (
    "SELECT e.id, "
    + ", ".join(f"e.{name}" for name in chain.COLUMNS)
    + ", e.commitment, e.previous, e.hash, "
    + ", ".join(f"h.{name}" for name in COLUMNS)
    + " FROM custody_entry e LEFT JOIN custody_holding h ON h.lead_id = e.lead_id ORDER BY e.lead_id, e.seq"
)
_HEADS = "SELECT id, lead_id, seq, hash FROM custody_entry WHERE id <= %s ORDER BY lead_id, seq"
_HELD_WITHOUT_ENTRIES = """
SELECT h.lead_id FROM custody_holding h WHERE NOT EXISTS (SELECT 1 FROM custody_entry e WHERE e.lead_id = h.lead_id) LIMIT 100
"""
_LEADS_WITHOUT_ENTRIES = """
SELECT l.id FROM leads_lead l WHERE NOT EXISTS (SELECT 1 FROM custody_entry e WHERE e.lead_id = l.id AND e.seq = 1) LIMIT 100
"""


def verify(*, against: Root | None = None, progress: Callable[[int], None] | None = None) -> Proof:
    """Play the whole ledger again, lead by lead, in one pass with a cursor on the server (memory does not grow).

    Proves for each lead: the sequence without a gap, the chain of hashes, time never going back (so that its spells cover
    the time from its first entry to now without gap or overlap), every move allowed, a clock on somebody, and the
    holding equal to what the entries led to; that every lead has entries; and, with `against`, that all heads
    of that time are still what they were. `progress` is told the number of entries read.
    """
    proof = Proof()
    tree = merkle.Tree()
    counted = 0
    head: tuple[int, bytes] | None = None
    playback: Playback | None = None
    stored: Any = None
    with transaction.atomic():
        for row in _stream(_ENTRIES, []):
            entry_id, lead_id, seq, entry_hash = row[0], row[1], row[2], bytes(row[_CODES + 3])
            if playback is None or playback.lead_id != lead_id:
                if playback is not None:
                    _finish(proof, playback, stored, tree, head)
                playback, head = Playback(lead_id), None
                stored = held_from(row[_CODES + 4 :]) if row[_CODES + 4] is not None else None
            commitment = row[_CODES + 1]
            playback.play(
                row[1 : _CODES + 1],
                bytes(commitment) if commitment is not None else None,
                bytes(row[_CODES + 2]),
                entry_hash,
            )
            proof.entries += 1
            if against is not None and entry_id <= against.until_entry:
                head, counted = (seq, entry_hash), counted + 1
            if progress is not None and proof.entries % 10_000 == 0:
                progress(proof.entries)
        if playback is not None:
            _finish(proof, playback, stored, tree, head)
        with connection.cursor() as cursor:
            cursor.execute(_HELD_WITHOUT_ENTRIES)
            proof.add([f"lead {lead} has a holding and no entries" for (lead,) in cursor.fetchall()])
            cursor.execute(_LEADS_WITHOUT_ENTRIES)
            proof.add([f"lead {lead} is held by nobody: it has no entries" for (lead,) in cursor.fetchall()])
    if against is not None:
        _compare(proof, against, tree, counted)
    return proof


def _finish(proof: Proof, playback: Playback, stored: Any, tree: merkle.Tree, head: tuple[int, bytes] | None) -> None:
    playback.compare(stored)
    proof.leads += 1
    proof.add(playback.problems)
    if head is not None:
        tree.add(merkle.leaf(playback.lead_id, *head))


def _compare(proof: Proof, against: Root, tree: merkle.Tree, counted: int) -> None:
    found = tree.root().hex()
    proof.against = found
    if (found, tree.leaves, counted) != (against.root, against.leads, against.entries):
        then = f"the root taken then was {against.root} over {against.leads:,} leads and {against.entries:,} entries"
        proof.add([f"{then}; now they give {found} over {tree.leaves:,} leads and {counted:,} entries"])


def take_root(*, at: int, patience: float = _PATIENCE) -> Root:
    """The root over the heads of all leads now. Waits until transactions that are under way have ended.

    Must run outside a transaction: it counts up to an entry below which no other can appear any more. Raises CannotDo
    where some transaction does not end within `patience` seconds.
    """
    if connection.in_atomic_block:
        raise RuntimeError("a root is taken outside a transaction")
    until = _settled(patience)
    tree = merkle.Tree()
    entries = 0
    last: tuple[int, int, bytes] | None = None
    with transaction.atomic():
        for _, lead_id, seq, entry_hash in _stream(_HEADS, [until]):
            if last is not None and last[0] != lead_id:
                tree.add(merkle.leaf(*last))
            last = (lead_id, seq, bytes(entry_hash))
            entries += 1
    if last is not None:
        tree.add(merkle.leaf(*last))
    return Root(taken_at=at, until_entry=until, leads=tree.leaves, entries=entries, root=tree.root().hex())


def _settled(patience: float) -> int:
    """The newest entry's id, once every transaction that could still add a lower one has ended."""
    deadline = time.monotonic() + patience
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(max(id), 0), pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM custody_entry"
        )
        until, horizon = cursor.fetchone()
        while True:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= %s", [horizon])
            if cursor.fetchone()[0]:
                return int(until)
            if time.monotonic() > deadline:
                raise CannotDo("A transaction has been open for a long time; try again when imports have ended.")
            time.sleep(0.05)


def _stream(query: str, parameters: list[object]) -> Iterator[tuple[Any, ...]]:
    """Rows of a query from a cursor on the server, 5,000 at a time."""
    assert connection.connection is not None
    with psycopg.ServerCursor(connection.connection, "custody_proof") as cursor:
        cursor.itersize = 5_000
        cursor.execute(query, parameters)  # type: ignore[arg-type]
        yield from cursor


def export_root(*, at: int) -> Path:
    """Take a root and write it to roots/DAY.json in the data directory, DAY in UTC. Returns the file."""
    root = take_root(at=at)
    folder = private_directory(data_directory() / "roots")
    path = folder / f"{from_us(at):%Y-%m-%d}.json"
    write_private(path, json.dumps(asdict(root), indent=2) + "\n")
    return path
