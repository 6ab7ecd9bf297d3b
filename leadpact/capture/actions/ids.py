"""Ids of rows that a batch will write, drawn before they are written, so that what points at them can be written with them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from leadpact.kit.raw import cursor as raw_cursor


class Ids:
    """Ids drawn beforehand from the tables' own sequences, in one statement. Those that nobody takes are gone."""

    def __init__(self, **wanted: int) -> None:
        self._pools: dict[str, Iterator[int]] = {}
        tables = [name for name, count in wanted.items() if count]
        if not tables:
            return
        # The sequence by its name: pg_get_serial_sequence would be asked again for every single id.
        parts = [
            f"(SELECT array_agg(nextval('{name}_id_seq')) FROM generate_series(1, ${place}::int))"
            for place, name in enumerate(tables, 1)
        ]
        with raw_cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(parts)}".encode(), [wanted[name] for name in tables], prepare=True)
            row = cursor.fetchone()
        assert row is not None
        for name, ids in zip(tables, row, strict=True):
            self._pools[name] = iter(ids)  # type: ignore[arg-type]

    def next(self, table: str) -> int:
        """A table's next id. Raises KeyError or StopIteration where none was drawn."""
        return next(self._pools[table])

    def some(self, table: str, count: int) -> list[int]:
        """`count` ids of a table; those that were not drawn beforehand are drawn now, in one statement."""
        found = list(islice(self._pools.get(table, iter(())), count))
        if len(found) < count:
            more = Ids(**{table: count - len(found)})
            found += [more.next(table) for _ in range(count - len(found))]
        return found
