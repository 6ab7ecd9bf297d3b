"""How late verdicts are that only time changes, and whom the hours look at."""

from __future__ import annotations

import pytest

from leadpact.capture.actions import intake
from leadpact.leads.models import Lead
from leadpact.loop import clocks
from leadpact.qualification.models import Judgement
from leadpact.qualification.queries import lateness
from tests.cast import DAY, HOUR, T0, Cast, touch

VERA = "vera@ferro.example"
# 20 points fade over 180 days, by whole days: 15 are left on the 45th, fewer on the 46th.
NEARLY_FADED = T0 - 45 * DAY
FADED = (T0 + DAY) // HOUR * HOUR + HOUR


def seminar(email: str = VERA, *, at: int) -> Lead:
    intake([touch("seminar.attended", at=at, email=email)], known_at=T0)
    clocks.let_time_pass(at=T0 + 1)
    return Lead.objects.latest("pk")


@pytest.mark.django_db
def test_before_any_hour_nothing_is_late(cast: Cast) -> None:
    found = lateness(since=T0 - DAY, at=T0)
    assert (found.until, found.last, found.worst, found.hours, found.judged) == (None, None, None, 0, 0)
    assert (found.overdue, found.waiting) == (0, 0)


@pytest.mark.django_db
def test_lateness_is_from_the_full_hour_to_the_last_verdict(cast: Cast) -> None:
    seminar(at=NEARLY_FADED)
    late = 20 * 60_000_000
    overdue = lateness(since=T0, at=FADED + late)
    assert (overdue.overdue, overdue.last) == (1, None), "its hour has passed and nobody looked yet"
    clocks.let_time_pass(at=FADED + late)
    found = lateness(since=T0, at=FADED + late)
    assert (found.until, found.hours, found.judged, found.overdue) == (FADED, 1, 1, 0)
    assert found.last is not None
    assert late <= found.last < late + 60_000_000
    assert found.worst == found.last


@pytest.mark.django_db
def test_the_worst_hour_is_told_beside_the_latest(cast: Cast) -> None:
    seminar(at=NEARLY_FADED)
    clocks.let_time_pass(at=FADED + 20 * 60_000_000)
    seminar("wanda@halden.example", at=FADED + DAY - 46 * DAY)
    midnight = -(-(FADED + HOUR) // DAY) * DAY
    clocks.let_time_pass(at=midnight + DAY)
    found = lateness(since=T0, at=midnight + DAY)
    assert found.last is not None
    assert found.worst is not None
    assert found.last < found.worst
    assert lateness(since=midnight + 2 * DAY, at=midnight + 2 * DAY).worst is None


@pytest.mark.django_db
def test_a_prospect_whom_time_cannot_change_is_looked_at_at_midnight(cast: Cast) -> None:
    """A seminar long ago fades by 111 thousandths a day; with less than 15 points nothing but a touch can raise the verdict."""
    lead = seminar(at=T0 - 100 * DAY)
    first = Judgement.objects.get(lead=lead)
    assert first.verdict == "prospect"
    assert first.next_tick is not None
    assert first.next_tick % DAY == 0
    clocks.let_time_pass(at=first.next_tick - 1)
    assert Judgement.objects.get(lead=lead).as_of == first.as_of
    clocks.let_time_pass(at=first.next_tick)
    then = Judgement.objects.get(lead=lead)
    assert (then.as_of, then.verdict) == (first.next_tick, "prospect")
    assert then.engagement < first.engagement
