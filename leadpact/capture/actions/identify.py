"""Tie a batch of arrivals to visitors, people and accounts, set by set.

The batch is read once, decided in memory in the order in which it came, and written once: a constant number of statements
whatever its size. What another transaction may have written in between is found when the identifiers are inserted (their
unique constraint makes the loser wait for the winner); then `IdentityRace` is raised and the caller starts afresh.

Rules that must hold:
- an anonymous visitor's history joins the person that it turns out to be, once; the tie has its own instants;
- two known people are never merged here; where an arrival names both, it goes to the user id's and a question is kept;
- a second known person on one anonymous id leaves that id where it is: people share computers;
- a public key (`trusted` false) only claims: it fills what is unknown, it never overwrites, and never clears an opt-out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from msgspec import Struct

from leadpact.capture.actions.ids import Ids
from leadpact.capture.actions.records import PersonRecord, Record, account_name, columns, dump, load, person_row
from leadpact.capture.rules.arrival import Arrival, Ready
from leadpact.kit.raw import RawCursor, in_flight, one_transaction
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.language.fold import cell

OPTED_OUT = "person.opted_out"


class IdentityRace(Exception):
    """Another transaction tied one of the batch's identifiers first. Roll back and start afresh."""


class Tied(Struct, frozen=True, gc=False):
    """An arrival and whose it is. person_id None: still anonymous."""

    arrival: Arrival
    visitor_id: int
    person_id: int | None
    ready: Ready


@dataclass(slots=True)
class Identified:
    """A batch, tied. `people` and `accounts` hold the records the batch speaks of; `joined`: people to whom a trail was tied
    just now; `placed`: known people who were just found to be of an account; `ties`: trails that were nobody's until now;
    `trails`: new ones that are somebody's; `ids`: drawn for what the batch will write; `unlocked`: known people who were read
    without a lock, with their account and `ties_version`; `written`: statements whose answers may be on their way still, and how
    many rows each must have written.
    """

    tied: list[Tied]
    people: dict[int, PersonRecord]
    accounts: dict[int, Record]
    questions: set[tuple[int, int, str]]
    joined: set[int]
    placed: set[int]
    ties: tuple[int, ...]
    trails: tuple[int, ...]
    ids: Ids
    unlocked: dict[int, tuple[int | None, int]]
    written: tuple[tuple[RawCursor, int], ...]

    def lost_no_race(self) -> None:
        """Raise IdentityRace where another transaction wrote an identifier, an account, a person or a tie first.

        Asked when the answers are in: after the next statement with rows, or `land`.
        """
        lost = False
        for cursor, wanted in self.written:
            with cursor:
                lost = lost or cursor.rowcount != wanted
        if lost:
            raise IdentityRace


def named(arrivals: Iterable[Ready]) -> list[tuple[str, str]]:
    """The identifiers that arrivals name, (kind, value), each once and in order."""
    return sorted({key for one in arrivals for key in one.keys})


def ask(keys: Sequence[tuple[str, str]]) -> RawCursor:
    """Ask who is known by identifiers, as of `named`; `identify` reads the answer. In flight, other questions may go along."""
    cursor = raw_cursor()
    cursor.execute(
        "SELECT i.kind, i.value, i.visitor_id, v.person_id, p.account_id, p.email, p.email_verified, p.opted_out,"
        " p.ties_version FROM unnest($1::text[], $2::text[]) AS k (kind, value)"
        # Each by its key (OFFSET 0), as in `loop.judging`: while the tables are small the planner would read them whole.
        " CROSS JOIN LATERAL (SELECT kind, value, visitor_id FROM leads_identifier WHERE kind = k.kind AND value = k.value"
        " OFFSET 0) AS i"
        " CROSS JOIN LATERAL (SELECT person_id FROM leads_visitor WHERE id = i.visitor_id OFFSET 0) AS v"
        " LEFT JOIN LATERAL (SELECT account_id, email, email_verified, opted_out, ties_version FROM leads_person"
        " WHERE id = v.person_id OFFSET 0) AS p ON TRUE",
        ([k for k, _ in keys], [v for _, v in keys]),
        prepare=True,
    )
    return cursor


def identify(arrivals: Sequence[Ready], *, known_at: int, asked: RawCursor, lock_all: bool = False) -> Identified:
    """Tie every arrival. Writes new accounts, people, visitors, identifiers and ties; leaves traits to `write_traits`.

    asked: as `ask` gave it, for these arrivals or more. In flight, whether a race was lost is told by `lost_no_race` only.

    People of whom nothing but touches is told are not locked (`Identified.unlocked`): whoever changes one locks their leads, so
    the caller, when it has those, asks whether they are still what they were. Where one turns out to change here, this is a race.
    lock_all: lock everybody, as after a race.
    Raises IdentityRace; RuntimeError outside a transaction.
    """
    one_transaction()
    batch = _Batch(arrivals, known_at, lock_all=lock_all)
    batch.read(asked)
    for one in arrivals:
        batch.tie(one)
    batch.place_accounts()
    batch.learn()
    if any(batch.people[person].changed for person in batch.unlocked):
        raise IdentityRace
    written = batch.write()
    return Identified(
        batch.tied,
        batch.people,
        batch.accounts,
        batch.questions,
        batch.joined,
        batch.placed,
        tuple(sorted(batch.ties)),
        tuple(sorted(trail for trail, (whose, _) in batch.new_visitors.items() if whose is not None)),
        batch.ids,
        batch.unlocked,
        tuple(written),
    )


def known_later(found: Identified, *, known_at: int) -> None:
    """Date what `identify` wrote later: the batch waited for another, and is known after it, as the facts are that it brings.

    Two statements at most. What breaks without it: a replay asks who is around when the trail was tied, a moment before there is
    anything to be seen of it.
    """
    new = sorted(person.id for person in found.people.values() if person.is_new)
    with raw_cursor() as cursor:
        if found.ties or found.trails:
            cursor.execute(
                "UPDATE leads_visitor SET tied_known_at = $2 WHERE id = ANY($1::bigint[])",
                ([*found.ties, *found.trails], known_at),
            )
        if new:
            cursor.execute(
                "UPDATE leads_person SET created_at = $2, account_known_at = CASE WHEN account_id IS NOT NULL THEN $2::bigint END"
                " WHERE id = ANY($1::bigint[])",
                (new, known_at),
            )


def known_of(trails: Sequence[int]) -> int:
    """Since when what is known last of some trails' latest touches is known; 0 without any. One statement, none for no trail.

    Of a trail its latest hundred touches are looked at: what came just now is among them.
    """
    if not trails:
        return 0
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT max(t.known_at) FROM unnest($1::bigint[]) AS v (id)"
            " CROSS JOIN LATERAL (SELECT known_at FROM leads_touch WHERE visitor_id = v.id"
            ' ORDER BY "at" DESC LIMIT 100) AS t',
            (list(trails),),
            prepare=True,
        )
        row = cursor.fetchone()
    return 0 if row is None or row[0] is None else int(row[0])  # type: ignore[call-overload]


class _Known(NamedTuple):
    """What is always read of a person whom a batch names."""

    account_id: int | None
    email: str | None
    email_verified: bool
    opted_out: bool
    ties_version: int

    def record(self, id_: int, traits: dict[str, Any], cells: dict[str, Any]) -> PersonRecord:
        return PersonRecord(
            "person", id_, traits, cells, account_id=self.account_id, email=self.email,
            email_verified=self.email_verified, opted_out=self.opted_out,
        )  # fmt: skip


_PEOPLE = (
    b"SELECT id, traits::text, cells::text, account_id, email, email_verified, opted_out, ties_version FROM leads_person"
    b" WHERE id = ANY($1::bigint[])"
)
_LOCKED = _PEOPLE + b" ORDER BY id FOR NO KEY UPDATE"


class _Batch:
    def __init__(self, arrivals: Sequence[Ready], known_at: int, *, lock_all: bool) -> None:
        self.arrivals = arrivals
        self.known_at = known_at
        self.lock_all = lock_all
        self.unlocked: dict[int, tuple[int | None, int]] = {}
        self.visitor_of: dict[tuple[str, str], int] = {}
        self.person_of: dict[int, int | None] = {}
        self.people: dict[int, PersonRecord] = {}
        self.accounts: dict[int, Record] = {}
        self.domains: dict[str, int] = {}
        self.new_identifiers: dict[tuple[str, str], int] = {}
        self.new_visitors: dict[int, tuple[int | None, int]] = {}
        self.ties: dict[int, tuple[int, int]] = {}
        self.home: dict[int, int] = {}
        self.new_accounts: dict[str, int] = {}
        self.tied: list[Tied] = []
        self.questions: set[tuple[int, int, str]] = set()
        self.joined: set[int] = set()
        self.placed: set[int] = set()

    # --- reading ---------------------------------------------------------------------------

    def read(self, asked: RawCursor) -> None:
        known: dict[int, _Known] = {}
        with asked:
            for kind, value, visitor, person, *about in asked.fetchall():
                self.visitor_of[kind, value] = visitor  # type: ignore[index,assignment]
                self.person_of[visitor] = person  # type: ignore[index,assignment]
                if person is not None and person not in known:
                    known[person] = _Known._make(about)  # type: ignore[index]
        told, mailed = self._told(known)
        with in_flight(), ExitStack() as cursors:
            # Locked in the order of ids: two batches that speak of the same people wait instead of deadlocking.
            answers = []
            for statement, people in ((_LOCKED, sorted(told)), (_PEOPLE, sorted(mailed - told))):
                if people:
                    answers.append(cursors.enter_context(raw_cursor()))
                    answers[-1].execute(statement, (people,), prepare=True)
            self._draw_ids()
            for id_, traits, cells, *about in chain.from_iterable(answer.fetchall() for answer in answers):
                one = _Known._make(about)
                if one.ties_version != known[id_].ties_version:
                    raise IdentityRace  # a merger moved trails while we waited for the lock
                known[id_] = one
                self.people[id_] = one.record(id_, load(traits), load(cells))
        self._remember(known, told)

    def _remember(self, known: Mapping[int, _Known], told: set[int]) -> None:
        for id_, one in known.items():
            if id_ not in told:
                self.unlocked[id_] = (one.account_id, one.ties_version)
                # Nothing is asked of what they are: should the batch tell something after all, it is started afresh.
                if id_ not in self.people:
                    self.people[id_] = one.record(id_, {}, {})
        for (kind, _), visitor in self.visitor_of.items():
            person = self.person_of[visitor]
            if person is not None and (kind != "anonymous_id" or person not in self.home):
                self.home[person] = visitor

    def _told(self, known: Mapping[int, _Known]) -> tuple[set[int], set[int]]:
        """Known people of whom the batch tells something beside touches (everybody where all are to be locked), and those
        whom it names by e-mail.
        """
        told: set[int] = set()
        mailed: set[int] = set()
        for one in self.arrivals:
            if not (one.tells or self.lock_all):
                continue  # nearly every touch
            arrival = one.arrival
            certainly = self.lock_all or bool(arrival.person.cells) or arrival.opted_out is not None
            for key in one.keys:
                person = self._person(*key)
                if person is None:
                    continue
                if (
                    certainly
                    or (arrival.account_domain and known[person].account_id is None)
                    or (arrival.email and known[person].email is None)
                ):
                    told.add(person)
                if arrival.email:
                    mailed.add(person)
        return told, mailed

    def _draw_ids(self) -> None:
        # Whoever comes without any known identifier may be a new visitor; whoever names an e-mail or a user id that is tied to
        # nobody may be a new person.
        strangers = persons = 0
        for one in self.arrivals:
            if self._plain(one) is not None:
                continue
            strangers += self.visitor_of.keys().isdisjoint(one.keys)
            a = one.arrival
            if a.email or a.user_id:
                persons += self._person("user_id", a.user_id) is None and self._person("email", a.email) is None
        self.ids = Ids(
            leads_person=persons,
            leads_visitor=strangers + persons,
            # A new person needs a lead and may need an account; every arrival may be a touch.
            leads_lead=persons,
            leads_account=persons if any(one.arrival.account_domain for one in self.arrivals if one.tells) else 0,
            leads_touch=sum(one.arrival.touch is not None for one in self.arrivals),
        )

    # --- deciding --------------------------------------------------------------------------

    def _plain(self, one: Ready) -> int | None:
        """The trail of an arrival that names one known identifier and nothing else: whose it is, is settled."""
        if len(one.keys) != 1:
            return None
        visitor = self.visitor_of.get(one.keys[0])
        return (
            visitor if visitor is not None and (one.keys[0][0] == "anonymous_id" or self.person_of[visitor]) else None
        )

    def tie(self, one: Ready) -> None:
        trail = self._plain(one)
        if trail is not None:  # nearly every touch
            self.tied.append(Tied(one.arrival, trail, self.person_of[trail], one))
            return
        arrival = one.arrival
        by_email = self._person("email", arrival.email)
        by_user = self._person("user_id", arrival.user_id)
        if by_email is not None and by_user is not None and by_email != by_user:
            first, second = sorted((by_email, by_user))
            self.questions.add((first, second, "one message named both"))
            person: int | None = by_user
        else:
            person = by_user if by_user is not None else by_email
        anonymous = self._visitor("anonymous_id", arrival.anonymous_id)
        if person is None and (arrival.email or arrival.user_id):
            waiting = anonymous if anonymous is not None and self._of(anonymous) is None else None
            person = self._new_person(arrival, waiting)
        if person is None:
            visitor = anonymous if anonymous is not None else self._new_visitor(None, arrival.at)
            if anonymous is None:
                self._name("anonymous_id", arrival.anonymous_id, visitor)
            self.tied.append(Tied(arrival, visitor, self._of(visitor), one))
            return
        home = self._trail(arrival, person)
        if anonymous is None:
            self._name("anonymous_id", arrival.anonymous_id, home)
        elif self._of(anonymous) is None:
            self._tie(anonymous, person, arrival.at)
        record = self.people[person]
        if by_user is None:
            self._name("user_id", arrival.user_id, home)
        if arrival.email and by_email is None and (arrival.trusted or record.email is None):
            self._name("email", arrival.email, home)
            if record.email is None:
                record.email, record.email_verified, record.changed = arrival.email, arrival.trusted, True
        self.tied.append(Tied(arrival, home, person, one))

    def _trail(self, arrival: Arrival, person: int) -> int:
        """The trail by which the arrival names the person. Of a merged person each address keeps its own, so that the
        merger can be undone.
        """
        for kind, value in (("user_id", arrival.user_id), ("email", arrival.email)):
            visitor = self._visitor(kind, value)
            if visitor is not None and self._of(visitor) == person:
                return visitor
        return self.home[person]

    def _visitor(self, kind: str, value: str | None) -> int | None:
        return self.visitor_of.get((kind, value)) if value else None

    def _of(self, visitor: int) -> int | None:
        return self.person_of.get(visitor)

    def _person(self, kind: str, value: str | None) -> int | None:
        visitor = self._visitor(kind, value)
        return None if visitor is None else self._of(visitor)

    def _name(self, kind: str, value: str | None, visitor: int) -> None:
        if value and (kind, value) not in self.visitor_of:
            self.visitor_of[kind, value] = visitor
            self.new_identifiers[kind, value] = visitor

    def _new_visitor(self, person: int | None, at: int) -> int:
        visitor = self.ids.next("leads_visitor")
        self.new_visitors[visitor] = (person, at)
        self.person_of[visitor] = person
        return visitor

    def _new_person(self, arrival: Arrival, waiting: int | None) -> int:
        person = self.ids.next("leads_person")
        self.people[person] = PersonRecord(
            "person", person, email=arrival.email, email_verified=arrival.trusted, is_new=True, changed=True
        )
        if waiting is None:
            self.home[person] = self._new_visitor(person, arrival.at)
        else:
            # The anonymous trail becomes the person's own: no second trail is needed.
            self._tie(waiting, person, arrival.at)
            self.home[person] = waiting
        if arrival.email:
            self._name("email", arrival.email, self.home[person])
        return person

    def _tie(self, visitor: int, person: int, at: int) -> None:
        self.person_of[visitor] = person
        self.joined.add(person)
        if visitor in self.new_visitors:
            self.new_visitors[visitor] = (person, at)
        else:
            self.ties[visitor] = (person, at)

    # --- accounts --------------------------------------------------------------------------

    def place_accounts(self) -> None:
        """Find or make the account of each person who has none, and lock the accounts that learn something."""
        telling = [t for t in self.tied if t.ready.tells]
        domains = sorted(
            {
                t.arrival.account_domain
                for t in telling
                if t.arrival.account_domain and t.person_id is not None and self.people[t.person_id].account_id is None
            }
        )
        with raw_cursor() as cursor:
            if domains:
                cursor.execute(
                    "SELECT domain, id FROM leads_account WHERE domain = ANY($1::text[])", (domains,), prepare=True
                )
                self.domains.update(dict(cursor.fetchall()))  # type: ignore[arg-type]
                missing = [d for d in domains if d not in self.domains]
                if missing:
                    self.new_accounts = dict(zip(missing, self.ids.some("leads_account", len(missing)), strict=True))
                    self.domains.update(self.new_accounts)
            for t in telling:
                if t.person_id is None or not t.arrival.account_domain:
                    continue
                record = self.people[t.person_id]
                if record.account_id is None:
                    record.account_id = self.domains[t.arrival.account_domain]
                    record.changed = True
                    if not record.is_new:
                        self.placed.add(t.person_id)
            for id_ in self.new_accounts.values():
                self.accounts[id_] = Record("account", id_, is_new=True, changed=True)
            told = sorted({
                account
                for t in telling
                if t.arrival.account.cells and t.person_id is not None
                and (account := self.people[t.person_id].account_id) is not None and account not in self.accounts
            })  # fmt: skip
            if told:
                cursor.execute(
                    "SELECT id, traits::text, cells::text FROM leads_account WHERE id = ANY($1::bigint[])"
                    " ORDER BY id FOR NO KEY UPDATE",
                    (told,),
                    prepare=True,
                )
                for id_, traits, cells in cursor.fetchall():
                    self.accounts[id_] = Record("account", id_, load(traits), load(cells))  # type: ignore[index,arg-type]

    # --- writing ---------------------------------------------------------------------------

    def write(self) -> list[tuple[RawCursor, int]]:
        """Write what is new; returns the statements that lose a race where another transaction was first, and their rows.

        Identifiers first: foreign keys are checked at the end, and who loses waits there, before anything else is locked.
        """
        at = self.known_at
        written: list[tuple[RawCursor, int]] = []
        with raw_cursor() as cursor:
            if self.new_identifiers:
                rows = sorted((kind, value, visitor) for (kind, value), visitor in self.new_identifiers.items())
                written.append((raw_cursor(), len(rows)))
                written[-1][0].execute(
                    "INSERT INTO leads_identifier (kind, value, visitor_id, created_at)"
                    " SELECT k, v, i, $4 FROM unnest($1::text[], $2::text[], $3::bigint[]) AS n (k, v, i)"
                    " ON CONFLICT (kind, value) DO NOTHING",
                    (*columns(rows, 3), at),
                    prepare=True,
                )
            if self.new_accounts:
                accounts = sorted((domain, id_) for domain, id_ in self.new_accounts.items())
                told = [self.accounts[id_] for _, id_ in accounts]
                written.append((raw_cursor(), len(accounts)))
                written[-1][0].execute(
                    "INSERT INTO leads_account (id, domain, name, traits, cells, created_at)"
                    " SELECT i, d, n, t::jsonb, c::jsonb, $6 FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[],"
                    " $5::text[]) AS n (d, i, n, t, c) ON CONFLICT (domain) DO NOTHING",
                    (
                        *columns(accounts, 2),
                        [account_name(r.traits) for r in told],
                        [dump(r.traits) for r in told],
                        [dump(r.cells) for r in told],
                        at,
                    ),
                    prepare=True,
                )
            people = [p for p in self.people.values() if p.is_new]
            if people:
                written.append((raw_cursor(), len(people)))
                written[-1][0].execute(
                    "INSERT INTO leads_person (id, account_id, email, email_verified, opted_out, traits, cells, name, title, phone,"
                    " secret, created_at, account_known_at)"
                    " SELECT i, a, e, v, o, t::jsonb, c::jsonb, nm, ti, ph, s, $12, CASE WHEN a IS NOT NULL THEN $12 END"
                    " FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::boolean[], $5::boolean[], $6::text[], $7::text[],"
                    " $8::text[], $9::text[], $10::text[], $11::bytea[]) AS n (i, a, e, v, o, t, c, nm, ti, ph, s)"
                    " ON CONFLICT (email) DO NOTHING",
                    (*columns([person_row(p) for p in people], 10), [os.urandom(32) for _ in people], at),
                    prepare=True,
                )
            if self.new_visitors:
                rows_v = [
                    (v, p, a if p is not None else None, at if p is not None else None)
                    for v, (p, a) in self.new_visitors.items()
                ]
                cursor.execute(
                    "INSERT INTO leads_visitor (id, person_id, tied_at, tied_known_at, created_at) SELECT i, p, a, k, $5"
                    " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS n (i, p, a, k)",
                    (*columns(rows_v, 4), at),
                    prepare=True,
                )
            if self.ties:
                ties = sorted((v, p, a) for v, (p, a) in self.ties.items())
                written.append((raw_cursor(), len(ties)))
                written[-1][0].execute(
                    "UPDATE leads_visitor AS v SET person_id = n.p, tied_at = n.a, tied_known_at = $4"
                    " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n (v, p, a)"
                    " WHERE v.id = n.v AND v.person_id IS NULL",
                    (*columns(ties, 3), at),
                    prepare=True,
                )
            if self.questions:
                cursor.execute(
                    "INSERT INTO capture_duplicate (first_id, second_id, why, found_at, decision)"
                    " SELECT f, s, w, $4, '' FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS n (f, s, w)"
                    " ON CONFLICT (first_id, second_id) DO NOTHING",
                    (*columns(sorted(self.questions), 3), at),
                    prepare=True,
                )
        return written

    def learn(self) -> None:
        """Let records learn what the arrivals say, in the order in which they came."""
        for t in self.tied:
            if t.person_id is None or not t.ready.tells:
                continue
            arrival, record = t.arrival, self.people[t.person_id]
            raw, cells = dict(arrival.person.raw), dict(arrival.person.cells)
            if arrival.email and record.email == arrival.email and "person.email" not in record.cells:
                domain = arrival.email.rpartition("@")[2]
                raw |= {"person.email": arrival.email, "person.email_domain": domain}
                cells |= {"person.email": cell(arrival.email), "person.email_domain": cell(domain)}
            if cells:
                record.learn(raw, cells, at=arrival.at, trusted=arrival.trusted)
            out = arrival.opted_out
            if out is not None and out != record.opted_out and (out or arrival.trusted):
                record.opted_out = out
                record.learn({OPTED_OUT: out}, {OPTED_OUT: cell(out)}, at=arrival.at, trusted=True)
            if record.account_id is not None and record.account_id in self.accounts:
                account = self.accounts[record.account_id]
                if account.is_new and "account.domain" not in account.cells and arrival.account_domain:
                    account.learn(
                        {"account.domain": arrival.account_domain}, {"account.domain": cell(arrival.account_domain)},
                        at=arrival.at, trusted=True,
                    )  # fmt: skip
                if arrival.account.cells:
                    account.learn(arrival.account.raw, arrival.account.cells, at=arrival.at, trusted=arrival.trusted)
