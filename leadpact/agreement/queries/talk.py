"""What both departments said about the lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from leadpact.agreement.models import Comment, Thread


@dataclass(frozen=True, slots=True)
class Said:
    """One remark. `version`: the number that its author was reading."""

    who: str
    department: str
    at: int
    text: str
    version: int
    id: int = 0


@dataclass(frozen=True, slots=True)
class Talk:
    """A thread on a line, oldest remark first. `resolved_at` None while it is open."""

    id: int
    key: str
    said: tuple[Said, ...]
    resolved_by: str
    resolved_at: int | None

    @property
    def is_open(self) -> bool:
        """Not settled yet."""
        return self.resolved_at is None


def talks(keys: Collection[str] | None = None) -> list[Talk]:
    """Threads on these lines (all of them where None), open ones first, the newest first in each. Two statements."""
    found = Thread.objects.select_related("resolved_by")
    if keys is not None:
        found = found.filter(key__in=list(keys))
    said: dict[int, list[Said]] = {}
    for one in (
        Comment.objects.filter(thread__in=found.values("pk"))
        .select_related("by", "version", "thread")
        .order_by("at", "pk")
    ):
        told = Said(str(one.by or "Somebody who left"), one.department, one.at, one.text, one.version.number, one.pk)
        said.setdefault(one.thread.pk, []).append(told)
    all_ = [
        Talk(one.pk, one.key, tuple(said.get(one.pk, ())), str(one.resolved_by or ""), one.resolved_at)
        for one in found.order_by("-opened_at", "-pk")
    ]
    return sorted(all_, key=lambda talk: not talk.is_open)


def by_line(keys: Collection[str] | None = None) -> Mapping[str, list[Talk]]:
    """Threads by the line they are about."""
    found: dict[str, list[Talk]] = {}
    for talk in talks(keys):
        found.setdefault(talk.key, []).append(talk)
    return found
