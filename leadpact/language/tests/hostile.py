"""Files that somebody wrote to do harm, or that a program spoiled: each with what must be said of it.

`REFUSED` are no agreements. `HARMLESS` are, and what stands in them stays text: in sentences, SQL, pages, terminals.
"""

from __future__ import annotations

from typing import Final

_FILE: Final = """\
leadpact: 1
name: {name}
lists: {{{list}: [{entry}, b]}}
fit:
  - {{id: {id}, says: {says}, if: {{{field}: {value}}}, points: {points}}}
  - {{id: named, says: Named, if: {{person.title: {{in: {list}}}}}, points: 1}}
engagement:
  - {{id: pages, says: Pages, each: {{touch: {kind}, where: {{{property}: {value}}}, within: {within}}}, points: 5, at_most: 9}}
verdicts: {{sales_ready: {{any: [{{fit: {{at_least: {score}}}}}, {{engagement: {{at_least: 5}}}}]}}}}
"""
_PLAIN: Final = {
    "name": "Small",
    "list": "entries",
    "entry": "a",
    "id": "a",
    "says": "A line",
    "field": "person.title",
    "value": "x",
    "points": "5",
    "kind": "page.viewed",
    "property": "path",
    "within": "9 days",
    "score": "1",
}
SQL: Final = '''"x'); DROP TABLE leads; -- \\\\"'''
QUOTED: Final = '''"it's \\"said\\" \\\\' OR 1=1 /* ${x} {{ y }} %s */"'''
HTML: Final = "'<script>alert(1)</script><img src=x onerror=alert(2)>&amp;'"


def file(**parts: str) -> str:
    """An agreement with some of its words replaced."""
    return _FILE.format(**{**_PLAIN, **parts})


def doubled(**parts: str) -> str:
    """An agreement with a second line that is like the first but for what is replaced."""
    extra = file(**{"id": "second", **parts}).splitlines()[4]
    return file().replace("fit:\n", f"fit:\n{extra}\n")


_BOMB: Final = "l0: &l0 [x, x]\n" + "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))
_DEEP: Final = 10_000

REFUSED: Final[dict[str, tuple[str | bytes, str, str]]] = {
    # name → file, code, part of the sentence
    "a bomb of aliases": (_BOMB, "refused", "anchor `&l0`"),
    "a merge key with an alias": (f"base: &b {{x: 1}}\n{file()}market:\n  <<: *b\n", "refused", "alias `*b`"),
    "a merge key": (f"{file()}market: {{<<: {{timezone: UTC}}}}\n", "unknown-key", "`<<` is not a key"),
    "ten megabytes": ("#" + "x" * 10_000_000, "size", "10,000,001 bytes"),
    "a list of ten megabytes": (f"lists: {{a: [{'x,' * 5_000_000}]}}", "size", "1,000,000 at most"),
    "a list nested deep": (f"a: {'[' * _DEEP}{']' * _DEEP}", "refused", "nested more than 40 deep"),
    "mappings nested deep": ("\n".join(" " * n + "a:" for n in range(1_000)), "refused", "nested more than 40 deep"),
    "conditions nested deep": (
        file().replace("{person.title: x}", "{not: " * _DEEP + "{person.title: x}" + "}" * _DEEP),
        "refused",
        "nested more than 40 deep",
    ),
    "dashes nested deep": ("- " * _DEEP, "refused", "nested more than 40 deep"),
    "question marks": ("? " * _DEEP, "syntax", "cannot be a key"),
    "quotes without end": ('"' * 100_001, "syntax", "not YAML"),
    "colons without end": ("a: " * _DEEP, "syntax", "a colon stands where none can"),
    "a tag without end": ("!" * 1_000, "refused", "is refused"),
    "a tag that runs code": ("name: !!python/object/apply:os.system [ls]\n", "refused", "tag"),
    "an anchor without end": (f"a: &{'x' * 3_000} 1\n", "refused", "anchor `&xxx"),
    "thousands of mistakes": (
        "leadpact: 1\nname: x\nfit:\n" + "  - {id: A, x: 1}\n" * 1_000,
        "more",
        "more errors behind this one",
    ),
    "SQL as an id": (file(id=SQL), "name", "lower-case letters"),
    "SQL as an attribute": (file(field='"person.x\' OR 1=1 --"'), "field", "cannot name an attribute"),
    "SQL as a property": (file(property=SQL), "field", "a property cannot be"),
    "SQL as a list": (file(list=SQL), "name", "the name of a list"),
    "HTML as an id": (file(id="<b>x</b>"), "name", "lower-case letters"),
    "HTML as an attribute": (file(field="person.<b>x</b>"), "field", "cannot name an attribute"),
    "HTML as a key": (f"{file()}'<script>alert(1)</script>': 1\n", "unknown-key", "is not a key of an agreement"),
    "HTML as a list": (file().replace("in: entries", "in: <b>x</b>"), "unknown-list", "there is no list `<b>x</b>`"),
    "NUL, raw": (file(name="a\0b"), "encoding", "U+0000"),
    "NUL in a name": (file(name='"a\\0b"'), "encoding", "U+0000"),
    "NUL in a sentence": (file(says='"a\\0b"'), "encoding", "U+0000"),
    "NUL in an id": (file(id='"a\\0b"'), "encoding", "U+0000"),
    "NUL in a value": (file(value='"a\\0b"'), "encoding", "U+0000"),
    "NUL in a kind": (file(kind='"a\\0b"'), "encoding", "U+0000"),
    "NUL in an entry": (file(entry='"a\\0b"'), "encoding", "U+0000"),
    "half a surrogate pair, raw": (file(name="a\ud800b"), "encoding", "U+D800"),
    "half a surrogate pair in a name": (file(name='"a\\ud800b"'), "encoding", "U+D800"),
    "half a surrogate pair in a value": (file(value='"\\udfff"'), "encoding", "U+DFFF"),
    "colours for the terminal": (file(name='"\\e[31mred"', says='"\\e]0;x\\a"'), "encoding", "U+001B"),
    "an order turned round": (file(says='"yas \u202e"'), "encoding", "U+202E (right-to-left override)"),
    "an order turned round, escaped": (file(name='"a \\u2067"'), "encoding", "U+2067"),
    "an order turned round in a comment": (f"{file()}# at_most: 5 \u202e\n", "encoding", "turns the order"),
    "a left-to-right mark": (file(value="a\u200e"), "encoding", "U+200E"),
    "a blank of no width in a value": (file(value="a\u200bb"), "encoding", "U+200B (zero width space)"),
    "a blank of no width in an attribute": (file(field="person.ti\u200btle"), "encoding", "U+200B"),
    "a mark of byte order inside": (file().replace("name:", "\ufeffname:"), "encoding", "U+FEFF"),
    "a joiner behind a Latin letter": (file(value="a\u200db"), "encoding", "U+200D"),
    "letters of tags": (file(says='"A\U000e0041"'), "encoding", "U+E0041"),
    "an id that looks like another": (doubled(id="\u0430"), "name", "did you mean `a`?"),
    "an attribute that looks like a known one": (file(field="person.t\u0456tle"), "look-alike", "mean `person.title`?"),
    "an attribute that looks like another": (
        file(field="person.copy").replace(
            "fit:\n", "fit:\n  - {id: b, says: B, if: {person.\u0441\u043e\u0440\u0443: 1}, points: 1}\n"
        ),
        "look-alike",
        "looks like",
    ),
    "a property of two scripts": (file(property="p\u0430th"), "look-alike", "mean `path`?"),
    "a kind that looks like a known one": (file(kind="p\u0430ge.viewed"), "look-alike", "mean `page.viewed`?"),
    "a verdict that looks like a known one": (
        file().replace("sales_ready", "s\u0430les_ready"),
        "verdict",
        "did you mean",
    ),
    "a score that looks like a known one": (file().replace("{fit: {at", "{f\u0456t: {at"), "field", "is neither"),
    "billions of points": (file(points="5000000000"), "range", "5,000,000,000"),
    "a number without end": (file(points="9" * 900_000), "range", "`points` cannot be 999,"),
    "a number that no column holds": (file(value="{at_least: 99999999999999999999}"), "range", "12 digits before"),
    "an exponent": (file(points="1e999999"), "type", "`1e999999`"),
    "no number": (file(value="{at_least: .nan}"), "type", "`.nan`"),
    "infinity": (file(points=".inf"), "type", "`.inf`"),
    "a hexadecimal number": (file(points="0x10"), "type", "`0x10`"),
    "a window of a million years": (file(within="999999999 days"), "range", "100 years at most"),
    "a threshold past every score": (file(score="999999999999999"), "range", "999999999999999"),
    "a key written twice": (f"{file()}name: Other\n", "duplicate", "`name` is written twice (first in line 2)"),
    "a line written twice": (doubled(id="a"), "duplicate", "the id `a` is taken already"),
    "a tab": (file().replace("  - {id: a", "\t- {id: a"), "syntax", "a tab stands where blanks are needed"),
    "ends of lines of a mainframe": (file().replace("\n", "\x85"), "syntax", "not YAML"),
    "UTF-16": (file().encode("utf-16"), "encoding", "this is UTF-16 text"),
    "UTF-16 without a mark": (file().encode("utf-16-be"), "encoding", "this is UTF-16 text"),
    "UTF-32": (file().encode("utf-32"), "encoding", "this is UTF-32 text"),
    "Latin-1": (file(says="Größe").encode("latin-1"), "encoding", "not UTF-8"),
    "bytes": (bytes(range(256)) * 40, "encoding", "UTF-16"),
    "a packed file": (b"\x1f\x8b\x08\x00\x00", "encoding", "a packed file"),
    "a spreadsheet": (b"PK\x03\x04\x14\x00", "encoding", "a spreadsheet"),
    "a page": ("<!DOCTYPE html><html></html>", "type", "expected a mapping"),
    "a table": ("lead_id,email\n1,a@b.example\n", "type", "expected a mapping"),
    "a name without end": (file(name="x" * 100_000), "size", "100,000 characters"),
    "a sentence without end": (file(says="y" * 100_000), "size", "500 at most"),
    "a value without end": (file(value="z" * 100_000), "size", "1,000 at most"),
    "a kind without end": (file(kind="k" * 61), "size", "60 at most"),
    "a list's name without end": (file().replace("in: entries", f"in: {'q' * 300_000}"), "unknown-list", "no list `qq"),
    "a key without end": (f"{file()}{'k' * 100_000}: 1\n", "syntax", "a key without a colon"),
    "an empty key": (f'{file()}"": 1\n', "unknown-key", "`` is not a key"),
    "a mapping as a key": (f"{file()}? {{a: 1}}\n: 2\n", "syntax", "a mapping cannot be a key"),
}

HARMLESS: Final[dict[str, str | bytes]] = {
    "SQL as text": file(name=SQL, says=SQL, value=SQL, kind=SQL, entry=SQL),
    "quotes, backslashes and braces": file(name=QUOTED, says=QUOTED, value=QUOTED, entry=QUOTED),
    "HTML as text": file(name=HTML, says=HTML, value=HTML, kind=HTML, entry=HTML),
    "a mark of byte order": b"\xef\xbb\xbf" + file().encode(),
    "ends of lines of Windows": file().replace("\n", "\r\n"),
    "ends of lines of an old Mac": file().replace("\n", "\r"),
    "lines in a text": file(name='"a\\nb"', says='"a\\n\\n b\\t"'),
    "separators of lines": file(says='"a\u2028b\u2029c"'),
    "a condition nested thirty deep": file().replace(
        "{person.title: x}", "{not: " * 30 + "{person.title: x}" + "}" * 30
    ),
    "thousands of numbers": file(value=f"{{in: [{', '.join(str(n) for n in range(5_000))}]}}"),
    "the largest numbers": file(value="{between: [-999999999999.999999, 999999999999.999999]}", points="-10000"),
    "Russian": file(field="person.должность", property="страница", value="'Руководитель отдела'"),
    "Persian with a joiner": file(says="می\u200cخواهم", value="می\u200cخواهم"),
    "a family": file(
        says="'\U0001f468\u200d\U0001f469\u200d\U0001f467'", value="'\U0001f468\u200d\U0001f469\u200d\U0001f467'"
    ),
    "Turkish": file(field="person.sınıf", value="ılık"),
    "a value of two scripts": file(value="initech.ex\u0430mple"),
    "percent signs": file(value="'100%s %(x)s {0} {{'", kind="'%s'"),
    "a name that stands for nothing": file(value="'null'", kind="'null'", entry="'~'"),
}
