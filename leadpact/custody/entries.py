"""The vocabulary of the ledger: who can hold a lead, in what state, and which moves lead from where to where.

This is the one table of allowed moves: state before × move × actor → state after. The check in the
action (`after`), the check in the database (table `custody_move`, filled from `rows()`) and the drawing
in the docs (`drawing()`) are made from it. What it does not know is refused.

A state belongs to exactly one holder, so the state after a move decides who holds the lead. Where a move
alone does not decide the state after it, one of two things does: the verdict (`judged`) or the state
named by the caller (`corrected`, `unmerged`), which must be one that the table knows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

MARKETING, SALES, CLOSED = "marketing", "sales", "closed"
HOLDERS = (MARKETING, SALES, CLOSED)

SYSTEM_ACTOR, MARKETING_ACTOR, SALES_ACTOR, OPERATIONS_ACTOR = "system", "marketing", "sales", "operations"
ACTORS = (SYSTEM_ACTOR, MARKETING_ACTOR, SALES_ACTOR, OPERATIONS_ACTOR)

VERDICTS = ("disqualified", "sales_ready", "lead", "prospect")

# The clock's names (`due_what`) and the side whose promise each one is. `rest_ends` is a date, not a promise.
CLOCKS: dict[str, str] = {
    "accept_within": SALES,
    "first_follow_up_within": SALES,
    "attempts": SALES,
    "next_step": SALES,
    "prospect_plan": SALES,
    "touch_every": MARKETING,
    "answer_rejection_within": MARKETING,
    "rest_ends": MARKETING,
}
NO_PROMISE = frozenset({"rest_ends"})

# What a follow-up was: its `reason` in the ledger.
ATTEMPT, CONVERSATION = "attempt", "conversation"
# Why a lead was handed over: its `cause` in the ledger.
HAND_OVER_CAUSES = ("definition", "audit", "by_hand")
# What changed a verdict, where it was not the person: the `cause` of a judgement.
BY_VERSION = "version"


@dataclass(frozen=True, slots=True)
class State:
    """A state: whose custody it is, how it is read aloud after "a lead that", and the clocks that can run in it."""

    name: str
    holder: str
    says: str
    clocks: tuple[str, ...] = ()


STATES: dict[str, State] = {
    state.name: state
    for state in (
        State("new", MARKETING, "was captured and not judged yet"),
        State("prospect", MARKETING, "is a prospect with Marketing", ("touch_every",)),
        State("lead", MARKETING, "is nurtured by Marketing", ("touch_every",)),
        State("resting", MARKETING, "rests with Marketing", ("rest_ends",)),
        State("repair", MARKETING, "waits for its data to be mended", ("answer_rejection_within",)),
        State("offered", SALES, "is offered to Sales", ("accept_within",)),
        State("accepted", SALES, "is accepted by Sales", ("first_follow_up_within", "attempts", "next_step")),
        State("qualified", SALES, "is qualified by Sales", ("next_step",)),
        State("opportunity", SALES, "is an opportunity", ("next_step",)),
        State("prospecting", SALES, "is a salesperson's own prospect", ("prospect_plan",)),
        State("won", CLOSED, "was won"),
        State("lost", CLOSED, "was lost"),
        State("disqualified", CLOSED, "was disqualified"),
        State("merged", CLOSED, "was merged into another"),
        State("erased", CLOSED, "was erased"),
    )
}
UNBORN = ""  # the state before the first entry

MOVES: dict[str, str] = {
    "captured": "captured",
    "judged": "judged",
    "handed_over": "handed over",
    "accepted": "accepted",
    "rejected": "rejected",
    "recalled": "recalled",
    "reassigned": "reassigned",
    "followed_up": "followed up",
    "returned": "given back",
    "repaired": "repaired",
    "corrected": "corrected",
    "qualified": "qualified",
    "opportunity_opened": "opened as an opportunity",
    "recycled": "recycled",
    "cooled": "taken back as cooled",
    "woken": "woken",
    "won": "won",
    "lost": "lost",
    "disqualified": "disqualified",
    "merged_into": "merged into another",
    "unmerged": "parted again",
    "erased": "erased",
}

# Answers of Sales: what may be corrected for ten minutes.
ANSWERS = frozenset(
    {"accepted", "rejected", "qualified", "opportunity_opened", "recycled", "returned", "won", "lost", "disqualified"}
)
# Final answers to a hand-over (measures count these; accepting is not one).
FINAL_ANSWERS = frozenset({"qualified", "rejected", "recycled"})
# Moves that must name a reason, and those that must start a clock of their own though the state may stay.
NEEDS_REASON = frozenset({"rejected", "recycled", "returned", "lost", "disqualified", "followed_up", "corrected"})
NEEDS_CLOCK = frozenset({"recalled", "handed_over"})


class MoveRefused(Exception):
    """The table of allowed moves does not know this move. The text is one sentence for whoever tried it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One allowed move. `verdict` is empty except for `judged`."""

    before: str
    move: str
    actor: str
    verdict: str
    after: str

    @property
    def holder(self) -> str:
        """Who holds the lead afterwards."""
        return STATES[self.after].holder


_SYSTEM = (SYSTEM_ACTOR,)
_SALES = (SALES_ACTOR, OPERATIONS_ACTOR)  # operations answers on Sales' behalf (a CRM's import, an integration)
_MARKETING = (MARKETING_ACTOR, OPERATIONS_ACTOR)
_KEPT = ("prospect", "lead", "resting")
_IN_WORK = ("accepted", "qualified", "opportunity")
_SALES_STATES = ("offered", *_IN_WORK, "prospecting")
_ANY_BUT_GONE = tuple(name for name in STATES if name not in {"merged", "erased"})
STAYS = "="

# (states before, move, actors, state after; "=" keeps the state). `judged` and `corrected` are added below.
_TABLE: tuple[tuple[tuple[str, ...], str, tuple[str, ...], str], ...] = (
    # In: what comes in is Marketing's, except a salesperson's own prospect.
    ((UNBORN,), "captured", (SYSTEM_ACTOR, *_MARKETING), "new"),
    ((UNBORN,), "captured", (SALES_ACTOR,), "prospecting"),
    # Across, and Sales' answers.
    (_KEPT, "handed_over", (SYSTEM_ACTOR, *_MARKETING), "offered"),
    (("offered",), "recalled", _SYSTEM, STAYS),
    (_SALES_STATES, "reassigned", (SYSTEM_ACTOR, *_SALES), STAYS),
    (("offered",), "accepted", _SALES, "accepted"),
    # A rejection lands with Marketing; the system's next entry, in the same transaction, decides its place there.
    (("offered", "accepted"), "rejected", _SALES, "lead"),
    ((*_IN_WORK, "prospecting"), "followed_up", _SALES, STAYS),
    (("accepted", "prospecting"), "qualified", _SALES, "qualified"),
    (("qualified",), "opportunity_opened", _SALES, "opportunity"),
    # Back to Marketing.
    (_IN_WORK, "recycled", _SALES, "resting"),
    (("prospect", "lead"), "recycled", (SYSTEM_ACTOR, *_MARKETING), "resting"),
    (("accepted",), "cooled", _SYSTEM, "lead"),
    (("prospecting",), "returned", _SALES, "lead"),
    (("qualified", "opportunity"), "returned", _SALES, "repair"),  # wrong data, found out late
    (("prospect", "lead", "resting"), "returned", (SYSTEM_ACTOR, *_MARKETING), "repair"),
    (("repair",), "repaired", (SYSTEM_ACTOR, *_MARKETING), "lead"),
    (("resting", "lost", "disqualified"), "woken", (SYSTEM_ACTOR, *_MARKETING), "lead"),
    # Out of the loop.
    (_IN_WORK, "won", _SALES, "won"),
    ((*_IN_WORK, "prospecting"), "lost", _SALES, "lost"),
    ((*_KEPT, "repair"), "lost", _MARKETING, "lost"),
    (("new", *_KEPT, "repair"), "disqualified", (SYSTEM_ACTOR, *_MARKETING), "disqualified"),
    ((*_IN_WORK, "prospecting"), "disqualified", _SALES, "disqualified"),
    (_ANY_BUT_GONE, "merged_into", (SYSTEM_ACTOR, *_MARKETING), "merged"),
    ((*_ANY_BUT_GONE, "merged"), "erased", (SYSTEM_ACTOR, *_MARKETING), "erased"),
)
# A rejection's place with Marketing, decided by the system's entry that follows it.
_AFTER_REJECTION = ("lead", "resting", "repair", "disqualified")


def _judged(before: str, verdict: str) -> str:
    """Verdicts move only what Marketing nurtures; elsewhere they are recorded and the lead stays.

    sales_ready makes a lead until the hand-over follows; disqualified waits for the `disqualified` entry that follows.
    """
    if before not in {"new", "prospect", "lead"}:
        return before
    if verdict == "disqualified":
        return "prospect" if before == "new" else before
    return "lead" if verdict in {"lead", "sales_ready"} else "prospect"


def _build() -> tuple[Rule, ...]:
    rules = [
        Rule(before, move, actor, "", before if after == STAYS else after)
        for befores, move, actors, after in _TABLE
        for before in befores
        for actor in actors
    ]
    rules += [
        Rule(before, "judged", SYSTEM_ACTOR, verdict, _judged(before, verdict))
        for before in _ANY_BUT_GONE
        for verdict in VERDICTS
    ]
    # A correction undoes Sales' last answer: from wherever it led, back to where it was given.
    undone: dict[tuple[str, str], None] = {}
    for rule in [rule for rule in rules if rule.move in ANSWERS and rule.actor == SALES_ACTOR]:
        for landed in _AFTER_REJECTION if rule.move == "rejected" else (rule.after,):
            undone[landed, rule.before] = None
    rules += [Rule(landed, "corrected", actor, "", given) for landed, given in undone for actor in _SALES]
    # A merger that is undone puts the lead back to where it was (or to Marketing, where its salesperson is gone).
    rules += [Rule("merged", "unmerged", actor, "", given) for given in _ANY_BUT_GONE for actor in _MARKETING]
    return tuple(rules)


RULES = _build()
_AFTER: dict[tuple[str, str, str, str], tuple[str, ...]] = {}
for _rule in RULES:
    _key = (_rule.before, _rule.move, _rule.actor, _rule.verdict)
    if _rule.after not in _AFTER.get(_key, ()):
        _AFTER[_key] = (*_AFTER.get(_key, ()), _rule.after)


def after(state: str, move: str, actor: str, *, verdict: str | None = None, to: str | None = None) -> tuple[str, str]:
    """The holder and state after a move, from the state before it (empty for a lead's first entry).

    `verdict` is for `judged` alone; `to` names the state for `corrected` and `unmerged`, where several are possible.
    Raises MoveRefused with a sentence for whoever tried.
    """
    states = _AFTER.get((state, move, actor, verdict or ""))
    if states is None:
        raise MoveRefused(_why_refused(state, move, actor, verdict or ""))
    if len(states) == 1 and not to:
        return STATES[states[0]].holder, states[0]
    if to is None or to not in states:
        raise MoveRefused(f"A lead that {STATES[state].says} can be {MOVES[move]} only to {_listed(states)}.")
    return STATES[to].holder, to


def allowed(state: str, actor: str) -> tuple[str, ...]:
    """The moves that this kind of actor may make from a state, in the order of the vocabulary."""
    known = {rule.move for rule in RULES if rule.before == state and rule.actor == actor}
    return tuple(move for move in MOVES if move in known)


def rows() -> list[tuple[str, str, str, str, str, str]]:
    """The table as the database checks it: (before, move, actor, verdict, holder, state), sorted, each once."""
    return sorted({(r.before, r.move, r.actor, r.verdict, r.holder, r.after) for r in RULES})


def digest() -> str:
    """A fingerprint of the table: a migration that fills `custody_move` names the one it was written for."""
    return hashlib.sha256(repr(rows()).encode()).hexdigest()[:16]


_ACTOR_SAYS = {
    SYSTEM_ACTOR: "the system",
    MARKETING_ACTOR: "Marketing",
    SALES_ACTOR: "Sales",
    OPERATIONS_ACTOR: "operations",
}


def _listed(words: tuple[str, ...] | list[str], joint: str = "or") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"


def _why_refused(state: str, move: str, actor: str, verdict: str) -> str:
    """One sentence that says what stands in the way: the move's name, the state, the actor or the verdict."""
    if move not in MOVES:
        return f"The ledger knows no move {move!r}; it knows {_listed(list(MOVES), 'and')}."
    if state != UNBORN and state not in STATES:
        return f"The ledger knows no state {state!r}."
    if move == "judged" and verdict not in VERDICTS:
        return f"A judgement says {_listed(VERDICTS)}, not {verdict!r}."
    if move != "judged" and verdict:
        return f"A verdict belongs to a judgement; a lead that is {MOVES[move]} carries none."
    here = [other for other in ACTORS if any(key[:3] == (state, move, other) for key in _AFTER)]
    if here:
        who = _listed([_ACTOR_SAYS[other] for other in here])
        return f"A lead that {STATES[state].says if state else 'is new here'} can be {MOVES[move]} by {who} only."
    if state == UNBORN:
        return f"A lead that is not in the ledger yet cannot be {MOVES[move]}; its first entry is `captured`."
    if move == "captured":
        return "This lead is in the ledger already; it is captured once."
    befores = [
        name
        for name in STATES
        if any(rule.before == name and rule.move == move and rule.actor == actor for rule in RULES)
    ]
    if not befores:
        who = _ACTOR_SAYS.get(actor, actor).capitalize()
        return f"{who} may not do this: a lead that {STATES[state].says} cannot be {MOVES[move]}."
    where = _listed([STATES[name].says for name in befores[:4]]) if len(befores) <= 4 else "is still open"
    return f"This lead {STATES[state].says}; it can be {MOVES[move]} only while it {where}."


def drawing() -> str:
    """The moves as a Mermaid state diagram: every arrow that changes the state, its moves side by side."""
    arrows: dict[tuple[str, str], dict[str, None]] = {}
    for rule in RULES:
        if rule.before != rule.after and rule.move not in {"corrected", "merged_into", "unmerged", "erased"}:
            arrows.setdefault((rule.before, rule.after), {})[rule.move] = None
    lines = ["stateDiagram-v2"]
    for holder in HOLDERS:
        lines.append(f"    state {holder.capitalize()} {{")
        lines += [f"        {state.name}" for state in STATES.values() if state.holder == holder]
        lines.append("    }")
    for (before, landed), moves in arrows.items():
        lines.append(f"    {before or '[*]'} --> {landed}: {', '.join(moves)}")
    return "\n".join(lines) + "\n"
