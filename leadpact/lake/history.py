"""The lake as the relations that replays read: leads, facts, touches, labels, returns, audits, and who was of which account when.

    hist_leads    lead_id, person_key, account_key, created_at, counts_from
    hist_facts    subject, key, field, t, n, b, w, at, known_at
    hist_touches  touch_id, lead_id, person_key, account_key, kind, at, known_at, void_at, cells
    hist_labels   lead_id, handed_at, at, answer, blames
    hist_outcomes lead_id, at, outcome (opportunity, won, lost), value in minor units
    hist_placed   person_key, account_key, since, until: who was not of one account from the beginning to the end
    hist_returns  lead_id, at, until, asleep
    hist_framed   lead_id, week, frozen_at, stratum
    hist_audits   lead_id, week, released_at, answer, caught
    hist_won      lead_id, at
    hist_joined, hist_away, hist_asked: what mergers did, and their undoing (`relations`)

Keys are text, instants are microseconds. A touch belongs to the lead of its person for which it counts: the latest whose
`counts_from` lies before it; a touch of somebody who has no lead carries its person and account only. It is known from when it
came, or from when its trail was tied to the person, whichever is later, until a merger or its undoing ties it to another.
"""

from __future__ import annotations

import json
from pathlib import Path

from leadpact.lake.exported import AGREEMENTS, BY_NAME
from leadpact.lake.manifest import Manifest, Part, reading
from leadpact.lake.problems import FileProblem
from leadpact.lake.store import Store, literal, quoted
from leadpact.language.canonical import load as load_canonical
from leadpact.language.fold import UNICODE_VERSION
from leadpact.language.nodes import Agreement

EVER = 2**62
OUTCOMES = ("opportunity_opened", "won", "lost")


def load(store: Store, folder: Path, *, until: int | None = None) -> None:
    """Make the relations in the store. until: what was learnt later, in microseconds, is left out.

    A lead comes in with its first verdict in the ledger (for what was imported: at the end of the import), not with what a file
    says of when it was made: earlier nobody knew of it.

    Raises FileProblem where there is no lake, no whole export, or a file is gone.
    """
    with reading(folder) as manifest:
        _views(store, folder, manifest)
        last = until if until is not None else 2**62
        _mergers(store, last)
        _leads(store, last)
        _placed(store)
        _around(store, last)
        _facts(store, last)
        _touches(store, last)
        _reasons(store)
        _labels(store, last)
        _audits(store, last)
        store.execute("DROP TABLE reasons")
        _returns(store, last)
        _outcomes(store, last)
        for name in BY_NAME:
            store.execute(f"DROP VIEW lake_{name}")
        for name in ("mergers", "placings", "homes"):
            store.execute(f"DROP TABLE {name}")


def agreement_of(folder: Path, *, at: int | None = None) -> Agreement:
    """The agreement in force at an instant, or as of the last export. Raises FileProblem where none was."""
    with reading(folder) as manifest, Store() as store:
        _view(store, folder, AGREEMENTS.name, manifest.of(AGREEMENTS.name))
        found = store.one(
            "SELECT canonical FROM lake_agreements WHERE effective_at <= $1 ORDER BY effective_at DESC, number DESC LIMIT 1",
            [at if at is not None else manifest.exported_at],
        )
    if found is None:
        raise FileProblem(f"The lake in {folder} has no agreement in force then: name a file with --agreement.")
    return load_canonical(found)


def exported_at(folder: Path) -> int:
    """As of when a lake is: what had been committed by then is in it. Raises FileProblem where there is none."""
    with reading(folder) as manifest:
        assert manifest.exported_at is not None  # `reading` refuses a lake without
        return manifest.exported_at


def folded_otherwise(folder: Path) -> list[str]:
    """A sentence where text in a lake was folded by other Unicode tables than this Python's (Meaning 5); else none."""
    with reading(folder) as manifest:
        others = [version for version in manifest.unicode if version != UNICODE_VERSION]
    told = (
        f"text in the lake was folded by Unicode {' and '.join(others)}, and this Python has {UNICODE_VERSION}: values with"
        " characters that only one of them knows may be judged otherwise. Replay with the Python that serves, to be sure."
    )
    return [told] if others else []


def judged(store: Store, folder: Path) -> None:
    """Make `hist_judged`: what the running system decided. lead_id, seq, at, before ("" at first), after, decided_by, agreement."""
    with reading(folder) as manifest:
        _view(store, folder, "ledger", manifest.of("ledger"))
        store.execute(
            'CREATE TABLE hist_judged AS SELECT CAST(lead_id AS VARCHAR) AS lead_id, seq, "at",'
            " coalesce(lag(verdict) OVER (PARTITION BY lead_id ORDER BY seq), '') AS before, verdict AS after,"
            " reason AS decided_by, agreement FROM lake_ledger WHERE move = 'judged'"
        )
        store.execute("DROP VIEW lake_ledger")


def _views(store: Store, folder: Path, manifest: Manifest) -> None:
    for name in BY_NAME:
        _view(store, folder, name, manifest.of(name))


def _view(store: Store, folder: Path, name: str, parts: tuple[Part, ...]) -> None:
    """A relation of the lake as the view lake_NAME; empty where it has no file."""
    if parts:
        files = ", ".join(literal(str(folder / part.path)) for part in parts)
        source = f"SELECT * FROM read_parquet([{files}], hive_partitioning = false)"
    else:
        cells = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(column)}" for column, kind in BY_NAME[name].columns)
        source = f"SELECT {cells} WHERE FALSE"
    store.execute(f"CREATE VIEW lake_{name} AS {source}")


def _leads(store: Store, until: int) -> None:
    store.execute(
        "CREATE TABLE hist_leads AS SELECT CAST(l.lead_id AS VARCHAR) AS lead_id, CAST(l.person_id AS VARCHAR) AS person_key,"
        " CAST(p.account_id AS VARCHAR) AS account_key, e.came AS created_at, l.counts_from"
        " FROM lake_leads l JOIN homes p USING (person_id)"
        ' JOIN (SELECT lead_id, coalesce(min("at") FILTER (move = \'judged\'), min("at")) AS came FROM lake_ledger'
        f" GROUP BY lead_id) e USING (lead_id) WHERE e.came <= {until}"
    )


def _mergers(store: Store, until: int) -> None:
    """Mergers as they were known by then, each with its end, and of which accounts people were, since and until when."""
    store.execute(
        "CREATE TEMPORARY TABLE mergers AS SELECT * EXCLUDE (undone_at),"
        f" CASE WHEN undone_at <= {until} THEN undone_at ELSE {EVER} END AS until"
        f' FROM lake_mergers WHERE "at" <= {until}'
    )
    # An account is found or told once; what a merger gave, its undoing takes back, and then another may come.
    store.execute(
        "CREATE TEMPORARY TABLE placings AS SELECT person_id, account_id, since,"
        f" CASE WHEN until <= {until} THEN until ELSE {EVER} END AS until FROM ("
        ' SELECT survivor_id AS person_id, gave_account_id AS account_id, "at" AS since, undone_at AS until'
        " FROM lake_mergers WHERE gave_account_id IS NOT NULL"
        " UNION ALL SELECT person_id, account_id, account_known_at, NULL FROM lake_people p WHERE account_id IS NOT NULL"
        " AND NOT EXISTS (FROM lake_mergers m WHERE m.survivor_id = p.person_id AND m.undone_at IS NULL"
        f" AND m.gave_account_id IS NOT NULL)) WHERE since <= {until}"
    )
    # The account of those who have been of it as long as they have been known; of all others, `hist_placed` says it.
    store.execute(
        "CREATE TEMPORARY TABLE homes AS SELECT p.person_id, a.account_id, a.person_id IS NULL AND p.person_id IN"
        " (SELECT person_id FROM placings) AS moves FROM lake_people p LEFT JOIN placings a"
        f" ON a.person_id = p.person_id AND a.since <= p.created_at AND a.until = {EVER}"
    )


def _around(store: Store, until: int) -> None:
    """What counted as whose while records were one, who was not judged then, and whom the loop judged at both ends: everybody
    around. So it does when somebody is found to be of an account, or to be behind a trail, whatever it holds.
    """
    held = " UNION ALL ".join(
        f"SELECT '{subject}' AS subject, {loser} AS part, {survivor} AS whole, \"at\" AS since, until FROM mergers"
        f" WHERE {loser} IS NOT NULL AND {survivor} IS NOT NULL"
        for subject, loser, survivor in (
            ("person", "loser_id", "survivor_id"),
            ("lead", "loser_lead_id", "survivor_lead_id"),
        )
    )
    # Somebody who joined one that joined another is part of that other while both stand.
    store.execute(
        f"CREATE TABLE hist_joined AS WITH RECURSIVE held AS ({held}), parts AS (SELECT * FROM held UNION ALL"
        " SELECT h.subject, p.part, h.whole, greatest(p.since, h.since), least(p.until, h.until) FROM parts p"
        " JOIN held h ON h.subject = p.subject AND h.part = p.whole"
        " WHERE greatest(p.since, h.since) < least(p.until, h.until))"
        " SELECT subject, CAST(whole AS VARCHAR) AS key, CAST(part AS VARCHAR) AS part, since, until FROM parts"
    )
    store.execute(
        'CREATE TABLE hist_away AS SELECT CAST(l.lead_id AS VARCHAR) AS lead_id, m."at" AS since, m.until'
        ' FROM mergers m JOIN lake_leads l ON l.person_id = m.loser_id WHERE m."at" < m.until'
    )
    store.execute(
        "CREATE TABLE hist_asked AS WITH ends AS (SELECT unnest([survivor_id, loser_id, survivor_id, loser_id]) AS person_id,"
        f' unnest(["at", "at", nullif(until, {EVER}), nullif(until, {EVER})]) AS "at" FROM mergers'
        " UNION ALL SELECT person_id, since FROM placings WHERE person_id IN (SELECT person_id FROM homes WHERE moves)"
        " UNION ALL SELECT person_id, t.tied_known_at FROM lake_ties t JOIN lake_people p USING (person_id)"
        f" WHERE t.tied_known_at > p.created_at AND t.tied_known_at <= {until}"
        f" UNION ALL SELECT person_id, known_at FROM lake_trail_moves WHERE known_at <= {until}),"
        ' around AS (SELECT person_id, "at" FROM ends UNION SELECT c.person_id, e."at" FROM ends e'
        ' JOIN placings p ON p.person_id = e.person_id AND e."at" BETWEEN p.since AND p.until'
        ' JOIN placings c ON c.account_id = p.account_id AND e."at" BETWEEN c.since AND c.until)'
        ' SELECT DISTINCT CAST(l.lead_id AS VARCHAR) AS lead_id, a."at" FROM around a JOIN lake_leads l USING (person_id)'
        ' WHERE a."at" IS NOT NULL'
    )


def _placed(store: Store) -> None:
    store.execute(
        "CREATE TABLE hist_placed AS SELECT CAST(person_id AS VARCHAR) AS person_key, CAST(account_id AS VARCHAR) AS account_key,"
        " since, until FROM placings WHERE person_id IN (SELECT person_id FROM homes WHERE moves)"
    )


def _facts(store: Store, until: int) -> None:
    store.execute(
        'CREATE TABLE hist_facts AS SELECT subject, CAST(subject_id AS VARCHAR) AS key, field, t, n, b, w, "at", known_at'
        f" FROM lake_facts WHERE known_at <= {until}"
    )


def _touches(store: Store, until: int) -> None:
    # A lead takes its person's touches from its beginning to that of the person's next lead.
    store.execute(
        "CREATE TEMPORARY TABLE lead_spans AS SELECT lead_id, person_key, coalesce(counts_from, -9223372036854775807) AS since,"
        " coalesce(lead(counts_from) OVER (PARTITION BY person_key ORDER BY counts_from NULLS FIRST, CAST(lead_id AS BIGINT)),"
        " 9223372036854775807) AS until FROM hist_leads"
    )
    # Whose a trail was: from a tie on until the next. Where no merger moved it there is one.
    store.execute(
        f"CREATE TEMPORARY TABLE tied AS SELECT visitor_id, person_id, tied_known_at AS since, {EVER} AS until, TRUE AS first"
        " FROM lake_ties WHERE visitor_id NOT IN (SELECT visitor_id FROM lake_trail_moves)"
        " UNION ALL SELECT visitor_id, person_id, known_at,"
        f" coalesce(lead(known_at) OVER (PARTITION BY visitor_id ORDER BY known_at, id), {EVER}),"
        " row_number() OVER (PARTITION BY visitor_id ORDER BY known_at, id) = 1"
        f" FROM lake_trail_moves WHERE known_at <= {until}"
    )
    known, gone = "greatest(t.known_at, v.since)", "least(t.void_at, x.known_at)"
    void = f"least({gone}, nullif(v.until, {EVER}))"
    store.execute(
        "CREATE TABLE hist_touches AS SELECT CAST(t.id AS VARCHAR) AS touch_id, s.lead_id,"
        ' CAST(v.person_id AS VARCHAR) AS person_key, CAST(p.account_id AS VARCHAR) AS account_key, t.kind, t."at",'
        f" {known} AS known_at, CASE WHEN {void} <= {until} THEN {void} END AS void_at, t.cells"
        " FROM lake_touches t JOIN tied v USING (visitor_id) JOIN homes p USING (person_id)"
        " LEFT JOIN lake_voids x ON x.touch_id = t.id"
        ' LEFT JOIN lead_spans s ON s.person_key = CAST(v.person_id AS VARCHAR) AND t."at" > s.since AND t."at" <= s.until'
        # What was withdrawn before a trail moved never was of whom it moved to.
        f" WHERE {known} <= {until} AND {known} < v.until"
        f" AND (v.first OR t.known_at >= v.since OR coalesce({gone}, {EVER}) > v.since)"
    )
    store.execute("DROP TABLE lead_spans")
    store.execute("DROP TABLE tied")


def _reasons(store: Store) -> None:
    """What each version of the agreement says that a reason blames."""
    store.execute("CREATE TEMPORARY TABLE reasons (agreement VARCHAR, reason VARCHAR, blames VARCHAR)")
    for hash_, text in store.execute("SELECT DISTINCT hash, canonical FROM lake_agreements").fetchall():
        for reason in load_canonical(text).recycle:
            store.execute("INSERT INTO reasons VALUES ($1, $2, $3)", [hash_, reason.id, reason.blames])


def _labels(store: Store, until: int) -> None:
    """Sales' final answers, with what their reasons blame. Answers to blind audits are no labels: they were drawn."""
    store.execute(
        "CREATE TABLE hist_labels AS"
        ' SELECT CAST(h.lead_id AS VARCHAR) AS lead_id, h."at" AS handed_at, h.answered_at AS "at", h.answer,'
        " CASE WHEN h.answer <> 'qualified' THEN coalesce(r.blames, 'nobody') END AS blames FROM lake_handoffs h"
        " LEFT JOIN reasons r ON r.agreement = h.agreement AND r.reason = h.reason"
        f" WHERE h.answer IS NOT NULL AND h.answered_at <= {until} AND h.cause <> 'audit'"
    )


def _audits(store: Store, until: int) -> None:
    """The frames of blind audits and who was drawn. An answer counts as tuning counted it; its reason says what it blamed."""
    store.execute(
        "CREATE TABLE hist_framed AS SELECT unnest(string_split(leads, ',')) AS lead_id, week, frozen_at, stratum"
        f" FROM lake_frames WHERE leads IS NOT NULL AND frozen_at <= {until}"
    )
    store.execute(
        "CREATE TABLE hist_audits AS SELECT CAST(a.lead_id AS VARCHAR) AS lead_id, a.week,"
        f" CASE WHEN a.released_at <= {until} THEN a.released_at END AS released_at,"
        f" CASE WHEN a.answered_at <= {until} AND a.answer = 1 THEN 'qualified'"
        f" WHEN a.answered_at <= {until} AND a.answer = 0 THEN coalesce(r.blames, 'timing') END AS answer, a.caught"
        " FROM lake_audits a JOIN (SELECT DISTINCT week, frozen_at FROM lake_frames) f USING (week)"
        " LEFT JOIN lake_handoffs h ON h.lead_id = a.lead_id AND h.cause = 'audit' AND h.\"at\" = a.released_at"
        " LEFT JOIN reasons r ON r.agreement = h.agreement AND r.reason = h.reason"
        f" WHERE f.frozen_at <= {until}"
    )


def _returns(store: Store, until: int) -> None:
    """When leads came back from Sales, as they stood when that transaction was done.

    A rest ends at its date, or a fresh alternative wakes the lead; a repair when it was repaired; without either a lead may go to
    Sales again at once. What was corrected did not happen, and what was closed did not come back.
    """
    store.execute(
        "CREATE TABLE hist_returns AS WITH e AS (SELECT *, lag(holder) OVER (PARTITION BY lead_id ORDER BY seq) AS was"
        f' FROM lake_ledger WHERE "at" <= {until}),'
        " back AS (SELECT lead_id, seq, \"at\" FROM e WHERE was = 'sales' AND holder = 'marketing'"
        " AND NOT EXISTS (FROM e c WHERE c.lead_id = e.lead_id AND c.move = 'corrected' AND c.cause_seq = e.seq)),"
        ' stood AS (SELECT b.lead_id, b."at", arg_max(e.state, e.seq) AS state, max(e.not_before) AS not_before'
        ' FROM back b JOIN e ON e.lead_id = b.lead_id AND e.seq >= b.seq AND e."at" = b."at"'
        " AND e.holder IN ('marketing', 'closed') GROUP BY ALL),"
        ' mended AS (SELECT s.lead_id, s."at", min(e."at") AS done FROM stood s JOIN e ON e.lead_id = s.lead_id'
        ' AND e.move = \'repaired\' AND e."at" >= s."at" GROUP BY ALL)'
        ' SELECT CAST(s.lead_id AS VARCHAR) AS lead_id, s."at",'
        " CASE s.state WHEN 'resting' THEN s.not_before WHEN 'repair' THEN m.done ELSE s.\"at\" END AS until,"
        " s.state = 'resting' AS asleep"
        ' FROM stood s LEFT JOIN mended m ON m.lead_id = s.lead_id AND m."at" = s."at"'
        " WHERE s.state IN ('lead', 'prospect', 'resting', 'repair')"
    )


def _outcomes(store: Store, until: int) -> None:
    """What became of leads in the sales funnel; what was corrected afterwards is left out."""
    store.execute(
        'CREATE TABLE hist_outcomes AS SELECT CAST(e.lead_id AS VARCHAR) AS lead_id, e."at",'
        " CASE e.move WHEN 'opportunity_opened' THEN 'opportunity' ELSE e.move END AS outcome, e.value FROM lake_ledger e"
        f' WHERE e.move IN {OUTCOMES!r} AND e."at" <= {until}'
        " AND NOT EXISTS (FROM lake_ledger c WHERE c.lead_id = e.lead_id AND c.move = 'corrected' AND c.cause_seq = e.seq)"
    )
    store.execute(
        'CREATE TABLE hist_won AS SELECT lead_id, min("at") AS "at" FROM hist_outcomes WHERE outcome = \'won\' GROUP BY lead_id'
    )


def figures(folder: Path) -> dict[str, object]:
    """What a lake holds, for `leadpact lake status`: rows, files, bytes and months by relation. Raises FileProblem."""
    with reading(folder) as manifest:
        relations = {
            name: {
                "rows": sum(part.rows for part in manifest.of(name)),
                "files": len(manifest.of(name)),
                "bytes": sum(part.bytes for part in manifest.of(name)),
                "months": sorted({part.month for part in manifest.of(name) if part.month}),
            }
            for name in BY_NAME
        }
        return json.loads(
            json.dumps(
                {
                    "folder": str(folder),
                    "exported_at": manifest.exported_at,
                    "until": manifest.until,
                    "relations": relations,
                }
            )
        )
