"""What the documentation takes from the code when it is built, so that nothing is written down twice.

A page asks for it by a comment of its own line: `<!-- made: NAME ARGUMENT -->`. A name that is not known, or a file that is
not there, stops the build.
"""
# ruff: noqa: INP001 mkdocs loads this file by its path

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
ASKED = re.compile(r"^<!-- made: (\S+) ?(.*?) -->$", re.MULTILINE)
DRAWING = re.compile(r"^```mermaid\n.*?^```$", re.MULTILINE | re.DOTALL)
# A README's link to another room's README leads to that room's page.
TO_A_ROOM = re.compile(r"\]\(\.\./([a-z]+)/README\.md(#[^)]*)?\)")
WIDTH = 100


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs with each page's text."""
    return ASKED.sub(lambda asked: MAKERS[asked[1]](asked[2]), markdown)


def readme(path: str) -> str:
    """A file of the repository as it stands. A drawing that a browser would need a script for becomes the table of moves."""
    text = (ROOT / path).read_text(encoding="utf-8").strip()
    text = TO_A_ROOM.sub(r"](\1.md\2)", text)
    return DRAWING.sub(lambda _: moves(""), text)


def section(argument: str) -> str:
    """`PATH TITLE`: what stands under one second-level title of a file."""
    path, title = argument.split(" ", 1)
    parts = re.split(r"^## (.+)$", (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[title].strip()


def code(path: str) -> str:
    """A file of the repository, as code."""
    return fence((ROOT / path).read_text(encoding="utf-8"), Path(path).suffix.lstrip("."))


# --- the ledger ----------------------------------------------------------------------------------------------------------


def moves(_: str) -> str:
    """Every move that the ledger allows and that changes the state, by the state before it."""
    from leadpact.custody import entries

    rows: dict[tuple[str, str, str], dict[str, None]] = {}
    for rule in entries.RULES:
        if rule.before != rule.after and rule.move not in {"corrected", "merged_into", "unmerged", "erased"}:
            rows.setdefault((rule.before, rule.move, rule.after), {})[rule.actor] = None
    return table(
        ("from", "move", "to", "then with", "by"),
        [
            (before or "—", f"`{move}`", after, entries.STATES[after].holder, ", ".join(actors))
            for (before, move, after), actors in rows.items()
        ],
    )


def states(_: str) -> str:
    """Every state, its holder and the clocks that can run in it."""
    from leadpact.custody import entries

    rows = [
        (f"`{state.name}`", state.holder, f"a lead that {state.says}", ", ".join(f"`{one}`" for one in state.clocks))
        for state in entries.STATES.values()
    ]
    return table(("state", "holder", "is", "clocks"), rows)


# --- commands ------------------------------------------------------------------------------------------------------------


def commands(_: str) -> str:
    """The help of every command, in the order of `leadpact --help`."""
    from leadpact.site.cli import leadpact

    return "\n\n".join(text for _, text in walk(leadpact, "leadpact", None))


def walk(command: click.Command, name: str, parent: click.Context | None) -> Iterable[tuple[str, str]]:
    """A command and all below it: its whole name, and its help as Markdown."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH)
    yield (
        context.command_path,
        f"## {context.command_path}\n\n{fence(command.get_help(context), 'text')}",
    )
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None and not found.hidden:
                yield from walk(found, below, context)


# --- the language --------------------------------------------------------------------------------------------------------


def kinds(_: str) -> str:
    """Every registered kind of touch."""
    from leadpact.language.kinds import KINDS

    rows = [
        (f"`{kind.id}`", f"{'they' if kind.theirs else 'we'} {kind.says}", "theirs" if kind.theirs else "ours")
        for kind in KINDS.values()
    ]
    return table(("kind", "says", "whose"), rows)


def fields(_: str) -> str:
    """Every attribute that is known by name."""
    from leadpact.language.fields import FIELDS

    return table(("attribute", "is read as"), [(f"`{field.id}`", field.noun) for field in FIELDS.values()])


def builtin_lists(_: str) -> str:
    """Every list that comes along."""
    from leadpact.language import builtin

    rows = [(f"`{name}`", builtin.SAYS[name], f"{len(builtin.entries(name)):,}") for name in builtin.NAMES]
    return table(("list", "a domain in it is", "domains"), rows)


def example_in_words(_: str) -> str:
    """The example file read aloud."""
    from leadpact.language.parse import parse_or_raise
    from leadpact.language.words import say_agreement

    text = (ROOT / "leadpact/language/example.yaml").read_text(encoding="utf-8")
    return fence(say_agreement(parse_or_raise(text)), "text")


def meaning(_: str) -> str:
    """The spec tables: each chapter with its examples, which the tests hold true on every engine."""
    from leadpact.language.tests.spec_tables import chapters

    made: list[str] = []
    for chapter in chapters():
        made += [f"## {chapter.title}", chapter.introduction]
        made += [spec_page(spec) for spec in chapter.specs]
    return "\n\n".join(made)


def spec_page(spec: Any) -> str:
    """One example: the sentence, the part of an agreement, what is known, and what follows."""
    known = [f"As of `{spec.facts['as_of']}` UTC."]
    leads: Sequence[Mapping[str, Any]] = spec.facts["leads"]
    touches: Sequence[Mapping[str, Any]] = spec.facts["touches"]
    if any(set(row) != {"lead"} for row in leads):
        known.append(rows_table(leads))
    if touches:
        known.append(rows_table([{"touch": f"t{n}", **row} for n, row in enumerate(touches, 1)]))
    expected = [{"expected of": lead, **told} for lead, told in spec.expected.items()]
    return "\n\n".join(
        [f"### {spec.title}", spec.sentence, fence(spec.agreement_text, "yaml"), *known, rows_table(expected)]
    )


# --- Markdown ------------------------------------------------------------------------------------------------------------


def rows_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a table of all their columns, in the order in which they first come."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return table(
        [name if name == "expected of" else f"`{name}`" for name in names],
        [[plain(row[name]) if name in row else "" for name in names] for row in rows],
    )


def plain(value: object) -> str:
    """A value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        if "value" in value and "at" in value:
            learnt = f", learnt {value['known_at']}" if "known_at" in value else ""
            return f"{plain(value['value'])} (from {value['at']}{learnt})"
        return "; ".join(f"{key}: {plain(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain(one) for one in value) or "none"
    text = str(value)
    return "(empty)" if text == "" else f"`{text}`" if text != text.strip() or "\u00ad" in text else text


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(re.sub(r"\s*\n\s*", " ", cell).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(head), "|" + "---|" * len(head), *(line(row) for row in rows)])


def fence(text: str, language: str) -> str:
    """Text as it stands, in one font."""
    return f"````{language}\n{text.rstrip()}\n````"


MAKERS: dict[str, Callable[[str], str]] = {
    "readme": readme,
    "section": section,
    "code": code,
    "moves": moves,
    "states": states,
    "commands": commands,
    "kinds": kinds,
    "fields": fields,
    "builtin_lists": builtin_lists,
    "example_in_words": example_in_words,
    "meaning": meaning,
}
