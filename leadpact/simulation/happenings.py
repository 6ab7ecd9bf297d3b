"""What happens in a week, as arrays: visits, downloads, mails, seminars, calls, machines. No words yet (see `calls`).

A batch of happenings is five arrays of one length and a code. Happenings may fall after the week's end (a mail opened
on Monday): the company carries those over, so that the year comes out in order of time without being held in memory.
Rates are per person and day; all grow with interest. They aim at about twenty touches a lead and year.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from leadpact.simulation import names
from leadpact.simulation.chance import Floats, Ints
from leadpact.simulation.population import Accounts, Flags, Population
from leadpact.simulation.sources import NAMES, SOURCES

SECOND = 1 / 86_400
MINUTE = 60 * SECOND
SEMINAR_EVERY = 4
SCANNED_LINKS = 3
DEMO_REST = 40.0
VISITS_AT_REST, VISITS_BY_INTEREST = 0.004, 0.29
STRANGERS = 0.35 / 365


class Code(IntEnum):
    """What a happening is. Names of touches are the product's own kinds, dots written as underscores."""

    IDENTIFY = 0
    FIRST_TOUCH = 1
    GROUP = 2
    PAGE = 3
    PAPER = 4
    DEMO = 5
    PRICE = 6
    CHAT = 7
    EMAIL_SENT = 8
    EMAIL_OPENED = 9
    EMAIL_CLICKED = 10
    EMAIL_BOUNCED = 11
    UNSUBSCRIBED = 12
    OPTED_OUT = 13
    SEMINAR_INVITED = 14
    SEMINAR_REGISTERED = 15
    SEMINAR_ATTENDED = 16
    CALL_ATTEMPTED = 17
    CALL_ANSWERED = 18
    CALL_RECEIVED = 19
    TIMELINE = 20
    STRANGER_PAGE = 21
    CRAWLER_PAGE = 22


# How a touch reached us.
SERVER, DEVICE, OTHER_DEVICE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Batch:
    """Happenings of one code. at: days since the start. who: person (or stranger's number). detail: page, paper, mail
    or seminar. channel: position in CHANNELS. device: SERVER, DEVICE or OTHER_DEVICE. automated: a machine's.
    """

    code: Code
    at: Floats
    who: Ints
    detail: Ints
    channel: Ints
    device: Ints
    automated: bool = False


CHANNELS = ("direct", "organic", "paid_search", "social", "email", "event", "phone", "list", "referral", "sales")
_DIRECT, _EMAIL, _EVENT, _PHONE = (CHANNELS.index(name) for name in ("direct", "email", "event", "phone"))
_FIRST_CHANNEL = np.array([CHANNELS.index(source.channel) for source in SOURCES])
_VISIT_CHANNELS = np.array([CHANNELS.index(name) for name in ("direct", "organic", "paid_search", "social")])
_VISIT_SHARES = np.array([0.45, 0.35, 0.13, 0.07])
_PAGE_BASE = np.array([base for _path, _title, base, _more in names.PATHS])
_PAGE_MORE = np.array([more for _path, _title, _base, more in names.PATHS])


class Week:
    """One week of the company.

    span: its first day (days since the start) and the day after its last; weekday: of the first (Monday is 0).
    asked: day of each person's last demo request; written here, so the same array goes from week to week.
    """

    def __init__(
        self,
        people: Population,
        firms: Accounts,
        chance: np.random.Generator,
        *,
        span: tuple[int, int],
        weekday: int,
        asked: Floats,
    ) -> None:
        first, last = span
        self._people, self._firms, self._chance, self._asked = people, firms, chance, asked
        self._first, self._last, self._weekday = first, last, weekday
        self._number = first // 7
        self._known = np.flatnonzero(people.created < last)

    def batches(self) -> list[Batch]:
        """Everything that starts in this week."""
        parts = [*self._becoming_known(), *self._visits(), *self._mails(), *self._seminars(), *self._calls()]
        parts += [*self._timelines(), *self._strangers(), *self._crawlers()]
        return [batch for batch in parts if len(batch.at)]

    def _batch(
        self,
        code: Code,
        at: Floats,
        who: Ints,
        *,
        detail: Ints | int = 0,
        channel: Ints | int = _DIRECT,
        device: Ints | int = SERVER,
        automated: bool = False,
    ) -> Batch:
        count = len(at)
        told, came, by = (
            np.broadcast_to(np.asarray(part, dtype=np.int64), count) for part in (detail, channel, device)
        )
        return Batch(code, at, who, told, came, by, automated)

    def _becoming_known(self) -> list[Batch]:
        people = self._people
        new = self._known[people.created[self._known] >= self._first]
        at = people.created[new]
        source = people.source[new]
        device = np.where(np.array([each.visits for each in SOURCES])[source], DEVICE, SERVER)
        channel = _FIRST_CHANNEL[source]
        touched = np.flatnonzero(source != NAMES.index("sales"))
        firm = people.account[new]
        leaders = new[(firm >= 0)]
        return [
            self._batch(Code.IDENTIFY, at, new, channel=channel, device=device),
            self._batch(
                Code.FIRST_TOUCH,
                at[touched] + SECOND,
                new[touched],
                detail=new[touched] % len(names.PAPERS),
                channel=channel[touched],
                device=device[touched],
            ),
            self._batch(Code.GROUP, people.created[leaders] + 3 * SECOND, leaders),
        ]

    def _visits(self) -> list[Batch]:
        """Visits of the website, known or not yet; what visitors do there; those who raise a hand."""
        people, chance = self._people, self._chance
        here = np.flatnonzero(people.appears < self._last)
        days = np.arange(self._first, self._last)
        noons = np.broadcast_to(days.astype(np.float64) + 0.5, (len(here), len(days)))
        interest = people.waves.interest(here, noons)
        working = np.where((days + self._weekday) % 7 < 5, 1.2, 0.45)
        rate = people.loud[here, None] * working * (VISITS_AT_REST + VISITS_BY_INTEREST * interest**1.6)
        visits = chance.poisson(rate)
        row, column = np.nonzero(visits)
        times = visits[row, column]
        who, day, level = here[row].repeat(times), days[column].repeat(times), interest[row, column].repeat(times)
        at = day + self._hours(len(day))
        seen = (at >= people.appears[who]) & (at < self._last)
        who, at, level = who[seen], at[seen], level[seen]
        channel = chance.choice(_VISIT_CHANNELS, size=len(who), p=_VISIT_SHARES)
        elsewhere = people.second_device[who] & (chance.random(len(who)) < 0.3)
        device = np.where(elsewhere, OTHER_DEVICE, DEVICE)
        known = (at > people.created[who] + 5 * MINUTE) & ~elsewhere
        return [self._pages(at, who, level, channel, device), *self._deeds(at, who, level, channel, known)]

    def _pages(self, at: Floats, who: Ints, level: Floats, channel: Ints, device: Ints) -> Batch:
        chance = self._chance
        count = 1 + np.minimum(chance.geometric(0.72 - 0.22 * level) - 1, 7)
        visit = np.repeat(np.arange(len(at)), count)
        step = np.arange(len(visit)) - np.repeat(np.cumsum(count) - count, count)
        page = self._page(level[visit])
        moments = at[visit] + step * (50 + chance.uniform(-30, 60, size=len(visit))) * SECOND
        return self._batch(Code.PAGE, moments, who[visit], detail=page, channel=channel[visit], device=device[visit])

    def _page(self, level: Floats) -> Ints:
        weights = _PAGE_BASE + _PAGE_MORE * level[:, None]
        bounds = np.cumsum(weights, axis=1)
        drawn = self._chance.random(len(level)) * bounds[:, -1]
        return (drawn[:, None] >= bounds).sum(axis=1)

    def _deeds(self, at: Floats, who: Ints, level: Floats, channel: Ints, known: Flags) -> list[Batch]:
        chance = self._chance
        done = []
        for code, odds in (
            (Code.PAPER, 0.05 + 0.10 * level),
            (Code.DEMO, 0.002 + 0.56 * level**2.4),
            (Code.PRICE, 0.001 + 0.020 * level**2),
            (Code.CHAT, 0.004 + 0.015 * level),
        ):
            did = np.flatnonzero(known & (chance.random(len(at)) < odds))
            if code is Code.DEMO:
                did = self._once(did, who, at)
            moments = at[did] + chance.uniform(1.5, 6, size=len(did)) * MINUTE
            papers = chance.integers(0, len(names.PAPERS), size=len(did))
            done.append(self._batch(code, moments, who[did], detail=papers, channel=channel[did], device=DEVICE))
        return done

    def _once(self, did: Ints, who: Ints, at: Floats) -> Ints:
        """Those of the demo requests that do not follow another of the same person within weeks."""
        did = did[np.argsort(at[did], kind="stable")]
        _people, first = np.unique(who[did], return_index=True)
        did = did[np.sort(first)]
        did = did[at[did] > self._asked[who[did]] + DEMO_REST]
        self._asked[who[did]] = at[did]
        return did

    def _mails(self) -> list[Batch]:
        """The newsletter: every fourth week to each, now and then forgotten. Opens, clicks, scanners, bounces."""
        people, chance = self._people, self._chance
        due = self._known[(people.phase[self._known] == self._number % 4)]
        due = due[(people.created[due] < self._first) & (people.opts_out[due] > self._first)]
        due = due[chance.random(len(due)) < 0.965]
        if self._last - self._first < 3:
            return []
        tuesday = self._first + (1 - self._weekday) % 7 % (self._last - self._first)
        at = tuesday + 15 / 24 + chance.uniform(0, 2.0 / 24, size=len(due))
        level = people.waves.interest(due, at)
        bounced = people.wrong_data[due] & (chance.random(len(due)) < 0.5)
        loud = np.minimum(people.loud[due], 2.0)
        opened = ~bounced & (chance.random(len(due)) < loud * (0.10 + 0.40 * level))
        clicked = opened & (chance.random(len(due)) < 0.10 + 0.45 * level)
        open_at = at + chance.exponential(0.35, size=len(due))
        click_at = open_at + chance.uniform(5, 90, size=len(due)) * SECOND
        left = self._known[(people.opts_out[self._known] >= self._first) & (people.opts_out[self._known] < self._last)]
        left = left[people.opts_out[left] > people.created[left]]
        mail = self._number
        scanned = due[(people.account[due] >= 0) & self._firms.scanner[people.account[due]]]
        return [
            self._batch(Code.EMAIL_SENT, at, due, detail=mail, channel=_EMAIL),
            self._batch(Code.EMAIL_BOUNCED, at[bounced] + 20 * SECOND, due[bounced], detail=mail, channel=_EMAIL),
            self._batch(Code.EMAIL_OPENED, open_at[opened], due[opened], detail=mail, channel=_EMAIL),
            self._batch(Code.EMAIL_CLICKED, click_at[clicked], due[clicked], detail=mail, channel=_EMAIL),
            self._pages(
                click_at[clicked] + 3 * SECOND,
                due[clicked],
                level[clicked],
                np.full(clicked.sum(), _EMAIL),
                np.full(clicked.sum(), DEVICE),
            ),
            self._batch(Code.UNSUBSCRIBED, people.opts_out[left], left, detail=mail, channel=_EMAIL),
            self._batch(Code.OPTED_OUT, people.opts_out[left] + SECOND, left, channel=_EMAIL),
            *self._scanners(at[np.isin(due, scanned)], scanned, mail),
        ]

    def _scanners(self, sent: Floats, who: Ints, mail: int) -> list[Batch]:
        """Gateways that open a mail and follow all its links within seconds of its sending."""
        chance = self._chance
        start = sent + chance.uniform(2, 20, size=len(who)) * SECOND
        links = np.repeat(np.arange(len(who)), SCANNED_LINKS)
        moments = start[links] + np.tile(np.arange(SCANNED_LINKS), len(who)) * 0.4 * SECOND + 0.5 * SECOND
        return [
            self._batch(Code.EMAIL_OPENED, start, who, detail=mail, channel=_EMAIL, automated=True),
            self._batch(Code.EMAIL_CLICKED, moments, who[links], detail=mail, channel=_EMAIL, automated=True),
        ]

    def _seminars(self) -> list[Batch]:
        """Every fourth week: invitations one week, the seminar on a Thursday two weeks later."""
        people, chance = self._people, self._chance
        if self._number % SEMINAR_EVERY != 1 or self._last - self._first < 7:
            return []
        guests = self._known[(people.opts_out[self._known] > self._first) & (people.created[self._known] < self._first)]
        warm = people.waves.interest(guests, self._first - 1.0)
        guests = guests[chance.random(len(guests)) < 0.03 + 0.9 * warm]
        monday = self._first + (0 - self._weekday) % 7
        at = monday + 16 / 24 + chance.uniform(0, 3 / 24, size=len(guests))
        level = people.waves.interest(guests, at + 14)
        loud = np.minimum(people.loud[guests], 1.6)
        coming = chance.random(len(guests)) < loud * (0.03 + 1.0 * level)
        there = coming & (chance.random(len(guests)) < 0.68)
        seminar = self._number // SEMINAR_EVERY
        registered = at + chance.uniform(0.02, 9, size=len(guests))
        held = monday + 17 + 20 / 24 + chance.uniform(0, 15, size=len(guests)) * MINUTE
        return [
            self._batch(Code.SEMINAR_INVITED, at, guests, detail=seminar, channel=_EMAIL),
            self._batch(Code.SEMINAR_REGISTERED, registered[coming], guests[coming], detail=seminar, channel=_EVENT),
            self._batch(Code.SEMINAR_ATTENDED, held[there], guests[there], detail=seminar, channel=_EVENT),
        ]

    def _calls(self) -> list[Batch]:
        """Marketing's telephone team tries a few; a few ring by themselves."""
        people, chance = self._people, self._chance
        known = self._known[people.created[self._known] < self._last - 1]
        level = people.waves.interest(known, self._first + 3.5)
        tried = known[chance.random(len(known)) < 0.004 + 0.02 * level]
        at = self._workday(len(tried))
        after = at > people.created[tried]
        tried, at = tried[after], at[after]
        answered = chance.random(len(tried)) < 0.35
        rang = known[chance.random(len(known)) < 0.0004 + 0.010 * level**2]
        ring_at = self._workday(len(rang))
        later = ring_at > people.created[rang]
        return [
            self._batch(Code.CALL_ATTEMPTED, at, tried, channel=_PHONE),
            self._batch(Code.CALL_ANSWERED, at[answered] + 20 * SECOND, tried[answered], channel=_PHONE),
            self._batch(Code.CALL_RECEIVED, ring_at[later], rang[later], channel=_PHONE),
        ]

    def _timelines(self) -> list[Batch]:
        """Some say, in a form or on the telephone, when they want to buy."""
        people = self._people
        at = people.created + people.told_after
        tell = self._known[
            people.timeline_told[self._known] & (at[self._known] >= self._first) & (at[self._known] < self._last)
        ]
        return [self._batch(Code.TIMELINE, at[tell], tell, channel=_PHONE)]

    def _strangers(self) -> list[Batch]:
        """Visitors who never say who they are."""
        chance = self._chance
        span = self._last - self._first
        count = int(chance.poisson(STRANGERS * len(self._people) * span))
        who = np.arange(count) + (self._number << 24)
        at = self._first + np.floor(chance.uniform(0, span, size=count)) + self._hours(count)
        channel = chance.choice(_VISIT_CHANNELS, size=count, p=_VISIT_SHARES)
        pages = self._pages(at, who, np.zeros(count), channel, np.full(count, DEVICE))
        return [Batch(Code.STRANGER_PAGE, pages.at, pages.who, pages.detail, pages.channel, pages.device)]

    def _crawlers(self) -> list[Batch]:
        """Machines that read the whole site in half a minute, as nobody."""
        chance = self._chance
        span = self._last - self._first
        count = int(chance.poisson(0.00002 * len(self._people) * span))
        length = 25 + chance.integers(0, 20, size=count)
        crawl = np.repeat(np.arange(count), length)
        start = self._first + chance.uniform(0, span - 0.01, size=count)
        at = start[crawl] + chance.uniform(0, 30, size=len(crawl)) * SECOND
        page = chance.integers(0, len(names.PATHS), size=len(crawl))
        who = crawl + (self._number << 24)
        return [self._batch(Code.CRAWLER_PAGE, at, who, detail=page, device=DEVICE, automated=True)]

    def _hours(self, count: int) -> Floats:
        """Time of day of visits, UTC: two humps, before and after noon in Chicago, and some evenings."""
        chance = self._chance
        hump = chance.choice(3, size=count, p=[0.45, 0.4, 0.15])
        middle, wide = np.array([15.6, 20.0, 1.8])[hump], np.array([1.3, 1.5, 1.4])[hump]
        return np.asarray((chance.normal(middle, wide) % 24) / 24)

    def _workday(self, count: int) -> Floats:
        """A moment in the working hours of a workday of this week."""
        days = np.arange(self._first, self._last)
        days = days[(days + self._weekday) % 7 < 5]
        if not len(days):
            days = np.arange(self._first, self._last)
        return self._chance.choice(days, size=count) + self._chance.uniform(14.5, 22.5, size=count) / 24
