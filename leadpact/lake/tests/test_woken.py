"""A lead that rests is woken by an alternative that did not hold when it came back, in a replay as in the loop (Meaning 12)."""

from __future__ import annotations

from random import Random

import pytest

from leadpact.lake import one_lead
from leadpact.lake.replay import replay
from leadpact.lake.store import Store
from leadpact.lake.tests.drawn import DAY, HOUR, Drawn
from leadpact.language.parse import parse_or_raise

T0 = 1_780_272_000_000_000
DAYS = 70
COMPANIES, LEADS = 12, 12

# Each alternative comes and goes by itself; the third and fourth also by fading alone, while others hold.
SEVERAL = """
leadpact: 1
name: Several ways
engagement:
  - {id: page, says: Reads, each: {touch: page.viewed, within: 20 days}, points: 4}
  - {id: seminar, says: Came, each: {touch: seminar.attended, within: 10 days}, points: 20, fades: true}
  - {id: bounced, says: Bounced, each: {touch: email.bounced, within: 15 days}, points: -9, fades: true}
verdicts:
  sales_ready:
    any:
      - {touch: demo.requested, within: 6 days}
      - {touch: paper.downloaded, within: 9 days, at_least: 2, by: account}
      - {engagement: {at_least: 12}}
      - {all: [{engagement: {at_most: 4}}, {touch: page.viewed, within: 30 days}]}
"""
KINDS = ("page.viewed",) * 4 + ("seminar.attended", "email.bounced", "demo.requested", "paper.downloaded", "email.sent")


def drawn(chance: Random) -> Drawn:
    """Leads with touches over some weeks, that came back from Sales a few times in the midst of it."""
    leads: list[tuple[object, ...]] = []
    touches: list[tuple[object, ...]] = []
    returns: list[tuple[object, ...]] = []
    for number in range(LEADS):
        name = f"L{number}"
        leads.append((name, f"p{number}", chance.choice((None, "firm")), T0, None))
        for nth in range(chance.randint(4, 25)):
            at = T0 + chance.randint(0, DAYS * DAY)
            late = at + chance.choice((0, 0, 0, 90, 3 * DAY))
            touches.append((
                f"{name}-{nth}", name, f"p{number}", leads[-1][2], chance.choice(KINDS), at, late, None, "{}",
            ))  # fmt: skip
        came = T0
        for _ in range(chance.randint(1, 4)):
            came += chance.randint(1, 20 * DAY)
            rest = chance.choice((HOUR, 5 * DAY, 30 * DAY, None))
            returns.append((name, came, None if rest is None else came + rest, chance.random() < 0.8))
    agreement = parse_or_raise(SEVERAL)
    return Drawn(agreement, leads, [], touches, [], [], chance.choice((None, T0 + 9 * DAY)), T0 + DAYS * DAY, returns)


def by_the_reference(store: Store, case: Drawn) -> dict[str, list[int]]:
    told = {}
    for lead in case.leads:
        back = [(at, until, asleep) for name, at, until, asleep in case.returns if name == lead[0]]
        known = one_lead.read(store, case.agreement, lead[0])
        told[lead[0]] = one_lead.hand_overs(known, case.agreement, back, start=case.start, end=case.end)
    return {lead: instants for lead, instants in told.items() if instants}


def handed(store: Store, case: Drawn) -> dict[str, list[int]]:
    case.fill(store)
    replay(store, case.agreement, start=case.start, end=case.end)
    return dict(
        store.execute('SELECT lead_id, list("at" ORDER BY nth) FROM replayed_handed GROUP BY lead_id').fetchall()
    )


def test_drawn_leads_wake_as_the_reference_says(store: Store) -> None:
    chance = Random(12)
    woken = passed_over = 0
    for _ in range(COMPANIES):
        case = drawn(chance)
        found = handed(store, case)
        assert found == by_the_reference(store, case)
        for lead, at, until, asleep in case.returns:
            inside = [one for one in found.get(lead, ()) if at < one < (case.end if until is None else until)]
            woken += asleep and bool(inside)
            passed_over += asleep and not inside
    # What was drawn reaches both.
    assert woken > 30
    assert passed_over > 30


def alone(
    store: Store, *touches: tuple[str, int], came: int, until: int | None, asleep: bool = True,
    colleague: tuple[tuple[str, int], ...] = (), start: int | None = None,
) -> list[int]:  # fmt: skip
    """The hand-overs, from T0, of one lead with touches (kind, instant) that came back once; a colleague's come from another."""
    rows: list[tuple[object, ...]] = [
        (f"{lead}{number}", lead, lead.lower(), "firm", kind, at, at, None, "{}")
        for lead, theirs in (("C", touches), ("B", colleague))
        for number, (kind, at) in enumerate(theirs)
    ]
    leads: list[tuple[object, ...]] = [(lead, lead.lower(), "firm", T0, None) for lead in "BC"]
    case = Drawn(parse_or_raise(SEVERAL), leads, [], rows, [], [], start, T0 + DAYS * DAY, [("C", came, until, asleep)])
    found = handed(store, case)
    assert found == by_the_reference(store, case)
    return [(at - T0) for at in found.get("C", [])]


def test_what_held_when_it_came_back_does_not_wake_it(store: Store) -> None:
    demo = ("demo.requested", T0 + HOUR)
    again = ("demo.requested", T0 + 2 * DAY)
    assert alone(store, demo, again, came=T0 + DAY, until=T0 + 40 * DAY) == [HOUR]


def test_what_did_not_hold_then_wakes_it(store: Store) -> None:
    demo = ("demo.requested", T0 + HOUR)
    seminar = ("seminar.attended", T0 + 3 * DAY + 7)
    assert alone(store, demo, seminar, came=T0 + DAY, until=T0 + 40 * DAY) == [HOUR, 3 * DAY + 7]
    assert alone(store, demo, seminar, came=T0 + DAY, until=None) == [HOUR, 3 * DAY + 7]


def test_what_holds_no_more_is_fresh_when_it_holds_again(store: Store) -> None:
    """It held when Sales was asked, not when Sales gave it back."""
    demo = ("demo.requested", T0 + HOUR)
    again = ("demo.requested", T0 + 20 * DAY)
    assert alone(store, demo, again, came=T0 + 10 * DAY, until=T0 + 40 * DAY) == [HOUR, 20 * DAY]


def test_who_is_being_repaired_is_not_woken(store: Store) -> None:
    demo = ("demo.requested", T0 + HOUR)
    seminar = ("seminar.attended", T0 + 3 * DAY + 7)
    assert alone(store, demo, seminar, came=T0 + DAY, until=T0 + 5 * DAY, asleep=False) == [HOUR, 5 * DAY]


def test_an_alternative_that_time_brings_wakes_as_well(store: Store) -> None:
    """A demo holds all the while; seen at the full hour, the seminar has faded to nothing, and the fourth alternative holds."""
    page, seminar = ("page.viewed", T0), ("seminar.attended", T0 + 10)
    demo = ("demo.requested", T0 + 6 * DAY)
    told = alone(store, page, seminar, demo, came=T0 + 7 * DAY, until=None)
    assert told == [0, 10 * DAY + HOUR]


@pytest.mark.parametrize("until", [T0 + 3 * DAY + 7, T0 + 3 * DAY])
def test_a_rest_that_is_over_wakes_by_the_hour(store: Store, until: int) -> None:
    demo = ("demo.requested", T0 + HOUR)
    seminar = ("seminar.attended", T0 + 3 * DAY + 7)
    assert alone(store, demo, seminar, came=T0 + DAY, until=until) == [HOUR, -(-(until - T0) // HOUR) * HOUR]


MINUTE = HOUR // 60
FADES_AT = 5 * DAY + 10 * MINUTE  # the seminar at ten past is worth 12 points until then, and 10 from then on


@pytest.mark.parametrize("whose", ["own", "colleague", "nobody"])
def test_what_held_is_what_was_judged_last(store: Store, whose: str) -> None:
    """Facts have a lead judged between two full hours: what has faded meanwhile did not hold when it came back."""
    seminar, second = ("seminar.attended", T0 + 10 * MINUTE), ("seminar.attended", T0 + 6 * DAY)
    own = (("email.sent", T0 + FADES_AT + 10 * MINUTE),) if whose == "own" else ()
    theirs = (("paper.downloaded", T0 + FADES_AT + 10 * MINUTE),) if whose == "colleague" else ()
    told = alone(store, seminar, *own, second, came=T0 + FADES_AT + 20 * MINUTE, until=None, colleague=theirs)
    assert told == ([10 * MINUTE] if whose == "nobody" else [10 * MINUTE, 6 * DAY])


def test_it_may_come_back_within_the_hour_in_which_the_period_begins(store: Store) -> None:
    start = T0 + 9 * DAY + 5 * MINUTE
    demo, bounced = ("demo.requested", T0 + 8 * DAY), ("email.bounced", T0 + 10 * DAY)
    assert alone(store, demo, bounced, came=start + MINUTE, until=None, start=start) == [start - T0]


def test_the_end_of_the_period_is_part_of_it(store: Store) -> None:
    demo, last = ("demo.requested", T0 + HOUR), ("demo.requested", T0 + DAYS * DAY)
    assert alone(store, demo, last, came=T0 + 20 * DAY, until=None) == [HOUR, DAYS * DAY]
