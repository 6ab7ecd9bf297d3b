"""What people, accounts and leads know: read, taught by a batch in memory, and written once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.fold import Cell, cell_to_json


class Record(Struct):
    """A person, an account or a lead in memory: what it holds now, and which facts the batch adds."""

    subject: str
    id: int
    traits: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, Any] = field(default_factory=dict)
    facts: list[tuple[str, dict[str, Any], int]] = field(default_factory=list)
    is_new: bool = False
    changed: bool = False
    learnt: set[str] = field(default_factory=set)

    def learn(self, raw: Mapping[str, Any], cells: Mapping[str, Cell], *, at: int, trusted: bool) -> None:
        """Add what an arrival says at an instant. A repeated value is no new fact; an older one does not win."""
        for name, value in cells.items():
            now = self.cells.get(name)
            if now is not None and (not trusted or now.get("t") == value.text):
                continue
            told = cell_to_json(value)
            self.facts.append((name, told, at))
            # As history is read (`language.history`): by instant, then by when it was learnt, then by text.
            same = now is not None and at == now["at"] and name in self.learnt
            if now is None or ((value.text or "") >= (now.get("t") or "") if same else at >= now["at"]):
                self.cells[name] = {**told, "at": at}
                self.traits[name] = raw.get(name, value.text)
                self.learnt.add(name)
            self.changed = True


class PersonRecord(Record):
    """A person in memory."""

    account_id: int | None = None
    email: str | None = None
    email_verified: bool = True
    opted_out: bool = False


def write_traits(records: Iterable[Record], *, known_at: int) -> None:
    """Write what people, accounts and leads learnt: one statement for the facts, one for each kind of record.

    New records are inserted with what they know already (`is_new`): only their facts are written here.
    """
    records = list(records)
    facts = [(r.subject, r.id, name, dump(told), at) for r in records for name, told, at in r.facts]
    if not any(r.changed for r in records):
        return
    with raw_cursor() as cursor:
        if facts:
            cursor.execute(
                "INSERT INTO leads_attributefact (subject, subject_id, field, cell, at, known_at)"
                " SELECT s, i, f, c::jsonb, a, $6 FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])"
                " AS n (s, i, f, c, a)",
                (*columns(facts, 5), known_at),
                prepare=True,
            )
        people = [r for r in records if isinstance(r, PersonRecord) and r.changed and not r.is_new]
        if people:
            cursor.execute(
                "UPDATE leads_person AS p SET account_id = n.a, email = n.e, email_verified = n.v, opted_out = n.o,"
                " traits = n.t::jsonb, cells = n.c::jsonb, name = n.nm, title = n.ti, phone = n.ph, account_known_at ="
                " CASE WHEN p.account_id IS NULL AND n.a IS NOT NULL THEN $11 ELSE p.account_known_at END"
                " FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::boolean[], $5::boolean[], $6::text[], $7::text[],"
                " $8::text[], $9::text[], $10::text[]) AS n (i, a, e, v, o, t, c, nm, ti, ph) WHERE p.id = n.i",
                (*columns([person_row(p) for p in people], 10), known_at),
                prepare=True,
            )
        for subject, name_of in (("account", account_name), ("lead", None)):
            changed = [r for r in records if r.subject == subject and r.changed and not r.is_new]
            if not changed:
                continue
            set_name = ", name = n.nm" if name_of else ""
            cursor.execute(
                (
                    f"UPDATE leads_{subject} AS r SET traits = n.t::jsonb, cells = n.c::jsonb{set_name}"
                    " FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS n (i, t, c, nm) WHERE r.id = n.i"
                ).encode(),
                columns(
                    [(r.id, dump(r.traits), dump(r.cells), name_of(r.traits) if name_of else "") for r in changed], 4
                ),
                prepare=True,
            )


def person_row(p: PersonRecord) -> tuple[Any, ...]:
    return (
        p.id, p.account_id, p.email, p.email_verified, p.opted_out, dump(p.traits), dump(p.cells),
        _full_name(p.traits), _said(p.traits, "person.title", 300), _said(p.traits, "person.phone", 40),
    )  # fmt: skip


def columns(rows: Sequence[tuple[Any, ...]], width: int) -> tuple[list[Any], ...]:
    """Rows turned into columns, for unnest."""
    return tuple([row[i] for row in rows] for i in range(width))


def load(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text) if text != "{}" else {}


def dump(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _said(traits: Mapping[str, Any], name: str, limit: int) -> str:
    return str(traits.get(name) or "")[:limit]


def _full_name(traits: Mapping[str, Any]) -> str:
    whole = _said(traits, "person.name", 300)
    if whole:
        return whole
    return " ".join(x for x in (_said(traits, "person.first_name", 150), _said(traits, "person.last_name", 149)) if x)


def account_name(traits: Mapping[str, Any]) -> str:
    return _said(traits, "account.name", 300)
