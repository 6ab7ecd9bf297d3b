"""Say whether two known people are one. Only a person decides; the answer is kept."""

from __future__ import annotations

from leadpact.capture.models import Duplicate
from leadpact.kit.failures import CannotDo

DECISIONS = ("same", "different")


def decide_duplicate(*, question_id: int, decision: str, by_id: int, at: int) -> Duplicate:
    """Answer a question, once. Raises CannotDo where it was answered before or there is none."""
    if decision not in DECISIONS:
        raise CannotDo("Say whether they are the same person or two different people.")
    changed = Duplicate.objects.filter(pk=question_id, decided_at=None).update(
        decision=decision, by_id=by_id, decided_at=at
    )
    found = Duplicate.objects.select_related("first", "second").filter(pk=question_id).first()
    if found is None:
        raise CannotDo("There is no such question any more.")
    if not changed:
        raise CannotDo("Somebody answered this question before you; see the list of answers.")
    return found
