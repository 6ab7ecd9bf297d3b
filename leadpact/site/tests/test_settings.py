"""Settings: each documented, secrets from files, one address for the world."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leadpact.kit.testing import ROOT

READ = re.compile(r"""(?:env\.\w+|secret|environ\.get|environ\[)\(?"([A-Z][A-Z_]+)""")
# Not ours to document: the system's own, and the one that re-records expected files.
OTHERS = {"PATH", "XDG_DATA_HOME", "SNAPSHOTS"}

ASK = """
import json
from leadpact.site import settings
names = ("SECRET_KEY", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "MAIL_WORKS", "EMAIL_HOST", "EMAIL_PORT",
         "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS", "EMAIL_USE_SSL", "DATABASES", "DEFAULT_FROM_EMAIL")
print(json.dumps({name: getattr(settings, name, None) for name in names}))
"""


def settings(tmp_path: Path, **variables: str) -> dict[str, object]:
    """The settings of a process with these variables."""
    environment = os.environ | {"LEADPACT_DATA": str(tmp_path / "data")} | variables
    asked = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    assert not (tmp_path / "data").exists(), "settings must not make anything"
    return json.loads(asked.stdout)


def test_every_variable_is_documented() -> None:
    page = (ROOT / "leadpact" / "kit" / "README.md").read_text(encoding="utf-8")
    read = {
        name
        for file in (ROOT / "leadpact").rglob("*.py")
        if "tests" not in file.parts
        for name in READ.findall(file.read_text(encoding="utf-8"))
    } - OTHERS
    assert {"LEADPACT_URL", "SMTP_URL", "DATABASE_URL", "SECRET_KEY"} <= read
    assert not [name for name in sorted(read) if f"| `{name}` |" not in page]


def test_as_it_comes(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert found["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert found["MAIL_WORKS"] is False
    databases = found["DATABASES"]
    assert isinstance(databases, dict)
    assert (databases["default"]["USER"], databases["owner"]["USER"]) == ("leadpact_app", "leadpact_owner")


def test_behind_an_address(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("from a file\n", encoding="utf-8")
    found = settings(
        tmp_path,
        SECRET_KEY_FILE=str(key),
        LEADPACT_URL="https://leads.northwind.example",
        SMTP_URL="smtp://ada:p%40ss@mail.northwind.example:587",
        DATABASE_URL="postgresql://app:secret@db.northwind.example/leads?sslmode=require",
    )
    assert found["SECRET_KEY"] == "from a file"
    assert "leads.northwind.example" in str(found["ALLOWED_HOSTS"])
    assert found["SESSION_COOKIE_SECURE"] is True
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_HOST_PASSWORD"]) == (
        "mail.northwind.example",
        587,
        "p@ss",
    )
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (True, False)
    assert found["DEFAULT_FROM_EMAIL"] == "leadpact@leads.northwind.example"
    databases = found["DATABASES"]
    assert isinstance(databases, dict)
    default = databases["default"]
    assert (default["HOST"], default["NAME"], default["OPTIONS"]["sslmode"]) == (
        "db.northwind.example",
        "leads",
        "require",
    )


@pytest.mark.parametrize(
    ("address", "tls", "ssl", "port"),
    [("smtps://mail.ferro.example", False, True, 465), ("smtp://localhost:25", False, False, 25)],
)
def test_ways_to_a_mail_server(tmp_path: Path, address: str, tls: bool, ssl: bool, port: int) -> None:
    found = settings(tmp_path, SMTP_URL=address)
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"], found["EMAIL_PORT"]) == (tls, ssl, port)
