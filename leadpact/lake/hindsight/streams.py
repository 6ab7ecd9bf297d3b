"""When each column changes and by how much, and when something was learnt: the streams that `segments` adds up.

A touch counts from the instant at which it had happened and was known until it is withdrawn or leaves the window. Of
touches that are thinned out (`per`, `distinct`, people) a group counts while one of its touches does: the unions of
their spans ("islands"). Of touches that fade and are thinned out, each counts while none of its group is later.

A stream is (key, col, delta, timed): `key` is the lead's place in the batch and the instant in one integer, `timed` is
false only where the instant is one at which something was learnt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from leadpact.kit.failures import CannotDo
from leadpact.lake.hindsight.gathered import EVER, HOUR, Gathered, active_everywhere
from leadpact.lake.hindsight.measured import Count, Fading, by_account
from leadpact.lake.store import literal, quoted
from leadpact.language.evaluate import compare as test_value
from leadpact.language.evaluate import kleene_all
from leadpact.language.fold import UNKNOWN as UNKNOWN_CELL
from leadpact.language.history import OWN_FIRST
from leadpact.language.needs import column, form_of
from leadpact.language.nodes import DAY, Attribute
from leadpact.language.sql_compare import answers, compare
from leadpact.language.sql_expr import YEAR_ONE
from leadpact.language.sql_measures import People

FALSE, TRUE, UNKNOWN = 0, 1, 2
NOTHING = -1
"""The column of an event that only marks an instant."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some leads that stand together, `low` to `high` (exclusive), and how instants are packed beside them.

    A key is `(ix - low) << bits | (instant - origin)`; origin is a full hour.
    """

    low: int
    high: int
    origin: int
    bits: int

    def key(self, ix: str, instant: str) -> str:
        """SQL for a key."""
        return f"(({ix} - {self.low}) << {self.bits}) | ({instant} - {self.origin})"


def batches(gathered: Gathered, most: int) -> Iterator[Batch]:
    """Batches of about so many leads, accounts whole; smaller ones where years of microseconds leave few bits for leads."""
    store = gathered.store
    if not gathered.leads:
        return
    origin = int(store.one("SELECT min(first) FROM hs_leads")) // HOUR * HOUR
    bits = (gathered.end - origin + 2 * HOUR).bit_length()
    most = min(most, 2 ** (63 - bits))
    # A batch begins with an account's first lead: circles lie in one batch.
    starts = store.execute(
        "SELECT min(begins) FROM (SELECT ix, CASE WHEN account_key IS NULL THEN ix "
        "ELSE min(ix) OVER (PARTITION BY account_key) END AS begins FROM hs_leads) "
        f"GROUP BY ix // {most} ORDER BY 1"
    ).fetchall()
    lows = sorted({int(low) for (low,) in starts})
    for low, high in zip(lows, [*lows[1:], gathered.leads], strict=True):
        if high - low > 2 ** (63 - bits):
            raise CannotDo(
                f"an account of {high - low:,} leads is too large for so long a period: replay a shorter one."
            )
        yield Batch(low, high, origin, bits)


# --- spans ------------------------------------------------------------------------------


def _spans(gathered: Gathered, place: int, measure: Count | Fading, batch: Batch) -> str:
    """Touches of a measure with the span in which they count: who, at, start, until, whether it ends by withdrawal."""
    circle = by_account(measure)
    who, table = ("circle", "hs_circle") if circle else ("ix", "hs_own")
    within = measure.within if isinstance(measure, People) else measure.query.within
    until = "void" if within is None else f'least(void, "at" + {within})'
    extra = ""
    if isinstance(measure, People):
        extra = ", person"
    else:
        if measure.query.per_day:
            extra += f', ("at" + {YEAR_ONE}) // {DAY} AS day'
        if measure.query.distinct is not None:
            extra += f", g{place} AS value"
    alive = "void > known_at AND person IS NOT NULL" if isinstance(measure, People) else f"start < {until}"
    return (
        f'SELECT {who} AS who, "at", known_at, start, void, greatest({until}, start) AS until{extra} FROM {table} '
        f"WHERE m{place} AND {who} >= {batch.low} AND {who} < {batch.high} AND start <= {gathered.end} AND {alive}"
    )


def _groups(measure: Count | Fading) -> list[str]:
    if isinstance(measure, People):
        return ["person"]
    return [*(["day"] if measure.query.per_day else []), *(["value"] if measure.query.distinct is not None else [])]


def _islands(spans: str, groups: list[str]) -> str:
    """Unions of the spans of each group: who, start, until; learnt: the first start at which
    something was learnt. A span that begins where another ends begins a new one.
    """
    keys = ", ".join(["who", *groups])
    return (
        f"SELECT who, min(start) AS start, max(until) AS until, min(CASE WHEN known_at = start THEN start END) AS learnt FROM ("
        f'SELECT *, sum(fresh) OVER (PARTITION BY {keys} ORDER BY start, until, "at" ROWS UNBOUNDED PRECEDING) AS island FROM ('
        f'SELECT *, CASE WHEN start < max(until) OVER (PARTITION BY {keys} ORDER BY start, until, "at" '
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) THEN 0 ELSE 1 END AS fresh "
        f"FROM ({spans}))) GROUP BY {keys}, island"
    )


def _count_spans(gathered: Gathered, place: int, measure: Count, batch: Batch) -> str:
    spans = _spans(gathered, place, measure, batch)
    groups = _groups(measure)
    if not groups:
        return spans
    if isinstance(measure, People):
        return f"SELECT who, start, until FROM hs_active_{place}"
    return _islands(spans, groups)


# --- events -----------------------------------------------------------------------------


def prepare_people(gathered: Gathered, batch: Batch) -> None:
    """Islands of each count of active people: read twice, for the counts and for the instants of judgement."""
    for place, measure in enumerate(gathered.columns.reads):
        if isinstance(measure, People):
            islands = _islands(_spans(gathered, place, measure, batch), _groups(measure))
            gathered.store.execute(f"CREATE OR REPLACE TEMP TABLE hs_active_{place} AS {islands}")


def events(gathered: Gathered, batch: Batch) -> str:
    """SQL for the stream of a batch, in order of its keys."""
    leads = f"(SELECT * FROM hs_leads WHERE ix >= {batch.low} AND ix < {batch.high})"
    parts = [f"SELECT ix, first, first AS e, {NOTHING} AS col, 0 AS delta, FALSE AS timed FROM {leads}"]
    columns = gathered.columns
    parts.append("SELECT * FROM hs_says")
    parts.append(
        f"SELECT ix, first, until, {NOTHING}, 0, FALSE FROM hs_away WHERE ix >= {batch.low} AND ix < {batch.high}"
    )
    for place, measure in enumerate(columns.counts):
        parts.append(_counted(gathered, place, measure, batch, leads))
    for place in range(len(columns.fading)):
        spans = f"(SELECT * FROM hs_fades WHERE place = {place})"
        parts.append(f"SELECT ix, first, start, {NOTHING}, 0, TRUE FROM {spans}")
        parts.append(f"SELECT ix, first, until, {NOTHING}, 0, TRUE FROM {spans} WHERE until < leaves")
    joined = " UNION ALL ".join(parts)
    return (
        f"SELECT {batch.key('ix', 'greatest(e, first)')} AS key, CAST(col AS SMALLINT) AS col, "
        f"CAST(delta AS INTEGER) AS delta, timed AND e > first AS timed FROM ({joined}) WHERE e <= {gathered.end} ORDER BY key"
    )


def _counted(gathered: Gathered, place: int, measure: Count, batch: Batch, leads: str) -> str:
    """Changes of a count. Where only conditions read it, no more than the steps at which one of them turns."""
    col = len(gathered.columns.attributes) + place
    steps = gathered.columns.steps[place]
    spans = _count_spans(gathered, place, measure, batch)
    deltas = f"SELECT who, unnest([start, until]) AS e, unnest([1, -1]) AS delta FROM ({spans}) WHERE until > start"
    if steps is not None:
        level = " ".join(f"WHEN n >= {step} THEN {step}" for step in reversed(steps))
        level = f"CASE {level} ELSE 0 END" if steps else "0"
        deltas = (
            "SELECT who, e, CAST(level - before AS INTEGER) AS delta FROM (SELECT who, e, level, "
            f"coalesce(lag(level) OVER (PARTITION BY who ORDER BY e), 0) AS before FROM (SELECT who, e, {level} AS level FROM ("
            "SELECT who, e, sum(delta) OVER (PARTITION BY who ORDER BY e) AS n FROM ("
            f"SELECT who, e, sum(delta) AS delta FROM ({deltas}) GROUP BY who, e)))) WHERE level <> before"
        )
    join = "l.circle = d.who" if by_account(measure) else "l.ix = d.who"
    return f"SELECT l.ix, l.first, d.e, {col}, d.delta, TRUE FROM ({deltas}) d JOIN {leads} l ON {join}"


def initial(gathered: Gathered, leaf: Attribute) -> int:
    """What an attribute's tests say of a value that is not there."""
    says = kleene_all(test_value(UNKNOWN_CELL, test, gathered.agreement) for test in leaf.tests)
    return UNKNOWN if says is None else TRUE if says else FALSE


def prepare_attributes(gathered: Gathered, batch: Batch) -> None:
    """`hs_says`: changes of what each attribute's tests say."""
    mended = bool(gathered.store.one("SELECT count(*) FROM hs_mended"))
    parts = [
        _attribute(gathered, place, leaf, batch, mended=mended)
        for place, leaf in enumerate(gathered.columns.attributes)
    ]
    empty = "SELECT 0 AS ix, 0 AS first, 0 AS e, 0 AS col, 0 AS delta, FALSE AS timed WHERE FALSE"
    with gathered.store.hollow_columns():
        gathered.store.execute(f"CREATE OR REPLACE TEMP TABLE hs_says AS {' UNION ALL '.join([empty, *parts])}")


def _truth(gathered: Gathered, leaf: Attribute) -> str:
    condition = compare(leaf.field, leaf.tests, gathered.agreement, "duckdb", "t").sql(dialect="duckdb", identify=True)
    return f"CASE WHEN ({condition}) THEN {TRUE} WHEN NOT ({condition}) THEN {FALSE} ELSE {UNKNOWN} END"


def _forms(gathered: Gathered, leaf: Attribute) -> str:
    forms = dict.fromkeys(form_of(test, gathered.agreement) for test in leaf.tests)
    return ", ".join(f"{form.value} AS {quoted(column(leaf.field, form))}" for form in forms)


def _attribute(gathered: Gathered, place: int, leaf: Attribute, batch: Batch, *, mended: bool) -> str:
    """Changes of what an attribute's tests say, by value: the latest that had happened and was known (Meaning 3)."""
    before = initial(gathered, leaf)
    account = "AND at_account" if leaf.field.startswith("account.") else ""
    # A value stands while no later one is known: it never comes to stand where a later one was known before it.
    values = (
        f'SELECT ix, first, "at", known_at, seen, t, greatest("at", seen) AS start, {_forms(gathered, leaf)}'
        f"{', until, own' if mended else ''} FROM hs_facts "
        f"WHERE field = {literal(leaf.field)} {account} AND ix >= {batch.low} AND ix < {batch.high}"
    )
    plain = f"{values} AND ix NOT IN (FROM hs_mended)" if mended else values
    standing = (
        'SELECT * EXCLUDE (following) FROM (SELECT *, min(start) OVER (PARTITION BY ix ORDER BY "at", known_at, t NULLS FIRST '
        f"ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS following FROM ({plain})) "
        "WHERE following IS NULL OR following > start"
    )
    if mended:
        careful = _mended(f"{values} AND ix IN (FROM hs_mended)", own_first=leaf.field in OWN_FIRST)
        standing = f"SELECT * EXCLUDE (until, own) FROM ({standing}) UNION ALL BY NAME {careful}"
    beside = answers(((leaf.field, test) for test in leaf.tests), gathered.agreement, "duckdb")
    looked_up = "".join(f", {one.sql(dialect='duckdb', identify=True)}" for one in beside)
    told = (
        f"SELECT ix, first, start, seen, {_truth(gathered, leaf)} AS says "
        f"FROM (SELECT * EXCLUDE (t){looked_up} FROM ({standing})) AS t"
    )
    return (
        f"SELECT ix, first, start, {place}, says - was, start > seen FROM (SELECT ix, first, start, seen, says, "
        f"coalesce(lag(says) OVER (PARTITION BY ix ORDER BY start), {before}) AS was FROM ({told})) WHERE says <> was"
    )


def _mended(values: str, *, own_first: bool) -> str:
    """The value that stands at each instant at which one begins or ends, where values end or come from another record."""
    mine = "v.own DESC, " if own_first else ""
    return (
        f"(WITH v AS MATERIALIZED (SELECT * FROM ({values}) WHERE start < until), edges AS ("
        f"SELECT DISTINCT ix, first, e FROM (SELECT ix, first, unnest([start, until]) AS e FROM v) WHERE e < {EVER}) "
        "SELECT v.* EXCLUDE (ix, first, start, seen, until, own), x.ix, x.first, x.e AS start, x.e - 1 AS seen "
        "FROM edges x LEFT JOIN v ON v.ix = x.ix AND v.start <= x.e AND v.until > x.e QUALIFY row_number() OVER "
        f'(PARTITION BY x.ix, x.e ORDER BY {mine}v."at" DESC, v.known_at DESC, v.t DESC NULLS LAST) = 1)'
    )


# --- touches that fade ------------------------------------------------------------------


def prepare_fades(gathered: Gathered, batch: Batch) -> None:
    """`hs_fades`: each fading touch of each lead with the spans in which it is the one that counts.

    `until` is when something else ends it, `leaves` when it leaves the window; the earlier of both is its end.
    """
    parts: list[str] = []
    counts = len(gathered.columns.counts)
    for place, measure in enumerate(gathered.columns.fading):
        spans = _spans(gathered, counts + place, measure, batch)
        groups = _groups(measure)
        if groups:
            spans = _latest(spans, groups)
        join = "l.circle = d.who" if by_account(measure) else "l.ix = d.who"
        parts.append(
            f'SELECT {place} AS place, l.ix, l.first, d."at", d.start, d.until, d."at" + {measure.query.within} AS leaves '
            f"FROM ({spans}) d JOIN hs_leads l ON {join} WHERE l.ix >= {batch.low} AND l.ix < {batch.high} "
            f"AND d.until > l.first AND d.until > d.start AND d.start <= {gathered.end}"
        )
    empty = 'SELECT 0 AS place, 0 AS ix, 0 AS first, 0 AS "at", 0 AS start, 0 AS until, 0 AS leaves WHERE FALSE'
    gathered.store.execute(f"CREATE OR REPLACE TEMP TABLE hs_fades AS {' UNION ALL '.join(parts) or empty}")


def _latest(spans: str, groups: list[str]) -> str:
    """Spans in which each touch is the latest of its group.

    Where none of a group is withdrawn, a later touch ends an earlier one for good: it also stays longer in the window.
    Where one is, what came before it comes back; those groups are gone through instant by instant.
    """
    keys = ", ".join(["who", *groups])
    mine = " AND ".join(f"a.{key} = b.{key}" for key in ["who", *groups])
    told = f"SELECT *, bool_or(void < {EVER}) OVER (PARTITION BY {keys}) AS mended FROM ({spans})"
    plain = (
        f'SELECT who, "at", start, least(until, following) AS until FROM (SELECT *, min(start) OVER (PARTITION BY {keys} '
        'ORDER BY "at", start ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS following FROM told WHERE NOT mended) '
        "WHERE following IS NULL OR following > start"
    )
    edges = f"SELECT {keys}, unnest([start, until]) AS e FROM told WHERE mended"
    steps = f"SELECT {keys}, e, lead(e) OVER (PARTITION BY {keys} ORDER BY e) AS next FROM (SELECT DISTINCT * FROM ({edges}))"
    careful = (
        f'SELECT a.who, max(b."at") AS "at", a.e AS start, any_value(a.next) AS until FROM ({steps}) a JOIN told b ON {mine} '
        f"AND b.start <= a.e AND b.until > a.e AND b.mended WHERE a.next IS NOT NULL "
        f"GROUP BY {', '.join(f'a.{key}' for key in ['who', *groups])}, a.e"
    )
    return f"WITH told AS MATERIALIZED ({told}) {plain} UNION ALL {careful}"


def fades(batch: Batch, end: int) -> str:
    """SQL for the fading touches of a batch: which column, at, and the keys of their span (first included, last not)."""
    return (
        f'SELECT CAST(place AS SMALLINT) AS place, "at", {batch.key("ix", "greatest(start, first)")} AS start, '
        f"{batch.key('ix', f'least(until, {end + 1})')} AS until FROM hs_fades ORDER BY start"
    )


def away(batch: Batch, end: int) -> str:
    """SQL for the spans in which leads of a batch are not judged, as keys (first included, last not), in order."""
    since = f"greatest(since, {batch.origin})"
    return (
        f"SELECT {batch.key('ix', since)} AS since, {batch.key('ix', f'least(until, {end + 1})')} AS until FROM hs_away "
        f"WHERE ix >= {batch.low} AND ix < {batch.high} AND until > {batch.origin} AND since <= {end} ORDER BY since"
    )


# --- instants ---------------------------------------------------------------------------


def learnt(gathered: Gathered, batch: Batch) -> str:
    """SQL for the keys of instants at which something was learnt of a lead, in order."""
    return _keys(
        f"SELECT t.ix, t.instant FROM hs_learnt t JOIN hs_leads l ON l.ix = t.ix WHERE t.ix >= {batch.low} "
        f"AND t.ix < {batch.high} AND t.instant > l.first AND t.instant <= {gathered.end}",
        batch,
    )


def learnt_in_circles(gathered: Gathered, batch: Batch) -> str | None:
    """SQL for the keys (of circles) of instants at which something was learnt that may count for everybody in it."""
    if not gathered.has_circles:
        return None
    people = [place for place, measure in enumerate(gathered.columns.reads) if isinstance(measure, People)]
    counts = " OR ".join(f"m{place}" for place in people)
    theirs = f"(({counts}) AND person IS NOT NULL)" if people else "FALSE"
    at_once = theirs if active_everywhere(gathered.agreement) else f'({theirs} AND "at" > known_at)'
    mine = f"circle >= {batch.low} AND circle < {batch.high} AND void > known_at"
    parts = [
        f"SELECT circle AS ix, known_at AS instant FROM hs_circle WHERE {mine} AND (counts_for_all OR {at_once})",
        f"SELECT circle, void FROM hs_circle WHERE {mine} AND void < {EVER} AND (counts_for_all OR {theirs})",
    ]
    if people and not active_everywhere(gathered.agreement):
        # What was announced before it happened begins without anything being learnt.
        parts += [f"SELECT who, start FROM hs_active_{place} WHERE learnt = start" for place in people]
    return _keys(
        f"SELECT * FROM ({' UNION ALL '.join(parts)}) WHERE instant > {batch.origin} AND instant <= {gathered.end}",
        batch,
    )


def _keys(rows: str, batch: Batch) -> str:
    return f"SELECT DISTINCT {batch.key('ix', 'instant')} AS key FROM ({rows}) ORDER BY key"
