"""Where an installation keeps its things: one private folder, the data directory.

It holds the embedded database, the secret key and the locks. Everything in it is for the
account that runs leadpact alone: folders 0700, files 0600.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from leadpact.kit.failures import CannotDo

VARIABLE = "LEADPACT_DATA"


def data_directory(named: str | os.PathLike[str] | None = None) -> Path:
    """The data directory, absolute: the one named, else LEADPACT_DATA, else `leadpact` in the XDG data home.

    Nothing is created; `private_directory` does that.
    """
    chosen = os.fspath(named) if named else os.environ.get(VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    home = os.environ.get("XDG_DATA_HOME", "")
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "share"
    return base / "leadpact"


def private_directory(path: Path) -> Path:
    """Make `path` (and its parents) if missing and see that it is ours alone. Returns it.

    Raises CannotDo where it cannot be made, is not a directory, or belongs to another account.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.stat()
        if found.st_uid != os.geteuid():
            raise CannotDo(
                f"The folder {path} belongs to another account; name one of your own with --data or {VARIABLE}."
            )
        if found.st_mode & 0o077:
            path.chmod(0o700)
    except (FileExistsError, NotADirectoryError):
        raise CannotDo(f"{path} is not a folder; name another with --data or {VARIABLE}.") from None
    except OSError as error:
        raise CannotDo(
            f"The folder {path} cannot be used ({error.strerror}); name another with --data or {VARIABLE}."
        ) from error
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: a crash leaves the old file or the new one, never half."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def secret_key_file(data: Path) -> Path:
    """The file with the key that signs sessions and links."""
    return data / "secret.key"


def ensure_secret_key(data: Path) -> str:
    """The installation's secret key, made at the first call. Two first calls at once agree on one key."""
    path = secret_key_file(private_directory(data))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    key = secrets.token_urlsafe(50)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key + "\n")
    return key
