"""History as relations, whatever it comes from: what replay and preview read.

    hist_leads    a lead: whose it is, since when, and from when on its touches count (`counts_from`, exclusive; NULL: ever).
                  `account_key`, here and in hist_touches: of whoever is in hist_placed, that says it instead
    hist_facts    a value that an attribute had from `at` on, as we learnt it at `known_at`; all cells NULL take it away.
                  `key` is the lead_id, person_key or account_key of hist_leads, as `subject` says
    hist_touches  a touch; `lead_id` NULL where it belongs to no lead. `cells` is a JSON object: property -> cell, a cell being
                  {"t": folded text, "n": number in millionths, "b": boolean, "w": words}, each key only where it is known
    hist_labels   what Sales finally answered to a hand-over that was no blind audit; may be empty
    hist_placed   an account that a person is known to be of from `since` until `until`, where that is not always so; several
                  that do not overlap, where mergers gave accounts and partings took them back; may be missing. Before, between
                  and after them the person stands alone, and its touches count for nobody else
    hist_returns  when a lead came back from Sales to Marketing, and from when on it may be handed over again (`until`; NULL: not
                  by itself); asleep: it rests until then, unless a fresh alternative of sales_ready wakes it; may be missing
    hist_framed   a lead in the frame of a week's blind audits, and in which stratum; may be missing
    hist_audits   who of them was drawn, when they went to Sales, what was answered (qualified, definition, timing; NULL where
                  nothing that counts), and whether they were handed over by themselves before; may be missing
    hist_won      when a lead was won; may be missing
    hist_joined   a record that was part of another (`part` of `key`) from `since` until `until`: its values count there, too
    hist_away     a lead that nobody judged from `since` until `until`, as its record was part of another
    hist_asked    an instant at which a lead was judged though nothing that counts for it was learnt: records beside it were joined
                  or parted, somebody was found to be of its account, or somebody there to be behind a trail

What a touch's row says holds from `known_at` until `void_at`: a touch that went from one record to another and back has a row
for each time. Where it says so a relation may be missing, and so may the last three. Nothing ever ends at 2^62.

Instants are microseconds since 1970, UTC. Loaders fill them: `history_files` from files, `history` from the lake.
"""

from __future__ import annotations

from leadpact.lake.store import Store

LEADS = "hist_leads"
FACTS = "hist_facts"
TOUCHES = "hist_touches"
LABELS = "hist_labels"
PLACED = "hist_placed"
RETURNS = "hist_returns"
FRAMED = "hist_framed"
AUDITS = "hist_audits"
WON = "hist_won"
JOINED = "hist_joined"
AWAY = "hist_away"
ASKED = "hist_asked"

COLUMNS = {
    LEADS: "lead_id VARCHAR, person_key VARCHAR, account_key VARCHAR, created_at BIGINT, counts_from BIGINT",
    FACTS: 'subject VARCHAR, key VARCHAR, field VARCHAR, t VARCHAR, n BIGINT, b BOOLEAN, w VARCHAR, "at" BIGINT, known_at BIGINT',
    TOUCHES: "touch_id VARCHAR, lead_id VARCHAR, person_key VARCHAR, account_key VARCHAR, kind VARCHAR, "
    '"at" BIGINT, known_at BIGINT, void_at BIGINT, cells VARCHAR',
    LABELS: 'lead_id VARCHAR, handed_at BIGINT, "at" BIGINT, answer VARCHAR, blames VARCHAR',
    PLACED: "person_key VARCHAR, account_key VARCHAR, since BIGINT, until BIGINT",
    RETURNS: 'lead_id VARCHAR, "at" BIGINT, until BIGINT, asleep BOOLEAN',
    FRAMED: "lead_id VARCHAR, week BIGINT, frozen_at BIGINT, stratum VARCHAR",
    AUDITS: "lead_id VARCHAR, week BIGINT, released_at BIGINT, answer VARCHAR, caught BOOLEAN",
    WON: 'lead_id VARCHAR, "at" BIGINT',
    JOINED: "subject VARCHAR, key VARCHAR, part VARCHAR, since BIGINT, until BIGINT",
    AWAY: "lead_id VARCHAR, since BIGINT, until BIGINT",
    ASKED: 'lead_id VARCHAR, "at" BIGINT',
}


def create(store: Store, *names: str) -> None:
    """Make the relations of these names, empty (all of them without names); what was there before goes."""
    for name in names or tuple(COLUMNS):
        store.execute(f"CREATE OR REPLACE TABLE {name} ({COLUMNS[name]})")


def ensure_beside(store: Store) -> None:
    """Make the relations of people that a loader may leave out: all are of their account always, and no records were joined."""
    ensure(store, PLACED, JOINED, AWAY, ASKED)


def ensure(store: Store, *names: str) -> None:
    """Make the relations of these names, empty, where a loader has nothing to say of them."""
    for name in names:
        store.execute(f"CREATE TABLE IF NOT EXISTS {name} ({COLUMNS[name]})")


def newest(store: Store) -> int | None:
    """The newest instant at which anything became known; None where there is nothing."""
    ensure_beside(store)
    asked = [
        f'SELECT max("at") AS m FROM {ASKED}',
        f"SELECT max(created_at) FROM {LEADS}",
        f"SELECT max(known_at) FROM {FACTS}",
        f"SELECT max(known_at) FROM {TOUCHES}",
        f"SELECT max(void_at) FROM {TOUCHES}",
    ]
    found = store.one(f"SELECT max(m) FROM ({' UNION ALL '.join(asked)})")
    return None if found is None else int(found)
