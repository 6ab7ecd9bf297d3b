"""Fixtures of tests that cross rooms."""

from __future__ import annotations

import pytest

from tests.cast import Cast, make_cast, sign


@pytest.fixture
def cast(db: None) -> Cast:
    """Five people and an agreement in force."""
    people = make_cast()
    sign(people)
    return people
