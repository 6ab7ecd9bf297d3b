"""Whether two rules say the same, whatever the order of their parts."""

from __future__ import annotations

from dataclasses import replace

from leadpact.language.nodes import (
    ActivePeople,
    All,
    Any,
    Attribute,
    Condition,
    Each,
    If,
    Not,
    Score,
    Touched,
    TouchQuery,
)


def same_rule(one: If | Each, other: If | Each) -> bool:
    """Whether two lines score the same thing; caps and points do not count."""
    return rule_key(one) == rule_key(other)


def rule_key(rule: If | Each) -> object:
    """Equal for rules that score the same thing."""
    if isinstance(rule, If):
        return sorted_condition(rule.condition)
    return sorted_query(rule.query), rule.fades


def same_condition(one: Condition, other: Condition) -> bool:
    """Whether two conditions mean the same but for the order of parts, tests and kinds."""
    return sorted_condition(one) == sorted_condition(other)


def sorted_query(query: TouchQuery) -> TouchQuery:
    """The query with kinds, properties and tests in one order."""
    where = tuple(sorted(((name, tuple(sorted(tests, key=repr))) for name, tests in query.where), key=repr))
    return replace(query, kinds=tuple(sorted(set(query.kinds))), where=where)


def sorted_condition(condition: Condition) -> Condition:
    """The condition with everything in one order whose order has no meaning; a join of one part is that part."""
    match condition:
        case Attribute():
            return replace(condition, tests=tuple(sorted(condition.tests, key=repr)))
        case Touched():
            return replace(condition, query=sorted_query(condition.query))
        case ActivePeople():
            return replace(condition, kinds=tuple(sorted(set(condition.kinds))))
        case Score():
            return condition
        case Not(part=part):
            return Not(sorted_condition(part))
        case All(parts=parts) | Any(parts=parts):
            inner = tuple(sorted({sorted_condition(part) for part in parts}, key=repr))
            return inner[0] if len(inner) == 1 else type(condition)(inner)
