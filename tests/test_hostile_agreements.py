"""Hostile agreement files at the doors: what the terminal prints and what the page shows is text, and nothing is lost."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from leadpact.agreement.cli import agreement
from leadpact.agreement.models import Version
from leadpact.language.looks import unseen
from leadpact.language.tests.hostile import HARMLESS, REFUSED
from tests.cast import Cast

ALL = {**{name: text for name, (text, _, _) in REFUSED.items()}, **HARMLESS}
COMMANDS = (("check",), ("check", "--json"), ("explain",), ("sql", "--dialect", "postgres"))
# What a page of the server may hold; whatever came from a file must not have become one of these.
INLINE = {"onerror", "onclick", "onload", "style"}


@pytest.mark.parametrize("name", ALL)
def test_the_terminal_gets_sentences(name: str, tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    text = ALL[name]
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    for command in COMMANDS if name in HARMLESS else COMMANDS[:2]:
        result = CliRunner().invoke(agreement, [command[0], str(file), *command[1:]])
        assert result.exit_code == (0 if name in HARMLESS else 1), result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert not unseen(result.output.replace("\u2028", " ").replace("\u2029", " "))
        assert command[-1] == "--json" or len(result.output) < 1_000_000


class Parts(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.inline: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag == "script"
        self.inline += [name for name, _ in attrs if name in INLINE]

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.scripts.append(data)
        self._in_script = False


@pytest.mark.parametrize("name", ALL)
def test_the_page_shows_text(name: str, client: Client, cast: Cast) -> None:
    client.force_login(cast.ada)
    text = ALL[name]
    sent = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    answer = client.post("/agreement/new/", {"file": SimpleUploadedFile("draft.yaml", sent)}, follow=True)
    assert answer.status_code in {200, 400, 409, 413, 422}
    page = Parts()
    page.feed(answer.content.decode())
    assert (page.scripts, page.inline) == ([], [])
    if name in HARMLESS:
        kept = Version.objects.latest("number")
        proposed = client.post(f"/agreement/{kept.number}/propose/", follow=True)
        assert proposed.status_code == 200
        page.feed(proposed.content.decode())
        assert (page.scripts, page.inline) == ([], [])
        kept.refresh_from_db()
        assert kept.status == "proposed"
