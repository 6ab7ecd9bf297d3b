"""A history as the two relations that compiled SQL reads, and a judgement as the row that it answers.

For whoever brings plain facts to an SQL engine: tests, `judge --engine postgres`, a look at one lead by hand.
"""

from __future__ import annotations

from leadpact.language.evaluate import Judgement
from leadpact.language.fold import Cell
from leadpact.language.history import Lead, Touch
from leadpact.language.needs import Needs, column
from leadpact.language.nodes import DIMENSIONS, Form

Value = str | int | bool | None
SQL_TYPES = {Form.TEXT: "TEXT", Form.WORDS: "TEXT", Form.NUMBER: "BIGINT", Form.TRUTH: "BOOLEAN"}


def lead_columns(needed: Needs) -> tuple[tuple[str, str], ...]:
    """Names and SQL types of the columns of `leads`."""
    fixed = (("lead_id", "TEXT"), ("as_of", "BIGINT"), ("person_key", "TEXT"), ("account_key", "TEXT"))
    return fixed + tuple((column(name, form), SQL_TYPES[form]) for name, form in needed.attributes)


def touch_columns(needed: Needs) -> tuple[tuple[str, str], ...]:
    """Names and SQL types of the columns of `touches`."""
    texts = ("touch_id", "lead_id", "person_key", "account_key", "kind")
    fixed = (*((name, "TEXT") for name in texts), ("at", "BIGINT"), ("known_at", "BIGINT"), ("void_at", "BIGINT"))
    return fixed + tuple((column(name, form), SQL_TYPES[form]) for name, form in needed.properties)


def lead_row(lead: Lead, needed: Needs, as_of: int) -> tuple[Value, ...]:
    """One row of `leads`: the lead with what was recorded of its attributes as of the instant."""
    values = (in_form(lead.recorded(name, as_of), form) for name, form in needed.attributes)
    return (lead.lead_id, as_of, lead.person, lead.account, *values)


def touch_row(touch: Touch, needed: Needs) -> tuple[Value, ...]:
    """One row of `touches`."""
    values = (in_form(touch.property(name), form) for name, form in needed.properties)
    return (
        touch.touch_id,
        touch.lead_id,
        touch.person,
        touch.account,
        touch.kind,
        touch.at,
        touch.known_at,
        touch.void_at,
        *values,
    )


def in_form(cell: Cell, form: Form) -> Value:
    """The cell in one of its forms; None where it does not have it."""
    return {Form.TEXT: cell.text, Form.WORDS: cell.words, Form.NUMBER: cell.number, Form.TRUTH: cell.truth}[form]


def judgement_row(judgement: Judgement, *, extras: bool = True) -> tuple[Value, ...]:
    """The row that compiled SQL gives for this judgement, in the order of `Compiled.columns`."""
    row: tuple[Value, ...] = (
        judgement.lead_id,
        judgement.as_of,
        judgement.verdict,
        judgement.decided_by,
        *(judgement.scores[dimension] for dimension in DIMENSIONS),
        *(part.points for part in judgement.lines),
    )
    if not extras:
        return row
    bits = sum(1 << n for n, held in enumerate(judgement.alternatives) if held)
    ahead = (judgement.changes_at, judgement.steps_at, judgement.fades)
    return (*row, bits, judgement.cools, judgement.distance, *ahead)
