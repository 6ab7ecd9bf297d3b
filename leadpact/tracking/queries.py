"""Both funnels, promises kept, and sources side by side: read from the ledger, by cohort."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from django.db.models import Q, QuerySet

from leadpact.agreement.queries import in_force
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.kinds import OURS
from leadpact.leads.queries import listed

DAY = 86_400_000_000
WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a funnel: how many leads of the cohort reached it, and the median days it took from the step before."""

    id: str
    says: str
    side: str
    count: int
    median_days: float | None


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise: how often it came to the test in the range, how often it was kept, and how many clocks are late now."""

    side: str
    what: str
    says: str
    tested: int
    kept: int
    late_now: int

    @property
    def share(self) -> float | None:
        """The share kept; None where nothing was tested."""
        return self.kept / self.tested if self.tested else None


@dataclass(frozen=True, slots=True)
class Source:
    """Leads created in the range, by where they came from. Money in minor units; spend None where none is known."""

    name: str
    sourced_by: str
    leads: int
    handed_over: int
    accepted: int
    qualified: int
    won: int
    value: int
    spend: int | None


# The first instant at which each lead of the cohort reached each step.
_REACHED = """
WITH cohort AS (SELECT id, created_at FROM leads_lead WHERE created_at >= $1 AND created_at < $2),
reached AS (
    SELECT c.id, c.created_at AS captured,
        min(e.at) FILTER (WHERE e.state = 'lead' OR e.verdict IN ('lead', 'sales_ready')) AS lead,
        min(e.at) FILTER (WHERE e.verdict = 'sales_ready') AS sales_ready,
        min(e.at) FILTER (WHERE e.move = 'handed_over' AND (e.cause <> 'audit' OR {blind})) AS handed_over,
        min(e.at) FILTER (WHERE e.move = 'handed_over') AS offered,
        min(e.at) FILTER (WHERE e.move = 'accepted') AS accepted,
        min(e.at) FILTER (WHERE e.move = 'qualified' OR e.state IN ('qualified', 'opportunity', 'won')) AS qualified,
        min(e.at) FILTER (WHERE e.move = 'opportunity_opened' OR e.state IN ('opportunity', 'won')) AS opportunity,
        min(e.at) FILTER (WHERE e.move = 'won') AS won
    FROM cohort AS c JOIN custody_entry AS e ON e.lead_id = c.id AND e.at < $3 GROUP BY c.id, c.created_at
)
"""
MARKETING_STEPS = (
    ("captured", "Captured"),
    ("lead", "Became a lead"),
    ("sales_ready", "Sales-ready"),
    ("handed_over", "Handed over"),
)
SALES_STEPS = (
    ("offered", "Offered"), ("accepted", "Accepted"), ("qualified", "Qualified"), ("opportunity", "Opportunity"), ("won", "Won"),
)  # fmt: skip


BLIND_STEPS = (("captured", "Captured"), ("handed_over", "Handed over"))


def funnels(*, since: int, until: int, at: int, blind: bool = False) -> tuple[list[Step], list[Step]]:
    """Marketing's and Sales' funnel of the leads created in [since, until), as known at `at`. They meet at the hand-over.

    Marketing's counts what the agreement (or somebody by hand) handed over; Sales' also the blind checks, which are work too.
    `blind`: Marketing's counts these too and tells no verdicts: one that did not move with a hand-over would tell a check.
    """
    marketing_steps = BLIND_STEPS if blind else MARKETING_STEPS
    pairs = [*pairwise(marketing_steps), *pairwise(SALES_STEPS)]
    medians = ", ".join(
        f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {b} - {a}) FILTER (WHERE {b} >= {a})" for (a, _), (b, _) in pairs
    )
    names = [*dict.fromkeys(name for name, _ in (*marketing_steps, *SALES_STEPS))]
    counts = ", ".join(f"count({name})" for name in names)
    with raw_cursor() as cursor:
        reached = _REACHED.format(blind=blind)
        cursor.execute(f"{reached} SELECT {counts}, {medians} FROM reached".encode(), (since, until, at))
        row = cursor.fetchone()
    assert row is not None
    count = dict(zip(names, row, strict=False))
    days = [None if value is None else float(value) / DAY for value in row[len(names) :]]  # type: ignore[arg-type]
    marketing_days = [None, *days[: len(marketing_steps) - 1]]
    sales_days = [None, *days[len(marketing_steps) - 1 :]]

    def steps(side: str, named: tuple[tuple[str, str], ...], took: list[float | None]) -> list[Step]:
        return [Step(id_, says, side, int(count[id_]), d) for (id_, says), d in zip(named, took, strict=True)]  # type: ignore[call-overload]

    return steps("marketing", marketing_steps, marketing_days), steps("sales", SALES_STEPS, sales_days)


# The condition on an array of leads reaches into the view; without it every hand-over there ever was is put together first.
# Each test of a promise that its clock or its keeping put into the range: when, which promise, and whether it was kept.
# Accepting in time, or saying why not, stops the clock of an offer. A follow-up is in time when no clock ran out before it.
_TESTED = """
SELECT e.at AS at, 'accept_within' AS what, TRUE AS kept FROM custody_entry AS e
JOIN LATERAL (SELECT p.state FROM custody_entry AS p WHERE p.lead_id = e.lead_id AND p.seq < e.seq ORDER BY p.seq DESC LIMIT 1)
    AS p ON p.state = 'offered'
WHERE e.move IN ('accepted', 'rejected') AND e.at >= $1 AND e.at < $2
UNION ALL
SELECT h.followed_up_at, 'first_follow_up_within', TRUE FROM custody_handoff_v1 AS h
WHERE h.lead_id = ANY(ARRAY(SELECT lead_id FROM custody_entry WHERE move = 'followed_up' AND at >= $1 AND at < $2))
AND h.followed_up_at >= $1 AND h.followed_up_at < $2 AND NOT EXISTS (SELECT FROM custody_lapse AS l
    WHERE l.lead_id = h.lead_id AND l.what = 'first_follow_up_within' AND l.due >= h.at AND l.due <= h.followed_up_at)
UNION ALL
SELECT h.at, 'hand_over_within', NOT COALESCE(j.move = 'judged' AND j.verdict = 'sales_ready' AND h.at - j.at > $3, FALSE)
FROM custody_entry AS h LEFT JOIN custody_entry AS j ON j.lead_id = h.lead_id AND j.seq = h.seq - 1
WHERE h.move = 'handed_over' AND h.cause = 'definition' AND h.at >= $1 AND h.at < $2
UNION ALL
SELECT e.at, 'answer_rejection_within', TRUE FROM custody_entry AS e WHERE e.move = 'repaired' AND e.at >= $1 AND e.at < $2
AND NOT EXISTS (SELECT FROM custody_lapse AS l WHERE l.lead_id = e.lead_id AND l.what = 'answer_rejection_within'
    AND l.seq < e.seq AND NOT EXISTS (SELECT FROM custody_entry AS n WHERE n.lead_id = e.lead_id AND n.move = 'repaired'
        AND n.seq > l.seq AND n.seq < e.seq))
UNION ALL
SELECT l.due, l.what, FALSE FROM custody_lapse AS l WHERE l.due >= $1 AND l.due < $2 AND l.noticed_at <= $4
AND l.what IN ('accept_within', 'first_follow_up_within', 'touch_every', 'answer_rejection_within')
"""
HAND_OVER = "hand_over_within"
PROMISED = (
    ("sales", "accept_within", "Accept in time"), ("sales", "first_follow_up_within", "First follow-up in time"),
    ("marketing", HAND_OVER, "Hand over at once"), ("marketing", "touch_every", "Let nobody wither"),
    ("marketing", "answer_rejection_within", "Answer a rejection"),
)  # fmt: skip


def promises_by_week(*, since: int, until: int, as_of: int) -> dict[int, dict[str, tuple[int, int]]]:
    """Monday → promise → (kept, tested) of [since, until), as known at `as_of`. One statement.

    Of `touch_every` only what was broken is known by week: a touch in time leaves no entry, so its `kept` is 0.
    Blind checks are not among hand-overs: nobody promised those.
    """
    version = in_force(until)
    given = version.agreement.marketing_promises if version else None
    with raw_cursor() as cursor:
        cursor.execute(
            f"SELECT (extract(epoch FROM date_trunc('week', instant(at), 'UTC')) * 1000000)::bigint, what,"
            f" count(*) FILTER (WHERE kept), count(*) FROM ({_TESTED}) AS t GROUP BY 1, 2".encode(),
            (since, until, given.hand_over_within.amount if given else 0, as_of),
        )
        rows: list[Any] = cursor.fetchall()
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for week, what, kept, tested in rows:
        found.setdefault(week, {})[what] = (kept, tested)
    return found


# The clock of each lead's last entry before an instant; late where it had run out by then. A touch of ours starts `touch_every`
# again without an entry: what was late stops being so when that touch became known.
_STOOD = """
WITH stood AS (SELECT DISTINCT ON (lead_id) lead_id, seq, due_what FROM custody_entry WHERE at < $1 ORDER BY lead_id, seq DESC)
SELECT s.due_what, count(*), count(*) FILTER (WHERE EXISTS (
    SELECT FROM custody_lapse AS l WHERE l.lead_id = s.lead_id AND l.seq = s.seq AND l.what = s.due_what AND l.due < $1
    AND l.noticed_at <= $1 AND (l.what <> 'touch_every' OR NOT EXISTS (
        SELECT FROM leads_touch AS t JOIN leads_visitor AS v ON v.id = t.visitor_id JOIN leads_lead AS o
        ON o.person_id = v.person_id
        WHERE o.id = l.lead_id AND t.kind = ANY($2::text[]) AND t.known_at >= l.due AND t.known_at < $1))))
FROM stood AS s WHERE s.due_what NOT IN ('', 'rest_ends') GROUP BY s.due_what
"""


def blind_promises(*, since: int, until: int, monday: int) -> list[Promise]:
    """The same for whoever takes leads: hand-overs under the definition up to Monday, for their count must not stand still
    while somebody is handed a check. Pages show of them the share alone.
    """
    before = promises_by_week(since=since - WEEK, until=monday, as_of=monday).values()
    kept, tested = (sum(week.get(HAND_OVER, (0, 0))[place] for week in before) for place in (0, 1))
    return [
        replace(one, kept=kept, tested=tested) if one.what == HAND_OVER else one
        for one in promises(since=since, until=until)
    ]


def promises(*, since: int, until: int, as_of: int | None = None) -> list[Promise]:
    """Both sides' promises in [since, until): a test is a clock that was stopped or ran out in the range.

    `touch_every` is counted as lapses against the leads that are held under that clock. as_of: what is held and late is told
    as it stood just before that instant, from the whole ledger; None: as it stands, from the holdings.
    """
    known = promises_by_week(since=since, until=until, as_of=as_of if as_of is not None else 2**62)
    with raw_cursor() as cursor:
        if as_of is None:
            cursor.execute(
                "SELECT due_what, count(*), count(*) FILTER (WHERE lapsed) FROM custody_holding WHERE due_what <> 'rest_ends'"
                " GROUP BY due_what"
            )
        else:
            cursor.execute(_STOOD.encode(), (as_of, sorted(OURS)))
        rows: list[Any] = cursor.fetchall()
    running = {what: n for what, n, _ in rows}
    late = {what: n for what, _, n in rows}
    found: list[Promise] = []
    for side, what, says in PROMISED:
        kept = sum(week.get(what, (0, 0))[0] for week in known.values())
        tested = sum(week.get(what, (0, 0))[1] for week in known.values())
        if what == "touch_every":
            kept, tested = running.get(what, 0), running.get(what, 0) + tested
        found.append(Promise(side, what, says, tested, kept, late.get(what, 0)))
    return found


def broken_by_leads(*, since: int, until: int, as_of: int) -> dict[str, int]:
    """Promise → how many leads are behind those that were broken in [since, until): one lead can break one many times."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT what, count(DISTINCT lead_id) FROM custody_lapse WHERE due >= $1 AND due < $2 AND noticed_at <= $3"
            " GROUP BY what",
            (since, until, as_of),
        )
        rows: list[Any] = cursor.fetchall()
    return dict(rows)


_TOOK = """
SELECT 'accept_within', o.at, e.at FROM custody_entry AS e JOIN LATERAL (SELECT p.at FROM custody_entry AS p
    WHERE p.lead_id = e.lead_id AND p.seq < e.seq AND p.move IN ('handed_over', 'recalled', 'reassigned')
    ORDER BY p.seq DESC LIMIT 1) AS o ON TRUE
WHERE e.move = 'accepted' AND e.at >= $1 AND e.at < $2
UNION ALL
SELECT 'first_follow_up_within', h.accepted_at, h.followed_up_at FROM custody_handoff_v1 AS h
WHERE h.lead_id = ANY(ARRAY(SELECT lead_id FROM custody_entry WHERE move = 'followed_up' AND at >= $1 AND at < $2))
AND h.followed_up_at >= $1 AND h.followed_up_at < $2 AND h.accepted_at <= h.followed_up_at
LIMIT 40000
"""


def took(*, since: int, until: int) -> dict[str, list[tuple[int, int]]]:
    """Promise → (from, to) of what Sales did in [since, until): from the offer to accepting, from there to following up."""
    with raw_cursor() as cursor:
        cursor.execute(_TOOK, (since, until))
        rows: list[Any] = cursor.fetchall()
    found: dict[str, list[tuple[int, int]]] = {}
    for what, start, end in rows:
        found.setdefault(what, []).append((start, end))
    return found


def arrivals_by_week(*, since: int, until: int) -> dict[int, tuple[int, int]]:
    """Monday → (leads captured, leads handed over under the definition) of [since, until). One statement."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT (extract(epoch FROM date_trunc('week', instant(at), 'UTC')) * 1000000)::bigint, count(*) FILTER (WHERE new),"
            " count(*) FILTER (WHERE NOT new) FROM (SELECT created_at AS at, TRUE AS new FROM leads_lead"
            " WHERE created_at >= $1 AND created_at < $2 UNION ALL SELECT at, FALSE FROM custody_entry"
            " WHERE move = 'handed_over' AND cause = 'definition' AND at >= $1 AND at < $2) AS a GROUP BY 1",
            (since, until),
        )
        rows: list[Any] = cursor.fetchall()
    return {week: (captured, handed) for week, captured, handed in rows}


def sources(*, since: int, until: int, at: int, blind: bool = False) -> list[Source]:
    """Leads created in [since, until) by source, followed up to `at`, with what was spent on the source's channel.

    `blind`: blind checks are among those handed over.
    """
    with raw_cursor() as cursor:
        cursor.execute(
            (
                f"{_REACHED.format(blind=blind)} SELECT l.source, l.sourced_by, count(*), count(r.handed_over), count(r.accepted),"
                " count(r.qualified), count(r.won),"
                " COALESCE(sum(o.value) FILTER (WHERE o.won), 0)::bigint FROM reached AS r JOIN leads_lead AS l ON l.id = r.id"
                " LEFT JOIN tracking_opportunity AS o ON o.lead_id = l.id GROUP BY 1, 2 ORDER BY 3 DESC"
            ).encode(),
            (since, until, at),
        )
        rows: list[Any] = cursor.fetchall()
        cursor.execute(
            "SELECT channel, sum(amount)::bigint FROM tracking_spend WHERE day >= instant($1)::date AND day < instant($2)::date"
            " GROUP BY channel",
            (since, until),
        )
        amounts: list[Any] = cursor.fetchall()
        spent: dict[str, int] = dict(amounts)
    return [Source(*row, spent.get(row[0])) for row in rows]  # type: ignore[arg-type]


def weekly(*, since: int, until: int) -> list[tuple[int, int, int, int]]:
    """Week by week: (its Monday, handed over, accepted, came back to Marketing)."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT (extract(epoch FROM date_trunc('week', instant(at), 'UTC')) * 1000000)::bigint AS week,"
            " count(*) FILTER (WHERE move = 'handed_over'), count(*) FILTER (WHERE move = 'accepted'),"
            " count(*) FILTER (WHERE move IN ('rejected', 'cooled', 'returned') OR (move = 'recycled' AND actor <> 'system'))"
            " FROM custody_entry WHERE at >= $1 AND at < $2 GROUP BY 1 ORDER BY 1",
            (since, until),
        )
        return [tuple(int(v) for v in row) for row in cursor.fetchall()]  # type: ignore[call-overload,misc]


MOVED = {
    "handed_over": "move = 'handed_over'",
    "came_back": "(move IN ('rejected', 'cooled') OR (move IN ('recycled', 'returned') AND actor <> 'system'))",
    "won": "move = 'won'",
}


def moved(what: str, *, since: int, until: int) -> list[int]:
    """Leads with such a move in [since, until). Raises KeyError for another word than those of MOVED."""
    with raw_cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT lead_id FROM custody_entry WHERE at >= $1 AND at < $2 AND {MOVED[what]}".encode(),
            (since, until),
        )
        return [int(row[0]) for row in cursor.fetchall()]  # type: ignore[call-overload]


def leads() -> QuerySet[Any]:
    """Every lead with person, account and custody, for lists."""
    return listed()


def named(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Those whose name has the text, or whose address begins with it."""
    return rows.filter(Q(person__name__icontains=text) | Q(person__email__startswith=text.lower()))


def source_names() -> list[str]:
    """Every source that some lead came from."""
    with raw_cursor() as cursor:
        cursor.execute("SELECT DISTINCT source FROM leads_lead ORDER BY source LIMIT 200")
        return [str(row[0]) for row in cursor.fetchall()]
