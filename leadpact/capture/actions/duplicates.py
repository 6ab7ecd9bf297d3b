"""Say whether two known people are one. Only a person decides; the answer is kept. The loop merges (`loop.merging`)."""

from __future__ import annotations

from leadpact.capture.models import Duplicate
from leadpact.capture.queries import merger_of
from leadpact.kit.failures import CannotDo

DECISIONS = ("same", "different")


def decide_different(*, question_id: int, by_id: int, at: int) -> Duplicate:
    """Answer an open question with "two people". Raises CannotDo where it was answered before or there is none."""
    changed = Duplicate.objects.filter(pk=question_id, decided_at=None).update(
        decision="different", by_id=by_id, decided_at=at
    )
    found = Duplicate.objects.select_related("first", "second").filter(pk=question_id).first()
    if found is None:
        raise CannotDo("There is no such question any more.")
    if not changed:
        raise CannotDo("Somebody answered this question before you; see the list of answers.")
    return found


def claim_question(*, question_id: int) -> Duplicate:
    """A question that can be answered with "one person", locked: open, or answered before without a merger in force.

    Raises CannotDo. Two who answer at once take turns; the second is told.
    """
    found = Duplicate.objects.select_for_update().filter(pk=question_id).first()
    if found is None:
        raise CannotDo("There is no such question any more.")
    if found.decision == "same" and merger_of(found.first_id, found.second_id) is not None:
        raise CannotDo("Somebody answered this question before you; see the list of answers.")
    return found


def answer_question(*, question: Duplicate, decision: str, by_id: int, at: int) -> None:
    """Keep an answer and who gave it."""
    question.decision, question.by_id, question.decided_at = decision, by_id, at
    question.save(update_fields=["decision", "by", "decided_at"])
