"""What tests of this room share."""

from __future__ import annotations

import pytest
from django.conf import settings


@pytest.fixture(scope="session", autouse=True)
def _static_root() -> None:
    """A server without collected files warns; here warnings are errors."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
