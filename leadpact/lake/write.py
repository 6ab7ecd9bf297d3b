"""Tables out: CSV, JSON Lines or Parquet by the file's ending, `.gz` where it says so."""

from __future__ import annotations

from pathlib import Path

from leadpact.lake.problems import FileProblem, WrongCall
from leadpact.lake.store import Store, literal, quoted

ENDINGS = (".csv", ".jsonl", ".ndjson", ".parquet")
INSTANT_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def check_ending(path: Path) -> str:
    """The format of a file to be written: csv, jsonl or parquet. Raises FileProblem when it cannot be told."""
    name = path.name.removesuffix(".gz")
    for ending in ENDINGS:
        if name.endswith(ending):
            if ending == ".parquet" and path.name.endswith(".gz"):
                break
            return {".ndjson": "jsonl"}.get(ending, ending[1:])
    raise WrongCall(f"--out {path}: end the name with .csv, .jsonl or .parquet (.csv.gz and .jsonl.gz are fine).")


def check_folder(path: Path, *inputs: Path | None) -> None:
    """Raise WrongCall when the folder of a file to be written is not there, or the file is one of those to be read."""
    if not path.parent.is_dir():
        raise WrongCall(f"--out {path}: there is no folder {path.parent}; make it first.")
    if any(given is not None and given.resolve() == path.resolve() for given in inputs):
        raise WrongCall(f"--out {path} is one of the files to be read: give another name.")


def instant_text(column: str) -> str:
    """SQL for an instant as text: 2018-02-26T19:58:54Z, with a fraction only where there is one."""
    stamp = f"strftime(make_timestamp({column}), '%Y-%m-%dT%H:%M:%S')"
    part = f"CASE WHEN {column} % 1000000 = 0 THEN '' ELSE strftime(make_timestamp({column}), '.%f') END"
    return f"CASE WHEN {column} IS NULL THEN NULL ELSE {stamp} || {part} || 'Z' END"


def write_query(
    store: Store, columns: list[str], rest: str, path: Path, *, instants: frozenset[str] = frozenset()
) -> None:
    """Write `SELECT columns` followed by `rest` (FROM … ORDER BY …).

    Instants become ISO text; in Parquet, timestamps in UTC. The file appears whole or not at all.
    """
    kind = check_ending(path)
    check_folder(path)
    cells: list[str] = []
    for name in columns:
        value = quoted(name)
        if name in instants:
            value = f"CAST(make_timestamp({value}) AS TIMESTAMPTZ)" if kind == "parquet" else instant_text(value)
        cells.append(f"{value} AS {quoted(name)}")
    options = {"csv": "FORMAT csv, HEADER", "jsonl": "FORMAT json", "parquet": "FORMAT parquet, COMPRESSION zstd"}[kind]
    if path.name.endswith(".gz"):
        options += ", COMPRESSION gzip"
    draft = path.with_name(f".{path.name}.part")
    try:
        store.execute(f"COPY (SELECT {', '.join(cells)} {rest}) TO {literal(str(draft))} ({options})")
        draft.replace(path)
    except OSError as error:
        raise FileProblem(f"--out {path} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
