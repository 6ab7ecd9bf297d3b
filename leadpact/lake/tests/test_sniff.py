from __future__ import annotations

import gzip

import pytest

from leadpact.lake.problems import FileProblem
from leadpact.lake.sniff import legacy, sniff
from leadpact.lake.tests.conftest import Write

WESTERN = "lead_id,created_at,company\n1,2024-01-02,Café Müller & Söhne\n2,2024-01-03,Peña «Norte»\n"


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("latin-1", "cp1252"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings_are_told_apart(write: Write, encoding: str, found: str) -> None:
    path = write("file.csv", WESTERN.encode(encoding))
    assert sniff(path).encoding == found


def test_cyrillic_is_not_read_as_western() -> None:
    assert legacy("Общество с ограниченной ответственностью, Московский завод".encode("cp1251")) == "cp1251"


def test_a_few_broken_lines_do_not_turn_utf8_into_latin1(write: Write) -> None:
    good = "".join(f"{n},2024-01-02,Café {n}\n" for n in range(5)).encode()
    shape = sniff(write("file.csv", b"lead_id,created_at,company\n" + good + b"9,2024-01-02,Caf\xe9\n"))
    assert (shape.encoding, shape.broken_lines) == ("utf-8", 1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(write: Write, delimiter: str) -> None:
    rows = [["lead_id", "created_at", "note"], ["1", "2024-01-02", "a"], ["2", "2024-01-03", "b"]]
    shape = sniff(write("file.csv", "\n".join(delimiter.join(row) for row in rows)))
    assert shape.delimiter == delimiter


def test_commas_inside_quotes_do_not_win_over_semicolons(write: Write) -> None:
    text = 'lead_id;created_at;note\n1;2024-01-02;"a, b, c, d"\n2;2024-01-03;"e, f, g, h"\n'
    assert sniff(write("file.csv", text)).delimiter == ";"


def test_a_said_separator_is_believed(write: Write) -> None:
    shape = sniff(write("file.csv", "sep=|\na|b,c\n1|2,3\n"))
    assert (shape.delimiter, shape.said_separator) == ("|", True)


def test_gzip_is_unpacked_by_its_bytes_and_not_by_its_name(write: Write) -> None:
    shape = sniff(write("file.csv", gzip.compress(WESTERN.encode())))
    assert (shape.gzipped, shape.format, shape.encoding) == (True, "csv", "utf-8")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\xef\xbb\xbf \n", "is empty"),
        ("a.xlsx", b"PK\x03\x04rest", "save the sheet as CSV"),
        ("a.zip", b"PK\x03\x04rest", "unpack it"),
        ("a.csv", b"%PDF-1.7", "not a table of text"),
        ("a.csv", b"<!doctype html><p>", "web page"),
        ("a.csv.gz", gzip.compress(b"a,b\n" * 90_000, compresslevel=1)[:300], "damaged gzip"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(write: Write, name: str, content: bytes, says: str) -> None:
    with pytest.raises(FileProblem, match=says):
        sniff(write(name, content))


def test_a_missing_file_and_a_folder_are_said_to_be_so(write: Write) -> None:
    path = write("file.csv", "a")
    with pytest.raises(FileProblem, match="no such file"):
        sniff(path.with_name("other.csv"))
    with pytest.raises(FileProblem, match="is a folder"):
        sniff(path.parent)
