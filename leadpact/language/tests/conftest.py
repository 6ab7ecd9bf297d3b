"""Engines for the tests of the language: PostgreSQL over temporary tables, and DuckDB in memory. No Django."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from leadpact.language.tests.engines import DuckDB, PostgreSQL

if TYPE_CHECKING:
    from leadpact.kit.postgres import Cluster


@pytest.fixture(scope="session")
def postgres(cluster: Cluster) -> Iterator[PostgreSQL]:
    """The tests' own server; nothing is left behind in it."""
    with cluster.connect("superuser", "postgres", autocommit=True) as connection:
        yield PostgreSQL(connection)


@pytest.fixture(scope="session")
def duck() -> Iterator[DuckDB]:
    """DuckDB in memory, on one core: the batches are small."""
    engine = DuckDB()
    yield engine
    engine.close()
