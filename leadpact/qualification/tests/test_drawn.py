"""Drawn agreements and histories in our own tables, where people have leads one after another: who else is asked changes nothing.

The language's tests compare engines over the two relations that a compiled agreement reads. Here these are made as the running
system makes them, out of people, trails and touches: a touch is then of a lead, of an account, of both or of none,
as the instant and `counts_from` say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from leadpact.language.evaluate import Judgement, evaluate
from leadpact.language.fold import cell_to_json
from leadpact.language.history import ALWAYS, Fact, History, Lead, Touch
from leadpact.language.nodes import DAY, DIMENSIONS
from leadpact.language.tests import generated
from leadpact.leads import models
from leadpact.qualification import actions
from leadpact.qualification.queries import history

pytestmark = pytest.mark.django_db

SEEDS = range(12)


@dataclass
class Somebody:
    """A person with leads one after another, each with the instant after which it counts.

    placed_at: when its account was learnt.
    """

    account: str | None
    placed_at: int | None
    facts: tuple[Fact, ...]
    touches: list[Touch] = field(default_factory=list)
    leads: list[tuple[Lead, int | None]] = field(default_factory=list)
    key: int = 0
    ids: list[int] = field(default_factory=list)


@dataclass
class World:
    people: list[Somebody]
    accounts: dict[str, tuple[Fact, ...]]
    keys: dict[str, int] = field(default_factory=dict)

    def lead(self, lead_id: int) -> tuple[Somebody, int]:
        return next((who, who.ids.index(lead_id)) for who in self.people if lead_id in who.ids)


def about(facts: Sequence[Fact], scope: str) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if fact.field.startswith(f"{scope}."))


def draw(seed: int, now: int) -> World:
    """The people of a drawn case: two in five of its leads are the next one of whom the lead before is of."""
    case, chance = generated.case(seed), Random(seed)
    world = World([], {})
    drawn: dict[str, list[Touch]] = defaultdict(list)
    for touch in case.history.touches:
        # What comes to us has happened: the door sees to it, and the tables are read accordingly.
        drawn[touch.lead_id].append(replace(touch, at=min(touch.at, touch.known_at)))
    for lead in case.history.leads:
        if not world.people or chance.random() < 0.6:
            if lead.account is not None:
                world.accounts.setdefault(lead.account, about(lead.facts, "account"))
            placed_at = chance.choice((None, None, None, now - DAY, now, now + 1)) if lead.account else None
            world.people.append(Somebody(lead.account, placed_at, about(lead.facts, "person")))
        who = world.people[-1]
        who.touches += drawn[lead.lead_id]
        who.leads.append((lead, None))
    for who in world.people:
        instants = [touch.at for touch in who.touches if touch.at <= now] or [now - DAY]
        later = sorted(chance.choice(instants) for _ in who.leads[1:])
        who.leads = [(lead, since) for (lead, _), since in zip(who.leads, [None, *later], strict=True)]
    return world


def _move(trailed: list[tuple[models.Visitor, Somebody, list[Touch]]], chance: Random, now: int) -> None:
    """One trail in four turns out to be somebody else's, some of them for a while only. A touch is whose its trail then is."""
    first, last = trailed[0][1], trailed[-1][1]
    # Undone as it was made: it moves no values.
    merge = models.Merge.objects.create(survivor_id=first.key, loser_id=last.key, at=now, undone_at=now)
    for trail, who, its in trailed:
        assert trail.tied_known_at is not None
        spans = [(who, trail.tied_known_at)]
        moved = chance.choice((now - 2 * DAY, now - 1, now))
        if chance.random() < 0.25 and trail.tied_known_at < moved:
            other = chance.choice(trailed)[1]
            spans += [(other, moved), *([(who, moved + DAY)] if chance.random() < 0.5 else [])]
            for whose, since in spans:
                models.Tie.objects.create(visitor=trail, person_id=whose.key, at=since, known_at=since, merge=merge)
            models.Visitor.objects.filter(pk=trail.pk).update(person_id=spans[-1][0].key)
        for place, (whose, since) in enumerate(spans):
            until = [end for _, end in spans[place + 1 : place + 2]]
            whose.touches += [
                replace(
                    touch, touch_id=f"{touch.touch_id} {place}", known_at=max(touch.known_at, since),
                    void_at=min([*until, *([] if touch.void_at is None else [touch.void_at])], default=None),
                )
                for touch in its
            ]  # fmt: skip


def write(world: World, seed: int, now: int) -> None:
    """Into the tables. One person in three has a second trail, tied as late as its latest touch was known; some trails move."""
    made = {
        name: models.Account.objects.create(domain=f"{name}.{seed}.example", created_at=0) for name in world.accounts
    }
    world.keys = {name: account.pk for name, account in made.items()}
    facts: list[models.AttributeFact] = []
    touches: list[models.Touch] = []
    trailed: list[tuple[models.Visitor, Somebody, list[Touch]]] = []

    def tell(subject: str, key: int, told: Sequence[Fact]) -> None:
        facts.extend(
            models.AttributeFact(
                subject=subject, subject_id=key, field=one.field, cell=cell_to_json(one.cell), at=one.at, known_at=one.known_at
            )
            for one in told
        )  # fmt: skip

    for name, told in world.accounts.items():
        tell("account", world.keys[name], told)
    for number, who in enumerate(world.people):
        person = models.Person.objects.create(
            account=made[who.account] if who.account else None, account_known_at=who.placed_at, secret=b"", created_at=0
        )
        who.key = person.pk
        tell("person", person.pk, who.facts)
        for place, (lead, since) in enumerate(who.leads):
            made_lead = models.Lead.objects.create(
                person=person, created_at=lead.created_at, counts_from=since, is_open=place == len(who.leads) - 1
            )
            who.ids.append(made_lead.pk)
            tell("lead", made_lead.pk, about(lead.facts, "lead"))
        late = max((touch.known_at for touch in who.touches), default=ALWAYS) if number % 3 == 0 else ALWAYS
        trails = [
            models.Visitor.objects.create(person=person, tied_at=at, tied_known_at=at, created_at=0)
            for at in dict.fromkeys((ALWAYS, late))
        ]
        drawn, who.touches = who.touches, []
        for trail, its in [(trail, drawn[n :: len(trails)]) for n, trail in enumerate(trails)]:
            touches += [
                models.Touch(
                    visitor=trail, kind=touch.kind, at=touch.at, known_at=touch.known_at, void_at=touch.void_at,
                    cells={name: cell_to_json(value) for name, value in touch.properties.items()},
                )
                for touch in its
            ]  # fmt: skip
            trailed.append((trail, who, its))
    _move(trailed, Random(seed), now)
    models.AttributeFact.objects.bulk_create(facts)
    models.Touch.objects.bulk_create(touches)


def by_the_meaning(world: World, seed: int, lead_id: int, now: int, *, cut: bool = False) -> Judgement:
    """What the reference says: its own touches are those after `counts_from`, its account's are everybody's, also its person's.

    cut: as if the account's were cut as well.
    """
    who, place = world.lead(lead_id)
    lead, since = who.leads[place]

    def home(one: Somebody) -> str | None:
        return one.account if one.placed_at is None or one.placed_at <= now else None

    known = (*about(lead.facts, "lead"), *who.facts, *world.accounts.get(who.account or "", ()))
    touches = [
        replace(
            touch, lead_id=str(lead_id) if one is who and (since is None or touch.at > since) else "",
            person=str(one.key), account=home(one),
        )
        for one in world.people
        for touch in one.touches
        if not (cut and one is who and since is not None and touch.at <= since)
    ]  # fmt: skip
    asked = Lead(str(lead_id), str(who.key), home(who), lead.created_at, known)
    return evaluate(generated.case(seed).agreement, asked, History([asked], touches), now)


def told(judgement: Judgement) -> tuple[object, ...]:
    parts = {part.line_id: part.points for part in judgement.lines}
    return (judgement.verdict, judgement.decided_by, *(judgement.scores[name] for name in DIMENSIONS), parts)


def said(found: actions.Judged | actions.Met) -> tuple[object, ...]:
    return (found.verdict, found.decided_by, found.fit, found.engagement, found.readiness, dict(found.parts))


def test_who_else_is_asked_changes_nothing_in_our_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        case, chance = generated.case(seed), Random(seed)
        monkeypatch.setattr(actions, "by_hash", lambda _, case=case: case.agreement)
        now = Counter(instant for _, instant in case.asks).most_common(1)[0][0]
        world = draw(seed, now)
        write(world, seed, now)
        everybody = [lead for who in world.people for lead in who.ids]
        right = {lead: by_the_meaning(world, seed, lead, now) for lead in everybody}
        wanted = {lead: (told(one), one.changes_at, one.distance) for lead, one in right.items()}

        def ask(leads: Sequence[int], seed: int = seed, now: int = now) -> dict[int, object]:
            found = actions.judge_by(f"drawn {seed}", lead_ids=leads, as_of=now, history=True)
            return {one.lead_id: (said(one), one.changes_at, one.distance) for one in found}

        assert ask(everybody) == wanted
        some = [chance.sample(everybody, size) for size in (1, 1, 1, 2, 5, len(everybody) // 2)]
        # Of one person, the first and the latest; and the latest with everybody else of the account.
        some += [[who.ids[0], who.ids[-1]] for who in world.people if len(who.ids) > 2]
        some += [[who.ids[-1] for who in world.people if who.account == name] for name in world.accounts]
        for asked in some:
            assert ask(asked) == {lead: wanted[lead] for lead in asked}

        instants = sorted({instant for _, instant in case.asks} | {now, now - 3 * DAY})
        moments = [(lead, chance.choice(instants)) for lead in everybody]
        each = actions.judge_each(moments=moments, agreement_hash=f"drawn {seed}")
        assert {(one.lead_id, one.as_of): said(one) for one in each} == {
            moment: told(by_the_meaning(world, seed, *moment)) for moment in moments
        }

        for who in world.people:
            for lead in who.ids[1:]:
                seen["second leads"] += 1
                cut = by_the_meaning(world, seed, lead, now, cut=True)
                seen["cut, it would be another"] += told(cut) != told(right[lead])
            if all(one.placed_at is None for one in world.people if one.account == who.account):
                known = history(who.ids[-1], as_of=now)
                lone = evaluate(case.agreement, known.lead(str(who.ids[-1])), known, now)
                assert told(lone) == told(right[who.ids[-1]]), "what an explanation is made of"
                seen["read by the reference"] += 1
    assert seen["second leads"] > 100, seen
    assert seen["cut, it would be another"] > 20, seen
    assert seen["read by the reference"] > 50, seen
