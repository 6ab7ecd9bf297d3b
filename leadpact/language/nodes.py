"""The agreement as data: frozen nodes that check themselves when built.

An agreement is a tree. Its leaves compare one thing we know about a lead (an
attribute, a touch, a score) with a constant; `All`, `Any` and `Not` join them in
three-valued logic. A `Line` turns a condition or a count of touches into points;
a `Verdict` names the first condition that holds. Nothing here knows YAML, SQL or
the clock: `parse` builds these nodes, `evaluate` gives their meaning, `to_sql`
translates them, `words` reads them aloud.

Units: instants and durations are whole microseconds; points are whole points;
scores and score thresholds are thousandths of a point; numbers of attributes are
scaled by one million (six decimals).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

DAY = 86_400_000_000
THOUSANDTHS = 1_000
NUMBER_SCALE = 1_000_000
POINTS_LIMIT = 10_000
FADE_LIMIT_DAYS = 3_650
DIMENSIONS = ("fit", "engagement", "readiness")
DEFAULT_VERDICT = "prospect"
VERDICT_NAMES = ("disqualified", "sales_ready", "lead", "prospect")


class Operator(StrEnum):
    """How a value is compared. The operator and its operand decide the type."""

    IS = "is"
    IN = "in"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    HAS_WORD = "has_word"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ABOVE = "above"
    BELOW = "below"
    BETWEEN = "between"
    KNOWN = "known"


class Form(StrEnum):
    """The form of a cell that a test reads: see `fold.Cell`."""

    TEXT = "t"
    WORDS = "w"
    NUMBER = "n"
    TRUTH = "b"


# A constant of the agreement, already folded: text, a number scaled by NUMBER_SCALE, or a boolean.
# `Scaled` keeps numbers and booleans apart from plain int where a union would blur them.
@dataclass(frozen=True, slots=True)
class Scaled:
    """A decimal constant, scaled by one million into a 64-bit integer."""

    value: int


Constant = str | Scaled | bool


@dataclass(frozen=True, slots=True)
class ListRef:
    """A named list of folded texts (or scaled numbers), resolved in `Agreement.lists`.

    `domains` is true where the list is matched against a field of domains: then an entry
    matches the domain itself and every subdomain.
    """

    name: str
    domains: bool = False


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison with a constant. `operand` by operator:

    is: Constant; in: ListRef or a tuple of Constants of one type; contains, starts_with,
    ends_with, has_word: folded str; at_least, at_most, above, below: Scaled;
    between: (Scaled, Scaled); known: bool.
    `domains` is true for an inline `in` list that is matched against a field of domains.
    """

    __test__ = False  # not a pytest class

    operator: Operator
    operand: Constant | ListRef | tuple[Constant, ...]
    domains: bool = False

    @property
    def form(self) -> Form:
        """The form of the value that this test reads."""
        if self.operator is Operator.HAS_WORD:
            return Form.WORDS
        if self.operator in (Operator.AT_LEAST, Operator.AT_MOST, Operator.ABOVE, Operator.BELOW, Operator.BETWEEN):
            return Form.NUMBER
        if self.operator in (Operator.IS, Operator.IN):
            sample = self.operand[0] if isinstance(self.operand, tuple) and self.operand else self.operand
            if isinstance(sample, bool):
                return Form.TRUTH
            if isinstance(sample, Scaled):
                return Form.NUMBER
        return Form.TEXT


@dataclass(frozen=True, slots=True)
class TouchQuery:
    """Which touches count, and how they are thinned out before counting.

    kinds: kinds of touch, any of them. where: property name → tests that must all be true.
    within: window in microseconds, or None for ever. by: "person" or "account".
    per_day: keep the latest of each UTC day. distinct: keep the latest per folded value of this property.
    """

    kinds: tuple[str, ...]
    where: tuple[tuple[str, tuple[Test, ...]], ...] = ()
    within: int | None = None
    by: str = "person"
    per_day: bool = False
    distinct: str | None = None

    def __post_init__(self) -> None:
        if not self.kinds:
            raise ValueError("a touch query needs at least one kind")
        if self.by not in {"person", "account"}:
            raise ValueError(f"by: {self.by} is neither person nor account")
        if self.within is not None and self.within <= 0:
            raise ValueError("a window is longer than nothing")


# --- conditions: true, false or unknown -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute (`person.…`, `account.…`, `lead.…`) against tests that must all hold."""

    field: str
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Touched:
    """The number of counted touches lies within [at_least, at_most]. Never unknown."""

    query: TouchQuery
    at_least: int = 1
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class ActivePeople:
    """How many people of the account have a counted touch of their own making. Never unknown.

    The bounds are inclusive. `kinds` is empty for every kind that people (not we) make.
    """

    at_least: int = 1
    at_most: int | None = None
    within: int | None = None
    kinds: tuple[str, ...] = ()

    @property
    def bounds(self) -> tuple[int, ...]:
        """Numbers of people below which the clause turns, when it is one person less."""
        found = (self.at_least,) if self.at_most is None else (self.at_least, self.at_most + 1)
        return tuple(bound for bound in found if bound >= 1)


@dataclass(frozen=True, slots=True)
class Score:
    """A dimension's score, in thousandths, against inclusive bounds. Verdicts and `cools` only.

    `above`/`below` are written as bounds one thousandth further in. None leaves a side open.
    """

    dimension: str
    at_least: int | None = None
    at_most: int | None = None

    def __post_init__(self) -> None:
        if self.dimension not in DIMENSIONS:
            raise ValueError(f"{self.dimension} is not one of {', '.join(DIMENSIONS)}")


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


Condition = Attribute | Touched | ActivePeople | Score | All | Any | Not


# --- lines and verdicts -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class If:
    """All the points when the condition is true."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Each:
    """The points for each counted touch, fading where asked, clamped to ±at_most (whole points)."""

    query: TouchQuery
    at_most: int | None = None
    fades: bool = False

    def __post_init__(self) -> None:
        if self.at_most is not None and self.at_most <= 0:
            raise ValueError("at_most is positive")
        if self.fades:
            within = self.query.within
            if within is None or within % DAY or within // DAY > FADE_LIMIT_DAYS:
                raise ValueError("a fading line needs a window of whole days, 3,650 at most")


@dataclass(frozen=True, slots=True)
class Line:
    id: str
    says: str
    dimension: str
    points: int
    rule: If | Each

    def __post_init__(self) -> None:
        if self.dimension not in DIMENSIONS:
            raise ValueError(f"{self.dimension} is not one of {', '.join(DIMENSIONS)}")
        if abs(self.points) > POINTS_LIMIT:
            raise ValueError(f"points lie within ±{POINTS_LIMIT}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict and the condition under which it is given.

    `alternatives` are the parts of a top-level `any` (a single one otherwise); the n-th is
    called `NAME.n`, from 1: that is what `decided_by` says.
    """

    name: str
    alternatives: tuple[Condition, ...]

    @property
    def condition(self) -> Condition:
        return self.alternatives[0] if len(self.alternatives) == 1 else Any(self.alternatives)

    def clause(self, index: int) -> str:
        """The name of the alternative at this index (from 0)."""
        return f"{self.name}.{index + 1}"


# --- promises ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Duration:
    """`amount` microseconds; in business time when `business`. `written` is what the file says."""

    amount: int
    business: bool
    written: str


@dataclass(frozen=True, slots=True)
class Attempts:
    at_least: int
    within: Duration


@dataclass(frozen=True, slots=True)
class SalesPromises:
    accept_within: Duration
    first_follow_up_within: Duration
    attempts: Attempts | None = None


@dataclass(frozen=True, slots=True)
class MarketingPromises:
    hand_over_within: Duration
    touch_every: Duration
    answer_rejection_within: Duration


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason Sales may give. blames: timing, definition, data or nobody. then: None (rest), disqualified or repair."""

    id: str
    blames: str
    rest: int | None = None
    play: str | None = None
    then: str | None = None
    only_after_attempts: bool = False


@dataclass(frozen=True, slots=True)
class Audit:
    """Blind audits. Shares are in millionths of the stratum; `near_within` in thousandths of a point."""

    share: int = 0
    at_most_per_week: int | None = None
    near_within: int | None = None
    near_share: int | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """When both departments meet over what the agreement did, told by the market's wall clock (`meetings` gives instants).

    weekday: 0 is Monday. minute: of the local day. weeks: a meeting every so many weeks; 0: every month, on the `nth` such
    weekday of it (1 to 4, -1 is the last). start: the date of one of the meetings, which says what weeks are meant.
    """

    weekday: int
    minute: int
    weeks: int = 1
    nth: int = 0
    start: str | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.weekday <= 6 and 0 <= self.minute < 24 * 60 and self.weeks >= 0):
            raise ValueError("a meeting has a weekday, a time of day and a rhythm")
        if (self.weeks == 0) != (self.nth != 0):
            raise ValueError("only a monthly meeting names which weekday of the month it is, and it must")


@dataclass(frozen=True, slots=True)
class Market:
    """Where business time is told. hours: weekday (0 = Monday) → ((opens, closes), …) in minutes of local wall time.

    `holidays` are ISO dates, resolved when the file is parsed (years 2000 to 2050), so that a signed version does not move
    when a package does; `holiday_country` is what the file named, if it named one. `offsets` are the time zone's offsets
    from UTC, resolved likewise: (from this instant in microseconds, seconds east), in order; the first also holds before
    it, the last for ever after. Empty: today's time-zone data are asked.
    """

    timezone: str = "UTC"
    hours: tuple[tuple[int, tuple[tuple[int, int], ...]], ...] = ()
    holidays: tuple[str, ...] = ()
    holiday_country: str | None = None
    offsets: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """One version of what both departments agree on.

    lists: name → folded entries, with the `builtin.…` lists that the lines name already resolved.
    """

    name: str
    lines: tuple[Line, ...]
    verdicts: tuple[Verdict, ...]
    market: Market = field(default_factory=Market)
    lists: tuple[tuple[str, tuple[Constant, ...]], ...] = ()
    cools: Condition | None = None
    sales_promises: SalesPromises | None = None
    marketing_promises: MarketingPromises | None = None
    recycle: tuple[Reason, ...] = ()
    audit: Audit = field(default_factory=Audit)
    review: Review | None = None

    def lines_of(self, dimension: str) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.dimension == dimension)

    def verdict(self, name: str) -> Verdict | None:
        return next((v for v in self.verdicts if v.name == name), None)

    def reason(self, name: str) -> Reason | None:
        return next((r for r in self.recycle if r.id == name), None)

    def list_entries(self, name: str) -> tuple[Constant, ...]:
        return dict(self.lists)[name]


def walk(condition: Condition) -> Iterator[Condition]:
    """Every node of a condition, parents first."""
    yield condition
    if isinstance(condition, All | Any):
        for part in condition.parts:
            yield from walk(part)
    elif isinstance(condition, Not):
        yield from walk(condition.part)
