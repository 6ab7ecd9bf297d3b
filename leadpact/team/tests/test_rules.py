"""Hours and absence, without a database."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from leadpact.language import hours
from leadpact.language.nodes import Market
from leadpact.team import permissions
from leadpact.team.rules import calendar_of, check_timezone, is_away, parse_hours

FRIDAY_NOON = 1_780_056_000_000_000  # 2026-05-29 12:00 UTC
HOUR = 3_600_000_000
MARKET = Market("America/Chicago", ((0, ((480, 1080),)), (4, ((480, 1080),))), ("2026-06-01",), offsets=((0, -18_000),))


def test_hours_are_read() -> None:
    assert parse_hours({"mon-wed": "09:00-17:30", "Sat": ["13:00-15:00", "10-12:15"]}) == (
        (0, ((540, 1050),)),
        (1, ((540, 1050),)),
        (2, ((540, 1050),)),
        (5, ((600, 735), (780, 900))),
    )
    assert parse_hours({}) == ()
    assert parse_hours({"sun": "00:00-24:00"}) == ((6, ((0, 1440),)),)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"mon": "17:00-09:00"}, "no span of hours"),
        ({"mon": "nine to five"}, "no span of hours"),
        ({"mon": "09:00"}, "no span of hours"),
        ({"mon": "09:70-10:00"}, "no span of hours"),
        ({"mon": "09:00-25:00"}, "no span of hours"),
        ({"someday": "09:00-17:00"}, "names no days"),
        ({"fri-mon": "09:00-17:00"}, "runs backwards"),
        ({"mon": ["09:00-12:00", "11:00-13:00"]}, "overlap"),
    ],
)
def test_hours_that_cannot_be(written: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_hours(written)


def test_a_calendar_of_ones_own_keeps_the_markets_holidays_and_its_own_zone() -> None:
    assert calendar_of(None, "UTC", MARKET) is MARKET
    own = calendar_of({"mon-fri": "09:00-12:00"}, "Europe/Berlin", MARKET)
    assert (own.timezone, own.holidays, own.offsets) == ("Europe/Berlin", MARKET.holidays, ())
    # Friday 14:00 in Berlin is closed; Monday is the market's holiday; Tuesday 09:30 in Berlin is 07:30 UTC.
    assert hours.add(FRIDAY_NOON, HOUR // 2, own) == FRIDAY_NOON + 4 * 24 * HOUR - 4 * HOUR - HOUR // 2
    assert calendar_of({"mon": "09:00-12:00"}, "America/Chicago", MARKET).offsets == MARKET.offsets


def test_absence_covers_its_start_and_not_its_end() -> None:
    assert [is_away([(10, 20), (30, 40)], at) for at in (9, 10, 19, 20, 35)] == [False, True, True, False, True]


def test_time_zones() -> None:
    assert check_timezone("Europe/Berlin") == "Europe/Berlin"
    for wrong in ("Mars/Olympus", "", "../etc/passwd"):
        with pytest.raises(ValueError, match="is no time zone"):
            check_timezone(wrong)


@dataclass(frozen=True)
class Somebody:
    role: str = "salesperson"
    department: str = "sales"
    takes_leads: bool = True
    is_active: bool = True


def test_who_can_be_routed_to_sees_no_scores() -> None:
    seller = Somebody()
    assert not permissions.sees_scores(seller)
    assert not permissions.sees_scores(replace(seller, takes_leads=False)), "a salesperson never"
    assert not permissions.sees_scores(Somebody("manager")), "nor a manager who takes leads"
    assert permissions.sees_scores(Somebody("manager", takes_leads=False))
    assert permissions.sees_scores(Somebody("marketer", "marketing", takes_leads=False))


def test_for_whom_somebody_speaks() -> None:
    assert permissions.speaks_for(Somebody("operations", "")) == "operations"
    assert permissions.speaks_for(Somebody("manager", "marketing")) == "marketing"
    assert permissions.speaks_for(Somebody("salesperson", "")) == "sales"
    assert permissions.speaks_for(Somebody("marketer", "", takes_leads=False)) == "marketing"


def test_managers() -> None:
    assert permissions.leads_sales(Somebody("manager"))
    assert not permissions.leads_sales(Somebody("manager", is_active=False))
    assert not permissions.leads_sales(Somebody("manager", "marketing"))
    assert permissions.leads_marketing(Somebody("manager", "marketing"))
    assert [
        permissions.may_manage_team(Somebody(role)) for role in ("manager", "operations", "marketer", "salesperson")
    ] == [
        True,
        True,
        False,
        False,
    ]
