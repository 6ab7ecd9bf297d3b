"""Agreements drawn by chance, with chance weighted towards trouble.

Everything is drawn from a `random.Random`: a seeded one for the thousands of pairs that the engines are compared
over, one of Hypothesis for the tests that shrink what they find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from leadpact.language.fold import cell
from leadpact.language.nodes import (
    DAY,
    DIMENSIONS,
    NUMBER_SCALE,
    THOUSANDTHS,
    ActivePeople,
    Agreement,
    All,
    Any,
    Attribute,
    Condition,
    Constant,
    Each,
    If,
    Line,
    ListRef,
    Not,
    Operator,
    Scaled,
    Score,
    Test,
    Touched,
    TouchQuery,
    Verdict,
)

HOUR = DAY // 24

KINDS = ("page.viewed", "seminar.attended", "demo.requested", "own.event", "email.sent", "call.made")
TEXTS = (
    "Manufacturing",
    "logistics & wholesale",
    "Straße 7",
    "köln",
    "北京 机械",
    "ÅNGSTRÖM-labs",
    "head of IT",
    "it",
    "/pricing",
    "/pricing/eu",
    "ﬁnance",
    "o'neil \\ % _",
    "Łódź",
)
PIECES = ("it", "head", "köln", "strasse", "/pricing", "labs", "机械", "eu", "logistics", "o'neil", "%", "\\", "ą", "s")
SITES = ("ferro.example", "ac.uk", "edu", "bücher.example", "x.ac.uk", ".uk", "b", "mail.ferro.example")
NUMBERS = (-3, 0, 1, 2, 2.5, 6, 200, 5_000, 999_999_999_999, 0.000001)
TEXT_FIELDS = (
    "person.title",
    "account.industry",
    "lead.note_of_whoever_met_them_first_at_whatever_fair_it_was_in_that_year",
)
DOMAIN_FIELDS = ("person.email_domain", "account.domain")
NUMBER_FIELDS = ("account.employees", "lead.timeline_months")
TRUTH_FIELDS = ("person.opted_out", "account.customer")
TEXT_PROPERTIES = ("path", "campaign", "an_unusually_long_name_of_a_property_that_postgresql_would_cut_off_ä")
NUMBER_PROPERTIES = ("minutes",)
TRUTH_PROPERTIES = ("live",)
DOMAIN_PROPERTIES = ("referrer",)


# --- agreements -------------------------------------------------------------------------


def draw_agreement(chance: Random, *, lines: int = 6) -> Agreement:
    """An agreement in which every verdict stands a chance."""
    drawn = tuple(_draw_line(chance, f"line_{n}") for n in range(chance.randint(1, lines)))
    lists: tuple[tuple[str, tuple[Constant, ...]], ...] = (
        ("places", tuple(_folded(chance, TEXTS, 5))),
        ("sites", tuple(_folded(chance, SITES, chance.choice((3, 7))))),
        ("sizes", tuple(_scaled(chance.choice(NUMBERS)) for _ in range(3))),
        ("answers", (True,)),
        ("nothing", ()),
        ("mixed", ("it", _scaled(6))),
    )
    verdicts = [
        Verdict("disqualified", (All((_fact(chance), _fact(chance))), _fact(chance))[: chance.randint(1, 2)]),
        Verdict("sales_ready", tuple(_verdict_part(chance, 12) for _ in range(chance.randint(1, 3)))),
        Verdict("lead", tuple(_verdict_part(chance, 4) for _ in range(chance.randint(1, 2)))),
    ]
    if chance.random() < 0.1:
        verdicts.append(verdicts.pop(0))
    cools = _verdict_part(chance, 8) if chance.random() < 0.7 else None
    return Agreement("drawn", drawn, tuple(verdicts), lists=lists, cools=cools)


def _draw_line(chance: Random, line_id: str) -> Line:
    points = chance.choice((1, 3, 5, 7, 15, 20, 33, -5, -20, 0))
    rule: If | Each = If(_condition(chance, 2))
    if chance.random() < 0.6:
        fades = chance.random() < 0.5
        cap = chance.choice((None, None, 1, 15, 40))
        rule = Each(_query(chance, fades=fades), at_most=cap, fades=fades)
    if chance.random() < 0.03:
        line_id = f"{line_id}_{'long_' * 12}ü"
    return Line(line_id, "", chance.choice(DIMENSIONS), points, rule)


def _verdict_part(chance: Random, around: int) -> Condition:
    """Mostly scores, so that what lines add up to decides; facts beside them."""
    roll = chance.random()
    if roll < 0.55:
        return _score(chance, around)
    if roll < 0.8:
        parts = (_score(chance, around), chance.choice((_score, _score, _mixed))(chance, around))
        return All(parts)
    if roll < 0.87:
        return Any((_score(chance, around * 2), All((_fact(chance), _score(chance, around)))))
    if roll < 0.94:
        return Not(chance.choice((_score, _mixed))(chance, around))
    return _fact(chance)


def _mixed(chance: Random, around: int) -> Condition:
    if chance.random() < 0.5:
        return _fact(chance)
    kind = chance.choice((All, Any))
    return kind((_fact(chance), _score(chance, around)))


def _score(chance: Random, around: int) -> Score:
    bound = chance.choice((1, around, around, around + 0.5, around * 2, 0, -5))
    low = int(bound * THOUSANDTHS)
    roll = chance.random()
    if roll < 0.75:
        return Score(chance.choice(DIMENSIONS), at_least=low)
    if roll < 0.95:
        return Score(chance.choice(DIMENSIONS), at_least=low, at_most=low + chance.choice((999, 5_000, 20_000)))
    return Score(chance.choice(DIMENSIONS), at_most=low)


def _condition(chance: Random, depth: int) -> Condition:
    """Anything but scores: what a line may ask."""
    roll = chance.random()
    if depth == 0 or roll < 0.6:
        return _fact(chance)
    if roll < 0.9:
        kind = chance.choice((All, Any))
        count = chance.choice((0, 1, 2, 2, 2, 3)) if depth == 1 else 2
        return kind(tuple(_condition(chance, depth - 1) for _ in range(count)))
    return Not(_condition(chance, depth - 1))


def _fact(chance: Random) -> Condition:
    roll = chance.random()
    if roll < 0.6:
        name, draw_test = chance.choice(_fields(TEXT_FIELDS, DOMAIN_FIELDS, NUMBER_FIELDS, TRUTH_FIELDS))
        return Attribute(name, _tests(chance, draw_test))
    if roll < 0.85:
        low = chance.choice((1, 1, 1, 2, 3, 0))
        return Touched(_query(chance), at_least=low, at_most=chance.choice((None, None, low, low + 1)))
    kinds = () if chance.random() < 0.6 else tuple(chance.sample(KINDS, 2))
    low = chance.choice((1, 2, 3))
    return ActivePeople(low, chance.choice((None, None, low + 1)), chance.choice((None, DAY, 30 * DAY)), kinds)


def _query(chance: Random, *, fades: bool = False) -> TouchQuery:
    within = chance.choice((1, 2, 7, 14, 30, 180, 3_650)) * DAY
    if not fades:
        within = chance.choice((None, within, within, 36 * HOUR, 1))
    where = ()
    if chance.random() < 0.35:
        found = _fields(TEXT_PROPERTIES, DOMAIN_PROPERTIES, NUMBER_PROPERTIES, TRUTH_PROPERTIES)
        where = tuple((name, _tests(chance, draw)) for name, draw in chance.sample(found, chance.choice((1, 1, 2))))
    return TouchQuery(
        kinds=tuple(chance.sample(KINDS, chance.choice((1, 1, 2)))),
        where=where,
        within=within,
        by=chance.choice(("person", "person", "account")),
        per_day=chance.random() < 0.3,
        distinct=chance.choice(TEXT_PROPERTIES) if chance.random() < 0.25 else None,
    )


# --- tests ------------------------------------------------------------------------------

DrawTest = Callable[[Random], Test]


def _fields(
    texts: Sequence[str], domains: Sequence[str], numbers: Sequence[str], truths: Sequence[str]
) -> list[tuple[str, DrawTest]]:
    """Names with what draws a test for them; now and then text is asked of a number, and a number of text."""
    pairs: list[tuple[str, DrawTest]] = [(name, _text_test) for name in texts]
    pairs += [(name, _domain_test) for name in domains]
    pairs += [(name, _number_test) for name in numbers]
    pairs += [(name, _truth_test) for name in truths]
    return [
        *pairs,
        (numbers[0], _text_test),
        (texts[0], _number_test),
        (texts[0], _truth_test),
        (domains[0], _text_test),
    ]


def _tests(chance: Random, draw_test: DrawTest) -> tuple[Test, ...]:
    if chance.random() < 0.1:
        return (Test(Operator.KNOWN, chance.random() < 0.5),)
    return tuple(draw_test(chance) for _ in range(chance.choice((1, 1, 1, 2))))


def _text_test(chance: Random) -> Test:
    operator = chance.choice(
        (Operator.IS, Operator.IN, Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.HAS_WORD)
    )
    if operator is Operator.IS:
        return Test(operator, _folded(chance, TEXTS, 1)[0])
    if operator is Operator.IN:
        inline = tuple(_folded(chance, TEXTS, chance.choice((1, 3))))
        return Test(
            operator,
            chance.choice((inline, ListRef("places"), ListRef("places"), ListRef("nothing"), ListRef("mixed"))),
        )
    if operator is Operator.HAS_WORD:
        return Test(operator, chance.choice(("it", "head", "köln", "strasse", "北京", "pricing", "o")))
    return Test(operator, chance.choice(PIECES))


def _domain_test(chance: Random) -> Test:
    if chance.random() < 0.6:
        return Test(Operator.IN, ListRef("sites", domains=True))
    return Test(Operator.IN, tuple(_folded(chance, SITES, chance.choice((1, 3)))), domains=True)


def _number_test(chance: Random) -> Test:
    operator = chance.choice(
        (
            Operator.IS,
            Operator.IN,
            Operator.AT_LEAST,
            Operator.AT_MOST,
            Operator.ABOVE,
            Operator.BELOW,
            Operator.BETWEEN,
        )
    )
    one, other = _scaled(chance.choice(NUMBERS)), _scaled(chance.choice(NUMBERS))
    if operator is Operator.BETWEEN:
        return Test(operator, (one, other) if one.value <= other.value else (other, one))
    if operator is Operator.IN:
        return Test(operator, chance.choice(((one, other), ListRef("sizes"))))
    return Test(operator, one)


def _truth_test(chance: Random) -> Test:
    if chance.random() < 0.3:
        return Test(Operator.IN, chance.choice(((True, False), (False,), ListRef("answers"))))
    return Test(Operator.IS, chance.random() < 0.6)


def _scaled(number: float) -> Scaled:
    return Scaled(round(number * NUMBER_SCALE))


def _folded(chance: Random, texts: Sequence[str], count: int) -> list[str]:
    return [str(cell(text).text) for text in chance.sample(texts, count)]
