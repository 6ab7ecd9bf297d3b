"""Raw values to cells, once for each distinct value: the only folding that files ever get.

A million rows of an industry are twenty distinct texts. Each is folded in Python, so that every engine compares the
same bytes, and joined back in DuckDB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from leadpact.lake.problems import FileProblem
from leadpact.lake.store import Store, quoted
from leadpact.language.fold import Cell, cell
from leadpact.language.nodes import Form

BATCH = 100_000
TYPES = {Form.TEXT: pa.string(), Form.WORDS: pa.string(), Form.NUMBER: pa.int64(), Form.TRUTH: pa.bool_()}


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table `name` of (raw, then one column a form) for the distinct values of one column."""

    name: str
    forms: tuple[Form, ...]
    distinct: int


def domain(value: object) -> Cell:
    """The cell of an address's domain; unknown where there is no address."""
    folded = cell(value).text
    if folded is None or "@" not in folded:
        return cell(None)
    return cell(folded.rpartition("@")[2])


def lookup(
    store: Store,
    name: str,
    relation: str,
    column: str,
    forms: tuple[Form, ...],
    *,
    read: Callable[[object], Cell] = cell,
    label: str = "",
) -> Lookup:
    """Fold the distinct values of `relation.column` into the table `name`. Unknown values have no row.

    Raises FileProblem for text that cannot be kept (NUL, half of a surrogate pair).
    """
    source = f"SELECT DISTINCT {quoted(column)} AS raw FROM {relation} WHERE {quoted(column)} IS NOT NULL"
    store.execute(f"CREATE TABLE {name}_raw AS {source}")
    reader = store.stream(f"SELECT raw FROM {name}_raw", BATCH)
    created = False
    count = 0
    for batch in reader:
        cells = [_cell(value, read, label or column) for value in batch.column(0).to_pylist()]
        columns: dict[str, Any] = {"raw": batch.column(0)}
        for form in forms:
            columns[form.value] = pa.array([_form(entry, form) for entry in cells], TYPES[form])
        known = pa.array([entry.known for entry in cells])
        table = pa.table(columns).filter(known)
        store.connection.register("folded", table)
        verb = f"INSERT INTO {name} BY NAME" if created else f"CREATE TABLE {name} AS"
        store.execute(f"{verb} SELECT * FROM folded")
        store.connection.unregister("folded")
        created = True
        count += len(table)
    if not created:
        store.execute(f"CREATE TABLE {name} AS SELECT raw{_empty(forms)} FROM {name}_raw")
    store.execute(f"DROP TABLE {name}_raw")
    return Lookup(name, forms, count)


def _cell(value: object, read: Callable[[object], Cell], label: str) -> Cell:
    try:
        return read(value)
    except ValueError as error:
        raise FileProblem(f"{label}: {error}; take it out of the file ({str(value)[:40]!r}).") from error
    except TypeError:
        return read(str(value))


def _form(entry: Cell, form: Form) -> str | int | bool | None:
    return (
        {Form.TEXT: entry.text, Form.NUMBER: entry.number, Form.TRUTH: entry.truth}.get(form)
        if form is not Form.WORDS
        else entry.words
    )


def _empty(forms: tuple[Form, ...]) -> str:
    types = {Form.TEXT: "VARCHAR", Form.WORDS: "VARCHAR", Form.NUMBER: "BIGINT", Form.TRUTH: "BOOLEAN"}
    return "".join(f", CAST(NULL AS {types[form]}) AS {form.value}" for form in forms)
