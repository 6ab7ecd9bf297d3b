"""Last year's files as one row a lead: when it came in, from where, and when each outcome first befell it.

Everything that the report says is counted from this one table, `reviewed`, so that figures on the page add up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from leadpact.lake.cells import lookup
from leadpact.lake.names import OUTCOMES
from leadpact.lake.problems import FileProblem, counted
from leadpact.lake.read import Table
from leadpact.lake.store import Store, literal, quoted
from leadpact.language.kinds import OURS
from leadpact.language.nodes import Form

DAY = 86_400_000_000
NOT_A_CONTACT = frozenset({"list.imported", "email.bounced", "seminar.invited", "webinar.invited"})
CONTACTS = tuple(sorted((OURS - NOT_A_CONTACT) | {"meeting.held", "call.answered"}))
NONE = -(2**62)
"""Stands for a missing instant in the arrays."""


@dataclass
class History:
    """The arrays have one entry a lead, in the order in which leads came in. Instants are microseconds, NONE where missing.

    rejected, qualified, pending: final answers to hand-offs, of which a lead may have had several: reason → how many
    rejections; how many were qualified, in so many words or by what followed; how many were accepted and no more.
    """

    store: Store
    created: NDArray[np.int64]
    source: NDArray[np.int64]
    sources: list[str]
    first: dict[str, NDArray[np.int64]]
    rejected: list[tuple[str, int]]
    qualified: int
    pending: int
    has_values: bool
    contacted: NDArray[np.int64] | None
    until: int
    strangers: int = 0
    blank_sources: int = 0
    has_source: bool = False
    only_after: list[str] = field(default_factory=list)

    @property
    def leads(self) -> int:
        return len(self.created)

    def has(self, outcome: str) -> bool:
        """Whether the files tell of this outcome at all."""
        return bool((self.first[outcome] != NONE).any())

    @property
    def reached(self) -> dict[str, NDArray[np.bool_]]:
        """Who got at least so far: who was won was qualified, recorded or not."""
        known = {outcome: self.first[outcome] != NONE for outcome in OUTCOMES}
        opportunity = known["opportunity"] | known["won"] | known["lost"]
        qualified = known["qualified"] | opportunity
        accepted = known["accepted"] | qualified
        return {
            "answered": accepted | known["rejected"],
            "accepted": accepted,
            "qualified": qualified,
            "opportunity": opportunity,
            "won": known["won"],
        }


def gather(store: Store, leads: Table, touches: Table | None, outcomes: Table | None) -> History:
    """Make `reviewed` and read it. Raises FileProblem when no outcome belongs to any lead."""
    _sources(store, leads)
    strangers = _outcomes(store, leads, outcomes)
    contacted = _contacts(store, leads, touches)
    firsts = ", ".join(f"o.{outcome}_at" for outcome in OUTCOMES)
    store.execute(
        "CREATE TABLE reviewed AS SELECT p.lead_id, p.created_at, p.source, "
        f"{firsts}, o.value, {'c.contacted_at' if contacted else 'CAST(NULL AS BIGINT) AS contacted_at'} "
        "FROM people p LEFT JOIN answers o USING (lead_id) "
        f"{'LEFT JOIN contacts c USING (lead_id)' if contacted else ''} ORDER BY p.created_at, p.lead_id"
    )
    return _read(store, leads, touches, outcomes, strangers)


def _sources(store: Store, leads: Table) -> None:
    """`people`: one row a lead; sources that differ only in case and blanks are one."""
    source = "CAST(NULL AS VARCHAR)"
    join = ""
    if leads.column("lead.source"):
        made = lookup(store, "source_cells", leads.name, "lead.source", (Form.TEXT,), label="lead.source")
        store.execute(
            "CREATE TABLE source_names AS SELECT t, arg_max(name, (many, name)) AS name FROM "
            f"(SELECT c.t, trim(CAST(l.{quoted('lead.source')} AS VARCHAR)) AS name, count(*) AS many "
            f"FROM {leads.name} l JOIN {made.name} c ON l.{quoted('lead.source')} = c.raw GROUP BY ALL) GROUP BY t"
        )
        source = "n.name"
        join = f"LEFT JOIN {made.name} c ON l.{quoted('lead.source')} = c.raw LEFT JOIN source_names n ON n.t = c.t"
    store.execute(
        f"CREATE TABLE people AS SELECT l.lead_id, l.created_at, {source} AS source FROM {leads.name} l {join} "
        "QUALIFY row_number() OVER (PARTITION BY l.lead_id ORDER BY l.line) = 1"
    )


def _outcomes(store: Store, leads: Table, outcomes: Table | None) -> int:
    """`answers`: the first and last instants of each outcome, and the value of what was won."""
    columns = ", ".join(f"{outcome}_at BIGINT" for outcome in OUTCOMES)
    if outcomes is None:
        store.execute(f"CREATE TABLE answers (lead_id VARCHAR, {columns}, value BIGINT, last_outcome VARCHAR)")
        return 0
    all_of_them = outcomes.kept
    strangers = outcomes.reject(
        f"SELECT o.line, 'no lead of the file of leads is ' || o.lead_id AS reason FROM {outcomes.name} o "
        "ANTI JOIN people p ON p.lead_id = o.lead_id"
    )
    if strangers == all_of_them:
        raise FileProblem(
            f"{outcomes.path}: none of its {counted(all_of_them, 'outcome')} belongs to a lead of {leads.path}. "
            "Say which columns name the lead with --map leads:lead_id=COLUMN --map outcomes:lead_id=COLUMN."
        )
    at = quoted("at")
    firsts = ", ".join(f"min({at}) FILTER (outcome = {literal(outcome)}) AS {outcome}_at" for outcome in OUTCOMES)
    value = "sum(value) FILTER (outcome = 'won')" if outcomes.column("value") else "NULL"
    store.execute(
        f"CREATE TABLE answers AS SELECT lead_id, {firsts}, CAST({value} AS BIGINT) AS value, "
        f"arg_max(outcome, ({at}, line)) AS last_outcome FROM {outcomes.name} GROUP BY lead_id"
    )
    return strangers


def _contacts(store: Store, leads: Table, touches: Table | None) -> bool:
    """`contacts`: when we first turned to the lead after it came in."""
    if touches is None:
        return False
    made = lookup(store, "contact_kinds", touches.name, "kind", (Form.TEXT,), label="kind")
    kinds = ", ".join(literal(kind) for kind in CONTACTS)
    at = f"t.{quoted('at')}"
    if touches.column("lead_id"):
        who = "t.lead_id = p.lead_id"
        join = f"JOIN people p ON {who}"
    else:
        if not leads.column("person.email"):
            return False
        a = lookup(store, "lead_mails", leads.name, "person.email", (Form.TEXT,), label="person.email")
        b = lookup(store, "contact_mails", touches.name, "email", (Form.TEXT,), label="email")
        join = (
            f"JOIN {b.name} b ON t.email = b.raw JOIN {a.name} a ON a.t = b.t "
            f"JOIN {leads.name} l ON l.{quoted('person.email')} = a.raw JOIN people p ON p.lead_id = l.lead_id"
        )
    store.execute(
        f"CREATE TABLE contacts AS SELECT p.lead_id, min({at}) AS contacted_at FROM {touches.name} t "
        f"JOIN {made.name} k ON t.kind = k.raw {join} WHERE k.t IN ({kinds}) AND {at} >= p.created_at GROUP BY p.lead_id"
    )
    return bool(store.one("SELECT count(*) FROM contacts"))


def _read(store: Store, leads: Table, touches: Table | None, outcomes: Table | None, strangers: int) -> History:
    rows = store.execute(
        "SELECT * EXCLUDE (lead_id) REPLACE (coalesce(source, '') AS source) FROM reviewed ORDER BY created_at, lead_id"
    ).fetchnumpy()

    def instants(name: str) -> NDArray[np.int64]:
        found = rows[name]
        if isinstance(found, np.ma.MaskedArray):
            return found.filled(NONE).astype(np.int64)
        return (
            np.where(np.isnan(found), NONE, found).astype(np.int64)
            if found.dtype.kind == "f"
            else found.astype(np.int64)
        )

    names = [str(name) for name in rows["source"]]
    sources = sorted(set(names))
    place = {name: index for index, name in enumerate(sources)}
    first = {outcome: instants(f"{outcome}_at") for outcome in OUTCOMES}
    created = instants("created_at")
    ends = [int(created.max()), *(int(times.max()) for times in first.values())]
    if touches is not None:
        ends.append(int(store.one(f"SELECT max({quoted('at')}) FROM {touches.name}") or NONE))
    contacted = instants("contacted_at")
    return History(
        store,
        created,
        np.array([place[name] for name in names], dtype=np.int64),
        sources,
        first,
        *_hand_offs(store, outcomes),
        bool(store.one("SELECT count(*) FROM answers WHERE value IS NOT NULL")),
        contacted if (contacted != NONE).any() else None,
        max(ends),
        strangers,
        names.count(""),
        leads.column("lead.source") is not None,
        _only_after(outcomes),
    )


def _hand_offs(store: Store, outcomes: Table | None) -> tuple[list[tuple[str, int]], int, int]:
    """Final answers, one a hand-off: rejections by reason, qualified ones, and those still waiting for one."""
    if outcomes is None:
        return [], 0, 0
    reason = "coalesce(CAST(reason AS VARCHAR), '')" if outcomes.column("reason") else "''"
    rejected = store.execute(
        f"SELECT {reason} AS why, count(*) FROM {outcomes.name} WHERE outcome = 'rejected' GROUP BY why ORDER BY 2 DESC, 1"
    ).fetchall()
    said = int(store.one(f"SELECT count(*) FROM {outcomes.name} WHERE outcome = 'qualified'"))
    further = "coalesce(opportunity_at, won_at, lost_at) IS NOT NULL"
    implied = int(store.one(f"SELECT count(*) FROM answers WHERE qualified_at IS NULL AND {further}"))
    pending = int(store.one("SELECT count(*) FROM answers WHERE last_outcome = 'accepted'"))
    return [(str(why), int(many)) for why, many in rejected], said + implied, pending


def _only_after(outcomes: Table | None) -> list[str]:
    """Columns of a file of wins that describe the lead: known for those that were won only, so they explain nothing."""
    if outcomes is None:
        return []
    kinds = int(outcomes.store.one(f"SELECT count(DISTINCT outcome) FROM {outcomes.name}"))
    if kinds > 1:
        return []
    return [column.ours for column in outcomes.columns if column.why == "kept" and not column.ours.endswith("_id")]
