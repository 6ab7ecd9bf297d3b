"""Accounts that mergers gave and partings took back, where they were parted before that was written down (0006).

A survivor that has no account now, or was found to be of one after the parting, had none of its own before: it was of the other
record's while the two were one. What cannot be told for certain stays as it was: where another merger stood at the time, which
may have given an account as well, and where one of the two was erased.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

FILL = """
UPDATE leads_merge AS m SET gave_account_id = l.account_id FROM leads_person AS l, leads_person AS s
WHERE l.id = m.loser_id AND s.id = m.survivor_id AND m.gave_account_id IS NULL AND m.undone_at IS NOT NULL
  AND l.account_known_at <= m.at AND (s.account_id IS NULL OR s.account_known_at >= m.undone_at)
  AND length(s.secret) > 0 AND length(l.secret) > 0
  AND NOT EXISTS (
    SELECT FROM leads_merge AS o
    WHERE o.survivor_id = m.survivor_id AND o.id < m.id AND (o.undone_at IS NULL OR o.undone_at > m.at)
  )
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("leads", "0006_history_of_mergers")]

    operations: ClassVar[list[Operation]] = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
