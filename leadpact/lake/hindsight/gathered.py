"""Leads and touches as numbers, and what each touch counts for: the tables that `streams` reads.

    hs_leads    ix (accounts stand together), circle, first (the first judgement); no account where hs_stays tells it
    hs_stays    of leads whose person was not of one account always: of which (NULL: it stood alone) from when to when
    hs_flags    each distinct touch (kind and properties), with a flag for each measure that it counts for
    hs_own      touches of leads: what they count for themselves
    hs_circle   touches of circles: everybody at an account, once, or one lead that stands alone
    hs_facts    values of attributes by lead, its own and those of who was part of it; each until something ended it
    hs_mended   leads of which some value ended, or came from another
    hs_away     spans in which a lead is not judged

A circle's number is the `ix` of its first lead. A lead without an account, one that does not count all of its own
touches (`counts_from`), and one whose person came to an account later or left one (`placed`), has a circle of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from leadpact.lake.hindsight.measured import Columns, by_account
from leadpact.lake.relations import ASKED, AWAY, FACTS, JOINED, LEADS, PLACED, TOUCHES, ensure_beside
from leadpact.lake.store import Store, literal, quoted
from leadpact.language.needs import column, leaves, needs, queries
from leadpact.language.nodes import ActivePeople, Agreement, Form
from leadpact.language.sql_compare import answers
from leadpact.language.sql_measures import Counted, Faded, Measure, People, Source, kinds_of, match

BEGINNING, EVER = -(2**63) + 1, 2**62
"""Instants that never were and never come: the ends of what lasts for ever."""
HOUR = 3_600_000_000

_FORMS = {
    Form.TEXT: "json_extract_string({cell}, '$.t')",
    Form.WORDS: "coalesce(json_extract_string({cell}, '$.w'), ' ' || json_extract_string({cell}, '$.t') || ' ')",
    Form.NUMBER: "CAST(json_extract_string({cell}, '$.n') AS BIGINT)",
    Form.TRUTH: "CAST(json_extract_string({cell}, '$.b') AS BOOLEAN)",
}


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was gathered: the agreement's columns, the period, and how many leads."""

    store: Store
    agreement: Agreement
    columns: Columns
    start: int | None
    end: int
    leads: int

    @property
    def has_circles(self) -> bool:
        """Whether anything of an account's other people is read."""
        return any(map(by_account, self.columns.reads))


def gather(store: Store, agreement: Agreement, columns: Columns, *, start: int | None, end: int) -> Gathered:
    """Number leads and touches, and see once for each distinct touch what it counts for."""
    ensure_beside(store)
    _leads(store, start, end)
    gathered = Gathered(store, agreement, columns, start, end, int(store.one("SELECT count(*) FROM hs_leads")))
    _flags(gathered)
    _own(gathered)
    if gathered.has_circles:
        _circle(gathered)
    _facts(gathered)
    return gathered


def _leads(store: Store, start: int | None, end: int) -> None:
    first = "created_at" if start is None else f"greatest(created_at, {start})"
    store.execute(
        "CREATE OR REPLACE TEMP TABLE hs_leads AS SELECT *, "
        "CASE WHEN account_key IS NOT NULL AND shares "
        "THEN min(CASE WHEN shares THEN ix END) OVER (PARTITION BY account_key) ELSE ix END AS circle FROM ("
        "SELECT row_number() OVER (ORDER BY firm NULLS LAST, lead_id) - 1 AS ix, lead_id, person_key, firm AS account_key, placed, "
        f"coalesce(counts_from, {BEGINNING}) AS since, created_at, {first} AS first, counts_from IS NULL AND NOT placed AS shares "
        "FROM (SELECT l.*, p.person_key IS NOT NULL AS placed, CASE WHEN p.person_key IS NULL THEN account_key END AS firm "
        f"FROM {LEADS} l LEFT JOIN (SELECT DISTINCT person_key FROM {PLACED}) p USING (person_key) WHERE created_at <= {end}))"
    )
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE hs_stays AS WITH s AS (SELECT *, coalesce(lag(until) OVER w, {BEGINNING}) AS before "
        f"FROM {PLACED} WINDOW w AS (PARTITION BY person_key ORDER BY since)) "
        "SELECT l.*, x.account, x.begins, x.ends FROM ("
        "SELECT person_key, account_key AS account, since AS begins, until AS ends FROM s "
        "UNION ALL SELECT person_key, NULL, before, since FROM s WHERE before < since "
        f"UNION ALL SELECT person_key, NULL, max(until), {EVER} FROM s GROUP BY person_key HAVING max(until) < {EVER}) x "
        "JOIN hs_leads l USING (person_key)"
    )
    store.execute(
        "CREATE OR REPLACE TEMP TABLE hs_away AS SELECT l.ix, l.first, a.since, a.until "
        f"FROM {AWAY} a JOIN hs_leads l USING (lead_id)"
    )


# --- what touches count for -------------------------------------------------------------


def _flags(gathered: Gathered) -> None:
    """One row for each distinct touch that some measure reads, with `mN` (counts) and `gN` (distinct by)."""
    agreement, columns = gathered.agreement, gathered.columns
    source = Source(agreement, "duckdb", "", "", None, extras=False)
    with_properties = {kind for query in queries(agreement) if query.where or query.distinct for kind in query.kinds}
    told = f"CASE WHEN kind IN ({_texts(with_properties)}) THEN cells ELSE '' END" if with_properties else "''"
    names = list(dict.fromkeys(name for name, _ in needs(agreement).properties))
    cells = "".join(
        f", json_extract(nullif(told, ''), {literal('/' + name.replace('~', '~0').replace('/', '~1'))}) AS c{place}"
        for place, name in enumerate(names)
    )
    forms = "".join(
        f", {_FORMS[form].format(cell=f'c{names.index(name)}')} AS {quoted(column(name, form))}"
        for name, form in needs(agreement).properties
    )
    tested = ((name, test) for query in queries(agreement) for name, tests in query.where for test in tests)
    beside = "".join(f", {one.sql(dialect='duckdb', identify=True)}" for one in answers(tested, agreement, "duckdb"))
    flags: list[str] = []
    for place, measure in enumerate(columns.reads):
        asked: Measure = measure if isinstance(measure, Counted | People) else Faded(measure.query, 1)
        matches = match(source, asked, "alone").sql(dialect="duckdb", identify=True)
        kinds = kinds_of(asked)
        if kinds is not None:
            matches = f"kind IN ({_texts(set(kinds))}) AND ({matches})"
        flags.append(f", coalesce({matches}, FALSE) AS m{place}")
        if not isinstance(measure, People) and measure.query.distinct is not None:
            flags.append(f", {quoted(column(measure.query.distinct, Form.TEXT))} AS g{place}")
    circle_kinds = {kind for query in queries(agreement) if query.by == "account" for kind in query.kinds}
    flags.append(f", kind IN ({_texts(circle_kinds)}) AS counts_for_all")
    any_flag = " OR ".join(["counts_for_all", *(f"m{place}" for place in range(len(columns.reads)))])
    with gathered.store.hollow_columns():
        gathered.store.execute(
            f"CREATE OR REPLACE TEMP TABLE hs_flags AS SELECT * FROM (SELECT t.kind, t.told{''.join(flags)} "
            f"FROM (SELECT *{beside} FROM (SELECT kind, told{forms} FROM (SELECT kind, told{cells} "
            f"FROM (SELECT DISTINCT kind, coalesce({told}, '') AS told FROM {TOUCHES})))) AS t) WHERE {any_flag}"
        )
    gathered.store.execute(f"CREATE OR REPLACE TEMP MACRO hs_told(kind, cells) AS coalesce({told}, '')")


def _texts(values: set[str]) -> str:
    return ", ".join(literal(value) for value in sorted(values)) or "NULL"


def _any_flag(columns: Columns, *, circle: bool) -> str:
    flags = [f"f.m{place}" for place, measure in enumerate(columns.reads) if by_account(measure) is circle]
    return " OR ".join([*(["f.counts_for_all"] if circle else []), *flags]) or "FALSE"


def _flag_columns(columns: Columns, *, circle: bool) -> str:
    out = ""
    for place, measure in enumerate(columns.reads):
        if by_account(measure) is circle:
            out += f", f.m{place}"
            if not isinstance(measure, People) and measure.query.distinct is not None:
                out += f", f.g{place}"
    return out


def _own(gathered: Gathered) -> None:
    """Touches of each lead that a measure by person reads, and every instant at which something was learnt of a lead."""
    store = gathered.store
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE hs_own_all AS SELECT l.ix, l.first, t.kind, hs_told(t.kind, t.cells) AS told, "
        f't."at", t.known_at, t.void_at FROM {TOUCHES} t JOIN hs_leads l ON l.lead_id = t.lead_id WHERE t."at" > l.since'
    )
    store.execute(
        f'CREATE OR REPLACE TEMP TABLE hs_own AS SELECT t.ix, t.first, t."at", t.known_at, '
        f'greatest(t."at", t.known_at) AS start, coalesce(t.void_at, {EVER}) AS void'
        f"{_flag_columns(gathered.columns, circle=False)} "
        "FROM hs_own_all t JOIN hs_flags f ON f.kind = t.kind AND f.told = t.told "
        f"WHERE {_any_flag(gathered.columns, circle=False)}"
    )


def _circle(gathered: Gathered) -> None:
    """Touches of each circle: of accounts that count in full, of leads with a circle of their own, of leads alone."""
    store = gathered.store

    def columns(since: str = "NULL", until: str = "NULL") -> str:
        return (
            f't.kind, hs_told(t.kind, t.cells) AS told, t."at", greatest(t.known_at, {since}) AS known_at, '
            f'greatest(t."at", t.known_at, {since}) AS start, coalesce(least(t.void_at, {until}), {EVER}) AS void'
        )

    # What somebody did counts for an account while both were known to be of it; greatest() and least() pass over NULL.
    theirs = (
        'SELECT kind, cells, lead_id, person_key, "at", '
        "CASE WHEN w.since IS NULL THEN t.account_key ELSE w.account_key END AS account_key, "
        "greatest(t.known_at, w.since) AS known_at, least(t.void_at, w.until) AS void_at "
        f"FROM {TOUCHES} t LEFT JOIN {PLACED} w USING (person_key)"
    )
    own, same = "t.lead_id IS NOT DISTINCT FROM l.lead_id", "t.person_key IS NOT DISTINCT FROM l.person_key"
    people = "LEFT JOIN hs_people p ON p.person_key"
    parts = [
        (
            f"SELECT c.circle, p.person, {columns()} FROM ({theirs}) t "
            "JOIN (SELECT DISTINCT account_key, circle FROM hs_leads WHERE account_key IS NOT NULL AND shares) c "
            f"ON c.account_key = t.account_key {people} = t.person_key"
        ),
        (
            f"SELECT l.circle, p.person, {columns()} FROM ({theirs}) t "
            "JOIN (FROM hs_leads WHERE account_key IS NOT NULL AND NOT shares) l ON l.account_key = t.account_key "
            f'AND NOT ({own} AND t."at" <= l.since) {people} = t.person_key'
        ),
        (
            f"SELECT l.circle, 0 AS person, {columns()} FROM {TOUCHES} t "
            'JOIN (FROM hs_leads WHERE account_key IS NULL AND NOT placed) l ON l.lead_id = t.lead_id AND t."at" > l.since'
        ),
        # What its person did for it counts for a lead wherever it is, and what others did for it while it stands alone.
        (
            f"SELECT l.circle, p.person, {columns()} FROM {TOUCHES} t JOIN (FROM hs_leads WHERE placed) l "
            f'ON l.lead_id = t.lead_id AND t."at" > l.since AND {same} {people} = t.person_key'
        ),
        (
            f"SELECT l.circle, p.person, {columns('l.begins', 'l.ends')} FROM ({theirs}) t "
            "JOIN (FROM hs_stays WHERE account IS NOT NULL) l ON l.account = t.account_key "
            f'AND NOT ({own} AND ({same} OR t."at" <= l.since)) {people} = t.person_key'
        ),
        (
            f"SELECT l.circle, coalesce(p.person, 0) AS person, {columns('l.begins', 'l.ends')} FROM {TOUCHES} t "
            'JOIN (FROM hs_stays WHERE account IS NULL) l ON l.lead_id = t.lead_id AND t."at" > l.since '
            f"AND NOT {same} {people} = l.person_key"
        ),
    ]
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE hs_people AS SELECT person_key, row_number() OVER () AS person "
        f"FROM (SELECT DISTINCT person_key FROM {TOUCHES} WHERE person_key IS NOT NULL)"
    )
    store.execute(
        "CREATE OR REPLACE TEMP TABLE hs_circle AS SELECT t.* EXCLUDE (kind, told), f.counts_for_all"
        f"{_flag_columns(gathered.columns, circle=True)} FROM ({' UNION ALL '.join(parts)}"
        f") t JOIN hs_flags f ON f.kind = t.kind AND f.told = t.told WHERE {_any_flag(gathered.columns, circle=True)}"
    )


def _facts(gathered: Gathered) -> None:
    """Values by lead, of the fields that are read."""
    fields = sorted({leaf.field for leaf in gathered.columns.attributes})
    # What is said of an account is seen while the lead's person is known to be of it.
    stays = "LEFT JOIN (FROM hs_stays WHERE account IS NOT NULL) s ON s.ix = l.ix AND starts_with(f.field, 'account.')"
    told = "l.ix, l.first, {} AS at_account, f.field, f.t, f.n, f.b, coalesce(f.w, ' ' || f.t || ' ') AS w, f.\"at\", f.known_at"
    seen = told.format("coalesce(l.account_key, s.account) IS NOT NULL")
    wanted = f"f.field IN ({_texts(set(fields))})"
    of_account = f"f.subject = 'account' AND {wanted}"
    parts = [
        (
            f"SELECT {told.format('TRUE')}, f.known_at AS seen, {EVER} AS until, TRUE AS own "
            f"FROM {FACTS} f JOIN hs_leads l ON l.account_key = f.key WHERE {of_account}"
        ),
        (
            f"SELECT {told.format('TRUE')}, greatest(f.known_at, l.begins) AS seen, l.ends AS until, TRUE AS own "
            f"FROM {FACTS} f JOIN hs_stays l ON l.account = f.key WHERE {of_account}"
        ),
    ]
    # Instants at which something was learnt of a lead: of its own whatever it was, of its account what is read.
    learnt = [
        f"SELECT l.ix, f.known_at AS instant FROM {FACTS} f JOIN hs_leads l ON l.account_key = f.key WHERE {of_account}",
        (
            f"SELECT l.ix, greatest(f.known_at, l.begins) FROM {FACTS} f JOIN hs_stays l ON l.account = f.key "
            f"WHERE {of_account} AND f.known_at < l.ends"
        ),
    ]
    for subject, key in (("lead", "lead_id"), ("person", "person_key")):
        mine = f"{FACTS} f JOIN hs_leads l ON l.{key} = f.key"
        others = f"{FACTS} f JOIN {JOINED} j ON j.subject = f.subject AND j.part = f.key AND f.known_at < j.until"
        others += f" JOIN hs_leads l ON l.{key} = j.key"
        parts += [
            (
                f"SELECT {seen}, greatest(f.known_at, s.begins) AS seen, coalesce(s.ends, {EVER}) AS until, TRUE AS own "
                f"FROM {mine} {stays} WHERE f.subject = '{subject}' AND {wanted}"
            ),
            (
                f"SELECT {seen}, greatest(f.known_at, j.since, s.begins) AS seen, least(j.until, s.ends) AS until, FALSE AS own "
                f"FROM {others} {stays} WHERE f.subject = '{subject}' AND {wanted}"
            ),
        ]
        learnt += [
            f"SELECT l.ix, f.known_at FROM {mine} WHERE f.subject = '{subject}'",
            f"SELECT l.ix, unnest([greatest(f.known_at, j.since), j.until]) FROM {others} WHERE f.subject = '{subject}'",
        ]
    gathered.store.execute(f"CREATE OR REPLACE TEMP TABLE hs_facts AS {' UNION ALL '.join(parts)}")
    gathered.store.execute(
        f"CREATE OR REPLACE TEMP TABLE hs_mended AS SELECT DISTINCT ix FROM hs_facts WHERE NOT own OR until < {EVER}"
    )
    learnt.append("SELECT ix, unnest([begins, ends]) FROM hs_stays WHERE account IS NOT NULL")
    learnt.append(f'SELECT ix, a."at" FROM {ASKED} a JOIN hs_leads USING (lead_id)')
    learnt.append("SELECT ix, until FROM hs_away")
    learnt.append("SELECT ix, known_at FROM hs_own_all")
    learnt.append("SELECT ix, void_at FROM hs_own_all WHERE void_at IS NOT NULL")
    gathered.store.execute(f"CREATE OR REPLACE TEMP TABLE hs_learnt AS {' UNION ALL '.join(learnt)}")


def active_everywhere(agreement: Agreement) -> bool:
    """Whether some count of active people names kinds: then every touch of theirs that is counted has the circle judged."""
    return any(isinstance(leaf, ActivePeople) and leaf.kinds for leaf in leaves(agreement))
