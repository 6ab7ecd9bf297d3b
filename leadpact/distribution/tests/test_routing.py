"""Who gets a lead, without a database."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from leadpact.distribution.rules.routing import (
    ABSENT,
    ACCOUNT_OWNER,
    CATCH_ALL,
    FAIR_SHARE,
    FULL,
    LEFT,
    LET_GO,
    OFF_HOURS,
    Candidate,
    Choice,
    ToRoute,
    choose,
)

CLEO = Candidate(1, "Cleo")
DARA = Candidate(2, "Dara")
ELI = Candidate(3, "Eli", takes_leads=False, is_catch_all=True)
CROWD = [CLEO, DARA, ELI]


def one(lead: ToRoute, people: list[Candidate], seed: str = "s") -> Choice:
    return choose([lead], people, seed=seed).choices[lead.lead_id]


def test_the_accounts_owner_comes_first() -> None:
    made = one(
        ToRoute(9, account_owner_id=2, account="Ferro"), [replace(CLEO, served=0), replace(DARA, served=9_000_000)]
    )
    assert (made.salesperson_id, made.rule, made.says) == (2, ACCOUNT_OWNER, "You own the account Ferro.")


def test_whoever_was_served_least_comes_next() -> None:
    made = one(ToRoute(9), [replace(CLEO, served=5), replace(DARA, served=4)])
    assert (made.salesperson_id, made.rule) == (2, FAIR_SHARE)
    assert made.says == "Of the 2 who are free for it, it is your turn."
    assert made.considered == (1, 2)


def test_who_is_passed_over_and_why_is_kept() -> None:
    people = [
        replace(CLEO, is_absent=True),
        replace(DARA, load=40),
        Candidate(4, "Fay"),
        Candidate(5, "Gus"),
        Candidate(6, "Hal", takes_leads=False),
    ]
    made = one(ToRoute(9, account_owner_id=6, refused=frozenset({4})), people)
    assert made.salesperson_id == 5
    assert dict(made.passed_over) == {1: ABSENT, 2: FULL, 4: LET_GO, 6: LEFT}
    assert made.why["passed_over"] == [[1, ABSENT], [2, FULL], [4, LET_GO], [6, LEFT]]
    assert made.says == "You are the only one free for it now; the account's owner does not take leads."


def test_an_absent_owner_is_passed_over_and_the_sentence_says_so() -> None:
    made = one(ToRoute(9, account_owner_id=1), [replace(CLEO, is_absent=True), DARA])
    assert made.says == "You are the only one free for it now; the account's owner is away."


def test_nobody_free_means_the_catch_all_queue() -> None:
    made = one(
        ToRoute(9), [replace(CLEO, is_absent=True), replace(DARA, load=40), replace(ELI, load=400, is_absent=True)]
    )
    assert (made.salesperson_id, made.rule) == (3, CATCH_ALL)
    assert "Nobody who takes leads is free" in made.says


def test_after_two_recalls_it_goes_to_the_catch_all_queue() -> None:
    assert one(ToRoute(9, ran_out=1, now_with=1), CROWD).salesperson_id == 2
    made = one(ToRoute(9, ran_out=2, now_with=2), CROWD)
    assert (made.salesperson_id, made.rule) == (3, CATCH_ALL)
    assert made.says == "3 offers of it ran out, so it came to your catch-all queue."
    assert one(ToRoute(9, ran_out=3, now_with=3), CROWD).salesperson_id == 3, "and stays there, with a new clock"


def test_without_a_catch_all_queue_it_keeps_going_round() -> None:
    assert one(ToRoute(9, ran_out=7, now_with=1), [CLEO, DARA]).salesperson_id == 2
    alone = one(ToRoute(9, ran_out=7, now_with=1), [CLEO])
    assert (alone.salesperson_id, alone.says) == (1, "Nobody else can take it now, so it is offered to you again.")


def test_whoever_is_at_work_comes_before_whoever_is_not() -> None:
    fay = Candidate(4, "Fay", served=1, at_work=False)
    made = one(ToRoute(9), [replace(CLEO, served=7), replace(DARA, served=8), fay])
    assert (made.salesperson_id, made.rule) == (1, FAIR_SHARE)
    assert made.says == "Of the 2 who are free for it and at work now, it is your turn."
    assert made.passed_over == ((4, OFF_HOURS),)
    alone = one(ToRoute(9, account_owner_id=1), [replace(CLEO, is_absent=True), DARA, fay])
    assert alone.says == "You are the only one free for it and at work now; the account's owner is away."


def test_with_nobody_at_work_it_goes_by_share_among_those_who_are_not_away() -> None:
    night = [replace(one, at_work=False) for one in (replace(CLEO, served=7), replace(DARA, served=8))]
    made = one(ToRoute(9), [*night, Candidate(4, "Fay", served=0, is_absent=True)])
    assert (made.salesperson_id, made.says) == (
        1,
        "Of the 2 who are free for it, though none is at work now, it is your turn.",
    )
    assert dict(made.passed_over) == {4: ABSENT}
    alone = one(ToRoute(9), night[:1])
    assert alone.says == "You are the only one free for it, though not at work now."


def test_the_accounts_owner_gets_it_at_any_hour() -> None:
    made = one(ToRoute(9, account_owner_id=2), [CLEO, replace(DARA, at_work=False)])
    assert (made.salesperson_id, made.rule) == (2, ACCOUNT_OWNER)


def test_hours_shift_a_lead_and_never_a_share() -> None:
    """Fay works while the others sleep: what she gets at night the others get by day."""
    day = [replace(CLEO, served=0, cap=900), replace(DARA, served=0, cap=900)]
    fay = Candidate(4, "Fay", served=0, cap=900)
    night = choose([ToRoute(n) for n in range(10)], [*(replace(p, at_work=False) for p in day), fay], seed="s")
    assert {choice.salesperson_id for choice in night.choices.values()} == {4}
    later = choose([ToRoute(n) for n in range(100, 120)], [*day, replace(fay, served=10_000_000)], seed="s")
    assert Counter(choice.salesperson_id for choice in later.choices.values()) == {1: 10, 2: 10}


def test_with_two_people_the_second_recall_goes_to_the_queue_and_without_one_round_again() -> None:
    """Both let it run out. The queue is open to everybody; without it the lead goes back to whom it left longest ago."""
    lead = ToRoute(9, ran_out=1, now_with=2, refused=frozenset({1, 2}), let_lapse=(1, 2))
    made = one(lead, CROWD)
    assert (made.salesperson_id, made.rule) == (3, CATCH_ALL)
    assert made.says == "Nobody who takes leads is free for it, so it came to your catch-all queue."
    again = one(lead, [CLEO, DARA])
    assert (again.salesperson_id, again.says) == (1, "Nobody else can take it now, so it is offered to you again.")
    said_no = replace(lead, let_lapse=(2,))
    assert one(said_no, [CLEO, DARA]).salesperson_id == 2, "never back to whoever said no"
    assert one(lead, [replace(CLEO, is_absent=True), DARA]).salesperson_id == 2


def test_nobody_at_all() -> None:
    assert choose([ToRoute(9)], [], seed="s").choices == {}
    assert choose([ToRoute(9)], [replace(CLEO, is_absent=True)], seed="s").choices == {}
    assert choose([ToRoute(9, now_with=1)], [replace(CLEO, takes_leads=False)], seed="s").choices == {}


def test_a_weight_of_three_gets_three_times_as_many() -> None:
    people = [replace(CLEO, weight=3, cap=1_000), replace(DARA, cap=1_000)]
    got = Counter(
        choice.salesperson_id for choice in choose([ToRoute(n) for n in range(400)], people, seed="s").choices.values()
    )
    assert got == {1: 300, 2: 100}


def test_an_absence_is_not_caught_up_with() -> None:
    """Dara was away while Cleo got forty: back again, she is level and not forty behind."""
    away = choose(
        [ToRoute(0)], [replace(CLEO, served=40_000_000), replace(DARA, served=3_000_000, is_absent=True)], seed="s"
    )
    assert away.levels == {2: 41_000_000}, "also of what was given out just now, she is owed nothing"
    back = [replace(CLEO, served=41_000_000), replace(DARA, served=away.levels[2])]
    got = Counter(
        choice.salesperson_id for choice in choose([ToRoute(n) for n in range(10)], back, seed="s").choices.values()
    )
    assert abs(got[1] - got[2]) <= 2


def test_who_is_new_starts_at_the_present_level() -> None:
    routed = choose(
        [ToRoute(n) for n in range(10)], [replace(CLEO, served=90_000_000), replace(DARA, served=None)], seed="s"
    )
    assert routed.levels == {2: 90_000_000}
    assert Counter(c.salesperson_id for c in routed.choices.values()) == {1: 5, 2: 5}


PEOPLE = st.lists(
    st.builds(
        Candidate, st.integers(1, 9), st.just("x"), st.integers(1, 5), st.integers(0, 6), st.integers(0, 6),
        st.none() | st.integers(0, 10**7), st.booleans(), st.booleans(), st.booleans(), st.booleans(),
    ),
    max_size=6, unique_by=lambda person: person.user_id,
)  # fmt: skip
LEADS = st.lists(
    st.builds(
        ToRoute, st.integers(1, 50), st.none() | st.integers(1, 9), st.just(""), st.frozensets(st.integers(1, 9), max_size=3),
        st.integers(0, 4), st.none() | st.integers(1, 9),
    ),
    max_size=20, unique_by=lambda lead: lead.lead_id,
)  # fmt: skip


@given(leads=LEADS, people=PEOPLE, seed=st.text(max_size=3))
def test_what_holds_for_every_choice(leads: list[ToRoute], people: list[Candidate], seed: str) -> None:
    routed = choose(leads, people, seed=seed)
    assert routed == choose(list(reversed(leads)), list(reversed(people)), seed=seed), (
        "order of arrival does not matter"
    )
    crowd = {person.user_id: person for person in people}
    load = Counter({person.user_id: person.load for person in people})
    for lead in sorted(leads, key=lambda lead: lead.lead_id):
        made = routed.choices.get(lead.lead_id)
        if made is None:
            assert not any(person.is_catch_all for person in people)
            continue
        who = crowd[made.salesperson_id]
        again = "offered to you again" in made.says
        if made.rule == CATCH_ALL:
            assert who.is_catch_all
        elif not again:
            assert who.takes_leads
            assert not who.is_absent
            assert who.user_id not in lead.refused
            assert load[who.user_id] < who.cap
            if made.rule == FAIR_SHARE and not who.at_work and lead.ran_out < 2:
                assert not any(
                    p.at_work
                    and p.takes_leads
                    and not p.is_absent
                    and load[p.user_id] < p.cap
                    and p.user_id not in lead.refused
                    and p.user_id != lead.now_with
                    for p in people
                ), "somebody at work was passed over"
        assert made.salesperson_id not in dict(made.passed_over)
        assert set(dict(made.passed_over)) <= set(made.considered)
        assert made.says.endswith(".")
        load[who.user_id] += 1
