"""What kind of file is this? Format, compression, encoding and delimiter, found from the bytes alone.

The order of the questions matters: a UTF-16 file looks like junk to every later test, and nearly every
sequence of bytes is legal cp1252, so the legacy encodings are asked last.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, cast

from charset_normalizer import from_bytes

from leadpact.lake.problems import FileProblem, WrongCall

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = 1 << 18
WHOLE_LOOK = 1 << 26
DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "": "none"}
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LEGACY = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp932", "euc_kr", "gb18030", "big5", "mac_roman", "cp850"]
# Letters that Western European names are written with: when every byte above 127 becomes one of them under
# cp1252, no statistics are needed.
WESTERN = set("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽžŸ€£§°«»´·©®–—‘’“”…ºª¿¡²³ \u00a0")


@dataclass(frozen=True, slots=True)
class Shape:
    """What `sniff` found. `broken_lines` counts lines of a UTF-8 file that are not UTF-8."""

    format: str
    gzipped: bool = False
    encoding: str = "utf-8"
    delimiter: str = ","
    said_separator: bool = False
    broken_lines: int = 0

    def __str__(self) -> str:
        names = {"csv": "CSV", "jsonl": "JSON Lines", "json": "JSON", "parquet": "Parquet"}
        parts = [names[self.format]]
        if self.format == "csv":
            parts.append(f"{DELIMITER_NAMES[self.delimiter]}-separated" if self.delimiter else "one column")
        if self.format != "parquet":
            parts.append(encoding_name(self.encoding))
        if self.gzipped:
            parts.append("gzip")
        return ", ".join(parts)


def encoding_name(encoding: str) -> str:
    """How people call it."""
    known = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with BOM", "cp1252": "Latin-1 (Windows-1252)", "latin-1": "Latin-1"}
    return known.get(encoding, encoding.upper().replace("_", "-"))


def open_bytes(path: Path, *, gzipped: bool) -> IO[bytes]:
    """The file's bytes, unpacked."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if gzipped else path.open("rb")


def sniff(path: Path, *, encoding: str | None = None) -> Shape:
    """The shape of a file. Raises FileProblem when it is missing, empty, or of a kind that is not read."""
    if not path.exists():
        raise FileProblem(f"{path}: there is no such file.")
    if path.is_dir():
        raise FileProblem(f"{path} is a folder: name a file in it.")
    try:
        with path.open("rb") as file:
            head = file.read(SAMPLE)
    except OSError as error:
        raise FileProblem(f"{path} cannot be opened: {error.strerror}.") from error
    gzipped = head.startswith(b"\x1f\x8b")
    if gzipped:
        try:
            with open_bytes(path, gzipped=True) as file:
                head = file.read(SAMPLE)
        except (OSError, EOFError, zlib.error) as error:
            raise FileProblem(f"{path} is a damaged gzip file: pack it again.") from error
    _refuse(path, head)
    if head.startswith(b"PAR1"):
        if gzipped:
            raise FileProblem(f"{path} is Parquet inside gzip: unpack it first (gunzip).")
        return Shape("parquet")
    found, broken = (encoding, 0) if encoding else _encoding(path, head, gzipped=gzipped)
    try:
        text = codecs.getincrementaldecoder(found)(errors="replace").decode(head)
    except LookupError as error:
        raise WrongCall(f"--encoding {found}: no such encoding; try utf-8, cp1252, utf-16 or latin-1.") from error
    text = text.removeprefix("\ufeff")
    shape = Shape("csv", gzipped=gzipped, encoding=found, broken_lines=broken)
    start = text.lstrip()
    if start.startswith("{"):
        return replace(shape, format="jsonl")
    if start.startswith("[") and start[1:].lstrip()[:1] in {"{", "]"}:
        return replace(shape, format="json")
    delimiter, said = _delimiter(text)
    return replace(shape, delimiter=delimiter, said_separator=said)


def _refuse(path: Path, head: bytes) -> None:
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise FileProblem(f"{path} is empty.")
    if head.startswith(b"PK\x03\x04"):
        if path.suffix.lower() in {".xlsx", ".xlsm", ".ods"}:
            raise FileProblem(f"{path} is a spreadsheet: save the sheet as CSV and give that.")
        raise FileProblem(f"{path} is a zip archive: unpack it and give the file inside.")
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileProblem(f"{path} is an old Excel workbook: save the sheet as CSV and give that.")
    if head.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"SQLite format 3")):
        raise FileProblem(f"{path} is not a table of text: give CSV, JSON Lines or Parquet.")
    if head.lstrip()[:9].lower() in {b"<!doctype", b"<html lan"} or head.lstrip()[:6].lower() in {b"<html>", b"<?xml "}:
        raise FileProblem(f"{path} is a web page or XML, not a table: export it as CSV and give that.")


def _encoding(path: Path, head: bytes, *, gzipped: bool) -> tuple[str, int]:
    for mark, name in BOMS:
        if head.startswith(mark):
            return name, 0
    zeros_even, zeros_odd = head[0:2000:2].count(0), head[1:2000:2].count(0)
    half = len(head[:2000]) // 2 or 1
    if zeros_odd > half * 0.4 and zeros_even < half * 0.1:
        return "utf-16-le", 0
    if zeros_even > half * 0.4 and zeros_odd < half * 0.1:
        return "utf-16-be", 0
    if head.count(0) > len(head) * 0.05:
        raise FileProblem(f"{path} is not a table of text: give CSV, JSON Lines or Parquet.")
    whole = _whole_utf8(path, gzipped=gzipped)
    if whole is None:
        return "utf-8", 0
    good, broken, sample = whole
    # A UTF-8 file with some damaged lines stays UTF-8: read as Latin-1 all its other accents would turn to rubbish.
    if good > broken:
        return "utf-8", broken
    return legacy(sample), 0


def _whole_utf8(path: Path, *, gzipped: bool) -> tuple[int, int, bytes] | None:
    """None when all of it is UTF-8; else (lines with proper multi-byte letters, lines that are broken, sample)."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open_bytes(path, gzipped=gzipped) as file:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        pass
    except (OSError, EOFError, zlib.error) as error:
        raise FileProblem(f"{path} is a damaged gzip file: pack it again.") from error
    else:
        return None
    good = broken = seen = 0
    sample: list[bytes] = []
    with open_bytes(path, gzipped=gzipped) as file:
        for line in file:
            seen += len(line)
            if line.isascii():
                continue
            try:
                line.decode("utf-8")
                good += 1
            except UnicodeDecodeError:
                broken += 1
            if len(sample) < 2_000:
                sample.append(line)
            if seen > WHOLE_LOOK:
                break
    return good, broken, b"".join(sample)


def legacy(sample: bytes) -> str:
    """The encoding of bytes that are not Unicode. Western European unless the letters speak against it."""
    try:
        letters = {letter for letter in sample.decode("cp1252") if ord(letter) > 127}
    except UnicodeDecodeError:
        letters = {"?"}
    if letters <= WESTERN:
        return "cp1252"
    best = from_bytes(sample, cp_isolation=LEGACY, threshold=0.5).best()
    if best is None or best.encoding in {"ascii", "utf_8"}:
        return "latin-1"
    return best.encoding.replace("_", "-") if best.encoding.startswith("utf") else best.encoding


def _delimiter(text: str) -> tuple[str, bool]:
    """The delimiter that cuts the first lines into most equal pieces; "" when the file has one column."""
    lines = text.splitlines()
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) == len("sep=,"):
        return lines[0][4], True
    best, points = "", 0.0
    for delimiter in DELIMITERS:
        widths = _widths(text, delimiter)
        if not widths or widths[0] < 2:
            continue
        same = sum(width == widths[0] for width in widths) / len(widths)
        if same * (1 + widths[0] / 1_000) > points:
            best, points = delimiter, same * (1 + widths[0] / 1_000)
    return best, False


def _widths(text: str, delimiter: str) -> list[int]:
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row:
                widths.append(len(row))
            if len(widths) >= 50:
                break
    except csv.Error:
        pass
    return widths[:-1] if len(widths) > 2 and len(text) >= SAMPLE - 4 else widths
