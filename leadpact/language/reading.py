"""Reading one word of the file at a time: each reader returns the value, or None with the problem noted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Map
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leadpact.language.fold import fold
from leadpact.language.looks import disguised, skeleton
from leadpact.language.problems import Problems, nearest
from leadpact.language.source import Mapping, Node, Scalar, Sequence, describe

NAME_LIMIT: Final = 50
SENTENCE_LIMIT: Final = 500
TEXT_LIMIT: Final = 1_000
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


def a(word: str) -> str:
    """The word with its article."""
    return f"an {word}" if word[:1] in "aeiou" else f"a {word}"


def choices(names: Iterable[str]) -> str:
    """Names as "`a`, `b` or `c`"."""
    *most, last = [f"`{name}`" for name in names]
    return f"{', '.join(most)} or {last}" if most else last


@dataclass(frozen=True, slots=True)
class Entry:
    """A key that the file holds, with its value."""

    key: Scalar
    value: Node


class Reader:
    """Typed reads with one collector of problems behind them."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def fields(
        self,
        node: Node,
        what: str,
        *,
        known: Iterable[str] | None = None,
        required: Iterable[str] = (),
        hints: Map[str, str] | None = None,
    ) -> dict[str, Entry] | None:
        """The entries of a mapping by key. `what` names the mapping in messages ("a line").

        Unknown keys (where `known` is given), repeated keys and missing ones are noted. `hints` says for keys that
        belong elsewhere what to do with them. None when it is no mapping at all.
        """
        if not isinstance(node, Mapping):
            self.problems.error(node, f"{what} cannot be {describe(node)}", expected="a mapping of keys", code="type")
            return None
        names = None if known is None else tuple(known)
        found: dict[str, Entry] = {}
        strange: list[Entry] = []
        for key, value in node.entries:
            if key.value in found:
                first = found[key.value].key
                self.problems.error(
                    key, f"`{key.value}` is written twice (first in line {first.line})", code="duplicate"
                )
            elif names is not None and key.value not in names:
                strange.append(Entry(key, value))
            else:
                found[key.value] = Entry(key, value)
        for entry in strange:
            hint = (hints or {}).get(entry.key.value, "")
            self._unknown_key(entry.key, what, names or (), hint)
            # What stands under a misspelt key is read as if it were spelt right, so that its errors are told too.
            meant = "" if hint else nearest(entry.key.value, [n for n in names or () if n not in found], cutoff=80)
            if meant:
                found[meant] = entry
        for name in required:
            if name not in found:
                self.problems.error(node, f"{what} lacks `{name}`", code="missing")
        return found

    def _unknown_key(self, key: Scalar, what: str, names: tuple[str, ...], hint: str) -> None:
        if hint:
            self.problems.error(key, f"`{key.value}` does not belong here: {hint}", code="unknown-key")
            return
        near = nearest(key.value, names, cutoff=60)
        expected = "" if near else choices(names)
        self.problems.error(
            key, f"`{key.value}` is not a key of {what}", expected=expected, nearest=near, code="unknown-key"
        )

    def sequence(self, node: Node, what: str) -> list[Node] | None:
        """The items of a list; nothing counts as an empty one."""
        if isinstance(node, Sequence):
            return node.items
        if isinstance(node, Scalar) and node.nothing:
            return []
        self.problems.error(node, f"{what} cannot be {describe(node)}", expected="a list", code="type")
        return None

    def scalar(self, node: Node, what: str, expected: str) -> Scalar | None:
        """A scalar that says something."""
        if isinstance(node, Scalar) and not node.nothing:
            return node
        self.problems.error(node, f"{what} cannot be {describe(node)}", expected=expected, code="type")
        return None

    def text(self, node: Node, what: str, expected: str = "a text", *, most: int = SENTENCE_LIMIT) -> str | None:
        """A text for people, trimmed, as written, of so many characters at most."""
        scalar = self.scalar(node, what, expected)
        if scalar is None:
            return None
        said = " ".join(scalar.value.split())
        if not said:
            self.problems.error(node, f"{what} is empty", expected=expected, code="empty")
            return None
        return said if self._fits(node, said, what, most) else None

    def _fits(self, node: Node, text: str, what: str, most: int) -> bool:
        if len(text) > most:
            message = f"{what} has {len(text):,} characters"
            self.problems.error(node, message, expected=f"{most:,} at most", code="size")
        return len(text) <= most

    def folded(self, node: Node, what: str, expected: str = "a text", *, most: int = TEXT_LIMIT) -> str | None:
        """A text as it is compared, of so many characters at most; one whose letters deceive earns a warning."""
        scalar = self.scalar(node, what, expected)
        if scalar is None:
            return None
        try:
            text = fold(scalar.value)
        except ValueError as bad:
            self.problems.error(node, f"{what}: {bad}", code="encoding")
            return None
        if not text:
            self.problems.error(node, f"{what} is empty", expected=expected, code="empty")
            return None
        if disguised(text):
            self.problems.warn(
                node,
                f"`{disguised(text)}` mixes Latin letters with letters that only look like Latin ones",
                nearest=skeleton(disguised(text)),
                code="look-alike",
            )
        return text if self._fits(node, text, what, most) else None

    def name(self, node: Node, what: str) -> str | None:
        """An id: lower-case letters, digits and underscores, beginning with a letter, 50 characters at most."""
        expected = "lower-case letters, digits and underscores, a letter first"
        scalar = self.scalar(node, what, expected)
        if scalar is None:
            return None
        if len(scalar.value) > NAME_LIMIT:
            self.problems.error(
                node, f"{what} has {len(scalar.value)} characters", expected=f"{NAME_LIMIT} at most", code="name"
            )
            return None
        if not _NAME.fullmatch(scalar.value):
            better = re.sub(r"[^a-z0-9_]+", "_", skeleton(fold(scalar.value))).strip("_")
            self.problems.error(
                node,
                f"{what} cannot be {describe(scalar)}",
                expected=expected,
                nearest=better if _NAME.fullmatch(better) else "",
                code="name",
            )
            return None
        return scalar.value

    def choice(self, node: Node, what: str, names: Iterable[str]) -> str | None:
        """One of a few words."""
        options = tuple(names)
        scalar = self.scalar(node, what, choices(options))
        if scalar is None:
            return None
        if scalar.value not in options:
            self.problems.error(
                node,
                f"{what} cannot be {describe(scalar)}",
                expected=choices(options),
                nearest=nearest(scalar.value, options, cutoff=60),
                code="choice",
            )
            return None
        return scalar.value

    def boolean(self, node: Node, what: str) -> bool | None:
        """true, false, yes or no, without quotes."""
        value = node.boolean if isinstance(node, Scalar) else None
        if value is None:
            self.problems.error(node, f"{what} cannot be {describe(node)}", expected="`true` or `false`", code="type")
        return value

    def decimal(self, node: Node, what: str, expected: str = "a number") -> Decimal | None:
        """A number without quotes."""
        value = node.number if isinstance(node, Scalar) else None
        if value is None:
            quoted = isinstance(node, Scalar) and not node.plain and Scalar(node.value, True, 0, 0).number is not None
            self.problems.error(
                node,
                f"{what} cannot be {describe(node)}",
                expected=f"{expected} without quotes" if quoted else expected,
                nearest=_bare_number(node),
                code="type",
            )
        return value

    def whole(self, node: Node, what: str, *, low: int, high: int) -> int | None:
        """A whole number within bounds."""
        expected = f"a whole number from {low:,} to {high:,}"
        value = self.decimal(node, what, expected)
        if value is None:
            return None
        if value != value.to_integral_value():
            self.problems.error(node, f"{what} cannot be {value}", expected=expected, code="range")
            return None
        if not low <= value <= high:
            self.problems.error(node, f"{what} cannot be {value:,}", expected=expected, code="range")
            return None
        return int(value)


def _bare_number(node: Node) -> str:
    """`20` for `20 points` and `"20"`."""
    if not isinstance(node, Scalar):
        return ""
    found = re.fullmatch(r"\s*([+-]?\d+(?:\.\d+)?)\s*[a-z%]*\s*", node.value, re.IGNORECASE)
    return found.group(1) if found else ""
