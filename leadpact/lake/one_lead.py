"""One lead, instant by instant, judged by the reference evaluator: slow, to be read, and what the fast replay is held to.

At which instants is a lead judged (Meaning 13)? First when it comes in. Then with each batch of facts that concerns it:

- anything about itself or its person: a touch of any kind, a withdrawal, a value of an attribute;
- that it is of an account, or no longer; a value of its account's that the agreement reads;
- a touch of a colleague's that the agreement counts for the account, and its withdrawal. Where active people are counted
  whatever they did, a touch of somebody who is active already changes nothing, and nobody is judged for it.

And at each full hour (UTC) at which time alone may have changed something. A fact whose own instant lies ahead when it
becomes known begins at such an hour, too.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from leadpact.kit.failures import CannotDo
from leadpact.lake.relations import ASKED, AWAY, FACTS, JOINED, LEADS, PLACED, TOUCHES, ensure_beside
from leadpact.lake.store import Store
from leadpact.language.evaluate import Judgement, evaluate
from leadpact.language.fold import Cell, cell_from_json
from leadpact.language.history import OWN_FIRST, Fact, History, Lead, Touch
from leadpact.language.kinds import OURS
from leadpact.language.needs import leaves, needs, queries
from leadpact.language.nodes import ActivePeople, Agreement

HOUR = 3_600_000_000
READY = "sales_ready"
NOT_AGAIN = 2**62
BEGINNING, EVER = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class Stay:
    """An account that somebody is known to be of from `since` until `until`."""

    account: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Lent:
    """A value of a record that was part of the lead's, from `since` until `until`."""

    fact: Fact
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that was ever learnt about a lead and its accounts, and the instants of facts that have it judged.

    histories: the lead with the account that it is of then, and what everybody there did, each from an instant on until the
    next: between two of them nobody comes to an account or leaves one.
    """

    lead_id: str
    created_at: int
    histories: tuple[tuple[int, History], ...]
    instants: tuple[int, ...]
    beginnings: tuple[int, ...]
    """Instants at which values begin that were known before."""
    lent: tuple[Lent, ...] = ()
    away: tuple[tuple[int, int], ...] = ()
    """Spans (since, until) in which nobody judged it, as its record was part of another."""

    def history(self, now: int) -> History:
        """The lead and everybody at its account, with the account that each is of at an instant."""
        return self.histories[bisect_right(self.histories, now, key=lambda one: one[0]) - 1][1]

    def judge(self, agreement: Agreement, now: int) -> Judgement:
        """The judgement as of an instant, by the reference evaluator."""
        history = self.history(now)
        lead = history.lead(self.lead_id)
        lent = [one.fact for one in self.lent if one.since <= now < one.until]
        if lent:
            told = {one.field for one in lead.facts if one.at <= now and one.known_at <= now} & OWN_FIRST
            lead = replace(lead, facts=(*lead.facts, *(one for one in lent if one.field not in told)))
        return evaluate(agreement, lead, history, now)

    def back(self, now: int) -> int | None:
        """When it is judged again, where it is not at an instant."""
        return next((until for since, until in self.away if since <= now < until), None)


def hour_after(at: int) -> int:
    """The first full hour at or after an instant."""
    return -(-at // HOUR) * HOUR


def read(store: Store, agreement: Agreement, lead_id: str) -> Known:
    """Gather a lead from the history's relations. Raises CannotDo when there is none of this id."""
    row = store.execute(
        f"SELECT person_key, account_key, created_at, counts_from FROM {LEADS} WHERE lead_id = ?", [lead_id]
    ).fetchone()
    if row is None:
        raise CannotDo(f"there is no lead {lead_id} in this history.")
    person, account, created_at, counts_from = row
    ensure_beside(store)
    stays = _stays(store)
    mine = stays.get(person, [Stay(account, BEGINNING, EVER)] if account is not None else [])
    told = store.execute(
        f"SELECT subject, key, field, t, n, b, \"at\", known_at FROM {FACTS} WHERE (subject = 'lead' AND key = $1) "
        "OR (subject = 'person' AND key = $2) OR (subject = 'account' AND list_contains($3, key))",
        [lead_id, person, [stay.account for stay in mine]],
    ).fetchall()
    own = tuple(
        Fact(name, Cell(t, n, b), at, known) for subject, _, name, t, n, b, at, known in told if subject != "account"
    )
    of_account = [
        (key, Fact(name, Cell(t, n, b), at, known)) for subject, key, name, t, n, b, at, known in told if subject == "account"
    ]  # fmt: skip
    touches = _touches(store, lead_id, mine, counts_from)
    own_touches = [touch for touch in touches if touch.lead_id == lead_id]
    lead = Lead(lead_id, person, None, created_at, own)

    def history(now: int) -> History:
        firm = _account(mine, now)
        facts = (*own, *(fact for key, fact in of_account if key == firm))
        placed = [
            replace(one, account=_account(stays[one.person], now)) if one.person in stays else one for one in touches
        ]
        seen = [one for one in placed if one.lead_id == lead_id or (firm is not None and one.account == firm)]
        return History([replace(lead, account=firm, facts=facts)], seen)

    people = {person, *(touch.person for touch in touches)}
    edges = {at for who in people for stay in stays.get(who, ()) for at in (stay.since, stay.until)} | {BEGINNING}
    instants = {fact.known_at for fact in own} | {touch.known_at for touch in own_touches}
    instants |= {touch.void_at for touch in own_touches if touch.void_at is not None}
    read_fields = {name for name, _ in needs(agreement).attributes}
    for stay in mine:
        inside = {
            max(fact.known_at, stay.since)
            for key, fact in of_account
            if key == stay.account and fact.field in read_fields
        }
        theirs = [clipped for touch in touches for clipped in _clipped(touch, stay.account, stays)]
        inside |= set(_of_account(agreement, theirs)) | {stay.since}
        instants |= {at for at in inside if stay.since <= at < stay.until} | {stay.until}
    lent = _lent(store, lead_id, person)
    instants |= {at for one in lent for at in (one.since, one.until)}
    instants |= {at for (at,) in store.execute(f'SELECT "at" FROM {ASKED} WHERE lead_id = ?', [lead_id]).fetchall()}
    away = store.execute(f"SELECT since, until FROM {AWAY} WHERE lead_id = ? ORDER BY since", [lead_id]).fetchall()
    instants |= {until for _, until in away}
    beginnings = {fact.at for fact in (*own, *(fact for _, fact in of_account)) if fact.at > fact.known_at}
    beginnings |= {one.fact.at for one in lent if one.fact.at > one.since}
    return Known(
        lead_id,
        created_at,
        tuple((edge, history(edge)) for edge in sorted(edges)),
        tuple(sorted(instants)),
        tuple(sorted(beginnings)),
        tuple(lent),
        tuple(away),
    )


def _stays(store: Store) -> dict[str | None, list[Stay]]:
    """The accounts of everybody who was not of one account always."""
    found: dict[str | None, list[Stay]] = {}
    for person, *stay in store.execute(f"SELECT person_key, account_key, since, until FROM {PLACED}").fetchall():
        found.setdefault(person, []).append(Stay(*stay))
    return found


def _account(stays: list[Stay], now: int) -> str | None:
    return next((stay.account for stay in stays if stay.since <= now < stay.until), None)


def _touches(store: Store, lead_id: str, mine: list[Stay], counts_from: int | None) -> list[Touch]:
    """The lead's touches, and those of everybody who was ever of an account of its."""
    return [
        Touch(touch_id, own or "", who, firm, kind, at, known_at, _cells(cells), void_at)
        for touch_id, own, who, firm, kind, at, known_at, void_at, cells in store.execute(
            f'SELECT touch_id, lead_id, person_key, account_key, kind, "at", known_at, void_at, cells FROM {TOUCHES} t'
            f" WHERE (lead_id = $1 OR CASE WHEN person_key IN (SELECT person_key FROM {PLACED}) THEN person_key IN"
            f" (SELECT person_key FROM {PLACED} WHERE list_contains($2, account_key)) ELSE list_contains($2, account_key) END)"
            ' AND NOT (lead_id IS NOT DISTINCT FROM $1 AND t."at" <= $3)',
            [lead_id, [stay.account for stay in mine], -(2**63) if counts_from is None else counts_from],
        ).fetchall()
    ]


def _clipped(touch: Touch, account: str, stays: dict[str | None, list[Stay]]) -> Iterator[Touch]:
    """A touch as it counts for an account: while whoever made it is of it."""
    if touch.person not in stays:
        if touch.account == account:
            yield touch
        return
    for stay in stays[touch.person]:
        if stay.account == account:
            void = stay.until if touch.void_at is None else min(touch.void_at, stay.until)
            yield replace(
                touch, account=account, known_at=max(touch.known_at, stay.since), void_at=None if void == EVER else void
            )


def _lent(store: Store, lead_id: str, person: str | None) -> list[Lent]:
    """Values of who was part of the lead or its person."""
    return [
        Lent(Fact(name, Cell(t, n, b), at, known_at), max(known_at, since), until)
        for name, t, n, b, at, known_at, since, until in store.execute(
            f'SELECT f.field, f.t, f.n, f.b, f."at", f.known_at, j.since, j.until FROM {FACTS} f JOIN {JOINED} j'
            " ON j.subject = f.subject AND j.part = f.key WHERE f.known_at < j.until"
            " AND ((j.subject = 'lead' AND j.key = $1) OR (j.subject = 'person' AND j.key = $2))",
            [lead_id, person],
        ).fetchall()
    ]


def _cells(stored: str | None) -> dict[str, Cell]:
    return {name: cell_from_json(cell) for name, cell in json.loads(stored or "{}").items()}


def _of_account(agreement: Agreement, touches: list[Touch]) -> Iterator[int]:
    """Instants at which what somebody at an account did, and its withdrawal, has everybody there judged. touches: all of them."""
    circle = {kind for query in queries(agreement) if query.by == "account" for kind in query.kinds}
    active = [leaf for leaf in leaves(agreement) if isinstance(leaf, ActivePeople)]
    of_person: dict[str, list[Touch]] = {}
    for touch in touches:
        if touch.kind not in OURS and touch.person is not None:
            of_person.setdefault(touch.person, []).append(touch)
    for touch in touches:
        if touch.void_at is None or touch.void_at > touch.known_at:
            theirs = touch.kind not in OURS and touch.person is not None
            counts = [leaf for leaf in active if theirs and (not leaf.kinds or touch.kind in leaf.kinds)]
            if not counts and touch.kind not in circle:
                continue
            if touch.void_at is not None:
                yield touch.void_at
            before = of_person.get(touch.person or "", [])
            if (
                touch.kind in circle
                or touch.at > touch.known_at
                or any(leaf.kinds for leaf in active)
                or any(not _was_active(before, touch.known_at, leaf.within) for leaf in active)
            ):
                yield touch.known_at


def _was_active(touches: list[Touch], instant: int, within: int | None) -> bool:
    """Whether a person was active just before a batch of facts came in: a touch that was known, and stood then."""
    return any(
        touch.known_at < instant
        and touch.at < instant
        and (touch.void_at is None or touch.void_at >= instant)
        and (within is None or touch.at > instant - within)
        for touch in touches
    )


def judgements(known: Known, agreement: Agreement, *, start: int | None, end: int) -> Iterator[Judgement]:
    """Each judgement of the lead from `start` (or when it came in, if later) to `end`, in order of time.

    Full hours at which nothing can have changed are passed over: what they would say is what was said before.
    """
    now = known.created_at if start is None else max(known.created_at, start)
    while now <= end:
        back = known.back(now)
        if back is not None:
            now = back
            continue
        judgement = known.judge(agreement, now)
        yield judgement
        ahead = [at for at in known.instants if at > now][:1]
        ahead += [hour_after(at) for at in known.beginnings if at > now]
        if judgement.changes_at is not None:
            ahead.append(hour_after(judgement.changes_at))
        following = min((at for at in ahead if at > now), default=None)
        if following is None:
            return
        now = following


@dataclass(frozen=True, slots=True)
class Change:
    """A change of verdict; `before` is empty at a lead's first judgement."""

    lead_id: str
    at: int
    before: str
    after: str
    decided_by: str


def changes(judged: Iterator[Judgement]) -> Iterator[Change]:
    """The judgements that changed the verdict."""
    before = ""
    for one in judged:
        if one.verdict != before:
            yield Change(one.lead_id, one.as_of, before, one.verdict, one.decided_by)
            before = one.verdict


def hand_overs(
    known: Known, agreement: Agreement, returns: Sequence[tuple[int, int | None, bool]], *, start: int | None, end: int
) -> list[int]:
    """When the lead is handed over, by the reference: what `hindsight.handed` says fast.

    returns: when it came back from Sales in fact, from when on it may go there again (None: not by itself), and whether it sleeps
    until then: only an alternative that did not hold when it came back wakes it.
    """
    judged = list(judgements(known, agreement, start=start, end=end))
    ready = [one.as_of for one in judged if one.verdict == READY]
    back = sorted((at, NOT_AGAIN if until is None else until, asleep) for at, until, asleep in returns)
    out: list[int] = []
    now = ready[0] if ready else None
    while now is not None:
        out.append(now)
        came, until, asleep = next((one for one in back if now < one[0] <= end), (NOT_AGAIN, NOT_AGAIN, False))
        if asleep and (woken := _woken(judged, came, until)) is not None:
            now = woken
            continue
        if (hour := hour_after(until)) > end:
            break
        at_once = known.judge(agreement, hour).verdict == READY
        now = hour if at_once else next((at for at in ready if at > hour), None)
    return out


def _woken(judged: Sequence[Judgement], came: int, until: int) -> int | None:
    """When a lead that came back at an instant is woken before its rest is over; None: it is not."""
    held = [one for one in judged if one.as_of <= came][-1].alternatives
    for one in judged:
        fresh = any(now and not then for now, then in zip(one.alternatives, held, strict=True))
        if came < one.as_of < until and one.verdict == READY and fresh:
            return one.as_of
    return None
