"""Verbs of tuning: blind audits, and the regular review."""

from leadpact.tuning.actions.audits import (
    DrawnWeek,
    Shadow,
    ToRelease,
    answer_audits,
    draw_week,
    due_for_release,
    guess,
    place_in_line,
    released,
    settle,
    unsettled,
)
from leadpact.tuning.actions.reviews import (
    MOST_WORDS,
    Prepared,
    claim_mail,
    forget_in_notes,
    keep_review,
    mail_ended,
    note,
    prepare_once,
)

__all__ = [
    "MOST_WORDS",
    "DrawnWeek",
    "Prepared",
    "Shadow",
    "ToRelease",
    "answer_audits",
    "claim_mail",
    "draw_week",
    "due_for_release",
    "forget_in_notes",
    "guess",
    "keep_review",
    "mail_ended",
    "note",
    "place_in_line",
    "prepare_once",
    "released",
    "settle",
    "unsettled",
]
