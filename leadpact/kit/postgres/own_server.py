"""One's own PostgreSQL server: DATABASE_URL, and DATABASE_OWNER_URL where migrations have a role of their own."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadpact.kit.environment import secret
from leadpact.kit.failures import CannotDo
from leadpact.kit.postgres.cluster import Cluster
from leadpact.kit.postgres.roles import Role

OLDEST = 15


class OwnServer:
    """A server that somebody else starts and stops. `owner` falls back to the same URL as `app`."""

    def __init__(self, app: str, owner: str = "") -> None:
        self._urls: dict[Role, str] = {"app": app, "owner": owner or app}

    def start(self) -> None:
        """See that the server answers and is new enough. Raises CannotDo where it does not or is not."""
        variables: dict[Role, str] = {"app": "DATABASE_URL", "owner": "DATABASE_OWNER_URL"}
        for role, variable in variables.items():
            try:
                with self.connect(role) as connection:
                    version = connection.info.server_version // 10_000
            except psycopg.OperationalError as error:
                reason = str(error).strip().splitlines()[-1]
                raise CannotDo(f"The database in {variable} does not answer: {reason}") from error
            if version < OLDEST:
                raise CannotDo(
                    f"The database in {variable} is PostgreSQL {version}; leadpact needs {OLDEST} or newer: "
                    "upgrade it, or leave DATABASE_URL out to use the embedded one."
                )

    def stop(self) -> None:
        """Nothing to do: the server is not ours."""

    def parameters(self, role: Role = "app", dbname: str | None = None) -> dict[str, str]:
        """Connection parameters by libpq's names. Raises CannotDo where the URL cannot be read."""
        if role not in self._urls:
            raise CannotDo("A server of one's own is not managed as superuser from here.")
        try:
            read = conninfo_to_dict(self._urls[role])
        except psycopg.ProgrammingError as error:
            raise CannotDo(
                "DATABASE_URL cannot be read; it looks like postgresql://user:password@host:5432/name."
            ) from error
        found = {key: str(value) for key, value in read.items() if value is not None}
        return found | ({"dbname": dbname} if dbname else {})

    def dsn(self, role: Role = "app", dbname: str | None = None) -> str:
        """A libpq connection string."""
        return make_conninfo("", **self.parameters(role, dbname))

    def connect(self, role: Role = "app", dbname: str | None = None, **options: Any) -> psycopg.Connection[Any]:
        """A new psycopg connection; `options` go to psycopg.connect."""
        return psycopg.connect(self.dsn(role, dbname), **options)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def database(data: Path) -> Cluster | OwnServer:
    """The database to work with: the server in DATABASE_URL, else the one embedded in the data directory. Not started."""
    url = secret("DATABASE_URL")
    return OwnServer(url, secret("DATABASE_OWNER_URL")) if url else Cluster(data)
