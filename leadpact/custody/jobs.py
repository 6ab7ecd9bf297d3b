"""Jobs of the ledger: once a day its root is exported."""

from __future__ import annotations

from procrastinate.contrib.django import app


@app.periodic(cron="40 0 * * *")
@app.task(name="custody.export_root", lock="custody.export_root", queueing_lock="custody.export_root")
def export_root(timestamp: int = 0) -> None:
    """Write roots/DAY.json into the data directory. Copy it elsewhere: whoever could change the ledger could change it too."""
    from leadpact.custody.actions.proof import export_root as export
    from leadpact.kit import clock

    export(at=clock.now())
