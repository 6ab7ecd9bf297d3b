"""Verbs of tuning: blind audits, and the regular review."""

from leadpact.tuning.actions.audits import (
    DrawnWeek,
    ToRelease,
    answer_audits,
    draw_week,
    due_for_release,
    place_in_line,
    released,
)
from leadpact.tuning.actions.reviews import (
    MOST_WORDS,
    Prepared,
    claim_mail,
    keep_review,
    mail_ended,
    note,
    prepare_once,
)

__all__ = [
    "MOST_WORDS",
    "DrawnWeek",
    "Prepared",
    "ToRelease",
    "answer_audits",
    "claim_mail",
    "draw_week",
    "due_for_release",
    "keep_review",
    "mail_ended",
    "note",
    "place_in_line",
    "prepare_once",
    "released",
]
