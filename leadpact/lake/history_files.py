"""Files as history: leads, touches and outcomes in the relations that replay and preview read.

What stands in a file is a fact from `known_at` on, or where there is no such column, from when the lead came in (touches:
from when they happened). A file of leads with `known_at` may hold a lead several times: each row replaces what was known
before it. Whose a lead is and which account it belongs to is taken as the file says last. A file tells attributes lead by
lead, so each is a fact of the lead, also what it says of the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leadpact.lake import facts as gathering
from leadpact.lake import relations
from leadpact.lake.cells import lookup
from leadpact.lake.facts import Facts
from leadpact.lake.problems import counted
from leadpact.lake.read import Table
from leadpact.lake.relations import FACTS, LABELS, LEADS, TOUCHES, WON
from leadpact.lake.store import Store, literal, quoted
from leadpact.language.needs import needs
from leadpact.language.nodes import Agreement, Form

CELL = (Form.TEXT, Form.NUMBER, Form.TRUTH, Form.WORDS)
NO_OLD_VALUES = (
    "{file} has no known_at, so no older values: attributes are judged with what the file has, "
    "as if it had been known from when each lead came in."
)
USUAL_BLAMES: Mapping[str, str] = {
    "not_now": "timing",
    "no_budget": "timing",
    "sponsor_left": "timing",
    "no_fit": "definition",
    "no_interest": "definition",
    "wrong_data": "data",
    "unreachable": "nobody",
}
"""What a reason blames where no agreement names it."""


@dataclass
class Loaded:
    """What came of the files. strangers: touches of no lead in the file; unsaid: rejections whose reason nobody explains."""

    leads: int = 0
    touches: int = 0
    labels: int = 0
    strangers: int = 0
    unsaid: int = 0
    notes: list[str] = field(default_factory=list)


def load_files(
    store: Store,
    *agreements: Agreement,
    leads: Table,
    touches: Table | None = None,
    outcomes: Table | None = None,
) -> Loaded:
    """Fill the relations from tables that were read into the store, with what these agreements read.

    Raises FileProblem when no touch belongs to a lead, or text cannot be kept.
    """
    relations.create(store)
    facts = Facts(store, as_of=0)
    wanted = [needs(agreement) for agreement in agreements]
    _leads(facts, sorted({name for needed in wanted for name, _ in needed.attributes}), leads)
    _touches(facts, sorted({name for needed in wanted for name, _ in needed.properties}), touches, leads)
    found = Loaded(facts.leads, facts.touches, strangers=facts.strangers, notes=facts.notes)
    if touches is None and any(needed.kinds is None or needed.kinds for needed in wanted):
        found.notes.append("no file of touches is given: lines about touches add nothing.")
    if outcomes is not None:
        _labels(found, store, outcomes, agreements)
    return found


# --- leads ------------------------------------------------------------------------------


def _leads(facts: Facts, fields: list[str], table: Table) -> None:
    """Leads, and a fact for each attribute of each row of theirs."""
    store = facts.store
    known = "coalesce(known_at, created_at)" if table.column("known_at") else "created_at"
    if not table.column("known_at"):
        facts.notes.append(NO_OLD_VALUES.format(file=table.path.name))
    store.execute(
        f"CREATE OR REPLACE TABLE versions AS SELECT *, TRUE AS is_known, {known} AS known, "
        f"count(*) OVER (PARTITION BY lead_id) AS rows_of_lead FROM {table.name} "
        f"QUALIFY row_number() OVER (PARTITION BY lead_id, {known} ORDER BY line) = 1"
    )
    person, account, joins = gathering.keys(facts, table)
    store.execute(
        f"CREATE OR REPLACE TABLE {gathering.LEADS} AS SELECT v.line, v.lead_id, "
        f"min(v.created_at) OVER (PARTITION BY v.lead_id) AS created_at, {person} AS person_key, {account} AS account_key "
        f"FROM versions v {' '.join(joins)} QUALIFY row_number() OVER (PARTITION BY v.lead_id ORDER BY v.known DESC) = 1"
    )
    store.execute(
        f"INSERT INTO {LEADS} SELECT lead_id, person_key, account_key, created_at, NULL FROM {gathering.LEADS}"
    )
    facts.leads = int(store.one(f"SELECT count(*) FROM {LEADS}"))
    for name in fields:
        source, made = gathering.attribute(facts, table, name, CELL)
        if made is not None:
            store.execute(
                f"INSERT INTO {FACTS} SELECT 'lead', v.lead_id, {literal(name)}, c.t, c.n, c.b, c.w, v.known, v.known "
                f"FROM versions v LEFT JOIN {made.name} c ON v.{quoted(source)} = c.raw "
                "WHERE c.t IS NOT NULL OR v.rows_of_lead > 1"
            )


# --- touches ----------------------------------------------------------------------------


def _touches(facts: Facts, properties: list[str], table: Table | None, leads: Table) -> None:
    if table is None:
        return
    store = facts.store
    facts.touches = int(store.one(f"SELECT count(*) FROM {table.name}"))
    lead = gathering.tie(facts, table, leads)
    kinds = lookup(store, "touch_kinds", table.name, "kind", (Form.TEXT,), label="kind")
    known = 'coalesce(t.known_at, t."at")' if table.column("known_at") else 't."at"'
    joins: list[str] = []
    cells: list[str] = []
    for place, name in enumerate(properties):
        source = gathering.property_column(table, name)
        if source is None:
            facts.notes.append(f"{name}: {table.path.name} has no such column, so touches asked for it never count.")
            continue
        made = lookup(store, f"props_{place}", table.name, source, CELL, label=name)
        # Each distinct value is written once as JSON; a touch only joins the pieces.
        store.execute(
            f"CREATE OR REPLACE TABLE pieces_{place} AS SELECT raw, CAST(to_json({literal(name)}) AS VARCHAR) || ':' || "
            f"CAST(to_json(struct_pack(t := t, n := n, b := b, w := w)) AS VARCHAR) AS piece FROM {made.name}"
        )
        joins.append(f"LEFT JOIN pieces_{place} p{place} ON t.{quoted(source)} = p{place}.raw")
        cells.append(f"p{place}.piece")
    told = f"'{{' || concat_ws(',', {', '.join(cells)}) || '}}'" if cells else "'{}'"
    identity = "coalesce(t.touch_id, 'line ' || t.line)" if table.column("touch_id") else "'line ' || t.line"
    store.execute(
        f"INSERT INTO {TOUCHES} SELECT {identity}, l.lead_id, l.person_key, l.account_key, k.t, "
        f't."at", {known}, {gathering.void_at(facts, table, known)}, {told} '
        f"FROM {table.name} t JOIN {kinds.name} k ON t.kind = k.raw {lead} {' '.join(joins)}"
    )


# --- answers ----------------------------------------------------------------------------


def _labels(found: Loaded, store: Store, outcomes: Table, agreements: tuple[Agreement, ...]) -> None:
    """Sales' final answers. Whoever became an opportunity, was won or lost had been qualified, recorded or not."""
    blames = dict(USUAL_BLAMES)
    for agreement in reversed(agreements):
        blames |= {reason.id: reason.blames for reason in agreement.recycle}
    has_reason = outcomes.column("reason") is not None
    reason = "CAST(reason AS VARCHAR)" if has_reason else "NULL"
    store.execute("CREATE OR REPLACE TABLE reasons (raw VARCHAR, blames VARCHAR)")
    if has_reason:
        raw = store.execute(f"SELECT DISTINCT {reason} FROM {outcomes.name} WHERE reason IS NOT NULL").fetchall()
        for (text,) in raw:
            plain = "_".join(text.casefold().replace("_", " ").replace("-", " ").split())
            if plain in blames:
                store.execute("INSERT INTO reasons VALUES (?, ?)", [text, blames[plain]])
    store.execute(
        f'INSERT INTO {LABELS} SELECT o.lead_id, CASE WHEN a."at" <= o."at" THEN a."at" END, o."at", '
        "CASE WHEN o.outcome = 'rejected' THEN 'rejected' ELSE 'qualified' END, "
        "CASE WHEN o.outcome = 'rejected' THEN r.blames END "
        f"FROM {outcomes.name} o JOIN {LEADS} l ON l.lead_id = o.lead_id "
        f'LEFT JOIN (SELECT lead_id, min("at") AS "at" FROM {outcomes.name} WHERE outcome = \'accepted\' GROUP BY lead_id) a '
        f"ON a.lead_id = o.lead_id LEFT JOIN reasons r ON r.raw = {reason.replace('reason', 'o.reason')} "
        "WHERE o.outcome <> 'accepted'"
    )
    store.execute(
        f'INSERT INTO {WON} SELECT o.lead_id, min(o."at") FROM {outcomes.name} o JOIN {LEADS} l ON l.lead_id = o.lead_id '
        "WHERE o.outcome = 'won' GROUP BY o.lead_id"
    )
    found.labels = int(store.one(f"SELECT count(DISTINCT lead_id) FROM {LABELS}"))
    found.unsaid = int(store.one(f"SELECT count(*) FROM {LABELS} WHERE answer = 'rejected' AND blames IS NULL"))
    strangers = int(store.one(f"SELECT count(*) FROM {outcomes.name} o ANTI JOIN {LEADS} l ON l.lead_id = o.lead_id"))
    if strangers:
        found.notes.append(
            f"{counted(strangers, 'outcome belongs', 'outcomes belong')} to no lead of the file of leads."
        )
    if found.unsaid:
        found.notes.append(
            f"{counted(found.unsaid, 'rejection gives', 'rejections give')} a reason that the agreement does not explain: "
            "they are not counted as the definition's fault."
        )
