"""Two people changed one text: three-way merge, without a database."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadpact.agreement.rules.merge import Same, merge

BASE = "one\ntwo\nthree\nfour\nfive\nsix\n"


def test_changes_that_do_not_touch_are_put_together() -> None:
    both = merge(base=BASE, theirs=BASE.replace("two", "2"), mine=BASE.replace("five", "5") + "seven\n")
    assert not both.clashes
    assert both.text() == "one\n2\nthree\nfour\n5\nsix\nseven\n"


def test_the_same_change_made_twice_is_one() -> None:
    changed = BASE.replace("two", "2")
    assert merge(base=BASE, theirs=changed, mine=changed).text() == changed


@pytest.mark.parametrize(("choice", "line"), [("theirs", "2\n"), ("mine", "zwei\n"), ("both", "2\nzwei\n")])
def test_where_both_changed_one_line_somebody_chooses(choice: str, line: str) -> None:
    both = merge(base=BASE, theirs=BASE.replace("two", "2"), mine=BASE.replace("two", "zwei").replace("six", "6"))
    (clash,) = both.clashes
    assert (clash.base, clash.theirs, clash.mine, clash.line) == (("two\n",), ("2\n",), ("zwei\n",), 2)
    assert both.text({0: choice}) == f"one\n{line}three\nfour\nfive\n6\n"
    with pytest.raises(KeyError):
        both.text()


def test_what_one_removed_and_the_other_changed_is_a_clash() -> None:
    assert len(merge(base=BASE, theirs=BASE.replace("two\n", ""), mine=BASE.replace("two", "2")).clashes) == 1


def test_a_last_line_without_an_end_does_not_run_into_the_next() -> None:
    both = merge(base="a", theirs="b", mine="c")
    assert both.text({0: "both"}) == "b\nc"


LINES = st.lists(st.sampled_from("abc"), max_size=8).map(lambda rows: "".join(f"{row}\n" for row in rows))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES, LINES, LINES)
def test_whoever_changed_nothing_changes_nothing_and_no_line_is_lost(base: str, theirs: str, mine: str) -> None:
    assert merge(base=base, theirs=theirs, mine=base).text() == theirs
    assert merge(base=base, theirs=base, mine=mine).text() == mine
    both = merge(base=base, theirs=theirs, mine=mine)
    if not both.clashes:
        assert merge(base=base, theirs=mine, mine=theirs).text() == both.text()
    shown = [
        line for part in both.parts for line in (part.lines if isinstance(part, Same) else (*part.theirs, *part.mine))
    ]
    for letter in ("a\n", "b\n", "c\n"):
        # What only I wrote, or only they wrote, is in the text or stands in a clash before whoever settles it.
        assert shown.count(letter) >= max(mine.count(letter), theirs.count(letter)) - base.count(letter)
