"""The regular review: gather it, keep it, and know when the agreement asks for the next one."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import transaction

from leadpact.agreement.queries import in_force
from leadpact.kit import queue
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import DAY
from leadpact.language import meetings
from leadpact.language.nodes import Market, Review
from leadpact.site import meeting_figures
from leadpact.site.meeting_figures import Asked
from leadpact.team.models import User
from leadpact.tuning import actions
from leadpact.tuning.actions import Prepared
from leadpact.tuning.models import Review as Kept
from leadpact.tuning.queries import mails, reviews

FORM = 1
LONGEST = 366 * DAY


def gather(*, since: int, until: int, as_of: int, seed: str | None = None) -> Prepared:
    """Everything that a review of [since, until) says, as known at `as_of` (microseconds). Reads only.

    The number of statements does not depend on how much there is. Raises CannotDo for a range that cannot be reviewed.
    """
    check_range(since=since, until=until, at=as_of)
    version = in_force(until - 1)
    asked = Asked(since, until, as_of, seed or secrets.token_hex(16), version)
    content = {
        "form": FORM,
        "agreement": meeting_figures.running(asked),
        "promises": meeting_figures.promises(asked),
        "errors": meeting_figures.errors(asked),
        "drift": meeting_figures.drifts(asked),
        "disputed": meeting_figures.disputed(asked),
        "lines": meeting_figures.lines(asked),
        "talk": meeting_figures.talk(asked),
        "proposals": meeting_figures.proposals(asked),
    }
    zone = version.agreement.market.timezone if version else "UTC"
    return Prepared(since, until, as_of, zone, version.hash if version else "", asked.seed, content)


def check_range(*, since: int, until: int, at: int) -> None:
    """Raises CannotDo, saying what to do, where the range is empty, too long, or not over yet."""
    if since >= until:
        raise CannotDo("The range ends before it begins: give the first day, then the last.")
    if until > at:
        raise CannotDo("The range is not over yet: let it end today or earlier.")
    if until - since > LONGEST:
        raise CannotDo("A review covers a year at most: choose a shorter range.")


def prepare(*, since: int, until: int, by: User | None, at: int, seed: str | None = None) -> Kept:
    """Prepare a review that somebody asks for, and keep it, as its range ended: a week later it says the same. Raises CannotDo."""
    check_range(since=since, until=until, at=at)
    prepared = gather(since=since, until=until, as_of=until, seed=seed)
    return actions.keep_review(prepared=prepared, by=by, at=at)


def prepare_scheduled(*, at: int) -> Kept | None:
    """Prepare the review of the last meeting that the agreement names, unless that was done; None where nothing was to do.

    After downtime only the last meeting is prepared: it covers what passed since the one before it that was prepared.
    """
    version = in_force(at)
    if version is None or version.agreement.review is None:
        return None
    review, market = version.agreement.review, version.agreement.market
    meeting = meetings.latest(review, market, at)
    if meeting <= version.effective_at or reviews().filter(meeting_at=meeting).exists():
        return None
    since = since_last(review, market, meeting)
    with transaction.atomic():
        kept = actions.prepare_once(
            meeting_at=meeting,
            gather=lambda: gather(since=since, until=meeting, as_of=meeting),
            recipients=[user.pk for user in heads()] if settings.MAIL_WORKS else [],
            at=at,
        )
        if kept is not None:
            # In the same transaction: a review that is kept is mailed, and one that is not is not.
            for mail in mails(kept.pk):
                queue.defer("site.mail_review", mail_id=mail.pk)
    return kept


def since_last(review: Review, market: Market, meeting: int) -> int:
    """Where the review of a meeting begins: at the meeting before it, or at the last one that was prepared if that is earlier."""
    regular = meetings.latest(review, market, meeting - 1)
    last = reviews().filter(meeting_at__lt=meeting).values_list("meeting_at", flat=True).first()
    return max(min(regular, last or regular), meeting - LONGEST)


def heads() -> list[User]:
    """To whom a review is mailed: the managers of Marketing and of Sales."""
    found = User.objects.filter(role="manager", department__in=["marketing", "sales"], is_active=True)
    return list(found.exclude(email="").order_by("pk"))
