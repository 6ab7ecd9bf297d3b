"""Words that pages use for the codes of the ledger."""

from __future__ import annotations

STATES = {
    "new": "new",
    "prospect": "prospect",
    "lead": "lead",
    "resting": "resting",
    "repair": "to repair",
    "offered": "offered",
    "accepted": "accepted",
    "qualified": "qualified",
    "opportunity": "opportunity",
    "prospecting": "prospecting",
    "won": "won",
    "lost": "lost",
    "disqualified": "disqualified",
    "merged": "merged",
    "erased": "erased",
}

TONES = {
    "marketing": "marketing",
    "sales": "sales",
    "won": "good",
    "lost": "plain",
    "disqualified": "plain",
    "merged": "plain",
    "erased": "plain",
}

CLOCKS = {
    "accept_within": "to accept",
    "first_follow_up_within": "first follow-up",
    "attempts": "next attempt",
    "next_step": "next step",
    "touch_every": "next touch",
    "answer_rejection_within": "to answer",
    "rest_ends": "rests until",
    "prospect_plan": "prospect plan",
}
