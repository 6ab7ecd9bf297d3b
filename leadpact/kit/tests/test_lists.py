"""Lists: what the address says is what is shown, whatever stands in it; files are safe to open."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from leadpact.kit import lists

ROWS: list[dict[str, Any]] = [
    {"name": name, "age": age} for name, age in [("Dara", 3), ("ada", None), ("Bo", 11), ("Cleo", 2), ("Bo", 1)]
]
COLUMNS = (
    lists.Column("name", "Name", lambda row: row["name"], sort="name"),
    lists.Column("age", "Age", lambda row: row["age"], sort="age", numeric=True, falling=True),
    lists.Column("secret", "Only in the file", lambda row: f"={row['name']}", shown=False),
)
FILTERS = (
    lists.Filter(
        "who",
        "Who",
        lambda rows, value: [row for row in rows if row["name"] == value],
        choices=(("Bo", "Bo"), ("Dara", "Dara")),
    ),
    lists.Filter("q", "Part", lambda rows, value: [row for row in rows if value in row["name"]]),
)


def shown(query: str = "", size: int = 2, sort: str = "name") -> lists.Listing:
    """The list at this address."""
    request = RequestFactory().get(f"/people/?{query}")
    return lists.listing(
        request, ROWS, columns=COLUMNS, filters=FILTERS, sort=sort, noun="person|people", size=size, keep=("tab",)
    )


def test_pages_follow_each_other_and_lose_nobody() -> None:
    seen: list[dict[str, Any]] = []
    href = ""
    for _ in range(10):
        page = shown(href)
        seen += page.rows
        if not page.next_href:
            break
        href = page.next_href.lstrip("?")
    assert [row["name"] for row in seen] == ["ada", "Bo", "Bo", "Cleo", "Dara"]
    assert page.words == "5 – 5 of 5 people"


def test_unknown_values_come_last_both_ways() -> None:
    assert [row["age"] for row in shown("sort=age", size=9).rows] == [1, 2, 3, 11, None]
    assert [row["age"] for row in shown("sort=-age", size=9).rows] == [11, 3, 2, 1, None]


def test_a_head_turns_its_column_round_and_keeps_filters() -> None:
    name, age = shown("who=Bo&tab=open").head
    assert (name.direction, name.href) == ("ascending", "?who=Bo&tab=open&sort=-name")
    assert (age.direction, age.href) == ("", "?who=Bo&tab=open&sort=-age")
    assert shown("sort=-age&who=Bo&tab=open").hidden == [("sort", "-age"), ("tab", "open")]


def test_filters_narrow_and_say_so() -> None:
    page = shown("who=Bo&page=7")
    assert (page.total, page.filtered, page.words) == (2, True, "2 people")
    assert shown("q=zz").words == "No people"
    assert shown("who=Dara").words == "1 person"
    assert not shown("who=Mallory").filtered


def test_the_file_has_every_row_and_no_formula() -> None:
    text = shown("sort=-age").csv()
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert rows[0] == ["Name", "Age", "Only in the file"]
    assert rows[1] == ["Bo", "11", "'=Bo"]
    assert len(rows) == 6


@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_no_address_breaks_a_list(page: str, sort: str, who: str) -> None:
    request = RequestFactory().get("/people/", {"page": page, "sort": sort, "who": who, "q": who})
    found = lists.listing(request, ROWS, columns=COLUMNS, filters=FILTERS, sort="name", size=2)
    assert len(found.rows) <= 2
    assert found.total <= len(ROWS)


@pytest.mark.parametrize("pages", [1, 2, 7, 40])
def test_the_pager_shows_ends_and_neighbours(pages: int) -> None:
    rows = list(range(pages * 2))
    request = RequestFactory().get("/?page=4")
    found = lists.listing(request, rows, columns=(lists.Column("n", "N", int),), size=2)
    labels = [link.label for link in found.pages]
    if pages == 1:
        assert labels == []
    else:
        assert labels[0] == "1"
        assert labels[-1] == str(pages)
        assert [link.label for link in found.pages if link.current] == [str(min(4, pages))]
    assert len(labels) <= 9
