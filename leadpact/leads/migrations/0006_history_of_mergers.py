"""What leads publishes of mergers: whose a trail was when, who was part of whom, and which account came with it."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

# Of mergers that stand: where the survivor had no account of its own, it has the other's. Of those that were undone before
# this, nobody wrote it down.
FILL = """
UPDATE leads_merge AS m SET gave_account_id = l.account_id FROM leads_person AS l, leads_person AS s
WHERE l.id = m.loser_id AND s.id = m.survivor_id AND m.undone_at IS NULL AND m.before ? 'account'
  AND m.before ->> 'account' IS NULL AND s.account_id = l.account_id
"""

VIEWS = """
CREATE VIEW leads_trail_move_v1 AS SELECT id, visitor_id, person_id, known_at FROM leads_tie;
COMMENT ON VIEW leads_trail_move_v1 IS 'Whose a trail was since when, of trails that mergers moved: each stands until the next.';

CREATE VIEW leads_merger_v1 AS
SELECT id, survivor_id, loser_id, survivor_lead_id, loser_lead_id, at, undone_at, gave_account_id FROM leads_merge;
COMMENT ON VIEW leads_merger_v1 IS 'Records that were joined, from when to when, and the account that the survivor had from it.';
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("leads", "0005_history_views")]

    operations: ClassVar[list[Operation]] = [
        migrations.AddField(
            "merge",
            "gave_account",
            models.ForeignKey(
                help_text="The survivor had none of its own and got this one.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.account",
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(VIEWS, "DROP VIEW leads_trail_move_v1; DROP VIEW leads_merger_v1"),
    ]
