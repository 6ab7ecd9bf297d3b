"""Choose salespeople for a set of leads: two statements, whatever its size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from leadpact.agreement.queries import in_force
from leadpact.custody.rules.projection import RAN_OUT
from leadpact.distribution.rules.routing import Candidate, Choice, ToRoute, choose
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.kit.raw import in_flight
from leadpact.language import hours
from leadpact.language.kinds import OURS
from leadpact.language.nodes import Market
from leadpact.team.rules import calendar_of

SEED = "leadpact routing 1"
# In hand, for the cap: what waits for a salesperson's work. An opportunity is kept warm for months and does not count.
IN_HAND = ("offered", "accepted", "qualified")

# A new touch is one of theirs, later than the last refusal: it is looked for only where somebody refused.
# By key, row by row (OFFSET 0), as in `loop.judging`: while tables are small the planner would read them whole.
_LEADS = """
SELECT l.id, a.owner_id, COALESCE(NULLIF(a.name, ''), a.domain, ''), h.refused_by, COALESCE(h.offers, 0), h.state,
    h.salesperson_id,
    CASE WHEN h.refused_by <> '[]'::jsonb THEN (
        SELECT max(t.at) FROM (SELECT id FROM leads_visitor WHERE person_id = l.person_id OFFSET 0) AS v
        CROSS JOIN LATERAL (
            SELECT at FROM leads_touch WHERE visitor_id = v.id AND kind <> ALL($2::text[]) AND void_at IS NULL OFFSET 0
        ) AS t
    ) END
FROM unnest($1::bigint[]) AS n (id)
CROSS JOIN LATERAL (SELECT id, person_id FROM leads_lead WHERE id = n.id OFFSET 0) AS l
CROSS JOIN LATERAL (SELECT account_id FROM leads_person WHERE id = l.person_id OFFSET 0) AS p
LEFT JOIN LATERAL (SELECT owner_id, name, domain FROM leads_account WHERE id = p.account_id OFFSET 0) AS a ON TRUE
LEFT JOIN LATERAL (
    SELECT refused_by, offers, state, salesperson_id FROM custody_holding WHERE lead_id = l.id OFFSET 0
) AS h ON TRUE
"""
_PEOPLE = """
SELECT u.id, COALESCE(NULLIF(u.name, ''), u.email), u.weight, u.cap, u.takes_leads AND u.is_active, u.is_catch_all AND u.is_active,
    s.served,
    EXISTS (SELECT 1 FROM team_absence b WHERE b.user_id = u.id AND b.starts_at <= $1 AND b.ends_at > $1),
    (SELECT count(*) FROM custody_holding h WHERE h.salesperson_id = u.id AND h.state = ANY($2::text[])),
    u.hours, u.timezone
FROM team_user u LEFT JOIN distribution_share s ON s.user_id = u.id
WHERE u.takes_leads OR u.is_catch_all
ORDER BY u.id
"""


class Choices(dict[int, Choice]):
    """Choices by lead, and the levels that people are lifted to when these choices come true (user → served)."""

    def __init__(self, choices: Mapping[int, Choice], levels: Mapping[int, int]) -> None:
        super().__init__(choices)
        self.levels = dict(levels)


def choose_salespeople(
    *, lead_ids: Sequence[int], at: int, seed: str = SEED, without: int | None = None, market: Market | None = None
) -> Choices:
    """Who gets each of these leads at this instant, and why. Nothing is written: `open_offers` does, when it came true.

    Deterministic for a state of the tables and a seed. A lead for whom there is nobody is missing from the answer.
    `without`: somebody who is leaving and gets nothing any more. `market`: the agreement's, whose hours are those of people
    without their own; that of the agreement in force where None.
    """
    if not lead_ids:
        return Choices({}, {})
    if market is None:
        version = in_force(at)
        market = version.agreement.market if version else Market()
    with in_flight(), raw_cursor() as asked_leads, raw_cursor() as asked_people:
        asked_leads.execute(_LEADS, (list(lead_ids), sorted(OURS)), prepare=True)
        asked_people.execute(_PEOPLE, (at, list(IN_HAND)), prepare=True)
        leads = [_to_route(row) for row in asked_leads.fetchall()]
        open_now: dict[tuple[str, str], bool] = {}
        people = [_candidate(row, market, at, open_now) for row in asked_people.fetchall() if row[0] != without]
    routed = choose(leads, people, seed=seed)
    return Choices(routed.choices, routed.levels)


def _to_route(row: tuple[object, ...]) -> ToRoute:
    lead_id, owner, account, refused_by, offers, state, salesperson, touched_at = row
    refusals: Any = json.loads(refused_by) if isinstance(refused_by, str) else refused_by or []
    offered = state == "offered"
    return ToRoute(
        lead_id=lead_id,  # type: ignore[arg-type]
        account_owner_id=owner,  # type: ignore[arg-type]
        account=str(account),
        refused=frozenset(user for user, _reason, when in refusals if touched_at is None or touched_at <= when),
        ran_out=int(offers) if offered else 0,  # type: ignore[call-overload]
        now_with=salesperson if offered else None,  # type: ignore[arg-type]
        let_lapse=_let_lapse(refusals),
    )


def _let_lapse(refusals: Sequence[Sequence[object]]) -> tuple[int, ...]:
    """Who only let an offer run out, by their last one, longest ago first."""
    last: dict[int, int] = {}
    no = {user for user, reason, _ in refusals if reason != RAN_OUT}
    for user, _, when in refusals:
        if user not in no:
            last[int(user)] = int(when)  # type: ignore[call-overload]
    return tuple(sorted(last, key=lambda user: (last[user], user)))


def _candidate(row: tuple[object, ...], market: Market, at: int, open_now: dict[tuple[str, str], bool]) -> Candidate:
    """open_now: whether hours (as JSON, zone) are open at `at`; nearly everybody's are the same."""
    user_id, name, weight, cap, takes, catches, served, absent, load, own, zone = row
    hours_key = (own if isinstance(own, str) else json.dumps(own), str(zone))
    if hours_key not in open_now:
        open_now[hours_key] = hours.is_open(at, calendar_of(json.loads(hours_key[0]), hours_key[1], market))
    return Candidate(
        user_id=user_id, name=str(name), weight=weight, cap=cap, load=load, served=served,  # type: ignore[arg-type]
        takes_leads=bool(takes), is_absent=bool(absent), is_catch_all=bool(catches),
        at_work=open_now[hours_key],
    )  # fmt: skip
