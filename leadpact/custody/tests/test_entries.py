"""The table of allowed moves, without a database."""

from __future__ import annotations

import importlib
from itertools import product
from pathlib import Path

import pytest

from leadpact.custody import entries
from leadpact.custody.entries import ACTORS, CLOCKS, HOLDERS, MOVES, RULES, STATES, UNBORN, VERDICTS, MoveRefused, after

HANDED = "captured:system judged:system:sales_ready handed_over:system"
README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize(
    ("path", "end"),
    [
        # The happy way round.
        (f"{HANDED} accepted:sales followed_up:sales qualified:sales opportunity_opened:sales won:sales", "won"),
        # Rejected, rests, wakes, comes back.
        (f"{HANDED} accepted:sales rejected:sales recycled:system woken:system", "lead"),
        (f"{HANDED} recalled:system accepted:sales lost:sales woken:system handed_over:system", "offered"),
        # Rejected as wrong data, mended; rejected as no fit, and back by a later fact.
        (f"{HANDED} rejected:sales returned:system repaired:marketing", "lead"),
        (f"{HANDED} rejected:sales disqualified:system woken:system", "lead"),
        # Cooled, recycled late, and reassigned on the way.
        ("captured:system judged:system:lead handed_over:marketing reassigned:operations accepted:sales cooled:system", "lead"),
        (f"{HANDED} accepted:sales qualified:sales recycled:sales", "resting"),
        # One's own prospect.
        ("captured:sales judged:system:lead followed_up:sales qualified:sales", "qualified"),
        ("captured:sales returned:sales recycled:system", "resting"),
        ("captured:system judged:system:disqualified disqualified:system erased:operations", "erased"),
        ("captured:system merged_into:operations erased:system", "erased"),
    ],
)  # fmt: skip
def test_paths_of_the_design_are_allowed(path: str, end: str) -> None:
    state = UNBORN
    for step in path.split():
        move, actor, *verdict = step.split(":")
        holder, state = after(state, move, actor, verdict=verdict[0] if verdict else None)
        assert STATES[state].holder == holder
    assert state == end


@pytest.mark.parametrize(
    ("state", "move", "actor", "sentence"),
    [
        ("offered", "accepted", "marketing", "can be accepted by Sales or operations only"),
        ("resting", "accepted", "sales", "only while it is offered to Sales"),
        ("won", "woken", "system", "was won"),
        ("lead", "captured", "system", "captured once"),
        (UNBORN, "judged", "system", "not in the ledger yet"),
        ("lead", "promoted", "sales", "knows no move 'promoted'"),
        ("erased", "judged", "system", "was erased"),
        ("prospecting", "handed_over", "system", "only while it"),
    ],
)
def test_what_it_does_not_know_is_refused_with_a_sentence(state: str, move: str, actor: str, sentence: str) -> None:
    verdict = "lead" if move == "judged" else None
    with pytest.raises(MoveRefused, match=sentence) as refused:
        after(state, move, actor, verdict=verdict)
    assert str(refused.value).endswith(".")


def test_every_refusal_is_one_readable_sentence() -> None:
    refusals = set()
    for state, move, actor in product((UNBORN, *STATES), MOVES, ACTORS):
        try:
            after(
                state,
                move,
                actor,
                verdict="lead" if move == "judged" else None,
                to="accepted" if move == "corrected" else None,
            )
        except MoveRefused as refused:
            refusals.add(str(refused))
    assert len(refusals) > 50
    assert all(text[0].isupper() and text.endswith(".") and "{" not in text for text in refusals)


def test_verdicts_move_only_what_marketing_nurtures() -> None:
    moved = {(state, verdict): after(state, "judged", "system", verdict=verdict)[1] for state in STATES for verdict in VERDICTS
             if state not in {"merged", "erased"}}  # fmt: skip
    assert {key: to for key, to in moved.items() if key[0] != to} == {
        ("new", "disqualified"): "prospect",
        ("new", "sales_ready"): "lead",
        ("new", "lead"): "lead",
        ("new", "prospect"): "prospect",
        ("prospect", "sales_ready"): "lead",
        ("prospect", "lead"): "lead",
        ("lead", "prospect"): "prospect",
    }


def test_a_correction_goes_back_to_where_the_answer_was_given() -> None:
    assert after("resting", "corrected", "sales", to="offered") == ("sales", "offered")
    assert after("disqualified", "corrected", "operations", to="accepted") == ("sales", "accepted")
    assert after("accepted", "corrected", "sales", to="offered") == ("sales", "offered")
    with pytest.raises(MoveRefused, match="only to"):
        after("resting", "corrected", "sales", to="won")
    with pytest.raises(MoveRefused):
        after("prospect", "corrected", "sales", to="offered")


def test_the_vocabulary_is_whole() -> None:
    assert {rule.move for rule in RULES} == set(MOVES)
    assert {rule.after for rule in RULES} == set(STATES)
    assert {state.holder for state in STATES.values()} == set(HOLDERS)
    assert {clock for state in STATES.values() for clock in state.clocks} == set(CLOCKS)
    for state in STATES.values():
        assert bool(state.clocks) == (state.holder != "closed" and state.name != "new"), state
        assert all(CLOCKS[clock] == state.holder for clock in state.clocks)


def test_every_open_state_can_be_left_and_no_closed_one_but_erased_is_a_dead_end_for_erasure() -> None:
    for name in STATES:
        ways = {rule.after for rule in RULES if rule.before == name} - {name}
        assert ways or name == "erased", name
        assert "erased" in ways or name == "erased", name


def test_the_newest_migration_fills_the_table_as_it_is() -> None:
    """Who changes the table of moves adds a migration that fills custody_move again and names the new digest."""
    named = [
        module.MOVES
        for file in sorted((Path(__file__).parents[1] / "migrations").glob("0*.py"))
        if hasattr(module := importlib.import_module(f"leadpact.custody.migrations.{file.stem}"), "MOVES")
    ]
    assert named[-1] == entries.digest()


def test_the_drawing_in_the_readme_is_current() -> None:
    assert f"```mermaid\n{entries.drawing()}```" in README.read_text(encoding="utf-8")
