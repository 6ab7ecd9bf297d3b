"""The regular review: keep it frozen, write down what the meeting said, and send it once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from leadpact.kit.failures import CannotDo
from leadpact.kit.redaction import GONE, redact
from leadpact.team.models import User
from leadpact.tuning.models import Review, ReviewMail, ReviewNote

MOST_WORDS = 4_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a review is made of, before it is kept. since, until and as_of in microseconds; content without personal data."""

    since: int
    until: int
    as_of: int
    timezone: str
    agreement_hash: str
    seed: str
    content: Mapping[str, Any]


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content with sorted keys: the same figures, the same fingerprint."""
    written = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(written.encode()).hexdigest()


@transaction.atomic
def keep_review(*, prepared: Prepared, by: User | None, at: int, meeting_at: int | None = None) -> Review:
    """Keep a review under the next number. Raises IntegrityError for a second one of the same meeting."""
    _one_at_a_time()
    number = (Review.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    # Through JSON and back: what is shown at once is what will be read in a year.
    content = json.loads(json.dumps(prepared.content, allow_nan=False))
    return Review.objects.create(
        number=number, since=prepared.since, until=prepared.until, as_of=prepared.as_of, timezone=prepared.timezone,
        agreement_hash=prepared.agreement_hash, seed=prepared.seed, content=content, digest=digest_of(content),
        meeting_at=meeting_at, prepared_at=at, prepared_by=by,
    )  # fmt: skip


@transaction.atomic
def prepare_once(
    *, meeting_at: int, gather: Callable[[], Prepared], recipients: Sequence[int], at: int
) -> Review | None:
    """Prepare the review of a meeting unless that was done, and note whom it is to be mailed to; None where it was done."""
    _one_at_a_time()
    if Review.objects.filter(meeting_at=meeting_at).exists():
        return None
    kept = keep_review(prepared=gather(), by=None, at=at, meeting_at=meeting_at)
    ReviewMail.objects.bulk_create(ReviewMail(review=kept, user_id=user) for user in recipients)
    return kept


@transaction.atomic
def note(
    *, review: Review, lead_id: int | None, text: str, decided: bool, read: Collection[int], by: User, at: int
) -> ReviewNote:
    """Write down what the meeting said. `read`: the leads that whoever writes may know the review reads.

    Raises CannotDo for no words, for too many, and for another lead.
    """
    said = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not said:
        raise CannotDo("Write what was said or decided, then keep it.")
    if len(said) > MOST_WORDS:
        raise CannotDo(f"A note has {MOST_WORDS:,} characters at most; this one has {len(said):,}. Keep it in two.")
    if lead_id is not None and lead_id not in read:
        raise CannotDo("This review did not read that lead; write it down for the whole review.")
    return ReviewNote.objects.create(review=review, lead_id=lead_id, text=said, decided=decided, by=by, at=at)


def forget_in_notes(*, lead_ids: Collection[int], names: Collection[str]) -> int:
    """Empty the notes on these leads, and take these names out of all others; how many notes were changed."""
    changed = ReviewNote.objects.filter(lead_id__in=lead_ids).exclude(text=GONE).update(text=GONE)
    for one in ReviewNote.objects.exclude(text=GONE).order_by("pk").only("pk", "text").select_for_update():
        left = redact(one.text, names)
        if left != one.text:
            changed += ReviewNote.objects.filter(pk=one.pk).update(text=left)
    return changed


def claim_mail(*, mail_id: int, at: int) -> bool:
    """Take a mail for sending; False where it was taken before. Committed before anything goes out."""
    return ReviewMail.objects.filter(pk=mail_id, claimed_at=None).update(claimed_at=at) == 1


def mail_ended(*, mail_id: int, sent_at: int | None, problem: str = "") -> None:
    """How sending ended: sent, or certainly not (then it may be tried again)."""
    if sent_at is None:
        ReviewMail.objects.filter(pk=mail_id).update(claimed_at=None, problem=problem[:200])
    else:
        ReviewMail.objects.filter(pk=mail_id).update(sent_at=sent_at, problem="")


REVIEWING = 7_423_015_202
"""Any number, as long as nothing else in this database takes an advisory lock on it."""


def _one_at_a_time() -> None:
    # Numbers are given in order without gaps; two workers must not prepare one meeting twice.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [REVIEWING])
