"""Reads of distribution: the inbox, offers and why they were made, and the evidence that whoever gets a lead may see.

Nothing here tells a score, a threshold, a verdict or the cause of a hand-over: whoever can be routed to reads these.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.kinds import KINDS, OURS
from leadpact.language.nodes import Agreement

OFFERED = ("offered",)
IN_WORK = ("accepted", "qualified", "opportunity", "prospecting")
TOUCHES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class InHand:
    """A lead in somebody's hands, as the inbox shows it. Instants in microseconds; `late`: past its clock.

    `why`: why you (the stored reason of the offer). `attempts`: calls logged since it was accepted.
    """

    lead_id: int
    person_id: int
    name: str
    email: str
    title: str
    phone: str
    account_id: int | None
    account: str
    source: str
    salesperson_id: int
    salesperson: str
    state: str
    since: int
    due: int | None
    due_what: str
    late: bool
    attempts: int
    followed_up_at: int | None
    opted_out: bool
    offered_at: int | None
    why: Mapping[str, Any] = field(default_factory=dict)

    @property
    def why_you(self) -> str:
        """The sentence for whoever got it."""
        return str(self.why.get("says", ""))


_IN_HAND = """
SELECT h.lead_id, p.id, COALESCE(NULLIF(p.name, ''), p.email, ''), COALESCE(p.email, ''), p.title, p.phone,
    a.id, COALESCE(NULLIF(a.name, ''), a.domain, ''), l.source, h.salesperson_id, COALESCE(NULLIF(u.name, ''), u.email),
    h.state, h.since, h.due, h.due_what, h.due <= $1, h.attempts, h.followed_up_at, p.opted_out, h.offered_at, o.why
FROM custody_holding h
JOIN leads_lead l ON l.id = h.lead_id JOIN leads_person p ON p.id = l.person_id
JOIN team_user u ON u.id = h.salesperson_id
LEFT JOIN leads_account a ON a.id = p.account_id
LEFT JOIN LATERAL (
    SELECT f.why FROM distribution_offer f WHERE f.lead_id = h.lead_id ORDER BY f.id DESC LIMIT 1
) o ON true
WHERE h.state = ANY($2::text[]) AND ($3::bigint IS NULL OR h.salesperson_id = $3
    OR ($4 AND h.state = 'offered' AND o.why ->> 'rule' = 'catch_all'))
ORDER BY h.due, h.lead_id
LIMIT $5
"""


def in_hand(
    *, at: int, states: Sequence[str], user_id: int | None = None, and_catch_all: bool = False, limit: int = 500
) -> list[InHand]:
    """Leads in Sales' hands in these states, the most urgent first. `user_id` None: everybody's (for managers).

    `and_catch_all`: also the offers of the catch-all queue, which everybody who takes leads may accept. One statement.
    """
    with raw_cursor() as cursor:
        cursor.execute(_IN_HAND, (at, list(states), user_id, and_catch_all, limit))
        rows: list[Any] = cursor.fetchall()
    return [InHand(*row[:-1], why=_dict(row[-1])) for row in rows]


@dataclass(frozen=True, slots=True)
class Inbox:
    """What waits for somebody: offers, and leads they work on."""

    offers: tuple[InHand, ...]
    working: tuple[InHand, ...]

    @property
    def late(self) -> int:
        """How many of them are past their clock."""
        return sum(lead.late for lead in (*self.offers, *self.working))


def inbox(*, user_id: int, takes_leads: bool, at: int) -> Inbox:
    """Somebody's inbox, most urgent first. Two statements."""
    return Inbox(
        offers=tuple(in_hand(at=at, states=OFFERED, user_id=user_id, and_catch_all=takes_leads)),
        working=tuple(in_hand(at=at, states=IN_WORK, user_id=user_id)),
    )


def offers_waiting(user_id: int) -> int:
    """How many offers wait for somebody's answer: the number on the badge."""
    return offer_counts().get(user_id, 0)


def offer_counts() -> dict[int, int]:
    """Open offers by salesperson."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT salesperson_id, count(*) FROM distribution_offer WHERE ended_at IS NULL GROUP BY salesperson_id"
        )
        rows: list[Any] = cursor.fetchall()
    return {user: number for user, number in rows if user is not None}


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer that was made, and how it ended: accepted, rejected, recalled, reassigned, withdrawn, or "" while open."""

    lead_id: int
    salesperson_id: int | None
    offered_at: int
    due: int | None
    ended_at: int | None
    outcome: str
    why: Mapping[str, Any]


_OFFERS = "SELECT lead_id, salesperson_id, offered_at, due, ended_at, outcome, why FROM distribution_offer"


def offers_of(lead_id: int) -> list[Offered]:
    """Every offer of a lead, oldest first, with its stored why."""
    return _offers(f"{_OFFERS} WHERE lead_id = $1 ORDER BY id", (lead_id,))


def offer_rule(lead_id: int) -> str:
    """The rule by which the open offer was made; empty where none is open."""
    found = _offers(f"{_OFFERS} WHERE lead_id = $1 AND ended_at IS NULL", (lead_id,))
    return str(found[0].why.get("rule", "")) if found else ""


def last_offer_to(lead_id: int, user_id: int) -> Offered | None:
    """The last offer of a lead to this salesperson that has ended."""
    found = _offers(
        f"{_OFFERS} WHERE lead_id = $1 AND salesperson_id = $2 AND ended_at IS NOT NULL ORDER BY id DESC LIMIT 1",
        (lead_id, user_id),
    )
    return found[0] if found else None


def _offers(query: str, parameters: tuple[int, ...]) -> list[Offered]:
    with raw_cursor() as cursor:
        cursor.execute(query, parameters)  # type: ignore[arg-type]
        rows: list[Any] = cursor.fetchall()
    return [Offered(*row[:-1], why=_dict(row[-1])) for row in rows]


def leads_of(user_id: int) -> list[int]:
    """The leads that somebody holds in Sales, closed ones not."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT lead_id FROM custody_holding WHERE salesperson_id = $1 AND holder = 'sales' ORDER BY lead_id",
            (user_id,),
        )
        rows: list[Any] = cursor.fetchall()
    return [lead for (lead,) in rows]


def owns_catch_all(user_id: int) -> bool:
    """Whether somebody owns the catch-all queue."""
    with raw_cursor() as cursor:
        cursor.execute("SELECT 1 FROM team_user WHERE id = $1 AND is_catch_all AND is_active", (user_id,))
        return cursor.fetchone() is not None


@dataclass(frozen=True, slots=True)
class TouchSeen:
    """A touch as evidence: what happened, when, through which channel."""

    kind: str
    says: str
    at: int
    channel: str
    campaign: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why this lead: the agreement's sentences that it meets, and its latest touches. No points, nothing to compare."""

    lines: tuple[str, ...] = ()
    touches: tuple[TouchSeen, ...] = ()


_PARTS = "SELECT lead_id, parts FROM qualification_judgement WHERE lead_id = ANY($1::bigint[])"
_TOUCHES = """
SELECT l.id, t.kind, t.at, t.channel, t.campaign
FROM unnest($1::bigint[]) AS n (id) JOIN leads_lead l ON l.id = n.id
CROSS JOIN LATERAL (
    SELECT t.kind, t.at, t.channel, t.campaign
    FROM leads_visitor v JOIN leads_touch t ON t.visitor_id = v.id
    WHERE v.person_id = l.person_id AND t.at > COALESCE(l.counts_from, -9223372036854775808) AND t.void_at IS NULL
    AND t.kind <> ALL($3::text[]) AND NOT EXISTS (SELECT 1 FROM leads_touchvoid d WHERE d.touch_id = t.id)
    ORDER BY t.at DESC LIMIT $2
) t
ORDER BY l.id, t.at DESC
"""


def evidence(
    lead_ids: Sequence[int], *, agreement: Agreement | None, touches: int = TOUCHES_SHOWN
) -> dict[int, Evidence]:
    """The evidence for each lead. Two statements, whatever their number.

    Lines stand in the order of the agreement, so that neither order nor number tells which weighed more.
    """
    if not lead_ids:
        return {}
    with raw_cursor() as cursor:
        cursor.execute(_PARTS, (list(lead_ids),))
        parts: list[Any] = cursor.fetchall()
        cursor.execute(_TOUCHES, (list(lead_ids), touches, sorted(OURS)))
        seen: list[Any] = cursor.fetchall()
    met = {lead: {line for line, value in _dict(found).items() if value} for lead, found in parts}
    by_lead: dict[int, list[TouchSeen]] = {}
    for lead, kind, at, channel, campaign in seen:
        known = KINDS.get(kind)
        by_lead.setdefault(lead, []).append(TouchSeen(kind, known.says if known else kind, at, channel, campaign))
    lines = agreement.lines if agreement else ()
    return {
        lead: Evidence(tuple(line.says for line in lines if line.id in met.get(lead, ())), tuple(by_lead.get(lead, ())))
        for lead in lead_ids
    }


def _dict(value: Any) -> dict[str, Any]:
    """jsonb as Django's connections give it: text, or a dict already."""
    if isinstance(value, str):
        value = json.loads(value)
    return value or {}
