"""Secrets from the environment: `X`, or the file that `X_FILE` names (what container platforms mount)."""

from __future__ import annotations

import os
from pathlib import Path

from leadpact.kit.failures import CannotDo


def secret(name: str) -> str:
    """The value of `name`, else the content of the file in `name_FILE`, else an empty string.

    Raises CannotDo where the file cannot be read.
    """
    value = os.environ.get(name, "")
    file = os.environ.get(f"{name}_FILE", "")
    if value or not file:
        return value
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CannotDo(f"{name}_FILE names {file}, which cannot be read ({error.strerror}).") from error
