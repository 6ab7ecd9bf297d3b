"""GET: leads, one lead with its explanation, its timeline."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from leadpact.agreement.queries import in_force
from leadpact.custody import queries as custody
from leadpact.distribution import queries as distribution
from leadpact.kit import clock
from leadpact.language.explain import Explanation as Told
from leadpact.qualification import queries as qualification
from leadpact.site import lead_queries
from leadpact.site.api import reads, shapes
from leadpact.site.api.keys import ReadKey, caller_of, closed
from leadpact.site.api.problems import no_such_lead, wrong
from leadpact.site.api.shapes import Holder, Verdict, iso, iso_or_none

MOST_TOUCHES = 10_000
router = Router(auth=ReadKey(), tags=["leads"])


class Asked(Schema):
    """Filters and paging."""

    email: Annotated[str, Field(max_length=254, pattern=r"^[^\x00]*$")] | None = None
    verdict: Verdict | None = None
    holder: Holder | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=60)] | None = None


@router.get("/leads", response=shapes.Leads)
def list_leads(request: HttpRequest, asked: Query[Asked]) -> dict[str, Any]:
    """Leads by rising id, narrowed by e-mail address, verdict (403 for blind keys) and holder."""
    caller = caller_of(request)
    only(request, *Asked.model_fields)
    if asked.verdict is not None and caller.blind:
        raise closed("Verdicts are")
    wanted = reads.Wanted(
        email=asked.email.strip().lower() if asked.email is not None else None,
        verdict=asked.verdict,
        holder=asked.holder,
        after=_opened(asked.cursor) if asked.cursor else 0,
        limit=asked.limit,
    )
    items, following = reads.page(wanted, blind=caller.blind)
    return {"items": items, "next": _cursor(following) if following is not None else None}


@router.get("/leads/{int:lead_id}", response=shapes.ExplainedLead)
def show_lead(request: HttpRequest, lead_id: int) -> dict[str, Any]:
    """One lead, with why it was judged as it was. Blind keys get the sentences that it meets, and nothing else of that."""
    caller = caller_of(request)
    found = reads.one(lead_id, blind=caller.blind)
    if found is None:
        raise no_such_lead(lead_id)
    version = in_force(clock.now())
    evidence = distribution.evidence([lead_id], agreement=version.agreement if version else None, touches=1)[lead_id]
    current = None if caller.blind else qualification.current(lead_id)
    judged = None
    if current is not None:
        judged = _judged(qualification.explained(current)[0], current.agreement)
    return {**found, "explanation": {"met": list(evidence.lines), "judged": judged}}


@router.get("/leads/{int:lead_id}/timeline", response=shapes.Timeline)
def show_timeline(request: HttpRequest, lead_id: int) -> dict[str, Any]:
    """Touches and custody of a lead in one line, oldest first."""
    blind = caller_of(request).blind
    card = lead_queries.card(lead_id) if lead_id <= reads.BIGGEST else None
    if card is None:
        raise no_such_lead(lead_id)
    moments = lead_queries.timeline(card, blind=blind, newest_first=False, limit=MOST_TOUCHES + 1)
    touches = [one for one in moments if one.type == "touch"]
    left_out = set(map(id, touches[: max(0, len(touches) - MOST_TOUCHES)]))
    lines = {line.seq: line for line in custody.history(lead_id, blind=blind)}
    items = [_moment(one, lines) for one in moments if id(one) not in left_out]
    return {"items": [one for one in items if one is not None], "complete": not left_out}


def only(request: HttpRequest, *known: str) -> None:
    """Raise Problem (422) for a parameter that nobody reads: a misspelt filter would otherwise answer with everything."""
    for name in request.GET:
        if name not in known:
            raise wrong(f"query.{name[:40]}", f"There is no such parameter; known are {', '.join(known)}.")


def _judged(told: Told, agreement: str) -> dict[str, Any]:
    return {
        "as_of": iso(told.as_of),
        "agreement": agreement,
        "decided_by": told.decided_by,
        "headline": told.headline,
        "unknown": told.unknown,
        "dimensions": [
            {
                "dimension": part.dimension,
                "title": part.title,
                "score": part.score,
                "lines": [
                    {"id": one.line_id, "says": one.says, "holds": one.state, "count": one.count, "points": one.points,
                     "why": one.why}
                    for one in part.lines
                ],
            }
            for part in told.dimensions
        ],
        "clauses": [
            {"clause": one.clause, "verdict": one.verdict, "says": one.says, "holds": one.state, "missing": one.missing,
             "decided": one.decided}
            for one in told.clauses
        ],
    }  # fmt: skip


def _moment(moment: lead_queries.Moment, lines: dict[int, custody.Line]) -> dict[str, Any] | None:
    detail = moment.detail or {}
    shared = {"type": moment.type, "at": iso(moment.at), "title": moment.title}
    if moment.type == "touch":
        return {**shared, "note": moment.note, "id": moment.touch_id, **detail}
    line = lines.get(detail["seq"])
    if line is None:  # written between the two reads: the next call tells it
        return None
    return {
        **shared,
        "note": line.note,
        "seq": line.seq,
        "move": line.move,
        "holder": line.holder,
        "state": line.state or None,
        "actor": line.actor or None,
        "by": line.user_name or None,
        "salesperson": line.salesperson_name or None,
        "reason": line.reason or None,
        "cause": line.cause or None,
        "verdict": line.verdict or None,
        "due": iso_or_none(line.due),
        "due_what": line.due_what,
        "not_before": iso_or_none(line.not_before),
        "value": line.value,
    }


def _cursor(lead_id: int) -> str:
    return base64.urlsafe_b64encode(f"after {lead_id}".encode()).decode().rstrip("=")


def _opened(cursor: str) -> int:
    """The id in a cursor. Raises Problem (422)."""
    try:
        word, _, number = (
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode().partition(" ")
        )
        found = int(number) if word == "after" and number.isascii() and number.isdigit() else -1
    except (binascii.Error, ValueError):
        found = -1
    if not 0 <= found <= reads.BIGGEST:
        raise wrong("query.cursor", "This is no cursor of ours; take `next` of the page before as it is.")
    return found
