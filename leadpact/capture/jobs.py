"""Jobs of capture, deferred by name."""

from __future__ import annotations

from procrastinate.contrib.django import app

from leadpact.kit import clock
from leadpact.kit.failures import CannotDo


@app.task(name="capture.take_import", lock="capture.import")
def take_import(run_id: int) -> None:
    """Take an uploaded file. What is wrong with the file stands in its ImportRun; only other failures fail the job."""
    from leadpact.capture.actions.upload import take_upload

    try:
        take_upload(run_id=run_id, now=clock.now)
    except CannotDo:
        return
