"""Agreement files drawn by chance, as the plain data that a file holds: all of them are right."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from leadpact.language import builtin
from leadpact.language.fields import ACTIVE_PEOPLE
from leadpact.language.fold import words
from leadpact.language.nodes import DIMENSIONS

Data = dict[str, Any]

TEXTS = st.sampled_from(
    ["Manufacturing", "Größe XL", "a, b", "“quoted”", "no", "5", "北京", "x: y", "/pricing", "it's"]
)
NUMBERS = st.sampled_from([0, 1, -3, 2.5, 200, 5000, 0.0001, 999999999999])
FIELDS = st.sampled_from(
    ["account.industry", "account.employees", "person.opted_out", "lead.any_thing", "person.title"]
)
DOMAINS = st.sampled_from(["account.domain", "person.email_domain"])
KINDS = st.sampled_from(["page.viewed", "seminar.attended", "email.sent", "my event", "call.made"])
PROPERTIES = st.sampled_from(["path", "utm_source", "duration.minutes"])
WINDOWS = st.sampled_from(["1 day", "14 days", "36 hours", "90 minutes", "2 weeks", "45 seconds"])
LISTS = ("texts", "sizes", "rivals", "empty")


def constants() -> st.SearchStrategy[Any]:
    return TEXTS | NUMBERS | st.booleans()


def same_type() -> st.SearchStrategy[list[Any]]:
    texts = st.lists(TEXTS.map(lambda text: f"{text} entry"), min_size=1, max_size=9)
    return texts | st.lists(NUMBERS, min_size=1, max_size=4) | st.lists(st.booleans(), min_size=1, max_size=2)


@st.composite
def operators(draw: st.DrawFn) -> Data:
    low, high = sorted([draw(NUMBERS), draw(NUMBERS)])
    whole: Data = {
        "is": draw(constants()),
        "in": draw(st.sampled_from([*LISTS, *builtin.NAMES]) | same_type()),
        "contains": draw(TEXTS),
        "starts_with": draw(TEXTS),
        "ends_with": draw(TEXTS),
        "has_word": draw(st.sampled_from(["vp", "größe", "北京", "42"])),
        "at_least": low,
        "at_most": high,
        "above": low,
        "below": high,
        "between": [low, high],
        "known": draw(st.booleans()),
    }
    assert all(words(text).strip() == text for text in ("vp", "grösse", "北京", "42"))
    kept = draw(st.lists(st.sampled_from(sorted(whole)), min_size=1, max_size=3, unique=True))
    return {name: whole[name] for name in kept}


def tests() -> st.SearchStrategy[Any]:
    return constants() | operators()


@st.composite
def queries(draw: st.DrawFn, *, whole_days: bool = False) -> Data:
    query: Data = {"touch": draw(KINDS | st.lists(KINDS, min_size=1, max_size=3, unique=True))}
    if whole_days:
        query["within"] = draw(st.sampled_from(["1 day", "180 days", "520 weeks"]))
    elif draw(st.booleans()):
        query["within"] = draw(WINDOWS)
    for key, values in (
        ("where", st.dictionaries(PROPERTIES, tests(), min_size=1, max_size=2)),
        ("by", st.sampled_from(["person", "account"])),
        ("per", st.just("day")),
        ("distinct", PROPERTIES),
    ):
        if draw(st.integers(0, 2)) == 0:
            query[key] = draw(values)
    return query


@st.composite
def bounds(draw: st.DrawFn) -> Data:
    return draw(st.sampled_from([{}, {"at_least": 2}, {"at_most": 0}, {"at_least": 1, "at_most": 3}, {"at_least": 0}]))


@st.composite
def clauses(draw: st.DrawFn) -> Data:
    return {**draw(queries()), **draw(bounds())}


@st.composite
def people(draw: st.DrawFn) -> Data:
    found: Data = draw(bounds())
    if draw(st.booleans()):
        found = {**found, "within": draw(WINDOWS)}
    if draw(st.booleans()):
        found = {**found, "touch": draw(KINDS)}
    return {ACTIVE_PEOPLE: found}


def scores() -> st.SearchStrategy[Data]:
    points = st.sampled_from([0, 15, 40, -5, 12.5, 0.001])
    one = st.sampled_from(["at_least", "at_most", "above", "below"])
    bound = st.dictionaries(one, points, min_size=1, max_size=2) | st.just({"between": [15, 30]})
    return st.dictionaries(st.sampled_from(DIMENSIONS), bound, min_size=1, max_size=1)


def conditions(*, judging: bool = False) -> st.SearchStrategy[Data]:
    attribute = st.dictionaries(FIELDS, tests(), min_size=1, max_size=1)
    domain = DOMAINS.map(lambda name: {name: {"in": "rivals"}}) | DOMAINS.map(
        lambda name: {name: {"in": ["a.example"]}}
    )
    leaves = attribute | domain | clauses() | people() | (scores() if judging else attribute)

    def join(inner: st.SearchStrategy[Data]) -> st.SearchStrategy[Data]:
        parts = st.lists(inner, min_size=1, max_size=3)
        return parts.map(lambda p: {"all": p}) | parts.map(lambda p: {"any": p}) | inner.map(lambda p: {"not": p})

    return st.recursive(leaves, join, max_leaves=5)


@st.composite
def lines(draw: st.DrawFn, number: int) -> Data:
    line: Data = {"id": f"line_{number}", "says": draw(TEXTS), "points": draw(st.sampled_from([20, 5, -40, 0, 10_000]))}
    if draw(st.booleans()):
        return {**line, "if": draw(conditions())}
    fades = draw(st.booleans())
    line["each"] = draw(queries(whole_days=fades))
    if fades:
        line["fades"] = True
    if draw(st.booleans()):
        line["at_most"] = draw(st.sampled_from([1, 40, 100]))
    return line


DURATIONS = st.sampled_from(
    ["4 business hours", "1 business day", "2 business weeks", "30 days", "5 minutes", "1 hour"]
)


@st.composite
def files(draw: st.DrawFn) -> Data:
    """A whole file as data."""
    found: Data = {"leadpact": 1, "name": draw(TEXTS)}
    found["lists"] = {"texts": ["Steel", "Wood"], "sizes": [1, 2.5], "rivals": ["a.example"], "empty": []}
    count = 0
    for dimension in DIMENSIONS:
        drawn: list[Data] = []
        for _ in range(draw(st.integers(0, 3))):
            drawn.append(draw(lines(count)))
            count += 1
        found[dimension] = drawn
    judging = conditions(judging=True)
    found["verdicts"] = {
        name: draw(st.lists(judging, min_size=1, max_size=3).map(lambda parts: {"any": parts}) | judging)
        for name in draw(st.permutations(["disqualified", "sales_ready", "lead"]))
    }
    for section, values in _sections(judging).items():
        if draw(st.booleans()):
            found[section] = draw(values)
    return found


def _sections(judging: st.SearchStrategy[Data]) -> dict[str, st.SearchStrategy[Any]]:
    hours = st.sampled_from(
        [{"mon-fri": "08:00-18:00"}, {"sat": ["9:00-12:00", "13:00-24:00"]}, {"sun-mon": "0:00-6:00"}]
    )
    market = st.fixed_dictionaries(
        {"timezone": st.sampled_from(["America/Chicago", "Asia/Kathmandu", "UTC"])},
        optional={"business_hours": hours, "holidays": st.sampled_from(["US", "DE-BY", ["2026-12-25"], []])},
    )
    attempts = st.fixed_dictionaries({"at_least": st.integers(1, 9), "within": DURATIONS})
    rests = st.fixed_dictionaries(
        {"blames": st.sampled_from(["timing", "definition", "data", "nobody"])},
        optional={"rest": WINDOWS, "play": st.just("find_sponsor"), "only_after": st.just("attempts")},
    )
    ends = st.fixed_dictionaries({"blames": st.just("data"), "then": st.sampled_from(["repair", "disqualified"])})
    share = st.sampled_from(["2%", "0.5%", "100%", "0%"])
    near = st.fixed_dictionaries({"within": st.sampled_from(["1 point", "15 points"]), "share": share})
    weekly = st.fixed_dictionaries(
        {"every": st.sampled_from(["week", "2 weeks"]), "on": st.sampled_from(["monday", "fri"]), "at": st.just("9:30")}
    )
    monthly = st.fixed_dictionaries(
        {"every": st.just("month"), "on": st.sampled_from(["first monday", "last fri"]), "at": st.just("16:00")}
    )
    return {
        "market": market,
        "review": weekly | monthly,
        "cools": judging,
        "sales_promises": st.fixed_dictionaries(
            {"accept_within": DURATIONS, "first_follow_up_within": DURATIONS}, optional={"attempts": attempts}
        ),
        "marketing_promises": st.fixed_dictionaries(
            dict.fromkeys(("hand_over_within", "touch_every", "answer_rejection_within"), DURATIONS)
        ),
        "recycle": st.dictionaries(st.sampled_from(["not_now", "no_fit", "other"]), rests | ends, max_size=3),
        "audit": st.fixed_dictionaries(
            {"share": share}, optional={"at_most": st.just("10 per week"), "near_threshold": near}
        ),
    }


def written(file: Data) -> str:
    """The file as text: JSON is YAML."""
    return json.dumps(file, ensure_ascii=False)
