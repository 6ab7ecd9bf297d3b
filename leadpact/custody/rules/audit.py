"""Proof of one lead's line in the ledger: plays its entries again and compares with what was stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from leadpact.custody.entries import ANSWERS, STATES, UNBORN, MoveRefused, after
from leadpact.custody.rules import chain
from leadpact.custody.rules.projection import COLUMNS, Held, Step, advance

CORRECTABLE_FOR = 10 * 60 * 1_000_000
"""For how long an answer can be corrected: ten minutes, in microseconds."""

# Of the holding, what entries alone do not tell: a clock that was started again by a touch, whether it was seen to have
# run out, and which alternatives held when the lead was given back (the judgement's word).
NOT_FROM_ENTRIES = frozenset({"due", "lapsed", "alternatives", "hash"})
_COMPARED = tuple(name for name in COLUMNS if name not in NOT_FROM_ENTRIES)


@dataclass(slots=True)
class Playback:
    """The entries of one lead, played one after the other. `problems` are sentences; empty: all is well."""

    lead_id: int
    held: Held = field(init=False)
    problems: list[str] = field(default_factory=list)
    _answers: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    _mergers: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.held = Held(self.lead_id)

    def play(self, codes: Sequence[Any], commitment: bytes | None, previous: bytes, entry_hash: bytes) -> None:
        """The next entry: `codes` are the values of chain.COLUMNS."""
        entry: dict[str, Any] = dict(zip(chain.COLUMNS, codes, strict=True))
        seq, held = entry["seq"], self.held
        if seq != held.seq + 1:
            self._wrong(seq, f"follows entry {held.seq}: the sequence has a gap")
        if previous != (held.hash or chain.GENESIS):
            self._wrong(seq, "does not name the hash of the entry before it")
        if chain.link(tuple(codes), commitment, previous) != entry_hash:
            self._wrong(seq, "does not have the hash of what it says: it was changed")
        if entry["at"] < held.at:
            self._wrong(seq, "goes back in time")
        self._check_move(entry)
        before = held.state
        advance(held, Step(
            entry["at"], entry["move"], entry["holder"], entry["state"], entry["salesperson_id"], entry["reason"],
            entry["verdict"], entry["cause"], entry["due"], entry["due_what"], entry["not_before"], entry["alternatives"],
        ))  # fmt: skip
        held.seq, held.hash = seq, entry_hash
        if entry["move"] in ANSWERS:
            self._answers[seq] = entry["move"], entry["at"], before
        if entry["move"] == "merged_into":
            self._mergers[seq] = before

    def compare(self, stored: Held | None) -> None:
        """The holding against what the entries led to."""
        if stored is None:
            self.problems.append(f"lead {self.lead_id} has entries and no holding")
            return
        if stored.hash != self.held.hash:
            self.problems.append(f"the holding of lead {self.lead_id} does not stand on its last entry")
        for name in _COMPARED:
            ours, theirs = getattr(self.held, name), getattr(stored, name)
            if ours != theirs:
                self.problems.append(
                    f"the holding of lead {self.lead_id} says {name} {theirs!r}, its entries say {ours!r}"
                )

    def _check_move(self, entry: dict[str, Any]) -> None:
        held, seq, state = self.held, entry["seq"], entry["state"]
        if state not in STATES:
            self._wrong(seq, f"leads to the unknown state {state!r}")
            return
        try:
            allowed = after(held.state, entry["move"], entry["actor"], verdict=entry["verdict"], to=state)
        except MoveRefused as refused:
            self._wrong(seq, f"is not an allowed move: {refused}")
        else:
            if allowed != (entry["holder"], state):
                self._wrong(seq, f"names the holder {entry['holder']!r} for the state {state!r}")
        if STATES[state].clocks and entry["due"] is None:
            self._wrong(seq, "leaves the lead without a clock on somebody")
        if entry["move"] == "corrected" and held.state != UNBORN:
            self._check_correction(entry)
        if entry["move"] == "unmerged":
            before = self._mergers.pop(entry["cause_seq"], None)
            if before is None:
                self._wrong(seq, f"undoes no merger: there is none at {entry['cause_seq']}")
            elif state not in {before, "lead"}:
                self._wrong(seq, f"goes back to {state}, it was merged from {before}")

    def _check_correction(self, entry: dict[str, Any]) -> None:
        answer = self._answers.pop(entry["cause_seq"], None)
        if answer is None or answer[0] != entry["reason"]:
            self._wrong(entry["seq"], f"corrects no answer: there is no {entry['reason']} at {entry['cause_seq']}")
            return
        _, answered_at, before = answer
        if entry["at"] - answered_at > CORRECTABLE_FOR:
            self._wrong(entry["seq"], "corrects an answer that was older than ten minutes")
        if before != entry["state"]:
            self._wrong(entry["seq"], f"goes back to {entry['state']}, the answer was given in {before}")

    def _wrong(self, seq: int, what: str) -> None:
        self.problems.append(f"entry {seq} of lead {self.lead_id} {what}")
