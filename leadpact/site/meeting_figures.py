"""The parts of a regular review: promises, errors, drift, disputed leads, line by line, proposals. Figures and codes only.

Each part is JSON: it is kept with the review, and nothing in it names a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from leadpact.agreement.queries import InForce, by_hash, in_force_periods, open_versions, versions
from leadpact.agreement.queries.talk import talks
from leadpact.kit.instants import WEEK
from leadpact.language.canonical import load
from leadpact.language.diff import diff
from leadpact.language.nodes import Agreement
from leadpact.language.parse import parse
from leadpact.language.words import say
from leadpact.qualification.actions import judge_each
from leadpact.qualification.rules.judged import Met
from leadpact.site import meeting_words
from leadpact.tracking import queries as tracking
from leadpact.tuning import queries as tuning
from leadpact.tuning.rules import Disputed, HandOver, Week, draw_disputed, drift, evidence, share, week_start
from leadpact.tuning.rules.disputed import GENERATOR, WHY
from leadpact.tuning.rules.evidence import METHOD

WEEKS = 13
DRIFT_WEEKS = 30
MOST_DRAFTS, MOST_CHANGES = 10, 40
MOST_THREADS, MOST_REMARKS = 40, 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What a review is asked for: [since, until), as known at as_of (microseconds), under the version then in force."""

    since: int
    until: int
    as_of: int
    seed: str
    version: InForce | None

    @property
    def window(self) -> int:
        """Where the thirteen weeks begin that the range stands in: a Monday, or the range's own start if that is earlier."""
        return min(self.since, week_start(self.until - 1) - (WEEKS - 1) * WEEK)

    @property
    def agreement(self) -> Agreement | None:
        return self.version.agreement if self.version else None


def promises(asked: Asked) -> dict[str, Any]:
    """Each promise in the range and week by week, with what its side would have to change."""
    agreement = asked.agreement
    weekly = tracking.promises_by_week(since=asked.window, until=asked.until, as_of=asked.as_of)
    took = tracking.took(since=asked.since, until=asked.until)
    leads = tracking.broken_by_leads(since=asked.since, until=asked.until, as_of=asked.as_of)
    mondays = list(range(week_start(asked.window), asked.until, WEEK))
    rows = []
    for one in tracking.promises(since=asked.since, until=asked.until, as_of=asked.as_of):
        promise = meeting_words.promised(agreement, one.what)
        estimate = share(one.kept, one.tested, "tests")
        nine = (
            meeting_words.nine_of_ten(took.get(one.what, ()), promise, agreement.market)
            if agreement is not None
            else None
        )
        said = meeting_words.change(
            one.what, kept=one.kept, tested=one.tested, weeks=(asked.until - asked.since) / WEEK
        )
        missed = one.tested - one.kept
        if 0 < leads.get(one.what, 0) < missed:
            said += f" The {missed:,} that were missed are of {leads[one.what]:,} {'lead' if leads[one.what] == 1 else 'leads'}."
        if nine is not None and promise is not None and one.kept < one.tested:
            said += f" Nine of ten that were done took up to {meeting_words.lasting(nine, promise)}."
        rows.append({
            "side": one.side, "what": one.what, "says": one.says, "promised": promise.written if promise else "",
            "kept": one.kept, "tested": one.tested, "value": estimate.value, "low": estimate.low, "high": estimate.high,
            "late_now": one.late_now, "nine_of_ten": nine, "change": said,
            "weekly": [list(weekly.get(monday, {}).get(one.what, (0, 0))) for monday in mondays],
        })  # fmt: skip
    return {"weeks": mondays, "rows": rows}


def errors(asked: Asked) -> dict[str, Any]:
    """Both errors over the window, the first in the range too, and the counted part of the second; never added."""
    window = tuning.errors(at=asked.as_of, since=asked.window, until=asked.until, stood=True)
    here = tuning.first(since=asked.since, until=asked.until, as_of=asked.as_of)
    counted = tuning.withering(since=asked.since, until=asked.until, at=asked.as_of, stood=True)
    return {
        "window": [asked.window, asked.until],
        "first": window.first.to_json(),
        "first_here": here[""].to_json() if "" in here else None,
        "second": window.second.to_json(),
        "caught": window.caught.to_json(),
        "counted": asdict(counted),
        "pool": window.pool,
        "not_covered": dict(tuning.left_out(since=asked.window, until=asked.until)),
    }


def drifts(asked: Asked) -> list[dict[str, Any]]:
    """The weekly figures of the running version over its full weeks, each with the interval that its own past gives."""
    last = week_start(asked.until)
    first = last - DRIFT_WEEKS * WEEK
    if asked.version is not None:
        first = max(first, -(-(asked.version.effective_at - week_start(0)) // WEEK) * WEEK + week_start(0))
    mondays = list(range(first, last, WEEK))
    arrivals = tracking.arrivals_by_week(since=first, until=last)
    kept = tracking.promises_by_week(since=first, until=last, as_of=asked.as_of)
    answered = tuning.answered_by_week(since=first, until=min(last, asked.as_of))
    accepted = [kept.get(week, {}).get("accept_within", (0, 0)) for week in mondays]
    says = [answered.get(week, {}) for week in mondays]
    bad = [one.get("definition", 0) for one in says]
    watched = (
        ("captured", "Leads that came in", "leads", [(arrivals.get(week, (0, 0))[0], None) for week in mondays]),
        ("handed_over", "Handed over by the agreement", "hand-overs",
         [(arrivals.get(week, (0, 0))[1], None) for week in mondays]),
        ("accept_within", "Offers answered in time", "offers", accepted),
        ("false", "First error, by the week of the answer", "answers",
         [(k, k + one.get("qualified", 0)) for k, one in zip(bad, says, strict=True)]),
        ("back", "Answers that gave the lead back, whatever they blame", "answers",
         [(sum(one.values()) - one.get("qualified", 0), sum(one.values())) for one in says]),
    )  # fmt: skip
    found = []
    for key, title, noun, figures in watched:
        one = drift([Week(week, k, n) for week, (k, n) in zip(mondays, figures, strict=True)], noun=noun)
        found.append({
            "id": key, "title": title, "alarm": one.alarm, "says": one.says, "method": one.method,
            "weeks": [[w.week, w.k, w.n, w.value, w.low, w.high] for w in one.weeks[-WEEKS:]],
        })  # fmt: skip
    return found


def disputed(asked: Asked) -> dict[str, Any]:
    """The drawn leads with what the agreement said at the hand-over, and how many there were to draw from."""
    found = tuning.disputes(since=asked.since, until=asked.until, as_of=asked.as_of)
    drawn = draw_disputed(found, seed=asked.seed, since=asked.since)
    met = _met(drawn)
    return {
        "of": len(found),
        "why": {word: sum(word in one.why for one in found) for word in WHY},
        "generator": GENERATOR,
        "drawn": [_story(one, met.get((one.lead_id, one.at))) for one in drawn],
    }


def _met(drawn: Sequence[Disputed]) -> dict[tuple[int, int], Met]:
    by_version: dict[str, list[tuple[int, int]]] = {}
    for one in drawn:
        if one.agreement:
            by_version.setdefault(one.agreement, []).append((one.lead_id, one.at))
    return {
        (met.lead_id, met.as_of): met
        for version, moments in by_version.items()
        for met in judge_each(moments=moments, agreement_hash=version)
    }


def _story(one: Disputed, met: Met | None) -> dict[str, Any]:
    agreement = by_hash(one.agreement) if one.agreement else None
    says = {line.id: line for line in agreement.lines} if agreement else {}
    lines = [
        {"id": name, "says": says[name].says, "dimension": says[name].dimension, "points": part}
        for name, part in (met.parts.items() if met else ())
        if part is None or part != 0
    ]
    return {
        "lead": one.lead_id, "seq": one.seq, "at": one.at, "cause": one.cause, "agreement": one.agreement,
        "answer": one.answer, "reason": one.reason, "answered": one.answered, "why": list(one.why),
        "verdict": met.verdict if met else "", "decided_by": met.decided_by if met else "",
        "clause": _clause(agreement, met.decided_by) if agreement and met else "",
        "scores": {"fit": met.fit, "engagement": met.engagement, "readiness": met.readiness} if met else None,
        "lines": lines,
    }  # fmt: skip


def _clause(agreement: Agreement, decided_by: str) -> str:
    """The clause that decided, in words; empty for the verdict that needs none."""
    for verdict in agreement.verdicts:
        for index, alternative in enumerate(verdict.alternatives):
            if verdict.clause(index) == decided_by:
                return say(alternative, agreement)
    return ""


def lines(asked: Asked) -> dict[str, Any]:
    """How the window's judged hand-overs ended with each line and without it."""
    if asked.version is None:
        return {"rows": [], "judged": 0, "all": True, "method": METHOD}
    found, every = tuning.handed_over(since=asked.window, until=asked.until, as_of=asked.as_of)
    answered = [one for one in found if one.says in {"definition", "qualified"}]
    met = {
        (one.lead_id, one.as_of): one
        for one in judge_each(moments=[(one.lead_id, one.at) for one in answered], agreement_hash=asked.version.hash)
    }
    hand_overs = [
        HandOver(
            one.says == "definition",
            {line: None if part is None else part != 0 for line, part in met[one.lead_id, one.at].parts.items()},
        )
        for one in answered
        if (one.lead_id, one.at) in met
    ]
    agreement = asked.version.agreement
    shown = {line.id: line for line in agreement.lines}
    rows = []
    for one in evidence(hand_overs, [line.id for line in agreement.lines]):
        line = shown[one.line]
        rows.append({
            "id": line.id, "says": line.says, "dimension": line.dimension, "points": line.points,
            "held": [one.held.n, one.held.bad, *one.held.interval()],
            "without": [one.without.n, one.without.bad, *one.without.interval()],
            "unknown": one.unknown, "difference": list(one.difference) if one.difference else None, "verdict": one.says,
        })  # fmt: skip
    return {"rows": rows, "judged": len(hand_overs), "all": every, "method": METHOD}


def proposals(asked: Asked) -> list[dict[str, Any]]:
    """Drafts and proposals that wait, with what they would change, in words."""
    found = []
    for version in open_versions()[:MOST_DRAFTS]:
        agreement = load(bytes(version.canonical)) if version.canonical else parse(version.source).agreement
        changes = diff(asked.agreement, agreement) if asked.agreement is not None and agreement is not None else []
        found.append({
            "number": version.number, "name": version.name, "status": version.status,
            "readable": agreement is not None, "first": asked.agreement is None, "changes": changes[:MOST_CHANGES],
            "more": max(0, len(changes) - MOST_CHANGES),
            "signed": sorted(
                one.department for effect in version.effects.all() if effect.status == "proposed"
                for one in effect.signatures.all()
            ),
        })  # fmt: skip
    return found


def talk(asked: Asked) -> list[dict[str, Any]]:
    """Threads on lines in which somebody wrote in the range, and those still open at its end: which remarks, not their words."""
    found = []
    for one in talks():
        said = [remark for remark in one.said if remark.at < asked.until]
        is_open = one.resolved_at is None or one.resolved_at >= asked.until
        if said and (is_open or said[-1].at >= asked.since):
            found.append({
                "thread": one.id, "key": one.key, "open": is_open,
                "said": [remark.id for remark in said[-MOST_REMARKS:]], "more": max(0, len(said) - MOST_REMARKS),
            })  # fmt: skip
    return found[:MOST_THREADS]


def running(asked: Asked) -> dict[str, Any] | None:
    """The version in force, and which of its predecessors were in force in the window."""
    if asked.version is None:
        return None
    version = asked.version
    ended = {
        one.hash
        for one in in_force_periods()
        if one.end is not None and one.end > asked.window and one.start < version.effective_at
    }
    earlier = [one.number for one in versions() if one.hash in ended - {version.hash}]
    return {
        "number": version.number, "name": version.name, "effective_at": version.effective_at,
        "timezone": version.agreement.market.timezone, "earlier": sorted(earlier),
    }  # fmt: skip
