"""From text to a tree in which every word knows its line: YAML, but only the harmless part of it.

The tree is built from the parser's events, so that every scalar keeps its place, its spelling and whether it stood in
quotes; nothing is converted behind our back (`no` stays `no` until somebody knows what is expected there). Aliases,
anchors, tags, directives and second documents are refused before anything is built from them.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from leadpact.language.looks import cleared, told, unseen
from leadpact.language.problems import Place, Problems
from leadpact.language.source_lists import Run, cut

SIZE_LIMIT: Final = 1_000_000
DEPTH_LIMIT: Final = 40
SHOWN: Final = 40
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OTHER_FILES: Final = (
    (b"\xff\xfe\0\0", "UTF-32 text"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"PK\x03\x04", "a packed file (a spreadsheet or a document, perhaps)"),
    (b"\x1f\x8b", "a packed file"),
    (b"%PDF", "a PDF"),
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)", re.ASCII)
_BOOLEANS: Final = {"true": True, "yes": True, "false": False, "no": False}
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """A word, a number or a text. `plain` is false where it stood in quotes or in a block."""

    value: str
    plain: bool
    line: int
    column: int

    @property
    def number(self) -> Decimal | None:
        """The number that an unquoted scalar spells."""
        return Decimal(self.value) if self.plain and _NUMBER.fullmatch(self.value) else None

    @property
    def boolean(self) -> bool | None:
        """The boolean that an unquoted scalar spells: true, false, yes, no."""
        return _BOOLEANS.get(self.value.casefold()) if self.plain else None

    @property
    def nothing(self) -> bool:
        """Whether nothing stands there."""
        return self.plain and self.value in _NOTHING


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: list[Node]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the file."""

    entries: list[tuple[Scalar, Node]]
    line: int
    column: int


Node = Scalar | Sequence | Mapping


def describe(node: Node) -> str:
    """What stands there, for a message."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.nothing:
        return "nothing"
    if node.number is not None:
        return f"the number {_short(node.value)}"
    if node.boolean is not None:
        return f"`{node.value}`"
    return f"the text `{_short(node.value)}`"


def _short(text: str) -> str:
    """A piece of the file for a message: as much of it as tells which one is meant, and nothing unseen."""
    text = cleared(text)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "…"


def decode(text: str | bytes, problems: Problems) -> str | None:
    """The text of a file: UTF-8, with or without its mark, one megabyte at most."""
    start = Place(1, 1)
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > SIZE_LIMIT:
        problems.error(
            start,
            f"the file has {size:,} bytes; an agreement has {SIZE_LIMIT:,} at most",
            code="size",
        )
        return None
    if isinstance(text, bytes):
        other = next((what for sign, what in _OTHER_FILES if text.startswith(sign)), "")
        other = other or ("UTF-16 text" if b"\0" in text[:2] and len(text) > 1 else "")
        if other:
            problems.error(start, f"this is {other}", expected="a text file saved as UTF-8", code="encoding")
            return None
        try:
            return text.decode("utf-8-sig")
        except UnicodeDecodeError as bad:
            before = text[: bad.start].decode("utf-8", "replace")
            place = Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
            problems.error(place, "this byte is not UTF-8 text", expected="a file saved as UTF-8", code="encoding")
            return None
    return text.removeprefix("\ufeff")


def read(text: str, problems: Problems) -> Node | None:
    """The tree of a file, or None with the reason noted."""
    short, runs = cut(text)
    if runs:
        attempt = Problems()
        root = _read(short, attempt, runs)
        if root is not None and not attempt.failures:
            return root
    return _read(text, problems)


def _read(text: str, problems: Problems, runs: tuple[Run, ...] = ()) -> Node | None:
    """The tree of a text from which some runs of entries were cut; None also where one of them is none."""
    builder = _Builder(problems, {run.line: run for run in runs})
    try:
        for event in YAML(typ="safe", pure=True).parse(io.StringIO(text)):
            if not builder.take(event):
                return None
    except ReaderError as bad:
        before = text[: bad.position]
        place = Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        problems.error(place, f"the character U+{ord(text[bad.position]):04X} cannot stand in a file", code="encoding")
        return None
    except MarkedYAMLError as bad:
        mark = bad.problem_mark or bad.context_mark
        place = Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)
        problems.error(place, _syntax(text, place, bad), code="syntax")
        return None
    except (YAMLError, ValueError, RecursionError) as bad:
        problems.error(Place(1, 1), f"this is not YAML: {str(bad).splitlines()[0]}", code="syntax")
        return None
    turned = _TURNS.search(text)
    if turned is not None and not problems.failures:
        before = text[: turned.start()]
        place = Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        message = f"the unseen character {told(turned[0])} turns the order of what is read here"
        problems.error(place, message, expected="the line written anew, without it", code="encoding")
    return builder.root if builder.whole() else None


# What the YAML parser says → what to do. `{line}` is where the thing began.
_PLAIN_REASONS: Final = (
    ("flow sequence", "the list that opens with `[` in line {line} is not closed, or a comma is missing in it"),
    ("flow mapping", "the braces that open with `{{` in line {line} are not closed, or a comma is missing in them"),
    ("quoted scalar", "the quotes that open in line {line} are not closed"),
    ("node content", "something is missing before this"),
    ("mapping values are not allowed", "a colon stands where none can; a text with a colon in it needs quotes"),
    ("could not find expected ':'", "a key without a colon"),
    ("cannot start any token", "a text that begins with this character needs quotes"),
    ("block end", "this line is indented unlike those it belongs to, or a dash is missing or too many"),
)


def _syntax(text: str, place: Place, bad: MarkedYAMLError) -> str:
    """What the parser stumbled on, in words; nothing below that place has been read."""
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    said = " ".join(" ".join(part for part in (bad.context, bad.problem) if part).split())
    if "\t" in line[: place.column]:
        reason = "a tab stands where blanks are needed"
    else:
        began = place.line if bad.context_mark is None else bad.context_mark.line + 1
        plain = next((plain for sign, plain in _PLAIN_REASONS if sign in said), "")
        # The parser's own words may quote braces of the text: they are no form to be filled in.
        reason = plain.format(line=began) if plain else said or "the text breaks off"
    return f"this is not YAML: {reason} (what follows is read when this is mended)"


@dataclass(slots=True)
class _Builder:
    """Builds the tree from events; stops at what is refused."""

    problems: Problems
    runs: dict[int, Run] = field(default_factory=dict[int, Run])
    root: Node | None = None
    _last: list[tuple[Sequence, int, Scalar]] = field(default_factory=list[tuple[Sequence, int, Scalar]])
    _open: list[Sequence | Mapping] = field(default_factory=list[Sequence | Mapping])
    _keys: list[Scalar | None] = field(default_factory=list["Scalar | None"])
    _documents: int = 0

    def take(self, event: Event) -> bool:
        """Take one event; False stops the reading. Anchors and tags are noted, and reading goes on without them."""
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        refused = self._refused(event)
        if refused:
            self.problems.error(place, refused, code="refused")
            if not isinstance(event, ScalarEvent | CollectionStartEvent):
                return False
        if isinstance(event, ScalarEvent):
            return self._put(Scalar(self._seen(event.value, place), event.style is None, place.line, place.column))
        if isinstance(event, MappingStartEvent):
            return self._begin(Mapping([], place.line, place.column))
        if isinstance(event, SequenceStartEvent):
            return self._begin(Sequence([], place.line, place.column))
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._open.pop()
            self._keys.pop()
        return True

    def _seen(self, text: str, place: Place) -> str:
        """The text; what cannot be seen in it is noted and left out, so that reading can go on."""
        bad = unseen(text)
        if not bad:
            return text
        message = f"the unseen character {told(bad)} stands in this text"
        self.problems.error(place, message, expected="the text written anew, without it", code="encoding")
        return cleared(text)

    def _refused(self, event: Event) -> str:
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                return "a second document begins here; one file holds one agreement"
            if event.version or event.tags:
                return "YAML directives (`%…`) are refused in an agreement"
        if isinstance(event, AliasEvent):
            return f"the alias `*{_short(event.anchor)}` is refused; write the thing out again"
        if isinstance(event, ScalarEvent | CollectionStartEvent):
            if event.anchor:
                return f"the anchor `&{_short(event.anchor)}` is refused; an agreement has no hidden copies"
            if event.tag:
                return f"the tag `{_short(str(event.tag))}` is refused; plain values say what they are"
        return ""

    def _put_back(self, parent: Sequence, run: Run) -> None:
        """The inner entries of a run, behind its first; its last one has to come next."""
        scalars = [Scalar(word, True, run.line + n, run.column) for n, word in enumerate(run.words)]
        parent.items.extend(scalars[1:-1])
        self._last.append((parent, len(parent.items), scalars[-1]))

    def whole(self) -> bool:
        """Whether every run was what it looked like."""
        found = [parent.items[place : place + 1] == [last] for parent, place, last in self._last]
        return all(found) and len(found) == len(self.runs)

    def _begin(self, node: Sequence | Mapping) -> bool:
        if not self._put(node):
            return False
        self._open.append(node)
        self._keys.append(None)
        if len(self._open) > DEPTH_LIMIT:
            self.problems.error(node, f"this is nested more than {DEPTH_LIMIT} deep", code="refused")
            return False
        return True

    def _put(self, node: Node) -> bool:
        if not self._open:
            self.root = node
            return True
        parent = self._open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
            run = self.runs.get(node.line)
            if run is not None and node == Scalar(run.words[0], True, run.line, run.column):
                self._put_back(parent, run)
            return True
        key = self._keys[-1]
        if key is not None:
            parent.entries.append((key, node))
            self._keys[-1] = None
        elif isinstance(node, Scalar):
            self._keys[-1] = node
        else:
            self.problems.error(node, f"{describe(node)} cannot be a key", expected="a name", code="syntax")
            return False
        return True
