"""Jobs of distribution: mail about new offers."""

from __future__ import annotations

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

# The verbs are imported when a job runs: Django imports this module in every command, most of which need none of them.


@app.task(name="distribution.mail_offers", retry=RetryStrategy(max_attempts=5, exponential_wait=8))
def mail_offers(user_id: int) -> None:
    """Tell somebody by mail what waits for them. Deferred by the loop when an offer opens, where SMTP is set."""
    from leadpact.distribution.actions.mailing import mail_offers as mail
    from leadpact.kit import clock

    mail(user_id=user_id, at=clock.now())
