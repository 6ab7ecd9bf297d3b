"""Reading conditions and touch queries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from leadpact.language.durations import window
from leadpact.language.fields import ACTIVE_PEOPLE, FIELDS, SCOPES
from leadpact.language.kinds import KINDS, OURS
from leadpact.language.looks import disguised, skeleton
from leadpact.language.nodes import (
    DIMENSIONS,
    THOUSANDTHS,
    ActivePeople,
    All,
    Any,
    Attribute,
    Condition,
    Not,
    Score,
    Test,
    Touched,
    TouchQuery,
)
from leadpact.language.parse_comparisons import Lists, read_tests
from leadpact.language.problems import nearest
from leadpact.language.reading import Entry, Reader, choices
from leadpact.language.source import Mapping, Node, Scalar, Sequence, describe

QUERY_KEYS: Final = ("touch", "where", "within", "by", "per", "distinct")
CLAUSE_KEYS: Final = (*QUERY_KEYS, "at_least", "at_most")
PEOPLE_KEYS: Final = ("at_least", "at_most", "within", "touch")
SCORE_KEYS: Final = ("at_least", "at_most", "above", "below", "between")
JOINS: Final = ("all", "any", "not")
COUNT_LIMIT: Final = 1_000_000
SCORE_LIMIT: Final = Decimal(1_000_000_000)
FIELD_LIMIT: Final = 200
KIND_LIMIT: Final = 60
"""Characters of a kind of touch: as many as the column that touches are kept in has."""
_FIELD = re.compile(r"(person|account|lead)\.[^\W\d]\w*(\.\w+)*")
_EXAMPLE: Final = "a condition such as `{account.industry: {in: […]}}` or `{touch: …}`"


@dataclass(slots=True)
class Conditions:
    """Reads conditions; remembers which names were met, for what must be said at the end."""

    reader: Reader
    lists: Lists
    names: dict[str, tuple[str, Scalar]] = field(default_factory=dict[str, "tuple[str, Scalar]"])

    def condition(self, node: Node, *, scores: bool) -> Condition | None:
        """A condition, or None with every problem inside it noted. `scores` allows fit, engagement and readiness."""
        problems = self.reader.problems
        if not isinstance(node, Mapping):
            expected = _EXAMPLE
            if isinstance(node, Sequence):
                expected = "`all: […]` or `any: […]` before a list of conditions"
                for item in node.items:
                    self.condition(item, scores=scores)
            problems.error(node, f"a condition cannot be {describe(node)}", expected=expected, code="type")
            return None
        if not node.entries:
            problems.error(node, "the condition is empty", expected=_EXAMPLE, code="empty")
            return None
        keys = [key.value for key, _ in node.entries]
        if "touch" in keys:
            return self._touched(node)
        if len(node.entries) == 1:
            return self._single(*node.entries[0], scores=scores)
        for key, value in node.entries:
            self._single(key, value, scores=scores)
        second = node.entries[1][0]
        if second.value in CLAUSE_KEYS:
            return None  # told above: it stands without `touch`
        problems.error(
            second,
            f"`{second.value}` is a second condition in the same braces",
            expected="`all: […]` where both must hold, `any: […]` where one is enough",
            code="several",
        )
        return None

    def _single(self, key: Scalar, node: Node, *, scores: bool) -> Condition | None:
        word = key.value
        if word in ("all", "any"):
            return self._join(word, node, scores=scores)
        if word == "not":
            part = self.condition(node, scores=scores)
            return None if part is None else Not(part)
        if word in DIMENSIONS:
            score = self._score(word, node)
            if not scores:
                self.reader.problems.error(
                    key, f"a line cannot ask for the score of {word}; only `verdicts` and `cools` can", code="score"
                )
                return None
            return score
        if word == ACTIVE_PEOPLE:
            return self._active_people(node)
        sound = self.field_name(key, scores=scores)
        if not sound and "." not in word:
            return None
        tests = read_tests(self.reader, node, word, self.lists)
        return Attribute(word, tests) if sound and tests is not None else None

    def _join(self, word: str, node: Node, *, scores: bool) -> Condition | None:
        if not isinstance(node, Sequence) or not node.items:
            what = "an empty list" if isinstance(node, Sequence) else describe(node)
            self.reader.problems.error(node, f"`{word}` cannot be {what}", expected="a list of conditions", code="type")
            if isinstance(node, Mapping) and node.entries:
                self.condition(Mapping(node.entries[:1], node.line, node.column), scores=scores)
            return None
        read = [self.condition(item, scores=scores) for item in node.items]
        parts = tuple(part for part in read if part is not None)
        if len(parts) < len(read):
            return None
        return All(parts) if word == "all" else Any(parts)

    # --- names ------------------------------------------------------------------------

    def field_name(self, key: Scalar, *, scores: bool) -> bool:
        """Whether the key can name an attribute; nearly known names earn a warning."""
        problems, word = self.reader.problems, key.value
        if _FIELD.fullmatch(word) and len(word.encode()) <= FIELD_LIMIT:
            if self._deceives(key, FIELDS):
                return False
            self._remember(key)
            near = nearest(
                word.partition(".")[2], [f.partition(".")[2] for f in FIELDS if _scope(f) == _scope(word)], cutoff=80
            )
            if near and word not in FIELDS and word != ACTIVE_PEOPLE:
                problems.warn(
                    key,
                    f"`{word}` is not an attribute that leadpact knows",
                    nearest=f"{_scope(word)}.{near}",
                    code="near-field",
                )
            return True
        scope, dot, name = word.partition(".")
        if scope in SCOPES and dot and name:
            problems.error(
                key,
                f"`{word}` cannot name an attribute",
                expected=f"letters, digits and underscores after the point, {FIELD_LIMIT} bytes at most",
                code="field",
            )
        elif scope in SCOPES:
            problems.error(key, f"`{word}` lacks the name of an attribute", expected=f"`{scope}.NAME`", code="field")
        elif word in CLAUSE_KEYS:
            problems.error(key, f"`{word}` stands without `touch`", expected="`touch: KIND` beside it", code="touch")
        else:
            known = [*JOINS, "touch", ACTIVE_PEOPLE, *FIELDS, *(DIMENSIONS if scores else ())]
            near = nearest(word, known, cutoff=70) or nearest(f".{word}", _bare_fields(), cutoff=90)
            near = next((name for name in FIELDS if name.endswith(near)), near) if near.startswith(".") else near
            if not near and dot and nearest(scope, SCOPES, cutoff=60):
                near = f"{nearest(scope, SCOPES, cutoff=60)}.{name}"
            problems.error(
                key,
                f"`{word}` is neither an attribute nor a way to join conditions",
                expected="" if near else "`person.…`, `account.…`, `lead.…`, `touch`, `all`, `any` or `not`",
                nearest=near,
                code="field",
            )
        return False

    def _deceives(self, key: Scalar, known: Iterable[str]) -> bool:
        """Whether a name mixes letters that look alike, or looks like a known one that it is not; then that is noted."""
        word = key.value
        if word.isascii():
            return False
        meant = skeleton(word)
        if not disguised(word) and meant not in known:
            return False
        self.reader.problems.error(
            key,
            f"`{word}` is written with letters that only look like Latin ones",
            nearest=meant,
            code="look-alike",
        )
        return True

    def _remember(self, key: Scalar) -> None:
        """Two names that differ only in capitals would be one column for some engines, and those alike one for people."""
        first, place = self.names.setdefault(skeleton(key.value), (key.value, key))
        if first != key.value:
            capitals = first.casefold() == key.value.casefold()
            self.reader.problems.error(
                key,
                f"`{key.value}` {'differs only in capitals from' if capitals else 'looks like'} `{first}` in line {place.line}",
                nearest=first,
                code="capitals" if capitals else "look-alike",
            )

    # --- touches ----------------------------------------------------------------------

    def _touched(self, node: Node) -> Touched | None:
        fields = self.reader.fields(
            node,
            "a touch clause",
            known=CLAUSE_KEYS,
            required=("touch",),
            hints={
                "fades": "only a line with `each` fades",
                "points": "points stand on the line",
                **dict.fromkeys(JOINS, "put the touch clause into its list"),
            },
        )
        if fields is None:
            return None
        query = self._query(fields)
        bounds = self._bounds(fields, "touches")
        return None if query is None or bounds is None else Touched(query, *bounds)

    def each(self, node: Node) -> TouchQuery | None:
        """The touch query of an `each` line."""
        fields = self.reader.fields(
            node,
            "`each`",
            known=QUERY_KEYS,
            required=("touch",),
            hints={
                "at_least": "`each` counts every touch; for a number of touches write `if: {touch: …, at_least: …}`",
                "at_most": "the cap stands beside `points`",
                "fades": "it stands beside `points`",
                "points": "it stands beside `each`",
            },
        )
        return None if fields is None else self._query(fields)

    def _query(self, fields: dict[str, Entry]) -> TouchQuery | None:
        problems = self.reader.problems
        before = problems.failures
        kinds = self._kinds(fields["touch"].value) if "touch" in fields else None
        where = self._where(fields["where"].value) if "where" in fields else ()
        within = window(self.reader, fields["within"].value, "`within`") if "within" in fields else None
        by = "person"
        if "by" in fields:
            by = self.reader.choice(fields["by"].value, "`by`", ("person", "account")) or by
        if "per" in fields:
            self.reader.choice(fields["per"].value, "`per`", ("day",))
        distinct = self._property(fields["distinct"].value) if "distinct" in fields else None
        if kinds is None or where is None or problems.failures > before:
            return None
        return TouchQuery(kinds, where, within, by, "per" in fields, distinct)

    def _kinds(self, node: Node) -> tuple[str, ...] | None:
        nodes = node.items if isinstance(node, Sequence) else [node]
        if not nodes:
            self.reader.problems.error(
                node, "`touch` names no kind", expected="a kind such as `page.viewed`", code="empty"
            )
            return None
        found: dict[str, None] = {}
        for item in nodes:
            if isinstance(item, Scalar) and self._deceives(item, KINDS):
                return None
            kind = self.reader.folded(item, "a kind of touch", "a kind such as `page.viewed`", most=KIND_LIMIT)
            if kind is None:
                return None
            near = "" if kind in KINDS else nearest(kind, KINDS, cutoff=80)
            if near:
                self.reader.problems.warn(
                    item, f"`{kind}` is not a kind of touch that leadpact knows", nearest=near, code="near-kind"
                )
            if kind in found:
                self.reader.problems.warn(item, f"the kind `{kind}` is named twice", code="repeated-entry")
            found[kind] = None
        return tuple(found)

    def _where(self, node: Node) -> tuple[tuple[str, tuple[Test, ...]], ...] | None:
        fields = self.reader.fields(node, "`where`")
        if fields is None:
            return None
        if not fields:
            self.reader.problems.error(
                node, "`where` is empty", expected="a property such as `{path: {starts_with: /pricing}}`", code="empty"
            )
            return None
        found: list[tuple[str, tuple[Test, ...]]] = []
        whole = True
        for name, entry in fields.items():
            named = self._property(entry.key)
            tests = read_tests(self.reader, entry.value, name, self.lists)
            whole = whole and named is not None and tests is not None
            if named is not None and tests is not None:
                found.append((named, tests))
        return tuple(found) if whole else None

    def _property(self, node: Node) -> str | None:
        scalar = self.reader.scalar(node, "a property", "the name of a property such as `path`")
        if scalar is None:
            return None
        if not re.fullmatch(r"\w[\w.\-]*", scalar.value) or len(scalar.value.encode()) > FIELD_LIMIT:
            self.reader.problems.error(
                node,
                f"a property cannot be {describe(scalar)}",
                expected=f"letters, digits, points, hyphens and underscores, {FIELD_LIMIT} bytes at most",
                code="field",
            )
            return None
        if self._deceives(scalar, ()):
            return None
        self._remember(Scalar(f"touch property {scalar.value}", True, scalar.line, scalar.column))
        return scalar.value

    # --- counts and scores ------------------------------------------------------------

    def _active_people(self, node: Node) -> ActivePeople | None:
        fields = self.reader.fields(
            node,
            f"`{ACTIVE_PEOPLE}`",
            known=PEOPLE_KEYS,
            hints={"above": "write `at_least` with one more", "below": "write `at_most` with one less"},
        )
        if fields is None:
            return None
        before = self.reader.problems.failures
        bounds = self._bounds(fields, "people")
        within = window(self.reader, fields["within"].value, "`within`") if "within" in fields else None
        kinds = self._kinds(fields["touch"].value) if "touch" in fields else ()
        if bounds is None or kinds is None or self.reader.problems.failures > before:
            return None
        for kind in kinds:
            if kind in OURS:
                self.reader.problems.warn(
                    fields["touch"].value, f"`{kind}` is a touch of ours: it makes nobody active", code="ours"
                )
        return ActivePeople(*bounds, within, kinds)

    def _bounds(self, fields: dict[str, Entry], what: str) -> tuple[int, int | None] | None:
        """At least one, unless only `at_most` is given: then none is enough."""
        at_least, at_most = 0 if "at_most" in fields else 1, None
        good = True
        if "at_least" in fields:
            read = self.reader.whole(fields["at_least"].value, f"`at_least` of {what}", low=0, high=COUNT_LIMIT)
            good, at_least = read is not None, read or 0
        if "at_most" in fields:
            at_most = self.reader.whole(fields["at_most"].value, f"`at_most` of {what}", low=0, high=COUNT_LIMIT)
            good = good and at_most is not None
        return (at_least, at_most) if good else None

    def _score(self, dimension: str, node: Node) -> Score | None:
        problems = self.reader.problems
        if isinstance(node, Scalar) and not node.nothing:
            problems.error(
                node,
                f"the score of {dimension} cannot be {describe(node)}",
                expected=choices(SCORE_KEYS),
                nearest=f"{{at_least: {node.value}}}" if node.number is not None else "",
                code="type",
            )
            return None
        fields = self.reader.fields(node, f"the score of {dimension}", known=SCORE_KEYS)
        if fields is None:
            return None
        if not fields:
            if isinstance(node, Mapping) and not node.entries:
                problems.error(
                    node, f"the score of {dimension} has no bound", expected=choices(SCORE_KEYS), code="empty"
                )
            return None
        lows: list[int | None] = []
        highs: list[int | None] = []
        for word, entry in fields.items():
            if word == "between":
                low, high = self._score_pair(entry.value)
                lows.append(low)
                highs.append(high)
                continue
            score = self._thousandths(entry.value, f"`{word}`")
            step = {"above": 1, "below": -1}.get(word, 0)
            side = lows if word in ("at_least", "above") else highs
            side.append(None if score is None else score + step)
        if None in lows or None in highs:
            return None
        tightest_low = max((low for low in lows if low is not None), default=None)
        tightest_high = min((high for high in highs if high is not None), default=None)
        return Score(dimension, tightest_low, tightest_high)

    def _score_pair(self, node: Node) -> tuple[int | None, int | None]:
        if not isinstance(node, Sequence) or len(node.items) != 2:
            self.reader.problems.error(
                node, f"`between` cannot be {describe(node)}", expected="two numbers, such as `[15, 30]`", code="type"
            )
            return None, None
        low, high = (self._thousandths(item, "an end of `between`") for item in node.items)
        if low is not None and high is not None and low > high:
            self.reader.problems.error(node, "the smaller number stands first in `between`", code="range")
            return None, None
        return low, high

    def _thousandths(self, node: Node, what: str) -> int | None:
        expected = "a number of points with three decimals at most"
        value = self.reader.decimal(node, what, expected)
        if value is None:
            return None
        score = value * THOUSANDTHS
        if score != score.to_integral_value() or abs(value) > SCORE_LIMIT:
            self.reader.problems.error(node, f"{what} cannot be {value}", expected=expected, code="range")
            return None
        return int(score)


def _bare_fields() -> list[str]:
    """Known attributes without their scope, for those who leave it out."""
    return [f".{name.partition('.')[2]}" for name in FIELDS]


def _scope(field_name: str) -> str:
    return field_name.partition(".")[0]
