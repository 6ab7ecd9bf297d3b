"""From the file to the agreement, with every error at once.

Reading never stops at an error: each section is read to its end, what cannot be read is noted with its place, and
only a file without errors becomes an `Agreement`. Lists, holidays and the time zone are resolved here, so that the
agreement that comes out needs nothing else and does not move when a package does.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import Final

from leadpact.language import builtin
from leadpact.language.nodes import (
    DAY,
    DEFAULT_VERDICT,
    DIMENSIONS,
    FADE_LIMIT_DAYS,
    POINTS_LIMIT,
    VERDICT_NAMES,
    Agreement,
    Any,
    Audit,
    Condition,
    Constant,
    Each,
    If,
    Line,
    Market,
    Reason,
    TouchQuery,
    Verdict,
)
from leadpact.language.parse_comparisons import Lists, constants
from leadpact.language.parse_conditions import Conditions
from leadpact.language.parse_market import read_market
from leadpact.language.parse_promises import read_audit, read_marketing, read_recycle, read_sales
from leadpact.language.parse_review import read_review
from leadpact.language.problems import ERROR, WARNING, AgreementErrors, Place, Placed, Problem, Problems, nearest
from leadpact.language.reading import Entry, Reader, choices
from leadpact.language.source import Mapping, Node, Scalar, Sequence, decode, read

__all__ = ["AgreementErrors", "Parsed", "Problem", "parse", "parse_or_raise"]

LANGUAGE_VERSION: Final = 1
SECTIONS: Final = (
    "leadpact",
    "name",
    "market",
    "lists",
    *DIMENSIONS,
    "verdicts",
    "cools",
    "sales_promises",
    "marketing_promises",
    "recycle",
    "audit",
    "review",
)
LINE_KEYS: Final = ("id", "says", "if", "each", "points", "at_most", "fades")
_INSIDE_EACH: Final = "it stands inside `each`"
LINE_HINTS: Final = {
    "touch": "a line counts touches with `each: {touch: …}`, or asks for one with `if: {touch: …}`",
    "within": _INSIDE_EACH,
    "where": _INSIDE_EACH,
    "per": _INSIDE_EACH,
    "by": _INSIDE_EACH,
    "distinct": _INSIDE_EACH,
    "at_least": "it stands inside the condition",
}
ENTRIES_LIMIT: Final = 100_000
TITLE_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Parsed:
    """What came of a file. `agreement` is None when there are errors.

    `warnings` are what reading alone can tell (nearly known names, repeated entries); `check` finds the rest.
    `positions` tells `check` where things stand: `lines.ID`, `verdicts.NAME`, `verdicts.NAME.1`, `lists.NAME`,
    `recycle.ID` and the names of sections.
    """

    agreement: Agreement | None
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    positions: Map[str, Place] = field(default_factory=dict[str, Place])
    name: str = "<agreement>"


def parse(text: str | bytes, *, name: str = "<agreement>") -> Parsed:
    """Read a file. Never raises for what a file holds: problems come back, each with its place."""
    problems = Problems()
    decoded = decode(text, problems)
    tree = None if decoded is None else read(decoded, problems)
    if tree is None and not problems.of(ERROR):
        problems.error(
            Place(1, 1), "the file is empty", expected="an agreement that begins with `leadpact: 1`", code="empty"
        )
    if tree is None:
        return Parsed(None, problems.of(ERROR), name=name)
    parser = _Parser(problems)
    agreement = parser.agreement(tree)
    errors = problems.of(ERROR)
    return Parsed(None if errors else agreement, errors, problems.of(WARNING), parser.positions, name)


def parse_or_raise(text: str | bytes, *, name: str = "<agreement>") -> Agreement:
    """The agreement of a file. Raises AgreementErrors with all problems where it is none."""
    parsed = parse(text, name=name)
    if parsed.agreement is None:
        raise AgreementErrors(name, parsed.errors)
    return parsed.agreement


class _Parser:
    """One reading of one file."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.reader = Reader(problems)
        self.lists = Lists()
        self.conditions = Conditions(self.reader, self.lists)
        self.positions: dict[str, Place] = {}

    def agreement(self, tree: Node) -> Agreement | None:
        """The whole; None where too little could be read to build anything."""
        fields = self.reader.fields(
            tree,
            "an agreement",
            known=SECTIONS,
            required=("leadpact", "name", "verdicts"),
            hints={"prospect": _PROSPECT},
        )
        if fields is None:
            return None
        for section, entry in fields.items():
            self._stand(section, entry.key)
        self._version(fields)
        name = self.reader.text(fields["name"].value, "`name`", most=TITLE_LIMIT) if "name" in fields else None
        market = read_market(self.reader, fields["market"].value) if "market" in fields else Market()
        if "lists" in fields:
            self._lists(fields["lists"].value)
        lines = tuple(line for dimension in DIMENSIONS for line in self._lines(fields, dimension))
        verdicts = self._verdicts(fields["verdicts"].value) if "verdicts" in fields else ()
        cools = self.conditions.condition(fields["cools"].value, scores=True) if "cools" in fields else None
        sales = read_sales(self.reader, fields["sales_promises"].value, market) if "sales_promises" in fields else None
        marketing = None
        if "marketing_promises" in fields:
            marketing = read_marketing(self.reader, fields["marketing_promises"].value, market)
        recycle = self._recycle(fields)
        audit = read_audit(self.reader, fields["audit"].value) if "audit" in fields else Audit()
        review = read_review(self.reader, fields["review"].value) if "review" in fields else None
        if review is not None and "market" not in fields:
            self.problems.warn(
                fields["review"].key,
                "a review without `market` is told in UTC",
                expected="`market: {timezone: …}`",
                code="no-timezone",
            )
        if self.problems.of(ERROR) or name is None:
            return None
        return Agreement(
            name, lines, verdicts, market, self._resolved(), cools, sales, marketing, recycle, audit, review
        )

    def _stand(self, name: str, place: Placed) -> None:
        self.positions[name] = Place(place.line, place.column)

    def _version(self, fields: dict[str, Entry]) -> None:
        if "leadpact" not in fields:
            return
        node = fields["leadpact"].value
        if not isinstance(node, Scalar) or node.number != LANGUAGE_VERSION:
            shown = node.value if isinstance(node, Scalar) else "that"
            self.problems.error(
                node,
                f"this leadpact does not read version `{shown}` of the language",
                expected="`leadpact: 1`",
                code="version",
            )

    # --- lists ------------------------------------------------------------------------

    def _lists(self, node: Node) -> None:
        if isinstance(node, Scalar) and node.nothing:
            return
        fields = self.reader.fields(node, "`lists`")
        for entry in (fields or {}).values():
            if entry.key.value in builtin.NAMES or entry.key.value.startswith("builtin."):
                self.problems.error(
                    entry.key, f"`{entry.key.value}` comes with leadpact; give the list another name", code="name"
                )
                continue
            name = self.reader.name(entry.key, "the name of a list")
            items = self.reader.sequence(entry.value, f"the list `{entry.key.value}`")
            found: tuple[Constant, ...] | None = None
            if items is not None and len(items) > ENTRIES_LIMIT:
                self.problems.error(entry.value, f"a list has {ENTRIES_LIMIT:,} entries at most", code="size")
            elif items is not None:
                found = constants(self.reader, items, f"the list `{entry.key.value}`")
            if name is not None:
                self._stand(f"lists.{name}", entry.key)
            self.lists.declared[entry.key.value] = found

    def _resolved(self) -> tuple[tuple[str, tuple[Constant, ...]], ...]:
        """The lists that stay in the agreement: its own, and a copy of each builtin one that it names."""
        own = tuple((name, entries) for name, entries in self.lists.declared.items() if entries is not None)
        return own + tuple((name, builtin.entries(name)) for name in sorted(self.lists.builtins))

    # --- lines ------------------------------------------------------------------------

    def _lines(self, fields: dict[str, Entry], dimension: str) -> list[Line]:
        if dimension not in fields:
            return []
        items = self.reader.sequence(fields[dimension].value, f"`{dimension}`") or []
        read_lines = [self._line(item, dimension) for item in items]
        return [line for line in read_lines if line is not None]

    def _line(self, node: Node, dimension: str) -> Line | None:
        what = f"a line of {dimension}"
        fields = self.reader.fields(node, what, known=LINE_KEYS, required=("id", "points"), hints=LINE_HINTS)
        if fields is None:
            return None
        name = self._line_name(fields)
        says = self._says(fields, name)
        points = None
        if "points" in fields:
            points = self.reader.whole(fields["points"].value, "`points`", low=-POINTS_LIMIT, high=POINTS_LIMIT)
        rule = self._rule(node, fields, what)
        if name is None or points is None or rule is None:
            return None
        return Line(name, says, dimension, points, rule)

    def _line_name(self, fields: dict[str, Entry]) -> str | None:
        if "id" not in fields:
            return None
        node = fields["id"].value
        name = self.reader.name(node, "the id of a line")
        if name is None:
            return None
        first = self.positions.get(f"lines.{name}")
        if first is not None:
            self.problems.error(
                node,
                f"the id `{name}` is taken already (line {first.line})",
                expected="an id of its own",
                code="duplicate",
            )
            return None
        self._stand(f"lines.{name}", node)
        return name

    def _says(self, fields: dict[str, Entry], name: str | None) -> str:
        if "says" in fields:
            return self.reader.text(fields["says"].value, "`says`", "the sentence that both sides read") or ""
        says = (name or "").replace("_", " ").capitalize()
        if "id" in fields:
            self.problems.warn(
                fields["id"].key,
                f"the line `{fields['id'].value.value}` says nothing to its readers"
                if isinstance(fields["id"].value, Scalar)
                else "the line says nothing to its readers",
                expected="`says:` with the sentence that both sides read",
                code="no-says",
            )
        return says

    def _rule(self, node: Node, fields: dict[str, Entry], what: str) -> If | Each | None:
        condition = query = None
        if "if" in fields:
            condition = self.conditions.condition(fields["if"].value, scores=False)
        if "each" in fields:
            query = self.conditions.each(fields["each"].value)
        if "if" in fields and "each" in fields:
            self.problems.error(
                fields["each"].key, f"{what} has `if` and `each`", expected="one of them", code="contradiction"
            )
            return None
        if "each" in fields:
            return self._each(fields, query)
        if "if" not in fields:
            self.problems.error(node, f"{what} lacks its rule", expected="`if` or `each`", code="missing")
        for key, why in (("at_most", "`if` scores once or not at all"), ("fades", "only touches fade")):
            if key in fields:
                self.problems.error(fields[key].key, f"`{key}` needs `each`: {why}", code="contradiction")
        return None if condition is None else If(condition)

    def _each(self, fields: dict[str, Entry], query: TouchQuery | None) -> Each | None:
        at_most, fades, whole = None, False, True
        if "at_most" in fields:
            limit = POINTS_LIMIT * 100
            at_most = self.reader.whole(fields["at_most"].value, "`at_most`", low=1, high=limit)
            whole = at_most is not None
        if "fades" in fields:
            read_fades = self.reader.boolean(fields["fades"].value, "`fades`")
            whole, fades = whole and read_fades is not None, bool(read_fades)
        if fades and query is not None:
            within, place = query.within, _inner(fields["each"].value, "within") or fields["fades"].key
            if within is None or within % DAY or within // DAY > FADE_LIMIT_DAYS:
                said = "no window" if within is None else "this window"
                self.problems.error(
                    place,
                    f"a line that fades cannot have {said}",
                    expected=f"`within` in whole days, {FADE_LIMIT_DAYS:,} days at most",
                    code="fades",
                )
                return None
        return None if query is None or not whole else Each(query, at_most, fades)

    # --- verdicts ---------------------------------------------------------------------

    def _verdicts(self, node: Node) -> tuple[Verdict, ...]:
        fields = self.reader.fields(node, "`verdicts`", required=("sales_ready",) if not _has_misspelt(node) else ())
        found: list[Verdict] = []
        for name, entry in (fields or {}).items():
            alternatives = self._alternatives(name, entry.value)
            if name not in VERDICT_NAMES:
                near = nearest(name, VERDICT_NAMES, cutoff=60)
                self.problems.error(
                    entry.key,
                    f"there is no verdict `{name}`",
                    expected="" if near else choices(VERDICT_NAMES),
                    nearest=near,
                    code="verdict",
                )
                continue
            self._stand(f"verdicts.{name}", entry.key)
            if name == DEFAULT_VERDICT and alternatives is not None:
                self.problems.warn(entry.key, _PROSPECT, code="default-verdict")
            if alternatives is not None:
                found.append(Verdict(name, alternatives))
        return tuple(found)

    def _alternatives(self, name: str, node: Node) -> tuple[Condition, ...] | None:
        condition = self.conditions.condition(node, scores=True)
        if isinstance(node, Mapping) and len(node.entries) == 1 and node.entries[0][0].value == "any":
            inner = node.entries[0][1]
            for index, item in enumerate(inner.items if isinstance(inner, Sequence) else []):
                self._stand(f"verdicts.{name}.{index + 1}", item)
        else:
            self._stand(f"verdicts.{name}.1", node)
        if condition is None:
            return None
        return condition.parts if isinstance(condition, Any) else (condition,)

    def _recycle(self, fields: dict[str, Entry]) -> tuple[Reason, ...]:
        if "recycle" not in fields:
            return ()
        reasons, places = read_recycle(self.reader, fields["recycle"].value)
        for name, place in places.items():
            self._stand(f"recycle.{name}", place)
        return reasons


_PROSPECT: Final = "a lead for which no verdict holds is a prospect anyway"


def _has_misspelt(node: Node) -> bool:
    """Whether a verdict is there that was meant for `sales_ready`: then its absence is not a second error."""
    if not isinstance(node, Mapping):
        return False
    names = [key.value for key, _ in node.entries]
    return any(name not in VERDICT_NAMES and nearest(name, VERDICT_NAMES, cutoff=60) == "sales_ready" for name in names)


def _inner(node: Node, key: str) -> Node | None:
    if not isinstance(node, Mapping):
        return None
    return next((value for found, value in node.entries if found.value == key), None)
