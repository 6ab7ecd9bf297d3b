"""Physical records of a text file, each with its line number; what is damaged goes to `reject`, never further.

A quote that is opened and not closed would swallow the rest of a file. So a record that the CSV rules refuse, or
that grows beyond reason, costs exactly its first line: reading starts again at the next one.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import deque
from decimal import Decimal
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from leadpact.lake.problems import FileProblem
from leadpact.lake.sniff import Shape, open_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

LONGEST_RECORD = 1 << 20
MOST_LINES = 2_000
BLOCK = 20_000
WHOLE_JSON = 256 << 20


def open_text(path: Path, shape: Shape) -> io.TextIOWrapper:
    """The file as text. Bytes that its encoding does not know become lone surrogates, which `unreadable` finds."""
    errors = "surrogateescape" if shape.encoding.startswith("utf-8") or shape.encoding == "ascii" else "replace"
    # newline="" keeps line ends inside quoted cells as they are.
    return io.TextIOWrapper(open_bytes(path, gzipped=shape.gzipped), encoding=shape.encoding, errors=errors, newline="")


def position(file: io.TextIOWrapper) -> int:
    """How many bytes of the file on disk are read, packed or not."""
    packed: Any = file.buffer
    inner: Any = packed.fileobj if isinstance(packed, gzip.GzipFile) else packed
    return int(inner.tell())


def unreadable(cells: Iterable[str]) -> str | None:
    """Why this text cannot be kept, or None. PostgreSQL and the agreement language both refuse these."""
    for cell in cells:
        if cell.isascii():
            if "\x00" in cell:
                return "it holds a NUL character"
            continue
        for letter in cell:
            if "\udc80" <= letter <= "\udcff":
                return f"byte 0x{ord(letter) - 0xDC00:02X} is not UTF-8"
            if "\ud800" <= letter <= "\udfff":
                return "it holds half of a character (a lone surrogate)"
        if "\x00" in cell:
            return "it holds a NUL character"
    return None


class _Feed:
    """Lines for the csv reader, remembering those of the record that is being read."""

    def __init__(self, lines: Iterable[str], line: int) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self.pending: list[str] = []
        self.size = 0
        self.line = line

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.line += 1
        self.pending.append(line)
        self.size += len(line)
        if self.size > LONGEST_RECORD or len(self.pending) > MOST_LINES:
            raise csv.Error("unexpected end of data")
        return line

    def begin(self) -> None:
        self.pending.clear()
        self.size = 0

    def give_back(self) -> str:
        """All lines but the first are to be read again; the first is returned."""
        first, rest = self.pending[0], self.pending[1:]
        self._again.extendleft(reversed(rest))
        self.line -= len(rest)
        return first

    def rest(self) -> Iterator[str]:
        """The lines that were not read yet."""
        return chain(list(self._again), self._lines)


class CsvRecords:
    """(line, cells) for each record of a CSV; blank lines are passed over.

    `width`, once the header has told it, is how many cells a record has: one over several lines that has another number
    was opened by a stray quote, and costs its first line as well.
    """

    def __init__(self, lines: Iterable[str], delimiter: str, reject: Callable[[int, str, str], None]) -> None:
        csv.field_size_limit(LONGEST_RECORD)
        self._lines = iter(lines)
        self._delimiter = delimiter or "\x1f"
        self._reject = reject
        self.width: int | None = None

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Blocks of lines are read at one go; only a block in which something is amiss is read line by line."""
        line, size = 0, 1
        while block := list(islice(self._lines, size)):
            size = BLOCK
            whole = self._at_one_go(block)
            if whole is None:
                yield from self._line_by_line(block, line)
                line = self._line
            else:
                for number, row in whole:
                    yield line + number, row
                line += len(block)

    def _at_one_go(self, block: list[str]) -> list[tuple[int, list[str]]] | None:
        """The records of a block that ends where a record does; None when it does not, or when one of them is odd."""
        reader = csv.reader(block, delimiter=self._delimiter, strict=True)
        out: list[tuple[int, list[str]]] = []
        begin = 1
        try:
            for row in reader:
                end = reader.line_num
                if end > begin and (end - begin >= MOST_LINES or (self.width is not None and len(row) != self.width)):
                    return None
                if row and (len(row) > 1 or row[0].strip()):
                    out.append((begin, row))
                begin = end + 1
        except csv.Error:
            return None
        return out

    def _line_by_line(self, block: list[str], line: int) -> Iterator[tuple[int, list[str]]]:
        """The records that begin in a block; the last of them may end behind it."""
        last = line + len(block)
        feed = _Feed(chain(block, self._lines), line)
        reader = csv.reader(feed, delimiter=self._delimiter, strict=True)
        while feed.line < last:
            feed.begin()
            why = ""
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                why, row = _why(str(error)), []
            if not why and len(feed.pending) > 1 and self.width is not None and len(row) != self.width:
                why = _why("unexpected end of data")
            if why:
                first = feed.give_back()
                self._reject(feed.line, why, first.rstrip("\r\n"))
                reader = csv.reader(feed, delimiter=self._delimiter, strict=True)
            elif row and (len(row) > 1 or row[0].strip()):
                yield feed.line - len(feed.pending) + 1, row
        self._line = feed.line
        self._lines = feed.rest()


def _why(error: str) -> str:
    if "unexpected end" in error or "field larger" in error:
        return "a quotation mark is opened and not closed"
    if "expected after" in error:
        return "a quotation mark stands inside a quoted cell without being doubled"
    return error


def json_records(
    path: Path, shape: Shape, reject: Callable[[int, str, str], None]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, object) for each JSON object: one a line, or a whole array (then `line` counts its items)."""
    with open_text(path, shape) as file:
        if shape.format == "json":
            text = file.read(WHOLE_JSON + 1).removeprefix("\ufeff")
            if len(text) > WHOLE_JSON:
                raise FileProblem(f"{path} is one JSON array of over 256 MB: write one object a line (JSON Lines).")
            try:
                items = json.loads(text, parse_float=Decimal)
            except ValueError as error:
                raise FileProblem(f"{path} is not valid JSON: {error}.") from error
            for number, item in enumerate(items, 1):
                if isinstance(item, dict):
                    yield number, item
                else:
                    reject(number, "it is not an object", json.dumps(item, default=str))
            return
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                item = json.loads(line.removeprefix("\ufeff"), parse_float=Decimal)
            except (ValueError, RecursionError) as error:
                why = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
                reject(number, f"it is not valid JSON ({why})", line.rstrip("\r\n"))
                continue
            if isinstance(item, dict):
                yield number, item
            else:
                reject(number, "it is not a JSON object", line.rstrip("\r\n"))


def flat(item: dict[str, Any], prefix: str = "") -> dict[str, str | None]:
    """Nested objects with dotted names, values as text. Lists stay JSON."""
    out: dict[str, str | None] = {}
    for key, value in item.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            out.update(flat(value, f"{name}."))
        elif value is None:
            out[name] = None
        elif isinstance(value, bool):
            out[name] = "true" if value else "false"
        elif isinstance(value, Decimal):
            out[name] = format(value, "f")
        elif isinstance(value, list):
            out[name] = json.dumps(value, ensure_ascii=False, default=str)
        else:
            out[name] = str(value)
    return out
