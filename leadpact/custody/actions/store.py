"""The statements of the ledger, each for a whole batch. Only the actions of this room call them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from leadpact.custody.rules import chain
from leadpact.custody.rules.projection import COLUMNS as HOLDING_COLUMNS
from leadpact.custody.rules.projection import Held, held_from
from leadpact.kit.raw import cursor as raw_cursor

EntryRow = tuple[int | str | bytes | None, ...]

ENTRY_COLUMNS = (*chain.COLUMNS, "commitment", "previous", "hash")

_TYPES = {"hash": "bytea", "holder": "text", "state": "text", "verdict": "text", "cause": "text", "due_what": "text",
          "lapsed": "boolean", "seq": "integer", "attempts": "smallint", "offers": "smallint", "reason": "text",
          "refused_by": "jsonb"}  # fmt: skip

_TEXTS = ("move", "holder", "state", "actor", "agreement", "reason", "verdict", "cause", "due_what")
_ENTRY_TYPES = (
    dict.fromkeys(_TEXTS, "text")
    | dict.fromkeys(("commitment", "previous", "hash"), "bytea")
    | {"seq": "integer", "cause_seq": "integer"}
)

_SELECT = ", ".join(f"h.{name}" for name in HOLDING_COLUMNS)
_LOCK = f"SELECT {_SELECT} FROM custody_holding h WHERE h.lead_id = ANY($1) ORDER BY h.lead_id FOR NO KEY UPDATE"
_LOCK_WITH_SECRETS = (
    f"SELECT {_SELECT}, p.secret FROM custody_holding h JOIN leads_lead l ON l.id = h.lead_id"
    " JOIN leads_person p ON p.id = l.person_id WHERE h.lead_id = ANY($1) ORDER BY h.lead_id FOR NO KEY UPDATE OF h"
)
_SECRETS = "SELECT l.id, p.secret FROM leads_lead l JOIN leads_person p ON p.id = l.person_id WHERE l.id = ANY($1)"


def _unnest(columns: Sequence[str], types: Mapping[str, str], first: int) -> str:
    """SQL of rows whose columns are parameters, the first of them `$first`."""
    arrays = [f"${n}::{types.get(name, 'bigint')}[]" for n, name in enumerate(columns, first)]
    return f"unnest({', '.join(arrays)})"


_WRITE = (
    f"WITH e AS (INSERT INTO custody_entry ({', '.join(ENTRY_COLUMNS)}) SELECT * FROM"
    f" {_unnest(ENTRY_COLUMNS, _ENTRY_TYPES, 1)})"
    f" INSERT INTO custody_holding ({', '.join(HOLDING_COLUMNS)}) SELECT * FROM"
    f" {_unnest(HOLDING_COLUMNS, _TYPES, 1 + len(ENTRY_COLUMNS))} ON CONFLICT (lead_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in HOLDING_COLUMNS if name != "lead_id")
)
_WORDS = (
    "INSERT INTO custody_words (entry_id, sealed) SELECT e.id, w.sealed"
    " FROM unnest($1::bigint[], $2::int[], $3::bytea[]) AS w(lead_id, seq, sealed)"
    " JOIN custody_entry e ON e.lead_id = w.lead_id AND e.seq = w.seq"
)

_values = attrgetter(*HOLDING_COLUMNS)
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"'})


def lock_holdings(lead_ids: Sequence[int], *, with_secrets: bool) -> tuple[dict[int, Held], dict[int, bytes]]:
    """The holdings of these leads, locked in the order of leads; and their people's keys where words will be written."""
    secrets: dict[int, bytes] = {}
    with raw_cursor() as cursor:
        cursor.execute((_LOCK_WITH_SECRETS if with_secrets else _LOCK).encode(), (list(lead_ids),), prepare=True)
        found: list[Any] = cursor.fetchall()
        if with_secrets:
            secrets = {row[0]: bytes(row[-1]) for row in found}
            missing = [lead_id for lead_id in lead_ids if lead_id not in secrets]
            if missing:
                cursor.execute(_SECRETS, (missing,))
                rows: list[Any] = cursor.fetchall()
                secrets |= {lead_id: bytes(secret) for lead_id, secret in rows}
    return {row[0]: held_from(row) for row in found}, secrets


def write(rows: Sequence[EntryRow], holdings: Iterable[Held]) -> None:
    """Append rows of ENTRY_COLUMNS, and insert or overwrite the holdings that follow from them. One statement.

    The database checks chain, sequence and moves of all rows at once.
    """
    columns = list(zip(*map(_values, holdings), strict=True)) or [()] * len(HOLDING_COLUMNS)
    arrays = tuple(_ARRAYS.get(name, _plain)(column) for name, column in zip(HOLDING_COLUMNS, columns, strict=True))
    with raw_cursor() as cursor:
        cursor.execute(_WRITE.encode(), (*map(list, zip(*rows, strict=True)), *arrays), prepare=True)


# Array literals written here: a list's adaptation value by value would cost more than all the rest of a batch.
def _plain(values: Iterable[int | bool | None]) -> str:
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _text(values: Iterable[str]) -> str:
    return "{" + ",".join([f'"{value.translate(_ESCAPED)}"' if value else '""' for value in values]) + "}"


def _bytes(values: Iterable[bytes]) -> str:
    return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"


def _json(values: Iterable[list[list[int | str]]]) -> str:
    return _text(_encode(value) if value else "[]" for value in values)


_ARRAYS: dict[str, Callable[[Any], str]] = {
    name: {"text": _text, "bytea": _bytes, "jsonb": _json}.get(kind, _plain) for name, kind in _TYPES.items()
}


def add_words(sealed: Sequence[tuple[int, int, bytes]]) -> None:
    """Put sealed words beside their entries: (lead, seq, sealed)."""
    leads, seqs, texts = (list(column) for column in zip(*sealed, strict=True))
    with raw_cursor() as cursor:
        cursor.execute(_WORDS, (leads, seqs, texts))
