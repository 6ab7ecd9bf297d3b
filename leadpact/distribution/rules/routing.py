"""Who gets a lead: the account's owner, else a weighted fair share, else the owner of the catch-all queue.

Those who are at work now, by their own hours, come before those who are free and not at work: an offer that lies overnight is
an offer that runs out. With nobody at work it goes by share among all who are not away. Hours shift a lead, never a share: whoever
got fewer at night is next by day.

Fair share is weighted fair queueing: each lead that somebody gets adds 10^6 / weight to what they were `served`; the
lowest is next, so a weight of 2 gets twice as many. Whoever is away is lifted to the present level, so that an absence
is not caught up with afterwards. Ties are broken by a hash of seed, lead and person: the same state and seed always give
the same choice, and nobody is first by alphabet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

SERVED_BY_ONE = 1_000_000
# Offers in a row that may run out before the lead goes to the catch-all queue: the first person's and two more.
OFFERS_BEFORE_CATCH_ALL = 2
ACCOUNT_OWNER, FAIR_SHARE, CATCH_ALL, BY_HAND = "account_owner", "fair_share", "catch_all", "by_hand"

ABSENT = "is away"
OFF_HOURS = "is free but not at work now"
FULL = "has as many leads in hand as agreed"
LET_GO = "had it and let it go, and nothing new has happened since"
LEFT = "does not take leads"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could take leads. `load`: leads in hand. `served`: None where they never got one. `at_work`: by their hours."""

    user_id: int
    name: str
    weight: int = 1
    cap: int = 40
    load: int = 0
    served: int | None = None
    takes_leads: bool = True
    is_absent: bool = False
    is_catch_all: bool = False
    at_work: bool = True


@dataclass(frozen=True, slots=True)
class ToRoute:
    """A lead that needs somebody. `refused`: users who let it go, after whom no new touch came. `ran_out`: offers in a row.

    `now_with`: whose offer just ran out, None for a new hand-over. `let_lapse`: of those who let it go, who only let an offer
    run out, longest ago first; whoever said no is not among them.
    """

    lead_id: int
    account_owner_id: int | None = None
    account: str = ""
    refused: frozenset[int] = frozenset()
    ran_out: int = 0
    now_with: int | None = None
    let_lapse: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets the lead and why. `says` is the sentence for whoever gets it ("why you"); it never tells why it was handed over."""

    lead_id: int
    salesperson_id: int
    rule: str
    says: str
    weight: int = 1
    considered: tuple[int, ...] = ()
    passed_over: tuple[tuple[int, str], ...] = ()

    @property
    def why(self) -> dict[str, object]:
        """As it is stored beside the offer."""
        return {
            "rule": self.rule,
            "says": self.says,
            "considered": list(self.considered),
            "passed_over": [list(pair) for pair in self.passed_over],
        }


@dataclass(frozen=True, slots=True)
class Routed:
    """The choices by lead, and what each person is lifted to before their new leads are counted (user → level)."""

    choices: dict[int, Choice]
    levels: dict[int, int] = field(default_factory=dict)


def choose(leads: Sequence[ToRoute], people: Sequence[Candidate], *, seed: str) -> Routed:
    """Choose for each lead, in order of leads; every choice counts for the ones after it.

    A lead is missing from the answer where nobody may have it: no salesperson, and no owner of the catch-all queue.
    """
    crowd = {person.user_id: person for person in sorted(people, key=lambda person: person.user_id)}
    new = {user_id: _level(crowd) for user_id, person in crowd.items() if person.takes_leads and person.served is None}
    for user_id, level in new.items():
        crowd[user_id] = replace(crowd[user_id], served=level)
    choices: dict[int, Choice] = {}
    for lead in sorted(leads, key=lambda lead: lead.lead_id):
        choice = _choose_one(lead, crowd, seed)
        if choice is None:
            continue
        choices[lead.lead_id] = choice
        chosen = crowd[choice.salesperson_id]
        crowd[chosen.user_id] = replace(
            chosen, load=chosen.load + 1, served=(chosen.served or 0) + SERVED_BY_ONE // max(chosen.weight, 1)
        )
    # Whoever is away is lifted to where the others stand now, after these leads: none of them is owed to them later.
    level = _level(crowd)
    behind = {p.user_id: level for p in crowd.values() if p.takes_leads and p.is_absent and (p.served or 0) < level}
    return Routed(choices, new | behind)


def _level(crowd: dict[int, Candidate]) -> int:
    """The present level: the least that anybody who takes leads and is there was served."""
    present = [p.served for p in crowd.values() if p.takes_leads and not p.is_absent and p.served is not None]
    return min(present, default=0)


def _obstacle(person: Candidate, lead: ToRoute) -> str | None:
    """Why this person cannot have the lead now; None where they can."""
    if not person.takes_leads:
        return LEFT
    if person.is_absent:
        return ABSENT
    if person.user_id in lead.refused or person.user_id == lead.now_with:
        return LET_GO
    if person.load >= person.cap:
        return FULL
    return None


def _choose_one(lead: ToRoute, crowd: dict[int, Candidate], seed: str) -> Choice | None:
    takers = [person for person in crowd.values() if person.takes_leads or person.user_id == lead.account_owner_id]
    obstacles = {person.user_id: _obstacle(person, lead) for person in takers}
    passed = tuple((user_id, why) for user_id, why in obstacles.items() if why)
    considered = tuple(obstacles)

    def choice(person: Candidate, rule: str, says: str) -> Choice:
        others = tuple(pair for pair in passed if pair[0] != person.user_id)
        return Choice(lead.lead_id, person.user_id, rule, says, person.weight, considered, others)

    owner = crowd.get(lead.account_owner_id) if lead.account_owner_id is not None else None
    tired = lead.ran_out >= OFFERS_BEFORE_CATCH_ALL
    if owner is not None and obstacles[owner.user_id] is None and not tired:
        return choice(
            owner, ACCOUNT_OWNER, f"You own the account {lead.account}." if lead.account else "You own the account."
        )
    free = [person for person in takers if obstacles[person.user_id] is None]
    if free and not tired:
        at_work = [person for person in free if person.at_work]
        chosen = _next_in_turn(at_work or free, lead, seed)
        resting = tuple((p.user_id, OFF_HOURS) for p in free if at_work and not p.at_work)
        passed = tuple(sorted((*passed, *resting)))
        obstacles |= dict(resting)
        return choice(
            chosen,
            FAIR_SHARE,
            _fair_share_says(chosen, len(at_work or free), owner, obstacles, _hours_say(free, at_work)),
        )
    catcher = next((person for person in crowd.values() if person.is_catch_all), None)
    if catcher is not None:
        return choice(catcher, CATCH_ALL, _catch_all_says(lead, tired=tired))
    if free:  # nobody owns a catch-all queue: it keeps going round
        chosen = _next_in_turn(free, lead, seed)
        return choice(chosen, FAIR_SHARE, _fair_share_says(chosen, len(free), owner, obstacles))
    back = _round_again(lead, crowd)
    if back is not None:
        return choice(back, FAIR_SHARE, "Nobody else can take it now, so it is offered to you again.")
    return None


def _next_in_turn(people: Sequence[Candidate], lead: ToRoute, seed: str) -> Candidate:
    return min(people, key=lambda person: (person.served or 0, _lot(seed, lead.lead_id, person.user_id)))


def _round_again(lead: ToRoute, crowd: dict[int, Candidate]) -> Candidate | None:
    """Without a catch-all queue and with nobody new: whoever let it lapse longest ago, before the same person once more.

    Never whoever said no to it.
    """
    for user_id in lead.let_lapse:
        person = crowd.get(user_id)
        if person is not None and user_id != lead.now_with and _can_have(person):
            return person
    back = crowd.get(lead.now_with) if lead.now_with is not None else None
    return back if back is not None and back.takes_leads else None


def _can_have(person: Candidate) -> bool:
    return person.takes_leads and not person.is_absent and person.load < person.cap


def _hours_say(free: Sequence[Candidate], at_work: Sequence[Candidate]) -> str:
    """What the sentence says of hours: nothing where all who are free are at work."""
    if len(at_work) == len(free):
        return ""
    return " and at work now" if at_work else ", though none is at work now"


def _fair_share_says(
    chosen: Candidate, free: int, owner: Candidate | None, obstacles: dict[int, str | None], hours: str = ""
) -> str:
    if free == 1:
        alone = {"": "", " and at work now": " and at work", ", though none is at work now": ", though not at work"}[
            hours
        ]
        share = f"You are the only one free for it{alone} now"
    else:
        share = f"Of the {free} who are free for it{hours}, it is your turn"
    if chosen.weight > 1 and free > 1:
        share += f" (your share counts {chosen.weight}-fold)"
    if owner is not None and owner.user_id != chosen.user_id and obstacles.get(owner.user_id):
        return f"{share}; the account's owner {obstacles[owner.user_id]}."
    return f"{share}."


def _catch_all_says(lead: ToRoute, *, tired: bool) -> str:
    if tired:
        return f"{lead.ran_out + 1} offers of it ran out, so it came to your catch-all queue."
    return "Nobody who takes leads is free for it, so it came to your catch-all queue."


def _lot(seed: str, lead_id: int, user_id: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{lead_id}:{user_id}".encode(), digest_size=8).digest()
