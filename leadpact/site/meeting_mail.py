"""Mail the review of a meeting to both heads: once, with the file attached. As blind as the page is for each of them."""

from __future__ import annotations

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage

from leadpact.kit import clock
from leadpact.kit.failures import CannotDo
from leadpact.site import meeting_paper, meeting_words
from leadpact.site.meeting_shown import days_of
from leadpact.team.permissions import sees_scores
from leadpact.tuning import actions
from leadpact.tuning.models import ReviewMail

CERTAINLY_NOT_SENT = (
    smtplib.SMTPConnectError, smtplib.SMTPHeloError, smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError,
    smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, ConnectionRefusedError,
)  # fmt: skip
"""Failures after which the server has not taken the mail. After any other it may have, and it is not sent again."""


def mail_review(*, mail_id: int) -> bool:
    """Send one mail of a review; False where it was sent, or may have been, before.

    The mail is claimed before it goes out: a crash between the two loses it (the page says so), and never sends it twice.
    Raises what SMTP raised where the mail certainly did not go; then it may be tried again.
    """
    if not actions.claim_mail(mail_id=mail_id, at=clock.now()):
        return False
    mail = ReviewMail.objects.select_related("review", "user").get(pk=mail_id)
    message = written(mail)
    try:
        message.send()
    except CERTAINLY_NOT_SENT as problem:
        actions.mail_ended(mail_id=mail_id, sent_at=None, problem=f"{type(problem).__name__}: {problem}")
        raise
    actions.mail_ended(mail_id=mail_id, sent_at=clock.now())
    return True


def written(mail: ReviewMail) -> EmailMessage:
    """The mail: what to look at first, where to read it, and the file."""
    review, user = mail.review, mail.user
    blind = not sees_scores(user)
    days = days_of(review)
    lines = [f"The review of {days} is ready.", ""]
    lines += [f"- {one}" for one in meeting_words.in_short(review.content, blind=blind)]
    where = f"{settings.PUBLIC_URL}/tuning/reviews/{review.number}/" if settings.PUBLIC_URL else "Review in leadpact"
    lines += ["", f"Read it, and write down what you decide: {where}"]
    message = EmailMessage(subject=f"Review {review.number}: {days}", body="\n".join(lines) + "\n", to=[user.email])
    page = meeting_paper.html(review, blind=blind)
    try:
        message.attach(meeting_paper.file_name(review, "pdf"), meeting_paper.pdf(page), "application/pdf")
    except CannotDo:
        # A machine without Pango: the same as HTML.
        message.attach(meeting_paper.file_name(review, "html"), page, "text/html")
    return message
