"""Judging only whom a batch can change comes out the same as judging everybody whom it concerns, every time."""

from __future__ import annotations

from random import Random

import pytest
from django.db import transaction
from msgspec.structs import replace

from leadpact.agreement.queries import in_force
from leadpact.capture.actions import intake
from leadpact.capture.actions.identify import Identified
from leadpact.capture.rules.arrival import Arrival
from leadpact.custody.models import Entry, Holding
from leadpact.distribution import actions as sales
from leadpact.distribution.models import Offer
from leadpact.leads.models import Lead
from leadpact.loop import clocks
from leadpact.loop import intake as door
from leadpact.loop.relevance import Touched, counted
from leadpact.qualification.actions import judge
from leadpact.qualification.models import Judgement
from leadpact.team.models import User
from tests.cast import DAY, EXAMPLE, HOUR, T0, Cast, sign, touch, traits

pytestmark = pytest.mark.django_db

MINUTE = 60_000_000
BATCHES = 36
ADDRESSES = [
    *(f"{name}@ferro.example" for name in ("vera", "otto", "ines", "paul")),
    *(f"{name}@halden.example" for name in ("wim", "zoe", "jan")),
    "ed@initech.example", "lone@gmail.com", "sam@gmail.com",
]  # fmt: skip
KINDS = {
    "page.viewed": 10, "paper.downloaded": 4, "seminar.attended": 3, "demo.requested": 1, "email.sent": 3, "email.opened": 3,
}  # fmt: skip
Ledger = list[tuple[str, str, str, int]]


def _arrival(rng: Random, known_at: int) -> Arrival:
    """Something about somebody; one in five happened days ago, and one in six comes without a name."""
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    at = known_at - (rng.randrange(20 * DAY) if rng.random() < 0.2 else rng.randrange(MINUTE))
    path = rng.choice(["/pricing", "/pricing/teams", "/blog"])
    account = lead = traits()
    if rng.random() < 0.2:
        account = traits(
            **{"account.industry": rng.choice(["Logistics", "Fishing"]), "account.employees": rng.choice([40, 900])}
        )
    if rng.random() < 0.06:
        lead = traits(**{"lead.timeline_months": rng.choice([3, 12])})
    email = rng.choice(ADDRESSES)
    if rng.random() < 0.16:
        name = f"browser {rng.randrange(6)}"
        email = email if rng.random() < 0.3 else None
        return touch(kind, at=at, anonymous_id=name, email=email, account=account if email else traits(), path=path)
    arrival = touch(kind, at=at, email=email, account=account, lead=lead, path=path)
    return replace(arrival, opted_out=True) if rng.random() < 0.004 else arrival


def _batches(seed: int) -> list[tuple[int, list[Arrival]]]:
    rng = Random(seed)
    batches: list[tuple[int, list[Arrival]]] = []
    now = T0
    for _ in range(BATCHES):
        now += rng.choice([rng.randrange(MINUTE, HOUR), rng.randrange(HOUR, DAY), rng.randrange(DAY, 5 * DAY)])
        batches.append((now, [_arrival(rng, now) for _ in range(rng.choice([1, 2, 8]))]))
    return batches


def _live(seed: int) -> int:
    """The whole story: facts, hours that pass, and salespeople who accept or reject what they are offered."""
    now = T0
    for now, batch in _batches(seed):
        clocks.fire_clocks(at=now - 2)
        clocks.let_time_pass(at=now - 1)
        intake(batch, known_at=now)
        for offer in Offer.objects.filter(outcome="").select_related("lead__person").order_by("lead_id"):
            who = offer.lead.person.email or ""
            by = User.objects.get(pk=offer.salesperson_id)
            lot = (len(who) + now // HOUR) % 3
            if lot == 0:
                sales.accept(lead_id=offer.lead_id, by=by, at=now)
            elif lot == 1:
                sales.reject(lead_id=offer.lead_id, reason="not_now", by=by, at=now)
    return now


def _names() -> dict[int, str]:
    """Lead → a name that does not depend on how numbers were given out."""
    return {
        lead.pk: f"{lead.person.email} {number}"
        for number, lead in enumerate(
            Lead.objects.select_related("person").order_by("person__email", "created_at", "pk")
        )
    }


def _ledger() -> Ledger:
    names = _names()
    return sorted(
        (names[one.lead_id], one.move, one.verdict, one.at)
        for one in Entry.objects.filter(move__in=("judged", "handed_over", "cooled", "woken", "disqualified"))
    )


def _in_a_world_of_its_own(seed: int) -> Ledger:
    """What a story writes, from the same beginning; afterwards it never happened."""
    with transaction.atomic():
        _live(seed)
        written = _ledger()
        transaction.set_rollback(True)
    return written


@pytest.fixture
def always_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many are active is counted at every account, not only where many are."""
    monkeypatch.setattr(door, "MANY", 0)


@pytest.mark.parametrize("seed", [1, 5, 8])
def test_the_ledger_reads_as_if_everybody_had_been_judged(
    cast: Cast, seed: int, monkeypatch: pytest.MonkeyPatch, always_counted: None
) -> None:
    skipped = _in_a_world_of_its_own(seed)

    def everybody(found: Identified, **_: object) -> Touched:
        people = frozenset(one.person_id for one in found.tied if one.person_id is not None)
        homes = frozenset(found.people[one].account_id for one in people if found.people[one].account_id is not None)
        return Touched(people, homes | frozenset(one.id for one in found.accounts.values()))

    monkeypatch.setattr(door, "touched", everybody)
    whole = _in_a_world_of_its_own(seed)

    assert skipped == whole
    moves = {move for _, move, _, _ in whole}
    assert {"judged", "handed_over"} <= moves
    assert {verdict for _, move, verdict, _ in whole if move == "judged"} >= {"prospect", "lead", "sales_ready"}


@pytest.mark.parametrize("seed", [3, 4])
def test_what_is_stored_is_what_a_fresh_judgement_says(cast: Cast, seed: int) -> None:
    now = _live(seed)
    version = in_force(now)
    assert version is not None
    held = dict(Holding.objects.exclude(state__in=("won", "merged", "erased")).values_list("lead_id", "verdict"))
    afresh = {one.lead_id: one.verdict for one in judge(lead_ids=sorted(held), as_of=now, version=version)}
    # What only time changed since the last full hour is the next tick's to write, for leads that no batch concerned.
    late = set(
        Judgement.objects.filter(next_tick__lte=now + HOUR, next_tick__gt=now - HOUR).values_list("lead_id", flat=True)
    )

    assert {lead: verdict for lead, verdict in held.items() if lead not in late} == {
        lead: verdict for lead, verdict in afresh.items() if lead not in late
    }
    assert len(late) < len(held) / 2
    assert len(set(held.values())) >= 2

    clocks.let_time_pass(at=now + HOUR)
    hour = (now + HOUR) // HOUR * HOUR
    held = dict(Holding.objects.exclude(state__in=("won", "merged", "erased")).values_list("lead_id", "verdict"))
    afresh = {one.lead_id: one.verdict for one in judge(lead_ids=sorted(held), as_of=hour, version=version)}
    assert held == afresh


def test_batches_skip_whom_they_cannot_change(cast: Cast) -> None:
    """The equality above says nothing where nothing is skipped."""
    for name in ("vera", "otto", "ines"):
        intake([touch("page.viewed", at=T0 + HOUR, email=f"{name}@ferro.example", path="/blog")], known_at=T0 + HOUR)
    quiet = intake([touch("email.sent", at=T0 + 2 * HOUR, email="vera@ferro.example")], known_at=T0 + 2 * HOUR)
    again = intake(
        [touch("page.viewed", at=T0 + 3 * HOUR, email="vera@ferro.example", path="/blog")], known_at=T0 + 3 * HOUR
    )
    price = intake(
        [touch("page.viewed", at=T0 + 4 * HOUR, email="vera@ferro.example", path="/pricing")], known_at=T0 + 4 * HOUR
    )

    assert (quiet.taken, quiet.judged) == (1, 0)
    assert (again.taken, again.judged) == (1, 0), "a line reads page views, but none of this path"
    assert (price.taken, price.judged) == (1, 1), "the one who viewed the price page is judged, her colleagues are not"


def _views(name: str, at: int) -> int:
    """Somebody at Ferro views a page that no line counts; how many leads were judged for it."""
    return intake([touch("page.viewed", at=at, email=f"{name}@ferro.example", path="/blog")], known_at=at).judged


@pytest.mark.usefixtures("always_counted")
def test_one_more_who_is_active_concerns_the_others_where_a_clause_asks_for_so_many(cast: Cast) -> None:
    clocks.let_time_pass(at=T0)
    judged = [_views(name, T0 + n * HOUR) for n, name in enumerate(("vera", "otto", "ines", "paul", "wim"), 1)]
    assert judged == [1, 1, 3, 1, 1], "the third makes three; who comes then is one more"
    assert set(Holding.objects.values_list("verdict", flat=True)) == {"lead"}
    again = T0 + 40 * DAY  # nobody is active any more
    clocks.let_time_pass(at=again)
    assert set(Holding.objects.values_list("verdict", flat=True)) == {"prospect"}
    both = [touch("page.viewed", at=again, email=f"{name}@ferro.example", path="/blog") for name in ("vera", "otto")]
    assert intake(both, known_at=again).judged == 2
    assert _views("paul", again + MINUTE) == 5, "three of five are active now, and it concerns all of them"
    assert set(Holding.objects.values_list("verdict", flat=True)) == {"lead"}


def test_few_are_judged_without_counting(cast: Cast) -> None:
    names = ("vera", "otto", "ines", "paul", "wim", "zoe", "jan")
    assert [_views(name, T0 + n * HOUR) for n, name in enumerate(names, 1)] == [1, 2, 3, 4, 5, 1, 1]


@pytest.mark.usefixtures("always_counted")
def test_two_at_once_may_pass_the_number_together(cast: Cast) -> None:
    clocks.let_time_pass(at=T0)
    for n, name in enumerate(("vera", "otto", "ines")):
        _views(name, T0 + n * MINUTE)
    again = T0 + 40 * DAY
    clocks.let_time_pass(at=again)
    _views("vera", again)
    both = [touch("page.viewed", at=again, email=f"{name}@ferro.example", path="/blog") for name in ("otto", "ines")]
    assert intake(both, known_at=again + MINUTE).judged == 3
    assert set(Holding.objects.values_list("verdict", flat=True)) == {"lead"}


@pytest.mark.usefixtures("always_counted")
def test_when_somebody_becomes_active_the_others_hear_what_time_changed(cast: Cast) -> None:
    at = T0 // HOUR * HOUR + HOUR + 10 * MINUTE
    intake([touch("demo.requested", at=at, email="vera@ferro.example")], known_at=at)
    over = at + 7 * DAY + MINUTE  # the request has left its window, and the hour that says so has not come
    clocks.let_time_pass(at=over - HOUR)
    clocks.let_time_pass(at=over)
    assert _views("otto", over) == 2
    said = Entry.objects.filter(lead__person__email="vera@ferro.example", move="judged").order_by("seq")
    assert list(said.values_list("at", "verdict")) == [(at, "sales_ready"), (over, "prospect")]


@pytest.mark.usefixtures("always_counted")
def test_when_somebody_becomes_active_the_others_go_by_the_version_in_force(cast: Cast) -> None:
    _views("vera", T0 + HOUR)
    source = EXAMPLE.read_text(encoding="utf-8").replace("readiness: ", f"{DISTINCT.strip(chr(10))}\nreadiness: ", 1)
    sign(cast, at=T0 + 2 * HOUR, source=source)
    version = in_force(T0 + 3 * HOUR)
    assert version is not None
    assert _views("otto", T0 + 3 * HOUR) == 2
    assert set(Judgement.objects.values_list("agreement_hash", flat=True)) == {version.hash}


def test_which_touches_are_counted_follows_the_properties(cast: Cast) -> None:
    version = in_force(T0 + HOUR)
    assert version is not None
    price = touch("page.viewed", at=T0, email="vera@ferro.example", path="/Pricing/teams").touch
    other = touch("page.viewed", at=T0, email="vera@ferro.example", path="/blog").touch
    nowhere = touch("page.viewed", at=T0, email="vera@ferro.example").touch
    seminar = touch("seminar.attended", at=T0, email="vera@ferro.example").touch
    told = [counted(version.hash, one) for one in (price, other, nowhere, seminar) if one is not None]
    assert told == [(True, False), (False, False), (False, False), (True, False)]


DISTINCT = """
  - id: papers
    says: Three different papers were read at the account
    if: {touch: paper.downloaded, by: account, distinct: title, at_least: 3, within: 60 days}
    points: 30
"""


def test_a_touch_without_the_property_that_is_told_apart_counts_for_nobody(cast: Cast) -> None:
    source = EXAMPLE.read_text(encoding="utf-8").replace("readiness: ", f"{DISTINCT.strip(chr(10))}\nreadiness: ", 1)
    sign(cast, at=T0 + HOUR, source=source)
    for name in ("vera", "otto"):
        intake([touch("page.viewed", at=T0 + 2 * HOUR, email=f"{name}@ferro.example")], known_at=T0 + 2 * HOUR)
    at = T0 + 2 * HOUR + MINUTE
    untold = intake([touch("paper.downloaded", at=at, email="vera@ferro.example")], known_at=at)
    titled = intake([touch("paper.downloaded", at=at, email="vera@ferro.example", title="Ports")], known_at=at + 1)

    assert (untold.taken, untold.judged) == (1, 0)
    assert (titled.taken, titled.judged) == (1, 2), "a paper at the account is everybody's there"
