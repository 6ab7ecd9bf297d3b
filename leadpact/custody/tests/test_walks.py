"""Random walks over the table of moves, on the real database: what must always hold, holds after every step."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadpact.custody import queries
from leadpact.custody.actions import SYSTEM, Actor, NewEntry, lapse, record, store, without_follower
from leadpact.custody.actions.proof import verify
from leadpact.custody.entries import (
    ACTORS,
    CLOCKS,
    HOLDERS,
    MOVES,
    NEEDS_REASON,
    RULES,
    STATES,
    UNBORN,
    VERDICTS,
    MoveRefused,
    after,
)
from leadpact.custody.models import Entry
from leadpact.custody.rules import chain
from leadpact.team.models import User

from .conftest import new_leads, salespeople

STEPS = st.tuples(
    st.integers(0, 2),  # which lead
    st.sampled_from(list(MOVES)),
    st.sampled_from(ACTORS),
    st.sampled_from(VERDICTS),
    st.sampled_from(list(STATES)),  # where a correction should lead
    st.integers(0, 30),  # time that passes
)
# An allowed step, drawn from the state the walk is in: a walk of refusals alone would go nowhere.
CHOSEN = st.tuples(st.integers(0, 2), st.integers(0, 10_000), st.integers(0, 30))
WALKS = st.lists(st.one_of(CHOSEN, CHOSEN, STEPS), min_size=5, max_size=40)


@pytest.mark.django_db
@given(walk=WALKS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_after_every_walk_the_ledger_holds(walk: list[tuple[Any, ...]]) -> None:
    with transaction.atomic(), without_follower():
        leads = new_leads(3)
        sellers = salespeople()
        record([NewEntry(lead, "captured", SYSTEM) for lead in leads], at=1)
        at = 1
        for step in walk:
            at += step[-1]
            lead = leads[step[0]]
            _take(lead, step, at, sellers)
            lapse(at=at)
        _check(leads, at)
        transaction.set_rollback(True)


def _take(lead: int, step: tuple[Any, ...], at: int, sellers: tuple[User, User]) -> None:
    held = queries.holding(lead)
    assert held is not None
    if len(step) == 3:
        ways = [rule for rule in RULES if rule.before == held.state and rule.move != "corrected"]
        if not ways:
            return
        rule = ways[step[1] % len(ways)]
        move, actor, verdict, to = rule.move, rule.actor, rule.verdict, rule.after
    else:
        _, move, actor, verdict, to, _ = step
    if move != "judged":
        verdict = ""
    merged = None
    if move == "unmerged" and held.state == "merged" and actor in {"marketing", "operations"}:
        # The table allows any state; that it is the one it was merged from is the action's and the proof's to see.
        entries = list(Entry.objects.filter(lead_id=lead).order_by("-seq")[:2])
        merged, to = entries[0].seq, entries[1].state
    entry = NewEntry(
        lead, move, Actor(actor, sellers[at % 2].pk if actor == "sales" else None), verdict=verdict,
        to=to if move in {"corrected", "unmerged"} else "",
        reason="not_now" if move in NEEDS_REASON else "", salesperson_id=sellers[at % 2].pk,
        due=at + 7, due_what=(STATES[to].clocks or ("touch_every",))[0], note="words" if at % 3 == 0 else "",
        cause_seq=merged,
    )  # fmt: skip
    try:
        _, landed = after(held.state, move, actor, verdict=verdict or None, to=entry.to or None)
    except MoveRefused:
        before = Entry.objects.filter(lead_id=lead).count()
        with pytest.raises(MoveRefused), transaction.atomic():
            record([entry], at=at)
        _the_database_refuses_too(lead, move, actor, verdict, to, at)
        assert Entry.objects.filter(lead_id=lead).count() == before
    else:
        if (
            move == "corrected"
        ):  # allowed by the table; that it corrects an answer is the action's and the proof's to see
            return
        with transaction.atomic():
            (done,) = record([entry], at=at)
        assert (done.state, done.previous_state) == (landed, held.state)


def _the_database_refuses_too(lead: int, move: str, actor: str, verdict: str, to: str, at: int) -> None:
    """The same entry, written past the action: with any state that the table might give it."""
    last = Entry.objects.filter(lead_id=lead).order_by("-seq")[0]
    codes = (lead, last.seq + 1, max(at, last.at), move, STATES[to].holder, to, actor, None, "", "", verdict, "", None, None, None,
             at + 7, "touch_every", None, None, None)  # fmt: skip
    previous = bytes(last.hash)
    with pytest.raises((IntegrityError, psycopg.IntegrityError), match="is not an allowed move"), transaction.atomic():
        store.write([(*codes, None, previous, chain.link(codes, None, previous))], ())


def _check(leads: list[int], now: int) -> None:
    """Spells cover the time from the first entry to now; one holder at each instant; a clock on whoever is not closed."""
    assert verify().problems == []
    for lead in leads:
        entries = list(Entry.objects.filter(lead_id=lead).order_by("seq"))
        spells = [(one.at, two.at, one.holder, one.state) for one, two in pairwise(entries)]
        spells.append((entries[-1].at, now + 1, entries[-1].holder, entries[-1].state))
        assert spells[0][0] == 1
        for (_, end, _, _), (start, _, _, _) in pairwise(spells):
            assert end == start
        for instant in range(1, now + 1):
            holding = [spell for spell in spells if spell[0] <= instant < spell[1]]
            assert len(holding) == 1
            assert holding[0][2] in HOLDERS
        held = queries.holding(lead)
        assert held is not None
        assert (held.holder, held.state, held.seq) == (entries[-1].holder, entries[-1].state, len(entries))
        if held.holder != "closed" and held.state != "new":
            assert held.due is not None
            assert CLOCKS[held.due_what] in HOLDERS
        if held.holder == "sales":
            assert held.salesperson_id is not None
        assert entries[0].move == "captured"
        assert UNBORN not in {entry.state for entry in entries}
