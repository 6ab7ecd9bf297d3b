"""A company with six weeks of history, and the workshop's bench made ready on it, for tests of the workshop."""

from __future__ import annotations

from pathlib import Path

from leadpact.agreement import actions, jobs
from leadpact.agreement.models import Bench
from leadpact.agreement.queries import in_force
from leadpact.custody.models import Holding
from leadpact.distribution.actions import accept, qualify, reject
from leadpact.kit import clock
from leadpact.loop import clocks
from leadpact.loop.intake import take
from leadpact.team.models import User
from tests.cast import DAY, HOUR, T0, Cast, make_cast, sign, touch, traits

FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})
NOW = T0 + 50 * DAY


def lived(*, leads: int = 44) -> Cast:
    """Six weeks: a lead a day or so, some with one seminar (20 points), some with two; Sales answers what it was offered."""
    cast = make_cast()
    sign(cast)
    for n in range(leads):
        at = T0 + HOUR + n * DAY
        email = f"p{n:02}@firm{n:02}.example"
        seminars = 1 + n % 2
        take(
            [touch("seminar.attended", at=at + k, email=email, account=FIT) for k in range(seminars)], known_at=at + 10
        )
        answer(at + HOUR, good=n % 4 == 1)
        clocks.let_time_pass(at=at + 2 * HOUR)
    return cast


def answer(at: int, *, good: bool) -> None:
    """Whoever was offered a lead accepts it, and says at once what it was worth."""
    for held in Holding.objects.filter(state="offered").select_related("salesperson"):
        who = held.salesperson
        assert isinstance(who, User)
        accept(lead_id=held.lead_id, by=who, at=at)
        if good:
            qualify(lead_id=held.lead_id, by=who, at=at + 1)
        else:
            reject(lead_id=held.lead_id, by=who, at=at + 1, reason="no_fit")


def ready(cast: Cast, folder: Path) -> Bench:
    """History exported and made ready around the version in force, as the job does it. LEADPACT_DATA names `folder`."""
    current = in_force(NOW)
    assert current is not None
    with clock.at(NOW):
        assert actions.ask_bench(agreement=current.agreement, by=cast.bo, at=NOW)
        jobs.prepare_bench(agreement_hash=current.hash)
    found = Bench.objects.get(hash=current.hash)
    assert found.problem == ""
    assert list(folder.glob("benches/*/bench.json"))
    return found
