"""Reading comparisons: `{between: [200, 5000]}`, `{in: served_industries}`, or a bare value for `is`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from leadpact.language import builtin
from leadpact.language.fields import DOMAIN_FIELDS
from leadpact.language.fold import number, words
from leadpact.language.nodes import Constant, ListRef, Operator, Scaled, Test
from leadpact.language.problems import nearest
from leadpact.language.reading import Reader, choices
from leadpact.language.source import Node, Scalar, Sequence, describe

OPERATORS: Final = tuple(operator.value for operator in Operator)
TEXT_OPERATORS: Final = frozenset({Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.HAS_WORD})
NUMBER_OPERATORS: Final = frozenset({Operator.AT_LEAST, Operator.AT_MOST, Operator.ABOVE, Operator.BELOW})

# What people write who come from other languages.
_OTHER_WORDS: Final = {
    "equals": "is",
    "equal": "is",
    "eq": "is",
    "==": "is",
    "=": "is",
    "value": "is",
    "one_of": "in",
    "any_of": "in",
    "is_in": "in",
    "gt": "above",
    ">": "above",
    "more_than": "above",
    "greater_than": "above",
    "over": "above",
    "gte": "at_least",
    ">=": "at_least",
    "min": "at_least",
    "minimum": "at_least",
    "from": "at_least",
    "lt": "below",
    "<": "below",
    "less_than": "below",
    "under": "below",
    "lte": "at_most",
    "<=": "at_most",
    "max": "at_most",
    "maximum": "at_most",
    "up_to": "at_most",
    "range": "between",
    "includes": "contains",
    "like": "contains",
    "matches": "contains",
    "begins_with": "starts_with",
    "prefix": "starts_with",
    "suffix": "ends_with",
    "word": "has_word",
    "exists": "known",
    "present": "known",
}


@dataclass(slots=True)
class Lists:
    """The lists of the file while it is read. None stands for a list whose own reading failed."""

    declared: dict[str, tuple[Constant, ...] | None] = field(default_factory=dict[str, "tuple[Constant, ...] | None"])
    builtins: set[str] = field(default_factory=set[str])

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.declared, *builtin.NAMES)


def constants(reader: Reader, items: list[Node], what: str) -> tuple[Constant, ...] | None:
    """The entries of a list: all numbers, all booleans, or all texts; each once, in the order of the file.

    `no` among texts is the text `no` (a country, say), not a boolean; a number among texts needs quotes.
    """
    scalars = [reader.scalar(item, f"an entry of {what}", "a text or a number") for item in items]
    if any(scalar is None for scalar in scalars):
        return None
    given = [scalar for scalar in scalars if scalar is not None]
    numbers = [scalar for scalar in given if scalar.number is not None]
    if given and len(numbers) == len(given):
        found: list[Constant | None] = [scaled(reader, scalar, f"an entry of {what}") for scalar in given]
    elif given and all(scalar.boolean is not None for scalar in given):
        found = [scalar.boolean for scalar in given]
    else:
        for scalar in numbers:
            reader.problems.error(
                scalar,
                f"{what} holds texts, and here {describe(scalar)}",
                nearest=f'"{scalar.value}"',
                code="mixed",
            )
        found = [reader.folded(scalar, f"an entry of {what}") for scalar in given if scalar.number is None]
        if numbers:
            return None
    if any(value is None for value in found):
        return None
    seen: dict[Constant, Scalar] = {}
    for value, scalar in zip(found, given, strict=True):
        if value is None:
            continue
        if value in seen:
            reader.problems.warn(
                scalar, f"`{scalar.value}` stands in {what} already (line {seen[value].line})", code="repeated-entry"
            )
        else:
            seen[value] = scalar
    return tuple(seen)


def scaled(reader: Reader, node: Node, what: str) -> Scaled | None:
    """A number of an attribute: 12 digits before the point and 6 after it at most."""
    value = reader.decimal(node, what)
    if value is None:
        return None
    found = number(f"{value:f}")
    if found is None:
        reader.problems.error(
            node,
            f"{what} cannot be {value:f}",
            expected="12 digits before the point and 6 after it at most",
            code="range",
        )
        return None
    return Scaled(found)


def read_tests(reader: Reader, node: Node, field_name: str, lists: Lists) -> tuple[Test, ...] | None:
    """All tests that stand under one attribute or property; all of them must hold."""
    if isinstance(node, Scalar):
        if node.nothing:
            reader.problems.error(
                node,
                f"`{field_name}` is compared with nothing",
                expected="a value, or `{known: false}` for a missing one",
                code="empty",
            )
            return None
        operand = _constant(reader, node, f"`{field_name}`")
        return None if operand is None else (Test(Operator.IS, operand),)
    if isinstance(node, Sequence):
        shown = ", ".join(item.value for item in node.items if isinstance(item, Scalar))
        reader.problems.error(
            node,
            f"`{field_name}` cannot be a list",
            expected="an operator",
            nearest=f"{{in: [{shown}]}}",
            code="type",
        )
        return None
    if not node.entries:
        reader.problems.error(
            node, f"`{field_name}` is compared with nothing", expected=choices(OPERATORS), code="empty"
        )
        return None
    found: list[Test | None] = []
    seen: dict[str, Scalar] = {}
    for key, value in node.entries:
        word = key.value
        if word in seen:
            reader.problems.error(key, f"`{word}` is written twice (first in line {seen[word].line})", code="duplicate")
            continue
        seen[word] = key
        if word not in OPERATORS:
            near = _OTHER_WORDS.get(word.casefold().replace(" ", "_"), "") or nearest(word, OPERATORS, cutoff=60)
            reader.problems.error(
                key,
                f"`{word}` is no way to compare `{field_name}`",
                expected="" if near else choices(OPERATORS),
                nearest=near,
                code="operator",
            )
            if not near:
                found.append(None)
                continue
            word = near
        found.append(_test(reader, Operator(word), value, field_name, lists))
    return None if any(test is None for test in found) else tuple(test for test in found if test is not None)


def _test(reader: Reader, operator: Operator, node: Node, field_name: str, lists: Lists) -> Test | None:
    what = f"`{operator.value}`"
    if operator is Operator.IS:
        operand = _constant(reader, node, what)
    elif operator is Operator.IN:
        return _membership(reader, node, field_name, lists)
    elif operator in NUMBER_OPERATORS:
        operand = scaled(reader, node, what)
    elif operator is Operator.BETWEEN:
        operand = _pair(reader, node)
    elif operator is Operator.KNOWN:
        operand = reader.boolean(node, what)
    elif operator is Operator.HAS_WORD:
        operand = _word(reader, node)
    else:
        operand = reader.folded(node, what)
    return None if operand is None else Test(operator, operand)


def _constant(reader: Reader, node: Node, what: str) -> Constant | None:
    """One constant for `is`: the spelling decides the type."""
    if isinstance(node, Sequence):
        reader.problems.error(node, f"{what} cannot be a list", expected="one value, or `in` with a list", code="type")
        return None
    scalar = reader.scalar(node, what, "a text, a number or a boolean")
    if scalar is None:
        return None
    if scalar.number is not None:
        return scaled(reader, scalar, what)
    return scalar.boolean if scalar.boolean is not None else reader.folded(scalar, what)


def _membership(reader: Reader, node: Node, field_name: str, lists: Lists) -> Test | None:
    domains = field_name in DOMAIN_FIELDS
    if isinstance(node, Sequence):
        if not node.items:
            reader.problems.error(node, "the list after `in` is empty", expected="at least one entry", code="empty")
            return None
        entries = constants(reader, node.items, "this list")
        return None if entries is None else Test(Operator.IN, entries, domains=domains)
    expected = "the name of a list, or a list"
    scalar = reader.scalar(node, "`in`", expected)
    if scalar is None:
        return None
    name = scalar.value.strip()
    if name in builtin.NAMES:
        lists.builtins.add(name)
        return Test(Operator.IN, ListRef(name, domains))
    if name not in lists.declared:
        near = nearest(name, lists.names, cutoff=60) or nearest(f"builtin.{name}", builtin.NAMES, cutoff=75)
        reader.problems.error(
            node,
            f"there is no list `{name}`",
            expected="" if near else f"{expected} (for a single value: `[{name}]`)",
            nearest=near,
            code="unknown-list",
        )
        return None
    entries = lists.declared[name]
    if entries is None:
        return None
    # Numbers and booleans are written into the test, so that its form shows what it reads.
    if entries and not isinstance(entries[0], str):
        return Test(Operator.IN, entries)
    return Test(Operator.IN, ListRef(name, domains))


def _pair(reader: Reader, node: Node) -> tuple[Scaled, Scaled] | None:
    if not isinstance(node, Sequence) or len(node.items) != 2:
        count = f" of {len(node.items)}" if isinstance(node, Sequence) else ""
        reader.problems.error(
            node,
            f"`between` cannot be {describe(node)}{count}",
            expected="two numbers, such as `[200, 5000]`",
            code="type",
        )
        return None
    low, high = (scaled(reader, item, "an end of `between`") for item in node.items)
    if low is None or high is None:
        return None
    if low.value > high.value:
        first, second = (item.value for item in node.items if isinstance(item, Scalar))
        reader.problems.error(
            node,
            f"nothing lies between {first} and {second}",
            expected="the smaller number first",
            nearest=f"[{second}, {first}]",
            code="range",
        )
        return None
    return low, high


def _word(reader: Reader, node: Node) -> str | None:
    text = reader.folded(node, "`has_word`", "one word")
    if text is None:
        return None
    if words(text) != f" {text} " or " " in text:
        several = len(words(text).split()) > 1
        reader.problems.error(
            node,
            f"`has_word` cannot be `{text}`",
            expected="one word of letters and digits" + (", or `contains` for several" if several else ""),
            nearest="" if several else words(text).strip(),
            code="word",
        )
        return None
    return text
