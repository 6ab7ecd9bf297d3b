"""The two relations that a compiled agreement reads, made from our tables.

The compiler (`leadpact.language.to_sql`) knows nothing of tables: it reads `leads` and `touches`. Here they are common
table expressions over the leads room, narrowed to some leads, as of one instant. Two parameters, in this order: an array of
lead ids, and the instant; with `each`, an array of instants, one for each lead.

Two ways to see attributes: `now` reads the current cells beside each record; `then` reads the history of facts, which any
instant needs at which something was learnt later (late ticks, verdicts computed again).
"""

from __future__ import annotations

from typing import Any

from leadpact.language.history import OWN_FIRST
from leadpact.language.kinds import OURS
from leadpact.language.needs import column, leaves, queries
from leadpact.language.needs import needs as needs_of
from leadpact.language.nodes import ActivePeople, Agreement, Form

_WHOLE_OF_ITS_PERSON = (
    "counts_from IS NULL AND row_number() OVER (PARTITION BY person_key ORDER BY counts_from NULLS FIRST, lead_id) = 1"
)
_TABLES = {"person": "p", "account": "a", "lead": "l"}
_IDS = {"person": "l.person_id", "account": "firm.id", "lead": "l.id"}
"""By which facts are found as they were then."""
OWN_FIRST_SQL = f"ARRAY[{', '.join(repr(name) for name in sorted(OWN_FIRST))}]"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _form(cells: str, name: str, form: Form) -> str:
    """One form of one cell out of a JSON object of cells."""
    cell = f"{cells} -> {_text(name)}"
    match form:
        case Form.TEXT:
            return f"{cell} ->> 't'"
        case Form.WORDS:
            return f"COALESCE({cell} ->> 'w', ' ' || ({cell} ->> 't') || ' ')"
        case Form.NUMBER:
            return f"({cell} ->> 'n')::bigint"
        case Form.TRUTH:
            return f"({cell} ->> 'b')::boolean"


def trails(person: str, as_of: str) -> str:
    """SQL for the trails (id, tied_known_at) of a person as of an instant: mergers move trails, and may be undone."""
    return (
        f"SELECT id, tied_known_at FROM leads_visitor WHERE person_id = {person}"
        " AND NOT EXISTS (SELECT FROM leads_tie WHERE visitor_id = leads_visitor.id)"
        " UNION ALL SELECT c.visitor_id, c.known_at FROM"
        f" (SELECT DISTINCT visitor_id FROM leads_tie WHERE person_id = {person}) AS m CROSS JOIN LATERAL"
        " (SELECT visitor_id, person_id, known_at FROM leads_tie WHERE visitor_id = m.visitor_id"
        f" AND known_at <= {as_of} ORDER BY known_at DESC, id DESC LIMIT 1) AS c WHERE c.person_id = {person}"
    )


def _spans(person: str) -> str:
    """SQL for every trail (id, tied_known_at, until) that ever was a person's, each as long as it was known to be."""
    return (
        f"SELECT id, tied_known_at, NULL::bigint AS until FROM leads_visitor WHERE person_id = {person}"
        " AND NOT EXISTS (SELECT FROM leads_tie WHERE visitor_id = leads_visitor.id)"
        " UNION ALL SELECT visitor_id, known_at, until FROM (SELECT visitor_id, person_id, known_at,"
        " lead(known_at) OVER (PARTITION BY visitor_id ORDER BY known_at, id) AS until FROM leads_tie"
        f" WHERE visitor_id IN (SELECT visitor_id FROM leads_tie WHERE person_id = {person})) AS m WHERE person_id = {person}"
    )


def account_of(person: str, as_of: str) -> str:
    """SQL for the account that a person (an alias of `leads_person`) was known to be of as of an instant: what a merger gave is
    taken back where it is undone, and another may have come since.
    """
    return (
        f"COALESCE(CASE WHEN COALESCE({person}.account_known_at, 0) <= {as_of} THEN {person}.account_id END,"
        f" (SELECT gave_account_id FROM leads_merge WHERE survivor_id = {person}.id AND gave_account_id IS NOT NULL"
        f' AND "at" <= {as_of} AND undone_at > {as_of} ORDER BY "at" DESC LIMIT 1))'
    )


def people_of(account: str, first: str, last: str) -> str:
    """SQL for everybody (id, account_id, since, until) who was known to be of an account at some time from an instant to another;
    somebody who came and went comes once for each time.
    """
    return (
        "SELECT id, account_id, account_known_at AS since, NULL::bigint AS until FROM leads_person"
        f" WHERE account_id = {account} AND COALESCE(account_known_at, 0) <= {last}"
        ' UNION ALL SELECT survivor_id, gave_account_id, "at", undone_at FROM leads_merge'
        f' WHERE gave_account_id = {account} AND "at" <= {last} AND undone_at > {first}'
    )


def facts_of(scope: str, whose: str, as_of: str) -> str:
    """SQL condition on `leads_attributefact`: what is known of a record as of an instant, with who was merged into it."""
    one = f"subject = {_text(scope)}"
    if scope == "account":
        return f"{one} AND subject_id = {whose}"
    return (
        f"{one} AND subject_id = ANY(ARRAY[{whose}] || CASE WHEN EXISTS (SELECT FROM leads_merge)"
        f" THEN leads_merged_1({_text(scope)}, {whose}, {as_of}) END)"
    )


def _branch(
    agreement: Agreement, properties: str, whose: str,
    *, circle: bool, history: bool, each: bool, first: str, last: str, known: str,
) -> str:  # fmt: skip
    """The touches of some people that some line may count.

    first, last: SQL of the earliest and latest instant that is judged; what lies between is sorted out by the compiled query.
    OFFSET 0 keeps the order person → visitors → touches, each by its index. Left free, a planner with old statistics reads
    every touch there is for a batch of a hundred people.
    Whether any touch was ever withdrawn is asked once: mostly none was, and looking up each is a read of two pages.
    """
    own = "SELECT id, tied_known_at FROM leads_visitor WHERE person_id = w.person_key"
    around = each and circle  # leads of several instants look at these people
    if around:
        own = f"SELECT id, tied_known_at, until FROM ({_spans('w.person_key')}) AS ties"
    elif history:
        own = f"SELECT id, tied_known_at FROM ({trails('w.person_key', known)}) AS ties"
    wanted = _wanted(agreement, circle=circle)
    windows = list(wanted)
    where = [f'"at" <= {last}', "visitor_id = v.id"]
    if None not in windows:
        where.append(f'"at" > {first} - {max(windows, default=0)}::bigint')  # type: ignore[type-var]
    clauses = [
        f"({kinds})" if window is None else f'({kinds} AND "at" > {first} - {window}::bigint)'
        for window, kinds in wanted.items()
    ]
    where.append(f"({' OR '.join(clauses) or 'FALSE'})")
    return (
        'SELECT t.id AS touch_id, w.lead_id, w.person_key, w.account_key, t.kind, t."at",'
        f" GREATEST(t.known_at, v.tied_known_at{', w.placed_at' if around else ''}) AS known_at,"
        f" LEAST(t.void_at, x.known_at{', v.until, w.left_at' if around else ''}) AS void_at{properties}"
        f" FROM (SELECT * FROM people AS w WHERE {whose}) AS w"
        f" CROSS JOIN LATERAL ({own} OFFSET 0) AS v"
        ' CROSS JOIN LATERAL (SELECT id, kind, "at", known_at, void_at, cells FROM leads_touch'
        f" WHERE {' AND '.join(where)} OFFSET 0) AS t LEFT JOIN LATERAL (SELECT known_at FROM leads_touchvoid"
        " WHERE touch_id = t.id AND (SELECT EXISTS (SELECT FROM leads_touchvoid)) OFFSET 0) AS x ON TRUE"
        ' WHERE w.counts_from IS NULL OR t."at" > w.counts_from'
    )


def _wanted(agreement: Agreement, *, circle: bool) -> dict[int | None, str]:
    """Window → SQL on `kind`: which touches lines read; with `circle`, only those that count for the whole account."""
    kinds: dict[int | None, set[str]] = {}
    everybody: set[int | None] = set()
    for query in queries(agreement):
        if not circle or query.by == "account":
            kinds.setdefault(query.within, set()).update(query.kinds)
    for leaf in leaves(agreement):
        if isinstance(leaf, ActivePeople):
            if leaf.kinds:
                kinds.setdefault(leaf.within, set()).update(leaf.kinds)
            else:
                everybody.add(leaf.within)
    ours = ", ".join(_text(kind) for kind in sorted(OURS))
    said: dict[int | None, str] = {}
    for window in {*kinds, *everybody}:
        parts = []
        if window in kinds:
            parts.append(f"kind IN ({', '.join(_text(kind) for kind in sorted(kinds[window]))})")
        if window in everybody:
            parts.append(f"kind NOT IN ({ours})")
        said[window] = f"({' OR '.join(parts)})"
    return dict(sorted(said.items(), key=lambda pair: -1 if pair[0] is None else pair[0]))


def _people(account_touches: bool, *, history: bool, each: bool, first: str, last: str) -> list[tuple[str, str]]:
    """Whose touches are read: of each lead for itself, and of everybody at its account, once, for the account.

    A lead counts its person's touches from `counts_from` on, its account counts all of them: so the row of a second lead has
    no account, and its person comes again with those who have no lead here. Where a lead counts everything that its person
    did, one row serves both. With an instant for each lead none does: as of a colleague's something else was known of the
    person. A touch then counts for the account from `placed_at` until `left_at`, and while its trail was known to be the
    person's.
    """
    span = ", {}::bigint AS placed_at, {}::bigint AS left_at" if each else ""
    mine = "SELECT lead_id, person_key, {} AS account_key, counts_from, as_of" + span.format("NULL", "NULL")
    if not account_touches:
        return [("people", f"{mine.format('account_key')} FROM leads")]
    serves = "NULL::bigint" if each else f"CASE WHEN {_WHOLE_OF_ITS_PERSON} THEN account_key END"
    now, then = (
        "SELECT id, account_id FROM leads_person WHERE account_id = g.account_key",
        people_of("g.account_key", first, last),
    )
    people = (
        f"SELECT * FROM mine UNION ALL SELECT NULL, p.id, p.account_id, NULL, {last}::bigint"
        + span.format("p.since", "p.until")
        + " FROM (SELECT DISTINCT account_key FROM leads WHERE account_key IS NOT NULL) AS g"
        f" CROSS JOIN LATERAL ({then if history else now} OFFSET 0) AS p"
        " WHERE p.id NOT IN (SELECT person_key FROM mine WHERE account_key IS NOT NULL)"
    )
    return [("mine", f"{mine.format(serves)} FROM leads"), ("people", people)]


def relations(agreement: Agreement, *, history: bool, each: bool = False) -> list[tuple[str, str]]:
    """The stages (name, SQL) that stand before the compiled ones. Parameters are numbered $1 (ids) and $2 (as of)."""
    needs = needs_of(agreement)
    when = "q.as_of" if each else "$2"
    first, last = ("(SELECT min(as_of) FROM leads)", "(SELECT max(as_of) FROM leads)") if each else ("$2", "$2")
    scopes = sorted({field.split(".", 1)[0] for field, _ in needs.attributes})
    stages: list[tuple[str, str]] = []
    # Then, somebody was of an account only while that was known.
    account = "firm.id" if history else "p.account_id"
    columns = [
        "l.id AS lead_id",
        f"{when}::bigint AS as_of",
        "p.id AS person_key",
        f"{account} AS account_key",
        "l.counts_from",
    ]
    joins = [f"CROSS JOIN LATERAL (SELECT {account_of('p', when)} AS id) AS firm"] if history else []
    for scope in scopes:
        cells = f"{_TABLES[scope]}.cells"
        if history:
            cells = f"{scope}_then.cells"
            joins.append(
                f"LEFT JOIN LATERAL (SELECT jsonb_object_agg(f.field, f.cell) AS cells FROM (SELECT DISTINCT ON (field) field, cell"
                f" FROM leads_attributefact WHERE {facts_of(scope, _IDS[scope], when)}"
                f' AND "at" <= {when} AND known_at <= {when}'
                f" ORDER BY field, (subject_id = {_IDS[scope]} AND field = ANY({OWN_FIRST_SQL})) DESC,"
                ' "at" DESC, known_at DESC, (cell ->> \'t\') COLLATE "C" DESC NULLS LAST) AS f)'
                f" AS {scope}_then ON TRUE"
            )
        columns += [
            f"{_form(cells, field, form)} AS {_name(column(field, form))}"
            for field, form in needs.attributes
            if field.startswith(scope + ".")
        ]
    asked = " JOIN unnest($1::bigint[], $2::bigint[]) AS q (lead_id, as_of) ON q.lead_id = l.id" if each else ""
    leads = (
        f"SELECT {', '.join(columns)} FROM leads_lead AS l{asked} JOIN leads_person AS p ON p.id = l.person_id"
        f" LEFT JOIN leads_account AS a ON a.id = p.account_id {' '.join(joins)} WHERE l.id = ANY($1::bigint[])"
    )
    stages.append(("leads", leads))
    stages += _people(needs.account_touches, history=history, each=each, first=first, last=last)
    properties = "".join(
        f", {_form('t.cells', name, form)} AS {_name(column(name, form))}" for name, form in needs.properties
    )
    known = "w.as_of" if each else "$2"
    span: dict[str, Any] = {"first": first, "last": last, "known": known, "history": history, "each": each}
    own = _branch(agreement, properties, "w.lead_id IS NOT NULL", circle=False, **span)
    touches = own
    if needs.account_touches:
        # Of colleagues only what counts for the account is read: their price pages are nobody's but theirs.
        touches += " UNION ALL " + _branch(agreement, properties, "w.lead_id IS NULL", circle=True, **span)
    stages.append(("touches", touches))
    return stages
