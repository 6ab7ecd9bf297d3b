"""The example agreement, scored by hand as the events come in: the definition of the file world.

It says who would be handed over without the language, so that files can be made for it and its rates tuned. A test
holds it equal to the reference evaluator on the example file; change that file's lines, and this changes with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from leadpact.language.kinds import is_theirs
from leadpact.simulation import names
from leadpact.simulation.calls import Event
from leadpact.simulation.staff import DAY

SEMINAR_WINDOW, PRICING_WINDOW, ACTIVE_WINDOW, DEMO_WINDOW = 180 * DAY, 14 * DAY, 30 * DAY, 7 * DAY
THOUSAND = 1_000


@dataclass(slots=True)
class _Known:
    """What is known of a person. Lists of instants ascend as events do."""

    account: str | None = None
    industry: str | None = None
    domain: str = ""
    timeline: int | None = None
    opted_out: bool = False
    seminars: list[int] = field(default_factory=list)
    pricing: dict[int, int] = field(default_factory=dict)
    demo: int | None = None


@dataclass(slots=True)
class _Trail:
    """Touches of a visitor whom nobody knows yet."""

    pricing: dict[int, int] = field(default_factory=dict)
    last: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A judgement: whether disqualified, which alternatives of sales_ready hold, and the scores in thousandths."""

    disqualified: bool
    alternatives: tuple[bool, bool, bool]
    fit: int
    engagement: int
    readiness: int

    @property
    def sales_ready(self) -> bool:
        return not self.disqualified and any(self.alternatives)

    @property
    def verdict(self) -> str:
        if self.disqualified:
            return "disqualified"
        if self.sales_ready:
            return "sales_ready"
        return "lead" if self.engagement >= 15 * THOUSAND or self.readiness >= 10 * THOUSAND else "prospect"


class Scorer:
    """Takes events in order of time; judges any person as of the latest. Events of machines count for nothing."""

    def __init__(self) -> None:
        self._people: dict[str, _Known] = {}
        self._trails: dict[str, _Trail] = {}
        self._accounts: dict[str, tuple[str | None, int | None]] = {}
        self._active: dict[str, dict[str, int]] = {}
        self._woken: list[str] = []

    def take(self, event: Event) -> str | None:
        """Learn an event; the key of the person it concerns, None where nobody known is concerned."""
        if event.kind == "spend" or event.automated:
            return None
        payload = event.payload
        who = payload.get("userId")
        if who is None:
            self._anonymous(event)
            return None
        if event.kind == "touch":
            self._touch(who, event)
        elif payload["type"] == "group":
            traits = payload["traits"]
            self._accounts[payload["groupId"]] = (traits.get("industry"), traits.get("employees"))
        else:
            self._identify(who, payload)
        return str(who)

    def lifted(self) -> list[str]:
        """Colleagues whose score the last event may have raised: those of a buying group that just grew to three."""
        woken, self._woken = self._woken, []
        return woken

    def judge(self, who: str, at: int) -> Standing:
        """The standing of a known person as of `at`, which no event taken so far may follow."""
        known = self._people[who]
        fit = self._fit(known)
        engagement = self._engagement(who, known, at)
        readiness = 25 * THOUSAND if known.timeline is not None and known.timeline <= 6 else 0
        demo = known.demo is not None and known.demo > at - DEMO_WINDOW
        return Standing(
            disqualified=known.opted_out or known.domain in names.COMPETITORS,
            alternatives=(
                fit >= 40 * THOUSAND and engagement >= 30 * THOUSAND,
                fit >= 40 * THOUSAND and readiness >= 25 * THOUSAND,
                demo,
            ),
            fit=fit,
            engagement=engagement,
            readiness=readiness,
        )

    def _fit(self, known: _Known) -> int:
        industry, employees = self._accounts.get(known.account or "", (None, None))
        points = 20 * (industry in _SERVED) + 20 * (employees is not None and 200 <= employees <= 5_000)
        return (points - 40 * (known.domain in names.ACADEMIC)) * THOUSAND

    def _engagement(self, who: str, known: _Known, at: int) -> int:
        ages = [(at - seminar) // DAY for seminar in known.seminars if seminar > at - SEMINAR_WINDOW]
        seminars = min(sum(20 * THOUSAND * (180 - age) // 180 for age in ages), 40 * THOUSAND)
        days = sum(1 for latest in known.pricing.values() if latest > at - PRICING_WINDOW)
        return seminars + min(days * 5, 15) * THOUSAND + 15 * THOUSAND * (self._active_people(who, known, at) >= 3)

    def _active_people(self, who: str, known: _Known, at: int) -> int:
        if known.account is None:
            return 1
        return sum(1 for last in self._active.get(known.account, {}).values() if last > at - ACTIVE_WINDOW)

    def _touch(self, who: str, event: Event) -> None:
        known, payload = self._people[who], event.payload
        kind = payload.get("event", "page.viewed")
        if kind == "seminar.attended":
            known.seminars.append(event.at)
        elif kind == "demo.requested":
            known.demo = event.at
        elif kind == "page.viewed" and payload["properties"]["path"].startswith("/pricing"):
            known.pricing[event.at // DAY] = event.at
        if known.account and is_theirs(kind):
            self._stir(known.account, who, event.at)

    def _identify(self, who: str, payload: dict[str, object]) -> None:
        traits = payload["traits"]
        if not isinstance(traits, dict):
            raise TypeError("traits are a mapping")
        known = self._people.setdefault(who, _Known())
        if "email" in traits:
            known.domain = str(traits["email"]).partition("@")[2]
            company = traits.get("company")
            known.account = company["id"] if company else None
        known.timeline = traits.get("timeline_months", known.timeline)
        known.opted_out = traits.get("opted_out", known.opted_out)
        trail = self._trails.pop(str(payload.get("anonymousId")), None)
        if trail is not None:
            known.pricing = {**trail.pricing, **known.pricing}
            if known.account and trail.last:
                self._stir(known.account, who, trail.last)

    def _stir(self, account: str, who: str, at: int) -> None:
        active = self._active.setdefault(account, {})
        before = active.get(who, 0)
        active[who] = max(at, before)
        if before <= at - ACTIVE_WINDOW and sum(last > at - ACTIVE_WINDOW for last in active.values()) == 3:
            self._woken = [other for other in active if other != who]

    def _anonymous(self, event: Event) -> None:
        trail = self._trails.setdefault(event.who, _Trail())
        trail.last = event.at
        if event.payload["properties"]["path"].startswith("/pricing"):
            trail.pricing[event.at // DAY] = event.at


_SERVED = frozenset(name for name, _suffix, _weight in names.INDUSTRIES[: names.SERVED])
