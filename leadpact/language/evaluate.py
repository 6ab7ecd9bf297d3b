"""The reference: what an agreement means, written to be read.

Every engine gives the answer that this file gives, to the last bit; where they differ, this file is right. It goes
the way of the Meaning: which touches count, what a comparison says about a value that may be missing, what a line
is worth, which verdict is the first that holds.

Truth is True, False or None (unknown), joined as Kleene does: `all` is false as soon as one part is, true when every
part is, else unknown; `any` is its mirror; `not` leaves unknown unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from leadpact.language.fold import UNKNOWN, Cell
from leadpact.language.history import History, Lead, Touch
from leadpact.language.kinds import OURS
from leadpact.language.needs import entries_of, form_of, is_domains, queries
from leadpact.language.needs import leaves as leaves_of
from leadpact.language.nodes import (
    DAY,
    DEFAULT_VERDICT,
    DIMENSIONS,
    THOUSANDTHS,
    ActivePeople,
    Agreement,
    All,
    Any,
    Attribute,
    Condition,
    Constant,
    Each,
    Form,
    Line,
    Not,
    Operator,
    Scaled,
    Score,
    Test,
    Touched,
    TouchQuery,
    walk,
)

Truth = bool | None


@dataclass(frozen=True, slots=True)
class LinePart:
    """What one line added. Points are thousandths; None where the line could not be judged, and then it adds nothing.

    count: how many touches counted, for a condition: in all its touch clauses. touch_ids: which, in order of time.
    """

    line_id: str
    state: Truth
    count: int
    touch_ids: tuple[str, ...]
    points_before_cap: int | None
    points: int | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """One lead, judged by one agreement as of one instant.

    verdict, decided_by: the name, and the clause that gave it (`sales_ready.2`; empty for the default, prospect).
    scores: thousandths by dimension. alternatives: which of sales_ready's held. cools: whether `cools` holds; who
    holds the lead is not looked at. distance: thousandths of score missing to sales_ready, 0 when it holds, None when
    no score could bring it about. changes_at: before this instant no verdict, clause or score changes while no new fact
    comes in (later values of attributes aside: who resolves them knows them); None when nothing ever does. Only a line that
    counts active people may name fewer earlier, where its condition stays what it was. steps_at: the same, where the steps
    of fading lines are passed over. fades: the most that those move any score in one step, in thousandths; a touch takes
    one with each whole day of its age. `drift` says from the three when a verdict can change.
    """

    lead_id: str
    as_of: int
    verdict: str
    decided_by: str
    scores: dict[str, int]
    lines: tuple[LinePart, ...]
    alternatives: tuple[bool, ...]
    cools: bool
    distance: int | None
    changes_at: int | None
    steps_at: int | None
    fades: int


def evaluate(agreement: Agreement, lead: Lead, history: History, as_of: int) -> Judgement:
    """The judgement of a lead, from facts known as of an instant (microseconds since 1970)."""
    scene = Scene(agreement, lead, history, as_of)
    lines = tuple(scene.line(line) for line in agreement.lines)
    parts = dict(zip((line.id for line in agreement.lines), lines, strict=True))
    scene.scores = {d: sum(parts[line.id].points or 0 for line in agreement.lines_of(d)) for d in DIMENSIONS}
    verdict, decided_by = DEFAULT_VERDICT, ""
    for candidate in agreement.verdicts:
        held = [n for n, alternative in enumerate(candidate.alternatives) if scene.truth(alternative) is True]
        if held:
            verdict, decided_by = candidate.name, candidate.clause(held[0])
            break
    ready = agreement.verdict("sales_ready")
    alternatives = ready.alternatives if ready else ()
    return Judgement(
        lead_id=lead.lead_id,
        as_of=as_of,
        verdict=verdict,
        decided_by=decided_by,
        scores=dict(scene.scores),
        lines=lines,
        alternatives=tuple(scene.truth(alternative) is True for alternative in alternatives),
        cools=agreement.cools is not None and scene.truth(agreement.cools) is True,
        distance=_nearest(scene.missing(alternative) for alternative in alternatives),
        changes_at=scene.changes_at(),
        steps_at=scene.changes_at(fading=False),
        fades=scene.fades(),
    )


class Scene:
    """One lead at one instant, and everything that can be asked about it."""

    def __init__(self, agreement: Agreement, lead: Lead, history: History, as_of: int) -> None:
        self.agreement = agreement
        self.lead = lead
        self.as_of = as_of
        self.scores: dict[str, int] = {}
        self._own = [t for t in history.touches_of_lead(lead.lead_id) if t.learnt_by(as_of)]
        around = () if lead.account is None else history.touches_of_account(lead.account)
        self._around = [t for t in around if t.learnt_by(as_of)]

    # --- touches ------------------------------------------------------------------------

    def circle(self) -> list[Touch]:
        """Touches of everyone at the lead's account; of a lead without one, its own."""
        return self._own if self.lead.account is None else self._around

    def candidates(self, query: TouchQuery) -> list[Touch]:
        """Known touches that the query would count if their instant were right."""
        touches = self.circle() if query.by == "account" else self._own
        return [touch for touch in touches if fits(touch.kind, touch.properties, query, self.agreement)]

    def in_window(self, at: int, within: int | None) -> bool:
        """Whether an instant lies in the window `(as_of − within, as_of]`."""
        return at <= self.as_of and (within is None or at > self.as_of - within)

    def counted(self, query: TouchQuery) -> list[Touch]:
        """The touches that count: in the window, then thinned out, in order of time."""
        touches = [t for t in self.candidates(query) if self.in_window(t.at, query.within)]
        touches.sort(key=lambda touch: (touch.at, touch.touch_id))
        if not query.per_day and query.distinct is None:
            return touches
        latest: dict[tuple[int | None, str | None], Touch] = {}
        for touch in touches:
            day = touch.at // DAY if query.per_day else None
            value = touch.property(query.distinct).text if query.distinct is not None else None
            latest[day, value] = touch
        return sorted(latest.values(), key=lambda touch: (touch.at, touch.touch_id))

    def active(self, clause: ActivePeople) -> list[Touch]:
        """Touches that people made in the window, in order of time."""
        touches = [t for t in self._made(clause) if self.in_window(t.at, clause.within)]
        return sorted(touches, key=lambda touch: (touch.at, touch.touch_id))

    def _made(self, clause: ActivePeople) -> list[Touch]:
        """Known touches of people's own making; of nobody in particular only where the lead stands alone."""
        theirs = [t for t in self.circle() if t.kind not in OURS and (not clause.kinds or t.kind in clause.kinds)]
        return theirs if self.lead.account is None else [t for t in theirs if t.person is not None]

    def active_people(self, clause: ActivePeople) -> int:
        """How many people made them. A lead without an account is one person at most."""
        touches = self.active(clause)
        return min(1, len(touches)) if self.lead.account is None else len({touch.person for touch in touches})

    # --- conditions ---------------------------------------------------------------------

    def truth(self, condition: Condition) -> Truth:
        """A condition in three-valued logic."""
        match condition:
            case All(parts):
                return kleene_all(self.truth(part) for part in parts)
            case Any(parts):
                return kleene_any(self.truth(part) for part in parts)
            case Not(part):
                return kleene_not(self.truth(part))
            case Attribute(name, tests):
                value = self.lead.value(name, self.as_of)
                return kleene_all(compare(value, test, self.agreement) for test in tests)
            case Touched(query, at_least, at_most):
                return within(len(self.counted(query)), at_least, at_most)
            case ActivePeople(at_least, at_most):
                return within(self.active_people(condition), at_least, at_most)
            case Score(dimension, at_least, at_most):
                return within(self.scores[dimension], at_least, at_most)

    def missing(self, condition: Condition, *, wanted: bool = True) -> int | None:
        """How many thousandths of score are missing until the condition is `wanted`; None when no score helps.

        `all` needs every part, so the sum; `any` the nearest part. Under `not` the two change places.
        """
        match condition:
            case Not(part):
                return self.missing(part, wanted=not wanted)
            case All(parts) | Any(parts):
                distances = [self.missing(part, wanted=wanted) for part in parts]
                if isinstance(condition, All) is wanted:
                    known = [d for d in distances if d is not None]
                    return sum(known) if len(known) == len(distances) else None
                return _nearest(distances)
            case Score(dimension, low, high):
                score = self.scores[dimension]
                if wanted:
                    return max(0, low - score if low is not None else 0, score - high if high is not None else 0)
                below = max(0, score - (low - 1)) if low is not None else None
                above = max(0, high + 1 - score) if high is not None else None
                return _nearest([below, above])
            case _:
                return 0 if self.truth(condition) is wanted else None

    # --- lines --------------------------------------------------------------------------

    def line(self, line: Line) -> LinePart:
        """What a line adds."""
        if isinstance(line.rule, Each):
            return self._each(line, line.rule)
        state = self.truth(line.rule.condition)
        touches = self._behind(line.rule.condition)
        points = None if state is None else line.points * THOUSANDTHS if state else 0
        return LinePart(line.id, state, len(touches), tuple(t.touch_id for t in touches), points, points)

    def _each(self, line: Line, rule: Each) -> LinePart:
        touches = self.counted(rule.query)
        before = sum(self.worth(line.points, rule, touch) for touch in touches)
        points = before
        if rule.at_most is not None:
            bound = rule.at_most * THOUSANDTHS
            points = max(-bound, min(bound, before))
        return LinePart(line.id, bool(touches), len(touches), tuple(t.touch_id for t in touches), before, points)

    def worth(self, points: int, rule: Each, touch: Touch) -> int:
        """Thousandths of a point for one touch: all of them, or less with every whole day of age."""
        if not rule.fades or rule.query.within is None:
            return points * THOUSANDTHS
        days = rule.query.within // DAY
        left = days - (self.as_of - touch.at) // DAY
        size = abs(points) * THOUSANDTHS * left // days
        return -size if points < 0 else size

    def _behind(self, condition: Condition) -> list[Touch]:
        """The touches that the clauses of a condition counted, each once, in order of time."""
        found: dict[str, Touch] = {}
        for leaf in walk(condition):
            touches: list[Touch] = []
            if isinstance(leaf, Touched):
                touches = self.counted(leaf.query)
            elif isinstance(leaf, ActivePeople):
                touches = self.active(leaf)
            found |= {touch.touch_id: touch for touch in touches}
        return sorted(found.values(), key=lambda touch: (touch.at, touch.touch_id))

    # --- time ---------------------------------------------------------------------------

    def changes_at(self, *, fading: bool = True) -> int | None:
        """The first instant at which a touch begins, leaves a window, or fades a step; none of it need matter.

        Somebody stops being active with their latest touch, not with each; and of active people only that one counts with whom
        their number passes a bound of the clause. fading: False passes steps of fading over, the last
        one among them, with which a touch that only fades leaves its window.
        """
        instants: list[int | None] = []
        fade = {line.rule.query for line in self.agreement.lines if isinstance(line.rule, Each) and line.rule.fades}
        counted = self._counted_whole()
        for query in queries(self.agreement):
            found = self.candidates(query)
            if fading or query in counted:
                instants += [self._next(t.at, query.within, fades=fading and query in fade) for t in found]
            else:
                instants += [t.at for t in found if t.at > self.as_of]
        for leaf in leaves_of(self.agreement):
            if isinstance(leaf, ActivePeople):
                instants += [self._next(at, leaf.within, fades=False) for at in self._ends_of_activity(leaf)]
        return _nearest(instants)

    def _counted_whole(self) -> set[TouchQuery]:
        """Queries by which something counts touches as they are, whatever else fades by them."""
        asked = {leaf.query for leaf in leaves_of(self.agreement) if isinstance(leaf, Touched)}
        each = [line.rule for line in self.agreement.lines if isinstance(line.rule, Each)]
        return asked | {rule.query for rule in each if not rule.fades}

    def fades(self) -> int:
        """The most that fading moves any score in one step, in thousandths: each touch of each fading line by what it loses a day.

        More than it is where a cap, or the latest of several, leaves some of it out.
        """
        most = 0
        for line in self.agreement.lines:
            if isinstance(line.rule, Each) and line.rule.fades and line.rule.query.within is not None:
                within = line.rule.query.within
                young = sum(self.in_window(t.at, within) for t in self.candidates(line.rule.query))
                most += young * fading_step(line.points, within)
        return most

    def _ends_of_activity(self, clause: ActivePeople) -> list[int]:
        """The latest touch of those with whose end the number passes a bound, and touches that are still to come."""
        latest: dict[str | None, int] = {}
        for touch in self.active(clause):
            latest[touch.person if self.lead.account is not None else None] = touch.at  # in order of time
        # Who was active last ends last: while n are left, the n most recent are.
        recent = sorted(latest.values(), reverse=True)
        ends = [recent[bound - 1] for bound in clause.bounds if bound <= len(recent)]
        return [*ends, *(t.at for t in self._made(clause) if t.at > self.as_of)]

    def _next(self, at: int, within: int | None, *, fades: bool) -> int | None:
        if at > self.as_of:
            return at
        if within is None or at <= self.as_of - within:
            return None
        return at + ((self.as_of - at) // DAY + 1) * DAY if fades else at + within


def fading_step(points: int, within: int) -> int:
    """The most that a touch of a fading line loses with a day, in thousandths: points × 1000 over the window's days, rounded up."""
    return -(-abs(points) * THOUSANDTHS // (within // DAY))


def fits(kind: str, properties: Mapping[str, Cell], query: TouchQuery, agreement: Agreement) -> bool:
    """Whether a touch of this kind, with these properties, is one that the query counts if its instant is right.

    A property that is missing is unknown, and what is unknown never fits.
    """
    if kind not in query.kinds:
        return False
    if query.distinct is not None and not properties.get(query.distinct, UNKNOWN).known:
        return False
    tests = [(properties.get(name, UNKNOWN), test) for name, tests in query.where for test in tests]
    return kleene_all(compare(value, test, agreement) for value, test in tests) is True


# --- comparisons ------------------------------------------------------------------------


def compare(value: Cell, test: Test, agreement: Agreement) -> Truth:
    """One value against one test. Unknown when the value is missing, or is not of the form that the test reads."""
    operand = test.operand
    if test.operator is Operator.KNOWN:
        return value.known is operand
    form = form_of(test, agreement)
    if test.operator is Operator.IN:
        entries = entries_of(test, agreement)
        return _among(value, form, entries, domains=is_domains(test))
    if form is Form.NUMBER:
        return _compare_number(value.number, test)
    if form is Form.TRUTH:
        return None if value.truth is None else value.truth is operand
    return _compare_text(value, test.operator, str(operand))


def _among(value: Cell, form: Form, entries: tuple[Constant, ...], *, domains: bool) -> Truth:
    if form is Form.TRUTH:
        return None if value.truth is None else value.truth in entries
    if form is Form.NUMBER:
        return None if value.number is None else Scaled(value.number) in entries
    if value.text is None:
        return None
    return any(text in entries for text in (endings(value.text) if domains else (value.text,)))


def endings(domain: str) -> tuple[str, ...]:
    """A domain and what stands after each of its dots: `mail.x.se`, `x.se`, `se`."""
    labels = domain.split(".")
    return tuple(".".join(labels[n:]) for n in range(len(labels)))


def _compare_number(number: int | None, test: Test) -> Truth:
    if number is None:
        return None
    low, high = test.operand if isinstance(test.operand, tuple) else (test.operand, test.operand)
    if not isinstance(low, Scaled) or not isinstance(high, Scaled):
        raise TypeError(f"{test.operator} compares with a number")
    match test.operator:
        case Operator.IS:
            return number == low.value
        case Operator.AT_LEAST:
            return number >= low.value
        case Operator.AT_MOST:
            return number <= low.value
        case Operator.ABOVE:
            return number > low.value
        case Operator.BELOW:
            return number < low.value
        case Operator.BETWEEN:
            return low.value <= number <= high.value
        case _:
            raise TypeError(f"{test.operator} does not compare numbers")


def _compare_text(value: Cell, operator: Operator, sought: str) -> Truth:
    text, spaced = value.text, value.words
    if text is None or spaced is None:
        return None
    match operator:
        case Operator.IS:
            return text == sought
        case Operator.CONTAINS:
            return sought in text
        case Operator.STARTS_WITH:
            return text.startswith(sought)
        case Operator.ENDS_WITH:
            return text.endswith(sought)
        case Operator.HAS_WORD:
            return f" {sought} " in spaced
        case _:
            raise TypeError(f"{operator} does not compare text")


def within(value: int, low: int | None, high: int | None) -> bool:
    """Whether a number lies within inclusive bounds; None leaves a side open."""
    return (low is None or value >= low) and (high is None or value <= high)


# --- logic ------------------------------------------------------------------------------


def kleene_all(parts: Iterable[Truth]) -> Truth:
    """False when a part is false, else unknown when one is unknown, else true."""
    found = set(parts)
    return False if False in found else None if None in found else True


def kleene_any(parts: Iterable[Truth]) -> Truth:
    """True when a part is true, else unknown when one is unknown, else false."""
    found = set(parts)
    return True if True in found else None if None in found else False


def kleene_not(part: Truth) -> Truth:
    """The other one; unknown stays unknown."""
    return None if part is None else not part


def _nearest(distances: Iterable[int | None]) -> int | None:
    return min((d for d in distances if d is not None), default=None)
