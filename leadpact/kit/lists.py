"""Lists: filters and sorting live in the address, pages are numbered, `?format=csv` gives the same rows as a file.

    people = lists.listing(request, queries.people(), columns=COLUMNS, filters=FILTERS, sort="name", noun="person|people")
    return lists.answer(request, "team/people.html", people, title="Team")

The template loops over `list.rows` and includes `components/list_head.html`, `components/sort.html` and
`components/pager.html`. Rows are a QuerySet, anything that behaves like one (`Source`), or a plain sequence.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast, runtime_checkable

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from leadpact.kit import formats
from leadpact.kit.pages import whole_number

PAGE_SIZE = 50
CSV_MOST = 200_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@runtime_checkable
class Source(Protocol):
    """What a list needs of its rows; a QuerySet has it all."""

    def count(self) -> int:
        """How many rows there are."""
        ...

    def order_by(self, *fields: str) -> Source:
        """The same rows in this order; a leading minus turns a field round."""
        ...

    def __getitem__(self, part: slice) -> Iterable[Any]:
        """The rows from `part.start` up to `part.stop`."""
        ...


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `value` is what the CSV says and what plain sequences are sorted by.

    `sort`: fields to order a QuerySet by ('created_at', or 'account__name,name'); empty: cannot be sorted.
    `falling`: the first click sorts from the top down (for figures and instants).
    `shown`: False for columns that only the CSV has.
    """

    key: str
    label: str
    value: Callable[[Any], object]
    sort: str = ""
    numeric: bool = False
    falling: bool = False
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter. With `choices` it is a select (an unknown choice in the address is ignored), without a text box."""

    key: str
    label: str
    apply: Callable[[Any, str], Any]
    choices: Sequence[tuple[str, str]] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class HeadCell:
    """A column's head: where a click leads and how it is sorted now ('ascending', 'descending' or '')."""

    label: str
    href: str
    direction: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class FilterState:
    """A filter with the value it has now."""

    key: str
    label: str
    value: str
    choices: Sequence[tuple[str, str]]
    hint: str


@dataclass(frozen=True, slots=True)
class PageLink:
    """A number in the pager; an empty `href` is a gap."""

    label: str
    href: str
    current: bool = False


@dataclass(slots=True)
class Listing:
    """Everything a list page shows. `rows` are those of this page; `words` says which they are."""

    rows: list[Any]
    total: int
    words: str
    head: list[HeadCell]
    filters: list[FilterState]
    hidden: list[tuple[str, str]]
    pages: list[PageLink]
    previous_href: str
    next_href: str
    csv_href: str
    reset_href: str
    filtered: bool
    noun: str
    everything: Callable[[], Iterable[Any]] = field(repr=False)
    columns: Sequence[Column] = field(repr=False, default=())

    def csv(self) -> str:
        """All rows that pass the filters, in order, with a byte order mark so that spreadsheets read UTF-8."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([column.label for column in self.columns])
        for row in self.everything():
            writer.writerow([_cell(column.value(row)) for column in self.columns])
        return "\ufeff" + out.getvalue()


def listing(
    request: HttpRequest,
    rows: QuerySet[Any, Any] | Source | Sequence[Any],
    *,
    columns: Sequence[Column],
    filters: Sequence[Filter] = (),
    sort: str = "",
    noun: str = "row|rows",
    size: int = PAGE_SIZE,
    keep: Sequence[str] = (),
) -> Listing:
    """Read the address and cut the rows to it.

    `sort`: key of the column sorted by at first, with a minus for falling. `noun`: 'person|people'.
    `keep`: further keys of the address that links and the filter form carry on (tabs).
    """
    asked = request.GET
    states, narrowed, filtered = _filtered(asked, rows, filters)
    order = _order(asked.get("sort", ""), columns) or _order(sort, columns)
    if isinstance(narrowed, Source) and not isinstance(narrowed, Sequence):
        ordered: Any = narrowed.order_by(*_fields(order)) if order else narrowed
        total = narrowed.count()
    else:
        ordered = _sorted(cast("Sequence[Any]", narrowed), order)
        total = len(ordered)
    last_page = max(1, -(-total // size))
    page = whole_number(asked.get("page", ""), default=1, least=1, most=last_page)
    start = (page - 1) * size
    shown = list(ordered[start : start + size])
    address = _Address(asked, (*(f.key for f in filters), "sort", *keep))
    return Listing(
        rows=shown,
        total=total,
        words=_words(start, len(shown), total, noun),
        head=[_head(column, order, address) for column in columns if column.shown],
        filters=states,
        hidden=[(key, asked[key]) for key in ("sort", *keep) if asked.get(key)],
        pages=_pages(page, last_page, address),
        previous_href=address(page=page - 1 if page > 2 else "") if page > 1 else "",
        next_href=address(page=page + 1) if page < last_page else "",
        csv_href=address(format="csv"),
        reset_href=_Address(asked, ("sort", *keep))(),
        filtered=filtered,
        noun=noun.rpartition("|")[2],
        everything=lambda: ordered[:CSV_MOST],
        columns=columns,
    )


def answer(
    request: HttpRequest, template: str, shown: Listing, *, filename: str = "", **context: object
) -> HttpResponse:
    """The page with `list` in its context, or the CSV where the address asks for it."""
    if request.GET.get("format") == "csv":
        response = HttpResponse(shown.csv(), content_type="text/csv; charset=utf-8")
        name = filename or shown.noun.replace(" ", "-")
        response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
        response["Cache-Control"] = "no-store"
        return response
    return render(request, template, {**context, "list": shown})


class _Address:
    """Links to this very list with something changed."""

    def __init__(self, asked: QueryDict, keys: Iterable[str]) -> None:
        self.kept: dict[str, str] = {key: asked.get(key, "") for key in keys if asked.get(key)}

    def __call__(self, **changes: object) -> str:
        query = QueryDict(mutable=True)
        for key, value in {**self.kept, **changes}.items():
            if value not in ("", None):
                query[key] = str(value)
        return f"?{query.urlencode()}"


def _filtered(asked: QueryDict, rows: Any, filters: Sequence[Filter]) -> tuple[list[FilterState], Any, bool]:
    states: list[FilterState] = []
    filtered = False
    for one in filters:
        value = asked.get(one.key, "").strip()[:200].replace("\x00", "")
        if one.choices and value not in {choice for choice, _ in one.choices}:
            value = ""
        if value:
            rows, filtered = one.apply(rows, value), True
        states.append(FilterState(one.key, one.label, value, one.choices, one.hint))
    return states, rows, filtered


def _order(text: str, columns: Sequence[Column]) -> tuple[Column, bool] | None:
    """The column to sort by and whether it falls; None where the address names no such column."""
    found = next((column for column in columns if column.key == text.lstrip("-") and column.sort), None)
    return (found, text.startswith("-")) if found else None


def _fields(order: tuple[Column, bool]) -> list[str]:
    column, falls = order
    fields = [*column.sort.split(","), "pk"]
    return [
        f"-{name}" if falls and not name.startswith("-") else name.lstrip("-") if falls else name for name in fields
    ]


def _sorted(rows: Sequence[Any], order: tuple[Column, bool] | None) -> Sequence[Any]:
    if order is None:
        return rows
    column, falls = order
    known = [row for row in rows if column.value(row) not in (None, "")]
    blank = [row for row in rows if column.value(row) in (None, "")]
    return sorted(known, key=lambda row: _sortable(column.value(row)), reverse=falls) + blank


def _sortable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _head(column: Column, order: tuple[Column, bool] | None, address: _Address) -> HeadCell:
    if not column.sort:
        return HeadCell(column.label, "", "", column.numeric)
    current = order is not None and order[0].key == column.key
    falls = order is not None and order[1]
    turned = not falls if current else column.falling
    direction = ("descending" if falls else "ascending") if current else ""
    return HeadCell(column.label, address(sort=f"-{column.key}" if turned else column.key), direction, column.numeric)


def _pages(page: int, last: int, address: _Address) -> list[PageLink]:
    if last == 1:
        return []
    near = sorted({1, last, *range(max(1, page - 2), min(last, page + 2) + 1)})
    links: list[PageLink] = []
    for before, number in zip([0, *near], near, strict=False):
        if number - before > 1:
            links.append(PageLink("…", ""))
        links.append(PageLink(formats.number(number), address(page=number if number > 1 else ""), number == page))
    return links


def _words(start: int, shown: int, total: int, noun: str) -> str:
    one, many = noun.split("|") if "|" in noun else (noun, noun)
    if total == 0:
        return f"No {many}"
    if shown == total:
        return f"{formats.number(total)} {one if total == 1 else many}"
    return f"{formats.number(start + 1)} – {formats.number(start + shown)} of {formats.number(total)} {many}"


def _cell(value: object) -> object:
    """What a spreadsheet may hold: text that would be run as a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
