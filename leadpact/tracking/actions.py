"""What the ledger says of the market, kept as opportunities; and spend."""

from __future__ import annotations

from collections.abc import Sequence

from leadpact.custody.actions import Recorded
from leadpact.kit.raw import cursor as raw_cursor

GONE = frozenset({"merged_into", "erased"})


def follow_market(*, recorded: Sequence[Recorded], at: int) -> None:
    """Open, win and lose opportunities as the ledger says. At most three statements, whatever the batch."""
    opened = [r for r in recorded if r.move in {"opportunity_opened", "won"}]
    # A merged or erased opportunity is neither won nor lost: it is closed and counts in neither.
    closed = [
        r for r in recorded if r.move in {"won", "lost"} or (r.move in GONE and r.previous_state == "opportunity")
    ]
    undone = [
        r.lead_id
        for r in recorded
        if (r.move == "corrected" and r.previous_state in {"won", "lost", "opportunity"})
        or (r.move == "unmerged" and r.state == "opportunity")
    ]
    with raw_cursor() as cursor:
        if opened:
            last = {r.lead_id: r for r in opened}
            cursor.execute(
                "INSERT INTO tracking_opportunity (lead_id, opened_at, value, currency, next_step, won)"
                " SELECT l, a, COALESCE(v, 0), 'USD', '', NULL FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n (l, a, v)"
                " ON CONFLICT (lead_id) DO UPDATE SET value = GREATEST(EXCLUDED.value, tracking_opportunity.value),"
                " closed_at = NULL, won = NULL",
                ([r.lead_id for r in last.values()], [r.at for r in last.values()], [r.value for r in last.values()]),
            )
        if closed:
            last = {r.lead_id: r for r in closed}
            cursor.execute(
                "UPDATE tracking_opportunity AS o SET closed_at = n.a, won = n.w, value = COALESCE(n.v, o.value)"
                " FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::bigint[]) AS n (l, a, w, v) WHERE o.lead_id = n.l",
                (
                    [r.lead_id for r in last.values()],
                    [r.at for r in last.values()],
                    [None if r.move in GONE else r.move == "won" for r in last.values()],
                    [r.value for r in last.values()],
                ),
            )
        if undone:
            cursor.execute(
                "UPDATE tracking_opportunity SET closed_at = NULL, won = NULL WHERE lead_id = ANY($1::bigint[])",
                (undone,),
            )


def add_spend(*, rows: Sequence[tuple[str, str, str, int, str, str]]) -> int:
    """Add rows (channel, campaign, ISO day, minor units, currency, source key); repeats are left out. Returns how many came."""
    if not rows:
        return 0
    columns = [list(column) for column in zip(*rows, strict=True)]
    with raw_cursor() as cursor:
        cursor.execute(
            "INSERT INTO tracking_spend (channel, campaign, day, amount, currency, source_key)"
            " SELECT c, p, d::date, a, u, k FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[])"
            " AS n (c, p, d, a, u, k) ON CONFLICT (source_key) DO NOTHING",
            tuple(columns),
        )
        return cursor.rowcount


def forget_next_steps(*, lead_ids: Sequence[int]) -> None:
    """Empty what was written beside opportunities of leads whose person was erased."""
    with raw_cursor() as cursor:
        cursor.execute(
            "UPDATE tracking_opportunity SET next_step = '' WHERE lead_id = ANY($1::bigint[])", (list(lead_ids),)
        )
