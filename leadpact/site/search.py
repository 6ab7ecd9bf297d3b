"""Search: people by name or e-mail, accounts by name or domain, colleagues. One page, three short lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from leadpact.kit import clock
from leadpact.kit.pages import page
from leadpact.team import queries as team
from leadpact.team.permissions import sees_scores

MOST = 20
LEAST_LETTERS = 2

# An address begins as it was typed (the unique index serves that); a name may have it anywhere. The newest open lead of a
# person is the one to go to.
_PEOPLE = """
WITH found AS (
    (SELECT id, 0 AS rank FROM leads_person WHERE email LIKE %(start)s ORDER BY email LIMIT %(most)s)
    UNION ALL
    (SELECT id, 1 FROM leads_person WHERE name ILIKE %(part)s ORDER BY name, id LIMIT %(most)s)
), best AS (
    SELECT leads_whole_1(id) AS id, min(rank) AS rank FROM found GROUP BY 1
)
SELECT p.name, p.title, p.email, a.id AS account_id, a.name AS account, a.domain, l.id AS lead_id, h.holder, h.state
FROM best
JOIN leads_person p ON p.id = best.id
LEFT JOIN leads_account a ON a.id = p.account_id
LEFT JOIN LATERAL (
    SELECT id FROM leads_lead WHERE person_id = p.id ORDER BY is_open DESC, created_at DESC, id DESC LIMIT 1
) l ON true
LEFT JOIN custody_holding h ON h.lead_id = l.id
ORDER BY best.rank, p.name, p.email, p.id
LIMIT %(most)s
"""
_ACCOUNTS = """
SELECT a.id, a.name, a.domain,
    (SELECT count(*) FROM leads_person p WHERE p.account_id = a.id AND p.merged_into_id IS NULL) AS people
FROM leads_account a
WHERE a.name ILIKE %(part)s OR a.domain LIKE %(start)s
ORDER BY (a.domain LIKE %(start)s) DESC, a.name, a.id
LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found; each list is cut at `MOST`, and `more` names those that were."""

    people: list[dict[str, Any]]
    accounts: list[dict[str, Any]]
    colleagues: list[Any]
    more: bool

    @property
    def total(self) -> int:
        """How many lines are shown."""
        return len(self.people) + len(self.accounts) + len(self.colleagues)


@page(methods=("GET", "HEAD"))
def search(request: HttpRequest) -> HttpResponse:
    """The page of results."""
    user: Any = request.user
    asked = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:200]
    found = find(asked) if len(asked) >= LEAST_LETTERS else None
    return render(
        request,
        "search.html",
        {
            "title": f"Search: {asked}" if asked else "Search",
            "query": asked,
            "found": found,
            "most": MOST,
            "blind": not sees_scores(user),
        },
    )


def find(text: str) -> Found:
    """People, accounts and colleagues for what was typed. Three statements."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    parameters = {"start": f"{escaped}%", "part": f"%{escaped}%", "most": MOST + 1}
    people, accounts = _rows(_PEOPLE, parameters), _rows(_ACCOUNTS, parameters)
    colleagues = list(team.named(team.people(at=clock.now()), text).order_by("name", "pk")[: MOST + 1])
    more = any(len(one) > MOST for one in (people, accounts, colleagues))
    return Found(people[:MOST], accounts[:MOST], colleagues[:MOST], more)


def _rows(query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
