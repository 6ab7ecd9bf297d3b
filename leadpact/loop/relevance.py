"""Which leads a batch of facts can change: the others need not be judged, because their verdict would come out the same.

An agreement reads some touches and some attributes. A page view that no line counts, by its kind or by its properties, changes
nothing where the person is active already; a mail that we sent changes nothing at all. What time alone changes is the ticks' to
find (`clocks.let_time_pass`), except where it may have changed since the last full hour: who leaves a fact in the batch is judged
with it then, so that the ledger reads as if everybody had been judged every time (Meaning 13). A test holds the two equal.

Of how many people are active at an account, a clause sees only whether they are so many. So one more of them concerns the others
there where their number comes to one that a clause names (`bounds_passed`), and where time may have changed their verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from leadpact.agreement.queries import InForce, by_hash
from leadpact.capture.actions.identify import Identified
from leadpact.capture.rules.arrival import TouchData
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.evaluate import fits
from leadpact.language.fold import UNKNOWN, Cell
from leadpact.language.kinds import OURS
from leadpact.language.needs import leaves, needs, queries
from leadpact.language.nodes import ActivePeople, TouchQuery

HOUR = 3_600_000_000
EVER = -(2**62)
REPEATS = 200
"""Characters of a text that is remembered."""


class Active(NamedTuple):
    """A count of active people. No kinds: every kind of theirs. within: the window in microseconds; None: ever. bounds: the
    numbers at which its clause turns.
    """

    kinds: frozenset[str]
    within: int | None
    bounds: tuple[int, ...]

    def since(self, at: int) -> int:
        """The instant after which a touch counts, as of another."""
        return EVER if self.within is None else at - self.within


@dataclass(frozen=True, slots=True)
class Reads:
    """What an agreement reads. own: kinds that count for the person who touched; circle: for everybody at the account.

    fields: attributes. told_by: kind → the properties by which touches of it are told apart.
    """

    own: frozenset[str]
    circle: frozenset[str]
    active: tuple[Active, ...]
    fields: frozenset[str]
    told_by: Mapping[str, tuple[str, ...]]

    def makes_active(self, kind: str) -> bool:
        """Whether somebody's touch of this kind is one that some count of active people counts."""
        return kind not in OURS and any(not one.kinds or kind in one.kinds for one in self.active)


@lru_cache(maxsize=16)
def reads(agreement_hash: str) -> Reads:
    """What the agreement with this hash reads."""
    agreement = by_hash(agreement_hash)
    asked = list(queries(agreement))
    people = [leaf for leaf in leaves(agreement) if isinstance(leaf, ActivePeople)]
    return Reads(
        own=frozenset(kind for query in asked for kind in query.kinds),
        circle=frozenset(kind for query in asked if query.by == "account" for kind in query.kinds),
        active=tuple(Active(frozenset(leaf.kinds), leaf.within, leaf.bounds) for leaf in people),
        fields=frozenset(field for field, _ in needs(agreement).attributes),
        told_by={kind: _told_by(kind, asked) for query in asked for kind in query.kinds},
    )


def _told_by(kind: str, asked: Iterable[TouchQuery]) -> tuple[str, ...]:
    names = {name for query in asked if kind in query.kinds for name, _ in query.where}
    names |= {query.distinct for query in asked if kind in query.kinds and query.distinct is not None}
    return tuple(sorted(names))


def counted(agreement_hash: str, touch: TouchData) -> tuple[bool, bool]:
    """Whether some query of the agreement counts a touch like this: for whoever touched, and for everybody at the account."""
    names = reads(agreement_hash).told_by.get(touch.kind)
    if names is None:
        return False, False
    told = tuple([(name, touch.cells.get(name, UNKNOWN)) for name in names])
    # Pages have few paths, mails few subjects: nearly every touch is like one that came before.
    if any(len(value.text or "") > REPEATS for _, value in told):
        return _counted.__wrapped__(agreement_hash, touch.kind, told)
    return _counted(agreement_hash, touch.kind, told)


@lru_cache(maxsize=16_384)
def _counted(agreement_hash: str, kind: str, properties: tuple[tuple[str, Cell], ...]) -> tuple[bool, bool]:
    agreement = by_hash(agreement_hash)
    told = dict(properties)
    fitting = [query for query in queries(agreement) if fits(kind, told, query, agreement)]
    return bool(fitting), any(query.by == "account" for query in fitting)


def _latest(also: str = "") -> str:
    """SQL of the latest touch of each trail of `p` by $2 that is not ours ($3) and was not withdrawn; also: a further condition.

    Each table by its key (OFFSET 0), as in `loop.judging`.
    """
    return (
        " CROSS JOIN LATERAL (SELECT id FROM leads_visitor WHERE person_id = p.id OFFSET 0) AS v"
        ' CROSS JOIN LATERAL (SELECT "at" FROM leads_touch AS x WHERE x.visitor_id = v.id AND x."at" <= $2 AND x.void_at IS NULL'
        " AND x.kind <> ALL($3::text[]) AND NOT EXISTS (SELECT FROM leads_touchvoid AS d WHERE d.touch_id = x.id"
        f' AND (SELECT EXISTS (SELECT FROM leads_touchvoid)) OFFSET 0){also} ORDER BY x."at" DESC LIMIT 1) AS t'
    )


_OTHERS = (
    'SELECT a.id, max(t."at") FROM unnest($1::bigint[]) AS a (id)'
    " CROSS JOIN LATERAL (SELECT id FROM leads_person WHERE account_id = a.id OFFSET 0) AS p"
    f"{_latest()} WHERE p.id <> ALL($4::bigint[]) GROUP BY a.id, p.id"
).encode()
_ALONE = (
    ' AND NOT (p.alone AND x."at" <= COALESCE((SELECT max(counts_from) FROM leads_lead WHERE person_id = p.id), $5))'
)
_LAST = (
    f'SELECT p.id, max(t."at") FROM unnest($1::bigint[], $4::boolean[]) AS p (id, alone){_latest(_ALONE)} GROUP BY p.id'
).encode()


@dataclass(frozen=True, slots=True)
class Touched:
    """Whom a batch can change: people by themselves, and accounts with everybody in them. more_active: further accounts, with
    those at each who become active there.
    """

    people: frozenset[int]
    accounts: frozenset[int]
    more_active: Mapping[int, frozenset[int]] = field(default_factory=dict)

    @property
    def homes(self) -> list[int]:
        """All accounts whose people the batch may change, in order."""
        return sorted(self.accounts | self.more_active.keys())


def touched(found: Identified, *, version: InForce, at: int, lead_fields: Mapping[int, Iterable[str]]) -> Touched:
    """People and accounts whose leads the batch can change. Called before its touches are written; one statement at most.

    lead_fields: person → attributes of the lead that the batch tells.
    """
    known = reads(version.hash)
    people: set[int] = found.joined | found.placed
    accounts: set[int] = {a.id for a in found.accounts.values() if any(name in known.fields for name, _, _ in a.facts)}
    for person in found.people.values():
        if person.is_new or any(name in known.fields for name, _, _ in person.facts):
            people.add(person.id)
    people |= {person for person, names in lead_fields.items() if any(name in known.fields for name in names)}
    # Who is found to be of an account brings what it did to everybody there, and sees what the account is.
    circle = set(found.joined) | found.placed
    maybe: set[int] = set()
    makes_active: dict[str, bool] = {}
    for tied in found.tied:
        touch = tied.arrival.touch
        if touch is None or tied.person_id is None or touch.automated:
            continue
        alone, at_account = counted(version.hash, touch)
        if alone:
            people.add(tied.person_id)
        if at_account:
            circle.add(tied.person_id)
        if touch.kind not in makes_active:
            makes_active[touch.kind] = known.makes_active(touch.kind)
        if makes_active[touch.kind]:
            maybe.add(tied.person_id)
    newly = _newly_active(maybe - circle, known, at, found)
    if any(one.kinds for one in known.active):
        circle |= newly  # counted by kind: rare, and not worth a query of its own for each
    accounts |= {a for p in circle if (a := found.people[p].account_id) is not None}
    more_active: dict[int, set[int]] = {}
    for person in newly:
        home = found.people[person].account_id
        if home is not None and home not in accounts:
            more_active.setdefault(home, set()).add(person)
    return Touched(
        frozenset(people | circle | newly),
        frozenset(accounts),
        {account: frozenset(there) for account, there in more_active.items()},
    )


def bounds_passed(more_active: Mapping[int, frozenset[int]], *, version: InForce, at: int) -> frozenset[int]:
    """Accounts at which the number of active people comes to one at which a clause turns, with those who become active there.

    Called when everybody at the accounts is locked, and before the batch's touches are written: who comes at the same moment by
    another batch is counted by one of the two. One statement.
    """
    if not more_active:
        return frozenset()
    with raw_cursor() as cursor:
        cursor.execute(
            _OTHERS,
            (sorted(more_active), at, sorted(OURS), sorted(frozenset[int]().union(*more_active.values()))),
            prepare=True,
        )
        others: dict[int, list[int]] = {account: [] for account in more_active}
        for account, last in cursor.fetchall():
            others[account].append(last)  # type: ignore[index,arg-type]
    return frozenset(
        account
        for account, last in others.items()
        if any(
            (before := sum(one > active.since(at) for one in last)) < bound <= before + len(more_active[account])
            for active in reads(version.hash).active
            for bound in active.bounds
        )
    )


def _newly_active(people: set[int], known: Reads, at: int, found: Identified) -> set[int]:
    """Those who had no counted touch within some window of active people: this batch may make the count grow.

    At an account everything counts that somebody did; who has none is counted alone, by the touches of the open lead.
    """
    if not people:
        return set()
    if any(one.kinds for one in known.active):
        return people
    fresh = {p for p in people if found.people[p].is_new}
    asked = sorted(people - fresh)
    if not asked:
        return fresh
    with raw_cursor() as cursor:
        cursor.execute(
            _LAST,
            (asked, at, sorted(OURS), [found.people[p].account_id is None for p in asked], EVER),
            prepare=True,
        )
        last = {int(row[0]): int(row[1]) for row in cursor.fetchall()}  # type: ignore[call-overload]
    windows = [one.since(at) for one in known.active]
    return fresh | {p for p in asked if any(last.get(p, EVER) <= start for start in windows)}
