"""What an answer of Sales must satisfy, the clock it starts, and the sentence for who came too late. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from leadpact.language import hours
from leadpact.language.nodes import DAY, Agreement, Duration, Market, Reason

CORRECTABLE_FOR = 10 * 60 * 1_000_000
# Where the agreement promises nothing: so that no lead waits without a clock on somebody.
DEFAULT_NEXT_STEP = 14 * DAY
DEFAULT_FOLLOW_UP = DAY
DEFAULT_ANSWER = 2 * DAY
DEFAULT_REST = 90 * DAY
NEXT_STEP, FOLLOW_UP, ATTEMPTS, ANSWER, REST = (
    "next_step",
    "first_follow_up_within",
    "attempts",
    "answer_rejection_within",
    "rest_ends",
)
# Reasons that need no agreement to be said: an opt-out, and what the market did to a need.
LOST_REASONS = ("competitor", "no_decision", "price", "no_budget", "no_need", "other")


class AnswerRefused(Exception):
    """An answer that the agreement does not allow. The text is one sentence for whoever gave it."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock to start: instant and name."""

    due: int
    what: str


def reason_of(agreement: Agreement | None, code: str, *, attempts: int, phrase: str = "") -> Reason:
    """The agreement's reason with this code. `attempts`: follow-ups made so far.

    Raises AnswerRefused where the agreement has no such reason, or asks for more attempts before it.
    """
    if agreement is None:
        raise AnswerRefused("No agreement is in force, so there are no reasons to give; sign one first.")
    reason = agreement.reason(code)
    if reason is None:
        known = ", ".join(known.id for known in agreement.recycle) or "none"
        said = f"{code!r} is not a reason of the agreement" if code else "A reason is needed"
        raise AnswerRefused(f"{said}; it knows {known}.")
    promise = agreement.sales_promises.attempts if agreement.sales_promises else None
    if reason.only_after_attempts and promise is not None and attempts < promise.at_least:
        missing = promise.at_least - attempts
        more = "1 attempt is missing" if missing == 1 else f"{missing} attempts are missing"
        raise AnswerRefused(
            f"{code!r} can be said after {promise.at_least} attempts to reach them; {attempts} are logged, so {more}."
        )
    return reason


def after_accepting(agreement: Agreement | None, calendar: Market, at: int) -> Clock:
    """The first follow-up is due."""
    promise = agreement.sales_promises.first_follow_up_within if agreement and agreement.sales_promises else None
    return Clock(_due(at, promise, calendar, DEFAULT_FOLLOW_UP), FOLLOW_UP)


def after_follow_up(
    agreement: Agreement | None, calendar: Market, at: int, *, accepted_at: int | None, attempts: int, reached: bool
) -> Clock:
    """What is due after a logged call: the promised attempts until somebody was reached or all were made, then a next step.

    `attempts` counts this one.
    """
    promise = agreement.sales_promises.attempts if agreement and agreement.sales_promises else None
    if promise is None or reached or attempts >= promise.at_least or accepted_at is None:
        return Clock(at + DEFAULT_NEXT_STEP, NEXT_STEP)
    return Clock(_due(accepted_at, promise.within, calendar, DEFAULT_NEXT_STEP), ATTEMPTS)


def next_step(at: int, asked: int | None) -> Clock:
    """The salesperson's own next date. Raises AnswerRefused where it lies in the past."""
    if asked is not None and asked <= at:
        raise AnswerRefused("The next step lies in the past; give a date that is still to come.")
    return Clock(asked if asked is not None else at + DEFAULT_NEXT_STEP, NEXT_STEP)


def after_giving_back(agreement: Agreement | None, at: int) -> Clock:
    """Marketing owes an answer to what Sales gave back."""
    promise = (
        agreement.marketing_promises.answer_rejection_within if agreement and agreement.marketing_promises else None
    )
    return Clock(_due(at, promise, agreement.market if agreement else Market(), DEFAULT_ANSWER), ANSWER)


def rest(reason: Reason, at: int, asked: int | None) -> Clock:
    """When a recycled lead wakes: on the date asked for, else after the reason's rest."""
    if asked is not None and asked <= at:
        raise AnswerRefused("The date to wake it lies in the past; give one that is still to come.")
    return Clock(asked if asked is not None else at + (reason.rest or DEFAULT_REST), REST)


def ago(us: int) -> str:
    """How long ago, in words: "3 seconds ago"."""
    for size, word in ((DAY, "day"), (3_600_000_000, "hour"), (60_000_000, "minute"), (1_000_000, "second")):
        if us >= size:
            return f"{us // size} {word}{'s' if us // size > 1 else ''} ago"
    return "just now"


def _due(start: int, promise: Duration | None, calendar: Market, default: int) -> int:
    return hours.due(start, promise, calendar) if promise is not None else start + default
