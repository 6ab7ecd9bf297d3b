"""Comments on a line, from both departments."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from leadpact.agreement.models import Comment, Thread, Version
from leadpact.agreement.rules import Refused
from leadpact.kit.redaction import redact
from leadpact.team.models import User
from leadpact.team.permissions import sees_scores

LONGEST = 4_000
LONGEST_KEY = 80


@transaction.atomic
def comment(*, number: int, key: str, text: str, by: User, at: int) -> Thread:
    """Open a thread on a line (its id, a clause such as `sales_ready.2`, or empty for the whole). Raises Refused."""
    if len(key) > LONGEST_KEY:
        raise Refused("There is no line with such a name.")
    said = _checked(text, by)
    version = Version.objects.get(number=number)
    thread = Thread.objects.create(key=key, opened_at=at)
    Comment.objects.create(thread=thread, version=version, by=by, department=by.department, at=at, text=said)
    return thread


@transaction.atomic
def answer(*, thread_id: int, number: int, text: str, by: User, at: int) -> Thread:
    """Write under a thread; one that was resolved is open again. Raises Refused."""
    said = _checked(text, by)
    thread = _thread(thread_id)
    version = Version.objects.get(number=number)
    Comment.objects.create(thread=thread, version=version, by=by, department=by.department, at=at, text=said)
    if thread.resolved_at is not None:
        thread.resolved_at = thread.resolved_by = None
        thread.save(update_fields=["resolved_at", "resolved_by"])
    return thread


@transaction.atomic
def resolve(*, thread_id: int, by: User, at: int) -> Thread:
    """Mark a thread as settled. Raises Refused where it is already, or by somebody who may not read it."""
    _allowed(by)
    thread = _thread(thread_id)
    if thread.resolved_at is not None:
        raise Refused("This thread is settled already.")
    thread.resolved_at, thread.resolved_by = at, by
    thread.save(update_fields=["resolved_at", "resolved_by"])
    return thread


def _thread(thread_id: int) -> Thread:
    found = Thread.objects.select_for_update().filter(pk=thread_id).first()
    if found is None:
        raise Refused("There is no such thread.")
    return found


def _checked(text: str, by: User) -> str:
    _allowed(by)
    said = text.strip()
    if not said:
        raise Refused("Write something first.")
    if len(said) > LONGEST:
        raise Refused(f"A comment has at most {LONGEST:,} characters; put the rest into another one.")
    if "\x00" in said:
        raise Refused("The text holds a character that cannot be kept; write it again by hand.")
    return said


def _allowed(by: User) -> None:
    # Comments argue about points and thresholds: closed to whoever can be offered leads.
    if not sees_scores(by):
        raise Refused("Comments tell points and thresholds; they stay closed for whoever takes leads.")


def forget_in_comments(*, names: Collection[str]) -> int:
    """Take these names out of every comment; how many were changed. Part of an erasure, in its transaction."""
    changed = 0
    for one in Comment.objects.order_by("pk").only("pk", "text").select_for_update():
        left = redact(one.text, names)
        if left != one.text:
            changed += Comment.objects.filter(pk=one.pk).update(text=left)
    return changed
