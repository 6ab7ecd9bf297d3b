"""The documentation builds without a network, and says nothing of what is not there nor leaves out what is."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from leadpact.custody import entries
from leadpact.kit.testing import ROOT
from leadpact.language import builtin
from leadpact.language.fields import FIELDS
from leadpact.language.kinds import KINDS
from leadpact.language.nodes import Operator
from leadpact.language.parse import LINE_KEYS, SECTIONS
from leadpact.language.tests.spec_tables import specs
from leadpact.site.cli import COMMANDS, leadpact
from leadpact.site.navigation import PLACES

DOCS = ROOT / "docs"
TAG = re.compile(r"<[^>]+>")
FETCHED = re.compile(r"""<(?:script|img|iframe|link|source)\b[^>]*?\s(?:src|href)="(?:https?:)?//""")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)|!\[[^\]]*\]\(([^)\s]+)\)")
# Without a page of their own: what takes a form, what is not for people, and what other packages bring.
NO_PAGE = re.compile(
    r"^/(accounts|api|v1|health)/|/(revoke|note|withdraw|confirm|drop|propose|sign|remove|work|part|absences|password|open|void"
    r"|save|prepare|talk)/$"
    r"|^/capture/duplicates/N/$|^/tuning/guess/N/$|^/(leads|distribution)/N/[a-z-]+/$|/\(\?P"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it, where no proxy and no name leads anywhere."""
    out = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)],
        cwd=ROOT,
        env=os.environ | {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return out


def read(site: Path, page: str) -> str:
    """What a reader sees of a page."""
    return html.unescape(TAG.sub("", (site / page).read_text(encoding="utf-8")))


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    assert not [page.name for page in pages if FETCHED.search(page.read_text(encoding="utf-8"))]
    assert not (site / "hooks.py").exists()


def test_nothing_is_left_unmade(site: Path) -> None:
    assert not [page.name for page in site.rglob("*.html") if "<!-- made:" in page.read_text(encoding="utf-8")]
    scripts = [page.name for page in site.rglob("*.html") if 'class="mermaid"' in page.read_text(encoding="utf-8")]
    assert not scripts, "a drawing that fetches its script"


def test_every_room_has_its_page(site: Path) -> None:
    rooms = sorted(folder.name for folder in (ROOT / "leadpact").iterdir() if (folder / "__init__.py").exists())
    index = (DOCS / "rooms" / "index.md").read_text(encoding="utf-8")
    for room in rooms:
        first = (ROOT / "leadpact" / room / "README.md").read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        assert first in read(site, f"rooms/{room}.html"), room
        assert f"({room}.md)" in index, room


def test_every_command_and_option_is_documented(site: Path) -> None:
    page = read(site, "commands.html")
    asked = _commands(leadpact, "leadpact")
    assert len(asked) > len(COMMANDS)
    for path, command in asked:
        assert f"Usage: {path} " in page, path
        for option in [name for one in command.params for name in one.opts if name.startswith("--")]:
            assert option in page, f"{path} {option}"


def _commands(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    found = [(path, command)]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found += _commands(below, f"{path} {name}")
    return found


def test_every_setting_is_documented(site: Path) -> None:
    # That the room's table is whole is shown in site/tests/test_settings.py; here, that the page is that table.
    table = (ROOT / "leadpact/kit/README.md").read_text(encoding="utf-8")
    names = re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)
    page = read(site, "settings.html")
    assert "LEADPACT_DATA" in names
    assert not [name for name in names if name not in page]


def test_every_page_is_documented() -> None:
    page = (DOCS / "pages.md").read_text(encoding="utf-8")
    for place in PLACES:
        assert re.search(rf"\| {place.label} \| `{place.href}` \| `g {place.key}` \|", page), place.label
    missing = [path for path in _addresses(get_resolver().url_patterns, "/") if f"`{path}`" not in page]
    assert not missing


def _addresses(patterns: list[URLPattern | URLResolver], prefix: str) -> list[str]:
    found: list[str] = []
    for one in patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            found += _addresses(one.url_patterns, path)
            continue
        path = re.sub(r"<int:\w+>", "NUMBER", re.sub(r"<str:(\w+)>", lambda name: name[1].upper(), path))
        if not NO_PAGE.search(path.replace("NUMBER", "N")):
            found.append(path)
    return found


def test_the_drawing_of_moves_is_current(site: Path) -> None:
    page = (site / "moves.html").read_text(encoding="utf-8")
    rows = {
        tuple(html.unescape(TAG.sub("", cell)).strip() for cell in re.findall(r"<td.*?</td>", row, re.DOTALL))
        for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    }
    drawn = {(before, move, after) for before, move, after, *_ in (row for row in rows if len(row) == 5)}
    allowed = {
        (rule.before or "—", rule.move, rule.after)
        for rule in entries.RULES
        if rule.before != rule.after and rule.move not in {"corrected", "merged_into", "unmerged", "erased"}
    }
    assert drawn == allowed
    assert {row[0] for row in rows if len(row) == 4} == set(entries.STATES)


def test_every_example_of_the_language_is_there(site: Path) -> None:
    page = " ".join(read(site, "language-meaning.html").split())
    shown = list(specs())
    assert len(shown) > 30
    for spec in shown:
        assert " ".join(spec.title.split()) in page, spec.title
        assert " ".join(spec.agreement_text.split("\n")[0].split()) in page, spec.title


def test_every_word_of_the_language_is_explained() -> None:
    page = (DOCS / "language.md").read_text(encoding="utf-8")
    words = [*(one.value for one in Operator), *LINE_KEYS, *SECTIONS]
    assert not [word for word in words if f"`{word}`" not in page]


def test_every_known_name_of_the_language_is_listed(site: Path) -> None:
    page = read(site, "language.html")
    assert not [name for name in (*KINDS, *FIELDS, *builtin.NAMES) if name not in page]


@pytest.mark.parametrize("page", ["README.md", "GLOSSARY.md", "CHANGELOG.md", "docs"])
def test_links_lead_somewhere(page: str) -> None:
    files = sorted((ROOT / page).rglob("*.md")) if page == "docs" else [ROOT / page]
    assert files
    for file in files:
        for link, picture in LINK.findall(file.read_text(encoding="utf-8")):
            target = link or picture
            if "://" not in target:
                assert (file.parent / target).exists(), f"{file.name}: {target}"


def test_pictures_are_small_and_shown() -> None:
    pictures = sorted((DOCS / "pictures").iterdir())
    texts = "".join(file.read_text(encoding="utf-8") for file in DOCS.rglob("*.md"))
    assert {"home.png", "lead.png", "inbox.png", "tracking.png"} <= {picture.name for picture in pictures}
    for picture in pictures:
        assert picture.stat().st_size < 250_000, picture.name
        assert f"pictures/{picture.name}" in texts, picture.name


def test_every_decision_is_in_the_list() -> None:
    records = sorted(file.name for file in (DOCS / "adr").glob("0*.md"))
    assert [name[:4] for name in records] == [f"{n:04}" for n in range(1, len(records) + 1)]
    index = (DOCS / "adr" / "index.md").read_text(encoding="utf-8")
    for name in records:
        text = (DOCS / "adr" / name).read_text(encoding="utf-8")
        assert f"({name})" in index
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "What", "Why", "What it costs", "What else was thought of"
        ]  # fmt: skip
        assert text.splitlines()[0].lstrip("# ") in index, name
