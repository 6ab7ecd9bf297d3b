"""Static files, collected into the data directory under hashed and compressed names, when they have changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands.collectstatic import Command
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage


def collect() -> bool:
    """Collect if anything changed since the last time; whether it did. Server processes started later use the result."""
    root = Path(settings.STATIC_ROOT)
    stamp = root / ".collected"
    state = _state()
    if stamp.exists() and stamp.read_text(encoding="ascii") == state:
        return False
    root.mkdir(mode=0o700, exist_ok=True)
    command = Command()
    command.storage = CompressedManifestStaticFilesStorage(location=root, base_url=settings.STATIC_URL)
    call_command(command, interactive=False, verbosity=0)
    stamp.write_text(state, encoding="ascii")
    return True


def _state() -> str:
    """A digest of every file's name, size and time of change: reading them all would take longer than collecting."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: str(found[0])):
            found = Path(storage.path(path)).stat()
            digest.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
