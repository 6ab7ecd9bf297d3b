"""The JSON Schema of an agreement file, for editors: names are completed and mistakes underlined while one writes.

The schema is looser than `parse`: what needs the whole file (list names, ids used once) it cannot know. Whatever
`parse` accepts, the schema accepts too.
"""

from __future__ import annotations

from typing import Final, cast

from leadpact.language import builtin
from leadpact.language.fields import ACTIVE_PEOPLE, FIELDS, noun
from leadpact.language.kinds import KINDS
from leadpact.language.nodes import DEFAULT_VERDICT, DIMENSIONS, POINTS_LIMIT, VERDICT_NAMES
from leadpact.language.parse import TITLE_LIMIT
from leadpact.language.parse_conditions import KIND_LIMIT
from leadpact.language.parse_market import DAYS, MARKET_KEYS
from leadpact.language.parse_promises import BLAMES, THEN
from leadpact.language.reading import SENTENCE_LIMIT

Schema = dict[str, object]

_DURATION: Final = r"^\s*[0-9]{1,9}\s+(business\s+)?(second|minute|hour|day|week)s?\s*$"
_WINDOW: Final = r"^\s*[0-9]{1,9}\s+(second|minute|hour|day|week)s?\s*$"
_SHARE: Final = r"^\s*[0-9]{1,3}(\.[0-9]{1,4})? ?%\s*$"
_ID: Final = r"^[a-z][a-z0-9_]{0,49}$"
_FIELD: Final = r"^(person|account|lead)\..+$"
_TRUTH: Final = r"^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo])$"

# What editors show beside a word.
SECTION_SAYS: Final = {
    "leadpact": "The version of the language: 1.",
    "name": "What the agreement is called.",
    "market": "Time zone, business hours and holidays, for promises in business time.",
    "lists": "Named lists of texts, numbers or domains, for `in`.",
    "fit": "Lines about who they are.",
    "engagement": "Lines about what they do.",
    "readiness": "Lines about what they told us: budget, authority, need, timing.",
    "verdicts": "Tried from the top; the first that holds is given. A lead for which none holds is a prospect.",
    "cools": "When an accepted lead goes back to Marketing.",
    "sales_promises": "What Sales promises for each lead that is handed over.",
    "marketing_promises": "What Marketing promises for each lead that it keeps.",
    "recycle": "The reasons Sales may give, and what each leads to.",
    "audit": "Blind checks of what Marketing keeps: they measure the second error.",
    "review": "When both departments meet over what the agreement did; it is prepared and mailed then.",
}
WORD_SAYS: Final = {
    "id": "A short name, used once: small letters, digits, underscores.",
    "says": "The sentence that both sides read.",
    "if": "A condition: the points are given once.",
    "each": "A touch: the points are given for each that counts.",
    "points": "A whole number from -10,000 to 10,000.",
    "at_most": "With `each`: what the line comes to at most, in either direction.",
    "fades": "With `each` and a window of whole days: worth less with each day, nothing at the end.",
    "touch": "A kind of touch, or a list of kinds.",
    "where": "Properties of the touch, each with a comparison; all must be true.",
    "within": "The window: only touches younger than this count.",
    "by": "Whose touches: the person's own, or everyone's at the account.",
    "per": "`day`: of each UTC day only the latest counts.",
    "distinct": "A property: of each of its values only the latest touch counts.",
    "is": "The same text, number or boolean.",
    "in": "One of a list: its name, or the list itself. Lists of domains match subdomains too.",
    "contains": "Has the text inside.",
    "starts_with": "Begins with the text.",
    "ends_with": "Ends with the text.",
    "has_word": "Has it as a whole word.",
    "at_least": "That number or more.",
    "above": "More than that number.",
    "below": "Less than that number.",
    "between": "Within both numbers, these included.",
    "known": "Whether there is a value at all.",
    "blames": "What the first error counts: definition, timing, data or nobody.",
    "rest": "How long the lead rests before it is judged afresh.",
    "play": "The play that the lead is given to.",
    "then": "In place of a rest.",
    "only_after": "May be said only when all promised attempts were made.",
}
_OTHERWISE: Final = {"at_most": "That number or less."}


def json_schema() -> Schema:
    """The schema as JSON Schema, draft 2020-12."""
    sections: Schema = {
        "leadpact": {"const": 1},
        "name": _words(TITLE_LIMIT),
        "market": {"$ref": "#/$defs/market"},
        "lists": {
            "type": ["object", "null"],
            "propertyNames": {"pattern": _ID},
            "additionalProperties": _many({"$ref": "#/$defs/constant"}, at_least=0),
        },
        **{dimension: _many({"$ref": "#/$defs/line"}, at_least=0) for dimension in DIMENSIONS},
        "verdicts": {
            "type": "object",
            "properties": {name: {"$ref": "#/$defs/judging"} for name in VERDICT_NAMES if name != DEFAULT_VERDICT},
            "required": ["sales_ready"],
        },
        "cools": {"$ref": "#/$defs/judging"},
        "sales_promises": _object(
            {
                "accept_within": _ref("duration"),
                "first_follow_up_within": _ref("duration"),
                "attempts": _object({"at_least": _whole(1), "within": _ref("duration")}, ["at_least", "within"]),
            },
            ["accept_within", "first_follow_up_within"],
        ),
        "marketing_promises": _object(
            {name: _ref("duration") for name in ("hand_over_within", "touch_every", "answer_rejection_within")},
            ["hand_over_within", "touch_every", "answer_rejection_within"],
        ),
        "recycle": {"type": "object", "propertyNames": {"pattern": _ID}, "additionalProperties": _reason()},
        "audit": _object(
            {
                "share": _ref("share"),
                "at_most": {"type": "string", "pattern": r"^\s*[0-9]{1,6}\s+per\s+week\s*$"},
                "near_threshold": _object(
                    {
                        "within": {"type": "string", "pattern": r"^\s*[0-9]{1,6}\s+points?\s*$"},
                        "share": _ref("share"),
                    },
                    ["within", "share"],
                ),
            },
            ["share"],
        ),
        "review": _review(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "leadpact agreement",
        "description": "What Marketing and Sales agree on: when a lead is ready, and what both promise.",
        **_object(_told(sections, SECTION_SAYS), ["leadpact", "name", "verdicts"]),
        "$defs": _definitions(),
    }


def _definitions() -> Schema:
    query: Schema = {
        "touch": _ref("kinds"),
        "where": {"type": "object", "minProperties": 1, "additionalProperties": _ref("tests")},
        "within": _ref("window"),
        "by": {"enum": ["person", "account"]},
        "per": {"const": "day"},
        "distinct": {"type": ["string", "number"]},
    }
    query = _told(query, WORD_SAYS)
    count: Schema = {"type": "integer", "minimum": 0}
    return {
        "duration": {"type": "string", "pattern": _DURATION, "examples": ["4 business hours", "30 days"]},
        "window": {"type": "string", "pattern": _WINDOW, "examples": ["30 days"]},
        "share": {"type": "string", "pattern": _SHARE, "examples": ["2%"]},
        "constant": {"type": ["string", "number", "boolean"]},
        "kinds": {"anyOf": [_ref("kind"), _many(_ref("kind"))]},
        "kind": {"anyOf": [{"enum": list(KINDS)}, _words(KIND_LIMIT)]},
        "tests": {"anyOf": [_ref("constant"), _tests()]},
        "truth": {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": _TRUTH}]},
        "query": _object(query, ["touch"]),
        "touched": _object({**query, "at_least": count, "at_most": count}, ["touch"]),
        "attribute": _attribute(),
        "score": _score(),
        "condition": _condition("condition", scores=False),
        "judging": _condition("judging", scores=True),
        "line": _line(),
        "market": _market(),
    }


def _condition(name: str, *, scores: bool) -> Schema:
    inner = _ref(name)
    options: list[object] = [
        _object({"all": _many(inner)}, ["all"]),
        _object({"any": _many(inner)}, ["any"]),
        _object({"not": inner}, ["not"]),
        _ref("touched"),
        _ref("attribute"),
    ]
    return {"anyOf": [*options, _ref("score")] if scores else options}


def _attribute() -> Schema:
    people = _object(
        {"at_least": _whole(0), "at_most": _whole(0), "within": _ref("window"), "touch": _ref("kinds")}, []
    )
    known = {name: {"$ref": "#/$defs/tests", "description": noun(name)} for name in FIELDS}
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {ACTIVE_PEOPLE: people, **known},
        "patternProperties": {_FIELD: True},
        "additionalProperties": False,
    }


def _tests() -> Schema:
    number: Schema = {"type": "number"}
    text: Schema = {"type": ["string", "number", "boolean"]}
    named: Schema = {"anyOf": [{"enum": list(builtin.NAMES)}, {"type": "string"}]}
    words: Schema = {
        "is": _ref("constant"),
        "in": {"anyOf": [named, _many(_ref("constant"))]},
        "contains": text,
        "starts_with": text,
        "ends_with": text,
        "has_word": text,
        "at_least": number,
        "at_most": number,
        "above": number,
        "below": number,
        "between": {"type": "array", "items": number, "minItems": 2, "maxItems": 2},
        "known": _ref("truth"),
    }
    return _object(_told(words, {**WORD_SAYS, **_OTHERWISE}), [], least=1)


def _score() -> Schema:
    number: Schema = {"type": "number"}
    bounds = _object(
        {
            **dict.fromkeys(("at_least", "at_most", "above", "below"), number),
            "between": {"type": "array", "items": number, "minItems": 2, "maxItems": 2},
        },
        [],
        least=1,
    )
    return {**_object(dict.fromkeys(DIMENSIONS, bounds), []), "minProperties": 1, "maxProperties": 1}


def _line() -> Schema:
    shared: Schema = {
        "id": {"type": ["string", "boolean"], "pattern": _ID},
        "says": _words(SENTENCE_LIMIT),
        "points": {"type": "integer", "minimum": -POINTS_LIMIT, "maximum": POINTS_LIMIT},
    }
    once = {**shared, "if": _ref("condition")}
    often = {**shared, "each": _ref("query"), "at_most": _whole(1), "fades": _ref("truth")}
    return {
        "oneOf": [
            _object(_told(once, WORD_SAYS), ["id", "points", "if"]),
            _object(_told(often, WORD_SAYS), ["id", "points", "each"]),
        ]
    }


def _reason() -> Schema:
    words: Schema = {
        "blames": {"enum": list(BLAMES)},
        "rest": _ref("window"),
        "play": {"type": "string", "pattern": _ID},
        "then": {"enum": list(THEN)},
        "only_after": {"const": "attempts"},
    }
    return _object(_told(words, WORD_SAYS), ["blames"])


def _review() -> Schema:
    # Days are not listed: `parse` takes them in capitals too.
    return _object(
        {
            "every": {
                "type": "string",
                "pattern": r"^\s*(month|([0-9]{1,4}\s+)?weeks?)\s*$",
                "examples": ["week", "2 weeks", "month"],
                "description": "How often.",
            },
            "on": {
                "type": "string",
                "examples": [*DAYS, "first monday", "last friday"],
                "description": "The weekday; of a month also which of them.",
            },
            "at": {
                "type": "string",
                "pattern": r"^\s*[0-9]{1,2}:[0-5][0-9]\s*$",
                "examples": ["09:00"],
                "description": "The time, by the market's clock.",
            },
            "from": {"type": "string", "description": "The date of one of the meetings, where they are weeks apart."},
        },
        ["every", "on", "at"],
    )


def _market() -> Schema:
    timezone, hours, holidays = MARKET_KEYS
    spans: Schema = {"type": "string", "examples": ["08:00-18:00"]}
    return _object(
        {
            timezone: {"type": "string", "examples": ["America/Chicago"]},
            hours: {"type": "object", "minProperties": 1, "additionalProperties": {"anyOf": [spans, _many(spans)]}},
            holidays: {
                "anyOf": [{"type": "string", "examples": ["US", "DE-BY"]}, _many({"type": "string"}, at_least=0)]
            },
        },
        [],
    )


# --- small parts -------------------------------------------------------------------------


def _object(properties: Schema, required: list[str], *, least: int = 0) -> Schema:
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        found["required"] = required
    if least:
        found["minProperties"] = least
    return found


def _told(properties: Schema, says: dict[str, str]) -> Schema:
    """Properties with what editors show beside each; a reference may have words beside it since draft 2019-09."""
    out: Schema = {}
    for name, found in properties.items():
        said = {"description": says[name]} if name in says else {}
        out[name] = {**cast("Schema", found), **said}
    return out


def _words(most: int) -> Schema:
    """A text of so many characters; one without quotes that spells a number or a boolean is a text as well."""
    return {"type": ["string", "number", "boolean"], "minLength": 1, "maxLength": most}


def _many(items: Schema, *, at_least: int = 1) -> Schema:
    return {"type": "array" if at_least else ["array", "null"], "items": items, "minItems": at_least}


def _whole(low: int) -> Schema:
    return {"type": "integer", "minimum": low}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
