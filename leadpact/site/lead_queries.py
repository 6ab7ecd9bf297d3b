"""What the lead and the account page show, read across rooms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from leadpact.custody import queries as custody
from leadpact.custody.entries import BY_VERSION, MOVES
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.kinds import KINDS

MOST_TOUCHES = 400


@dataclass(frozen=True, slots=True)
class Card:
    """A lead with its person, account and custody."""

    lead_id: int
    person_id: int
    name: str
    email: str
    email_verified: bool
    title: str
    phone: str
    opted_out: bool
    account_id: int | None
    account: str
    source: str
    campaign: str
    sourced_by: str
    created_at: int
    holder: str
    state: str
    since: int
    verdict: str
    due: int | None
    due_what: str
    not_before: int | None
    salesperson_id: int | None
    salesperson: str
    accepted_at: int | None
    attempts: int
    person_traits: Mapping[str, Any]
    account_traits: Mapping[str, Any]
    lead_traits: Mapping[str, Any]


_CARD = """
SELECT l.id, p.id, p.name, COALESCE(p.email, ''), p.email_verified, p.title, p.phone, p.opted_out, a.id,
    COALESCE(NULLIF(a.name, ''), a.domain, ''), l.source, l.campaign, l.sourced_by, l.created_at,
    h.holder, h.state, h.since, h.verdict,
    h.due, h.due_what, h.not_before, h.salesperson_id, COALESCE(NULLIF(u.name, ''), u.email, ''), h.accepted_at, h.attempts,
    p.traits::text, COALESCE(a.traits::text, '{}'), l.traits::text
FROM leads_lead AS l JOIN leads_person AS p ON p.id = l.person_id JOIN custody_holding AS h ON h.lead_id = l.id
LEFT JOIN leads_account AS a ON a.id = p.account_id LEFT JOIN team_user AS u ON u.id = h.salesperson_id
"""


def card(lead_id: int) -> Card | None:
    """One lead; None where there is none."""
    with raw_cursor() as cursor:
        cursor.execute(f"{_CARD} WHERE l.id = $1".encode(), (lead_id,))
        row: Any = cursor.fetchone()
    return _card(row) if row else None


def people_at(account_id: int) -> list[Card]:
    """Everybody at an account, with their latest lead, the busiest first."""
    with raw_cursor() as cursor:
        cursor.execute(
            f"{_CARD} WHERE p.account_id = $1 AND p.merged_into_id IS NULL"
            " AND l.id = (SELECT max(n.id) FROM leads_lead AS n WHERE n.person_id = p.id)"
            " ORDER BY h.holder = 'closed', h.since DESC LIMIT 500".encode(),
            (account_id,),
        )
        rows: list[Any] = cursor.fetchall()
    return [_card(row) for row in rows]


def _card(row: Any) -> Card:
    return Card(*row[:-3], *(json.loads(text) for text in row[-3:]))


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline: a touch or an entry of the ledger."""

    at: int
    tone: str
    title: str
    note: str
    quote: str
    strong: bool
    faded: bool
    touch_id: int | None = None
    type: str = "touch"
    detail: Mapping[str, Any] | None = None


_TOUCHES = """
SELECT t.id, t.kind, t.at, t.known_at, t.channel, t.campaign, t.properties::text, t.void_at,
    x.cause, v.tied_known_at, t.at < v.tied_at,
    COALESCE(NULLIF(u.name, ''), u.email, ''), l.counts_from IS NOT NULL AND t.at <= l.counts_from,
    COALESCE(NULLIF(p.name, ''), p.email, ''), p.id
FROM leads_person AS p JOIN leads_visitor AS v ON v.person_id = p.id JOIN leads_touch AS t ON t.visitor_id = v.id
LEFT JOIN leads_touchvoid AS x ON x.touch_id = t.id LEFT JOIN team_user AS u ON u.id = t.user_id
LEFT JOIN leads_lead AS l ON l.id = $2
"""


@dataclass(frozen=True, slots=True)
class Joined:
    """Two records that somebody said are one. lead_id: where to read on, of the record that stayed or that joined."""

    merge_id: int
    name: str
    lead_id: int | None
    at: int
    by: str


_JOINED = """
SELECT m.id, COALESCE(NULLIF(o.name, ''), o.email, 'a record without a name'),
    (SELECT id FROM leads_lead WHERE person_id = o.id ORDER BY is_open DESC, id DESC LIMIT 1), m.at,
    COALESCE(NULLIF(u.name, ''), u.email, '')
FROM leads_merge AS m JOIN leads_person AS o ON o.id = m.{other} LEFT JOIN team_user AS u ON u.id = m.by_id
WHERE m.{own} = $1 AND m.undone_at IS NULL ORDER BY m.id DESC
"""


def joined(person_id: int) -> tuple[list[Joined], Joined | None]:
    """The records that joined this person's, the latest first; and the one that it joined itself, if it did."""
    with raw_cursor() as cursor:
        cursor.execute(_JOINED.format(other="loser_id", own="survivor_id").encode(), (person_id,))
        came: list[Any] = cursor.fetchall()
        cursor.execute(_JOINED.format(other="survivor_id", own="loser_id").encode(), (person_id,))
        went: Any = cursor.fetchone()
    return [Joined(*row) for row in came], Joined(*went) if went else None


def _leads_of_joined(person_id: int) -> list[int]:
    """The needs of everybody who joined this person's record, at whatever remove."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT id FROM leads_lead WHERE person_id = ANY(leads_merged_1('person', $1, $2)) ORDER BY id",
            (person_id, 2**62),
        )
        return [int(row[0]) for row in cursor.fetchall()]  # type: ignore[call-overload]


def timeline(
    lead: Card, *, blind: bool, newest_first: bool = True, limit: int = MOST_TOUCHES, with_joined: bool = False
) -> list[Moment]:
    """Touches and custody of a lead in one line. In a blind one nothing tells an audit from a hand-over.

    with_joined: also the custody of records that joined this one, each line marked so.
    """
    with raw_cursor() as cursor:
        cursor.execute(
            f"{_TOUCHES} WHERE p.id = $1 ORDER BY t.at DESC LIMIT $3".encode(), (lead.person_id, lead.lead_id, limit)
        )
        rows: list[Any] = cursor.fetchall()
    moments = [_touch(row) for row in rows]
    moments += [moment(line) for line in custody.history(lead.lead_id, blind=blind)]
    for other in _leads_of_joined(lead.person_id) if with_joined else ():
        for line in custody.history(other, blind=blind):
            told = moment(line)
            moments.append(replace(told, note=" · ".join(one for one in (told.note, "the record that joined") if one)))
    # Within an instant the touch comes before what it caused, and entries keep their order.
    order = sorted(enumerate(moments), key=lambda pair: (pair[1].at, pair[1].type != "touch", pair[0]))
    lines = [moment for _, moment in order]
    return lines[::-1] if newest_first else lines


def touches_at(account_id: int, limit: int = 60) -> list[Moment]:
    """The latest touches of everybody at an account."""
    with raw_cursor() as cursor:
        cursor.execute(
            f"{_TOUCHES} WHERE p.account_id = $1 ORDER BY t.at DESC LIMIT $3".encode(), (account_id, None, limit)
        )
        rows: list[Any] = cursor.fetchall()
    return [_touch(row, whose=True) for row in rows]


def _touch(row: Any, *, whose: bool = False) -> Moment:
    id_, kind, at, _known, channel, campaign, properties, void, cause, _tied, before, by, spent, name, _person = row
    known = KINDS.get(kind)
    theirs = known is None or known.theirs
    says = known.says if known else kind.replace(".", " ")
    who = (name or "Somebody") if whose else "They"
    told = json.loads(properties)
    parts = [str(told[key]) for key in ("path", "paper", "title", "form", "note") if told.get(key)][:2]
    notes = [
        *parts,
        channel,
        f"campaign {campaign or told.get('campaign')}" if campaign or told.get("campaign") else "",
        by,
    ]
    voided = void is not None or cause is not None
    if voided:
        notes.append("withdrawn, not counted" if cause == "withdrawn" else "seen to be a machine’s, not counted")
    elif before:
        notes.append("joined from an anonymous visitor")
    elif spent:
        notes.append("belongs to an earlier need")
    return Moment(
        at=at, tone="plain" if voided else ("marketing" if theirs else "plain"), title=f"{who if theirs else 'We'} {says}",
        note=" · ".join(one for one in notes if one), quote="", strong=False, faded=voided, touch_id=id_,
        detail={"kind": kind, "channel": channel, "campaign": campaign, "properties": told, "counted": not voided},
    )  # fmt: skip


def moment(line: custody.Line) -> Moment:
    """An entry of the ledger as a line of a timeline."""
    tone = {"marketing": "marketing", "sales": "sales"}.get(line.holder, "plain")
    title = MOVES[line.move].capitalize()
    notes: list[str] = []
    if line.move == "judged":
        title = f"Judged: {line.verdict.replace('_', ' ')}"
        notes.append(f"by clause {line.reason}" if line.reason else "")
        notes.append(
            "the new version of the agreement changed this, not the person" if line.cause == BY_VERSION else ""
        )
    elif line.move == "handed_over":
        title = f"Handed over to Sales: offered to {line.salesperson_name or 'the queue'}"
        notes.append(
            {"definition": "under the agreement", "audit": "as a blind check", "by_hand": "by hand"}.get(line.cause, "")
        )
        notes.append(line.reason.replace("_", " ") if line.cause == "by_hand" else "")
    elif line.move == "recalled":
        title = f"The offer ran out; offered to {line.salesperson_name}"
    elif line.move == "reassigned":
        title = f"Passed on to {line.salesperson_name}"
    elif line.move == "followed_up":
        title = "Call: spoke with them" if line.reason == "conversation" else "Call: nobody reached"
    elif line.move == "captured":
        title = "Captured" if line.holder == "marketing" else f"A prospect of {line.salesperson_name}"
    else:
        notes.append(line.reason.replace("_", " "))
    if line.user_name:
        notes.append(line.user_name)
    return Moment(
        at=line.at, tone=tone, title=title, note=" · ".join(one for one in notes if one), quote=line.note,
        strong=line.move not in {"judged", "followed_up"}, faded=line.move == "judged", type="custody",
        detail={"seq": line.seq, "move": line.move, "holder": line.holder, "state": line.state, "reason": line.reason,
                "due": line.due, "salesperson": line.salesperson_name},
    )  # fmt: skip
