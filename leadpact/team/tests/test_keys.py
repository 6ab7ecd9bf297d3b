"""Keys of the API, on the page and on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from django.test import Client

from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.team import cli, queries
from leadpact.team.actions import keys
from leadpact.team.models import ApiKey, Invitation, User


def test_a_key_is_shown_once_and_ends_when_revoked(browser: Callable[[str], Client]) -> None:
    ada = browser("ada")
    page = ada.post("/team/keys/", {"name": "warehouse", "scopes": ["read", "write"]})
    found = re.search(rb'value="(lpk_[\w-]+)"', page.content)
    assert found
    secret = found[1].decode()
    assert secret.encode() not in ada.get("/team/keys/").content
    working = queries.working_key(secret)
    assert working is not None
    assert (working.scopes, working.user) == (["read", "write"], None)
    assert secret not in str(ApiKey.objects.values())
    ada.post(f"/team/keys/{working.pk}/revoke/")
    assert queries.working_key(secret) is None
    again = ada.post(f"/team/keys/{working.pk}/revoke/")
    assert (again.status_code, b"revoked already" in again.content) == (409, True)


@pytest.mark.parametrize("who", ["bo", "cleo", "dara"])
def test_only_operations_handle_keys(browser: Callable[[str], Client], cast: dict[str, User], who: str) -> None:
    assert browser(who).get("/team/keys/").status_code == 403
    assert browser(who).post("/team/keys/", {"name": "mine", "scopes": ["read"]}).status_code == 403
    with pytest.raises(CannotDo, match="Only operations"):
        keys.create_key(name="mine", scopes=["read"], user=None, by=cast[who], at=clock.now())
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("scopes", [[], ["admin"], ["read", "everything"]])
def test_a_key_has_known_scopes(cast: dict[str, User], scopes: list[str]) -> None:
    with pytest.raises(CannotDo, match="scopes"):
        keys.create_key(name="odd", scopes=scopes, user=None, by=cast["ada"], at=clock.now())


@pytest.fixture
def leadpact_team(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """`leadpact team …` on the test's own database, which is running already."""

    def run(*arguments: str, **more: str) -> object:
        command = cli.team
        for word in arguments:
            found = command.get_command(None, word) if hasattr(command, "get_command") else None  # type: ignore[union-attr]
            if found is None:
                break
            command = found
        # What @needs_database wraps, without starting another database.
        bare = getattr(command.callback, "__wrapped__", command.callback)
        monkeypatch.setattr(command, "callback", bare)
        monkeypatch.setattr(command, "params", [one for one in command.params if one.name != "data"])
        return CliRunner().invoke(cli.team, arguments, **more)  # type: ignore[arg-type]

    return run


def test_keys_from_the_command_line(cast: dict[str, User], leadpact_team: Callable[..., object]) -> None:
    made = leadpact_team(
        "key", "create", "warehouse", "--scopes", "read,write", "--as", "bo@northwind.example", "--json"
    )
    key = queries.working_key(json.loads(made.stdout)["api_key"])  # type: ignore[attr-defined]
    assert key is not None
    assert (key.scopes, key.user) == (["read", "write"], cast["bo"])
    wrong = leadpact_team("key", "create", "warehouse", "--scopes", "all")
    assert wrong.exit_code == 2  # type: ignore[attr-defined]
    assert "read and write" in wrong.stderr  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_an_administrator_from_the_command_line(leadpact_team: Callable[..., object]) -> None:
    made = leadpact_team("create-admin", "ada@northwind.example", "--json")
    path = "/team/join/" + json.loads(made.stdout)["link"].split("/team/join/")[1]  # type: ignore[attr-defined]
    assert Client().post(path, {"password": "Slow-paper-mills-1"}).status_code == 303
    ada = User.objects.get()
    assert (ada.role, ada.check_password("Slow-paper-mills-1")) == ("operations", True)
    assert Invitation.objects.filter(used_at=None).count() == 0
    assert leadpact_team("create-admin", "no-address").exit_code == 2  # type: ignore[attr-defined]
