"""Every statement that reaches PostgreSQL in a block, whichever cursor sends it: the constant-query tests count them."""

from __future__ import annotations

from typing import Any, Self

import psycopg


class Statements:
    """`with Statements() as statements: …`; then `statements.sent` holds what was sent, COPY included."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def __enter__(self) -> Self:
        self._execute, self._copy = psycopg.Cursor.execute, psycopg.Cursor.copy
        sent, plain_execute, plain_copy = self.sent, self._execute, self._copy

        def execute(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
            sent.append(str(query))
            return plain_execute(cursor, query, *args, **kwargs)

        def copy(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
            sent.append(str(query))
            return plain_copy(cursor, query, *args, **kwargs)

        psycopg.Cursor.execute, psycopg.Cursor.copy = execute, copy  # type: ignore[method-assign,assignment]
        return self

    def __exit__(self, *_: object) -> None:
        psycopg.Cursor.execute, psycopg.Cursor.copy = self._execute, self._copy  # type: ignore[method-assign]
