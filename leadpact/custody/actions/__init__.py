"""The verbs of the ledger: record, lapse, restart a clock. Nobody else writes to its tables."""

from leadpact.custody.actions.clocks import Lapsed, lapse, restart_clocks
from leadpact.custody.actions.forgetting import forget_words
from leadpact.custody.actions.recording import (
    KEEP,
    SYSTEM,
    Actor,
    NewEntry,
    Recorded,
    connect_follower,
    lock,
    record,
    without_follower,
)

__all__ = [
    "KEEP",
    "SYSTEM",
    "Actor",
    "Lapsed",
    "NewEntry",
    "Recorded",
    "connect_follower",
    "forget_words",
    "lapse",
    "lock",
    "record",
    "restart_clocks",
    "without_follower",
]
