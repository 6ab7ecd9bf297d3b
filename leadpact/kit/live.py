"""Telling open pages that something changed: PostgreSQL's NOTIFY, which leaves with the transaction or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.db import connection

CHANNEL = "leadpact_live"


def announce(user_ids: Iterable[int | None], *, what: str = "inbox") -> None:
    """At commit, the open pages of these people count anew (None: everybody's). One statement, however many people."""
    payloads = [json.dumps({"user": user_id, "what": what}) for user_id in dict.fromkeys(user_ids)]
    if payloads:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload", [CHANNEL, payloads])
