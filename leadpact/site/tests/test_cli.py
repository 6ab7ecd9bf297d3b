"""The command line: what it lists, how it fails, how quickly it starts."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from leadpact.kit.failures import CannotDo
from leadpact.kit.postgres import own_server
from leadpact.site import cli


def test_every_command_that_is_listed_can_be_run() -> None:
    for name, place in cli.COMMANDS.items():
        if find_spec(place.module) is None:
            continue
        command = getattr(import_module(place.module), place.name)
        assert isinstance(command, click.Command), name
        asked = CliRunner().invoke(cli.leadpact, [name, "--help"])
        assert asked.exit_code == 0, name
        assert f"leadpact {name}" in asked.output or f"Usage: leadpact {name}" in asked.output


def test_help_lists_commands_without_importing_them() -> None:
    code = (
        "import sys\n"
        "from leadpact.site.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'django', 'duckdb', 'numpy', 'scipy', 'sqlglot', 'psycopg'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
    assert "serve" in asked.stdout


def test_a_room_without_commands_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "erase", cli.Place("leadpact.nowhere.cli", "erase", "Not there yet."))
    assert "erase" not in CliRunner().invoke(cli.leadpact, ["--help"]).output
    asked = CliRunner().invoke(cli.leadpact, ["erase"])
    assert asked.exit_code == 2
    assert "No such command 'erase'" in asked.output


def test_a_failure_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def failing() -> None:
        raise CannotDo("The dog ate it: write it again.")

    monkeypatch.setattr(own_server, "failing", failing, raising=False)
    monkeypatch.setitem(cli.COMMANDS, "failing", cli.Place(own_server.__name__, "failing", "Fails."))
    with pytest.raises(SystemExit) as ended:
        cli.main(["failing"])
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.err == "Error: The dog ate it: write it again.\n"
    assert said.out == ""


def test_a_wrong_call_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", "--port", "many"])
    assert ended.value.code == 2
    assert "'many' is not a valid integer" in capsys.readouterr().err


def test_a_data_directory_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as ended:
        cli.main(["manage", "--data", str(tmp_path / "file" / "below"), "check"])
    assert ended.value.code == 1
    assert "name another with --data or LEADPACT_DATA" in capsys.readouterr().err
