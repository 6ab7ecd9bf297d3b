"""The JSON Schema of an agreement file, for editors: names are completed and mistakes underlined while one writes.

The schema is looser than `parse`: what needs the whole file (list names, ids used once) it cannot know. Whatever
`parse` accepts, the schema accepts too.
"""

from __future__ import annotations

from typing import Final

from leadpact.language import builtin
from leadpact.language.fields import ACTIVE_PEOPLE, FIELDS, noun
from leadpact.language.kinds import KINDS
from leadpact.language.nodes import DEFAULT_VERDICT, DIMENSIONS, POINTS_LIMIT, VERDICT_NAMES
from leadpact.language.parse_market import MARKET_KEYS
from leadpact.language.parse_promises import BLAMES, THEN

Schema = dict[str, object]

_DURATION: Final = r"^\s*[0-9]{1,9}\s+(business\s+)?(second|minute|hour|day|week)s?\s*$"
_WINDOW: Final = r"^\s*[0-9]{1,9}\s+(second|minute|hour|day|week)s?\s*$"
_SHARE: Final = r"^\s*[0-9]{1,3}(\.[0-9]{1,4})? ?%\s*$"
_ID: Final = r"^[a-z][a-z0-9_]{0,49}$"
_FIELD: Final = r"^(person|account|lead)\..+$"


def json_schema() -> Schema:
    """The schema as JSON Schema, draft 2020-12."""
    sections: Schema = {
        "leadpact": {"const": 1, "description": "The version of the language."},
        "name": {"type": "string", "minLength": 1},
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
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "leadpact agreement",
        **_object(sections, ["leadpact", "name", "verdicts"]),
        "$defs": _definitions(),
    }


def _definitions() -> Schema:
    query: Schema = {
        "touch": _ref("kinds"),
        "where": {"type": "object", "minProperties": 1, "additionalProperties": _ref("tests")},
        "within": _ref("window"),
        "by": {"enum": ["person", "account"]},
        "per": {"const": "day"},
        "distinct": {"type": "string"},
    }
    count: Schema = {"type": "integer", "minimum": 0}
    return {
        "duration": {"type": "string", "pattern": _DURATION, "examples": ["4 business hours", "30 days"]},
        "window": {"type": "string", "pattern": _WINDOW, "examples": ["30 days"]},
        "share": {"type": "string", "pattern": _SHARE, "examples": ["2%"]},
        "constant": {"type": ["string", "number", "boolean"]},
        "kinds": {"anyOf": [_ref("kind"), _many(_ref("kind"))]},
        "kind": {"anyOf": [{"enum": list(KINDS)}, {"type": "string", "minLength": 1}]},
        "tests": {"anyOf": [_ref("constant"), _tests()]},
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
    return _object(
        {
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
            "known": {"enum": [True, False, "yes", "no"]},
        },
        [],
        least=1,
    )


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
        "id": {"type": "string", "pattern": _ID},
        "says": {"type": "string", "description": "The sentence that both sides read."},
        "points": {"type": "integer", "minimum": -POINTS_LIMIT, "maximum": POINTS_LIMIT},
    }
    fades: Schema = {"enum": [True, False, "yes", "no"], "description": "Linear, to nothing at the end of the window."}
    return {
        "oneOf": [
            _object({**shared, "if": _ref("condition")}, ["id", "points", "if"]),
            _object(
                {**shared, "each": _ref("query"), "at_most": _whole(1), "fades": fades},
                ["id", "points", "each"],
            ),
        ]
    }


def _reason() -> Schema:
    return _object(
        {
            "blames": {"enum": list(BLAMES)},
            "rest": _ref("window"),
            "play": {"type": "string", "pattern": _ID},
            "then": {"enum": list(THEN)},
            "only_after": {"const": "attempts"},
        },
        ["blames"],
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


def _many(items: Schema, *, at_least: int = 1) -> Schema:
    return {"type": "array" if at_least else ["array", "null"], "items": items, "minItems": at_least}


def _whole(low: int) -> Schema:
    return {"type": "integer", "minimum": low}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
