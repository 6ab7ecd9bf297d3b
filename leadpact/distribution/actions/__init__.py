"""The verbs of distribution: choose who gets a lead, offer it, take Sales' answers, pass leads on."""

from leadpact.distribution.actions.answers import (
    accept,
    disqualify,
    follow_up,
    give_back,
    lost,
    open_opportunity,
    qualify,
    recycle,
    reject,
    won,
)
from leadpact.distribution.actions.asking import LostRace, NotYours, Refused
from leadpact.distribution.actions.choosing import choose_salespeople
from leadpact.distribution.actions.correcting import correct
from leadpact.distribution.actions.offers import end_offers, open_offers, reopen_offer
from leadpact.distribution.actions.passing import HAND_OVER_REASONS, hand_over, hand_over_everything, reassign

__all__ = [
    "HAND_OVER_REASONS",
    "LostRace",
    "NotYours",
    "Refused",
    "accept",
    "choose_salespeople",
    "correct",
    "disqualify",
    "end_offers",
    "follow_up",
    "give_back",
    "hand_over",
    "hand_over_everything",
    "lost",
    "open_offers",
    "open_opportunity",
    "qualify",
    "reassign",
    "recycle",
    "reject",
    "reopen_offer",
    "won",
]
