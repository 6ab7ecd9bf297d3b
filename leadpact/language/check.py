"""Files that are legal but foolish: what a careful colleague would say before they are signed.

`parse` refuses what cannot mean anything. Here is what means something that nobody can want: lines that never score,
thresholds out of reach, verdicts that are never chosen. What needs history (attributes that are hardly ever known)
is told elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

from leadpact.language import builtin
from leadpact.language.attainable import attainable
from leadpact.language.kinds import OURS
from leadpact.language.nodes import (
    DIMENSIONS,
    NUMBER_SCALE,
    THOUSANDTHS,
    Agreement,
    Attribute,
    Condition,
    Each,
    If,
    Line,
    ListRef,
    Operator,
    Score,
    Test,
    Touched,
    walk,
)
from leadpact.language.possible import Possible, Range, implies, meet, never_counts, numbers
from leadpact.language.problems import WARNING, Place, Problem, Problems
from leadpact.language.same import rule_key

_START: Final = Place(1, 1)


def check(agreement: Agreement, positions: Mapping[str, Place] | None = None) -> tuple[Problem, ...]:
    """All warnings, in the order of the file. `positions` come from `parse.Parsed`; without them all stand at 1:1."""
    return _Checker(agreement, positions or {}).all()


def tests_of(agreement: Agreement) -> Iterator[tuple[str, Test]]:
    """Every test of the agreement with the attribute (or `where NAME` for a property of touches) that it reads."""
    for condition in _conditions(agreement):
        for node in walk(condition):
            if isinstance(node, Attribute):
                yield from ((node.field, test) for test in node.tests)
            elif isinstance(node, Touched):
                yield from ((f"where {name}", test) for name, tests in node.query.where for test in tests)
    for line in agreement.lines:
        if isinstance(line.rule, Each):
            yield from ((f"where {name}", test) for name, tests in line.rule.query.where for test in tests)


def _conditions(agreement: Agreement) -> Iterator[Condition]:
    yield from (line.rule.condition for line in agreement.lines if isinstance(line.rule, If))
    yield from (condition for verdict in agreement.verdicts for condition in verdict.alternatives)
    if agreement.cools is not None:
        yield agreement.cools


class _Checker:
    def __init__(self, agreement: Agreement, positions: Mapping[str, Place]) -> None:
        self.agreement = agreement
        self.positions = positions
        self.problems = Problems()
        self.possible = Possible(agreement, attainable(agreement))
        self.out_of_reach: set[str] = set()

    def all(self) -> tuple[Problem, ...]:
        """Look at everything."""
        for line in self.agreement.lines:
            self._line(line)
        self._pairs_of_lines()
        self._scores()
        self._verdicts()
        self._cools()
        self._lists()
        self._promises()
        self._recycle()
        return self.problems.of(WARNING)

    def _warn(self, path: str, message: str, code: str, *, expected: str = "") -> None:
        place = self.positions.get(path) or self.positions.get(path.partition(".")[0]) or _START
        self.problems.warn(place, message, expected=expected, code=code)

    # --- lines ------------------------------------------------------------------------

    def _line(self, line: Line) -> None:
        path, name = f"lines.{line.id}", f"the line `{line.id}`"
        if line.points == 0:
            self._warn(path, f"{name} gives no points", "no-points")
        if isinstance(line.rule, If):
            if self.possible.never(line.rule.condition):
                self._warn(path, f"{name} can never be true: its tests contradict one another", "never-true")
            elif self.possible.always(line.rule.condition):
                self._warn(path, f"{name} is true of every lead", "always-true")
            return
        query = line.rule.query
        if never_counts(query, self.agreement):
            self._warn(path, f"{name} can never score: its `where` contradicts itself", "never-true")
        if all(kind in OURS for kind in query.kinds):
            self._warn(path, f"{name} counts what we do ({', '.join(query.kinds)}), not what they do", "ours")
        if line.rule.at_most is not None and line.rule.at_most < abs(line.points):
            self._warn(path, f"{name} gives {line.points} points but is capped at {line.rule.at_most}", "cap")
        if line.rule.at_most is None and query.within is None:
            self._warn(path, f"{name} grows for ever", "endless", expected="`within` or `at_most`")

    def _pairs_of_lines(self) -> None:
        first_of: dict[object, Line] = {}
        bands: dict[tuple[str, str], list[tuple[Line, Range]]] = defaultdict(list)
        for line in self.agreement.lines:
            first = first_of.setdefault(rule_key(line.rule), line)
            if first is not line:
                self._warn(f"lines.{line.id}", f"the line `{line.id}` scores the same thing as `{first.id}`", "twice")
                continue
            band = _band(line)
            if band is not None:
                bands[line.dimension, band[0]].append((line, band[1]))
        for together in bands.values():
            for (one, low_reach), (other, high_reach) in combinations(together, 2):
                edge = _shared_edge(low_reach, high_reach)
                if edge is not None:
                    shown = f"{edge / NUMBER_SCALE:,.6f}".rstrip("0").rstrip(".")
                    self._warn(f"lines.{other.id}", f"at {shown} both `{one.id}` and `{other.id}` score", "edge")

    # --- scores and verdicts ----------------------------------------------------------

    def _scores(self) -> None:
        used: set[str] = set()
        for verdict in self.agreement.verdicts:
            for index, alternative in enumerate(verdict.alternatives):
                for score in (node for node in walk(alternative) if isinstance(node, Score)):
                    used.add(score.dimension)
                    self._threshold(score, f"verdicts.{verdict.clause(index)}", f"`{verdict.clause(index)}`")
        if self.agreement.cools is not None:
            for score in (node for node in walk(self.agreement.cools) if isinstance(node, Score)):
                used.add(score.dimension)
                self._threshold(score, "cools", "`cools`")
        for dimension in DIMENSIONS:
            if dimension not in used and self.agreement.lines_of(dimension):
                self._warn(
                    dimension, f"no verdict asks for the score of {dimension}: its lines decide nothing", "unused-score"
                )

    def _threshold(self, score: Score, path: str, name: str) -> None:
        low, high = self.possible.scores[score.dimension]
        message = ""
        if score.at_least is not None and high is not None and score.at_least > high:
            most = f"its lines give {points(high)} at most"
            message = f"{name} asks for {points(score.at_least)} of {score.dimension}, but {most}"
        if score.at_most is not None and low is not None and score.at_most < low:
            least = f"no lead has less than {points(low)}"
            message = f"{name} asks for {points(score.at_most)} of {score.dimension} at most, but {least}"
        if message:
            self.out_of_reach.add(path)
            self._warn(path, message, "out-of-reach")

    def _verdicts(self) -> None:
        earlier: list[tuple[str, Condition]] = []
        for verdict in self.agreement.verdicts:
            alive: list[tuple[str, Condition]] = []
            dead: list[tuple[str, str]] = []
            for index, alternative in enumerate(verdict.alternatives):
                clause = verdict.clause(index)
                why = self._dead(alternative, earlier)
                if why:
                    dead.append((clause, why))
                else:
                    alive.append((clause, alternative))
            if not alive:
                reasons = "; ".join(dict.fromkeys(why for _, why in dead))
                self._warn(
                    f"verdicts.{verdict.name}", f"`{verdict.name}` can never be chosen: {reasons}", "never-chosen"
                )
            else:
                for clause, why in dead:
                    if f"verdicts.{clause}" not in self.out_of_reach:
                        self._warn(f"verdicts.{clause}", f"`{clause}` never decides: {why}", "never-chosen")
                self._redundant(alive)
            earlier += alive
            for clause, alternative in alive:
                if self.possible.always(alternative):
                    self._warn(f"verdicts.{clause}", f"`{clause}` holds for every lead", "always-true")

    def _dead(self, alternative: Condition, earlier: list[tuple[str, Condition]]) -> str:
        if self.possible.never(alternative):
            return "it cannot hold for any lead"
        for clause, before in earlier:
            if implies(alternative, before) or self.possible.always(before):
                return f"whenever it holds, `{clause}` holds before it"
        return ""

    def _redundant(self, alive: list[tuple[str, Condition]]) -> None:
        """Alternatives that add nothing to another one of the same verdict."""
        for index, (clause, alternative) in enumerate(alive):
            for other_index, (other, condition) in enumerate(alive):
                equal = implies(condition, alternative)
                if other_index != index and implies(alternative, condition) and (not equal or other_index < index):
                    self._warn(
                        f"verdicts.{clause}", f"`{clause}` adds nothing: `{other}` holds whenever it does", "redundant"
                    )
                    break

    def _cools(self) -> None:
        cools = self.agreement.cools
        if cools is None:
            return
        if self.possible.never(cools) and "cools" not in self.out_of_reach:
            self._warn("cools", "`cools` can never hold: no accepted lead ever comes back by it", "never-true")
        elif self.possible.always(cools):
            self._warn("cools", "`cools` holds for every lead", "always-true")

    # --- the rest ---------------------------------------------------------------------

    def _lists(self) -> None:
        tests = list(tests_of(self.agreement))
        named = {test.operand.name for _, test in tests if isinstance(test.operand, ListRef)}
        inlined = {
            test.operand for _, test in tests if test.operator is Operator.IN and isinstance(test.operand, tuple)
        }
        for name, entries in self.agreement.lists:
            if name in builtin.NAMES:
                continue
            if name not in named and entries not in inlined:
                self._warn(f"lists.{name}", f"the list `{name}` is not used", "unused-list")
            elif not entries:
                self._warn(f"lists.{name}", f"the list `{name}` is empty: nothing is in it", "empty-list")
        told: set[str] = set()
        for field_name, test in tests:
            operand = test.operand
            if not isinstance(operand, ListRef) or operand.name in told:
                continue
            if operand.name in builtin.NAMES and not operand.domains:
                told.add(operand.name)
                message = f"`{operand.name}` holds domains, and `{field_name}` is compared with them letter by letter"
                self._warn("lists", message, "not-domains", expected="`person.email_domain` or `account.domain`")
            elif operand.domains and operand.name not in builtin.NAMES:
                told.add(operand.name)
                strange = [str(e) for e in self.agreement.list_entries(operand.name) if set("@/: ") & set(str(e))]
                if strange:
                    message = f"the list `{operand.name}` is matched with domains, and `{strange[0]}` is none"
                    self._warn(
                        f"lists.{operand.name}", message, "not-domains", expected="entries such as `initech.example`"
                    )

    def _promises(self) -> None:
        sales, marketing = self.agreement.sales_promises, self.agreement.marketing_promises
        if sales is None:
            self._warn("name", "Sales promises nothing: no clock runs on a lead that is handed over", "no-promises")
        if marketing is None:
            self._warn("name", "Marketing promises nothing: no clock runs on a lead that it keeps", "no-promises")
        durations = [sales.accept_within, sales.first_follow_up_within] if sales else []
        durations += (
            [marketing.hand_over_within, marketing.touch_every, marketing.answer_rejection_within] if marketing else []
        )
        if any(duration.business for duration in durations) and not self.agreement.market.hours:
            path = "sales_promises" if sales else "marketing_promises"
            message = "promises are told in business time, but the market has no `business_hours`: it is always open"
            self._warn(path, message, "no-hours")
        if self.agreement.audit.share == 0:
            message = "nothing that Marketing keeps is audited: the second error cannot be measured"
            self._warn("audit" if "audit" in self.positions else "name", message, "no-audit")

    def _recycle(self) -> None:
        sales = self.agreement.sales_promises
        if not self.agreement.recycle:
            self._warn("name", "there are no `recycle` reasons: Sales cannot say why a lead comes back", "no-reasons")
        for reason in self.agreement.recycle:
            path, name = f"recycle.{reason.id}", f"the reason `{reason.id}`"
            if reason.only_after_attempts and (sales is None or sales.attempts is None):
                message = f"{name} waits for attempts, but Sales promises none"
                self._warn(path, message, "no-attempts", expected="`attempts` in `sales_promises`")
            if reason.rest is None and reason.then is None:
                self._warn(path, f"{name} has no `rest`: the lead can come back at once", "no-rest")


def points(thousandths: int) -> str:
    """Thousandths of a point as points: `40`, `12.5`."""
    return f"{thousandths / THOUSANDTHS:,.3f}".rstrip("0").rstrip(".")


def _band(line: Line) -> tuple[str, Range] | None:
    """The attribute and the numbers of a line that asks for a band of numbers; None for other lines."""
    condition = line.rule.condition if isinstance(line.rule, If) else None
    if not isinstance(condition, Attribute):
        return None
    ranges = [numbers(test) for test in condition.tests]
    whole = [reach for reach in ranges if reach is not None]
    return (condition.field, meet(whole)) if len(whole) == len(ranges) else None


def _shared_edge(one: Range, other: Range) -> int | None:
    """The one number at which two bands meet, where both hold it and neither is just that number."""
    low, high = meet([one, other])
    single = one[0] == one[1] or other[0] == other[1]
    return low if low is not None and low == high and not single else None
