"""Jobs that read many rooms: the regular review, prepared at its instant and mailed once."""

from __future__ import annotations

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

# The verbs are imported when a job runs: Django imports this module in every command, most of which need none of them.


@app.periodic(cron="* * * * *")
@app.task(name="site.prepare_review", lock="site.review", queueing_lock="site.prepare_review")
def prepare_review(timestamp: int = 0) -> None:
    """Every minute: prepare the review of a meeting whose instant has come, and have it mailed where SMTP is set.

    After downtime it is late, and still once: what was prepared is known by its meeting.
    """
    from leadpact.kit import clock
    from leadpact.site import meeting

    meeting.prepare_scheduled(at=clock.now())


@app.task(name="site.mail_review", retry=RetryStrategy(max_attempts=8, exponential_wait=5))
def mail_review(mail_id: int) -> None:
    """Mail a review to one of the heads, unless that was done."""
    from leadpact.site.meeting_mail import mail_review as mail

    mail(mail_id=mail_id)
