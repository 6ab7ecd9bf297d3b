"""Leads and touches of files in the shape that a compiled agreement reads, as of one instant.

What stands in a file is a fact from `known_at` on, or where there is no such column, from when the lead came in. A file
of leads with `known_at` may hold a lead several times: the latest row that was known as of the instant counts.

Accounts are keyed by `account.id`, else by `account.domain` unless that is a free mailbox's. A lead that tells
something of its account but not which it is has an account of its own: its attributes count, and no other lead is in it.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from leadpact.lake.cells import Lookup, domain, lookup
from leadpact.lake.problems import FileProblem, counted
from leadpact.lake.read import Table
from leadpact.lake.store import Store, literal, quoted
from leadpact.language.builtin import free_mail
from leadpact.language.fold import cell
from leadpact.language.needs import Needs, column
from leadpact.language.nodes import Form

LEADS = "judged_leads"
TOUCHES = "judged_touches"
SQL_TYPES = {Form.TEXT: "VARCHAR", Form.WORDS: "VARCHAR", Form.NUMBER: "BIGINT", Form.TRUTH: "BOOLEAN"}
CORE = frozenset({"touch_id", "lead_id", "at", "known_at", "withdrawn_at"})


@dataclass(frozen=True, slots=True)
class Unknown:
    """How often an attribute could not be read in the form that the agreement asks for."""

    field: str
    form: Form
    leads: int
    unknown: int
    unreadable: int = 0
    example: str | None = None

    def __str__(self) -> str:
        share = f"{100 * self.unknown / self.leads:.0f}%" if self.leads else "0%"
        if not self.unreadable:
            return f"{self.field}: unknown for {counted(self.unknown, 'lead')} ({share})"
        kind = {Form.NUMBER: "a number", Form.TRUTH: "a yes or no"}.get(self.form, "text")
        return (
            f"{self.field}: unknown for {counted(self.unknown, 'lead')} ({share}); "
            f"{self.unreadable:,} of them say something that is not {kind}, such as {self.example!r}"
        )


@dataclass
class Facts:
    """Two relations in the store, `judged_leads` and `judged_touches`, and what was left out or unknown."""

    store: Store
    as_of: int
    leads: int = 0
    touches: int = 0
    strangers: int = 0
    unknown: list[Unknown] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lookups: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def lookup_name(self) -> str:
        """A name for one more table of folded values."""
        return f"cells_{next(self.lookups)}"


def latest(store: Store, tables: Iterable[Table]) -> int | None:
    """The newest instant in some tables; None when they hold none."""
    found: list[int] = []
    for table in tables:
        for ours in ("created_at", "known_at", "at"):
            if table.column(ours) or (ours == "at" and table.role == "outcomes"):
                value = store.one(f"SELECT max({quoted(ours)}) FROM {table.name}")
                if value is not None:
                    found.append(int(value))
    return max(found, default=None)


def gather(store: Store, needed: Needs, leads: Table, touches: Table | None, as_of: int) -> Facts:
    """Make both relations for an agreement's needs."""
    facts = Facts(store, as_of)
    _leads(facts, needed, leads)
    _touches(facts, needed, touches, leads)
    return facts


# --- leads ------------------------------------------------------------------------------


def _leads(facts: Facts, needed: Needs, table: Table) -> None:
    store, as_of = facts.store, facts.as_of
    known = f"coalesce(known_at, created_at) <= {as_of}" if table.column("known_at") else f"created_at <= {as_of}"
    order = "known_at DESC NULLS LAST, " if table.column("known_at") else ""
    store.execute(
        f"CREATE TABLE versions AS SELECT *, {known} AS is_known FROM {table.name} "
        f"QUALIFY row_number() OVER (PARTITION BY lead_id ORDER BY {known} DESC, {order}line) = 1"
    )
    facts.leads = int(store.one("SELECT count(*) FROM versions"))
    later = int(store.one("SELECT count(*) FROM versions WHERE NOT is_known"))
    if later:
        facts.notes.append(
            f"{counted(later, 'lead was', 'leads were')} not known yet as of the judgement: nothing is known of them then."
        )
    wanted: dict[str, tuple[Form, ...]] = {}
    for name, form in needed.attributes:
        wanted[name] = (*wanted.get(name, ()), form)
    lookups = {name: attribute(facts, table, name, forms) for name, forms in wanted.items()}
    joins: list[str] = []
    cells: list[str] = []
    for place, (name, found) in enumerate(lookups.items()):
        alias = f"a{place}"
        source, made = found
        if made is not None:
            joins.append(f"LEFT JOIN {made.name} {alias} ON v.is_known AND v.{quoted(source)} = {alias}.raw")
        for form in wanted[name]:
            value = f"{alias}.{form.value}" if made is not None else f"CAST(NULL AS {SQL_TYPES[form]})"
            cells.append(f"{value} AS {quoted(column(name, form))}")
    person, account, key_joins = keys(facts, table)
    store.execute(
        f"CREATE TABLE {LEADS} AS SELECT v.line, v.lead_id, v.created_at, CAST({as_of} AS BIGINT) AS as_of, "
        f"{person} AS person_key, {account} AS account_key{''.join(', ' + text for text in cells)} "
        f"FROM versions v {' '.join(key_joins)} {' '.join(joins)}"
    )
    _count_unknown(facts, wanted, lookups)


def attribute(facts: Facts, table: Table, name: str, forms: tuple[Form, ...]) -> tuple[str, Lookup | None]:
    """The source column of an attribute and its lookup; None when the file has no such column."""
    source, read = name, cell
    if table.column(name) is None and name == "person.email_domain" and table.column("person.email"):
        source, read = "person.email", domain
        facts.notes.append("person.email_domain is taken from person.email.")
    if table.column(source) is None:
        near = difflib.get_close_matches(name, [entry.ours for entry in table.columns], n=1, cutoff=0.75)
        hint = f" (the nearest is {near[0]}: --map {name}={near[0]} if it is the same)" if near else ""
        facts.notes.append(f"{name}: {table.path.name} has no such column, so it is unknown for every lead{hint}.")
        return source, None
    made = lookup(
        facts.store,
        facts.lookup_name(),
        "versions",
        source,
        tuple(dict.fromkeys((*forms, Form.TEXT))),
        read=read,
        label=name,
    )
    return source, made


def keys(facts: Facts, table: Table) -> tuple[str, str, list[str]]:
    """Expressions for the person's and the account's key, and the joins that they need."""
    store = facts.store
    joins: list[str] = []
    person = "v.lead_id"
    if table.column("person.email"):
        made = lookup(store, facts.lookup_name(), "versions", "person.email", (Form.TEXT,), label="person.email")
        joins.append(f"LEFT JOIN {made.name} pe ON v.{quoted('person.email')} = pe.raw")
        person = "coalesce(pe.t, v.lead_id)"
    choices: list[str] = []
    if table.column("account.id"):
        choices.append(f"WHEN v.{quoted('account.id')} IS NOT NULL THEN 'id:' || v.{quoted('account.id')}")
    if table.column("account.domain"):
        made = lookup(store, facts.lookup_name(), "versions", "account.domain", (Form.TEXT,), label="account.domain")
        free = ", ".join(literal(entry) for entry in free_mail())
        store.execute(f"DELETE FROM {made.name} WHERE t IN ({free})")
        joins.append(f"LEFT JOIN {made.name} ad ON v.{quoted('account.domain')} = ad.raw")
        choices.append("WHEN ad.t IS NOT NULL THEN 'domain:' || ad.t")
    told = [entry.ours for entry in table.columns if entry.ours.startswith("account.") and entry.ours != "account.id"]
    if told:
        something = " OR ".join(f"nullif(trim(CAST(v.{quoted(ours)} AS VARCHAR)), '') IS NOT NULL" for ours in told)
        choices.append(f"WHEN {something} THEN 'lead:' || v.lead_id")
    account = f"CASE WHEN NOT v.is_known THEN NULL {' '.join(choices)} END" if choices else "CAST(NULL AS VARCHAR)"
    return person, account, joins


def _count_unknown(
    facts: Facts, wanted: dict[str, tuple[Form, ...]], lookups: dict[str, tuple[str, Lookup | None]]
) -> None:
    store = facts.store
    for name, forms in wanted.items():
        source, made = lookups[name]
        # Where a number is asked for, whether there is some text says nothing more.
        for form in [form for form in forms if form is not Form.TEXT] or list(forms):
            missing = int(store.one(f"SELECT count(*) FROM {LEADS} WHERE {quoted(column(name, form))} IS NULL"))
            if not missing:
                continue
            unreadable, example = 0, None
            if made is not None and form in {Form.NUMBER, Form.TRUTH}:
                odd = f"FROM versions v JOIN {made.name} c ON v.{quoted(source)} = c.raw WHERE c.{form.value} IS NULL"
                unreadable = int(store.one(f"SELECT count(*) {odd}"))
                example = store.one(f"SELECT CAST(c.raw AS VARCHAR) {odd} ORDER BY v.line LIMIT 1")
            facts.unknown.append(Unknown(name, form, facts.leads, missing, unreadable, example))


# --- touches ----------------------------------------------------------------------------


def _touches(facts: Facts, needed: Needs, table: Table | None, leads: Table) -> None:
    store = facts.store
    fixed = "touch_id VARCHAR, lead_id VARCHAR, person_key VARCHAR, account_key VARCHAR, kind VARCHAR"
    if table is None:
        properties = "".join(f", {quoted(column(name, form))} {SQL_TYPES[form]}" for name, form in needed.properties)
        store.execute(f'CREATE TABLE {TOUCHES} ({fixed}, "at" BIGINT, known_at BIGINT, void_at BIGINT{properties})')
        if needed.kinds is None or needed.kinds:
            facts.notes.append("no file of touches is given: lines about touches add nothing.")
        return
    facts.touches = int(store.one(f"SELECT count(*) FROM {table.name}"))
    lead = tie(facts, table, leads)
    kinds = lookup(store, "touch_kinds", table.name, "kind", (Form.TEXT,), label="kind")
    wanted: dict[str, tuple[Form, ...]] = {}
    for name, form in needed.properties:
        wanted[name] = (*wanted.get(name, ()), form)
    known = 'coalesce(t.known_at, t."at")' if table.column("known_at") else 't."at"'
    where = [f't."at" <= {facts.as_of}', f"{known} <= {facts.as_of}"]
    if needed.horizon is not None:
        where.append(f't."at" > {facts.as_of - needed.horizon}')
    if needed.kinds is not None:
        listed = ", ".join(literal(kind) for kind in sorted(needed.kinds)) or "NULL"
        where.append(f"k.t IN ({listed})")
    joins: list[str] = []
    cells: list[str] = []
    for place, (name, forms) in enumerate(wanted.items()):
        source = property_column(table, name)
        if source is None:
            facts.notes.append(f"{name}: {table.path.name} has no such column, so touches asked for it never count.")
        else:
            made = lookup(store, f"props_{place}", table.name, source, forms, label=name)
            joins.append(f"LEFT JOIN {made.name} p{place} ON t.{quoted(source)} = p{place}.raw")
        for form in forms:
            value = f"p{place}.{form.value}" if source else f"CAST(NULL AS {SQL_TYPES[form]})"
            cells.append(f", {value} AS {quoted(column(name, form))}")
    identity = "coalesce(t.touch_id, 'line ' || t.line)" if table.column("touch_id") else "'line ' || t.line"
    store.execute(
        f"CREATE VIEW {TOUCHES} AS SELECT {identity} AS touch_id, l.lead_id, l.person_key, l.account_key, k.t AS kind, "
        f't."at", '
        f"{known} AS known_at, {void_at(facts, table, known)} AS void_at{''.join(cells)} "
        f"FROM {table.name} t JOIN {kinds.name} k ON t.kind = k.raw {lead} {' '.join(joins)} WHERE {' AND '.join(where)}"
    )


def property_column(table: Table, name: str) -> str | None:
    for wanted in (name, name.casefold(), name.casefold().removeprefix("properties.")):
        if table.column(wanted) and wanted not in CORE:
            return wanted
    return None


def void_at(facts: Facts, table: Table, known: str) -> str:
    """When the touch stopped counting: as soon as it was known to be a machine's, or when it was withdrawn."""
    parts: list[str] = []
    if table.column("automated"):
        made = lookup(facts.store, "touch_automated", table.name, "automated", (Form.TRUTH,), label="automated")
        yes = f"SELECT raw FROM {made.name} WHERE b"
        parts.append(f"CASE WHEN t.automated IN ({yes}) THEN {known} END")
    if table.column("withdrawn_at"):
        parts.append("t.withdrawn_at")
    return f"least({', '.join(parts)})" if len(parts) > 1 else (parts[0] if parts else "CAST(NULL AS BIGINT)")


def tie(facts: Facts, table: Table, leads: Table) -> str:
    """The join from a touch `t` to its lead `l`; touches of nobody in the file of leads are counted and listed."""
    store = facts.store
    if not table.column("email"):
        stranger = f"FROM {table.name} t ANTI JOIN {LEADS} l ON l.lead_id = t.lead_id"
        join = f"JOIN {LEADS} l ON l.lead_id = t.lead_id"
        named = "t.lead_id"
    else:
        if not leads.column("person.email"):
            raise FileProblem(
                f"{table.path} names leads by e-mail, and {leads.path} has no column of e-mail addresses: "
                "say which it is with --map leads:person.email=COLUMN, or give touches a lead_id."
            )
        mails = lookup(store, "touch_mails", table.name, "email", (Form.TEXT,), label="email")
        own = "t.lead_id" if table.column("lead_id") else "CAST(NULL AS VARCHAR)"
        # A person who came in twice: the touch belongs to the lead that was open then, else to the first one.
        store.execute(
            f"CREATE TABLE tied AS SELECT t.line, coalesce(max(l.lead_id), "
            'arg_max(m.lead_id, CASE WHEN m.created_at <= t."at" THEN m.created_at '
            "ELSE -m.created_at - 9000000000000000 END)) AS lead_id "
            f"FROM {table.name} t LEFT JOIN {LEADS} l ON l.lead_id = {own} LEFT JOIN {mails.name} e ON t.email = e.raw "
            f"LEFT JOIN {LEADS} m ON m.person_key = e.t GROUP BY t.line"
        )
        stranger = f"FROM {table.name} t JOIN tied USING (line) WHERE tied.lead_id IS NULL"
        join = f"JOIN tied ON tied.line = t.line JOIN {LEADS} l ON l.lead_id = tied.lead_id"
        named = f"coalesce({own}, t.email)"
    store.execute(
        f"CREATE TABLE strangers AS SELECT t.line, 'no lead of the file of leads is ' || {named} AS reason {stranger}"
    )
    facts.strangers = int(store.one("SELECT count(*) FROM strangers"))
    if facts.strangers:
        if facts.strangers == facts.touches:
            example = store.one("SELECT reason FROM strangers ORDER BY line LIMIT 1")
            raise FileProblem(
                f"{table.path}: none of its {counted(facts.touches, 'touch', 'touches')} belongs to a lead of {leads.path} "
                f"({example}). Say which columns name the lead with --map leads:lead_id=COLUMN --map touches:lead_id=COLUMN."
            )
        table.reject("SELECT line, reason FROM strangers")
        facts.touches -= facts.strangers
    return join
