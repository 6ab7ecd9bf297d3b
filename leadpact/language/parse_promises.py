"""Reading both sides' promises, the reasons for recycling and the audits."""

from __future__ import annotations

from typing import Final

from leadpact.language.durations import duration, per_week, points_phrase, share, window
from leadpact.language.nodes import (
    Attempts,
    Audit,
    Duration,
    Market,
    MarketingPromises,
    Reason,
    SalesPromises,
)
from leadpact.language.problems import Place
from leadpact.language.reading import Entry, Reader
from leadpact.language.source import Node

SALES_KEYS: Final = ("accept_within", "first_follow_up_within", "attempts")
MARKETING_KEYS: Final = ("hand_over_within", "touch_every", "answer_rejection_within")
ATTEMPTS_KEYS: Final = ("at_least", "within")
REASON_KEYS: Final = ("blames", "rest", "play", "then", "only_after")
AUDIT_KEYS: Final = ("share", "at_most", "near_threshold")
NEAR_KEYS: Final = ("within", "share")
BLAMES: Final = ("timing", "definition", "data", "nobody")
THEN: Final = ("disqualified", "repair")
ATTEMPTS_LIMIT: Final = 1_000


def _durations(
    reader: Reader, fields: dict[str, Entry], names: tuple[str, ...], market: Market
) -> list[Duration] | None:
    read = [duration(reader, fields[name].value, f"`{name}`", market) for name in names if name in fields]
    found = [one for one in read if one is not None]
    return found if len(found) == len(names) else None


def read_sales(reader: Reader, node: Node, market: Market) -> SalesPromises | None:
    """What Sales promises."""
    fields = reader.fields(node, "`sales_promises`", known=SALES_KEYS, required=SALES_KEYS[:2])
    if fields is None:
        return None
    promised = _durations(reader, fields, SALES_KEYS[:2], market)
    attempts = _attempts(reader, fields["attempts"].value, market) if "attempts" in fields else None
    return None if promised is None else SalesPromises(promised[0], promised[1], attempts)


def _attempts(reader: Reader, node: Node, market: Market) -> Attempts | None:
    fields = reader.fields(node, "`attempts`", known=ATTEMPTS_KEYS, required=ATTEMPTS_KEYS)
    if fields is None:
        return None
    count = within = None
    if "at_least" in fields:
        count = reader.whole(fields["at_least"].value, "`at_least` of attempts", low=1, high=ATTEMPTS_LIMIT)
    if "within" in fields:
        within = duration(reader, fields["within"].value, "`within`", market)
    return None if count is None or within is None else Attempts(count, within)


def read_marketing(reader: Reader, node: Node, market: Market) -> MarketingPromises | None:
    """What Marketing promises."""
    fields = reader.fields(node, "`marketing_promises`", known=MARKETING_KEYS, required=MARKETING_KEYS)
    if fields is None:
        return None
    promised = _durations(reader, fields, MARKETING_KEYS, market)
    return None if promised is None else MarketingPromises(*promised)


def read_recycle(reader: Reader, node: Node) -> tuple[tuple[Reason, ...], dict[str, Place]]:
    """The reasons, and where each stands."""
    fields = reader.fields(node, "`recycle`")
    found: list[Reason] = []
    places: dict[str, Place] = {}
    for entry in (fields or {}).values():
        name = reader.name(entry.key, "the id of a reason")
        reason = _reason(reader, entry.value, name or entry.key.value)
        if name is not None:
            places[name] = Place(entry.key.line, entry.key.column)
            if reason is not None:
                found.append(reason)
    return tuple(found), places


def _reason(reader: Reader, node: Node, name: str) -> Reason | None:
    what = f"the reason `{name}`"
    fields = reader.fields(node, what, known=REASON_KEYS, required=("blames",))
    if fields is None:
        return None
    before = reader.problems.failures
    blames = reader.choice(fields["blames"].value, "`blames`", BLAMES) if "blames" in fields else None
    rest = window(reader, fields["rest"].value, "`rest`") if "rest" in fields else None
    play = reader.name(fields["play"].value, "the id of a play") if "play" in fields else None
    then = reader.choice(fields["then"].value, "`then`", THEN) if "then" in fields else None
    if "only_after" in fields:
        reader.choice(fields["only_after"].value, "`only_after`", ("attempts",))
    if then == "disqualified" and ("rest" in fields or "play" in fields):
        other = fields["rest" if "rest" in fields else "play"].key
        reader.problems.error(
            other,
            f"{what} disqualifies, so `{other.value}` has no meaning",
            expected="`then: disqualified` alone, or no `then`",
            code="contradiction",
        )
    if blames is None or reader.problems.failures > before:
        return None
    return Reason(name, blames, rest, play, then, "only_after" in fields)


def read_audit(reader: Reader, node: Node) -> Audit:
    """The audits; nothing is audited by default."""
    fields = reader.fields(node, "`audit`", known=AUDIT_KEYS, required=("share",))
    if fields is None:
        return Audit()
    part = share(reader, fields["share"].value, "`share`") if "share" in fields else None
    weekly = per_week(reader, fields["at_most"].value, "`at_most`") if "at_most" in fields else None
    near_within = near_share = None
    if "near_threshold" in fields:
        near = reader.fields(fields["near_threshold"].value, "`near_threshold`", known=NEAR_KEYS, required=NEAR_KEYS)
        near = near or {}
        near_within = points_phrase(reader, near["within"].value, "`within`") if "within" in near else None
        near_share = share(reader, near["share"].value, "`share`") if "share" in near else None
    return Audit(part or 0, weekly, near_within, near_share)
