"""pytest plugin: tests never touch the data directory or the database of whoever runs them.

Loaded by `-p` before Django's settings are. Points LEADPACT_DATA at a directory of this checkout's tests, whose
cluster stays between runs (its servers do not): a run then starts in a fraction of a second. The fixtures
that use it are in the root `conftest.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".pytest_cache" / "leadpact"

_UNWANTED = ("DATABASE_URL", "DATABASE_OWNER_URL", "SMTP_URL", "SECRET_KEY", "LEADPACT_URL", "LEADPACT_HOSTS")
for _name in _UNWANTED:
    os.environ.pop(_name, None)
    os.environ.pop(f"{_name}_FILE", None)
os.environ["LEADPACT_DATA"] = str(DATA)
