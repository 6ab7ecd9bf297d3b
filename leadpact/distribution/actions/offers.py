"""Offers: opened with their reason when the ledger hands a lead over, ended by what the ledger says next."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from leadpact.custody.actions import Recorded
from leadpact.distribution.rules.routing import SERVED_BY_ONE, Choice
from leadpact.kit.raw import cursor as raw_cursor

OPENS = frozenset({"handed_over", "recalled", "reassigned"})
# How an offer ends, by the move that ended it; any other move that took the lead away withdrew it.
ENDS = {"accepted": "accepted", "rejected": "rejected", "recalled": "recalled", "reassigned": "reassigned"}

_END = """
UPDATE distribution_offer o SET ended_at = GREATEST(n.at, o.offered_at), outcome = n.outcome
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS n (lead_id, at, outcome)
WHERE o.lead_id = n.lead_id AND o.ended_at IS NULL
"""
_OPEN = """
INSERT INTO distribution_offer (lead_id, seq, salesperson_id, offered_at, due, outcome, why)
SELECT lead_id, seq, salesperson_id, at, due, '', why
FROM json_to_recordset($1::json) AS n (lead_id bigint, seq integer, salesperson_id bigint, at bigint, due bigint, why jsonb)
ORDER BY lead_id
"""
_REOPEN = """
UPDATE distribution_offer SET ended_at = NULL, outcome = '', due = $2
WHERE id = (SELECT id FROM distribution_offer WHERE lead_id = $1 ORDER BY id DESC LIMIT 1)
"""
# Additive, so that two batches that route at once both count; lifted first where somebody was away or is new.
_SHARES = """
WITH n AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS x (user_id, level, more))
INSERT INTO distribution_share AS s (user_id, served) SELECT user_id, level + more FROM n ORDER BY user_id
ON CONFLICT (user_id) DO UPDATE SET served =
    GREATEST(s.served, (SELECT level FROM n WHERE n.user_id = excluded.user_id))
    + (SELECT more FROM n WHERE n.user_id = excluded.user_id)
"""


def open_offers(*, recorded: Sequence[Recorded], choices: Mapping[int, Choice]) -> None:
    """Open an offer for each hand-over, recall or reassignment of an offered lead; end the one before.

    Three statements at most, whatever the number. `choices` are those the salespeople were chosen by; their shares are
    counted now.
    """
    offered = [entry for entry in recorded if entry.move in OPENS and entry.state == "offered"]
    if not offered:
        return
    end_offers(recorded=offered)
    rows = [
        {
            "lead_id": entry.lead_id, "seq": entry.seq, "salesperson_id": entry.salesperson_id, "at": entry.at,
            "due": entry.due, "why": choices[entry.lead_id].why if entry.lead_id in choices else {},
        }
        for entry in offered
    ]  # fmt: skip
    with raw_cursor() as cursor:
        cursor.execute(_OPEN, (json.dumps(rows),), prepare=True)
    count_shares(
        [choices[entry.lead_id] for entry in offered if entry.lead_id in choices], getattr(choices, "levels", {})
    )


def end_offers(*, recorded: Sequence[Recorded]) -> None:
    """End the open offers of leads that an entry took away from where they were offered. Harmless to repeat."""
    ended = {
        entry.lead_id: (entry.at, ENDS.get(entry.move, "withdrawn"))
        for entry in recorded
        if entry.previous_state == "offered" and (entry.state != "offered" or entry.move in OPENS)
    }
    if not ended:
        return
    with raw_cursor() as cursor:
        cursor.execute(
            _END,
            (list(ended), [at for at, _ in ended.values()], [outcome for _, outcome in ended.values()]),
            prepare=True,
        )


def reopen_offer(*, lead_id: int, due: int | None) -> None:
    """Open a lead's last offer again: the answer to it was taken back."""
    with raw_cursor() as cursor:
        cursor.execute(_REOPEN, (lead_id, due))


def count_shares(choices: Iterable[Choice], levels: Mapping[int, int]) -> None:
    """Count leads in the shares of whoever got them, after lifting those who were away."""
    more: Counter[int] = Counter()
    for choice in choices:
        more[choice.salesperson_id] += SERVED_BY_ONE // max(choice.weight, 1)
    users = sorted({*more, *levels})
    if users:
        with raw_cursor() as cursor:
            cursor.execute(
                _SHARES, (users, [levels.get(user, 0) for user in users], [more[user] for user in users]), prepare=True
            )
