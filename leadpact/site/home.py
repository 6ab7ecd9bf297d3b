"""Home: the loop on one screen. Who holds how many, what moved, both errors, promises, and what is mine to do now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from leadpact.agreement import queries as agreement
from leadpact.agreement.permissions import may_sign
from leadpact.agreement.queries import InForce
from leadpact.distribution import queries as distribution
from leadpact.kit import clock
from leadpact.kit.links import lead as lead_href
from leadpact.kit.pages import page
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.qualification.queries import lateness
from leadpact.site.meeting_pages import READERS
from leadpact.team.models import User
from leadpact.team.permissions import may_manage_team, sees_scores
from leadpact.tracking import queries as tracking
from leadpact.tuning import queries as tuning
from leadpact.tuning.rules import week_start

DAY = 86_400_000_000
WEEK = 7 * DAY
WEEKS = 13
SHOWN = 6
FRESH_S = 30
"""Seconds for which the page's measures are kept: they are read by everybody, and take a second at a million entries."""

BOXES = (
    # (state, words, x, width) on the drawing of 1130 units
    ("prospect", "Prospects", 16, 122), ("lead", "Nurtured leads", 150, 122), ("resting", "Resting", 284, 122),
    ("repair", "In repair", 418, 122), ("offered", "Offered", 606, 92), ("accepted", "Accepted", 708, 92),
    ("qualified", "Qualified", 810, 92), ("opportunity", "Opportunities", 912, 106), ("prospecting", "Own", 1028, 86),
)  # fmt: skip
BLIND_BOXES = (("marketing", "Held by Marketing", 16, 524), *(box for box in BOXES if box[2] > 592))
"""For whoever takes leads: a count by state that fell, or stood, as a lead was handed over would tell a check."""
CLOSED = ("won", "lost", "disqualified")
CAME_BACK = ("rejected", "recycled", "cooled", "returned")


@dataclass(frozen=True, slots=True)
class Box:
    """A state on the drawing, with how many leads are in it."""

    state: str
    says: str
    x: int
    width: int
    count: int

    @property
    def href(self) -> str:
        """The leads behind the number."""
        return f"/tracking/leads/?state={self.state}"

    @property
    def middle(self) -> int:
        """Where the number stands."""
        return self.x + 14


@dataclass(frozen=True, slots=True)
class Loop:
    """Where leads are now, and how they moved between the hands in the last seven days."""

    boxes: tuple[Box, ...]
    held: dict[str, int]
    closed: dict[str, int]
    handed_over: int
    came_back: int
    why: tuple[tuple[str, int], ...]
    recalled: int
    nobodys: int

    @property
    def open(self) -> int:
        """Open leads."""
        return self.held.get("marketing", 0) + self.held.get("sales", 0)


@page(methods=("GET", "HEAD"))
def home(request: HttpRequest) -> HttpResponse:
    """The page."""
    user: Any = request.user
    at = clock.now()
    version = agreement.in_force(at)
    blind = not sees_scores(user)
    measures = cache.get_or_set(f"home.measures.{blind}", lambda: _measures(at, blind=blind), FRESH_S)
    assert measures is not None
    loop: Loop = measures["loop"]
    return render(
        request,
        "site/home.html",
        {
            "title": "Home",
            "now": at,
            "version": version,
            "signatures": _signatures(version),
            "rejudging": _rejudging(version),
            "first_steps": _first_steps(version, loop, user),
            "mine": _mine(user, at),
            "to_sign": agreement.waiting_for(user.department) if may_sign(user.role, user.department) else (),
            "ready": tuning.latest_review(since=at - WEEK) if user.role in READERS else None,
            "blind": blind,
            "weeks": WEEKS,
            **measures,
        },
    )


def _measures(at: int, *, blind: bool) -> dict[str, Any]:
    """Everything on the page that is the same for everybody who sees as much.

    Whoever takes leads sees the errors as of Monday: a figure that did not move with their answer would tell a check.
    """
    week = at - WEEK
    errors_at = week_start(at) if blind else at
    return {
        "loop": the_loop(since=week, until=at, blind=blind),
        "errors": tuning.errors(at=errors_at, weeks=WEEKS),
        "promises": tracking.blind_promises(since=week, until=at, monday=errors_at)
        if blind
        else tracking.promises(since=week, until=at),
        "verdicts": lateness(since=week, at=at),
        "stuck": _stuck() if not blind else [],
        "measured_at": at,
    }


def the_loop(*, since: int, until: int, blind: bool = False) -> Loop:
    """Custody now and the moves of [since, until). Three statements. `blind`: for whoever takes leads."""
    with raw_cursor() as cursor:
        cursor.execute("SELECT holder, state, count(*) FROM custody_holding GROUP BY 1, 2")
        held: Counter[str] = Counter()
        states: Counter[str] = Counter()
        rows: list[Any] = cursor.fetchall()
        for holder, state, n in rows:
            held[holder] += n
            states[state] += n
        cursor.execute(
            "SELECT move, reason, count(*) FROM custody_entry WHERE at >= $1 AND at < $2 AND (move IN ('handed_over', 'recalled',"
            " 'rejected', 'cooled', 'returned') OR (move = 'recycled' AND actor <> 'system')) AND NOT (move ="
            " 'returned' AND actor = 'system')"
            " GROUP BY 1, 2",
            (since, until),
        )
        moves: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        rows = cursor.fetchall()
        for move, reason, n in rows:
            moves[move] += n
            if move in CAME_BACK:
                reasons["cooled" if move == "cooled" else str(reason).replace("_", " ")] += n
        cursor.execute(
            "SELECT count(*) FROM leads_lead AS l WHERE NOT EXISTS (SELECT FROM custody_holding AS h WHERE h.lead_id = l.id)"
        )
        (nobodys,) = cursor.fetchone() or (0,)
    return Loop(
        boxes=tuple(
            Box(state, says, x, width, held["marketing"] if state == "marketing" else states[state])
            for state, says, x, width in (BLIND_BOXES if blind else BOXES)
        ),
        held=dict(held),
        closed={state: states[state] for state in CLOSED},
        handed_over=moves["handed_over"],
        came_back=sum(moves[move] for move in CAME_BACK),
        why=tuple(reasons.most_common(3)),
        recalled=moves["recalled"],
        nobodys=int(nobodys),  # type: ignore[call-overload]
    )


def _signatures(version: InForce | None) -> list[tuple[str, str, int]]:
    return agreement.signatures(version.effect) if version is not None else []


def _rejudging(version: InForce | None) -> agreement.Progress | None:
    """How far judging everybody by a new version has come; None where nothing of the kind is under way."""
    found = agreement.rejudging(version.effect) if version is not None else None
    return found if found is not None and found.finished_at is None else None


def _stuck() -> list[dict[str, Any]]:
    """Sales-ready leads that stay with Marketing because nobody could be found to take them, the longest first.

    A sales-ready lead in Marketing's care is one that routing left waiting; the sweep tries again every minute.
    """
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT h.lead_id, COALESCE(NULLIF(p.name, ''), p.email, 'Somebody'), h.since, count(*) OVER ()"
            " FROM custody_holding AS h JOIN leads_lead AS l ON l.id = h.lead_id JOIN leads_person AS p ON p.id = l.person_id"
            " JOIN qualification_judgement AS j ON j.lead_id = h.lead_id AND j.next_tick = 0"
            " WHERE h.holder = 'marketing' AND h.state IN ('prospect', 'lead') AND h.verdict = 'sales_ready'"
            " ORDER BY h.since, h.lead_id LIMIT $1",
            (SHOWN,),
        )
        rows: list[Any] = cursor.fetchall()
    return [{"title": name, "href": lead_href(lead), "since": since, "of": total} for lead, name, since, total in rows]


def _first_steps(version: InForce | None, loop: Loop, user: Any) -> list[tuple[str, str, str, bool]]:
    """What a new installation still lacks: (what, why, where, done). Empty once all is there."""
    steps = [
        (
            "Invite both departments",
            "A manager of Marketing and one of Sales sign; salespeople take leads.",
            "/team/",
            User.objects.filter(takes_leads=True, is_active=True).exists()
            and set(User.objects.filter(role="manager", is_active=True).values_list("department", flat=True))
            >= {"marketing", "sales"},
        ),
        ("Sign an agreement", "It alone decides who gets a lead.", "/agreement/", version is not None),
        ("Let leads in", "A key for the website, an import, or one by hand.", "/capture/", bool(loop.held)),
    ]
    if all(done for *_, done in steps) or not (may_manage_team(user) or sees_scores(user)):
        return []
    return steps


def _mine(user: Any, at: int) -> list[dict[str, Any]]:
    """What is this person's to do now, the most urgent first."""
    if user.takes_leads or user.is_catch_all:
        box = distribution.inbox(user_id=user.pk, takes_leads=user.takes_leads, at=at)
        items = sorted((*box.offers, *box.working), key=lambda one: one.due or 2**62)
        return [
            {
                "title": one.name or one.email, "note": one.account, "href": lead_href(one.lead_id), "due": one.due,
                "what": one.due_what, "tone": "sales", "state": one.state,
            }
            for one in items[:SHOWN]
        ]  # fmt: skip
    what = (
        ("answer_rejection_within", "touch_every")
        if user.department != "sales"
        else ("accept_within", "first_follow_up_within")
    )
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT h.lead_id, COALESCE(NULLIF(p.name, ''), p.email, 'Somebody'), COALESCE(NULLIF(a.name, ''),"
            " a.domain, ''), h.due,"
            " h.due_what, h.state FROM custody_holding AS h JOIN leads_lead AS l ON l.id = h.lead_id JOIN leads_person AS p"
            " ON p.id = l.person_id LEFT JOIN leads_account AS a ON a.id = p.account_id"
            " WHERE h.due_what = ANY($1::text[]) AND h.due < $2 ORDER BY array_position($1::text[],"
            " h.due_what::text), h.due LIMIT $3",
            (list(what), at + DAY, SHOWN),
        )
        rows: list[Any] = cursor.fetchall()
    tone = "marketing" if user.department != "sales" else "sales"
    return [
        {
            "title": name,
            "note": account,
            "href": lead_href(lead),
            "due": due,
            "what": due_what,
            "tone": tone,
            "state": state,
        }
        for lead, name, account, due, due_what, state in rows
    ]
