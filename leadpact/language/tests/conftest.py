"""Engines for the tests of the language: a PostgreSQL of their own, and DuckDB in memory. No Django."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leadpact.kit.postgres import cluster
from leadpact.language.tests.engines import DuckDB, PostgreSQL


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A server of this session's own, with nothing in it."""
    with cluster(tmp_path_factory.mktemp("language-postgres"), durable=False) as server:
        with server.connect("owner", autocommit=True) as connection:
            yield PostgreSQL(connection)


@pytest.fixture(scope="session")
def duck() -> Iterator[DuckDB]:
    """DuckDB in memory, on one core: the batches are small."""
    engine = DuckDB()
    yield engine
    engine.close()
