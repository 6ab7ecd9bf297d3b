"""The pool: what Marketing holds, and how far each is from being sales-ready."""

from __future__ import annotations

from typing import Any

from django.db.models import F, FloatField, QuerySet, Value
from django.db.models.functions import Cast, Greatest

from leadpact.kit.raw import cursor as raw_cursor
from leadpact.leads.queries import listed

FAR = 60_000
"""Thousandths of a point at which the bar of closeness is empty."""


def pool() -> QuerySet[Any]:
    """Leads in Marketing's hands, with person, account, holding and latest judgement.

    near: points missing to sales-ready, None where more than points is missing; close: FAR less the thousandths missing.
    """
    return (
        listed()
        .filter(holding__holder="marketing")
        .annotate(
            near=Cast(F("judgement__distance"), FloatField()) / 1000.0,
            close=Greatest(Value(0), Value(FAR) - F("judgement__distance")),
        )
    )


def counts(at: int) -> dict[str, int]:
    """How many grow, rest, wait for repair, are late for a touch, are sales-ready and wait; `held`: all. One statement."""
    with raw_cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE state IN ('prospect', 'lead')), count(*) FILTER (WHERE state = 'resting'),"
            " count(*) FILTER (WHERE state = 'repair'), count(*) FILTER (WHERE due_what = 'touch_every' AND due < $1),"
            " count(*) FILTER (WHERE verdict = 'sales_ready' AND state IN ('prospect', 'lead')), count(*) FILTER"
            " (WHERE state = 'new'), count(*)"
            " FROM custody_holding WHERE holder = 'marketing'",
            (at,),
        )
        row: Any = cursor.fetchone()
    return dict(zip(("growing", "resting", "repair", "late", "waiting", "new", "held"), row, strict=True))
