"""What Sales and the market said, and what it cost, as rows of a file: read and bounded, not yet tied to anybody.

Tables of these belong to other rooms of the same floor; they take them through the port `capture.actions.answers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """An answer about a lead. `lead`: how the lead is named, ("user_id" | "email", value) of `leads_identifier`.

    message: 16 bytes, unique for ever, so that the repeat of a file is harmless. outcome: accepted, rejected,
    qualified, opportunity, won or lost. value: minor units of `currency`. line: of the file, for refusals.
    salesperson: who gave the answer, as the file names them (an address, a name, a number); empty where it does not say.
    """

    message: bytes
    lead: tuple[str, str]
    at: int
    outcome: str
    reason: str = ""
    value: int | None = None
    currency: str = "USD"
    line: int = 0
    salesperson: str = ""


@dataclass(frozen=True, slots=True)
class SpendRow:
    """Money spent on a channel on a day, in minor units. `source_key`: 64 hex letters, the same for the same row."""

    source_key: str
    channel: str
    campaign: str
    day: date
    amount: int
    currency: str = "USD"
    line: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of such rows. refused: (line, reason) of each that could not be taken."""

    taken: int
    repeated: int
    refused: tuple[tuple[int, str], ...] = ()
